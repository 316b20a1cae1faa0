"""Seven clients of different makers on one master, while instances come and go; afterwards the books must balance.

LONGSHORE_CONFORMANCE_STORM_S is how long it blows, LONGSHORE_CONFORMANCE_SEED what it does.
"""

import json
import os
import random
import subprocess
import threading
import time
from collections import defaultdict

import pytest
import requests

from harness import server as harness_server
from harness import singularity
from harness.clients import Watch, mesos_framework, mesos_go
from harness.crowd import Msh, Npm, Scripted, Services, TaskProcessing
from harness.ecs import Ecs, resource
from harness.mesos import TERMINAL, Scheduler
from harness.mesos import resource as offered
from harness.server import Started
from harness.wait import until

STORM_S = float(os.environ.get("LONGSHORE_CONFORMANCE_STORM_S", "45"))
SEED = os.environ.get("LONGSHORE_CONFORMANCE_SEED", str(time.time_ns() % 100_000))
INSTANCES = 4
SCALARS = ("cpus", "mem", "disk")

pytestmark = [pytest.mark.process_only, pytest.mark.slow, pytest.mark.timeout(STORM_S + 500)]


@pytest.fixture
def ours():
    singularity.here()
    mesos_go("msh")
    mesos_framework()
    if harness_server.given():
        pytest.skip("takes instances from a server of its own")
    made = Started(os.environ["LONGSHORE_BIN"], instances=str(INSTANCES))
    yield made
    made.stop()


@pytest.fixture
def crowd(ours):
    """All clients, each with a framework of its own."""
    master, members = ours.server.mesos, []
    members.append(Services(master, SEED))
    members += [Scripted(library, master, SEED) for library in ("pymesos", "avmesos", "mesoshttp")]
    members += [Npm(master, SEED), Msh(master, SEED), TaskProcessing(master, SEED)]
    yield members
    for member in members:
        member.kill()


def ports(text):
    """The ports of a resource as pages show it: `[80-80, 443-443]`."""
    pairs = [pair.split("-") for pair in text.strip("[]").split(", ") if pair]
    return {port for begin, end in pairs for port in range(int(begin), int(end) + 1)}


def twice(state):
    """What a page of the master promises more than once: offers and tasks must fit each agent together."""
    wrong, sums, taken = [], defaultdict(float), defaultdict(set)
    for framework in state["frameworks"]:
        for part in framework["tasks"] + framework["offers"]:
            if part.get("state") in TERMINAL:  # it waits for its acknowledgement, and holds nothing
                continue
            for name in SCALARS:
                sums[part["slave_id"], name] += part["resources"].get(name, 0)
            claimed = ports(part["resources"].get("ports", "[]"))
            if shared := taken[part["slave_id"]] & claimed:
                wrong.append(f"ports {sorted(shared)[:5]} of {part['slave_id']} twice")
            taken[part["slave_id"]] |= claimed
    for agent in state["slaves"]:
        for name in SCALARS:
            if sums[agent["id"], name] > agent["resources"][name] + 1e-6:
                wrong.append(f"{sums[agent['id'], name]} {name} of {agent['resources'][name]} of {agent['id']}")
    return wrong


class Books:
    """Reads both sides all the time, each by its own means."""

    def __init__(self, server):
        self.url, self.ecs = server.mesos, Ecs(server.ecs, server.cluster)
        self.most = 0

    def state(self):
        reply = requests.get(f"{self.url}/master/state", timeout=20)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def look(self):
        state = self.state()
        assert not (wrong := twice(state)), wrong
        self.most = max(self.most, sum(len(f["tasks"]) for f in state["frameworks"]))
        for instance in self.ecs.instances():
            if instance["status"] == "INACTIVE":  # removed between the list and its description
                continue
            for name in ("CPU", "MEMORY"):
                assert 0 <= resource(instance, name) <= resource(instance, name, "registeredResources"), instance

    def on_ecs(self):
        """The Mesos ids of the tasks that run on ECS."""
        found = [task for task in self.ecs.tasks() if task["lastStatus"] == "RUNNING" == task["desiredStatus"]]
        return sorted(
            variable["value"] for task in found for container in task["overrides"]["containerOverrides"]
            for variable in container.get("environment", []) if variable["name"] == "MESOS_TASK_ID"
        )

    def on_the_page(self):
        return sorted(
            task["id"] for framework in self.state()["frameworks"] for task in framework["tasks"]
            if task["state"] == "TASK_RUNNING"
        )


