//! The life of a task, from `RunTask` until it is forgotten.

use longshore_machine::Machine;
use longshore_wire_ecs::ErrorCode;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{Desired, Reported, StopCause};
use serde_json::json;

use super::{World, ended, id, says, text};
use crate::limits::STOPPED_TASK_VISIBLE_MS;
use crate::machine::{Change, Input, Key};

#[test]
fn run_task_reserves_on_an_instance_and_orders_its_agent() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    let task = world.run("web");
    let [order] = &*world.orders else { panic!("one order, not {:?}", world.orders) };
    assert_eq!((order.instance, order.full), (id(&host), false));
    let [ordered] = &*order.tasks else { panic!("one task, not {:?}", order.tasks) };
    assert_eq!(
        (ordered.spec.id, ordered.desired, ordered.was_running),
        (id(&task), Desired::Running, false)
    );
    assert_eq!(
        (&*ordered.spec.arn, &*ordered.spec.family, ordered.spec.revision),
        (&*task, "web", 1)
    );
    assert_eq!((world.remaining(&host, "CPU"), world.remaining(&host, "MEMORY")), (512, 896));
    let shown = world.instance(&host);
    assert_eq!((&shown["runningTasksCount"], &shown["pendingTasksCount"]), (&json!(1), &json!(1)));
}

#[test]
fn a_report_of_running_makes_it_running_and_raises_its_version_by_one() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    let task = world.run("web");
    let before = world.task(&task);
    assert_eq!((&before["lastStatus"], &before["startedAt"]), (&json!("PENDING"), &json!(null)));
    world.now = world.now + 5_000;
    world.report(&host, says(&task, Reported::Running));
    let after = world.task(&task);
    assert_eq!(
        (&after["lastStatus"], &after["desiredStatus"]),
        (&json!("RUNNING"), &json!("RUNNING"))
    );
    assert_eq!(after["startedAt"], json!(world.now.seconds()));
    assert_eq!(after["version"].as_i64(), before["version"].as_i64().map(|version| version + 1));
    assert_eq!(after["containers"][0]["runtimeId"], "runtime-1");
}

#[test]
fn resources_come_back_when_a_task_is_stopped_and_not_when_it_is_told_to_stop() {
    let mut world = World::new();
    let host = world.host(512, 1024);
    let task = world.run("web");
    world.report(&host, says(&task, Reported::Running));
    let told = world.ok("StopTask", &json!({"task": task, "reason": "enough"}));
    assert_eq!(
        (&told["task"]["desiredStatus"], &told["task"]["lastStatus"]),
        (&json!("STOPPED"), &json!("STOPPING"))
    );
    assert_eq!(world.orders[0].tasks[0].desired, Desired::Stopped);
    let too_early = world.start("web", &host);
    assert_eq!(too_early["tasks"], json!([]));
    assert_eq!(
        (&too_early["failures"][0]["reason"], &too_early["failures"][0]["arn"]),
        (&json!("RESOURCE:CPU"), &json!(host))
    );
    assert_eq!(world.remaining(&host, "CPU"), 0);
    world.report(&host, ended(&task, StopCause::Ordered, Some(143)));
    assert_eq!(world.remaining(&host, "CPU"), 512);
    let stopped = world.task(&task);
    assert_eq!(
        (&stopped["stopCode"], &stopped["stoppedReason"]),
        (&json!("UserInitiated"), &json!("enough"))
    );
    assert_eq!(stopped["containers"][0]["exitCode"], 143);
    assert_eq!(world.start("web", &host)["failures"], json!([]));
}

#[test]
fn stopping_a_task_again_orders_and_changes_nothing() {
    let mut world = World::new();
    world.host(1024, 1024);
    let task = world.run("web");
    let first = world.ok("StopTask", &json!({"task": task}));
    world.now = world.now + 1_000;
    assert_eq!(world.ok("StopTask", &json!({"task": task, "reason": "again"})), first);
    assert!(world.orders.is_empty() && world.changes.is_empty());
}

#[test]
fn a_report_that_repeats_another_changes_nothing() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    let task = world.run("web");
    for report in
        [says(&task, Reported::Running), ended(&task, StopCause::EssentialContainerExited, Some(0))]
    {
        world.report(&host, report.clone());
        assert!(!world.changes.is_empty());
        world.now = world.now + 1_000;
        world.report(&host, report);
        assert!(world.changes.is_empty());
        // A host that reports an end again has not been told that it may forget the task.
        assert!(world.orders.iter().all(|order| order.tasks.is_empty() && !order.full));
    }
}

#[test]
fn a_report_about_a_task_of_another_instance_is_ignored() {
    let mut world = World::new();
    let (one, two) = (world.host(1024, 1024), world.register(1024, 1024));
    let task = world.run("web");
    assert_eq!(world.task(&task)["containerInstanceArn"], json!(one));
    for liar in [id(&two), ResourceId(1)] {
        world.step(Input::Reported(vec![(liar, vec![says(&task, Reported::Running)])]));
        assert!(world.changes.is_empty());
    }
    assert_eq!(world.task(&task)["lastStatus"], "PENDING");
}

