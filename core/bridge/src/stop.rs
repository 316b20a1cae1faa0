//! The end of a task is asked for until the cluster says that it should end.
//!
//! Invariant: for each launch one such question is out at a time, however long it takes.

use longshore_machine::Timestamp;
use longshore_replica::{Answer, Ask, Failure};
use longshore_wire_ecs::Str;

use crate::launch::Phase;
use crate::limits;
use crate::machine::Output;
use crate::observe;
use crate::state::{Bridge, Purpose, Timer};

/// What ECS is told when a framework's kill stops a task; after a restart it tells such a stop from others.
pub(crate) const KILL_REASON: &str = "Killed by its Mesos framework";

/// Asks for the end of a launch that ECS has.
pub(crate) fn ask(bridge: &mut Bridge, id: &Str, out: &mut Vec<Output>) {
    let Some(task) = bridge.launches.get(id).and_then(|launch| launch.arn.clone()) else { return };
    ask_of(bridge, id, task, KILL_REASON, out);
}

/// Asks for the end of a task that a launch turned out to have.
pub(crate) fn ask_of(
    bridge: &mut Bridge,
    id: &Str,
    task: Str,
    reason: &str,
    out: &mut Vec<Output>,
) {
    if bridge.stops_out.insert(id.clone()) {
        let ask = Ask::StopTask { task, reason: reason.into() };
        bridge.ask(Purpose::Stop(id.clone()), ask, out);
    }
}

/// What came of it.
pub(crate) fn answered(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    result: Result<Answer, Failure>,
    out: &mut Vec<Output>,
) {
    bridge.stops_out.remove(id);
    bridge.at(now + limits::STOP_RETRY_MS, Timer::Stop(id.clone()));
    match result {
        Ok(Answer::Stopped(task)) => observe::task(bridge, now, *task, out),
        Ok(_) => {}
        // Asked for again by the timer, and read meanwhile.
        Err(failure) => {
            out.push(Output::Note(format!("cannot stop a task yet, will retry: {failure}")));
        }
    }
}

/// Asks again, if it has not been heard that the task is to end.
pub(crate) fn again(bridge: &mut Bridge, id: &Str, out: &mut Vec<Output>) {
    let launch = bridge.launches.get(id);
    let Some(launch) = launch.filter(|launch| launch.phase == Phase::Known && launch.kill) else {
        return;
    };
    let heard = launch.arn.as_ref().and_then(|arn| bridge.replica.tasks().get(arn));
    if heard.is_none_or(|task| task.desired_running) {
        ask(bridge, id, out);
    }
}
