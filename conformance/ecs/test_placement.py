"""RunTask's choice of instances: fit first, then spread over the availability zones."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.ecs import SLEEPER, error, machine_of, resource, shell, unique, zone_of
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


def test_a_host_port_forces_one_task_per_machine(ecs, instances):
    definition = ecs.register(
        shell(SLEEPER, portMappings=[{"containerPort": 80, "hostPort": 18421}])
    )["taskDefinitionArn"]
    reply = ecs.try_run(definition, count=4)
    where = {i["containerInstanceArn"]: machine_of(i) for i in instances}
    found = Counter(where[task["containerInstanceArn"]] for task in reply["tasks"])
    assert found == dict.fromkeys(where.values(), 1)
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


def attributed(ecs, instances, name, *values):
    """Gives the instances an attribute in order; None leaves one without it."""
    for instance, value in zip(instances, values):
        if value is not None:
            ecs.client.put_attributes(
                cluster=ecs.cluster,
                attributes=[{
                    "name": name, "value": value, "targetType": "container-instance",
                    "targetId": instance["containerInstanceArn"],
                }],
            )
    return name


def member_of(expression):
    return {"type": "memberOf", "expression": expression}


def arns(instances):
    return [instance["containerInstanceArn"] for instance in instances]


def homes(tasks):
    return Counter(task["containerInstanceArn"] for task in tasks)


def test_member_of_keeps_tasks_to_the_instances_that_it_means(ecs, instances):
    name = attributed(ecs, instances, unique("stack"), "prod", "test", None)
    definition = ecs.define(SLEEPER)
    tasks = ecs.run(
        definition, count=4, placementConstraints=[member_of(f"attribute:{name} == prod")]
    )
    assert homes(tasks) == {arns(instances)[0]: 4}
    # An instance without the attribute satisfies no comparison, and every negation of one.
    tasks = ecs.run(
        definition, count=2, placementConstraints=[member_of(f"attribute:{name} != prod")]
    )
    assert homes(tasks) == {arns(instances)[1]: 2}
    tasks = ecs.run(
        definition, count=4, placementConstraints=[member_of(f"not(attribute:{name} == prod)")]
    )
    assert set(homes(tasks)) == set(arns(instances)[1:])


def test_what_no_instance_satisfies_is_a_failure_for_each(ecs, instances):
    reply = ecs.try_run(
        ecs.define(SLEEPER), count=2,
        placementConstraints=[member_of("attribute:ecs.instance-type == no.such")],
    )
    assert reply["tasks"] == []
    assert {f["arn"] for f in reply["failures"]} == set(arns(instances))
    assert {f["reason"] for f in reply["failures"]} == {
        "MemberOf placement constraint unsatisfied."
    }
    assert {f["detail"] for f in reply["failures"]} == {"attribute:ecs.instance-type == no.such"}


def test_distinct_instance_puts_one_task_of_a_group_on_each(ecs, instances):
    definition = ecs.define(SLEEPER)
    apart = [{"type": "distinctInstance"}]
    reply = ecs.try_run(definition, count=4, placementConstraints=apart)
    assert homes(reply["tasks"]) == dict.fromkeys(arns(instances), 1)
    assert {f["reason"] for f in reply["failures"]} == {
        "DistinctInstance placement constraint unsatisfied."
    }
    # A task that is told to stop keeps nobody away, and another group never did.
    ecs.client.stop_task(cluster=ecs.cluster, task=reply["tasks"][0]["taskArn"])
    again = ecs.run(definition, placementConstraints=apart)
    assert homes(again) == {reply["tasks"][0]["containerInstanceArn"]: 1}
    assert len(ecs.run(definition, group=unique("g"), placementConstraints=apart, count=3)) == 3


def test_the_constraints_of_a_task_definition_hold_as_well(ecs, instances):
    name = attributed(ecs, instances, unique("disk"), "ssd", "ssd", "hdd")
    definition = ecs.register(
        shell(SLEEPER), placementConstraints=[member_of(f"attribute:{name} == ssd")]
    )["taskDefinitionArn"]
    assert set(homes(ecs.run(definition, count=4))) == set(arns(instances)[:2])
    zone = zone_of(instances[1])
    tasks = ecs.run(
        definition, count=2,
        placementConstraints=[member_of(f"attribute:ecs.availability-zone == {zone}")],
    )
    assert homes(tasks) == {arns(instances)[1]: 2}


def test_anti_affinity_by_task_group(ecs):
    database = unique("database")
    where = ecs.run(ecs.define(SLEEPER), group=database)[0]["containerInstanceArn"]
    tasks = ecs.run(
        ecs.define(SLEEPER), count=4,
        placementConstraints=[member_of(f"not(task:group == {database})")],
    )
    assert where not in homes(tasks)
    tasks = ecs.run(
        ecs.define(SLEEPER), count=2, placementConstraints=[member_of(f"task:group == {database}")]
    )
    assert homes(tasks) == {where: 2}


def test_binpack_fills_one_instance_before_the_next(ecs, instances):
    third = resource(instances[0], "MEMORY") // 3
    definition = ecs.define(SLEEPER, cpu=8, memory=third)
    tasks = ecs.run(
        definition, count=4, placementStrategy=[{"type": "binpack", "field": "MEMORY"}]
    )
    assert sorted(homes(tasks).values()) == [1, 3]


def test_spread_over_an_attribute_counts_the_tasks_around_its_values(ecs, instances):
    name = attributed(ecs, instances, unique("rack"), "left", "left", "right")
    tasks = ecs.run(
        ecs.define(SLEEPER, cpu=8), count=6,
        placementStrategy=[{"type": "spread", "field": f"attribute:{name}"}],
    )
    assert homes(tasks)[arns(instances)[2]] == 3


def test_random_reaches_every_instance(ecs, instances):
    definition = ecs.define(SLEEPER, cpu=1, memory=8)
    tasks = [
        task for _ in range(4)
        for task in ecs.run(definition, count=10, placementStrategy=[{"type": "random"}])
    ]
    assert set(homes(tasks)) == set(arns(instances))


BAD_RULES = {
    "memberOf without an expression": ([{"type": "memberOf"}], [], "must have an expression"),
    "an unknown subject": ([member_of("attributes:stack == prod")], [], "attribute:"),
    "a missing operator": ([member_of("attribute:stack prod")], [], "character"),
    "a bad regular expression": ([member_of("attribute:a =~ 'x('")], [], "character"),
    "an empty list": ([member_of("attribute:a in []")], [], "list"),
    "a number that is none": ([member_of("runningTasksCount > many")], [], "many"),
    "binpack of what is neither": ([], [{"type": "binpack", "field": "disk"}], "[cpu,memory]"),
    "spread over nothing": ([], [{"type": "spread"}], "spread field"),
    "spread over an unknown field": ([], [{"type": "spread", "field": "zone"}], "'zone'"),
}


@pytest.mark.parametrize("case", BAD_RULES)
def test_rules_that_cannot_be_read_are_refused_and_say_why(ecs, case):
    constraints, strategies, text = BAD_RULES[case]
    with error("InvalidParameterException", text):
        ecs.try_run(
            ecs.define(SLEEPER), placementConstraints=constraints, placementStrategy=strategies
        )


def test_a_definition_with_a_bad_expression_is_refused(ecs):
    with error("ClientException", "character"):
        ecs.register(shell(SLEEPER), placementConstraints=[member_of("attribute:a = b")])


def test_a_filter_finds_instances_by_everything_that_it_may_ask(ecs, client, instances):
    name = attributed(ecs, instances, unique("stack"), "prod", "test", None)
    task = ecs.run(ecs.define(SLEEPER), group=unique("g"))[0]

    def found(expression):
        reply = client.list_container_instances(cluster=ecs.cluster, filter=expression)
        return sorted(reply["containerInstanceArns"])

    every = sorted(arns(instances))
    assert found("agentConnected == true") == every
    assert found(f"ec2InstanceId in ['{instances[2]['ec2InstanceId']}']") == arns(instances)[2:]
    assert found("registeredAt < 2001-01-01") == []
    assert found(f"task:group == {task['group']}") == [task["containerInstanceArn"]]
    assert found(f"attribute:{name} !exists") == arns(instances)[2:]
    assert found(f"attribute:{name} matches pr.* or attribute:{name} == test") == sorted(
        arns(instances)[:2]
    )
    with error("InvalidParameterException", "character"):
        found("agentConnected ==")
