"""RunTask's choice of instances: fit first, then spread over the availability zones."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from harness.ecs import SLEEPER, resource, shell, unique, zone_of
from harness.server import ZONES


def zones(ecs, tasks):
    where = {i["containerInstanceArn"]: zone_of(i) for i in ecs.instances()}
    return Counter(where[task["containerInstanceArn"]] for task in tasks)


def test_run_task_places_one_task_per_zone(ecs):
    assert zones(ecs, ecs.run(ecs.define(SLEEPER), count=3)) == dict.fromkeys(ZONES, 1)


def test_run_task_spreads_ten_tasks_evenly(ecs):
    found = zones(ecs, ecs.run(ecs.define(SLEEPER, cpu=8), count=10))
    assert sorted(found.values()) == [3, 3, 4]


def test_three_calls_of_one_group_reach_three_zones(ecs):
    definition = ecs.define(SLEEPER)
    tasks = [ecs.run(definition)[0] for _ in range(3)]
    assert zones(ecs, tasks) == dict.fromkeys(ZONES, 1)


def test_a_zone_that_is_full_is_left_out(ecs, instances):
    full = instances[1]
    filler = ecs.define(SLEEPER, cpu=resource(full, "CPU"))
    assert ecs.start(filler, [full["containerInstanceArn"]])["failures"] == []
    found = zones(ecs, ecs.run(ecs.define(SLEEPER), count=4))
    assert found == {ZONES[0]: 2, ZONES[2]: 2}


def test_a_host_port_forces_one_task_per_instance(ecs):
    definition = ecs.register(
        shell(SLEEPER, portMappings=[{"containerPort": 80, "hostPort": 18421}])
    )["taskDefinitionArn"]
    reply = ecs.try_run(definition, count=4)
    assert zones(ecs, reply["tasks"]) == dict.fromkeys(ZONES, 1)
    assert {f["reason"] for f in reply["failures"]} == {"RESOURCE:PORTS"}


def test_an_explicit_spread_over_zones_is_the_same(ecs):
    tasks = ecs.run(
        ecs.define(SLEEPER), count=3,
        placementStrategy=[{"type": "spread", "field": "attribute:ecs.availability-zone"}],
    )
    assert zones(ecs, tasks) == dict.fromkeys(ZONES, 1)


def test_eight_callers_at_once_never_overcommit_an_instance(ecs, instances):
    cpu = min(resource(i, "CPU") for i in instances) // 8
    definition = ecs.define(SLEEPER, cpu=cpu, memory=16)

    def call(_):
        return ecs.try_run(definition, count=4, group=unique("g"))

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(call, range(8)))
    placed = [task for reply in replies for task in reply["tasks"]]
    fits = sum(resource(i, "CPU") // cpu for i in instances)
    assert len(placed) == min(32, fits)
    for instance in ecs.instances():
        ours = [
            t for t in placed if t["containerInstanceArn"] == instance["containerInstanceArn"]
        ]
        total = resource(instance, "CPU", "registeredResources")
        assert resource(instance, "CPU") == total - cpu * len(ours) >= 0
