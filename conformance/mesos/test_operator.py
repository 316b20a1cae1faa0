"""What clients read from the master beside the scheduler API [P3]-[P7]."""

import re
from urllib.parse import urlparse

import pytest
import requests

from harness.ecs import SLEEPER
from harness.mesos import a_port, id_of, ranges, task


def get(url, **more):
    return requests.get(url, timeout=10, allow_redirects=False, **more)


def test_version_is_made_of_numbers(mesos_url):
    reply = get(mesos_url + "/version")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("application/json")
    version = reply.json()["version"]
    assert [int(part) for part in version.split(".")] >= [1, 5, 0]


@pytest.mark.parametrize("path", ["/redirect", "/master/redirect"])
def test_redirect_names_this_master(mesos_url, path):
    reply = get(mesos_url + path)
    assert reply.status_code == 307
    parts = urlparse(mesos_url)
    assert re.fullmatch(rf"//[^/:]+:{parts.port}", reply.headers["Location"])  # [P3]
    assert get("http:" + reply.headers["Location"] + "/health").status_code == 200


def test_health_is_empty_and_200(mesos_url):
    reply = get(mesos_url + "/health")
    assert (reply.status_code, reply.content) == (200, b"")


@pytest.mark.parametrize("path", ["/state", "/master/state"])
def test_state_has_what_readers_need(mesos_url, path):
    reply = get(mesos_url + path)
    assert reply.headers["Content-Type"].startswith("application/json")
    seen = reply.json()
    assert {
        "version", "start_time", "id", "pid", "hostname", "leader", "leader_info", "flags",
        "activated_slaves", "slaves", "frameworks", "completed_frameworks", "orphan_tasks",
    } <= set(seen)  # [P4]
    assert re.fullmatch(r"master@[^:]+:\d+", seen["leader"]) and seen["leader"] == seen["pid"]  # [P7]
    assert seen["activated_slaves"] == len(seen["slaves"]) == 3
    for slave in seen["slaves"]:
        assert re.fullmatch(r"[^@]+@[^:]+:\d+", slave["pid"])
        assert slave["active"] is True and slave["id"] and slave["hostname"]
        assert all(isinstance(v, str) for v in slave["attributes"].values())
        for kind in ("resources", "used_resources", "offered_resources", "unreserved_resources"):
            assert {"cpus", "gpus", "mem", "disk"} <= set(slave[kind])  # [P5]
        assert re.fullmatch(r"\[\d+-\d+(, \d+-\d+)*\]", slave["resources"]["ports"])  # [O20]


def test_flags_are_the_settings_of_this_master_and_the_same_everywhere(mesos_url):
    flags = get(mesos_url + "/flags").json()["flags"]
    assert flags == get(mesos_url + "/state").json()["flags"]
    asked = requests.post(mesos_url + "/api/v1", json={"type": "GET_FLAGS"}, timeout=10).json()
    assert {one["name"]: one["value"] for one in asked["get_flags"]["flags"]} == flags
    assert flags["port"] == str(urlparse(mesos_url).port)
    assert (flags["agent_ping_timeout"], flags["max_agent_ping_timeouts"]) == ("15secs", "5")
    assert (flags["authenticate_frameworks"], flags["task_checks"]) == ("false", "auto")


def test_state_shows_a_framework_and_its_task(schedulers):
    framework = schedulers(failover_timeout=5, webui_url="http://ui")
    framework.subscribe()
    offer = framework.wait_offer()
    port = a_port(offer)
    info = task(offer, SLEEPER, cpus=0.5, extra=[ranges("ports", (port, port))])
    framework.launch(offer, info)
    framework.wait_state(id_of(info), "TASK_RUNNING")
    seen = get(framework.url + "/state").json()
    ours = next(f for f in seen["frameworks"] if f["id"] == framework.framework_id)
    assert (ours["active"], ours["connected"], ours["role"]) == (True, True, "*")
    assert (ours["name"], ours["webui_url"]) == (framework.info["name"], "http://ui")
    assert ours["failover_timeout"] == 5 and ours["used_resources"]["cpus"] == 0.5
    shown = ours["tasks"][0]
    assert (shown["id"], shown["state"]) == (id_of(info), "TASK_RUNNING")
    assert shown["framework_id"] == framework.framework_id
    assert shown["slave_id"] == offer["agent_id"]["value"]
    assert (shown["resources"]["cpus"], shown["resources"]["mem"]) == (0.5, 32)
    assert shown["resources"]["ports"] == f"[{port}-{port}]"
    assert [s["state"] for s in shown["statuses"]][-1] == "TASK_RUNNING"


def test_metrics_are_a_flat_map_of_numbers(schedulers):
    framework = schedulers()
    framework.subscribe()
    framework.wait_offers(3)
    seen = get(framework.url + "/metrics/snapshot").json()
    assert all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in seen.values())  # [P6]
    assert seen["master/elected"] == 1
    assert seen["master/slaves_active"] == 3
    assert seen["master/frameworks_connected"] == 1
    assert seen["master/outstanding_offers"] == 3
    assert seen["master/cpus_total"] > 0 and seen["master/uptime_secs"] >= 0
    assert seen["master/tasks_running"] == 0
