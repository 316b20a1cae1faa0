"""Stock Spark, from PyPI, with nothing of Mesos on the machine: its Mesos backend loads our library."""

import sys
from pathlib import Path
from urllib.parse import urlparse

import pytest

from harness import jvm
from harness.clients import Quiet
from harness.wait import until

pytestmark = [pytest.mark.process_only, pytest.mark.timeout(300)]

JOB = Path(__file__).parent / "programs" / "shuffle.py"


@pytest.fixture
def spark(quiet_after):
    folder, started = jvm.pyspark(), []

    def start(master, *words, **more):
        environment = jvm.environment(
            PYTHONPATH=str(folder), PYSPARK_PYTHON=sys.executable, PYSPARK_SUBMIT_ARGS='--driver-java-options "-Xcheck:jni" pyspark-shell', **more
        )
        started.append(Quiet([sys.executable, JOB, master, *words], env=environment))
        return started[-1]

    yield start
    for job in started:
        if job.process.poll() is None:
            job.kill()


def tasks(ecs, status):
    arns = ecs.client.list_tasks(cluster=ecs.cluster, desiredStatus=status)["taskArns"]
    found = ecs.client.describe_tasks(cluster=ecs.cluster, tasks=arns)["tasks"] if arns else []
    return [task for task in found if "CoarseGrainedExecutorBackend" in str(task["overrides"])]


def is_well(job):
    said = job.said(100_000)
    return "WARNING in native" not in said and "FATAL ERROR" not in said


def test_a_shuffle_is_right_and_leaves_nothing(spark, mesos_url, ecs):
    job = spark(urlparse(mesos_url).netloc)
    assert job.ended(200) == 0, job.said()
    assert "right 1" in job.said() and "stopped" in job.said() and is_well(job), job.said()
    until(lambda: not tasks(ecs, "RUNNING"), "no executor is left", 20)


def test_it_needs_no_master(spark, ecs):
    job = spark(
        f"ecs://{ecs.cluster}", AWS_ECS_ENDPOINT=ecs.url, AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret",
        LONGSHORE_DEFAULT_IMAGE="none",
    )
    assert job.ended(200) == 0, job.said()
    assert "right 1" in job.said() and is_well(job), job.said()
    until(lambda: not tasks(ecs, "RUNNING"), "no executor is left", 20)


def test_an_executor_that_is_stopped_is_replaced(spark, mesos_url, ecs):
    job = spark(urlparse(mesos_url).netloc, "40")
    until(lambda: "right 1" in job.said(100_000), "the first round", 100)
    before = {task["taskArn"] for task in tasks(ecs, "RUNNING")}
    assert len(before) == 2, before
    ecs.client.stop_task(cluster=ecs.cluster, task=sorted(before)[0])
    until(lambda: {task["taskArn"] for task in tasks(ecs, "RUNNING")} - before, "another executor", 60)
    assert job.ended(200) == 0, job.said()
    assert "stopped" in job.said() and is_well(job), job.said()
