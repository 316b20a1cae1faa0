//! The life of a service, from creation to deletion.

use super::*;

#[test]
fn a_service_starts_its_tasks_and_becomes_steady() {
    let (mut town, _) = Town::new(3);
    let created = town.create(json!({"desiredCount": 3}));
    assert_eq!(counts(&created), (0, 0, 3));
    assert_eq!(rollouts(&created), ["IN_PROGRESS"]);
    assert_eq!(created["schedulingStrategy"], "REPLICA");
    assert_eq!(created["deploymentConfiguration"]["maximumPercent"], 200);
    assert_eq!(created["deploymentConfiguration"]["minimumHealthyPercent"], 100);
    town.settle();
    let service = town.service();
    assert_eq!(counts(&service), (3, 0, 3));
    assert_eq!(rollouts(&service), ["COMPLETED"]);
    let deployment = text(&service["deployments"][0]["id"]);
    let digits = deployment.strip_prefix("ecs-svc/").expect("its prefix");
    assert!(digits.len() == 19 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits}");
    let events = town.events();
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events[0].starts_with("(service s) has started 3 tasks: (task "), "{}", events[0]);
    assert_eq!(events[1], format!("(service s) (deployment {deployment}) deployment completed."));
    assert_eq!(events[2], "(service s) has reached a steady state.");
    for task in town.tasks() {
        let task = town.world.task(&task);
        assert_eq!(task["group"], "service:s");
        assert_eq!(task["startedBy"], deployment);
        assert_eq!(task["launchType"], "EC2");
    }
}

#[test]
fn a_task_that_ends_is_replaced() {
    let (mut town, _) = Town::new(1);
    town.create(json!({}));
    town.settle();
    let before = town.tasks();
    town.kill(&before[0]);
    town.settle();
    let after = town.tasks();
    assert_eq!(after.len(), 2);
    assert!(after.contains(&before[1]) && !after.contains(&before[0]));
    assert_eq!(counts(&town.service()), (2, 0, 2));
    let steady = town.events().iter().filter(|one| one.ends_with("steady state.")).count();
    assert_eq!(steady, 2, "once more after the replacement");
}

#[test]
fn a_task_that_a_person_stops_is_replaced() {
    let (mut town, _) = Town::new(1);
    town.create(json!({}));
    town.settle();
    let task = town.tasks().remove(0);
    town.world.ok("StopTask", &json!({"task": task}));
    town.settle();
    assert_eq!(counts(&town.service()), (2, 0, 2));
    assert_eq!(town.service()["deployments"][0]["failedTasks"], 0);
}

#[test]
fn a_service_is_scaled_out_and_in_without_a_deployment() {
    let (mut town, _) = Town::new(3);
    let first = text(&town.create(json!({}))["deployments"][0]["id"]);
    town.settle();
    town.update(json!({"desiredCount": 6}));
    town.settle();
    assert_eq!(counts(&town.service()), (6, 0, 6));
    let before = town.tasks();
    town.update(json!({"desiredCount": 1}));
    town.settle();
    let service = town.service();
    assert_eq!((counts(&service), text(&service["deployments"][0]["id"])), ((1, 0, 1), first));
    let left = town.tasks();
    let stopped = before.iter().find(|task| !left.contains(task)).expect("five were stopped");
    let stopped = town.world.task(stopped);
    assert_eq!(stopped["stopCode"], "ServiceSchedulerInitiated");
    let reason = text(&stopped["stoppedReason"]);
    assert!(reason.starts_with("Scaling activity initiated by (deployment ecs-svc/"), "{reason}");
    assert!(town.events().iter().any(|one| one.contains("has stopped 5 running tasks: (task ")));
}

#[test]
fn scaling_in_takes_from_where_most_tasks_are() {
    let (mut town, hosts) = Town::new(1);
    town.create(json!({"desiredCount": 3}));
    town.settle();
    let second = town.world.host(4096, 4096);
    town.update(json!({"desiredCount": 4}));
    town.settle();
    town.update(json!({"desiredCount": 2}));
    town.settle();
    for host in [&hosts[0], &second] {
        assert_eq!(town.world.instance(host)["runningTasksCount"], 1, "{host}");
    }
}

