//! Checks, which report what they find and kill nobody.

use longshore_replica::StopCode;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::{Call, call};
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{
    CheckStatusInfo, TaskInfo, TaskState, TaskStatus, check_info, check_status_info,
};

use super::watched::{check, comes_to, failed, launch, run, with_port, world};
use super::world::kind;
use crate::Probed;

/// \[A11\], \[T23\]
#[test]
fn a_check_tells_each_new_result_and_never_kills() {
    let (mut world, client) = world();
    let arn = launch(&mut world, &client, |task| {
        with_port(TaskInfo { check: Some(check(check_info::Type::Http)), ..task })
    });
    world.cluster.runs(&arn);
    world.soon();
    let http = |status_code| {
        Some(CheckStatusInfo {
            r#type: Some(check_info::Type::Http.into()),
            http: Some(check_status_info::Http { status_code }),
            ..CheckStatusInfo::default()
        })
    };
    let running = world.update(&client);
    assert_eq!((running.state(), running.check_status), (TaskState::TaskRunning, http(None)));
    let mut told = Vec::new();
    for probed in [
        Probed::Status(200),
        Probed::Status(200),
        Probed::Status(500),
        Probed::Unreached("no route".to_owned()),
        failed(),
        Probed::TimedOut,
        Probed::Status(404),
    ] {
        comes_to(&mut world, probed);
        let updates = world.updates(&client);
        for status in &updates {
            world.acknowledge(&client, status);
        }
        told.extend(updates);
    }
    let found: Vec<_> = told.iter().map(|status| status.check_status).collect();
    assert_eq!(found, [http(Some(200)), http(Some(500)), http(None), http(Some(404))]);
    for status in &told {
        let said = (status.state(), status.reason(), status.healthy);
        assert_eq!(said, (TaskState::TaskRunning, Reason::TaskCheckStatusUpdated, None));
    }
    world.run_for(60_000);
    assert!(world.cluster.stops.is_empty());
    // The last result stays known to the end, and to those who reconcile.
    let reconcile = call::Reconcile::default();
    world.call(&client, Call { reconcile: Some(reconcile), ..kind(Type::Reconcile) });
    assert_eq!(world.update(&client).check_status, http(Some(404)));
    let seen = world.seen(&client);
    let shown = seen.tasks().next().expect("it is shown").statuses.last().cloned();
    assert_eq!(shown.and_then(|one| one.check.as_deref().copied()), http(Some(404)));
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    let ended = world.update(&client);
    assert_eq!((ended.state(), ended.check_status), (TaskState::TaskFinished, http(Some(404))));
}

/// \[A11\]
#[test]
fn a_check_over_tcp_tells_whether_a_connection_was_made() {
    let (mut world, client) = world();
    run(&mut world, &client, |task| {
        with_port(TaskInfo { check: Some(check(check_info::Type::Tcp)), ..task })
    });
    for (probed, succeeded) in [(failed(), false), (Probed::Connected, true), (failed(), false)] {
        comes_to(&mut world, probed);
        let status = world.update(&client).check_status.expect("it has one");
        assert_eq!(status.tcp.and_then(|tcp| tcp.succeeded), Some(succeeded));
    }
}

/// \[A11\]: of an exit code ECS tells only whether it is 0.
#[test]
fn a_check_by_command_is_the_health_check_of_the_container_and_no_health() {
    let (mut world, client) = world();
    let arn = launch(&mut world, &client, |task| TaskInfo {
        check: Some(check(check_info::Type::Command)),
        ..task
    });
    world.cluster.runs(&arn);
    world.soon();
    let command = |status: &TaskStatus| {
        let check = status.check_status.expect("it is there in every status");
        check.command.expect("the member of its type is there").exit_code
    };
    let running = world.update(&client);
    assert_eq!((command(&running), running.healthy), (None, None));
    for (healthy, exit_code) in [(true, 0), (false, 1), (false, 1), (true, 0)] {
        let before = world.cluster.tasks[&arn].healthy;
        let task = world.cluster.tasks.get_mut(&arn).expect("it runs");
        task.healthy = Some(healthy);
        task.version += 1;
        world.run_for(31_000);
        if before == Some(healthy) {
            assert!(world.updates(&client).is_empty());
            continue;
        }
        let status = world.update(&client);
        assert_eq!((command(&status), status.healthy), (Some(exit_code), None));
        assert_eq!(status.reason(), Reason::TaskCheckStatusUpdated);
    }
    assert!(world.cluster.stops.is_empty());
}
