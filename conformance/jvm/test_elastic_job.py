"""Elastic-Job-Cloud's scheduler, from Maven Central, which chooses with Fenzo and runs scripts as Mesos tasks through our library."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse

import pytest

from harness import elastic_job, jvm
from harness.wait import until

pytestmark = [pytest.mark.process_only, pytest.mark.slow, pytest.mark.timeout(200)]

# Tells what it was called with; fails once, or sleeps, if that is what it is told to do.
SCRIPT = """#!/bin/sh
echo "$@" >> FOLDER/said
case $1 in
fails) mkdir FOLDER/failed && exit 3 ;;
sleeps) exec sleep 600 ;;
esac
exit 0
"""


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *what):
        pass


@pytest.fixture
def app(tmp_path):
    """The URL of the script, and the lines that it has written."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "job.sh").write_text(SCRIPT.replace("FOLDER", str(tmp_path)))
    web = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=tmp_path / "www"))
    threading.Thread(target=web.serve_forever, daemon=True).start()
    said = tmp_path / "said"
    yield f"http://127.0.0.1:{web.server_address[1]}/job.sh", lambda: said.read_text().splitlines() if said.exists() else []
    web.shutdown()


@pytest.fixture
def scheduler(mesos_url, app, tmp_path, quiet_after):
    jvm.library()
    made = elastic_job.Scheduler(urlparse(mesos_url).netloc, tmp_path)
    made.app("greeter", app[0])
    yield made
    made.stop()


def tasks(ecs, status="RUNNING"):
    return ecs.tasks(desiredStatus=status)


def test_a_script_runs_once_for_each_shard_of_a_job(scheduler, app):
    scheduler.job("greet", "greeter", "./job.sh hello", shardingTotalCount=3, shardingItemParameters="0=a,1=b,2=c")
    for shards in (3, 6):
        scheduler.call("POST", "job/trigger", "greet")
        until(lambda: len(app[1]()) >= shards and not scheduler.running(), "its shards have run", 40, every_s=0.2)
        assert len(app[1]()) == shards, app[1]()
    assert all(line.startswith("hello ") for line in app[1]())
    for shard in ("{0:a}", "{1:b}", "{2:c}"):
        assert sum(shard in line for line in app[1]()) == 2, app[1]()
    assert jvm.is_quiet(scheduler.said()), scheduler.said()


def test_a_shard_that_has_failed_runs_again(scheduler, app):
    scheduler.job("flaky", "greeter", "./job.sh fails")
    scheduler.call("POST", "job/trigger", "flaky")
    until(lambda: len(app[1]()) >= 2 and not scheduler.running(), "it has run twice", 40, every_s=0.2)
    assert [line.split("@-@")[2] for line in app[1]()] == ["READY", "FAILOVER"]
    assert "status is: TASK_FAILED, message is: Command exited with status 3" in scheduler.said()
    assert jvm.is_quiet(scheduler.said()), scheduler.said()


def test_a_scheduler_that_is_killed_and_comes_back_is_told_of_its_tasks(scheduler, app, ecs):
    scheduler.job("long", "greeter", "./job.sh sleeps")
    scheduler.call("POST", "job/trigger", "long")
    until(app[1], "it runs", 30, every_s=0.2)
    (before,) = tasks(ecs)
    scheduler.program.kill()
    scheduler.start()
    (after,) = tasks(ecs)
    assert after["taskArn"] == before["taskArn"]
    # It kills what it is told of and does not want.
    scheduler.call("DELETE", "job/deregister", "long")
    scheduler.call("POST", "operate/reconcile/implicit")
    until(lambda: not tasks(ecs), "it has killed the task", 20)
    assert jvm.is_quiet(scheduler.said()), scheduler.said()


def test_a_job_that_wants_an_executor_of_its_own_is_told_that_there_is_none(scheduler, ecs):
    scheduler.job("daemon", "greeter", "./job.sh sleeps", kind="DAEMON", failover=False)
    until(lambda: "executors cannot be mapped to Amazon ECS yet" in scheduler.said(), "it is refused", 30, every_s=0.2)
    # The library says so first, and then the scheduler that it tells.
    until(lambda: "status is: TASK_ERROR" in scheduler.said(), "the scheduler knows", 30, every_s=0.2)
    assert not tasks(ecs)
