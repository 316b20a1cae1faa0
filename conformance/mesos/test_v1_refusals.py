"""Launches that are refused: TASK_ERROR [L8], invalid offers [C7]-[C9], other operations."""

import pytest

from harness.ecs import SLEEPER, unique
from harness.mesos import id_of, resource, scalar, task
from harness.wait import holds

AWARE = [{"type": "PARTITION_AWARE"}]
OTHER_AGENT = {"value": "another-agent"}
HTTP_CHECK = {"type": "HTTP", "http": {"port": 80, "path": "no-slash"}}
VOLUME = {"container_path": "/v", "mode": "RW"}
DOCKER = {"image": "longshore/busybox:latest"}


def docker(**more):
    return {"container": {"type": "DOCKER", "docker": DOCKER, **more}}


def command(**more):
    return {"command": {"value": "exit 0", **more}}


def variables(*listed):
    return command(environment={"variables": list(listed)})


# Row of the table of [L8], then what makes a good task bad.
BAD = {
    "1 an empty id": {"task_id": {"value": ""}},
    "1 an id with a slash": {"task_id": {"value": "a/b"}},
    "1 an id with a backslash": {"task_id": {"value": "a\\b"}},
    "1 an id of a dot": {"task_id": {"value": "."}},
    "1 an id of two dots": {"task_id": {"value": ".."}},
    "1 an id of 256 bytes": {"task_id": {"value": "x" * 256}},
    "1 an id of 1000 characters": {"task_id": {"value": "y" * 1000}},
    "1 an id with a control character": {"task_id": {"value": "a\nb"}},
    "3 another agent": {"agent_id": OTHER_AGENT},
    "4 a negative grace period": {"kill_policy": {"grace_period": {"nanoseconds": -1}}},
    "5 a negative completion time": {"max_completion_time": {"nanoseconds": -1}},
    "6 a check without a type": {"check": {"delay_seconds": 1}},
    "6 a command check without a command": {"check": {"type": "COMMAND"}},
    "6 a path without a slash": {"check": HTTP_CHECK},
    "7 a health check without a type": {"health_check": {"delay_seconds": 1}},
    "7 a health check with an odd scheme": {
        "health_check": {"type": "HTTP", "http": {"port": 80, "scheme": "gopher"}}
    },
    "7 a health check with a negative interval": {
        "health_check": {"type": "COMMAND", "command": {"value": "true"}, "interval_seconds": -1}
    },
    "8 no resources": {"resources": []},
    "8b half a gpu": {"resources": [scalar("cpus", 0.1), scalar("mem", 32), scalar("gpus", 0.5)]},
    "9 a variable without a value": variables({"name": "A"}),
    "9 a secret without a secret": variables({"name": "A", "type": "SECRET"}),
    "10 type DOCKER without docker": {"container": {"type": "DOCKER"}},
    "10 a volume from nowhere": docker(volumes=[VOLUME]),
    "10 a volume from two places": docker(
        volumes=[{**VOLUME, "host_path": "/tmp", "image": {"type": "DOCKER", "docker": {"name": "x"}}}]
    ),
    "10 the docker parameter name": {
        "container": {
            "type": "DOCKER", "docker": {**DOCKER, "parameters": [{"key": "name", "value": "x"}]}
        }
    },
    "12 neither command nor executor": {"command": None},
    "12 both command and executor": {
        "executor": {"executor_id": {"value": "e"}, "command": {"value": "true"}}
    },
    "16 more cpus than offered": {"resources": [scalar("cpus", 1000), scalar("mem", 32)]},
    "16 more memory than offered": {"resources": [scalar("cpus", 0.1), scalar("mem", 10**9)]},
    "16 a resource that is not offered": {
        "resources": [scalar("cpus", 0.1), scalar("mem", 32), scalar("bananas", 1)]
    },
}


@pytest.fixture
def framework(schedulers):
    made = schedulers()
    made.subscribe()
    return made


def refused(framework, task_id, reason="REASON_TASK_INVALID"):
    status = framework.wait_state(task_id, "TASK_ERROR")
    assert (status["source"], status["reason"]) == ("SOURCE_MASTER", reason)  # [T31]
    assert "uuid" not in status and status["message"]  # [T7]
    return status


