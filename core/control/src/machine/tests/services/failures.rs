//! Tasks that do not start, do not stay running, or are unhealthy.

use super::*;
use crate::announce::{ActionName, Announced, DeploymentName};

fn breaker(rollback: bool) -> Value {
    json!({"deploymentCircuitBreaker": {"enable": true, "rollback": rollback}})
}

#[test]
fn the_circuit_breaker_gives_a_deployment_up() {
    let (mut town, _) = Town::new(1);
    town.does.insert("next".into(), Does::FailToStart);
    town.create(json!({"deploymentConfiguration": breaker(false)}));
    town.settle();
    town.update(json!({"taskDefinition": "next"}));
    town.pass(60_000);
    let service = town.service();
    assert_eq!(rollouts(&service), ["FAILED", "COMPLETED"]);
    assert_eq!(counts(&service), (2, 0, 2), "the old ones stay");
    let failed = &service["deployments"][0];
    assert!(failed["failedTasks"].as_i64() >= Some(3), "{failed}");
    assert_eq!(
        failed["rolloutStateReason"],
        "ECS deployment circuit breaker: tasks failed to start."
    );
    let started = town.events().iter().filter(|one| one.contains("has started")).count();
    town.pass(600_000);
    let later = town.events().iter().filter(|one| one.contains("has started")).count();
    assert_eq!(started, later, "nothing more is started");
    assert!(
        town.events().iter().any(|one| one.ends_with("deployment failed: tasks failed to start."))
    );
}

#[test]
fn the_circuit_breaker_rolls_back() {
    let (mut town, _) = Town::new(1);
    town.does.insert("next".into(), Does::FailToStart);
    let percents = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}, "minimumHealthyPercent": 0, "maximumPercent": 100});
    let first =
        text(&town.create(json!({"deploymentConfiguration": percents}))["deployments"][0]["id"]);
    town.settle();
    town.update(json!({"taskDefinition": "next"}));
    town.pass(60_000);
    let service = town.service();
    assert_eq!((counts(&service), rollouts(&service)), ((2, 0, 2), vec!["COMPLETED".into()]));
    assert_eq!(text(&service["deployments"][0]["id"]), first);
    assert!(text(&service["taskDefinition"]).ends_with("/web:1"));
    assert!(town.events().contains(&format!("(service s) rolling back to deployment {first}.")));
}

#[test]
fn without_a_completed_deployment_there_is_nothing_to_roll_back_to() {
    let (mut town, _) = Town::new(1);
    town.does.insert("web".into(), Does::FailToStart);
    town.create(json!({"deploymentConfiguration": breaker(true)}));
    town.pass(60_000);
    assert_eq!(rollouts(&town.service()), ["FAILED"]);
    town.update(json!({"taskDefinition": "next"}));
    town.settle();
    assert_eq!(rollouts(&town.service()), ["COMPLETED"]);
}

#[test]
fn starts_that_fail_are_delayed_more_and_more_and_never_given_up() {
    let (mut town, _) = Town::new(1);
    town.does.insert("web".into(), Does::FailToStart);
    town.create(json!({"desiredCount": 1}));
    town.pass(60_000);
    let started = |town: &mut Town| {
        town.events().iter().filter(|one| one.contains("has started 1 tasks")).count()
    };
    let in_a_minute = started(&mut town);
    assert!((5..=8).contains(&in_a_minute), "{in_a_minute}");
    let impaired = "(service s) is unable to consistently start tasks successfully.";
    assert_eq!(town.events().iter().filter(|one| *one == impaired).count(), 1);
    town.pass(6 * 3_600_000);
    let later = started(&mut town);
    assert!((in_a_minute + 10..in_a_minute + 40).contains(&later), "{later}");
    town.does.clear();
    town.pass(1_700_000);
    assert_eq!(counts(&town.service()), (1, 0, 1), "it goes on, if slowly");
    town.does.insert("web".into(), Does::FailToStart);
    let task = town.tasks().remove(0);
    town.kill(&task);
    town.does.clear();
    town.settle();
    assert_eq!(counts(&town.service()), (1, 0, 1), "a task that ran ends the delay");
}

#[test]
fn a_new_definition_ends_the_delay() {
    let (mut town, _) = Town::new(1);
    town.does.insert("web".into(), Does::FailToStart);
    town.create(json!({}));
    town.pass(600_000);
    town.update(json!({"taskDefinition": "next"}));
    town.settle();
    assert_eq!(counts(&town.service()), (2, 0, 2));
}

