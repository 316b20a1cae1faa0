"""Health checks and checks over HTTP and TCP and by command [A10], [A11], [T23]; limits of resources [L8]."""

import json
import os
import shlex
import socket

import pytest
import requests

from harness.ecs import SLEEPER, image
from harness.mesos import Scheduler, id_of, ranges, resource, task
from harness.server import Started
from harness.wait import holds, until

# Listens on a port, and answers with 500 once a file is there. A path that begins with /moved leads to the root.
SERVER = """
import http.server, os, sys

class Task(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        moved = self.path.startswith("/moved")
        self.send_response(302 if moved else 500 if os.path.exists(sys.argv[2]) else 200)
        if moved:
            self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Task).serve_forever()
"""

HEALTH_UPDATED = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED"
CHECK_UPDATED = "REASON_TASK_CHECK_STATUS_UPDATED"
# What takes a program of Python a while to listen is not held against it.
QUICK = {"delay_seconds": 0, "interval_seconds": 1, "timeout_seconds": 5}
PATIENT = {**QUICK, "grace_period_seconds": 30}


@pytest.fixture
def framework(schedulers):
    made = schedulers()
    made.subscribe()
    return made


def free_port(offer):
    """A port of an offer that nobody on this machine has."""
    offered = resource(offer, "ports")
    for _ in range(1000):
        with socket.socket() as probe:
            probe.bind(("0.0.0.0", 0))
            # The kernel gives ports from beyond those that are offered.
            port = 1024 + probe.getsockname()[1] % 30000
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
        if port in offered:
            return port
    raise AssertionError("no port of the offer is free")


def launched(framework, command, since=0, **more):
    offer = framework.wait_offer(since)
    port = free_port(offer)
    words = command(port) if callable(command) else command
    checks = {name: of(port) for name, of in more.items()}
    info = task(offer, words, image=None, extra=[ranges("ports", (port, port))], **checks)
    framework.launch(offer, info)
    return id_of(info)


def serving(sick, after=0):
    """The command of a task that serves until it is sick."""
    python = f"exec python3 -c {shlex.quote(SERVER)}"
    return lambda port: f"sleep {after}; {python} {port} {shlex.quote(str(sick))}"


def http(path="/", **more):
    return lambda port: {"type": "HTTP", "http": {"port": port, "path": path}, **more}


def tcp(**more):
    return lambda port: {"type": "TCP", "tcp": {"port": port}, **more}


def by_command(value, **more):
    return lambda _: {"type": "COMMAND", "command": {"command": {"value": value}}, **more}


def told(framework, task_id, wanted, what, deadline_s=30.0):
    """The first status of a task that is wanted."""
    def find():
        return next((s for s in framework.statuses(task_id) if wanted(s)), None)

    return until(find, what, deadline_s)


@pytest.mark.process_only
def test_a_server_becomes_healthy_and_is_killed_when_it_answers_500(framework, tmp_path):
    sick = tmp_path / "sick"
    check = http("/moved", **PATIENT)  # [A10]: redirects are followed
    task_id = launched(framework, serving(sick), health_check=check)
    first = framework.wait_state(task_id, "TASK_RUNNING")
    assert "healthy" not in first  # [T23]
    healthy = told(framework, task_id, lambda s: "healthy" in s, "a verdict")
    assert healthy["healthy"] and healthy["state"] == "TASK_RUNNING"
    assert (healthy["source"], healthy["reason"]) == ("SOURCE_EXECUTOR", HEALTH_UPDATED)
    assert "container_status" in healthy
    count = len(framework.statuses(task_id))
    holds(lambda: len(framework.statuses(task_id)) == count, "success is told once", 2.5)
    sick.touch()
    killed = framework.wait_state(task_id, "TASK_KILLED")  # after three failures in a row
    assert killed["healthy"] is False and "reason" not in killed
    failures = framework.statuses(task_id)[count:-1]
    assert [(s["state"], s["healthy"], s["reason"]) for s in failures] == [
        ("TASK_RUNNING", False, HEALTH_UPDATED)
    ] * 3


