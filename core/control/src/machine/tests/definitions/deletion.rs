//! Task definitions are deregistered, deleted, and removed once nothing uses them.

use longshore_wire_ecs::ErrorCode;
use longshore_wire_ecs::host::{Reported, StopCause};
use serde_json::{Value, json};

use crate::limits::{DELETION_CHECK_MS, INACTIVE_SERVICE_VISIBLE_MS, STOPPED_TASK_VISIBLE_MS};
use crate::machine::tests::storage::restarted;
use crate::machine::tests::{World, ended, says, text};

fn delete(world: &mut World, names: &[&str]) -> Value {
    world.ok("DeleteTaskDefinitions", &json!({"taskDefinitions": names}))
}

/// A world whose `web:1` has been deregistered and deleted.
fn deleted() -> World {
    let mut world = World::new();
    world.ok("DeregisterTaskDefinition", &json!({"taskDefinition": "web:1"}));
    delete(&mut world, &["web:1"]);
    world
}

fn status(world: &mut World, name: &str) -> Option<Value> {
    let reply = world.call("DescribeTaskDefinition", &json!({"taskDefinition": name}));
    reply.ok().map(|mut reply| reply["taskDefinition"]["status"].take())
}

/// Advances time until deletions have been processed.
fn pass(world: &mut World, ms: u64) {
    let end = world.now + ms;
    while let Some(next) = longshore_machine::Machine::wake_at(&world.control) {
        if next > end {
            break;
        }
        world.tick_at(next.max(world.now));
    }
    world.now = end;
}

#[test]
fn an_inactive_definition_is_deleted_and_shown_as_being_deleted() {
    let mut world = World::new();
    world.define("web", 256);
    world.ok("DeregisterTaskDefinition", &json!({"taskDefinition": "web:1"}));
    let reply = delete(&mut world, &["web:1"]);
    assert_eq!(reply["failures"], json!([]));
    let shown = &reply["taskDefinitions"][0];
    assert_eq!(shown["status"], "DELETE_IN_PROGRESS");
    assert_eq!(shown["deleteRequestedAt"], json!(world.now.seconds()));
    let list = |world: &mut World, status: &str| {
        world.ok("ListTaskDefinitions", &json!({"status": status}))["taskDefinitionArns"].take()
    };
    assert_eq!(list(&mut world, "DELETE_IN_PROGRESS"), json!([shown["taskDefinitionArn"]]));
    assert_eq!(list(&mut world, "INACTIVE"), json!([]));
    // Deleting again has the same result.
    assert_eq!(delete(&mut world, &["web:1"])["taskDefinitions"][0], *shown);
}

#[test]
fn what_cannot_be_deleted_is_a_failure_beside_what_can() {
    let mut world = World::new();
    world.define("web", 256);
    world.ok("DeregisterTaskDefinition", &json!({"taskDefinition": "web:2"}));
    let foreign = "arn:aws-cn:ecs:us-east-1:123456789012:task-definition/web:2";
    let reply = delete(&mut world, &["web:2", "web:1", "web:9", "web", foreign]);
    assert_eq!(reply["taskDefinitions"][0]["revision"], 2);
    assert_eq!(reply["taskDefinitions"].as_array().map(Vec::len), Some(1));
    let invalid = "The specified task definition identifier is invalid. Specify a valid name or ARN and try again.";
    let failure = |arn: &str, reason: &str| json!({"arn": arn, "reason": reason});
    assert_eq!(
        reply["failures"],
        json!([
            failure(
                "web:1",
                "The specified task definition is still in ACTIVE status. Please deregister the target and try again."
            ),
            failure(
                "web:9",
                "The specified task definition does not exist. Specify a valid account, family, revision and try again."
            ),
            failure("web", invalid),
            failure(foreign, invalid),
        ])
    );
}

#[test]
fn one_to_ten_definitions_are_deleted_at_once() {
    let mut world = World::new();
    for count in [0, 11] {
        let names = vec!["web:9"; count];
        let error = world.refused("DeleteTaskDefinitions", &json!({"taskDefinitions": names}));
        assert_eq!(error.code, ErrorCode::InvalidParameter, "{error}");
    }
    assert_eq!(delete(&mut world, &["web:9"; 10])["failures"].as_array().map(Vec::len), Some(10));
}

#[test]
fn a_definition_that_is_being_deleted_starts_nothing_and_is_not_deregistered() {
    let mut world = deleted();
    world.host(1024, 1024);
    let error = world.refused("RunTask", &json!({"taskDefinition": "web:1"}));
    assert_eq!((error.code, &*error.message), (ErrorCode::Client, "TaskDefinition is inactive"));
    let service = json!({"serviceName": "s", "taskDefinition": "web:1", "desiredCount": 1});
    let error = world.refused("CreateService", &service);
    assert_eq!((error.code, &*error.message), (ErrorCode::Client, "TaskDefinition is inactive"));
    let error = world.refused("DeregisterTaskDefinition", &json!({"taskDefinition": "web:1"}));
    assert_eq!(
        (error.code, &*error.message),
        (
            ErrorCode::Client,
            "The task definition could not be deregistered because it is in the process of being deleted."
        )
    );
    let body = json!({"taskDefinition": "web"});
    assert_eq!(world.refused("DescribeTaskDefinition", &body).code, ErrorCode::Client);
}