fn define_checked(town: &mut Town, family: &str) {
    let container = json!({"name": "app", "image": "busybox", "memory": 64, "healthCheck": {"command": ["CMD", "true"]}});
    let body = json!({"family": family, "containerDefinitions": [container]});
    town.world.ok("RegisterTaskDefinition", &body);
}

#[test]
fn a_task_that_fails_its_health_check_is_replaced() {
    let (mut town, _) = Town::new(1);
    define_checked(&mut town, "sick");
    town.does.insert("sick".into(), Does::Sicken);
    town.create(json!({"taskDefinition": "sick", "desiredCount": 1, "deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 0}}));
    town.settle();
    let stopped = town.world.ok("ListTasks", &json!({"desiredStatus": "STOPPED"}));
    let stopped = town.world.task(&text(&stopped["taskArns"][0]));
    assert_eq!(stopped["stoppedReason"], "Task failed container health checks");
    assert!(town.events().iter().any(|one| one.ends_with("failed container health checks.")));
    assert_ne!(rollouts(&town.service()), ["COMPLETED"]);
}

#[test]
fn in_the_grace_period_health_does_not_count() {
    let (mut town, _) = Town::new(1);
    define_checked(&mut town, "sick");
    town.does.insert("sick".into(), Does::Sicken);
    town.create(
        json!({"taskDefinition": "sick", "desiredCount": 1, "healthCheckGracePeriodSeconds": 60}),
    );
    town.pass(59_000);
    assert_eq!((town.tasks().len(), town.events().len()), (1, 1));
    town.pass(3_000);
    assert!(town.tasks().len() > 1 || town.events().len() > 1, "then it does");
}

#[test]
fn failed_health_checks_trip_the_circuit_breaker() {
    let (mut town, _) = Town::new(1);
    define_checked(&mut town, "sick");
    town.does.insert("sick".into(), Does::Sicken);
    let first = text(
        &town.create(json!({"deploymentConfiguration": breaker(true)}))["deployments"][0]["id"],
    );
    town.settle();
    town.update(json!({"taskDefinition": "sick"}));
    town.pass(120_000);
    let service = town.service();
    assert_eq!(text(&service["deployments"][0]["id"]), first);
    assert_eq!((counts(&service), rollouts(&service)), ((2, 0, 2), vec!["COMPLETED".into()]));
}

/// Announcements during the given time, which nothing consumes yet.
fn announced(town: &mut Town, ms: u64) -> Vec<Announcement> {
    let end = town.world.now + ms;
    let mut all = Vec::new();
    while let Some(at) = town.world.control.wake_at().filter(|at| *at <= end) {
        let now = town.world.now.max(at);
        // Like `tick`, without the flush that clears them.
        let mut out = Vec::new();
        crate::service::look_at_due(&mut town.world.control, now, &mut out);
        all.append(&mut town.world.control.state.announced);
        crate::service::take_notice(&mut town.world.control, now);
        town.world.now = now;
        town.world.take_in(out);
        town.obey();
    }
    all
}

#[test]
fn what_services_do_is_announced() {
    let (mut town, _) = Town::new(1);
    town.create(json!({"desiredCount": 1}));
    let all = announced(&mut town, 3_000);
    let names: Vec<&Announced> = all.iter().map(|one| &one.what).collect();
    assert!(
        matches!(
            names[..],
            [
                Announced::Deployment { name: DeploymentName::Completed, .. },
                Announced::Action { name: ActionName::SteadyState, .. }
            ]
        ),
        "{names:?}"
    );
    town.update(json!({"desiredCount": 100}));
    let all = announced(&mut town, 3_000);
    let failure = all.iter().find_map(|one| match &one.what {
        Announced::Action { name: ActionName::TaskPlacementFailure, reason, instances } => {
            Some((reason.clone(), instances.len()))
        }
        _ => None,
    });
    assert_eq!(failure, Some((Some("RESOURCE:CPU".into()), 1)));
}

#[test]
fn a_restarted_control_plane_keeps_the_delay() {
    let (mut town, hosts) = Town::new(1);
    town.does.insert("web".into(), Does::FailToStart);
    town.create(json!({"desiredCount": 1}));
    town.pass(60_000);
    let tasks = |town: &mut Town| {
        let stopped = town.world.ok("ListTasks", &json!({"desiredStatus": "STOPPED"}));
        stopped["taskArns"].as_array().map(Vec::len)
    };
    let before = tasks(&mut town);
    town.world = super::super::storage::restarted(&town.world);
    town.world.step(crate::machine::Input::Connected(id(&hosts[0])));
    town.settle();
    assert_eq!(tasks(&mut town), before);
    let _: &Control = &town.world.control;
}
