//! How long a task has between SIGTERM and SIGKILL.

use super::*;

fn grace(nanoseconds: Option<i64>, stop_timeout: Option<&str>) -> Option<u32> {
    let mut task = dockered(|docker| {
        docker.parameters.extend(stop_timeout.map(|seconds| parameter("stop-timeout", seconds)));
    });
    let policy = |nanoseconds| KillPolicy { grace_period: Some(DurationInfo { nanoseconds }) };
    task.kill_policy = nanoseconds.map(policy);
    content_of(&task).stop_timeout_s
}

/// \[A12\]
#[test]
fn the_kill_policy_of_a_task_wins_over_docker_and_without_either_it_has_three_seconds() {
    assert_eq!(grace(None, None), Some(3));
    assert_eq!(grace(None, Some("20")), Some(20));
    assert_eq!(grace(Some(7_000_000_000), Some("20")), Some(7));
    assert_eq!(grace(Some(7_000_000_001), None), Some(8), "whole seconds, rounded up");
    assert_eq!(content_of(&task(shell("sleep 1"))).stop_timeout_s, Some(3));
}

/// \[A12\]: agents of ECS take zero for 30 s of their own.
#[test]
fn no_grace_at_all_becomes_the_least_that_ecs_has() {
    assert_eq!(grace(Some(0), None), Some(1));
}

#[test]
fn an_operator_decides_for_tasks_that_say_nothing() {
    let config = Config { kill_grace_s: 10, ..config(DefaultImage::None) };
    let planned = plan(&config, &nowhere(), "f-1", "*", &dockered(|_| {}), &claim());
    let content = planned.expect("it can be run").content.expect("it has an image");
    assert_eq!(content.stop_timeout_s, Some(10));
}