#[test]
fn a_deleted_definition_that_nothing_uses_is_gone_soon_and_its_number_is_not_given_again() {
    let mut world = deleted();
    pass(&mut world, DELETION_CHECK_MS - 1);
    assert_eq!(status(&mut world, "web:1"), Some(json!("DELETE_IN_PROGRESS")));
    pass(&mut world, 1);
    assert_eq!(status(&mut world, "web:1"), None);
    assert_eq!(
        world.ok("ListTaskDefinitionFamilies", &json!({"status": "ALL"}))["families"],
        json!([])
    );
    let mut world = restarted(&world);
    assert_eq!(status(&mut world, "web:1"), None);
    world.define("web", 128);
    assert_eq!(status(&mut world, "web:2"), Some(json!("ACTIVE")));
}

#[test]
fn a_deleted_definition_stays_while_its_tasks_can_be_described() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    let task = world.run("web");
    world.report(&host, says(&task, Reported::Running));
    world.ok("DeregisterTaskDefinition", &json!({"taskDefinition": "web:1"}));
    delete(&mut world, &["web:1"]);
    pass(&mut world, 10 * DELETION_CHECK_MS);
    assert_eq!(status(&mut world, "web:1"), Some(json!("DELETE_IN_PROGRESS")));
    let mut world = restarted(&world);
    world.report(&host, ended(&task, StopCause::EssentialContainerExited, Some(0)));
    pass(&mut world, STOPPED_TASK_VISIBLE_MS - DELETION_CHECK_MS);
    assert_eq!(world.task(&task)["lastStatus"], "STOPPED");
    assert_eq!(status(&mut world, "web:1"), Some(json!("DELETE_IN_PROGRESS")));
    pass(&mut world, 2 * DELETION_CHECK_MS);
    assert_eq!(status(&mut world, "web:1"), None);
    restarted(&world);
}

#[test]
fn a_deleted_definition_stays_while_a_service_runs_it() {
    let mut world = World::new();
    let service = json!({"serviceName": "s", "taskDefinition": "web", "desiredCount": 0});
    world.ok("CreateService", &service);
    world.ok("DeregisterTaskDefinition", &json!({"taskDefinition": "web:1"}));
    delete(&mut world, &["web:1"]);
    pass(&mut world, 10 * DELETION_CHECK_MS);
    assert_eq!(status(&mut world, "web:1"), Some(json!("DELETE_IN_PROGRESS")));
    world.ok("DeleteService", &json!({"service": "s", "force": true}));
    pass(&mut world, INACTIVE_SERVICE_VISIBLE_MS + 2 * DELETION_CHECK_MS);
    assert_eq!(status(&mut world, "web:1"), None);
    restarted(&world);
}

#[test]
fn a_deletion_goes_on_after_a_restart() {
    let mut world = restarted(&deleted());
    assert_eq!(status(&mut world, "web:1"), Some(json!("DELETE_IN_PROGRESS")));
    pass(&mut world, DELETION_CHECK_MS);
    assert_eq!(status(&mut world, "web:1"), None);
}

#[test]
fn the_first_answer_to_a_client_token_outlives_the_definition() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    let body = json!({"taskDefinition": "web:1", "clientToken": "once"});
    let first = world.ok("RunTask", &body);
    let service = json!({"serviceName": "s", "taskDefinition": "web:1", "desiredCount": 0, "clientToken": "t"});
    world.ok("CreateService", &service);
    world.ok("DeregisterTaskDefinition", &json!({"taskDefinition": "web:1"}));
    assert_eq!(world.ok("RunTask", &body), first);
    assert_eq!(world.ok("CreateService", &service)["service"]["serviceName"], "s");
    delete(&mut world, &["web:1"]);
    let task = text(&first["tasks"][0]["taskArn"]);
    world.report(&host, says(&task, Reported::Running));
    assert_eq!(world.ok("RunTask", &body)["tasks"][0]["taskArn"], first["tasks"][0]["taskArn"]);
    let other = json!({"taskDefinition": "web:1", "clientToken": "once", "count": 2});
    assert_eq!(world.refused("RunTask", &other).code, ErrorCode::Conflict);
    let error = world.refused("RunTask", &json!({"taskDefinition": "web:1", "clientToken": "new"}));
    assert_eq!(error.message, "TaskDefinition is inactive");
}
