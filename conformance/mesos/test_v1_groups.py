"""ACCEPT with LAUNCH_GROUP: tasks that start together, share a network, and end together [C18], [A16], [L4]."""

import pytest

from harness.ecs import SLEEPER, image, unique
from harness.mesos import id_of, resource, scalar, task
from harness.wait import holds, until


@pytest.fixture
def framework(schedulers):
    made = schedulers()
    made.subscribe()
    return made


def executor(**more):
    resources = [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 32)]
    return {
        "type": "DEFAULT", "executor_id": {"value": unique("executor")}, "resources": resources, **more,
    }


def member(offer, command, **more):
    """A task of a group: these cannot have Docker containers."""
    given = {"type": "DOCKER", "docker": {"name": image()}}
    return task(offer, command, **{"container": {"type": "MESOS", "mesos": {"image": given}}, **more})


def launched(framework, *commands):
    """Launches a group on the first offer; the ids of its tasks, its executor and the offer."""
    offer = framework.wait_offer()
    tasks = [member(offer, command) for command in commands]
    given = executor()
    group = {"executor": given, "task_group": {"tasks": tasks}}
    framework.accept([offer], {"type": "LAUNCH_GROUP", "launch_group": group})
    return [id_of(info) for info in tasks], given, offer


def failure_of(framework, executor):
    """Waits for the FAILURE that tells how an executor ended."""
    def ours(event):
        failure = event.get("failure", {})
        return event["type"] == "FAILURE" and failure.get("executor_id") == executor["executor_id"]

    return framework.wait(ours, "the executor ends")["failure"]


@pytest.mark.executes
def test_each_task_of_a_group_ends_with_its_own_exit_code_and_the_executor_last(framework, ecs):
    ids, executor, offer = launched(framework, "exit 0", "sleep 1.5")
    first = framework.wait_state(ids[0], "TASK_FINISHED")
    assert first["executor_id"] == executor["executor_id"]
    assert first["agent_id"] == offer["agent_id"]
    assert framework.states(ids[1])[-1:] != ["TASK_KILLED"]  # [A16]
    second = framework.wait_state(ids[1], "TASK_FINISHED")
    assert "exited with status 0" in second["message"]
    # Both are containers of one ECS task.
    parents = {s["container_status"]["container_id"]["parent"]["value"] for s in (first, second)}
    (arn,) = parents
    assert len(ecs.wait(arn, "STOPPED")["containers"]) == 3
    failure = failure_of(framework, executor)
    assert failure["status"] == 0 and failure["agent_id"] == offer["agent_id"]  # [E1]


@pytest.mark.executes
def test_the_failure_of_one_task_kills_the_others(framework):
    ids, executor, _ = launched(framework, SLEEPER, "sleep 0.5; exit 3", SLEEPER)
    failed = framework.wait_state(ids[1], "TASK_FAILED")
    assert "exited with status 3" in failed["message"]
    for other in (ids[0], ids[2]):
        killed = framework.wait_state(other, "TASK_KILLED")  # [A16]
        assert "another task of its group" in killed["message"]
    failure_of(framework, executor)


def test_a_kill_of_one_task_kills_its_group(framework):
    ids, executor, offer = launched(framework, SLEEPER, SLEEPER)
    for task_id in ids:
        framework.wait_state(task_id, "TASK_RUNNING")
    since = framework.mark()
    framework.decline(framework.offers(), refuse_seconds=0)
    beside = framework.wait(
        lambda event: any(
            executor["executor_id"] in one.get("executor_ids", [])
            for one in event.get("offers", {}).get("offers", [])
        ),
        "an offer that names the executor", since,
    )
    assert beside
    framework.kill(ids[0], offer["agent_id"]["value"])
    for task_id in ids:
        framework.wait_state(task_id, "TASK_KILLED")
    failure_of(framework, executor)


def test_a_shutdown_of_the_executor_kills_its_tasks(framework):
    ids, executor, offer = launched(framework, SLEEPER, SLEEPER)
    for task_id in ids:
        framework.wait_state(task_id, "TASK_RUNNING")
    framework.must(
        "SHUTDOWN", executor_id=executor["executor_id"], agent_id=offer["agent_id"]
    )  # [C34]
    for task_id in ids:
        framework.wait_state(task_id, "TASK_KILLED")


