"""Agents that operators take out of use, and machines under maintenance: [O7], [O28], [C38], [E1].

Every test puts all agents back into use: the suites share three instances.
"""

import pytest
import requests

from harness.ecs import SLEEPER
from harness.mesos import id_of, post, task
from harness.wait import until

AWARE = [{"type": "PARTITION_AWARE"}, {"type": "TASK_KILLING_STATE"}]
UNAVAILABILITY = {"start": {"nanoseconds": 1900000000000000000}}


@pytest.fixture
def operator(mesos_url):
    """Calls the operator API; afterwards all agents are in use and no machine is under maintenance."""

    def call(kind, **sub):
        body = {"type": kind}
        if sub:
            body[kind.lower()] = sub
        return post(mesos_url, body, path="/api/v1", headers={"Accept": "application/json"})

    yield call
    down = requests.get(mesos_url + "/maintenance/status", timeout=10).json().get("down_machines")
    if down:
        requests.post(mesos_url + "/machine/up", json=down, timeout=10)
    requests.post(mesos_url + "/maintenance/schedule", json={"windows": []}, timeout=10)

    def all_in_use():
        agents = call("GET_AGENTS").json()["get_agents"]["agents"]
        for agent in agents:
            if not agent["active"]:
                call("REACTIVATE_AGENT", agent_id=agent["agent_info"]["id"])
        return len(agents) == 3 and all(agent["active"] for agent in agents)

    until(all_in_use, "all agents are in use")


def ok(reply):
    assert (reply.status_code, reply.content) == (200, b""), reply.text


def shown(operator, agent_id):
    agents = operator("GET_AGENTS").json()["get_agents"]["agents"]
    return next((a for a in agents if a["agent_info"]["id"] == agent_id), None)


def rescinded(framework, offer):
    framework.wait(
        lambda e: e["type"] == "RESCIND" and e["rescind"]["offer_id"] == offer["id"],
        "the offer is rescinded",
    )


def offers_of(framework, agent_id, since):
    return [o for o in framework.offers(since) if o["agent_id"] == agent_id]


def test_nothing_is_offered_of_a_deactivated_agent(operator, schedulers):
    framework = schedulers(capabilities=AWARE)
    framework.subscribe()
    offer = framework.wait_offers(3)[0]
    agent_id = offer["agent_id"]
    since = framework.mark()
    ok(operator("DEACTIVATE_AGENT", agent_id=agent_id))
    rescinded(framework, offer)  # [O7]
    agent = shown(operator, agent_id)
    assert (agent["active"], agent["deactivated"]) == (False, True)
    assert "drain_info" not in agent
    assert offers_of(framework, agent_id, since) == []
    ok(operator("REACTIVATE_AGENT", agent_id=agent_id))
    assert shown(operator, agent_id)["active"] is True
    until(lambda: offers_of(framework, agent_id, since), "it is offered again")


def test_a_drained_agent_loses_its_tasks(operator, schedulers, client, ecs):
    framework = schedulers(capabilities=AWARE)
    framework.subscribe()
    offer = framework.wait_offer()
    agent_id, info = offer["agent_id"], task(offer, SLEEPER)
    framework.launch(offer, info)
    framework.wait_state(id_of(info), "TASK_RUNNING")
    ok(operator("DRAIN_AGENT", agent_id=agent_id))
    killed = framework.wait_state(id_of(info), "TASK_KILLED")
    assert killed["reason"] == "REASON_AGENT_DRAINING"
    assert "TASK_KILLING" in framework.states(id_of(info))

    def drained():
        agent = shown(operator, agent_id)
        assert (agent["active"], agent["deactivated"]) == (False, True)
        return agent["drain_info"] if agent["drain_info"]["state"] == "DRAINED" else None

    assert until(drained, "it is drained")["config"] == {"mark_gone": False}
    on_ecs = client.describe_container_instances(
        cluster=ecs.cluster, containerInstances=[agent_id["value"]]
    )["containerInstances"][0]
    assert on_ecs["status"] == "DRAINING"
    slaves = requests.get(framework.url + "/slaves", timeout=10).json()["slaves"]
    slave = next(s for s in slaves if s["id"] == agent_id["value"])
    assert slave["drain_info"]["state"] == "DRAINED"
    assert slave["estimated_drain_start_time_seconds"] > 0
    ok(operator("REACTIVATE_AGENT", agent_id=agent_id))
    assert "drain_info" not in shown(operator, agent_id)


@pytest.mark.parametrize(
    "kind, status, text",
    [
        ("MARK_AGENT_GONE", 404, "Agent 'nosuch' not found"),
        ("DRAIN_AGENT", 400, "Unknown agent"),
        ("DEACTIVATE_AGENT", 400, "Unknown agent"),
        ("REACTIVATE_AGENT", 400, "Agent is not deactivated"),
    ],
)
def test_an_unknown_agent_is_refused(operator, kind, status, text):
    reply = operator(kind, agent_id={"value": "nosuch"})
    assert (reply.status_code, reply.text) == (status, text)


def test_frameworks_are_asked_to_leave_and_machines_go_down_and_up(operator, schedulers):
    framework = schedulers(capabilities=AWARE)
    framework.subscribe()
    offer = framework.wait_offers(3)[0]
    agent_id, info = offer["agent_id"], task(offer, SLEEPER)
    framework.launch(offer, info)
    framework.wait_state(id_of(info), "TASK_RUNNING")
    machines = [{"hostname": offer["hostname"]}]
    window = {"machine_ids": machines, "unavailability": UNAVAILABILITY}
    ok(operator("UPDATE_MAINTENANCE_SCHEDULE", schedule={"windows": [window]}))
    asked = framework.wait_type("INVERSE_OFFERS")["inverse_offers"]["inverse_offers"][0]
    assert asked["agent_id"] == agent_id and asked["unavailability"] == UNAVAILABILITY  # [O28]
    refused = operator("DRAIN_AGENT", agent_id=agent_id)
    assert refused.status_code == 400 and "maintenance schedule" in refused.text
    framework.must(
        "ACCEPT_INVERSE_OFFERS", inverse_offer_ids=[asked["id"]], filters={"refuse_seconds": 60}
    )

    def status():
        return operator("GET_MAINTENANCE_STATUS").json()["get_maintenance_status"]["status"]

    said = status()["draining_machines"][0]
    assert said["id"] == machines[0]
    assert [s["status"] for s in said["statuses"]] == ["ACCEPT"]  # [C38]
    assert said["statuses"][0]["framework_id"]["value"] == framework.framework_id
    ok(operator("START_MAINTENANCE", machines=machines))
    lost = framework.wait_state(id_of(info), "TASK_LOST")
    assert (lost["source"], lost["reason"]) == ("SOURCE_MASTER", "REASON_AGENT_REMOVED")
    framework.wait(
        lambda e: e["type"] == "FAILURE" and e["failure"]["agent_id"] == agent_id, "FAILURE"
    )  # [E1]
    assert status() == {"down_machines": machines}
    assert shown(operator, agent_id) is None
    since = framework.mark()
    ok(operator("STOP_MAINTENANCE", machines=machines))
    assert status() == {}
    until(lambda: offers_of(framework, agent_id, since), "the agent is back")
