//! Limits of resources. Source: \[L8\] row 11.

use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::value::Scalar;
use longshore_wire_mesos::v1::{TaskInfo, TaskState};

use super::world::{World, sleeper};

fn limited(mut task: TaskInfo, limits: &[(&str, f64)]) -> TaskInfo {
    let limits = limits.iter().map(|(name, value)| ((*name).to_owned(), Scalar { value: *value }));
    task.limits = limits.collect();
    task
}

/// \[L8\] row 11
#[test]
fn limits_are_of_cpus_and_memory_that_a_task_claims_and_no_less_than_that() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    for (limits, without, why) in [
        (&[("disk", 1.0)][..], "", "Only cpus and mem may be included in a task's resource limits"),
        (&[("cpus", 0.5)], "", "The cpu limit must be greater than or equal to the cpu request"),
        (
            &[("mem", 127.0)],
            "",
            "The memory limit must be greater than or equal to the memory request",
        ),
        (
            &[("mem", f64::NAN)],
            "",
            "The memory limit must be greater than or equal to the memory request",
        ),
        (
            &[("cpus", 2.0)],
            "cpus",
            "When a CPU limit is specified, a CPU request must also be specified",
        ),
        (
            &[("mem", f64::INFINITY)],
            "mem",
            "When a memory limit is specified, a memory request must also be specified",
        ),
    ] {
        // What was refused is offered again after a while only.
        world.run_for(6_000);
        let offer = world.offer(&client);
        let mut task = limited(sleeper("t1", &offer, 1.0, 128.0), limits);
        task.resources.retain(|one| one.name != without);
        world.launch(&client, &[&offer], vec![task]);
        let status = world.update(&client);
        assert_eq!((status.state(), status.reason()), (TaskState::TaskError, Reason::TaskInvalid));
        assert_eq!(status.message(), why);
    }
}

/// \[L8\] row 11, \[A6\]
#[test]
fn what_a_task_claims_is_reserved_and_its_limit_of_memory_is_the_most_that_it_may_have() {
    for (limits, memory, reserved) in [
        (&[][..], Some(128), None),
        (&[("mem", 256.0)], Some(256), Some(128)),
        (&[("mem", f64::INFINITY), ("cpus", f64::INFINITY)], None, Some(128)),
    ] {
        let (mut world, client) = World::with_client(&[(4096, 4096)]);
        let offer = world.offer(&client);
        let task = limited(sleeper("t1", &offer, 1.0, 128.0), limits);
        world.launch(&client, &[&offer], vec![task]);
        let start = world.cluster.starts.last().expect("it is started");
        assert_eq!(start.cpu, Some(1024));
        assert_eq!((start.memory_mib, start.memory_reservation_mib), (memory, reserved));
        let left = world.offer(&client);
        assert_eq!(super::world::total(&[left], "mem"), 3_968_000);
        let seen = world.seen(&client);
        let shown = seen.task("t1").expect("it is shown").detail.clone();
        let shown = shown.map(|detail| detail.limits.len()).unwrap_or_default();
        assert_eq!(shown, limits.len());
    }
}

/// \[A6\]: here ECS shares what CPU is idle, which a framework is told.
#[test]
fn a_limit_of_cpus_that_is_not_enforced_is_told_with_the_first_update() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let task = limited(sleeper("t1", &offer, 1.0, 128.0), &[("cpus", 2.0)]);
    world.launch(&client, &[&offer], vec![task]);
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.soon();
    let status = world.update(&client);
    assert_eq!(status.state(), TaskState::TaskRunning);
    assert!(status.message().contains("the limit of 2 cpus is not enforced"), "{status:?}");
}
