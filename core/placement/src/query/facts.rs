//! What an expression can query about an instance.

/// The facts about one container instance.
///
/// `None` means unknown or absent: only `!exists` holds for it.
pub trait Facts {
    /// The attribute with that name; `Some(None)` if it has no value.
    fn attribute(&self, name: &str) -> Option<Option<&str>>;

    /// Whether the agent is connected.
    fn agent_connected(&self) -> Option<bool>;

    /// The version of the agent.
    fn agent_version(&self) -> Option<&str>;

    /// The EC2 instance id.
    fn ec2_instance_id(&self) -> Option<&str>;

    /// When the instance was registered, in whole seconds since 1970-01-01T00:00:00Z.
    fn registered_at(&self) -> Option<i64>;

    /// Number of tasks that should run.
    ///
    /// Source: chosen by us, as for placement: tasks whose desired status is RUNNING, including
    /// pending ones.
    fn running_tasks(&self) -> Option<u32>;

    /// Whether a group of one of those tasks satisfies a condition.
    fn any_group(&self, satisfies: &mut dyn FnMut(&str) -> bool) -> bool;
}
