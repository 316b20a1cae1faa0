"""Marathon's and Chronos's APIs with what they keep in ZooKeeper instead of a file: nothing is lost, and one writes at a time."""

import os
import signal
import subprocess
import time
from urllib.parse import urlparse

import pytest
import requests

from harness.chronos import Chronos
from harness.marathon import Marathon
from harness.scheduler import binary
from harness.singularity import zookeeper
from harness.wait import until

pytestmark = [pytest.mark.process_only, pytest.mark.executes]

SLEEPER = {"id": "/sleeper", "cmd": "exec sleep 600", "cpus": 0.1, "mem": 16, "instances": 2}


@pytest.fixture(scope="module")
def ensemble():
    with zookeeper() as started:
        yield started


@pytest.fixture
def store(ensemble, request):
    """A path of this test's own, for those who know the password."""
    return f"zk://ops:s3cret@127.0.0.1:{ensemble.port}/stores/{request.node.name}"


def running(marathon):
    return sorted(task["id"] for task in marathon.tasks("sleeper") if task["state"] == "TASK_RUNNING")


def test_apps_and_their_instances_are_found_again_after_a_kill(store, mesos_url, quiet_after, tmp_path):
    marathon = Marathon(tmp_path, urlparse(mesos_url).netloc, "--store", store)
    assert marathon.call("POST", "apps", json=SLEEPER).status_code == 201
    until(lambda: len(running(marathon)) == 2, "both run")
    before = running(marathon)
    marathon.kill()
    marathon.start()  # Once the session of the one before is over.
    until(lambda: running(marathon) == before, "the same are there")
    assert not os.listdir(tmp_path), "no file was made"
    assert marathon.call("DELETE", "apps/sleeper").status_code == 200
    until(lambda: marathon.call("GET", "apps").json() == {"apps": []} and marathon.is_quiet(), "it is gone")
    marathon.stop()
    began = time.monotonic()
    marathon.start()  # One that ended in peace leaves no session behind.
    assert time.monotonic() - began < 5 and marathon.call("GET", "apps").json() == {"apps": []}
    marathon.stop()


def test_more_than_zookeeper_takes_at_a_time_is_kept_as_one(store, mesos_url, quiet_after, tmp_path):
    marathon = Marathon(tmp_path, urlparse(mesos_url).netloc, "--store", store)
    apps = [
        {"id": f"/many/app-{number}", "cmd": "true", "cpus": 0.1, "mem": 16, "instances": 0, "labels": {"text": "x" * 20_000}}
        for number in range(60)
    ]
    assert marathon.call("PUT", "groups//many", json={"id": "/many", "apps": apps}).status_code in (200, 201)
    large = {"id": "/large", "cmd": "true", "cpus": 0.1, "mem": 16, "instances": 0, "labels": {"text": "é" * 200_000}}
    assert marathon.call("POST", "apps", json=large).status_code == 201
    until(marathon.is_quiet, "both deployments are done")
    marathon.kill()
    marathon.start()
    kept = {app["id"]: app for app in marathon.call("GET", "apps").json()["apps"]}
    assert len(kept) == 61 and kept["/large"]["labels"] == large["labels"]
    assert marathon.call("DELETE", "groups//many?force=true").status_code == 200
    marathon.stop()


def test_a_job_runs_once_whoever_goes_on_with_it(store, mesos_url, quiet_after, tmp_path):
    chronos = Chronos(tmp_path, urlparse(mesos_url).netloc, "--store", store)
    marks = tmp_path / "marks"
    job = {
        "name": "once", "command": f"echo x >> {marks}; sleep 2", "schedule": "R1//PT24H", "epsilon": "PT1H",
        "cpus": 0.1, "mem": 16, "owner": "ops@example.com",
    }
    assert requests.post(f"{chronos.url}/v1/scheduler/iso8601", json=job, timeout=10).status_code == 204
    until(marks.exists, "it runs")
    chronos.kill()
    chronos.start()
    def succeeded():
        [one] = requests.get(f"{chronos.url}/v1/scheduler/jobs", timeout=10).json()
        return one["successCount"] == 1
    until(succeeded, "its end is told")
    assert marks.read_text() == "x\n"
    chronos.stop()


def test_a_second_one_waits_for_the_first_and_then_gives_up(store, mesos_url, tmp_path):
    first = Marathon(tmp_path, urlparse(mesos_url).netloc, "--store", store)
    second = subprocess.run(
        [binary(), "marathon", "--master", first.master, "--store", store, "--marathon-listen", "127.0.0.1:0"],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )
    assert second.returncode == 1 and "in use by another process" in second.stderr, second
    assert "s3cret" not in second.stderr + second.stdout
    first.stop()


def test_it_goes_on_when_zookeeper_was_away_for_a_moment(store, ensemble, mesos_url, quiet_after, tmp_path):
    marathon = Marathon(tmp_path, urlparse(mesos_url).netloc, "--store", store)
    ensemble.program.process.send_signal(signal.SIGSTOP)
    posted = subprocess.Popen(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: application/json",
         f"{marathon.url}/v2/apps", "-d", '{"id": "late", "cmd": "true", "instances": 0}'],
        stdout=subprocess.PIPE, text=True,
    )
    time.sleep(4)
    assert posted.poll() is None, "nothing is acknowledged that is not kept"
    ensemble.program.process.send_signal(signal.SIGCONT)
    assert posted.communicate(timeout=30)[0] == "201"
    marathon.stop()


@pytest.mark.parametrize("url", ["zk://127.0.0.1:2181", "zk://ops:s3cret@127.0.0.1:2181/", "etcd://127.0.0.1/x", "/tmp/x"])
def test_what_names_no_place_is_refused_without_its_password(url):
    done = subprocess.run([binary(), "marathon", "--store", url], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "zk://HOST:PORT" in done.stderr and "s3cret" not in done.stderr, done
