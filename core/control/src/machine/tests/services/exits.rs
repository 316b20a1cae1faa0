//! Tasks that run and exit repeatedly, or end before they were ever RUNNING.

use longshore_wire_ecs::host::{ContainerReport, TaskReport};

use super::*;

/// Number of tasks started so far.
fn starts(town: &mut Town) -> usize {
    let stopped = town.world.ok("ListTasks", &json!({"desiredStatus": "STOPPED"}));
    stopped["taskArns"].as_array().map_or(0, Vec::len) + town.tasks().len()
}

/// The events reporting that tasks keep exiting.
fn told(town: &mut Town) -> Vec<String> {
    town.events().into_iter().filter(|one| one.contains("keep exiting")).collect()
}

#[test]
fn tasks_that_run_and_end_are_started_ever_more_slowly() {
    let (mut town, _) = Town::new(1);
    town.does.insert("web".into(), Does::Crash);
    town.create(json!({"desiredCount": 1}));
    town.pass(10_000);
    let soon = starts(&mut town);
    assert!((3..=5).contains(&soon), "{soon}");
    town.pass(3_500_000);
    let later = starts(&mut town) - soon;
    assert!((8..=14).contains(&later), "{later} in an hour");
    town.pass(6 * 3_600_000);
    // Tasks that stopped more than an hour ago are forgotten: starts are at most 15 minutes apart.
    assert!((3..=5).contains(&starts(&mut town)), "it goes on, if slowly");
    assert_eq!(town.service()["deployments"][0]["failedTasks"], 0, "as AWS counts, they did start");
}

#[test]
fn an_event_names_exit_code_and_reason_once_in_a_while() {
    let (mut town, _) = Town::new(1);
    town.does.insert("web".into(), Does::Crash);
    town.create(json!({"desiredCount": 1}));
    town.pass(2_000);
    assert_eq!(told(&mut town), Vec::<String>::new(), "twice may be an accident");
    town.pass(3_600_000);
    let all = told(&mut town);
    assert_eq!(all.len(), 1, "{all:?}");
    for part in ["(service s)", "container app", "exited with code 1", "Killed by a test"] {
        assert!(all[0].contains(part), "{part:?} is missing: {all:?}");
    }
}

#[test]
fn a_task_that_ran_for_long_is_replaced_at_once() {
    let (mut town, _) = Town::new(1);
    town.create(json!({"desiredCount": 1}));
    for _ in 0..8 {
        town.pass(120_000);
        let task = town.tasks().remove(0);
        town.kill(&task);
        town.pass(1_500);
        assert_eq!(
            town.tasks().len(),
            1,
            "a service whose tasks run for minutes is not slowed down"
        );
    }
    assert_eq!(told(&mut town).len(), 1, "but it is told that they keep exiting");
    town.pass(700_000);
    let task = town.tasks().remove(0);
    town.kill(&task);
    town.pass(7 * 3_600_000);
    assert_eq!(told(&mut town).len(), 1, "one end now and then is nothing to tell");
}

#[test]
fn a_new_deployment_ends_the_delay_of_exits() {
    let (mut town, _) = Town::new(1);
    town.does.insert("web".into(), Does::Crash);
    town.create(json!({}));
    town.pass(3_600_000);
    town.update(json!({"taskDefinition": "next"}));
    town.settle();
    assert_eq!(counts(&town.service()), (2, 0, 2));
}

#[test]
fn a_daemon_whose_tasks_end_is_started_ever_more_slowly_too() {
    let (mut town, _) = Town::new(2);
    town.does.insert("web".into(), Does::Crash);
    let body = json!({"serviceName": "s", "taskDefinition": "web", "schedulingStrategy": "DAEMON"});
    town.world.ok("CreateService", &body);
    town.pass(60_000);
    let in_a_minute = starts(&mut town);
    assert!((10..=16).contains(&in_a_minute), "{in_a_minute} on two instances");
    assert_eq!(told(&mut town).len(), 1);
}

#[test]
fn the_delay_of_exits_outlives_a_restart() {
    let (mut town, hosts) = Town::new(1);
    town.does.insert("web".into(), Does::Crash);
    town.create(json!({"desiredCount": 1}));
    town.pass(20_000);
    let before = starts(&mut town);
    let mut after: World = super::super::storage::restarted(&town.world);
    after.generations.clear();
    town.world = after;
    town.world.step(crate::machine::Input::Connected(id(&hosts[0])));
    town.settle();
    assert_eq!(starts(&mut town), before);
}

/// A task of two containers. [`side_exited`] plays a host on which the second waits for the first.
fn define_pair(town: &mut Town) {
    let body = json!({"family": "pair", "containerDefinitions": [
        {"name": "side", "image": "x", "memory": 64, "healthCheck": {"command": ["CMD", "true"]}},
        {"name": "app", "image": "x", "memory": 64},
    ]});
    town.world.ok("RegisterTaskDefinition", &body);
}

/// A report on such a task whose first container exited before the second was started.
fn side_exited(task: &str, status: Reported, at: u64) -> TaskReport {
    let mut report = says(task, status);
    let side = ContainerReport {
        status: Reported::Stopped,
        exit_code: Some(1),
        ..report.containers[0].clone()
    };
    let app = ContainerReport { status, runtime_id: None, ..side.clone() };
    report.containers = vec![side, ContainerReport { exit_code: None, ..app }];
    report.execution_stopped_at = Some(at);
    report.cause = (status == Reported::Stopped).then_some(StopCause::EssentialContainerExited);
    report
}

