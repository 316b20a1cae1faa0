"""Cluster mode: Spark's dispatcher is a framework whose tasks are drivers, each of which is a framework with executors."""

import functools
import http.server
import re
import threading
from urllib.parse import urlparse

import pytest
import requests

from harness import jvm, spark
from harness.wait import until

pytestmark = [pytest.mark.process_only, pytest.mark.timeout(300)]


class Dispatcher:
    def __init__(self, client, mesos_url):
        self.client = client
        self.dispatcher = client.command(
            "org.apache.spark.deploy.mesos.MesosClusterDispatcher", "--master", f"mesos://{urlparse(mesos_url).netloc}",
            "--host", "127.0.0.1", "--port", "0", "--webui-port", "0",
        )
        (port,) = spark.waits(self.dispatcher, r"Started REST server .* with port (\d+)")
        self.address = f"127.0.0.1:{port}"

    def submit(self, jar, *words):
        """Has a driver run the class of a jar; its id, which is that of its Mesos task."""
        # Source: SPARK-39617. The dispatcher hands its driver --driver-cores 1.0, which Spark refuses since 3.2. The last one counts, and
        # what is in quotes is passed on as it is.
        driver = {
            "spark.master.rest.enabled": "true", "spark.driver.host": "", "spark.driver.bindAddress": "",
            "spark.mesos.driverEnv.SPARK_LOCAL_IP": "127.0.0.1", "spark.mesos.driverEnv.MESOS_NATIVE_JAVA_LIBRARY": jvm.library(),
        }
        flags = ["--deploy-mode", "cluster", "--name", "pi", "--class", "'Pi' --driver-cores '1'"]
        job = self.client.submit(self.address, jar, *words, flags=flags, settings=driver)
        assert job.ended(60) == 0, job.said()
        return spark.waits(job, '"submissionId" : "(.*)"')[0]

    def ended(self, driver):
        """What the dispatcher says of a driver that has ended: the last update of its task, as text."""
        def look():
            found = requests.get(f"http://{self.address}/v1/submissions/status/{driver}", timeout=10).json().get("message", "")
            return re.search("state: TASK_(FINISHED|FAILED|KILLED|LOST|ERROR)", found) and found

        return until(look, "the driver has ended", 120)

    def kill(self, driver):
        assert requests.post(f"http://{self.address}/v1/submissions/kill/{driver}", timeout=10).json()["success"]


@pytest.fixture(scope="module")
def client():
    made = spark.Spark()
    yield made
    made.close()


@pytest.fixture(scope="module")
def dispatcher(client, server):
    return Dispatcher(client, server.mesos)


@pytest.fixture(scope="module")
def web(client, tmp_path_factory):
    """A server of a directory with the jar of Pi; its URL."""
    folder = tmp_path_factory.mktemp("web")
    client.jar("Pi", folder)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_drivers_run_as_tasks_and_end_with_their_executors(dispatcher, web, mesos_url, ecs, quiet_after):
    mine = spark.framework(mesos_url, "Spark Cluster", "frameworks")["id"]
    driver = dispatcher.submit(f"{web}/pi.jar", "4")
    assert "state: TASK_FINISHED" in dispatcher.ended(driver), dispatcher.ended(driver)
    task = next(one for one in spark.framework(mesos_url, mine, "frameworks")["completed_tasks"] if one["id"] == driver)
    assert task["state"] == "TASK_FINISHED", task
    until(lambda: len(spark.executors(ecs, f"{mine}-{driver}", "STOPPED")) == 2, "its two executors have ended", 20)
    assert not spark.executors(ecs, f"{mine}-{driver}")
    ran = until(lambda: spark.framework(mesos_url, f"{mine}-{driver}"), "the framework of the driver is torn down", 20)
    assert {task["state"] for task in ran["completed_tasks"]} <= {"TASK_FINISHED", "TASK_KILLED"}, ran

    endless = dispatcher.submit(f"{web}/pi.jar", "1000000")
    until(lambda: len(spark.executors(ecs, f"{mine}-{endless}")) == 2, "the second driver has executors", 60)
    dispatcher.kill(endless)
    assert "state: TASK_KILLED" in dispatcher.ended(endless), dispatcher.ended(endless)
    until(lambda: not spark.executors(ecs, f"{mine}-{endless}"), "its executors have ended", 30)
    until(lambda: spark.framework(mesos_url, f"{mine}-{endless}"), "its framework is gone", 30)


def test_a_file_that_is_not_there_is_said_to_the_dispatcher(dispatcher, web, quiet_after):
    failed = dispatcher.ended(dispatcher.submit(f"{web}/missing.jar", "1"))
    assert "state: TASK_FAILED" in failed and f"Failed to fetch {web}/missing.jar" in failed, failed
