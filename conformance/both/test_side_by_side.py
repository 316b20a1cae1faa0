"""boto3 and a Mesos framework share three instances at the same time, and nobody overcommits."""

import threading
import time
from urllib.parse import urlparse

import pytest
from botocore.exceptions import ClientError

from harness.ecs import SLEEPER, Ecs, image, resource, unique
from harness.mesos import id_of, task
from harness.mesos import resource as offered
from harness.program import Program
from harness.wait import until

pytestmark = pytest.mark.executes
FRAMEWORK_TASKS = 24
FOR_S = 8.0


@pytest.fixture
def framework(mesos_url, quiet_after):
    program = Program("pymesos_framework.py", urlparse(mesos_url).netloc, unique("side"))
    program.wait(lambda s: s["what"] == "registered", "the framework is registered")
    yield program
    program.order(stop=False)
    program.ended()


class Watch(threading.Thread):
    """Reads the instances and their tasks over and over, and notes what must never be seen."""

    def __init__(self, server, size):
        super().__init__(daemon=True)
        self.ecs = Ecs(server.ecs, server.cluster)
        self.size = size
        self.over = threading.Event()
        self.wrong, self.reads, self.fullest = [], 0, 0

    def run(self):
        try:
            while not self.over.is_set():
                self.look()
                time.sleep(0.02)
        except Exception as broken:  # told by the test, which must not pass without a watch
            self.wrong.append(repr(broken))

    def look(self):
        for instance in self.ecs.instances():
            self.reads += 1
            for name in ("CPU", "MEMORY"):
                total = resource(instance, name, "registeredResources")
                left = resource(instance, name)
                if not 0 <= left <= total:
                    self.wrong.append(f"{name}: {left} of {total} remain")
            self.count(instance)

    def count(self, instance):
        """Every task that exists throughout the two reads must fit the instance together."""
        total = resource(instance, "CPU", "registeredResources")
        tasks = self.ecs.tasks(containerInstance=instance["containerInstanceArn"])
        used = sum(self.size for seen in tasks if seen["lastStatus"] != "STOPPED")
        self.fullest = max(self.fullest, used)
        if used > total:
            self.wrong.append(f"tasks of {used} CPU units on an instance of {total}")


class Callers(threading.Thread):
    """Calls RunTask again and again; a refusal for want of room is normal, an error is not."""

    def __init__(self, server, definition):
        super().__init__(daemon=True)
        self.ecs = Ecs(server.ecs, server.cluster)
        self.definition = definition
        self.over = threading.Event()
        self.started, self.refused, self.wrong = [], set(), []

    def run(self):
        while not self.over.is_set():
            try:
                reply = self.ecs.client.run_task(
                    cluster=self.ecs.cluster, taskDefinition=self.definition, count=3
                )
            except ClientError as error:
                self.wrong.append(str(error))
                return
            self.started += [started["taskArn"] for started in reply["tasks"]]
            self.refused |= {failure["reason"] for failure in reply["failures"]}
            time.sleep(0.1)


@pytest.mark.slow
def test_boto3_and_a_framework_share_the_instances_without_overcommitment(
    server, ecs, framework, instances
):
    # Five tasks of this size fill an instance, so both sides meet its limit all the time.
    size = min(resource(i, "CPU") for i in instances) // 5
    definition = ecs.define("sleep 1", cpu=size, memory=16)
    watch, callers = Watch(server, size), Callers(server, definition)
    watch.start()
    callers.start()

    def launch():
        task_id = unique("side")
        framework.order(
            launch={
                "id": task_id, "command": "sleep 0.5", "cpus": size / 1024, "mem": 16,
                "image": image(),
            }
        )
        return task_id

    wanted = {launch(): None for _ in range(FRAMEWORK_TASKS)}
    end = time.monotonic() + FOR_S
    retried = 0
    while time.monotonic() < end + 30:
        for task_id in [t for t, state in wanted.items() if state is None]:
            states = framework.states(task_id)
            if "TASK_FINISHED" in states:
                wanted[task_id] = "TASK_FINISHED"
            elif {"TASK_LOST", "TASK_DROPPED"} & set(states):
                # The room went to the other side between offer and launch: try again.
                del wanted[task_id]
                wanted[launch()] = None
                retried += 1
            else:
                assert not {"TASK_ERROR", "TASK_FAILED", "TASK_KILLED"} & set(states), states
        if time.monotonic() >= end:
            callers.over.set()
            if all(wanted.values()):
                break
        time.sleep(0.05)
    callers.over.set()
    callers.join(10)
    assert all(wanted.values()), f"{sum(1 for s in wanted.values() if not s)} tasks did not finish"
    assert callers.wrong == []
    for arn in callers.started:
        stopped = ecs.wait(arn, "STOPPED")
        assert stopped["containers"][0]["exitCode"] == 0
    watch.over.set()
    watch.join(10)
    assert watch.wrong == []
    assert watch.reads > 30 and len(callers.started) >= 6
    assert watch.fullest > 0 and retried < 200
    assert callers.refused <= {"RESOURCE:CPU", "RESOURCE:MEMORY"}

    def idle():
        return all(
            resource(i, name) == resource(i, name, "registeredResources")
            for i in ecs.instances() for name in ("CPU", "MEMORY")
        )

    until(idle, "everything is given back", 20)


def test_an_offer_shrinks_by_what_run_task_takes(schedulers, ecs, instances):
    before = schedulers()
    before.subscribe()
    whole = {o["agent_id"]["value"]: offered(o, "cpus") for o in before.wait_offers(3)}
    before.must("TEARDOWN")
    for started in ecs.run(ecs.define(SLEEPER, cpu=512), count=3):
        ecs.wait(started, "RUNNING")
    after = schedulers()
    after.subscribe()
    for offer in after.wait_offers(3):
        assert offered(offer, "cpus") == whole[offer["agent_id"]["value"]] - 0.5


def test_a_launch_on_room_that_run_task_took_is_lost_and_nothing_is_overcommitted(
    schedulers, ecs, instances
):
    framework = schedulers()
    framework.subscribe()
    offers = framework.wait_offers(3)
    whole = min(resource(i, "CPU") for i in instances)
    filler = ecs.define("sleep 600", cpu=whole, stopTimeout=1)
    assert len(ecs.run(filler, count=3)) == 3
    infos = [task(offer, "sleep 600", cpus=whole / 1024) for offer in offers]
    for offer, info in zip(offers, infos):
        framework.launch(offer, info)
    for info in infos:
        status = framework.wait_state(id_of(info), "TASK_LOST", "TASK_ERROR", "TASK_FAILED")
        assert status["state"] == "TASK_LOST", status
    for instance in ecs.instances():
        assert resource(instance, "CPU") == resource(instance, "CPU", "registeredResources") - whole
