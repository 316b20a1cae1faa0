"""dependsOn and health checks, on tasks that really run."""

import pytest

from harness.ecs import SLEEPER, shell, unique
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
    unmet(container(task, "main"), "main", "init", 9)
    assert (task["stopCode"], "startedAt" in task) == ("TaskFailedToStart", False)
    assert all(s["main"] != "RUNNING" for s in seen)


def unmet(container, name, on, code):
    """The words of the ECS agent for a dependency that failed."""
    image = container["image"]
    assert container["exitCode"] == 143
    assert container["reason"] == (
        "CannotStartContainerError: dependency graph: failed to resolve container ordering "
        f"dependency [{on}({image}) (STOPPED->RUNNING) - Exit: {code}] for target "
        f"[{name}({image}) (NONE->RUNNING)] as dependency did not exit successfully."
    )


def test_a_task_goes_on_without_a_helper_whose_dependency_failed(ecs):
    task = run(
        ecs,
        shell(SLEEPER),
        shell("sleep 0.2; exit 9", "init", essential=False),
        shell(SLEEPER, "helper", essential=False, dependsOn=depends(init="SUCCESS")),
    )
    seen = ecs.wait(task, "RUNNING")
    assert container(seen, "main")["lastStatus"] == "RUNNING"
    assert container(seen, "helper")["lastStatus"] == "STOPPED"
    unmet(container(seen, "helper"), "helper", "init", 9)


def test_a_task_goes_on_without_a_helper_that_cannot_start(ecs):
    task = run(
        ecs,
        shell(SLEEPER),
        shell(SLEEPER, "helper", essential=False) | {"command": ["/there/is/no/such/program"]},
    )
    helper = container(ecs.wait(task, "RUNNING"), "helper")
    assert helper["lastStatus"] == "STOPPED"
    assert helper["reason"].startswith("CannotStartContainerError: "), helper


@pytest.mark.slow
def test_a_sidecar_that_ends_before_it_is_healthy_is_a_failed_start_of_its_service(ecs):
    check = {"command": ["CMD-SHELL", "exit 0"], "interval": 30, "timeout": 2, "retries": 1}
    definition = ecs.register(
        shell("exit 1", "sidecar", healthCheck=check),
        shell(SLEEPER, dependsOn=depends(sidecar="HEALTHY")),
    )["taskDefinitionArn"]
    name = unique("service")
    named = {"cluster": ecs.cluster, "service": name}
    ecs.client.create_service(
        cluster=ecs.cluster, serviceName=name, taskDefinition=definition, desiredCount=1
    )
    try:
        def failed():
            described = ecs.client.describe_services(cluster=ecs.cluster, services=[name])
            return described["services"][0]["deployments"][0]["failedTasks"] >= 3

        until(failed, "its failed starts are counted", 25)
        stopped = ecs.client.list_tasks(
            cluster=ecs.cluster, serviceName=name, desiredStatus="STOPPED"
        )["taskArns"]
        # Each failure delays the next start: five a second would be far more by now.
        assert len(stopped) < 12, len(stopped)
        described = ecs.client.describe_tasks(cluster=ecs.cluster, tasks=stopped)["tasks"]
        for task in described:
            assert (task["stopCode"], "startedAt" in task) == ("EssentialContainerExited", False)
    finally:
        ecs.client.delete_service(**named, force=True)


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
