"""What a task is to the Docker daemon; looked at through the docker command."""

import json
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.ecs import SLEEPER, shell
from harness.wait import until

pytestmark = [pytest.mark.docker_only, pytest.mark.executes]


def docker(*words):
    return subprocess.run(
        ["docker", *words], check=True, capture_output=True, text=True, timeout=30
    ).stdout


def inspect(task, name="main"):
    container = next(c for c in task["containers"] if c["name"] == name)
    return json.loads(docker("inspect", container["runtimeId"]))[0]


def running(ecs, *containers, **more):
    definition = ecs.register(*containers, **more)["taskDefinitionArn"]
    return ecs.wait(ecs.run(definition)[0], "RUNNING")


def test_labels_and_name_are_those_of_the_real_agent(ecs):
    task = running(ecs, shell(SLEEPER, dockerLabels={"mine": "yes"}))
    seen = inspect(task)
    family, _, revision = task["taskDefinitionArn"].rpartition("/")[2].partition(":")
    labels = seen["Config"]["Labels"]
    for label, value in {
        "task-arn": task["taskArn"], "container-name": "main",
        "task-definition-family": family, "task-definition-version": revision,
    }.items():
        assert labels[f"com.amazonaws.ecs.{label}"] == value
    assert "com.amazonaws.ecs.cluster" in labels and labels["mine"] == "yes"
    assert seen["Name"].startswith(f"/ecs-{family}-{revision}-main-")


def test_cpu_and_memory_become_shares_and_limits(ecs):
    task = running(
        ecs, shell(SLEEPER, cpu=128, memory=64, memoryReservation=32),
        shell(SLEEPER, "tiny", cpu=0),
    )
    host = inspect(task)["HostConfig"]
    assert (host["CpuShares"], host["Memory"], host["MemoryReservation"]) == (
        128, 64 * 2**20, 32 * 2**20,
    )
    assert inspect(task, "tiny")["HostConfig"]["CpuShares"] == 2


def test_user_working_directory_and_ulimits_reach_the_container(ecs):
    command = 'test "$(id -u)" = 65534 && test "$PWD" = /tmp && test "$(ulimit -n)" = 123'
    task = ecs.run_one(
        f"{command} || exit 9", user="nobody", workingDirectory="/tmp",
        ulimits=[{"name": "nofile", "softLimit": 123, "hardLimit": 456}],
    )
    assert ecs.wait(task, "STOPPED")["containers"][0]["exitCode"] == 0


def test_a_static_host_port_is_published_and_bound(ecs):
    task = running(
        ecs, shell(SLEEPER, portMappings=[{"containerPort": 8080, "hostPort": 18431}])
    )
    binding = task["containers"][0]["networkBindings"][0]
    assert (binding["containerPort"], binding["hostPort"], binding["protocol"]) == (
        8080, 18431, "tcp",
    )
    assert inspect(task)["HostConfig"]["PortBindings"]["8080/tcp"][0]["HostPort"] == "18431"


def test_a_dynamic_host_port_is_chosen_reported_and_not_reserved(ecs):
    task = running(ecs, shell(SLEEPER, portMappings=[{"containerPort": 8080}]))
    binding = task["containers"][0]["networkBindings"][0]
    assert binding["hostPort"] >= 32768
    instance = ecs.instance(task["containerInstanceArn"])
    ports = next(r for r in instance["remainingResources"] if r["name"] == "PORTS")
    assert str(binding["hostPort"]) not in ports["stringSetValue"]
    actual = inspect(task)["NetworkSettings"]["Ports"]["8080/tcp"]
    assert str(binding["hostPort"]) in {port["HostPort"] for port in actual}


@pytest.mark.parametrize("mode", ["host", "none"])
def test_network_modes(ecs, mode):
    assert inspect(running(ecs, shell(SLEEPER), networkMode=mode))["HostConfig"]["NetworkMode"] == mode


def test_a_host_directory_is_mounted(ecs):
    with tempfile.TemporaryDirectory() as directory:
        task = ecs.run(
            ecs.register(
                shell(
                    "echo from inside > /shared/out",
                    mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}],
                ),
                volumes=[{"name": "shared", "host": {"sourcePath": directory}}],
            )["taskDefinitionArn"]
        )[0]
        assert ecs.wait(task, "STOPPED")["containers"][0]["exitCode"] == 0
        assert Path(directory, "out").read_text() == "from inside\n"


def test_containers_of_a_task_share_an_empty_volume(ecs):
    mount = {"mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}]}
    task = ecs.run(
        ecs.register(
            shell("echo hello > /v/word", "writer", essential=False, **mount),
            shell(
                'test "$(cat /v/word)" = hello || exit 9', **mount,
                dependsOn=[{"containerName": "writer", "condition": "SUCCESS"}],
            ),
            volumes=[{"name": "v", "host": {}}],
        )["taskDefinitionArn"]
    )[0]
    main = next(c for c in ecs.wait(task, "STOPPED")["containers"] if c["name"] == "main")
    assert main["exitCode"] == 0


def test_an_image_that_cannot_be_pulled_fails_the_task(ecs):
    task = ecs.run(
        ecs.register(shell(SLEEPER, image="127.0.0.1:1/longshore/absent:1"))["taskDefinitionArn"]
    )[0]
    stopped = ecs.wait(task, "STOPPED", 60)
    assert stopped["stopCode"] == "TaskFailedToStart"
    assert stopped["containers"][0]["reason"].startswith("CannotPullContainerError: ")


def test_no_container_runs_on_when_its_task_is_stopped(ecs):
    task = running(ecs, shell(SLEEPER))
    container = task["containers"][0]["runtimeId"]
    ecs.stop(task)
    until(lambda: container[:12] not in docker("ps", "-q"), "the container has ended")