class Weather(threading.Thread):
    """Takes instances away, adds others, and cuts agents off for a while."""

    def __init__(self, ecs, binary):
        super().__init__(daemon=True)
        self.ecs, self.binary, self.random = ecs, binary, random.Random(SEED)
        self.over, self.done, self.failure = threading.Event(), [], None

    def instances(self, verb, *words):
        command = [self.binary, "instances", verb, "--endpoint", self.ecs.url, *words]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        self.done.append(f"{verb} {' '.join(words)}")

    def run(self):
        try:
            while not self.over.wait(self.random.uniform(3, 7)):
                self.blow()
        except Exception as broken:  # told by the test
            self.failure = broken

    def blow(self):
        arns = sorted(instance["containerInstanceArn"] for instance in self.ecs.instances())
        chosen = self.random.choice(arns).rsplit("/")[-1]
        kind = self.random.choice(["remove", "remove", "disconnect", "drain"])
        if kind == "remove":
            self.instances("add", "1")
            self.instances("remove", chosen)
            return
        self.instances(kind, chosen)
        self.over.wait(self.random.uniform(0.5, 3))
        self.instances({"disconnect": "connect", "drain": "activate"}[kind], chosen)

    def calm(self):
        self.over.set()
        self.join(60)
        if self.failure:
            raise AssertionError(f"{self.failure!r}, {getattr(self.failure, 'stderr', '')}, {self.done}")


def test_many_clients_and_lost_agents_leave_balanced_books(ours, crowd):
    server = ours.server
    books, weather = Books(server), Weather(Ecs(server.ecs, server.cluster), os.environ["LONGSHORE_BIN"])
    watch = Watch(books.look, 0.3)
    for each in (*crowd, watch, weather):
        each.start()
    time.sleep(STORM_S)
    weather.calm()
    for member in crowd:
        member.rest()

    said = f"seed {SEED}, {weather.done}"
    until(
        lambda: set(books.on_ecs()) == set().union(*(member.running() for member in crowd)),
        f"ECS runs what frameworks believe to run: {said}", 30, every_s=0.2,
    )
    until(lambda: books.on_ecs() == books.on_the_page(), f"the page shows what ECS runs: {said}", 30, every_s=0.2)
    assert [text for member in crowd for text in member.settled()] == [], said
    watch.stop()
    assert watch.wrong == [] and watch.looks > STORM_S / 3, (said, watch.wrong[:5], watch.looks)
    assert books.most >= 10 and any(done.startswith("remove") for done in weather.done), said

    for member in crowd:
        member.end()
    leave_nothing(books, said)


def leave_nothing(books, said):
    """No task, nothing used, and all of every instance offered to who comes next."""
    until(lambda: books.on_ecs() == [], f"nothing runs on ECS: {said}", 60)
    for framework in books.state()["frameworks"]:  # Singularity stays registered after its end
        requests.post(f"{books.url}/teardown", data={"frameworkId": framework["id"]}, timeout=20).raise_for_status()

    def free():
        return books.state()["frameworks"] == [] and all(
            resource(i, name) == resource(i, name, "registeredResources") for i in books.ecs.instances() for name in ("CPU", "MEMORY")
        )

    until(free, f"everything is given back: {said}", 30)
    for agent in books.state()["slaves"]:
        assert all(agent["used_resources"].get(name, 0) == 0 == agent["offered_resources"].get(name, 0) for name in SCALARS), agent
    last = Scheduler(books.url)
    last.subscribe()
    whole = {i["containerInstanceArn"].rsplit("/")[-1]: i for i in books.ecs.instances()}
    for offer in last.wait_offers(len(whole)):
        instance = whole[offer["agent_id"]["value"]]
        assert offered(offer, "cpus") * 1024 == resource(instance, "CPU", "registeredResources")
        assert offered(offer, "mem") == resource(instance, "MEMORY", "registeredResources")
    last.end()
    metrics = requests.get(f"{books.url}/metrics/snapshot", timeout=20).json()
    wanted = {"master/tasks_running": 0, "master/cpus_used": 0, "master/mem_used": 0, "master/frameworks_active": 0}
    assert {name: metrics[name] for name in wanted} == wanted, json.dumps(metrics, indent=1)