@pytest.mark.executes
@pytest.mark.process_only
def test_tasks_of_a_group_reach_each_other_on_localhost(framework):
    port = min(resource(framework.wait_offer(), "ports"))
    serve = f"exec python3 -m http.server --bind 127.0.0.1 {port}"
    fetch = (
        f"for i in $(seq 100); do python3 -c \"import urllib.request as r; "
        f"r.urlopen('http://127.0.0.1:{port}/')\" 2>/dev/null && exit 0; sleep 0.1; done; exit 5"
    )
    ids, _, _ = launched(framework, serve, fetch)
    framework.wait_state(ids[1], "TASK_FINISHED")  # [A16]
    framework.kill(ids[0])
    framework.wait_state(ids[0], "TASK_KILLED")


def test_operators_see_the_executor(framework, server):
    import requests

    ids, executor, _ = launched(framework, SLEEPER, SLEEPER)
    for task_id in ids:
        framework.wait_state(task_id, "TASK_RUNNING")
    answer = requests.post(f"{server.mesos}/api/v1", json={"type": "GET_EXECUTORS"}, timeout=10)
    listed = answer.json()["get_executors"]["executors"]
    ours = [
        one["executor_info"] for one in listed
        if one["executor_info"]["executor_id"] == executor["executor_id"]
    ]
    assert [one["type"] for one in ours] == ["DEFAULT"]
    assert {one["name"] for one in ours[0]["resources"]} == {"cpus", "mem", "disk"}
    tasks = requests.get(
        f"{server.mesos}/tasks", params={"task_id": ids[0]}, timeout=10
    ).json()["tasks"]
    assert tasks[0]["executor_id"] == executor["executor_id"]["value"]
    framework.kill(ids[0])
    framework.wait_state(ids[1], "TASK_KILLED")

    def gone():
        answer = requests.post(f"{server.mesos}/api/v1", json={"type": "GET_EXECUTORS"}, timeout=10)
        listed = answer.json()["get_executors"].get("executors", [])
        return executor["executor_id"] not in [e["executor_info"]["executor_id"] for e in listed]

    until(gone, "the executor is gone")


def test_reconciliation_names_the_executor(framework):
    ids, executor, _ = launched(framework, SLEEPER, SLEEPER)
    for task_id in ids:
        framework.wait_state(task_id, "TASK_RUNNING")
    since = framework.mark()
    framework.reconcile(*ids)
    for task_id in ids:
        answer = framework.wait_state(task_id, "TASK_RUNNING", since=since)
        assert answer["reason"] == "REASON_RECONCILIATION"
        assert answer["executor_id"] == executor["executor_id"]


TOO_MUCH = {"resources": [scalar("cpus", 400), scalar("mem", 32)]}
BAD = {
    "too much": ({}, TOO_MUCH, "required by task group and its executor are more than available"),
    "a custom executor": ({"type": "CUSTOM", "command": {"value": "x"}}, {}, "CUSTOM executors"),
    "an executor without a type": ({"type": None}, {}, "type"),
    "an executor with a command": ({"command": {"value": "x"}}, {}, "command"),
    "an executor without disk": (
        {"resources": [scalar("cpus", 0.1), scalar("mem", 32)]}, {}, "disk"
    ),
    "a Docker container": (
        {}, {"container": {"type": "DOCKER", "docker": {"image": "x"}}}, "Docker ContainerInfo"
    ),
    "no resources": ({}, {"resources": []}, "Task uses no resources"),
    "another agent": ({}, {"agent_id": {"value": "another"}}, "invalid agent"),
}


@pytest.mark.parametrize("executor_is, task_is, why", BAD.values(), ids=BAD.keys())
def test_a_group_that_is_wrong_is_refused_as_a_whole(framework, executor_is, task_is, why):
    given = {name: value for name, value in executor(**executor_is).items() if value is not None}
    offer = framework.wait_offer()
    tasks = [member(offer, SLEEPER), member(offer, SLEEPER, **task_is)]
    group = {"executor": given, "task_group": {"tasks": tasks}}
    framework.accept([offer], {"type": "LAUNCH_GROUP", "launch_group": group})
    for info in tasks:
        error = framework.wait_state(id_of(info), "TASK_ERROR")
        assert error["reason"] == "REASON_TASK_GROUP_INVALID"  # [C18], [L4]
        assert error["source"] == "SOURCE_MASTER" and "uuid" not in error
        assert why in error["message"], error
    holds(lambda: all(len(framework.statuses(id_of(one))) == 1 for one in tasks), "one each", 0.5)
