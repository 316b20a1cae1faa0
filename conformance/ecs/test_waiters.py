"""The waiters tasks_running and tasks_stopped of the client library."""

import pytest
from botocore.exceptions import WaiterError

from harness.ecs import SLEEPER

FAST = {"Delay": 1, "MaxAttempts": 30}


def wait(ecs, name, *tasks, config=FAST):
    ecs.client.get_waiter(name).wait(
        cluster=ecs.cluster, tasks=[t["taskArn"] for t in tasks], WaiterConfig=config
    )


def test_tasks_running_and_tasks_stopped_end_when_all_tasks_are_there(ecs):
    tasks = ecs.run(ecs.define(SLEEPER), count=3)
    wait(ecs, "tasks_running", *tasks)
    assert [ecs.task(t)["lastStatus"] for t in tasks] == ["RUNNING"] * 3
    for task in tasks:
        ecs.client.stop_task(cluster=ecs.cluster, task=task["taskArn"])
    wait(ecs, "tasks_stopped", *tasks)
    assert [ecs.task(t)["lastStatus"] for t in tasks] == ["STOPPED"] * 3


@pytest.mark.executes
def test_tasks_running_fails_when_a_task_has_died(ecs):
    task = ecs.run_one("exit 3")
    ecs.wait(task, "STOPPED")
    with pytest.raises(WaiterError, match="terminal failure state"):
        wait(ecs, "tasks_running", task)


def test_tasks_running_fails_on_a_missing_task(ecs):
    with pytest.raises(WaiterError, match="terminal failure state"):
        wait(ecs, "tasks_running", {"taskArn": "0" * 32})


def test_tasks_stopped_keeps_waiting_while_a_task_runs(ecs):
    task = ecs.run_one(SLEEPER)
    ecs.wait(task, "RUNNING")
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        wait(ecs, "tasks_stopped", task, config={"Delay": 1, "MaxAttempts": 2})
