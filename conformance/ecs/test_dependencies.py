"""dependsOn and health checks, on tasks that really run."""

import pytest

from harness.ecs import SLEEPER, shell
from harness.wait import until

pytestmark = pytest.mark.executes


def depends(**conditions):
    return [{"containerName": name, "condition": how} for name, how in conditions.items()]


def watch(ecs, task):
    """Follows a task to its end; returns the last description and every combination of container
    statuses that was seen."""
    seen = set()

    def over():
        latest = ecs.task(task)
        seen.add(tuple(sorted((c["name"], c["lastStatus"]) for c in latest["containers"])))
        return latest if latest["lastStatus"] == "STOPPED" else None

    return until(over, "the task is STOPPED", every_s=0.02), [dict(s) for s in seen]


def container(task, name):
    return next(c for c in task["containers"] if c["name"] == name)


def run(ecs, *containers):
    return ecs.run(ecs.register(*containers)["taskDefinitionArn"])[0]


def test_success_waits_for_the_end_of_the_other_container(ecs):
    task, seen = watch(
        ecs,
        run(
            ecs,
            shell("sleep 0.6", "init", essential=False),
            shell("sleep 0.4; exit 2", dependsOn=depends(init="SUCCESS")),
        ),
    )
    assert container(task, "main")["exitCode"] == 2
    assert container(task, "init")["exitCode"] == 0
    assert {"init": "RUNNING", "main": "PENDING"} in seen
    assert all(s["init"] == "STOPPED" for s in seen if s["main"] == "RUNNING"), seen


def test_success_of_a_container_that_fails_never_starts_the_task(ecs):
    task, seen = watch(
        ecs,
        run(
            ecs,
            shell("exit 9", "init", essential=False),
            shell("exit 0", dependsOn=depends(init="SUCCESS")),
        ),
    )
    assert container(task, "init")["exitCode"] == 9
    assert "exitCode" not in container(task, "main")
    assert all(s["main"] != "RUNNING" for s in seen)


def test_complete_takes_any_exit_code(ecs):
    task, seen = watch(
        ecs,
        run(
            ecs,
            shell("sleep 0.3; exit 9", "init", essential=False),
            shell("exit 2", dependsOn=depends(init="COMPLETE")),
        ),
    )
    assert container(task, "init")["exitCode"] == 9
    assert container(task, "main")["exitCode"] == 2
    assert all(s["init"] == "STOPPED" for s in seen if s["main"] == "RUNNING")


def test_start_waits_only_for_the_start(ecs):
    task = run(
        ecs,
        shell(SLEEPER, "base"),
        shell(SLEEPER, dependsOn=depends(base="START")),
    )
    seen = ecs.wait(task, "RUNNING")
    assert {c["lastStatus"] for c in seen["containers"]} == {"RUNNING"}


def test_a_chain_runs_in_its_order(ecs):
    task, seen = watch(
        ecs,
        run(
            ecs,
            shell("exit 5", dependsOn=depends(second="SUCCESS")),
            shell("sleep 0.3", "second", essential=False, dependsOn=depends(first="SUCCESS")),
            shell("sleep 0.3", "first", essential=False),
        ),
    )
    assert container(task, "main")["exitCode"] == 5
    assert all(s["first"] == "STOPPED" for s in seen if s["second"] == "RUNNING")
    assert all(s["second"] == "STOPPED" for s in seen if s["main"] == "RUNNING")


@pytest.mark.slow
def test_healthy_waits_for_the_check_and_health_is_reported(ecs):
    check = {"command": ["CMD-SHELL", "exit 0"], "interval": 5, "timeout": 2, "retries": 1}
    sick = {"command": ["CMD-SHELL", "exit 1"], "interval": 5, "timeout": 2, "retries": 1}
    good = run(
        ecs,
        shell(SLEEPER, "base", healthCheck=check),
        shell(SLEEPER, dependsOn=depends(base="HEALTHY"), healthCheck=check),
    )
    bad = run(ecs, shell(SLEEPER, healthCheck=sick))

    def base_before_main():
        latest = ecs.task(good)
        if container(latest, "main")["lastStatus"] == "RUNNING":
            assert container(latest, "base")["healthStatus"] == "HEALTHY", latest
            return True
        return False

    until(base_before_main, "main runs", 25)
    until(lambda: ecs.task(good)["healthStatus"] == "HEALTHY", "the task is HEALTHY", 25)
    until(lambda: ecs.task(bad)["healthStatus"] == "UNHEALTHY", "the task is UNHEALTHY", 25)
    # A standalone task is reported, not stopped.
    assert ecs.task(bad)["desiredStatus"] == "RUNNING"
