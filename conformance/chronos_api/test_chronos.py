"""Chronos's REST API over the Mesos master of a local ECS: the job of the first users, a client of the time, and kill -9."""

import datetime
import subprocess
import time
from urllib.parse import urlparse

import pytest
import requests
from chronos import ChronosAPIError, ChronosClient

from harness.chronos import Chronos
from harness.ecs import Ecs, shell
from harness.ours import Ours, Runs
from harness.server import CREDENTIALS, REGION
from harness.wait import holds, until

pytestmark = pytest.mark.process_only


@pytest.fixture
def chronos(mesos_url, quiet_after, tmp_path):
    made = Chronos(tmp_path, urlparse(mesos_url).netloc, "--failure-retry", "500")
    yield made
    made.stop()


@pytest.fixture
def client(chronos):
    return ChronosClient(urlparse(chronos.url).netloc)


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path / "runs")


def job(**more):
    return {"owner": "ops@example.com", "disabled": False, "cpus": 0.1, "mem": 32, "disk": 1, **more}


def ago(seconds):
    moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def lines(file):
    return file.read_text().splitlines() if file.exists() else []


def curl(*words):
    """What curl says, and the status."""
    done = subprocess.run(
        ["curl", "-sS", "-w", "\n%{http_code}", *words], capture_output=True, text=True, check=True, timeout=30,
    )
    body, _, status = done.stdout.rpartition("\n")
    return body, int(status)


def is_subscribed(chronos):
    return requests.get(f"{chronos.url}/metrics", timeout=10).json()["gauges"]["framework.subscribed"]["value"]


def test_the_job_of_the_announcement_runs_its_task_definition(tmp_path):
    # "if Chronos or Marathon are given the command=sleep360:1 ..." The definition is the first of its family, so it needs a cluster of its own.
    ours = Ours(tmp_path)
    chronos = None
    try:
        ecs = Ecs(ours.started.server.ecs, ours.started.server.cluster)
        ecs.register(shell("exec sleep 360", cpu=102, memory=128), family="sleep360")
        chronos = Chronos(tmp_path, ours.master)
        posted = '{"name": "sleep", "command": "sleep360:1", "schedule": "R1//PT24H", "epsilon": "PT30M", "owner": "ops@example.com", "async": false}'
        answer = curl("-L", "-H", "Content-Type: application/json", "-X", "POST", "-d", posted, f"{chronos.url}/scheduler/iso8601")
        assert answer == ("", 204)
        until(lambda: chronos.state("sleep") == "1 running", "the job runs")
        until(lambda: [task["lastStatus"] for task in ecs.tasks()] == ["RUNNING"], "its task runs on ECS")
        (task,) = ecs.tasks()
        assert task["taskDefinitionArn"].endswith("task-definition/sleep360:1")
        variables = {one["name"]: one["value"] for one in task["overrides"]["containerOverrides"][0]["environment"]}
        assert variables["CHRONOS_JOB_NAME"] == "sleep" and variables["CHRONOS_JOB_OWNER"] == "ops@example.com"
        (run,) = chronos.runs("sleep")
        assert run["taskId"].startswith("ct:") and run["taskId"].endswith(":0:sleep:") and run["status"] == "Running"
        assert curl("-X", "DELETE", f"{chronos.url}/scheduler/task/kill/sleep") == ("", 204)
        until(lambda: not ecs.tasks(desiredStatus="RUNNING"), "its task is stopped")
        until(lambda: chronos.state("sleep") == "idle", "the job does not run")
        # A killed run is no failure; R1 is used up.
        shown = chronos.job("sleep")
        assert (shown["successCount"], shown["errorCount"], shown["disabled"]) == (0, 0, True)
    finally:
        if chronos:
            chronos.stop()
        ours.stop()


