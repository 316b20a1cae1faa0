//! At most once: over lost replies and restarts.

use longshore_wire_blox::scheduler::DeploymentStatus;

use super::super::*;
use super::town::{Fate, Town};
use crate::limits;

#[test]
fn a_lost_reply_is_settled_by_who_started_the_task() {
    for fate in [Fate::Lost, Fate::Vanished] {
        let mut town = Town::new(2);
        town.tells = false;
        town.create("e", "d:1", "");
        town.fate = fate;
        town.deploy("e").expect("it can be deployed");
        town.fate = Fate::Done;
        let begun = town.starts.len();
        town.pass(3_000);
        assert_eq!(town.starts.len(), begun, "{fate:?}: nothing is started while it is not known");
        town.pass(limits::SETTLE_MS * u64::from(limits::SETTLE_LOOKS) + 5_000);
        assert_eq!(town.live().len(), 2, "{fate:?}");
        assert_eq!(town.tasks.len(), 2, "{fate:?}");
    }
}

/// An answer with a task that the view cannot take says no more than a lost one.
#[test]
fn a_task_that_is_answered_without_details_is_looked_for() {
    let mut town = Town::new(2);
    town.tells = false;
    town.is_terse = true;
    town.create("e", "d:1", "");
    town.deploy("e").expect("it can be deployed");
    town.pass(5_000);
    assert_eq!((town.live().len(), town.tasks.len(), town.starts.len()), (2, 2, 1));
}

/// A program that dies with a request on its way is a lost reply too, and the row was there before the request.
#[test]
fn a_start_on_its_way_at_a_crash_is_not_made_twice() {
    let mut town = Town::new(3);
    town.tells = false;
    town.create("e", "d:1", "");
    town.fate = Fate::Silent;
    town.deploy("e").expect("it can be deployed");
    town.fate = Fate::Done;
    let late = town.starts[0].clone();
    town.restart();
    town.pass(2_000);
    assert_eq!(town.starts.len(), 1, "slots are in doubt");
    // ECS takes it only now.
    town.start(&late);
    town.pass(60_000);
    assert_eq!((town.live().len(), town.tasks.len()), (3, 3));
    assert_eq!(town.status("e"), DeploymentStatus::Completed);
}

#[test]
fn a_restart_in_quiet_times_doubts_nothing() {
    let mut town = Town::new(2);
    town.create("e", "d:1", "");
    town.deploy("e").expect("it can be deployed");
    town.pass(limits::CLOSE_MS + 1_000);
    let token = town.environment("e").deployment_token;
    let third = town.add_instance();
    town.restart();
    assert_eq!((town.live().len(), town.tasks.len()), (3, 3), "{third} at once");
    assert_eq!(town.environment("e").deployment_token, token);
    assert_eq!(town.deployments("e").len(), 1);
}

#[test]
fn an_environment_that_ends_goes_on_ending() {
    let mut town = Town::new(2);
    town.create("e", "d:1", "");
    town.deploy("e").expect("it can be deployed");
    town.pass(limits::CLOSE_MS + 1_000);
    town.runs = false;
    town.ask("DELETE", "/v1/environments/e?terminateTasks=true", "").expect("it can be deleted");
    town.runs = true;
    town.restart();
    for arn in town.tasks.keys().cloned().collect::<Vec<_>>() {
        town.stop(&arn, longshore_replica::StopCode::UserInitiated);
    }
    town.pass(5_000);
    assert_eq!((town.live().len(), town.rows.len()), (0, 1));
}

#[test]
fn rows_that_cannot_be_read_are_named() {
    let row = |kind: &str, body: &str| Row {
        kind: kind.to_owned(),
        id: "x".to_owned(),
        body: body.to_owned(),
    };
    for (kind, body) in
        [("environment", "{"), ("deployment", "1"), ("versions", "-"), ("other", "{}")]
    {
        let told = Daemon::new(Config::default(), &[row(kind, body)], 1);
        let why = told.expect_err("it cannot be read");
        assert!(why.contains(kind) && why.contains('x'), "{why}");
    }
}
