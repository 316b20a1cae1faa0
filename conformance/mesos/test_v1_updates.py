"""Status updates and acknowledgements [T1]-[T8], reconciliation [R1]-[R7], unknown kills [C32]."""

import base64

import pytest

from harness.ecs import SLEEPER, unique
from harness.mesos import id_of, is_uuid, task
from harness.wait import holds, until

AWARE = [{"type": "PARTITION_AWARE"}]


def subscribed(schedulers, **info):
    made = schedulers(**info)
    made.subscribe()
    return made


def running(framework, command=SLEEPER, **more):
    offer = framework.wait_offer()
    info = task(offer, command, **more)
    framework.launch(offer, info)
    framework.wait_state(id_of(info), "TASK_RUNNING", "TASK_STARTING")
    return id_of(info), offer


def reconciled(framework, task_id, since):
    """The answer to a reconciliation, which has a form of its own [R2]."""
    found = until(lambda: framework.statuses(task_id, since), "an answer")[0]
    assert found["source"] == "SOURCE_MASTER" and found["reason"] == "REASON_RECONCILIATION"
    assert found["message"].startswith("Reconciliation:")
    assert "uuid" not in found and found["timestamp"] > 1.5e9
    return found


@pytest.mark.slow
def test_an_update_is_repeated_after_ten_seconds_with_the_same_uuid(schedulers):
    framework = subscribed(schedulers, acknowledge=False)
    task_id, _ = running(framework)

    def times():
        return [
            (e["_at"], e["update"]["status"]["uuid"]) for e in list(framework.events)
            if e["type"] == "UPDATE" and e["update"]["status"]["task_id"]["value"] == task_id
        ]

    until(lambda: len(times()) >= 2, "the first repeat", 14)
    (first, uuid), (second, again) = times()[:2]
    assert uuid == again  # [T2]
    assert 8.5 <= second - first <= 12.5
    framework.ack(framework.statuses(task_id)[0])
    framework.acknowledge = True


@pytest.mark.executes
def test_the_next_update_waits_for_the_acknowledgement_of_the_first(schedulers):
    framework = subscribed(schedulers, acknowledge=False)
    task_id, _ = running(framework, "sleep 0.3")
    holds(
        lambda: len({s["uuid"] for s in framework.statuses(task_id)}) == 1,
        "one update in flight", 3.0,
    )  # [T2]
    wrong = {**framework.statuses(task_id)[0], "uuid": base64.b64encode(b"A" * 16).decode()}
    framework.ack(wrong)  # [T4], [C35]: harmless
    holds(
        lambda: len({s["uuid"] for s in framework.statuses(task_id)}) == 1,
        "a foreign acknowledgement does not count", 1.0,
    )
    framework.acknowledge = True
    framework.ack(framework.statuses(task_id)[0])
    framework.wait_state(task_id, "TASK_FINISHED")


@pytest.mark.executes
def test_an_acknowledged_update_is_not_repeated(schedulers):
    framework = subscribed(schedulers)
    task_id, _ = running(framework, "exit 0")
    framework.wait_state(task_id, "TASK_FINISHED")
    count = len(framework.statuses(task_id))
    holds(lambda: len(framework.statuses(task_id)) == count, "no repeat", 1.5)  # [T8]
    framework.ack(framework.statuses(task_id)[-1])  # a second time: harmless
    assert not [e for e in framework.events if e["type"] == "ERROR"]


@pytest.mark.parametrize("aware", [False, True])
def test_explicit_reconciliation_of_a_running_task(schedulers, aware):
    framework = subscribed(schedulers, capabilities=AWARE if aware else [])
    task_id, offer = running(framework)
    framework.wait_state(task_id, "TASK_RUNNING")
    for asked in (task_id, (task_id, "some-other-agent")):
        mark = framework.mark()
        framework.reconcile(asked)
        found = reconciled(framework, task_id, mark)
        assert found["state"] == "TASK_RUNNING"  # [R3] row 1
        assert found["agent_id"] == offer["agent_id"]


@pytest.mark.parametrize("aware", [False, True])
def test_explicit_reconciliation_of_unknown_tasks(schedulers, aware):
    framework = subscribed(schedulers, capabilities=AWARE if aware else [])
    agent = framework.wait_offer()["agent_id"]["value"]
    known, strange, bare = unique("a"), unique("b"), unique("c")
    mark = framework.mark()
    framework.reconcile((known, agent), (strange, "no-such-agent"), bare)
    found = reconciled(framework, known, mark)
    assert found["state"] == ("TASK_GONE" if aware else "TASK_LOST")  # [R3] row 3, [C41]
    assert found["agent_id"] == {"value": agent}
    found = reconciled(framework, strange, mark)
    assert found["state"] == ("TASK_UNKNOWN" if aware else "TASK_LOST")  # [R3] row 6
    assert found["agent_id"] == {"value": "no-such-agent"}
    found = reconciled(framework, bare, mark)
    assert found["state"] == ("TASK_UNKNOWN" if aware else "TASK_LOST")
    assert "agent_id" not in found


