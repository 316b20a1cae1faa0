"""pidMode and ipcMode: given to Docker, and refused where there is no Docker."""

import json
import subprocess

import pytest

from harness.ecs import SLEEPER, bare, error, shell
from harness.wait import until

CAPABILITY = "ecs.capability.pid-ipc-namespace-sharing"
BOTH = {"pidMode": "task", "ipcMode": "task"}


def docker(*words):
    return subprocess.run(
        ["docker", *words], check=True, capture_output=True, text=True, timeout=30
    ).stdout


def inspect(container):
    return json.loads(docker("inspect", container["runtimeId"]))[0]["HostConfig"]


@pytest.mark.parametrize("modes", [{"pidMode": "host"}, {"ipcMode": "none"}, BOTH])
def test_sharing_namespaces_requires_the_agents_capability(ecs, modes):
    definition = ecs.register(bare(), **modes)
    assert CAPABILITY in {one["name"] for one in definition["requiresAttributes"]}
    assert {name: definition[name] for name in modes} == modes
    plain = ecs.register(bare())
    assert CAPABILITY not in {one["name"] for one in plain["requiresAttributes"]}


@pytest.mark.parametrize("modes", [{"pidMode": "none"}, {"ipcMode": "private"}])
def test_modes_that_do_not_exist_are_refused(ecs, modes):
    with error("ClientException", next(iter(modes))):
        ecs.register(bare(), **modes)


def test_instances_without_docker_refuse_by_attribute(ecs, instances):
    if any(CAPABILITY in {a["name"] for a in one["attributes"]} for one in instances):
        pytest.skip("these instances can share namespaces")
    definition = ecs.register(shell(SLEEPER), pidMode="host")["taskDefinitionArn"]
    reply = ecs.try_run(definition)
    assert reply["tasks"] == []
    assert {one["reason"] for one in reply["failures"]} == {"ATTRIBUTE"}
    assert CAPABILITY in reply["failures"][0]["detail"]


@pytest.mark.docker_only
@pytest.mark.executes
@pytest.mark.parametrize(
    "modes, seen",
    [
        ({"pidMode": "host", "ipcMode": "host"}, ("host", "host")),
        ({"ipcMode": "none"}, ("", "none")),
        ({}, ("", "private")),
    ],
)
def test_docker_is_told_of_other_modes(ecs, modes, seen):
    definition = ecs.register(shell(SLEEPER), **modes)["taskDefinitionArn"]
    task = ecs.wait(ecs.run(definition)[0], "RUNNING")
    host = inspect(task["containers"][0])
    assert (host["PidMode"], host["IpcMode"]) == seen


@pytest.mark.docker_only
@pytest.mark.executes
def test_containers_of_a_task_see_each_other(ecs):
    see = "until ps | grep -q 'sleep 71[1]'; do sleep 0.1; done; cat /dev/shm/word"
    definition = ecs.register(
        shell("echo hello > /dev/shm/word; exec sleep 711", "other"),
        shell(f'test "$({see})" = hello || exit 9'),
        **BOTH,
    )
    task = ecs.wait(ecs.run(definition["taskDefinitionArn"])[0], "STOPPED")
    main = next(c for c in task["containers"] if c["name"] == "main")
    assert main["exitCode"] == 0, task
    # What held the namespaces is no container of the task, and goes with it.
    assert {c["name"] for c in task["containers"]} == {"main", "other"}
    label = f"label=com.amazonaws.ecs.task-arn={task['taskArn']}"
    until(lambda: docker("ps", "-aq", "--filter", label) == "", "nothing is left of the task")
