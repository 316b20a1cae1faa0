"""npm's mesos-framework 0.5.3, which keeps tasks running, over the v1 API in JSON."""

import json
import time
from urllib.parse import urlparse

import pytest

from harness.clients import mesos_framework, needs
from harness.ecs import SLEEPER, image, unique
from harness.program import Program, end_all
from harness.singularity import ZOOKEEPER, ZooKeeper
from harness.wait import holds, until


@pytest.fixture
def frameworks(mesos_url, quiet_after):
    """Starts frameworks that keep tasks running; those that still run at the end are torn down."""
    modules, made = mesos_framework() / "node_modules", []

    def start(name=None, zookeeper="", **tasks):
        where = urlparse(mesos_url)
        made.append(
            Program(
                "mesos_framework.js", where.hostname, str(where.port), name or unique("node"), json.dumps(tasks),
                environment={"NODE_PATH": str(modules), "NODE_NO_WARNINGS": "1", "IMAGE": image(), "ZOOKEEPER": zookeeper},
            )
        )
        made[-1].wait(lambda s: s["what"] == "registered", "the framework is registered")
        return made[-1]

    yield start
    assert [said for program in made for said in program.said if said["what"] == "error"] == []
    end_all(made)


def ids(framework, state):
    return [said["id"] for said in framework.said if said["what"] == "update" and said["state"] == state]


@pytest.mark.executes
def test_tasks_that_end_are_started_again_and_each_end_is_told_once(frameworks):
    framework = frameworks(brief={"command": "sleep 0.5", "instances": 2, "restart": ["TASK_FINISHED"]})
    until(lambda: len(ids(framework, "TASK_FINISHED")) >= 6, "six tasks have finished", 60)
    finished = ids(framework, "TASK_FINISHED")
    assert len(finished) == len(set(finished))


@pytest.mark.executes
def test_a_task_has_the_port_and_the_host_that_the_library_gave_it(frameworks):
    check = 'test "$HOST" != "" && test "$PORT0" -ge 80 && test "$PORT1" -gt "$PORT0"'
    framework = frameworks(web={"command": check, "ports": 2})
    until(lambda: ids(framework, "TASK_FINISHED"), "the task has finished")
    assert ids(framework, "TASK_FAILED") == []


def test_a_killed_task_is_replaced(frameworks):
    framework = frameworks(service={"command": SLEEPER, "restart": ["TASK_KILLED"]})
    first = framework.wait(lambda s: s.get("state") == "TASK_RUNNING", "the task runs")
    framework.order(reconcile=[first["id"]])
    framework.wait(lambda s: s.get("reason") == "REASON_RECONCILIATION" and s["state"] == "TASK_RUNNING", "it is known")
    framework.order(kill=first["id"])
    framework.wait_state(first["id"], "TASK_KILLED")
    framework.wait(
        lambda s: s.get("state") == "TASK_RUNNING" and s["id"] != first["id"], "another task runs in its place",
    )


@pytest.mark.slow
def test_a_framework_that_keeps_its_state_finds_its_tasks_after_its_death(frameworks, ecs, tmp_path):
    needs("zookeeper", "java", files=[ZOOKEEPER])
    zookeeper, name = ZooKeeper(tmp_path), unique("node")
    try:
        wanted = {"name": name, "zookeeper": f"127.0.0.1:{zookeeper.port}", "service": {"command": SLEEPER, "instances": 2}}
        first = frameworks(**wanted)
        until(lambda: len(ids(first, "TASK_RUNNING")) == 2, "two tasks run")
        time.sleep(1)  # the library writes down what runs without saying when it has
        running = sorted(ecs.arns())
        first.kill()
        second = frameworks(**wanted)
        assert second.said[0]["id"] == first.said[0]["id"]
        for task in ids(first, "TASK_RUNNING"):
            known = second.wait_state(task, "TASK_RUNNING")
            assert known["reason"] == "REASON_RECONCILIATION"
        holds(
            lambda: sorted(ecs.arns()) == running,
            "the same tasks run, and no others", 3, every_s=0.5,
        )
        second.order(stop=False)
        second.ended()
    finally:
        zookeeper.program.stop(5)


@pytest.mark.slow
def test_the_stream_is_never_silent_for_so_long_that_the_client_gives_up(frameworks):
    # It ends when it hears nothing for 10 s, unless the master sends beats.
    framework = frameworks(service={"command": SLEEPER})
    framework.wait(lambda s: s.get("state") == "TASK_RUNNING", "the task runs")
    time.sleep(10)
    holds(lambda: framework.process.poll() is None, "the client stays", 5, every_s=0.5)
    assert len([said for said in framework.said if said["what"] == "registered"]) == 1