def test_a_client_of_the_time_does_all_it_can(chronos, client, tmp_path):
    file = tmp_path / "ran"
    client.add(job(name="parent", command=f"echo parent >> {file}", schedule="R1//PT1H"))
    client.add(job(name="child", command=f"echo child >> {file}", parents=["parent"]))
    assert {one["name"] for one in client.list()} == {"parent", "child"}
    assert [one["name"] for one in client.search(name="par")] == ["parent"]
    assert [one["name"] for one in client.search(command="echo child")] == ["child"]
    until(lambda: lines(file) == ["parent", "child"], "both have run, one after the other")
    until(lambda: chronos.job("child")["successCount"] == 1, "the child's success is counted")
    client.run("parent")
    until(lambda: lines(file) == ["parent", "child"] * 2, "both run again when a person wants it")
    until(lambda: chronos.job("child")["successCount"] == 2, "the child's success is counted")
    stat = client.job_stat("parent")
    assert stat["histogram"]["count"] == 2 and [run["status"] for run in stat["taskStatHistory"]] == ["Success"] * 2
    assert sorted(client.scheduler_graph().splitlines()) == ["link,parent,child", "node,child,success,idle", "node,parent,success,idle"]
    assert {one["jobNameLabel"] for one in client.scheduler_stat_mean()} == {"parent", "child"}
    assert client.scheduler_stat_99th() and client.metrics()["counters"]["tasks.finished"]["count"] == 4
    client.update(job(name="parent", command="exec sleep 600", schedule="R1//PT1H"))
    until(lambda: chronos.state("parent") == "1 running", "the new job runs")
    client.delete_tasks("parent")
    until(lambda: chronos.state("parent") == "idle", "its task was killed")
    client.delete("parent")
    # Its child has its schedule now.
    (child,) = client.list()
    assert child["name"] == "child" and child["schedule"].startswith("R0/") and child["successCount"] == 2
    with pytest.raises(ChronosAPIError):
        client.delete("parent")


def test_the_routes_of_chronos_2_are_there_too(chronos):
    url = f"{chronos.url}/scheduler"
    json = job(name="two", command="true", schedule="R0//PT1H")
    assert requests.put(f"{url}/iso8601", json=json, timeout=10).status_code == 204
    assert requests.put(f"{url}/dependency", json=job(name="three", command="true", parents=["two"]), timeout=10).status_code == 204
    assert {one["name"] for one in requests.get(f"{url}/jobs", timeout=10).json()} == {"two", "three"}
    assert requests.get(f"{url}/graph/dot", timeout=10).text == 'digraph G {\n  "three";\n  "two";\n  "two" -> "three";\n}\n'
    marked = requests.put(f"{url}/job/success/two", timeout=10)
    assert (marked.status_code, marked.text) == (200, "marked job two as successful: true")
    until(lambda: chronos.job("three")["successCount"] == 1, "the child has run")
    assert requests.get(f"{chronos.url}/ping", timeout=10).text.strip() == "pong"
    leader = {"leader": urlparse(chronos.url).netloc}
    assert requests.get(f"{chronos.url}/leader", timeout=10).json() == leader == chronos.call("GET", "leader").json()
    refused = requests.put(f"{url}/task/ct:1:0:two:", json={"statusCode": 0}, timeout=10)
    assert refused.status_code == 400 and "asynchronous" in refused.json()["message"]


@pytest.mark.parametrize(("member", "value", "said"), [
    ("name", "a b", "name: "),
    ("name", "n" * 1000, "name: "),
    ("schedule", "every day", "schedule: "),
    ("schedule", "R/1960-01-01T00:00:00Z/P1D", "schedule: "),
    ("scheduleTimeZone", "Europe/Atlantis", "scheduleTimeZone: "),
    ("retries", "many", "retries: "),
    ("cpus", -1, "cpus: "),
    ("async", True, "async: "),
    ("parents", ["nobody"], "parents: "),
    ("container", {"type": "DOCKER"}, "container.image: "),
    ("constraints", [["rack", "LIKE", "("]], "constraints[0]: "),
    ("epsilom", "PT1M", "epsilom: "),
])
def test_a_malformed_job_is_refused_by_the_name_of_its_member(chronos, member, value, said):
    answer = chronos.call("POST", "iso8601", json=job(name="a", command="true", schedule="R0//PT1H") | {member: value})
    assert answer.status_code == 400
    body = answer.json()
    assert body["status"] == "Bad Request" and body["message"].startswith(said), body


