//! What an expression asks of an instance.

/// What is known of one container instance.
///
/// `None` means that it is not known, or that there is no such thing: no operator but `!exists` holds of it.
pub trait Facts {
    /// The attribute of that name; `Some(None)` when it has no value.
    fn attribute(&self, name: &str) -> Option<Option<&str>>;

    /// Whether the agent is connected.
    fn agent_connected(&self) -> Option<bool>;

    /// The version of the agent.
    fn agent_version(&self) -> Option<&str>;

    /// The id of the EC2 instance.
    fn ec2_instance_id(&self) -> Option<&str>;

    /// When the instance was registered, in whole seconds since 1970-01-01T00:00:00Z.
    fn registered_at(&self) -> Option<i64>;

    /// How many of its tasks should run.
    ///
    /// Source: chosen by us, as for placement: tasks whose desired status is RUNNING, pending ones too.
    fn running_tasks(&self) -> Option<u32>;

    /// Whether one of the groups of those tasks satisfies a condition.
    fn any_group(&self, satisfies: &mut dyn FnMut(&str) -> bool) -> bool;
}
