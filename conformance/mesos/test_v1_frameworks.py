"""The life of a framework: disconnection, failover, removal, teardown, update [F1]-[F11], [C60]."""

import requests
import pytest

from harness.ecs import SLEEPER, unique
from harness.mesos import id_of, post, task
from harness.wait import holds, until


def state(url):
    return requests.get(url + "/state", timeout=10).json()


def entry(url, framework_id, among="frameworks"):
    return next((f for f in state(url)[among] if f["id"] == framework_id), None)


def with_a_task(schedulers, **info):
    """A framework with one running task; returns both."""
    framework = schedulers(**info)
    framework.subscribe()
    offer = framework.wait_offer()
    made = task(offer, SLEEPER)
    framework.launch(offer, made)
    framework.wait_state(id_of(made), "TASK_RUNNING")
    return framework, id_of(made)


def ecs_tasks(ecs):
    return ecs.arns()


def refuses(framework, words):
    """A SUBSCRIBE with the framework's id is answered by an ERROR with words in it."""
    known = framework.framework_id
    message = framework.subscribe(expect="ERROR")["error"]["message"]
    assert words in message
    framework.wait_ended()
    framework.framework_id = known


def test_a_disconnected_framework_keeps_its_tasks_until_it_is_back(schedulers, ecs):
    framework, task_id = with_a_task(schedulers, failover_timeout=60)
    framework.disconnect()
    until(
        lambda: not entry(framework.url, framework.framework_id)["connected"],
        "the framework is disconnected",
    )
    seen = entry(framework.url, framework.framework_id)
    assert (seen["active"], seen["connected"]) == (False, False)  # [F1], [H18]
    assert len(ecs_tasks(ecs)) == 1
    known, mark = framework.framework_id, framework.mark()
    first = framework.subscribe()
    assert first["subscribed"]["framework_id"]["value"] == known  # [F3]
    framework.reconcile(task_id)
    framework.wait_state(task_id, "TASK_RUNNING", since=mark)
    framework.wait_offers(3, mark)
    framework.kill(task_id)
    framework.wait_state(task_id, "TASK_KILLED")


def test_without_a_failover_timeout_disconnection_removes_framework_and_tasks(schedulers, ecs):
    framework, _ = with_a_task(schedulers)
    framework.disconnect()
    until(lambda: not ecs_tasks(ecs), "its tasks are stopped", 15)  # [F2]
    assert entry(framework.url, framework.framework_id) is None
    assert entry(framework.url, framework.framework_id, "completed_frameworks")
    refuses(framework, "Framework has been removed")  # [F3], [F20]


@pytest.mark.parametrize("timeout", [-5, 0.0])
def test_a_timeout_that_is_not_positive_acts_like_zero(schedulers, timeout):
    framework = schedulers(failover_timeout=timeout)
    framework.subscribe()  # [F4]
    framework.disconnect()
    until(lambda: not entry(framework.url, framework.framework_id), "it is removed", 5)


def test_a_framework_is_removed_when_its_timeout_has_passed(schedulers, ecs):
    framework, _ = with_a_task(schedulers, failover_timeout=2)
    framework.disconnect()
    holds(lambda: len(ecs_tasks(ecs)) == 1, "the task runs on at first", 1.0)
    until(lambda: not ecs_tasks(ecs), "its tasks are stopped", 15)
    refuses(framework, "Framework has been removed")  # [F3]


def test_teardown_stops_the_tasks_closes_the_stream_and_ends_the_id(schedulers, ecs):
    framework, task_id = with_a_task(schedulers, failover_timeout=600)
    mark = framework.mark()
    framework.must("TEARDOWN")  # [C39]
    assert framework.wait_ended(10) == "ended"
    until(lambda: not ecs_tasks(ecs), "its tasks are stopped", 15)
    assert not framework.statuses(task_id, mark)  # [F10]: no update
    reply = framework.call("REVIVE")
    assert (reply.status_code, "Framework cannot be found" in reply.text) == (400, True)  # [F11]
    refuses(framework, "Framework has been removed")
    done = entry(framework.url, framework.framework_id, "completed_frameworks")
    assert [t["state"] for t in done["completed_tasks"] if t["id"] == task_id] == ["TASK_KILLED"]


def test_teardown_of_one_framework_leaves_the_tasks_of_another(schedulers, ecs):
    one, _ = with_a_task(schedulers)
    one.must("SUPPRESS")
    one.decline(one.offers(), refuse_seconds=0)
    two, task_id = with_a_task(schedulers)
    one.must("TEARDOWN")
    until(lambda: len(ecs_tasks(ecs)) == 1, "one task is left", 15)
    mark = two.mark()
    two.reconcile(task_id)
    two.wait_state(task_id, "TASK_RUNNING", since=mark)


def test_resubscribing_may_change_the_name(schedulers):
    framework = schedulers(failover_timeout=60)
    framework.subscribe()
    framework.disconnect()
    framework.info["name"] = unique("renamed")
    framework.subscribe()  # [C6]
    assert entry(framework.url, framework.framework_id)["name"] == framework.info["name"]


def test_resubscribing_may_not_change_the_principal(schedulers):
    framework = schedulers(failover_timeout=60, principal="one")
    framework.subscribe()  # [F23]
    other = schedulers(
        failover_timeout=60, principal="two", id={"value": framework.framework_id}
    )
    other.subscribe(expect="ERROR")  # [C6]
    other.framework_id = None
    framework.must("REVIVE")


def update(framework, **info):
    known = {"value": framework.framework_id}
    return post(
        framework.url,
        {
            "type": "UPDATE_FRAMEWORK", "framework_id": known,
            "update_framework": {"framework_info": {**framework.info, "id": known, **info}},
        },
        headers={"Mesos-Stream-Id": framework.stream_id},
    )


def test_update_framework_changes_what_may_change(schedulers):
    framework = schedulers()
    framework.subscribe()
    name = unique("updated")
    reply = update(framework, name=name)
    assert (reply.status_code, reply.content) == (200, b"")  # [C60]
    assert entry(framework.url, framework.framework_id)["name"] == name


@pytest.mark.parametrize(
    "change", [{"principal": "other"}, {"user": "other"}, {"checkpoint": True}, {"role": "a/"}]
)
def test_update_framework_refuses_what_may_not_change(schedulers, change):
    framework = schedulers()
    framework.subscribe()
    assert update(framework, **change).status_code == 400  # [C60]
    framework.must("REVIVE")


def test_calls_without_effect_are_taken(schedulers):
    framework = schedulers()
    framework.subscribe()
    nobody = {"agent_id": {"value": "a"}, "executor_id": {"value": "e"}}
    framework.must("REQUEST", requests=[])  # [C37]
    framework.must("MESSAGE", data="eA==", **nobody)
    framework.must("SHUTDOWN", **nobody)  # [C34]
    framework.must("ACCEPT_INVERSE_OFFERS", inverse_offer_ids=[{"value": "x"}])  # [C38]
    framework.must("DECLINE_INVERSE_OFFERS", inverse_offer_ids=[{"value": "x"}])
    framework.must("REVIVE")
    assert not [e for e in framework.events if e["type"] in ("ERROR", "FAILURE")]


def test_twenty_frameworks_come_and_go(schedulers):
    made = [schedulers() for _ in range(20)]
    for framework in made:
        framework.subscribe()
    assert len({f.framework_id for f in made}) == 20
    for framework in made[:-1]:
        framework.must("TEARDOWN")
    made[-1].wait_offers(3)
