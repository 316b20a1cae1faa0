"""What a task reserves on its instance, when it is refused, and when it gives back."""

import time

import pytest

from harness.ecs import SLEEPER, STUBBORN, bare, image, resource, shell


def free(ecs, arn):
    seen = ecs.instance(arn)
    return resource(seen, "CPU"), resource(seen, "MEMORY")


@pytest.fixture
def arn(instances):
    return instances[0]["containerInstanceArn"]


@pytest.fixture
def whole(instances):
    """All CPU and memory of an instance, as a pair."""
    return resource(instances[0], "CPU"), resource(instances[0], "MEMORY")


def start(ecs, arn, *containers, overrides=None, **more):
    definition = ecs.register(*containers, **more)["taskDefinitionArn"]
    given = {"overrides": overrides} if overrides else {}
    return ecs.start(definition, [arn], **given)


def started(ecs, arn, *containers, **more):
    reply = start(ecs, arn, *containers, **more)
    assert reply["failures"] == [], reply["failures"]
    return reply["tasks"][0]


def reasons(reply):
    assert reply["tasks"] == []
    return [failure["reason"] for failure in reply["failures"]]


def test_a_task_reserves_the_sum_of_its_containers_and_gives_it_back(ecs, arn, whole):
    task = started(
        ecs, arn, shell(SLEEPER, cpu=100, memory=64), shell(SLEEPER, "side", cpu=28, memory=32)
    )
    assert free(ecs, arn) == (whole[0] - 128, whole[1] - 96)
    ecs.stop(task)
    assert free(ecs, arn) == whole


def test_memory_reservation_counts_instead_of_memory(ecs, arn, whole):
    started(ecs, arn, shell(SLEEPER, cpu=0, memory=128, memoryReservation=48))
    assert free(ecs, arn) == (whole[0], whole[1] - 48)


def test_sizes_of_the_task_count_instead_of_those_of_its_containers(ecs, arn, whole):
    started(ecs, arn, shell(SLEEPER, cpu=10, memory=32), cpu="256", memory="512")
    assert free(ecs, arn) == (whole[0] - 256, whole[1] - 512)


def test_overrides_replace_the_sizes(ecs, arn, whole):
    started(
        ecs, arn, shell(SLEEPER, cpu=10, memory=32),
        overrides={"containerOverrides": [{"name": "main", "cpu": 70, "memory": 40}]},
    )
    assert free(ecs, arn) == (whole[0] - 70, whole[1] - 40)
    started(
        ecs, arn, shell(SLEEPER, cpu=10, memory=32), cpu="256", memory="512",
        overrides={"cpu": "128", "memory": "256"},
    )
    assert free(ecs, arn) == (whole[0] - 70 - 128, whole[1] - 40 - 256)


def test_other_instances_are_not_touched(ecs, arn, instances):
    started(ecs, arn, shell(SLEEPER))
    for other in instances[1:]:
        assert ecs.instance(other["containerInstanceArn"])["remainingResources"] == other[
            "remainingResources"
        ]


def test_registered_resources_never_change(ecs, arn, instances):
    started(ecs, arn, shell(SLEEPER, portMappings=[{"containerPort": 80, "hostPort": 18411}]))
    after = ecs.instance(arn)["registeredResources"]
    assert after == instances[0]["registeredResources"]


def test_ports_in_use_are_added_to_the_set_and_taken_off_again(ecs, arn, instances):
    idle = resource(instances[0], "PORTS")
    mappings = [
        {"containerPort": 80, "hostPort": 18412},
        {"containerPort": 53, "hostPort": 18413, "protocol": "udp"},
        {"containerPort": 81},
    ]
    task = started(ecs, arn, shell(SLEEPER, portMappings=mappings))
    seen = ecs.instance(arn)
    assert resource(seen, "PORTS") == idle | {18412}
    assert resource(seen, "PORTS_UDP") == {18413}
    ecs.stop(task)
    seen = ecs.instance(arn)
    assert resource(seen, "PORTS") == idle and resource(seen, "PORTS_UDP") == set()