@pytest.mark.process_only
def test_a_server_that_recovers_in_time_is_not_killed(framework, tmp_path):
    sick = tmp_path / "sick"
    check = http(consecutive_failures=5, **PATIENT)
    task_id = launched(framework, serving(sick), health_check=check)
    told(framework, task_id, lambda s: s.get("healthy"), "that it is healthy")
    sick.touch()
    told(framework, task_id, lambda s: s.get("healthy") is False, "that it is not")
    sick.unlink()
    until(lambda: framework.statuses(task_id)[-1].get("healthy"), "that it is again", 15)
    holds(lambda: framework.states(task_id)[-1] == "TASK_RUNNING", "it runs on", 3.0)


@pytest.mark.process_only
def test_a_port_that_listens_is_healthy_over_tcp_and_one_that_does_not_is_killed(framework, tmp_path):
    check = tcp(**PATIENT)
    listening = launched(framework, serving(tmp_path / "sick"), health_check=check)
    mark = framework.mark()
    told(framework, listening, lambda s: s.get("healthy"), "that it is healthy")
    hasty = tcp(grace_period_seconds=0, **QUICK)
    silent = launched(framework, SLEEPER, since=mark, health_check=hasty)
    killed = framework.wait_state(silent, "TASK_KILLED")
    assert killed["healthy"] is False
    assert framework.states(listening)[-1] == "TASK_RUNNING"


@pytest.mark.process_only
def test_in_a_bridge_the_port_of_the_container_is_dialled_where_it_is_mapped(framework, tmp_path):
    offer = framework.wait_offer()
    port = free_port(offer)
    mapping = {"container_port": 80, "host_port": port}
    docker = {"image": image(), "network": "BRIDGE", "port_mappings": [mapping]}
    info = task(
        offer, serving(tmp_path / "sick")("$PORT"), image=None,
        extra=[ranges("ports", (port, port))], health_check=http(**PATIENT)(80),
        container={"type": "DOCKER", "docker": docker},
    )
    framework.launch(offer, info)
    told(framework, id_of(info), lambda s: s.get("healthy"), "that it is healthy")
    (tmp_path / "sick").touch()
    assert framework.wait_state(id_of(info), "TASK_KILLED")["healthy"] is False


@pytest.mark.process_only
def test_a_check_over_http_tells_each_status_and_never_kills(framework, mesos_url, tmp_path):
    sick = tmp_path / "sick"
    task_id = launched(framework, serving(sick), check=http(**QUICK))
    first = framework.wait_state(task_id, "TASK_RUNNING")
    assert first["check_status"] == {"type": "HTTP", "http": {}}  # [T23]

    def status(code):
        found = {"type": "HTTP", "http": {"status_code": code}}
        return told(framework, task_id, lambda s: s["check_status"] == found, f"the status {code}")

    updated = status(200)
    assert (updated["state"], updated["reason"]) == ("TASK_RUNNING", CHECK_UPDATED)
    assert "healthy" not in updated
    sick.touch()
    failing = status(500)
    assert failing["reason"] == CHECK_UPDATED
    holds(lambda: framework.states(task_id)[-1] == "TASK_RUNNING", "a check never kills", 5.0)
    mark = framework.mark()
    framework.reconcile(task_id)
    answer = until(lambda: framework.statuses(task_id, mark), "an answer")[0]
    assert answer["check_status"] == failing["check_status"]  # [R2]
    reply = requests.post(mesos_url + "/api/v1", json={"type": "GET_TASKS"}, timeout=10)
    shown = json.loads(reply.text)["get_tasks"]["tasks"]
    shown = next(one for one in shown if one["task_id"]["value"] == task_id)
    assert shown["statuses"][-1]["check_status"] == failing["check_status"]
    framework.kill(task_id)
    killed = framework.wait_state(task_id, "TASK_KILLED")
    assert killed["check_status"] == failing["check_status"]


@pytest.mark.process_only
def test_a_check_over_tcp_tells_when_a_server_begins_to_listen(framework, tmp_path):
    command = serving(tmp_path / "sick", after=3)
    task_id = launched(framework, command, check=tcp(**QUICK))
    first = framework.wait_state(task_id, "TASK_RUNNING")
    assert first["check_status"] == {"type": "TCP", "tcp": {}}
    told(framework, task_id, lambda s: s["check_status"]["tcp"].get("succeeded"), "a connection")
    results = [s["check_status"]["tcp"].get("succeeded") for s in framework.statuses(task_id)]
    assert results == [None, False, True]


