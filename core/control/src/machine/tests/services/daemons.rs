//! One task on each instance.

use super::*;

fn create(town: &mut Town) -> Value {
    let body = json!({"serviceName": "s", "taskDefinition": "web", "schedulingStrategy": "DAEMON"});
    town.world.ok("CreateService", &body)["service"].take()
}

fn each_has(town: &mut Town, hosts: &[String], tasks: i64) {
    for host in hosts {
        assert_eq!(town.world.instance(host)["runningTasksCount"], tasks, "{host}");
    }
}

#[test]
fn a_daemon_runs_once_on_each_instance_and_on_those_that_come() {
    let (mut town, mut hosts) = Town::new(3);
    let created = create(&mut town);
    assert_eq!(created["deploymentConfiguration"]["maximumPercent"], 100);
    assert_eq!(created["deploymentConfiguration"]["minimumHealthyPercent"], 0);
    town.settle();
    each_has(&mut town, &hosts, 1);
    assert_eq!(counts(&town.service()), (3, 0, 3));
    hosts.push(town.world.host(1024, 1024));
    town.settle();
    each_has(&mut town, &hosts, 1);
    assert_eq!(counts(&town.service()), (4, 0, 4));
    assert_eq!(rollouts(&town.service()), ["COMPLETED"]);
}

#[test]
fn a_draining_instance_loses_its_daemon_at_once() {
    let (mut town, hosts) = Town::new(2);
    create(&mut town);
    town.settle();
    let body = json!({"containerInstances": [hosts[0]], "status": "DRAINING"});
    town.world.ok("UpdateContainerInstancesState", &body);
    town.pass(100);
    each_has(&mut town, &hosts[..1], 0);
    assert_eq!(counts(&town.service()), (1, 0, 1));
}

#[test]
fn a_daemon_is_deployed_in_place() {
    let (mut town, hosts) = Town::new(4);
    create(&mut town);
    town.settle();
    town.update(json!({"deploymentConfiguration": {"minimumHealthyPercent": 50}}));
    town.settle();
    (town.most, town.fewest) = (0, usize::MAX);
    town.update(json!({"taskDefinition": "next"}));
    town.settle();
    each_has(&mut town, &hosts, 1);
    assert_eq!(rollouts(&town.service()), ["COMPLETED"]);
    assert!(town.fewest >= 2 && town.most <= 4, "{} to {}", town.fewest, town.most);
}

#[test]
fn a_full_instance_is_told_and_tried_again() {
    let (mut town, hosts) = Town::new(1);
    let others: Vec<String> = (0..8).map(|_| town.world.run("web")).collect();
    create(&mut town);
    town.settle();
    assert_eq!(counts(&town.service()), (0, 0, 1));
    assert!(town.events().pop().is_some_and(|one| one.contains("insufficient CPU")));
    town.tell(id(&hosts[0]), ended(&others[0], StopCause::EssentialContainerExited, Some(0)));
    town.settle();
    assert_eq!(counts(&town.service()), (1, 0, 1));
}

#[test]
fn a_daemon_is_deleted_without_force() {
    let (mut town, hosts) = Town::new(2);
    create(&mut town);
    town.settle();
    town.world.ok("DeleteService", &json!({"service": "s"}));
    town.settle();
    each_has(&mut town, &hosts, 0);
    assert_eq!(town.service()["status"], "INACTIVE");
    town.world.host(1024, 1024);
    town.settle();
    assert_eq!(counts(&town.service()), (0, 0, 0));
}

#[test]
fn what_a_daemon_cannot_have_is_refused() {
    let (mut town, _) = Town::new(0);
    for (extra, text) in [
        (json!({"desiredCount": 2}), "does not support a desired count"),
        (
            json!({"placementStrategy": [{"type": "random"}]}),
            "does not support placement strategies",
        ),
        (json!({"deploymentConfiguration": {"maximumPercent": 200}}), "above 100"),
    ] {
        let mut body =
            json!({"serviceName": "s", "taskDefinition": "web", "schedulingStrategy": "DAEMON"});
        let Value::Object(extra) = extra else { panic!("an object") };
        body.as_object_mut().expect("an object").extend(extra);
        let refusal = town.world.refused("CreateService", &body);
        assert_eq!(refusal.code, ErrorCode::InvalidParameter);
        assert!(refusal.message.contains(text), "{}", refusal.message);
    }
}

#[test]
fn a_daemon_leaves_an_instance_that_lacks_what_its_next_definition_requires() {
    let (mut town, hosts) = Town::new(1);
    create(&mut town);
    town.settle();
    let container = json!({"name": "app", "image": "x", "memory": 64, "privileged": true});
    let body = json!({"family": "deep", "containerDefinitions": [container]});
    town.world.ok("RegisterTaskDefinition", &body);
    town.update(json!({"taskDefinition": "deep"}));
    town.settle();
    each_has(&mut town, &hosts, 0);
    assert_eq!(counts(&town.service()), (0, 0, 0));
}

#[test]
fn a_daemon_shows_that_its_zones_are_not_evened_out() {
    let (mut town, _) = Town::new(1);
    let body = json!({"serviceName": "s", "taskDefinition": "web", "schedulingStrategy": "DAEMON"});
    town.world.ok("CreateService", &body);
    assert_eq!(town.service()["availabilityZoneRebalancing"], "DISABLED");
}