def test_a_host_port_is_taken_once_per_protocol_and_instance(ecs, arn, instances):
    tcp = {"containerPort": 80, "hostPort": 18414}
    first = started(ecs, arn, bare(command=["sh", "-c", SLEEPER], portMappings=[tcp]))
    assert reasons(start(ecs, arn, shell(SLEEPER, portMappings=[tcp]))) == ["RESOURCE:PORTS"]
    ecs.stop(first)
    started(ecs, arn, shell(SLEEPER, portMappings=[{**tcp, "protocol": "udp"}]))
    started(ecs, arn, shell(SLEEPER, portMappings=[tcp]))


def test_the_ports_of_the_agent_are_taken(ecs, arn):
    mapping = {"containerPort": 80, "hostPort": 51678}
    assert reasons(start(ecs, arn, shell(SLEEPER, portMappings=[mapping]))) == ["RESOURCE:PORTS"]


def test_in_host_mode_the_container_port_is_the_host_port(ecs, arn):
    started(
        ecs, arn, shell(SLEEPER, portMappings=[{"containerPort": 18415}]), networkMode="host"
    )
    assert 18415 in resource(ecs.instance(arn), "PORTS")


def test_what_does_not_fit_is_refused_with_the_resource(ecs, arn, whole):
    assert reasons(start(ecs, arn, shell(SLEEPER, cpu=whole[0] + 1))) == ["RESOURCE:CPU"]
    assert reasons(start(ecs, arn, shell(SLEEPER, memory=whole[1] + 1))) == ["RESOURCE:MEMORY"]
    failure = start(ecs, arn, shell(SLEEPER, cpu=whole[0] + 1))["failures"][0]
    assert failure["arn"] == arn


def test_an_instance_can_be_filled_to_the_last_unit(ecs, arn, whole):
    task = started(ecs, arn, shell(SLEEPER, cpu=whole[0]))
    assert resource(ecs.instance(arn), "CPU") == 0
    assert reasons(start(ecs, arn, shell(SLEEPER, cpu=1))) == ["RESOURCE:CPU"]
    started(ecs, arn, shell(SLEEPER, cpu=0))
    ecs.stop(task)
    started(ecs, arn, shell(SLEEPER, cpu=1))


def test_run_task_that_fits_nowhere_gives_failures_and_no_task(ecs, instances, whole):
    reply = ecs.try_run(ecs.define(SLEEPER, cpu=whole[0] + 1))
    assert reply["tasks"] == []
    assert {f["reason"] for f in reply["failures"]} == {"RESOURCE:CPU"}
    known = {i["containerInstanceArn"] for i in instances}
    assert {f["arn"] for f in reply["failures"]} == known


def test_run_task_places_what_fits_and_reports_the_rest(ecs, instances, whole):
    reply = ecs.try_run(ecs.define(SLEEPER, cpu=whole[0] // 2 + 1), count=5)
    assert {t["containerInstanceArn"] for t in reply["tasks"]} == {
        i["containerInstanceArn"] for i in instances
    }
    assert len(reply["tasks"]) == 3
    assert reply["failures"] and {f["reason"] for f in reply["failures"]} == {"RESOURCE:CPU"}


@pytest.mark.executes
def test_resources_are_given_back_only_when_the_task_is_stopped(ecs, arn, whole):
    task = started(ecs, arn, shell(STUBBORN, cpu=whole[0], stopTimeout=3))
    ecs.wait(task, "RUNNING")
    time.sleep(0.3)  # the shell needs a moment to set its trap
    ecs.client.stop_task(cluster=ecs.cluster, task=task["taskArn"])
    seen = ecs.task(task)
    assert seen["desiredStatus"] == "STOPPED" and seen["lastStatus"] != "STOPPED"
    assert resource(ecs.instance(arn), "CPU") == 0
    assert reasons(start(ecs, arn, shell(SLEEPER, cpu=whole[0]))) == ["RESOURCE:CPU"]
    ecs.wait(task, "STOPPED")
    started(ecs, arn, shell(SLEEPER, cpu=whole[0]))


@pytest.mark.executes
def test_a_task_that_never_started_gives_back_too(ecs, arn, whole):
    task = started(
        ecs, arn,
        {"name": "main", "image": image(), "cpu": 64, "memory": 32, "command": ["/no/such"]},
    )
    ecs.wait(task, "STOPPED")
    assert free(ecs, arn) == whole
