//! What operators do about agents and machines.

use longshore_bridge::operator::{AgentWish, Command};
use longshore_wire_mesos::v1::maintenance::{Schedule, Window};
use longshore_wire_mesos::v1::{MachineId, TimeInfo, Unavailability};

/// One of the things that an operator may do about the agent of an instance, by number.
pub(crate) fn command(agent: &str, number: u8) -> Command {
    let wish = |wish| Command::Agent(agent.into(), wish);
    let drain = |mark_gone| wish(AgentWish::Drain { max_grace_ms: Some(1), mark_gone });
    // Instances of this cluster have no other name.
    let machines = vec![MachineId { hostname: Some(agent.to_owned()), ip: None }];
    match number % 16 {
        0 => wish(AgentWish::MarkGone),
        1 => drain(true),
        2..5 => drain(false),
        5 | 6 => wish(AgentWish::Deactivate),
        7..10 => wish(AgentWish::Reactivate),
        10 => Command::Maintenance(Schedule::default()),
        11 => Command::MachinesDown(machines),
        12 => Command::MachinesUp(machines),
        _ => {
            let start = TimeInfo { nanoseconds: i64::from(number) };
            let unavailability = Unavailability { start, duration: None };
            let window = Window { machine_ids: machines, unavailability };
            Command::Maintenance(Schedule { windows: vec![window] })
        }
    }
}