#[test]
fn a_deleted_service_drains_is_inactive_and_is_forgotten() {
    let (mut town, _) = Town::new(1);
    town.create(json!({}));
    town.settle();
    let refusal = town.world.refused("DeleteService", &json!({"service": "s"}));
    assert_eq!(refusal.message, "The service cannot be stopped while it is scaled above 0.");
    let deleted = town.world.ok("DeleteService", &json!({"service": "s", "force": true}));
    assert_eq!(deleted["service"]["status"], "DRAINING");
    assert_eq!(town.world.ok("ListServices", &json!({}))["serviceArns"], json!([]));
    let refusal = town.world.refused("UpdateService", &json!({"service": "s"}));
    assert_eq!(refusal.code, ErrorCode::ServiceNotActive);
    let again = json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 1});
    let refusal = town.world.refused("CreateService", &again);
    assert_eq!(refusal.message, "Unable to Start a service that is still Draining.");
    let refusal = town.world.refused("DeleteCluster", &json!({"cluster": "default"}));
    assert_eq!(refusal.code, ErrorCode::ClusterContainsContainerInstances);
    town.settle();
    let service = town.service();
    assert_eq!((text(&service["status"]), counts(&service)), ("INACTIVE".to_owned(), (0, 0, 0)));
    assert_eq!(service["deployments"], json!([]));
    town.pass(3_700_000);
    let missing = town.world.ok("DescribeServices", &json!({"services": ["s"]}));
    assert_eq!(missing["failures"][0]["reason"], "MISSING");
    assert_eq!(town.world.control.wake_at(), None);
}

#[test]
fn the_name_of_an_inactive_service_is_free_again() {
    let (mut town, _) = Town::new(1);
    town.create(json!({}));
    town.settle();
    town.world.ok("DeleteService", &json!({"service": "s", "force": true}));
    town.settle();
    let created = town.create(json!({"desiredCount": 1}));
    assert_eq!(created["status"], "ACTIVE");
    town.pass(3_700_000);
    assert_eq!(counts(&town.service()), (1, 0, 1), "what was there before is what is forgotten");
}

#[test]
fn a_cluster_with_services_is_not_deleted_and_counts_them() {
    let mut town = Town::new(0).0;
    town.create(json!({"desiredCount": 0}));
    let shown = town.world.ok("DescribeClusters", &json!({"include": ["STATISTICS"]}));
    assert_eq!(shown["clusters"][0]["activeServicesCount"], 1);
    let statistics = shown["clusters"][0]["statistics"].as_array().expect("a list");
    assert!(statistics.contains(&json!({"name": "activeEC2ServiceCount", "value": "1"})));
    let refusal = town.world.refused("DeleteCluster", &json!({"cluster": "default"}));
    assert_eq!(refusal.code, ErrorCode::ClusterContainsServices);
    town.world.ok("DeleteService", &json!({"service": "s"}));
    town.settle();
    town.world.ok("DeleteCluster", &json!({"cluster": "default"}));
}

#[test]
fn a_service_outlives_a_restart() {
    let (mut town, hosts) = Town::new(1);
    town.create(json!({"tags": [{"key": "a", "value": "b"}]}));
    town.settle();
    let before = town.service();
    town.world = super::super::storage::restarted(&town.world);
    assert_eq!(town.service(), before);
    town.settle();
    assert_eq!(town.service(), before, "nothing is started anew");
    town.world.step(crate::machine::Input::Connected(id(&hosts[0])));
    town.update(json!({"desiredCount": 3}));
    town.settle();
    assert_eq!(counts(&town.service()), (3, 0, 3));
}

#[test]
fn many_services_converge_in_bounded_ticks() {
    let (mut town, _) = Town::new(40);
    for number in 0..50 {
        let name = format!("s{number}");
        town.create(json!({"serviceName": name, "desiredCount": 6}));
    }
    town.settle();
    for number in 0..50 {
        let service = town.named(&format!("s{number}"));
        assert_eq!((counts(&service), rollouts(&service)), ((6, 0, 6), vec!["COMPLETED".into()]));
    }
}
