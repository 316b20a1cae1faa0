"""Frameworks that prove who they are by HTTP Basic, against a file as a Mesos master reads it."""

import json
import os
import tempfile
from urllib.parse import urlparse

import pytest
import requests

from harness.ecs import image, unique
from harness.program import Program
from harness.server import Started

CREDENTIALS = {"credentials": [
    {"principal": "pymesos", "secret": "a secret"}, {"principal": "other", "secret": "another"},
]}


@pytest.fixture(scope="module")
def guarded(server):
    if not server.started:
        pytest.skip("the server must be one of our own (LONGSHORE_BIN)")
    with tempfile.NamedTemporaryFile("w", prefix="longshore-credentials-") as file:
        json.dump(CREDENTIALS, file)
        file.flush()
        started = Started(
            os.environ["LONGSHORE_BIN"], "--mesos-credentials", file.name, "--access-key", "KEY:secret"
        )
    yield started.server
    started.stop()


def framework(server, principal, secret):
    address = urlparse(server.mesos).netloc
    environment = {"MESOS_PRINCIPAL": principal, "MESOS_SECRET": secret}
    return Program("pymesos_framework.py", address, unique("pymesos"), environment=environment)


@pytest.mark.executes
def test_pymesos_runs_a_task_with_its_secret(guarded):
    started = framework(guarded, "pymesos", "a secret")
    try:
        started.wait(lambda said: said["what"] == "registered", "the framework is registered")
        task = {"id": unique("task"), "command": "exit 0", "cpus": 0.1, "mem": 32, "image": image()}
        started.order(launch=task)
        started.wait_state(task["id"], "TASK_FINISHED")
        pages = requests.get(f"{guarded.mesos}/frameworks", auth=("other", "another"), timeout=10).json()
        assert [one["principal"] for one in pages["frameworks"]] == ["pymesos"]
    finally:
        started.order(stop=False)
        started.ended()


def test_pymesos_is_not_registered_with_another_secret(guarded):
    started = framework(guarded, "pymesos", "another")
    try:
        with pytest.raises(AssertionError, match="not said"):
            started.wait(lambda said: said["what"] == "registered", "registered", deadline_s=4)
    finally:
        started.kill()


def test_what_is_not_proved_is_answered_as_by_a_mesos_master(guarded):
    for path, realm in (("/api/v1/scheduler", "mesos-master-scheduler"), ("/state", "mesos-master-readonly")):
        for auth in (None, ("pymesos", ""), ("nobody", "a secret")):
            reply = requests.post(guarded.mesos + path, json={}, auth=auth, timeout=10)
            assert (reply.status_code, reply.text) == (401, "401 Unauthorized.")
            assert reply.headers["WWW-Authenticate"] == f'Basic realm="{realm}"'


def test_nobody_calls_in_the_name_of_another_principal(guarded):
    info = {"user": "u", "name": "n", "principal": "pymesos"}
    call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}
    url = guarded.mesos + "/api/v1/scheduler"
    reply = requests.post(url, json=call, auth=("other", "another"), timeout=10)
    assert reply.status_code == 400
    assert "'other' does not match principal 'pymesos'" in reply.text


@pytest.mark.process_only
def test_agents_want_the_same_credentials(guarded):
    """[A7]"""
    told = requests.get(f"{guarded.mesos}/slaves", auth=("other", "another"), timeout=10).json()
    agent = "http://" + told["slaves"][0]["pid"].partition("@")[2]
    for path in ("/state", "/slave(1)/state", "/files/debug", "/files/browse?path=/", "/metrics/snapshot"):
        reply = requests.get(agent + path, timeout=10)
        assert (reply.status_code, reply.text) == (401, "401 Unauthorized."), path
        assert reply.headers["WWW-Authenticate"] == 'Basic realm="mesos-agent-readonly"'
        assert requests.get(agent + path, auth=("pymesos", "another"), timeout=10).status_code == 401
        assert requests.get(agent + path, auth=("pymesos", "a secret"), timeout=10).status_code in (200, 404)
    assert requests.get(agent + "/health", timeout=10).status_code == 200