def test_what_is_no_call_is_refused(chronos):
    for method, path, more, status in [
        ("GET", "nowhere", {}, 404),
        ("DELETE", "jobs", {}, 405),
        ("GET", "job/nobody", {}, 400),
        ("DELETE", "job/nobody", {}, 400),
        ("PUT", "job/nobody", {}, 400),
        ("GET", "stats/best", {}, 400),
        ("GET", "jobs/search?limit=x", {}, 400),
        ("POST", "iso8601", {"data": "{}"}, 415),
        ("POST", "iso8601", {"data": "{", "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "iso8601", {"data": "x" * 300_000, "headers": {"Content-Type": "application/json"}}, 413),
        ("POST", "iso8601", {"json": job(name="a", command="", parents=["b"])}, 400),
        ("POST", "dependency", {"json": job(name="a", command="", parents=["b"])}, 400),
    ]:
        answer = chronos.call(method, path, **more)
        assert answer.status_code == status and answer.json()["message"], (method, path, answer.status_code, answer.text)


def test_a_failure_is_tried_again_and_then_counted(chronos, tmp_path):
    file = tmp_path / "tries"
    chronos.post(**job(name="bad", command=f"echo $CHRONOS_JOB_RUN_ATTEMPT >> {file}; exit 3", schedule="R1//PT1H", retries=2))
    until(lambda: chronos.job("bad")["errorCount"] == 1, "it has failed for good")
    assert lines(file) == ["0", "1", "2"]
    assert [run["status"] for run in chronos.runs("bad")] == ["Fail"] * 3


def test_nothing_runs_twice_and_nothing_is_lost_when_it_is_killed(chronos, runs, tmp_path):
    over = tmp_path / "over"
    wait = f"while [ ! -e {over} ]; do sleep 0.05; done"
    chronos.post(**job(name="long", command=runs.command(wait).replace("MESOS_TASK_ID", "CHRONOS_JOB_NAME"), schedule="R1//PT1H"))
    chronos.post(**job(name="after", command=runs.command("exit 0").replace("MESOS_TASK_ID", "CHRONOS_JOB_NAME"), parents=["long"]))
    until(lambda: runs.alive(), "the job runs")
    chronos.kill()
    over.touch()
    until(lambda: not runs.alive(), "it ends while nobody looks")
    chronos.start()
    until(lambda: chronos.job("after")["successCount"] == 1, "its end was told, and its child has run")
    assert chronos.job("long")["successCount"] == 1
    holds(lambda: {name: len(of) for name, of in runs.all().items()} == {"long": 1, "after": 1}, "each has run once", 1)


def test_what_was_due_while_it_was_down_runs_as_epsilon_says(chronos, tmp_path):
    file = tmp_path / "ran"
    soon = ago(-2)
    for name, epsilon in (("late", "PT1H"), ("lost", "PT1S")):
        chronos.post(**job(name=name, command=f"echo {name} >> {file}", schedule=f"R5/{soon}/PT1H", epsilon=epsilon))
    chronos.kill()
    time.sleep(4.5)
    chronos.start()
    until(lambda: lines(file) == ["late"], "the one within its epsilon has run")
    until(lambda: chronos.job("late")["successCount"] == 1, "it is counted")
    assert [chronos.job(name)["schedule"][:3] for name in ("late", "lost")] == ["R4/", "R4/"]
    assert chronos.call("GET", "jobs").status_code == 200
    holds(lambda: lines(file) == ["late"], "the other one is skipped", 1)


def test_jobs_may_be_called_for_with_credentials_only(mesos_url, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.write_text("ops secret\n")
    credentials.chmod(0o600)
    chronos = Chronos(tmp_path, urlparse(mesos_url).netloc, "--credentials", str(credentials))
    try:
        assert chronos.call("GET", "jobs").status_code == 401
        assert chronos.call("GET", "jobs", auth=("ops", "secret")).json() == []
    finally:
        chronos.stop()


def test_many_jobs_that_are_due_together_start_together(chronos):
    for number in range(40):
        chronos.post(**job(name=f"job-{number}", command="true", schedule=f"R1/{ago(-3)}/PT1H", cpus=0.01, mem=8))
    until(lambda: sum(one["successCount"] for one in chronos.call("GET", "jobs").json()) == 40, "all have run", 60)


def test_it_speaks_to_ecs_itself_and_hears_of_no_end_twice(ecs, quiet_after, tmp_path):
    # No master, no port: what configures the AWS SDK configures it.
    file = tmp_path / "ran"
    env = {**CREDENTIALS, "AWS_ECS_ENDPOINT": ecs.url, "AWS_REGION": REGION, "LONGSHORE_DEFAULT_IMAGE": "host"}
    chronos = Chronos(tmp_path, f"ecs://{ecs.cluster}", env=env)
    try:
        chronos.post(**job(name="parent", command=f"echo parent >> {file}", schedule="R1//PT1H"))
        chronos.post(**job(name="child", command=f"echo child >> {file}", parents=["parent"]))
        until(lambda: chronos.job("child")["successCount"] == 1, "both have run")
        chronos.kill()
        chronos.start()
        until(lambda: chronos.call("GET", "jobs/summary").ok, "it is back")
        until(lambda: is_subscribed(chronos), "it is subscribed")
        holds(lambda: lines(file) == ["parent", "child"], "nothing runs again", 3)
        assert [chronos.job(name)["successCount"] for name in ("parent", "child")] == [1, 1]
    finally:
        chronos.stop()


def test_each_of_many_runs_is_started_once_when_it_is_killed_while_it_launches(chronos, runs):
    soon, names = ago(-4), [f"job-{number}" for number in range(60)]
    for name in names:
        command = runs.command("exit 0").replace("MESOS_TASK_ID", "CHRONOS_JOB_NAME")
        chronos.post(**job(name=name, command=command, schedule=f"R1/{soon}/PT1H", epsilon="PT1H", cpus=0.01, mem=8))
    for _ in range(3):
        until(lambda: runs.all(), "some have begun", every_s=0.005)
        chronos.kill()
        chronos.start()
        # A SUBSCRIBE of a process that is dead must not come after that of the next one: a master takes the later one for a failover.
        until(lambda: is_subscribed(chronos), "it is subscribed")
    until(lambda: all(chronos.job(name)["successCount"] == 1 for name in names), "all have run", 60, every_s=0.5)
    assert {name: len(of) for name, of in runs.all().items()} == dict.fromkeys(names, 1)


def test_jobs_move_to_another_scheduler_as_they_are_shown(chronos, mesos_url, tmp_path):
    chronos.post(**job(name="parent", command="true", schedule="R0/2030-01-31T06:00:00Z/P1M", scheduleTimeZone="Europe/Vienna", description="monthly"))
    chronos.post(**job(name="child", command="true", parents=["parent"], softError=True, uris=["http://example.com/a.tgz"]))
    assert chronos.call("PUT", "job/success/parent").ok
    until(lambda: chronos.job("child")["errorCount"] or chronos.state("child") != "idle" or chronos.runs("child"), "the child is begun")
    chronos.call("DELETE", "task/kill/child")
    until(lambda: chronos.state("child") == "idle", "and ended")
    shown = [chronos.job(name) for name in ("parent", "child")]
    (tmp_path / "other").mkdir()
    other = Chronos(tmp_path / "other", urlparse(mesos_url).netloc)
    try:
        for one in shown:
            other.post(**one)
        assert [other.job(name) for name in ("parent", "child")] == shown
    finally:
        other.stop()


def test_a_second_scheduler_does_not_take_the_same_data(chronos):
    with pytest.raises(AssertionError, match="in use by another process"):
        Chronos(chronos.folder.parent, chronos.master)
