//! The cluster state service, as clients see it.

use longshore_wire_blox::Fault;
use longshore_wire_blox::arn;

use super::super::*;
use super::town::Town;
use crate::call::Stream;
use crate::limits;

fn tasks(reply: Result<Reply, Fault>) -> usize {
    match reply {
        Ok(Reply::Tasks(all)) => all.len(),
        other => panic!("not tasks: {other:?}"),
    }
}

#[test]
fn clients_wait_until_everything_was_read_once() {
    let config = Config { clusters: Vec::new(), watches_all: true };
    let mut daemon = Daemon::new(config, &[], 1).expect("there are no rows");
    let mut out = Vec::new();
    let call = Call::State(longshore_wire_blox::route::StateCall::TaskStream(0));
    let input = Input::Called { ticket: Ticket(1), call };
    daemon.step(Timestamp::from_millis(1), input, &mut out);
    let is_told = |one: &Output| {
        matches!(one, Output::Reply { reply: Reply::Refused(Fault::Unavailable(_)), .. })
    };
    assert!(out.iter().any(is_told), "{out:?}");
}

#[test]
fn what_is_read_and_what_is_told_can_be_listed_and_followed() {
    let mut town = Town::new(2);
    assert_eq!(town.happened.len(), 2);
    let Ok(Reply::Instances(all)) = town.get("/v1/instances?cluster=WebCluster") else { panic!() };
    assert_eq!(all.len(), 2);
    town.create("e", "d:1", "");
    town.deploy("e").expect("it can be deployed");
    assert_eq!(tasks(town.get("/v1/tasks?status=pending")), 2);
    let versions: Vec<u64> = town.happened.iter().map(Happened::version).collect();
    assert!(versions.windows(2).all(|pair| pair[0] < pair[1]), "{versions:?}");
    let from = versions[2];
    let reply = town.get(&format!("/v1/stream/tasks?entityVersion={from}"));
    let Ok(Reply::Follow(Stream::Tasks, old)) = reply else { panic!("{reply:?}") };
    assert_eq!(old.first().map(Happened::version), Some(from));
    let next = versions.last().copied().unwrap_or(0) + 1;
    let reply = town.get(&format!("/v1/stream/tasks?entityVersion={next}"));
    assert_eq!(reply, Err(Fault::OutOfRange));
    let id = all[0].record.arn.clone();
    assert!(arn::is_instance_arn(&id), "{id}");
    let reply = town.get(&format!("/v1/instances/WebCluster/{id}"));
    assert!(matches!(reply, Ok(Reply::Instance(_))), "{reply:?}");
    let reply = town.get(&format!("/v1/instances/Other/{id}"));
    assert_eq!(reply, Err(Fault::InstanceNotFound));
}

#[test]
fn versions_grow_over_a_restart() {
    let mut town = Town::new(2);
    let before = town.daemon.version();
    town.happened.clear();
    town.restart();
    let first = town.happened.first().map(Happened::version);
    assert_eq!((before, first), (2, Some(limits::VERSIONS_RESERVED + 1)));
}

#[test]
fn events_that_are_lost_are_made_up_for_by_readings() {
    let mut town = Town::new(1);
    town.create("e", "d:1", "");
    town.deploy("e").expect("it can be deployed");
    town.tells = false;
    let second = town.add_instance();
    town.pass(limits::CHECK_MAX_MS * 2);
    assert_eq!(town.live().len(), 2, "{second} was found by a reading");
    let task = town.tasks.values().find(|task| task.desired_running).map(|task| task.arn.clone());
    town.change_task(&task.expect("one runs"), |task| {
        task.last_status = longshore_replica::LastStatus::Stopped;
        task.desired_running = false;
    });
    town.pass(limits::CHECK_MAX_MS * 2);
    assert_eq!(town.live().len(), 2);
}

#[test]
fn stopped_tasks_are_shown_for_an_hour() {
    let mut town = Town::new(1);
    town.create("e", "d:1", "");
    town.deploy("e").expect("it can be deployed");
    town.ask("DELETE", "/v1/environments/e?terminateTasks=true", "").expect("it can be deleted");
    assert_eq!(tasks(town.get("/v1/tasks?status=stopped")), 0, "details are those of the start");
    assert_eq!(tasks(town.get("/v1/tasks")), 1);
    town.tasks.clear();
    town.pass(limits::STOPPED_KEPT_MS + 1_000);
    assert_eq!(tasks(town.get("/v1/tasks")), 0);
}
