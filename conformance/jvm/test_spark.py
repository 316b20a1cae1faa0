"""Stock Spark over a master and straight to ECS: shuffles, executors on instances of their own, those that end and are replaced."""

import os
import signal
from urllib.parse import urlparse

import pytest

from harness import spark
from harness.wait import until

pytestmark = [pytest.mark.process_only, pytest.mark.timeout(300)]

SHUFFLE = spark.PROGRAMS / "shuffle.py"


@pytest.fixture
def client(request, quiet_after):
    made = spark.Spark(getattr(request, "param", spark.OLDEST))
    yield made
    made.close()


@pytest.mark.parametrize("client", spark.versions(), indirect=True)
def test_a_shuffle_on_two_instances_is_right_and_leaves_nothing(client, mesos_url, ecs):
    job = client.submit(urlparse(mesos_url).netloc, SHUFFLE)
    assert job.ended(200) == 0, job.said()
    assert "right <1>" in spark.said(job) and "stopped" in spark.said(job) and spark.is_well(job), job.said()

    (application,) = spark.waits(job, "application <(.*)>")
    ended = until(lambda: spark.framework(mesos_url, application), "the framework is torn down", 20)
    tasks = {task["id"]: task for task in ended["completed_tasks"]}
    assert {task["state"] for task in tasks.values()} <= {"TASK_FINISHED", "TASK_KILLED"}, tasks
    assert tasks.keys() == {"0", "1"} and not ended["tasks"], ended
    stopped = until(lambda: spark.executors(ecs, application, "STOPPED"), "ECS has stopped them", 20)
    instances = {task["containerInstanceArn"].rpartition("/")[2] for task in stopped}
    assert len(instances) == 2 and instances == {task["slave_id"] for task in tasks.values()}, (stopped, tasks)
    assert not spark.executors(ecs, application)


def test_it_needs_no_master(client, ecs):
    job = client.submit(
        f"ecs://{ecs.cluster}", SHUFFLE, AWS_ECS_ENDPOINT=ecs.url, AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret", LONGSHORE_DEFAULT_IMAGE="none",
    )
    assert job.ended(200) == 0, job.said()
    assert "right <1>" in spark.said(job) and spark.is_well(job), job.said()
    (application,) = spark.waits(job, "application <(.*)>")
    until(lambda: not spark.executors(ecs, application), "no executor is left", 20)
    assert len({task["containerInstanceArn"] for task in spark.executors(ecs, application, "STOPPED")}) == 2


def stop_one(ecs, application):
    ecs.client.stop_task(cluster=ecs.cluster, task=spark.executors(ecs, application)[0]["taskArn"])


def kill_one(ecs, application):
    os.kill(spark.processes(application)[0], signal.SIGKILL)


@pytest.mark.parametrize("end", [pytest.param(stop_one, id="stopped", marks=pytest.mark.long), pytest.param(kill_one, id="killed")])
def test_an_executor_that_is_ended_from_outside_has_failed_and_is_replaced(client, mesos_url, ecs, end, tmp_path):
    job = client.submit(urlparse(mesos_url).netloc, SHUFFLE, tmp_path / "enough")
    (application,) = spark.waits(job, "application <(.*)>")
    spark.waits(job, "right <1>")
    before = {task["taskArn"] for task in spark.executors(ecs, application)}
    assert len(before) == 2, before
    end(ecs, application)
    spark.waits(job, "Mesos task [01] is now TASK_FAILED", 30)
    until(lambda: {task["taskArn"] for task in spark.executors(ecs, application)} - before, "another executor", 60)
    spark.waits(job, "Registered executor .* with ID 2")
    (tmp_path / "enough").touch()
    assert job.ended(100) == 0, job.said()
    assert "stopped" in spark.said(job) and spark.is_well(job), job.said()
    ended = until(lambda: spark.framework(mesos_url, application), "the framework is torn down", 20)
    states = {task["id"]: task["state"] for task in ended["completed_tasks"]}
    assert states["2"] in ("TASK_FINISHED", "TASK_KILLED"), states
    assert sorted([states["0"] == "TASK_FAILED", states["1"] == "TASK_FAILED"]) == [False, True], states
