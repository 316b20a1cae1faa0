"""Dynamic allocation: Spark kills executors that are idle, and launches others when there is work."""

from urllib.parse import urlparse

import pytest

from harness import spark
from harness.server import free_port
from harness.wait import until

pytestmark = [pytest.mark.process_only, pytest.mark.timeout(300)]

ELASTIC = {
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.initialExecutors": "2",
    "spark.dynamicAllocation.maxExecutors": "2",
    "spark.dynamicAllocation.executorIdleTimeout": "1s",
}


@pytest.fixture
def client(quiet_after):
    made = spark.Spark()
    yield made
    made.close()


def test_idle_executors_are_killed_and_others_come(client, mesos_url, ecs):
    tracking = {"spark.dynamicAllocation.shuffleTracking.enabled": "true", "spark.dynamicAllocation.shuffleTracking.timeout": "1s"}
    job = client.submit(urlparse(mesos_url).netloc, spark.PROGRAMS / "elastic.py", settings={**ELASTIC, **tracking})
    (application,) = spark.waits(job, "application <(.*)>")
    spark.waits(job, "right <1>")
    spark.waits(job, "idle <1>")
    first = until(lambda: len(found := spark.executors(ecs, application, "STOPPED")) > 1 and found, "they are stopped", 20)
    assert job.ended(100) == 0, job.said()
    assert "right <2>" in spark.said(job) and spark.is_well(job), job.said()

    assert {task["stoppedReason"] for task in first} == {"Killed by its Mesos framework"}, first
    ended = until(lambda: spark.framework(mesos_url, application), "the framework is torn down", 20)
    states = {task["id"]: task["state"] for task in ended["completed_tasks"]}
    assert len(states) > 2 and states["0"] == states["1"] == "TASK_KILLED", states


@pytest.mark.long
def test_the_shuffle_service_keeps_what_killed_executors_have_written(client, mesos_url, ecs):
    port = free_port()
    service = {"spark.shuffle.service.enabled": "true", "spark.shuffle.service.port": str(port)}
    flags = " ".join(f"-D{name}={value}" for name, value in service.items())
    keeper = client.command("org.apache.spark.deploy.mesos.MesosExternalShuffleService", SPARK_SHUFFLE_OPTS=flags)
    spark.waits(keeper, f"Starting shuffle service on port {port}")
    job = client.submit(urlparse(mesos_url).netloc, spark.PROGRAMS / "elastic.py", "again", settings={**ELASTIC, **service})
    assert job.ended(100) == 0, job.said()
    assert "idle <2>" in spark.said(job) and spark.is_well(job), job.said()
    # The second round needed no map stage.
    assert spark.said(job).count("Submitting ShuffleMapStage") == 1, job.said()
