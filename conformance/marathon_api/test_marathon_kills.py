"""A deployment whose scheduler is killed again and again, at any moment of it."""

import time
from collections import Counter

import pytest

from harness.marathon import post, put, runs
from harness.wait import until

pytestmark = pytest.mark.process_only

INSTANCES = 8


def mesos_ids(ecs):
    """The id that each task was launched by, of all that ECS still shows."""
    pages = ecs.client.get_paginator("list_tasks")
    arns = [arn for status in ("RUNNING", "STOPPED")
            for page in pages.paginate(cluster=ecs.cluster, desiredStatus=status) for arn in page["taskArns"]]
    shown = []
    for at in range(0, len(arns), 100):
        shown += ecs.client.describe_tasks(cluster=ecs.cluster, tasks=arns[at:at + 100])["tasks"]
    pairs = [(pair["name"], pair["value"]) for task in shown
             for pair in task["overrides"]["containerOverrides"][0].get("environment", [])]
    return [value for name, value in pairs if name == "MESOS_TASK_ID" and value.startswith("rolls.")]


@pytest.mark.parametrize("pauses_ms", [(0, 20, 60), (150, 400, 10)])
def test_a_change_rolls_to_its_end_however_often_its_scheduler_is_killed(marathon, ecs, pauses_ms):
    post(marathon, "rolls", instances=INSTANCES, cpus=0.01,
         upgradeStrategy={"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0.25})
    before = runs(marathon, "rolls", INSTANCES)
    version = put(marathon, "rolls", cmd="exec sleep 601")["version"]
    for pause in pauses_ms:
        time.sleep(pause / 1_000)
        marathon.kill()
        marathon.start()
    after = runs(marathon, "rolls", INSTANCES)
    assert not after & before
    assert {task["version"] for task in marathon.tasks("rolls")} == {version}
    until(lambda: len(ecs.arns()) == INSTANCES, "the old ones are gone, and there are no others", 20)
    started = mesos_ids(ecs)
    assert set(started) >= after | before, "each is known by the id that it was launched by"
    assert max(Counter(started).values()) == 1, Counter(started).most_common(3)
