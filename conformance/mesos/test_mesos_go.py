"""The commands of mesos-go 0.0.11, over the v1 APIs in protobuf: `msh` runs one command and ends as it ended, `mwatch` shows the
stream of the operator API."""

import re
from urllib.parse import urlparse

import pytest
import requests

from harness.clients import Quiet, mesos_go
from harness.ecs import image
from harness.wait import until

# What msh ends with when its task is FAILED, KILLED, LOST or ERROR.
UNEXPECTED = 3


@pytest.fixture
def run(mesos_url, quiet_after):
    program, started = mesos_go("msh"), []

    def start(*words):
        started.append(Quiet([program, "-master", urlparse(mesos_url).netloc, *words]))
        return started[-1]

    yield start
    for client in started:
        if client.process.poll() is None:
            client.kill()


@pytest.mark.process_only
def test_the_exit_code_follows_the_task(run):
    good = run("--", "sh", "-c", "exit 0")
    assert good.ended(40) == 0, good.said()
    bad = run("--", "sh", "-c", "exit 7")
    assert bad.ended(40) == UNEXPECTED, bad.said()
    assert "is in an unexpected state TASK_FAILED with reason REASON_COMMAND_EXECUTOR_FAILED" in bad.said()
    assert "with message 'Command exited with status 7'" in bad.said()


@pytest.mark.process_only
def test_what_cannot_be_started_is_told(run):
    client = run("--", "no-such-program", "with", "arguments")
    assert client.ended(40) == UNEXPECTED, client.said()
    assert "is in an unexpected state TASK_FAILED" in client.said()


@pytest.mark.process_only
def test_sizes_are_those_that_were_asked_for_and_ten_run_at_once(run):
    clients = [run("-cpus", "0.5", "-memory", "100", "--", "sleep", "1") for _ in range(10)]
    for client in clients:
        assert client.ended(60) == 0, client.said()
        assert "launching task with resources cpus:0.5;mem:100" in client.said(), client.said()


@pytest.mark.process_only
def test_the_task_of_a_command_that_is_interrupted_is_killed(run, ecs):
    client = run("--", "sleep", "600")
    until(lambda: "TASK_RUNNING" in client.said(), "the task runs", 40)
    assert len(ecs.arns()) == 1
    client.kill()
    until(lambda: not ecs.arns(), "its task is stopped", 20)


@pytest.mark.process_only
def test_a_pod_runs(run, ecs):
    def stopped():
        return set(ecs.arns(desiredStatus="STOPPED"))

    before = stopped()
    client = run("-pod", "--", "sh", "-c", "exit 0")
    assert client.ended(40) == 0, client.said()
    (arn,) = until(lambda: stopped() - before, "its task has stopped", 20)
    names = [one["name"] for one in ecs.task(arn)["containers"]]
    assert len(names) == 2 and "executor" in names, names


@pytest.mark.process_only
def test_whoever_watches_is_told_of_framework_and_task(run, mesos_url):
    where = urlparse(mesos_url)
    watcher = Quiet([mesos_go("mwatch"), "-master", where.hostname, "-port", str(where.port)])
    watchers = "master/operator_event_stream_subscribers"
    try:
        until(lambda: requests.get(f"{mesos_url}/metrics/snapshot", timeout=20).json()[watchers] == 1, "it is subscribed")
        client = run("-framework_name", "watched", "-task_name", "seen", "--", "sh", "-c", "exit 0")
        assert client.ended(40) == 0, client.said()
        framework = re.search('FrameworkID "([^"]+)"', client.said())[1]
        until(lambda: "TASK_FINISHED" in watcher.said(10**6), f"the end of the task is shown: {watcher.log.name}", 20)
        told = watcher.said(10**6)
        for what, who in (("FRAMEWORK_ADDED", "watched"), ("TASK_ADDED", framework), ("TASK_UPDATED", "TASK_RUNNING")):
            assert any(line.startswith(what) and who in line for line in told.splitlines()), told
        # msh suppresses its offers, which is nobody's business.
        assert "FRAMEWORK_UPDATED" not in told
        until(lambda: "FRAMEWORK_REMOVED" in watcher.said(10**6), "the framework's end is shown", 20)
    finally:
        watcher.kill()