def test_a_hundred_answers_come_in_the_order_of_the_request(schedulers):
    framework = subscribed(schedulers)
    asked = [unique("r") for _ in range(100)]
    mark = framework.mark()
    framework.reconcile(*asked)

    def answered():
        return [
            e["update"]["status"]["task_id"]["value"] for e in framework.events[mark:]
            if e["type"] == "UPDATE"
        ]

    until(lambda: len(answered()) >= 100, "all answers")
    assert answered() == asked  # [R7]


def test_implicit_reconciliation_names_every_live_task_once(schedulers):
    framework = subscribed(schedulers)
    offer = framework.wait_offer()
    infos = [task(offer, SLEEPER) for _ in range(3)]
    framework.launch(offer, *infos)
    for info in infos:
        framework.wait_state(id_of(info), "TASK_RUNNING")
    mark = framework.mark()
    framework.reconcile()
    for info in infos:
        assert reconciled(framework, id_of(info), mark)["state"] == "TASK_RUNNING"  # [R1]
    assert len([e for e in framework.events[mark:] if e["type"] == "UPDATE"]) == 3


def test_implicit_reconciliation_of_nothing_is_silent(schedulers):
    framework = subscribed(schedulers)
    mark = framework.mark()
    framework.reconcile()
    holds(
        lambda: not [e for e in framework.events[mark:] if e["type"] == "UPDATE"], "silence", 1.5
    )


@pytest.mark.executes
def test_a_terminal_task_is_reconciled_until_it_is_acknowledged(schedulers):
    framework = subscribed(schedulers)
    offer = framework.wait_offer()
    info = task(offer, "sleep 0.5; exit 3")
    framework.launch(offer, info)
    framework.wait_state(id_of(info), "TASK_RUNNING")
    framework.acknowledge = False
    failed = framework.wait_state(id_of(info), "TASK_FAILED")
    mark = framework.mark()
    framework.reconcile()
    assert reconciled(framework, id_of(info), mark)["state"] == "TASK_FAILED"  # [R1]
    framework.ack(failed)
    mark = framework.mark()
    framework.reconcile((id_of(info), offer["agent_id"]["value"]))
    assert reconciled(framework, id_of(info), mark)["state"] == "TASK_LOST"  # [R5]


def test_a_task_of_another_framework_is_unknown(schedulers):
    one, two = subscribed(schedulers), subscribed(schedulers)
    task_id, _ = running(one)
    mark = two.mark()
    two.reconcile(task_id)
    assert reconciled(two, task_id, mark)["state"] == "TASK_LOST"
    two.kill(task_id)
    holds(lambda: one.states(task_id)[-1] != "TASK_KILLED", "it is not killed either", 1.0)


@pytest.mark.parametrize("aware", [False, True])
def test_killing_an_unknown_task_answers_like_reconciliation(schedulers, aware):
    framework = subscribed(schedulers, capabilities=AWARE if aware else [])
    agent = framework.wait_offer()["agent_id"]["value"]
    for given, state in ((None, "TASK_UNKNOWN"), (agent, "TASK_GONE")):
        task_id, mark = unique("kill"), framework.mark()
        framework.kill(task_id, given)  # [C32]
        found = reconciled(framework, task_id, mark)  # [R2]
        assert found["state"] == (state if aware else "TASK_LOST")


def test_updates_of_a_disconnected_framework_come_when_it_is_back(schedulers, ecs):
    framework = subscribed(schedulers, failover_timeout=60)
    task_id, _ = running(framework)
    framework.wait_state(task_id, "TASK_RUNNING")
    framework.disconnect()
    arn = ecs.arns()[0]
    ecs.client.stop_task(cluster=ecs.cluster, task=arn, reason="while it was away")
    ecs.wait(arn, "STOPPED")
    mark = framework.mark()
    framework.subscribe()
    status = framework.wait_state(
        task_id, "TASK_FINISHED", "TASK_KILLED", "TASK_FAILED", "TASK_LOST", since=mark,
        deadline_s=25,
    )  # [T6]
    assert is_uuid(status["uuid"])


def test_a_task_that_others_stop_through_ecs_ends_for_the_framework_too(schedulers, ecs):
    framework = subscribed(schedulers)
    task_id, _ = running(framework)
    framework.wait_state(task_id, "TASK_RUNNING")
    arn = ecs.arns()[0]
    ecs.client.stop_task(cluster=ecs.cluster, task=arn, reason="by an operator")
    status = framework.wait_state(
        task_id, "TASK_KILLED", "TASK_FAILED", "TASK_FINISHED", "TASK_LOST"
    )
    assert status["agent_id"]
    until(lambda: not ecs.arns(), "the task is gone")
