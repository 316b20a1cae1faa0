"""The commands of a well-known tour of ECS placement, as they are typed, on a cluster like the one in it."""

import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness.server import CREDENTIALS, REGION, Started

AWS = Path(sys.executable).parent / "aws"
CLUSTER = "ecs-demo"
ZONES = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"]
# Twelve instances over four zones in turn: t2.small in all, t2.medium in all, g2.2xlarge in all.
INSTANCES = "4xt2.small,4xt2.medium,4xg2.2xlarge"
HERE = "attribute:ecs.availability-zone"
TYPE = "attribute:ecs.instance-type"


@pytest.fixture(scope="module")
def url():
    binary = os.environ.get("LONGSHORE_BIN")
    if not binary:
        pytest.skip("needs a cluster of its own: LONGSHORE_BIN")
    started = Started(
        binary, "--cluster", CLUSTER, "--instance-runtime",
        ",".join(f"{n}=simulated" for n in range(1, 13)), instances=INSTANCES, zones=ZONES,
    )
    yield started.server.ecs
    started.stop()


@pytest.fixture(scope="module")
def type_in(url):
    """Runs a line of the slides and reads what it prints."""
    environment = {
        "PATH": f"{AWS.parent}:{os.environ['PATH']}", "HOME": "/nonexistent", "AWS_PAGER": "",
        "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": url, **CREDENTIALS,
    }

    def run(line):
        done = subprocess.run(
            shlex.split(line), env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


@pytest.fixture(scope="module")
def cluster(type_in):
    """Type and zone of each instance, and the task definitions of the slides."""
    containers = [{"name": "app", "image": "nginx", "cpu": 100, "memory": 128}]
    for family in ("myapp", "myapp-gpu"):
        type_in(
            f"aws ecs register-task-definition --family {family} "
            f"--container-definitions {shlex.quote(json.dumps(containers))}"
        )
    arns = type_in(f"aws ecs list-container-instances --cluster {CLUSTER}")["containerInstanceArns"]
    assert len(arns) == 12
    described = type_in(
        f"aws ecs describe-container-instances --cluster {CLUSTER} "
        f"--container-instances {' '.join(arns)}"
    )["containerInstances"]
    of = lambda one: {a["name"]: a.get("value") for a in one["attributes"]}
    return {
        one["containerInstanceArn"]: (
            of(one)["ecs.instance-type"], of(one)["ecs.availability-zone"]
        )
        for one in described
    }


@pytest.fixture
def run_task(type_in, cluster):
    """`run-task` as typed; where the tasks went. They are stopped at the end."""
    started = []

    def run(rest):
        reply = type_in(f"aws ecs run-task --cluster {CLUSTER} {rest}")
        started.extend(task["taskArn"] for task in reply["tasks"])
        assert reply["failures"] == []
        return [cluster[task["containerInstanceArn"]] for task in reply["tasks"]]

    yield run
    for arn in started:
        type_in(f"aws ecs stop-task --cluster {CLUSTER} --task {arn}")


FILTERS = {
    f"{TYPE} matches t2.*": lambda kind, zone: kind.startswith("t2."),
    f"{HERE} matches us-east-1.*": lambda kind, zone: True,
    f"{HERE} == us-east-1a": lambda kind, zone: zone == "us-east-1a",
    f"{TYPE} matches t2.* and {HERE} == us-east-1a":
        lambda kind, zone: kind.startswith("t2.") and zone == "us-east-1a",
    f"({TYPE} in [t2.small, t2.medium] or {TYPE} matches g2.*) and {HERE} != us-east-1d":
        lambda kind, zone: zone != "us-east-1d",
}


@pytest.mark.parametrize("expression", FILTERS)
def test_list_container_instances_with_the_filters(type_in, cluster, expression):
    line = f'aws ecs list-container-instances --cluster {CLUSTER} --filter "{expression}"'
    wanted = {arn for arn, (kind, zone) in cluster.items() if FILTERS[expression](kind, zone)}
    assert wanted and set(type_in(line)["containerInstanceArns"]) == wanted


def test_targeting_an_instance_type(run_task):
    placed = run_task(
        '--task-definition myapp --count 5 --placement-constraints '
        'type="memberOf",expression="attribute:ecs.instance-type == g2.2xlarge"'
    )
    assert len(placed) == 5 and {kind for kind, _ in placed} == {"g2.2xlarge"}


def test_targeting_instance_type_and_zone(run_task):
    placed = run_task(
        '--task-definition myapp --count 5 --placement-constraints type="memberOf",'
        'expression="(attribute:ecs.instance-type == t2.small or '
        'attribute:ecs.instance-type == t2.medium) and '
        'attribute:ecs.availability-zone != us-east-1d"'
    )
    assert len(placed) == 5
    assert all(kind.startswith("t2.") and zone != "us-east-1d" for kind, zone in placed)


def test_availability_zone_spread(run_task):
    placed = run_task(
        '--task-definition myapp --count 9 '
        '--placement-strategy type="spread",field="attribute:ecs.availability-zone"'
    )
    assert sorted(Counter(zone for _, zone in placed).values()) == [2, 2, 2, 3]


def test_spread_across_zones_and_binpack(run_task):
    placed = run_task(
        '--task-definition myapp --count 9 --placement-strategy '
        'type="spread",field="attribute:ecs.availability-zone" type="binpack",field="memory"'
    )
    assert sorted(Counter(zone for _, zone in placed).values()) == [2, 2, 2, 3]
    # The instances with least memory are filled first: one in each zone.
    assert {kind for kind, _ in placed} == {"t2.small"}


def test_a_service_on_distinct_instances_of_a_type(type_in, cluster):
    made = type_in(
        f'aws ecs create-service --service-name myapp-gpu --cluster {CLUSTER} '
        '--task-definition myapp-gpu --desired-count 3 --placement-constraints '
        'type="memberOf",expression="attribute:ecs.instance-type =~ g2.*" type="distinctInstance"'
    )["service"]
    assert made["desiredCount"] == 3
    try:
        type_in(f"aws ecs wait services-stable --cluster {CLUSTER} --services myapp-gpu")
        arns = type_in(
            f"aws ecs list-tasks --cluster {CLUSTER} --service-name myapp-gpu"
        )["taskArns"]
        tasks = type_in(
            f"aws ecs describe-tasks --cluster {CLUSTER} --tasks {' '.join(arns)}"
        )["tasks"]
        homes = [task["containerInstanceArn"] for task in tasks]
        assert len(homes) == len(set(homes)) == 3
        assert {cluster[home][0] for home in homes} == {"g2.2xlarge"}
    finally:
        type_in(
            f"aws ecs delete-service --cluster {CLUSTER} --service myapp-gpu --force"
        )