@pytest.mark.parametrize("case", BAD)
def test_a_bad_task_is_task_error_and_its_sibling_is_not_harmed(framework, case):
    offer = framework.wait_offer()
    good = task(offer, SLEEPER)
    bad = {k: v for k, v in {**task(offer, "exit 0"), **BAD[case]}.items() if v is not None}
    framework.launch(offer, bad, good)
    refused(framework, id_of(bad))  # [L8], [L9]
    framework.wait_state(id_of(good), "TASK_RUNNING")  # [C17]


@pytest.mark.parametrize("broken", [{"name": "cpus", "type": "SCALAR"}, scalar("cpus", -1)])
def test_a_resource_that_is_malformed_refuses_the_whole_launch(framework, broken):
    offer = framework.wait_offer()
    infos = [task(offer, "exit 0", extra=[broken]), task(offer, "exit 0")]
    framework.launch(offer, *infos)
    for info in infos:
        refused(framework, id_of(info))  # [C12]


def test_a_task_bigger_than_its_offer_is_told_both_amounts(framework):
    offer = framework.wait_offer()
    info = task(offer, "exit 0", cpus=resource(offer, "cpus") + 0.5)
    framework.launch(offer, info)
    message = refused(framework, id_of(info))["message"]
    assert f"{resource(offer, 'cpus') + 0.5:g}" in message
    assert f"{resource(offer, 'cpus'):g}" in message


def test_a_duplicate_of_a_live_task_is_refused_and_the_first_runs_on(framework):
    offers = framework.wait_offers(2)
    first = task(offers[0], SLEEPER)
    framework.launch(offers[0], first)
    framework.wait_state(id_of(first), "TASK_RUNNING")
    framework.launch(offers[1], task(offers[1], SLEEPER, task_id=id_of(first)))
    refused(framework, id_of(first))  # [L8] row 2
    mark = framework.mark()
    framework.reconcile(id_of(first))
    assert framework.wait_state(id_of(first), "TASK_RUNNING", since=mark)


def test_two_equal_ids_in_one_launch_run_once(framework):
    offer = framework.wait_offer()
    first = task(offer, SLEEPER)
    framework.launch(offer, first, dict(first))
    framework.wait_state(id_of(first), "TASK_ERROR", "TASK_RUNNING", "TASK_STARTING")
    refused(framework, id_of(first))
    mark = framework.mark()
    framework.reconcile(id_of(first))
    assert framework.wait_state(id_of(first), "TASK_RUNNING", "TASK_STAGING", since=mark)


def test_what_a_refused_task_asked_for_is_offered_again(framework):
    offer = framework.wait_offer()
    mark = framework.mark()
    bad = task(offer, "exit 0", task_id="a/b")
    framework.launch(offer, bad, filters={"refuse_seconds": 0})
    refused(framework, "a/b")  # [C21]: the offer is spent all the same
    back = framework.wait(
        lambda e: e["type"] == "OFFERS"
        and [o for o in e["offers"]["offers"] if o["agent_id"] == offer["agent_id"]],
        "the agent is offered again", mark, 8,
    )
    again = next(o for o in back["offers"]["offers"] if o["agent_id"] == offer["agent_id"])
    assert resource(again, "cpus") == resource(offer, "cpus")


@pytest.mark.parametrize("aware", [False, True])
def test_a_launch_on_an_unknown_offer_is_lost_or_dropped(schedulers, aware):
    framework = schedulers(capabilities=AWARE if aware else [])
    framework.subscribe()
    offer = framework.wait_offer()
    info = task(offer, "exit 0")
    framework.launch({**offer, "id": {"value": unique("no-offer")}}, info)
    status = framework.wait_state(id_of(info), "TASK_DROPPED" if aware else "TASK_LOST")  # [C41]
    assert status["reason"] == "REASON_INVALID_OFFERS" and status["source"] == "SOURCE_MASTER"
    assert status["message"].startswith("Task launched with invalid offers:")  # [C8]
    assert status["agent_id"] == offer["agent_id"] and "uuid" not in status


def accept(framework, offers, info):
    operation = {"type": "LAUNCH", "launch": {"task_infos": [info]}}
    framework.accept(offers, operation)
    return framework.wait_state(id_of(info), "TASK_LOST")