/// For the given time, ends every task of the service before it is ever RUNNING.
fn end_before_running(town: &mut Town, ms: u64, while_stopping: bool) {
    let end = town.world.now + ms;
    loop {
        for order in std::mem::take(&mut town.world.orders) {
            for ordered in order.tasks.iter().filter(|one| one.desired == Desired::Running) {
                let (task, at) = (ordered.spec.arn.to_string(), town.world.now.millis());
                if while_stopping {
                    let report = side_exited(&task, Reported::Pending, at);
                    town.tell(order.instance, report);
                }
                town.tell(order.instance, side_exited(&task, Reported::Stopped, at));
            }
        }
        let Some(at) = town.world.control.wake_at().filter(|at| *at <= end) else { break };
        let now = town.world.now.max(at);
        town.world.tick_at(now);
    }
    town.world.tick_at(end);
}

#[test]
fn a_container_that_ends_before_its_task_was_running_is_a_failed_start() {
    for while_stopping in [false, true] {
        let (mut town, _) = Town::new(1);
        define_pair(&mut town);
        town.create(json!({"taskDefinition": "pair", "desiredCount": 1}));
        end_before_running(&mut town, 60_000, while_stopping);
        let in_a_minute = starts(&mut town);
        assert!((5..=8).contains(&in_a_minute), "{in_a_minute}");
        let failed = town.service()["deployments"][0]["failedTasks"].as_u64();
        assert_eq!(failed, u64::try_from(in_a_minute).ok());
        let stopped = town.world.ok("ListTasks", &json!({"desiredStatus": "STOPPED"}));
        let stopped = town.world.task(&text(&stopped["taskArns"][0]));
        assert_eq!(stopped["startedAt"], Value::Null, "it never was: {stopped}");
        assert_eq!(stopped["stopCode"], "EssentialContainerExited");
        let impaired = "(service s) is unable to consistently start tasks successfully.";
        assert!(town.events().iter().any(|one| one == impaired), "{:?}", town.events());
    }
}

#[test]
fn a_container_that_ends_before_its_task_was_running_trips_the_breaker() {
    let (mut town, _) = Town::new(1);
    define_pair(&mut town);
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}});
    let extra =
        json!({"taskDefinition": "pair", "desiredCount": 1, "deploymentConfiguration": breaker});
    town.create(extra);
    end_before_running(&mut town, 60_000, true);
    assert_eq!(rollouts(&town.service()), ["FAILED"]);
}

/// A town where exits count for the circuit breaker, with a service that fails after three
/// failures.
fn strict_town(extra: Value) -> Town {
    let (mut town, _) = Town::new(1);
    town.world.control.state.policy = crate::Policy { breaker_counts_exits: true };
    town.does.insert("next".into(), Does::Crash);
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let mut body = json!({"desiredCount": 1, "deploymentConfiguration": breaker});
    if let (Some(body), Value::Object(extra)) = (body.as_object_mut(), extra) {
        body.extend(extra);
    }
    town.create(body);
    town
}

#[test]
fn exits_trip_the_breaker_where_they_are_to_count() {
    let mut town = strict_town(json!({}));
    town.pass(15_000);
    assert_eq!(rollouts(&town.service()), ["COMPLETED"]);
    town.update(json!({"taskDefinition": "next"}));
    town.pass(30_000);
    let service = town.service();
    assert!(text(&service["taskDefinition"]).ends_with("/web:1"), "{service}");
    assert_eq!((counts(&service), rollouts(&service)), ((1, 0, 1), vec!["COMPLETED".into()]));
    assert!(town.events().iter().any(|one| one.ends_with("deployment failed: tasks exited.")));
}

#[test]
fn a_deployment_whose_tasks_exit_after_some_seconds_is_given_up_where_exits_count() {
    let mut town = strict_town(json!({}));
    for _ in 0..3 {
        town.pass(6_000);
        assert_eq!(rollouts(&town.service()), ["IN_PROGRESS"], "it has not run for long enough");
        let task = town.tasks().remove(0);
        town.kill(&task);
    }
    town.settle();
    assert_eq!(rollouts(&town.service()), ["FAILED"]);
}

#[test]
fn a_health_check_that_passes_makes_up_for_exits() {
    let (mut town, _) = Town::new(1);
    town.world.control.state.policy = crate::Policy { breaker_counts_exits: true };
    let check = json!({"command": ["CMD", "true"]});
    let container = json!({"name": "app", "image": "x", "memory": 64, "healthCheck": check});
    let body = json!({"family": "checked", "containerDefinitions": [container]});
    town.world.ok("RegisterTaskDefinition", &body);
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}});
    town.create(
        json!({"taskDefinition": "checked", "desiredCount": 2, "deploymentConfiguration": breaker}),
    );
    let failed = |town: &mut Town| town.service()["deployments"][0]["failedTasks"].clone();
    town.settle();
    let task = town.tasks().remove(0);
    town.kill(&task);
    assert_eq!(failed(&mut town), 1);
    town.settle();
    assert_eq!(failed(&mut town), 1, "that a task runs says nothing");
    let task = town.tasks().remove(0);
    let mut report = says(&task, Reported::Running);
    report.containers[0].health = Health::Healthy;
    let instance = id(&text(&town.world.task(&task)["containerInstanceArn"]));
    town.tell(instance, report);
    assert_eq!(failed(&mut town), 0);
}