@pytest.mark.slow
@pytest.mark.process_only
def test_a_check_by_command_tells_whether_it_exits_with_0(framework, tmp_path):
    ready = tmp_path / "ready"
    check = by_command(f"test -e {shlex.quote(str(ready))}", **QUICK)
    task_id = launched(framework, SLEEPER, check=check)
    first = framework.wait_state(task_id, "TASK_RUNNING")
    assert first["check_status"] == {"type": "COMMAND", "command": {}}

    def exits(code):
        wanted = {"type": "COMMAND", "command": {"exit_code": code}}
        return told(framework, task_id, lambda s: s["check_status"] == wanted, f"exit code {code}", 60)

    assert exits(1)["reason"] == CHECK_UPDATED
    ready.touch()
    assert "healthy" not in exits(0)
    assert framework.states(task_id)[-1] == "TASK_RUNNING"


@pytest.mark.slow
@pytest.mark.process_only
def test_where_nothing_is_dialled_the_container_checks_itself(server, tmp_path):
    if not server.started:
        pytest.skip("needs a server of its own")
    own = Started(os.environ["LONGSHORE_BIN"], "--task-checks", "container", instances="1")
    framework = Scheduler(own.server.mesos)
    try:
        framework.subscribe()
        sick = tmp_path / "sick"
        task_id = launched(framework, serving(sick), health_check=http("/moved", **PATIENT))
        told(framework, task_id, lambda s: s.get("healthy"), "that it is healthy", 60)
        since = framework.mark()
        sick.touch()
        killed = framework.wait_state(task_id, "TASK_KILLED", deadline_s=90)
        assert killed["healthy"] is False
        failures = [s for s in framework.statuses(task_id) if s.get("healthy") is False]
        assert failures[0]["reason"] == HEALTH_UPDATED  # ECS counts, and tells once
        # What it had may be offered before its end is told, which waits for the update before it to be acknowledged.
        offer = framework.wait_offer(since)
        info = task(offer, SLEEPER, image=None, check={"type": "HTTP", "http": {"port": 80}})
        framework.launch(offer, info)
        refused = framework.wait_state(id_of(info), "TASK_ERROR")
        assert "--task-checks container rules it out" in refused["message"]
    finally:
        framework.end()
        own.stop()


def test_without_a_check_no_status_has_one(framework):
    offer = framework.wait_offer()
    info = task(offer, SLEEPER)
    framework.launch(offer, info)
    status = framework.wait_state(id_of(info), "TASK_RUNNING")
    assert "check_status" not in status and "healthy" not in status  # [T23]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (
            {"check": {"type": "HTTP", "http": {"port": 22}}},
            "the HTTP check of port 22 cannot be made: no port mapping has it",
        ),
        (
            {
                "check": {"type": "COMMAND", "command": {"command": {"value": "true"}}},
                "health_check": {"type": "COMMAND", "command": {"value": "true"}},
            },
            "Amazon ECS runs one command to check a container",
        ),
        ({"check": {"type": "HTTP"}}, "Expecting 'http' to be set for HTTP check"),
        ({"limits": {"disk": {"value": 1}}}, "Only cpus and mem may be included"),
        ({"limits": {"mem": {"value": 1}}}, "The memory limit must be greater than or equal"),
    ],
)
def test_checks_and_limits_that_cannot_be_are_refused_by_name(framework, more, why):
    offer = framework.wait_offer()
    info = task(offer, SLEEPER, image=None, **more)
    framework.launch(offer, info)
    status = framework.wait_state(id_of(info), "TASK_ERROR")  # [L8]
    assert why in status["message"]


def test_a_limit_of_memory_is_the_hard_limit_of_the_container(framework, ecs):
    offer = framework.wait_offer()
    info = task(offer, SLEEPER, image=None, mem=32, limits={"mem": {"value": 64}})
    framework.launch(offer, info)
    running = framework.wait_state(id_of(info), "TASK_RUNNING")
    found = ecs.task(running["container_status"]["container_id"]["value"])
    sizes = [(one["memory"], one["memoryReservation"]) for one in found["containers"]]
    assert sizes == [("64", "32")]  # [A6]
