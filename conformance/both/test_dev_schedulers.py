"""The schedulers that `longshore dev` brings: there when they are used, not to be noticed until then, and never a way around a key."""

import json
import os
import signal
import socket
import subprocess

import pytest
import requests

from harness.ecs import Ecs
from harness.events import of_service
from harness.server import Started
from harness.wait import until

pytestmark = pytest.mark.process_only

FREE = "127.0.0.1:0"
LISTEN = ["--marathon-listen", FREE, "--chronos-listen", FREE, "--blox-listen", FREE, "--cluster-state-listen", FREE]
SLEEPER = {"id": "/sleeper", "cmd": "sleep 600", "cpus": 0.1, "mem": 16, "instances": 2}
JOB = {"name": "once", "command": "sleep 600", "schedule": "R1//PT1H", "cpus": 0.1, "mem": 16, "epsilon": "PT1H"}


@pytest.fixture
def start(server):
    """Starts a `dev` with its schedulers, which is stopped in the end."""
    if not server.started:
        pytest.skip("needs a longshore program of our own (LONGSHORE_BIN)")
    all_of_them = []

    def one(*more, **options):
        started = Started(os.environ["LONGSHORE_BIN"], *(more or LISTEN), **options)
        all_of_them.append(started)
        return started

    yield one
    for started in all_of_them:
        if started.process.poll() != -signal.SIGKILL:
            started.stop()


def frameworks(started, **auth):
    listed = requests.get(started.ready["mesos"] + "/frameworks", timeout=10, **auth).json()["frameworks"]
    return {one["name"]: one for one in listed}


def running(started):
    answer = requests.get(started.ready["marathon"] + "/v2/tasks", headers={"Accept": "application/json"}, timeout=10)
    return [task["id"] for task in answer.json()["tasks"] if task["state"] == "TASK_RUNNING"]


def test_nobody_sees_a_scheduler_that_nobody_uses(start):
    started = start()
    assert all(started.ready[name] for name in ("marathon", "chronos", "blox", "clusterState"))
    assert requests.get(started.ready["marathon"] + "/v2/apps", timeout=10).json() == {"apps": []}
    assert requests.get(started.ready["chronos"] + "/v1/scheduler/jobs", timeout=10).json() == []
    assert frameworks(started) == {}
    queues = of_service("sqs", started.server).list_queues().get("QueueUrls", [])
    assert not [url for url in queues if "blox" in url]


def test_an_app_a_job_and_an_environment_run_side_by_side(start):
    started = start()
    assert requests.post(started.ready["marathon"] + "/v2/apps", json=SLEEPER, timeout=10).status_code == 201
    assert requests.post(started.ready["chronos"] + "/v1/scheduler/iso8601", json=JOB, timeout=10).status_code == 204
    until(lambda: len(running(started)) == 2, "both instances run")
    until(lambda: set(frameworks(started)) == {"marathon", "chronos"}, "both frameworks are registered")
    until(lambda: len(frameworks(started)["chronos"]["tasks"]) == 1, "the job runs")

    ecs = Ecs(started.ready["ecs"], started.ready["cluster"])
    definition = ecs.client.register_task_definition(
        family="each", containerDefinitions=[{"name": "main", "image": "host", "command": ["sleep", "600"], "memory": 16}]
    )["taskDefinition"]["taskDefinitionArn"]
    blox = started.ready["blox"]
    made = requests.post(
        blox + "/v1/environments", timeout=10,
        json={"name": "each", "instanceGroup": {"cluster": "default"}, "taskDefinition": definition},
    )
    assert made.status_code == 200, made.text
    token = made.json()["deploymentToken"]
    deployed = requests.post(f"{blox}/v1/environments/each/deployments?deploymentToken={token}", timeout=10)
    assert deployed.status_code == 200, deployed.text
    id = deployed.json()["id"]
    until(lambda: len(ecs.arns(startedBy=id)) == 3, "each instance has its task")


def test_apps_outlive_a_kill_and_the_framework_its_removal(start, tmp_path):
    started = start(*LISTEN, data_dir=tmp_path / "data")
    requests.post(started.ready["marathon"] + "/v2/apps", json=SLEEPER, timeout=10)
    until(lambda: len(running(started)) == 2, "both instances run")
    before = running(started)
    started.kill()
    started = start(*LISTEN, data_dir=tmp_path / "data")
    until(lambda: running(started) == before, "the same instances are there")

    first = requests.get(started.ready["marathon"] + "/v2/info", timeout=10).json()["frameworkId"]
    answer = requests.post(started.ready["mesos"] + "/master/teardown", data={"frameworkId": first}, timeout=10)
    assert answer.status_code == 200, answer.text

    def others():
        now = running(started)
        return len(now) == 2 and not set(now) & set(before)

    until(others, "others take their place")
    second = requests.get(started.ready["marathon"] + "/v2/info", timeout=10).json()["frameworkId"]
    assert second != first and set(frameworks(started)) == {"marathon"}


def test_a_port_that_is_taken_is_said_unless_it_was_asked_for(server):
    if not server.started:
        pytest.skip("needs a longshore program of our own (LONGSHORE_BIN)")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "127.0.0.1:%d" % listener.getsockname()[1]
        asked = subprocess.run(
            [os.environ["LONGSHORE_BIN"], "dev", "--in-memory", "--runtime", "process", "--ecs-listen", FREE,
             "--mesos-listen", FREE, "--chronos-listen", FREE, "--marathon-listen", address],
            capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL,
        )
    assert asked.returncode == 1, asked
    assert f"cannot listen on {address} (Marathon's API)" in asked.stderr and "--marathon-listen" in asked.stderr


def test_who_may_not_call_what_a_scheduler_drives_may_not_call_the_scheduler(start, tmp_path):
    file = tmp_path / "credentials"
    file.write_text(json.dumps({"credentials": [{"principal": "ops", "secret": "s3cret"}]}))
    file.chmod(0o600)
    keys = ["--access-key", "AKIDLOCAL:secret"]
    started = start(*LISTEN[:4], *keys, "--mesos-credentials", str(file))
    assert started.ready["blox"] is None and started.ready["clusterState"] is None
    for name, path, body in (("marathon", "/v2/apps", SLEEPER), ("chronos", "/v1/scheduler/iso8601", JOB)):
        assert requests.post(started.ready[name] + path, json=body, timeout=10).status_code == 401
        answer = requests.post(started.ready[name] + path, json=body, timeout=10, auth=("ops", "s3cret"))
        assert answer.status_code in (201, 204), answer.text
    until(lambda: set(frameworks(started, auth=("ops", "s3cret"))) == {"marathon", "chronos"}, "both are registered")


@pytest.mark.parametrize("flag, why", [
    ("--marathon-listen", "Marathon cannot be served on 127.0.0.1:0: there is no Mesos master"),
    ("--chronos-listen", "Chronos cannot be served on 127.0.0.1:0: there is no Mesos master"),
    ("--blox-listen", "Blox cannot be served on 127.0.0.1:0: it knows no access keys (--mesos-open)"),
])
def test_what_is_asked_for_and_cannot_be_served_is_an_error(server, flag, why):
    if not server.started:
        pytest.skip("needs a longshore program of our own (LONGSHORE_BIN)")
    refused = subprocess.run(
        [os.environ["LONGSHORE_BIN"], "dev", "--in-memory", "--runtime", "process", "--ecs-listen", FREE,
         "--access-key", "AKIDLOCAL:secret", flag, FREE],
        capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL,
    )
    assert refused.returncode == 1 and why in refused.stderr, refused
