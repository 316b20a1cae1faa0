//! Records of the stream that operators subscribe to. Source: \[P1\].
//!
//! The first record is [`subscribed`](crate::v1::subscribed); a [`heartbeat`] follows at once, and again every
//! [`HEARTBEAT_SECONDS`](crate::HEARTBEAT_SECONDS).

use longshore_bridge::AgentId;
use longshore_bridge::operator::{AgentEntry, AgentView, Change, FrameworkView, TaskView};
use longshore_wire_mesos::v1::master::Event;
use longshore_wire_mesos::v1::master::event::{
    AgentAdded, AgentRemoved, FrameworkAdded, FrameworkRemoved, FrameworkUpdated, TaskAdded,
    TaskUpdated, Type,
};
use longshore_wire_mesos::{Media, Message, json, v1 as wire};

use crate::v1;

/// Encodes an event as the body of a record.
pub fn encode(event: &Event, media: Media) -> Vec<u8> {
    match media {
        Media::Protobuf => event.encode_to_vec(),
        Media::Json => {
            let mut body = Vec::new();
            json::write("mesos.v1.master.Event", event, &mut body);
            body
        }
    }
}

fn event(of: Type) -> Event {
    Event { r#type: Some(of.into()), ..Event::default() }
}

/// Something happened; none for a task of which nobody has said anything.
pub fn of(change: &Change) -> Option<Event> {
    Some(match change {
        Change::TaskAdded(task) => task_added(task),
        Change::TaskUpdated(task) => return task_updated(task),
        Change::AgentAdded(agent, entry) => agent_added(agent, entry),
        Change::AgentRemoved(agent) => agent_removed(agent),
        Change::FrameworkAdded(framework) => framework_added(framework),
        Change::FrameworkUpdated(framework) => framework_updated(framework),
        Change::FrameworkRemoved(framework) => framework_removed(framework),
    })
}

/// Nothing happened.
pub fn heartbeat() -> Event {
    event(Type::Heartbeat)
}

/// A task was launched.
pub fn task_added(task: &TaskView) -> Event {
    Event { task_added: Some(TaskAdded { task: v1::task(task) }), ..event(Type::TaskAdded) }
}

/// A task has a new status, which is its last. Source: only for those that change its state or its health.
pub fn task_updated(task: &TaskView) -> Option<Event> {
    let status = task.statuses.last()?;
    let updated = TaskUpdated {
        framework_id: wire::FrameworkId { value: task.framework.to_string() },
        status: v1::status(task, status),
        state: task.state.into(),
    };
    Some(Event { task_updated: Some(updated), ..event(Type::TaskUpdated) })
}

/// An agent is there.
pub fn agent_added(agent: &AgentView, entry: &AgentEntry) -> Event {
    let added = AgentAdded { agent: v1::agent(agent, entry, false) };
    Event { agent_added: Some(added), ..event(Type::AgentAdded) }
}

/// An agent is gone.
pub fn agent_removed(agent: &AgentId) -> Event {
    let removed = AgentRemoved { agent_id: wire::AgentId { value: agent.to_string() } };
    Event { agent_removed: Some(removed), ..event(Type::AgentRemoved) }
}

/// A framework has subscribed for the first time.
pub fn framework_added(framework: &FrameworkView) -> Event {
    let added = FrameworkAdded { framework: v1::framework_alone(framework) };
    Event { framework_added: Some(added), ..event(Type::FrameworkAdded) }
}

/// A framework has come back, or describes itself anew.
pub fn framework_updated(framework: &FrameworkView) -> Event {
    let updated = FrameworkUpdated { framework: v1::framework_alone(framework) };
    Event { framework_updated: Some(updated), ..event(Type::FrameworkUpdated) }
}

/// A framework is gone.
pub fn framework_removed(framework: &FrameworkView) -> Event {
    let removed = FrameworkRemoved { framework_info: framework.info.clone() };
    Event { framework_removed: Some(removed), ..event(Type::FrameworkRemoved) }
}