#[test]
fn a_task_whose_container_ended_before_all_of_it_ran_was_never_running() {
    let mut world = World::new();
    let host = world.host(4096, 4096);
    for ran in [true, false] {
        let task = world.run("web");
        let mut report = ended(&task, StopCause::EssentialContainerExited, Some(1));
        report.ran = ran;
        world.report(&host, report);
        let stopped = world.task(&task);
        assert_eq!(stopped["stopCode"], "EssentialContainerExited");
        // Services count a task without a start as a failed start.
        assert_eq!(stopped["startedAt"].is_number(), ran, "{stopped}");
    }
}

#[test]
fn the_cause_that_the_host_tells_becomes_the_stop_code() {
    let mut world = World::new();
    let host = world.host(4096, 4096);
    let reason = "CannotPullContainerError: no such image";
    for (cause, code) in [
        (StopCause::FailedToStart(reason.into()), "TaskFailedToStart"),
        (StopCause::EssentialContainerExited, "EssentialContainerExited"),
        (StopCause::Lost, "TerminationNotice"),
    ] {
        let task = world.run("web");
        world.report(&host, ended(&task, cause, None));
        let stopped = world.task(&task);
        assert_eq!(
            (&stopped["stopCode"], &stopped["desiredStatus"]),
            (&json!(code), &json!("STOPPED")),
            "{stopped}"
        );
        assert_eq!(stopped["startedAt"].is_null(), code != "EssentialContainerExited", "{stopped}");
        assert_eq!(stopped["stoppedReason"] == reason, code == "TaskFailedToStart", "{stopped}");
    }
}

#[test]
fn a_task_is_to_stop_once_its_essential_container_has_ended() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    let task = world.run("web");
    let mut report = says(&task, Reported::Running);
    report.execution_stopped_at = Some(world.now.millis());
    world.report(&host, report);
    let stopping = world.task(&task);
    assert_eq!(
        (&stopping["lastStatus"], &stopping["desiredStatus"]),
        (&json!("STOPPING"), &json!("STOPPED"))
    );
    assert_eq!(stopping["executionStoppedAt"], json!(world.now.seconds()));
    assert_eq!(world.ok("ListTasks", &json!({}))["taskArns"], json!([]));
    assert_eq!(
        world.ok("ListTasks", &json!({"desiredStatus": "STOPPED"}))["taskArns"],
        json!([task])
    );
}

#[test]
fn a_stopped_task_is_forgotten_after_an_hour() {
    let mut world = World::new();
    let host = world.host(1024, 1024);
    let task = world.run("web");
    assert_eq!(world.control.wake_at(), None);
    world.report(&host, ended(&task, StopCause::EssentialContainerExited, Some(0)));
    let due = world.now + STOPPED_TASK_VISIBLE_MS;
    assert_eq!(world.control.wake_at(), Some(due));
    world.tick_at(due - 1);
    assert_eq!(world.task(&task)["lastStatus"], "STOPPED");
    world.tick_at(due);
    assert!(matches!(&*world.changes, [Change::Forget(Key::Task(gone))] if *gone == id(&task)));
    assert_eq!(world.control.wake_at(), None);
    let reply = world.ok("DescribeTasks", &json!({"tasks": [task]}));
    assert_eq!((&reply["tasks"], &reply["failures"][0]["reason"]), (&json!([]), &json!("MISSING")));
}

#[test]
fn a_client_token_replays_conflicts_and_is_forgotten_with_its_tasks() {
    let mut world = World::new();
    let host = world.host(4096, 4096);
    let body = json!({"taskDefinition": "web", "count": 2, "clientToken": "once"});
    let first = world.ok("RunTask", &body);
    assert_eq!(first["tasks"].as_array().map(Vec::len), Some(2));
    assert_eq!(world.ok("RunTask", &body), first);
    assert!(world.orders.is_empty() && world.changes.is_empty());

    let conflict = world
        .refused("RunTask", &json!({"taskDefinition": "web", "count": 1, "clientToken": "once"}));
    let arns = [0, 1].map(|index| text(&first["tasks"][index]["taskArn"]));
    assert_eq!(conflict.code, ErrorCode::Conflict);
    assert_eq!(conflict.resource_ids.iter().map(|arn| &**arn).collect::<Vec<_>>(), arns);

    for arn in &arns {
        world.report(&host, ended(arn, StopCause::EssentialContainerExited, Some(0)));
    }
    world.tick_at(world.now + STOPPED_TASK_VISIBLE_MS);
    assert!(world.changes.iter().any(|change| matches!(change, Change::Forget(Key::Token(..)))));
    let second = world.ok("RunTask", &body);
    assert_ne!(second["tasks"][0]["taskArn"], first["tasks"][0]["taskArn"]);
}

#[test]
fn a_record_that_changes_often_in_a_step_is_named_once() {
    let mut world = World::new();
    world.host(4096, 4096);
    world.ok("RunTask", &json!({"taskDefinition": "web", "count": 3}));
    let tasks = world.changes.iter().filter(|change| matches!(change, Change::Task(_))).count();
    assert_eq!((tasks, world.changes.len()), (3, 3));
    assert_eq!((world.orders.len(), world.orders[0].tasks.len()), (1, 3));
}
