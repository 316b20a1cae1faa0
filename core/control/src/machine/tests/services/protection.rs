//! Task protection.

use super::*;

fn protect(town: &mut Town, task: &str, minutes: i64) -> Value {
    let body = json!({"cluster": "default", "tasks": [task], "protectionEnabled": true, "expiresInMinutes": minutes});
    town.world.ok("UpdateTaskProtection", &body)
}

#[test]
fn a_protected_task_survives_scaling_in_until_its_protection_ends() {
    let (mut town, _) = Town::new(1);
    town.create(json!({}));
    town.settle();
    for task in town.tasks() {
        let reply = protect(&mut town, &task, 10);
        assert_eq!(reply["protectedTasks"][0]["protectionEnabled"], true);
        assert_eq!(reply["failures"], json!([]));
    }
    town.update(json!({"desiredCount": 0}));
    town.settle();
    assert_eq!(counts(&town.service()), (2, 0, 0));
    assert!(town.events().iter().any(|one| one.contains("2 tasks are protected")));
    town.pass(600_000);
    assert_eq!(counts(&town.service()), (0, 0, 0));
}

#[test]
fn a_deployment_waits_for_protected_tasks() {
    let (mut town, _) = Town::new(1);
    town.create(json!({}));
    town.settle();
    let task = town.tasks().remove(0);
    protect(&mut town, &task, 10);
    town.update(json!({"taskDefinition": "next"}));
    town.settle();
    assert!(town.tasks().contains(&task));
    assert_eq!(rollouts(&town.service()), ["IN_PROGRESS", "COMPLETED"]);
    let reply = protect(&mut town, &task, 10);
    assert_eq!(reply["failures"][0]["reason"], "DEPLOYMENT_BLOCKED");
    let body = json!({"cluster": "default", "tasks": [task], "protectionEnabled": false});
    town.world.ok("UpdateTaskProtection", &body);
    town.settle();
    assert_eq!(rollouts(&town.service()), ["COMPLETED"]);
}

#[test]
fn only_tasks_of_services_can_be_protected() {
    let (mut town, _) = Town::new(1);
    let own = town.world.run("web");
    let unknown = "0".repeat(32);
    let body = json!({"cluster": "default", "tasks": [own, unknown], "protectionEnabled": true});
    let reply = town.world.ok("UpdateTaskProtection", &body);
    let reasons: Vec<&Value> =
        reply["failures"].as_array().expect("a list").iter().map(|one| &one["reason"]).collect();
    assert_eq!(reasons, ["TASK_NOT_VALID", "MISSING"]);
    let reply = town.world.ok("GetTaskProtection", &json!({"cluster": "default", "tasks": [own]}));
    assert_eq!(reply["failures"][0]["reason"], "TASK_NOT_VALID");
    for body in [
        json!({"cluster": "default", "tasks": [], "protectionEnabled": true}),
        json!({"cluster": "default", "tasks": [own]}),
        json!({"cluster": "default", "tasks": [own], "protectionEnabled": true, "expiresInMinutes": 2881}),
    ] {
        let refusal = town.world.refused("UpdateTaskProtection", &body);
        assert_eq!(refusal.code, ErrorCode::InvalidParameter);
    }
}