def test_an_offer_can_be_used_only_once(framework):
    offer = framework.wait_offer()
    framework.launch(offer, task(offer, SLEEPER))
    status = accept(framework, [offer], task(offer, "exit 0"))
    assert status["reason"] == "REASON_INVALID_OFFERS"  # [C7], [C9]


def test_a_bad_list_of_offers_discards_them_all_without_a_filter(framework):
    offers = framework.wait_offers(3)
    mark = framework.mark()
    listed = [offers[0], {"id": {"value": unique("no-offer")}}]
    accept(framework, listed, task(offers[0], "exit 0"))
    back = framework.wait_offers(1, mark, 4)  # [C8]
    assert {o["agent_id"]["value"] for o in back} == {offers[0]["agent_id"]["value"]}
    assert not [e for e in framework.events if e["type"] == "RESCIND"]  # [O8]


@pytest.mark.parametrize("how", ["none", "twice", "two agents"])
def test_offers_must_be_distinct_and_of_one_agent(framework, how):
    offers = framework.wait_offers(3)
    listed = {"none": [], "twice": [offers[0], offers[0]], "two agents": offers[:2]}[how]
    status = accept(framework, listed, task(offers[0], "exit 0"))
    assert status["reason"] == "REASON_INVALID_OFFERS"  # [C7]


def test_an_offer_of_another_framework_is_invalid(schedulers):
    one, two = schedulers(), schedulers()
    one.subscribe()
    offer = one.wait_offer()
    two.subscribe()
    status = accept(two, [offer], task(offer, "exit 0"))
    assert status["reason"] == "REASON_INVALID_OFFERS"


def test_a_launch_with_an_operation_id_is_refused(framework):
    offer = framework.wait_offer()
    info = task(offer, "exit 0")
    framework.accept(
        [offer],
        {"type": "LAUNCH", "id": {"value": "op"}, "launch": {"task_infos": [info]}},
    )
    framework.wait_state(id_of(info), "TASK_ERROR")  # [C13]


def test_a_reserve_with_an_id_is_an_operation_error_and_without_one_is_silent(framework):
    offer = framework.wait_offer()
    reserved = scalar(
        "cpus", 0.1, reservations=[{"type": "DYNAMIC", "role": "*", "principal": "p"}]
    )
    mark = framework.mark()
    framework.accept(
        [offer],
        {"type": "RESERVE", "id": {"value": "op-1"}, "reserve": {"resources": [reserved]}},
        {"type": "RESERVE", "reserve": {"resources": [reserved]}},
        filters={"refuse_seconds": 0},
    )
    update = framework.wait_type("UPDATE_OPERATION_STATUS", mark)["update_operation_status"]
    assert update["status"]["state"] == "OPERATION_ERROR"  # [C14]
    assert update["status"]["operation_id"] == {"value": "op-1"}
    found = framework.wait_offers(1, mark, 8)
    assert all("reservation" not in r for o in found for r in o["resources"])  # [C40]


def test_reconciling_an_unknown_operation_answers_that_it_is_unknown(framework):
    framework.must("RECONCILE_OPERATIONS", operations=[{"operation_id": {"value": "op-9"}}])
    update = framework.wait_type("UPDATE_OPERATION_STATUS")["update_operation_status"]
    assert update["status"]["state"] == "OPERATION_UNKNOWN"  # [C36]
    assert update["status"]["operation_id"] == {"value": "op-9"}
    assert "uuid" not in update["status"]


def test_a_custom_executor_is_refused_with_a_plain_message(framework):
    offer = framework.wait_offer()
    executor = {
        "type": "CUSTOM", "executor_id": {"value": "e"}, "command": {"value": "./executor"}
    }
    info = task(offer, "unused", command=None, executor=executor, container=None)
    framework.launch(offer, info)
    assert "executor" in refused(framework, id_of(info))["message"].lower()


def test_a_refused_task_is_unknown_afterwards(framework):
    offer = framework.wait_offer()
    bad = task(offer, "exit 0", cpus=1000)
    framework.launch(offer, bad)
    refused(framework, id_of(bad))
    mark = framework.mark()
    framework.reconcile()
    holds(lambda: not framework.statuses(id_of(bad), mark), "nothing to reconcile", 1.0)
