"""Register-, Deregister-, Describe- and ListContainerInstances, UpdateContainerInstancesState."""

import re

import pytest

from harness.ecs import ARN, SLEEPER, error, resource, unique, zone_of
from harness.server import ZONES
from harness.wait import until

NOWHERE = "0" * 32


def ids(client, **more):
    return client.list_container_instances(**more)["containerInstanceArns"]


def test_the_cluster_has_three_instances_in_three_zones(ecs, instances):
    assert [zone_of(i) for i in instances] == ZONES
    for instance in instances:
        assert re.fullmatch(
            f"{ARN}container-instance/{ecs.cluster}/[0-9a-f]{{32}}",
            instance["containerInstanceArn"],
        )
        assert re.fullmatch(r"i-([0-9a-f]{8}|[0-9a-f]{17})", instance["ec2InstanceId"])
        assert instance["status"] == "ACTIVE"
        assert instance["agentConnected"] is True
        assert instance["version"] >= 1
        assert instance["runningTasksCount"] == instance["pendingTasksCount"] == 0
        assert instance["registeredAt"].timestamp() > 1_500_000_000
        assert instance["versionInfo"]["agentVersion"]
    assert len({i["ec2InstanceId"] for i in instances}) == 3


def test_an_instance_shows_registered_and_remaining_resources(instances):
    for instance in instances:
        for which in ("registeredResources", "remainingResources"):
            names = [entry["name"] for entry in instance[which]]
            assert sorted(names)[:4] == ["CPU", "MEMORY", "PORTS", "PORTS_UDP"]
        for name in ("CPU", "MEMORY"):
            assert resource(instance, name) == resource(instance, name, "registeredResources") > 0


def test_an_idle_instance_reserves_only_the_ports_of_the_agent(instances):
    for instance in instances:
        for which in ("registeredResources", "remainingResources"):
            assert resource(instance, "PORTS", which) == {22, 2375, 2376, 51678, 51679}
            assert resource(instance, "PORTS_UDP", which) == set()


def test_an_instance_shows_the_built_in_attributes(instances):
    for instance in instances:
        found = {a["name"]: a.get("value") for a in instance["attributes"]}
        assert found["ecs.os-type"] == "linux"
        assert found["ecs.availability-zone"] in ZONES


def test_describe_takes_ids_and_arns_and_reports_the_missing(ecs, client, instances):
    arn = instances[0]["containerInstanceArn"]
    short = instances[1]["containerInstanceArn"].rpartition("/")[2]
    reply = client.describe_container_instances(
        cluster=ecs.cluster, containerInstances=[arn, short, NOWHERE]
    )
    assert {i["containerInstanceArn"] for i in reply["containerInstances"]} == {
        arn, instances[1]["containerInstanceArn"],
    }
    assert [(f["arn"], f["reason"]) for f in reply["failures"]] == [
        (f"{ARN}container-instance/{ecs.cluster}/{NOWHERE}", "MISSING")
    ]


def test_describe_refuses_an_empty_list(ecs, client):
    with error(
        ("ClientException", "InvalidParameterException"), "Container instance cannot be empty"
    ):
        client.describe_container_instances(cluster=ecs.cluster, containerInstances=[])


def test_describe_refuses_more_than_100(ecs, client):
    many = [f"{n:032x}" for n in range(101)]
    with error("InvalidParameterException"):
        client.describe_container_instances(cluster=ecs.cluster, containerInstances=many)
    reply = client.describe_container_instances(cluster=ecs.cluster, containerInstances=many[:100])
    assert len(reply["failures"]) == 100


def test_describe_refuses_an_arn_that_names_another_cluster(ecs, client, instances):
    other = ecs.new_cluster()["clusterName"]
    with error("InvalidParameterException", ("Identifier is for", other)):
        client.describe_container_instances(
            cluster=other, containerInstances=[instances[0]["containerInstanceArn"]]
        )


def test_describe_shows_health_when_asked(ecs, client, instances):
    reply = client.describe_container_instances(
        cluster=ecs.cluster, containerInstances=[instances[0]["containerInstanceArn"]],
        include=["CONTAINER_INSTANCE_HEALTH"],
    )
    health = reply["containerInstances"][0]["healthStatus"]
    assert health["overallStatus"] in ("OK", "IMPAIRED", "INSUFFICIENT_DATA", "INITIALIZING")


def test_describe_refuses_an_unknown_include(ecs, client, instances):
    with error("InvalidParameterException", "include should be one of ["):
        client.describe_container_instances(
            cluster=ecs.cluster, containerInstances=[instances[0]["containerInstanceArn"]],
            include=["WEATHER"],
        )


def test_list_by_status(ecs, client):
    assert len(ids(client, cluster=ecs.cluster)) == 3
    assert len(ids(client, cluster=ecs.cluster, status="ACTIVE")) == 3
    assert ids(client, cluster=ecs.cluster, status="DRAINING") == []
    with error("InvalidParameterException", "should be one of ["):
        client.list_container_instances(cluster=ecs.cluster, status="SLEEPY")


def test_list_with_a_filter(ecs, client, instances):
    wanted = f"attribute:ecs.availability-zone == {ZONES[1]}"
    found = ids(client, cluster=ecs.cluster, filter=wanted)
    assert found == [instances[1]["containerInstanceArn"]]


@pytest.mark.parametrize("status", ["INACTIVE", "REGISTERING", "active", ""])
def test_update_state_refuses_other_states(ecs, client, instances, status):
    with error(
        "InvalidParameterException",
        "Container instance status should be one of [ACTIVE, DRAINING]",
    ):
        client.update_container_instances_state(
            cluster=ecs.cluster, status=status,
            containerInstances=[instances[0]["containerInstanceArn"]],
        )


def test_update_state_refuses_more_than_ten_and_reports_the_missing(ecs, client):
    with error("InvalidParameterException"):
        client.update_container_instances_state(
            cluster=ecs.cluster, status="ACTIVE",
            containerInstances=[f"{n:032x}" for n in range(11)],
        )
    reply = client.update_container_instances_state(
        cluster=ecs.cluster, status="ACTIVE", containerInstances=[NOWHERE]
    )
    assert reply["containerInstances"] == []
    assert [f["reason"] for f in reply["failures"]] == ["MISSING"]


@pytest.fixture
def drained(ecs, instances):
    """Sets one instance to DRAINING, and back to ACTIVE afterwards."""
    arn = instances[0]["containerInstanceArn"]

    def update(status):
        return ecs.client.update_container_instances_state(
            cluster=ecs.cluster, containerInstances=[arn], status=status
        )

    reply = update("DRAINING")
    assert reply["failures"] == []
    assert [i["status"] for i in reply["containerInstances"]] == ["DRAINING"]
    yield instances[0]
    assert update("ACTIVE")["containerInstances"][0]["status"] == "ACTIVE"


def test_a_draining_instance_is_listed_as_such_and_its_version_rises(ecs, client, drained):
    arn = drained["containerInstanceArn"]
    assert ids(client, cluster=ecs.cluster, status="DRAINING") == [arn]
    assert arn not in ids(client, cluster=ecs.cluster, status="ACTIVE")
    assert ecs.instance(arn)["version"] > drained["version"]


def test_a_draining_instance_gets_no_new_tasks(ecs, drained):
    definition = ecs.define(SLEEPER)
    placed = {task["containerInstanceArn"] for task in ecs.run(definition, count=4)}
    assert drained["containerInstanceArn"] not in placed and len(placed) == 2
    reply = ecs.start(definition, [drained["containerInstanceArn"]])
    assert reply["tasks"] == []
    assert [f["arn"] for f in reply["failures"]] == [drained["containerInstanceArn"]]


@pytest.mark.executes
def test_draining_leaves_a_standalone_task_alone(ecs, client, instances):
    arn = instances[0]["containerInstanceArn"]
    task = ecs.start(ecs.define(SLEEPER), [arn])["tasks"][0]
    ecs.wait(task, "RUNNING")
    try:
        client.update_container_instances_state(
            cluster=ecs.cluster, containerInstances=[arn], status="DRAINING"
        )
        seen = ecs.task(task)
        assert (seen["lastStatus"], seen["desiredStatus"]) == ("RUNNING", "RUNNING")
    finally:
        client.update_container_instances_state(
            cluster=ecs.cluster, containerInstances=[arn], status="ACTIVE"
        )


def test_register_echoes_attributes_and_gives_a_long_arn(ecs):
    cluster = ecs.new_cluster()["clusterName"]
    attributes = [
        {"name": "ecs.os-type", "value": "linux"},
        {"name": "ecs.capability.task-eni"},
        {"name": "rack", "value": "r 7"},
    ]
    made = ecs.join_instance(cluster, attributes=attributes, tags=[{"key": "k", "value": "v"}])
    assert re.fullmatch(
        f"{ARN}container-instance/{cluster}/[0-9a-f]{{32}}", made["containerInstanceArn"]
    )
    echoed = {a["name"]: a.get("value") for a in made["attributes"]}
    for sent in attributes:
        assert echoed[sent["name"]] == sent.get("value"), sent
    assert "ecs.availability-zone" in echoed
    assert resource(made, "CPU", "registeredResources") == 2048


def test_registering_again_with_the_arn_keeps_it_and_updates_the_agent_version(ecs, client):
    cluster = ecs.new_cluster()["clusterName"]
    made = ecs.join_instance(cluster)
    again = ecs.join_instance(
        cluster, containerInstanceArn=made["containerInstanceArn"],
        versionInfo={"agentVersion": "1.106.0"},
    )
    assert again["containerInstanceArn"] == made["containerInstanceArn"]
    assert again["versionInfo"]["agentVersion"] == "1.106.0"
    assert ids(client, cluster=cluster) == [made["containerInstanceArn"]]


def test_deregister_makes_an_instance_inactive_and_unlisted(ecs, client):
    cluster = ecs.new_cluster()["clusterName"]
    arn = ecs.join_instance(cluster)["containerInstanceArn"]
    gone = client.deregister_container_instance(cluster=cluster, containerInstance=arn)
    assert gone["containerInstance"]["status"] == "INACTIVE"
    assert ids(client, cluster=cluster) == []
    assert client.describe_clusters(clusters=[cluster])["clusters"][0][
        "registeredContainerInstancesCount"
    ] == 0


def test_deregister_refuses_an_instance_with_running_tasks(ecs, client):
    task = ecs.run_one(SLEEPER)
    with error("InvalidParameterException", "Found running tasks on the instance."):
        client.deregister_container_instance(
            cluster=ecs.cluster, containerInstance=task["containerInstanceArn"]
        )
    assert ecs.instance(task["containerInstanceArn"])["status"] == "ACTIVE"


def test_an_instance_without_an_agent_takes_no_task(ecs, client):
    cluster = ecs.new_cluster()["clusterName"]
    arn = ecs.join_instance(cluster)["containerInstanceArn"]
    assert ecs.instances(cluster)[0]["agentConnected"] is False
    reply = client.start_task(
        cluster=cluster, taskDefinition=ecs.define("exit 0"), containerInstances=[arn]
    )
    assert reply["tasks"] == []
    assert [(f["arn"], f["reason"]) for f in reply["failures"]] == [(arn, "AGENT")]


def test_an_instance_counts_its_tasks_and_its_version_rises_with_them(ecs, instances):
    before = instances[0]
    arn = before["containerInstanceArn"]
    task = ecs.start(ecs.define(SLEEPER, cpu=0), [arn])["tasks"][0]
    ecs.wait(task, "RUNNING")
    during = ecs.instance(arn)
    assert (during["runningTasksCount"], during["pendingTasksCount"]) == (1, 0)
    assert during["version"] > before["version"]
    ecs.stop(task)
    after = until(
        lambda: [i for i in [ecs.instance(arn)] if i["runningTasksCount"] == 0], "no task left"
    )[0]
    assert after["version"] > during["version"]


def test_an_unknown_instance_cannot_be_deregistered(ecs, client):
    with error("InvalidParameterException"):
        client.deregister_container_instance(
            cluster=ecs.cluster, containerInstance=NOWHERE, force=True
        )
    assert len(ids(client, cluster=ecs.cluster)) == 3


def test_registering_in_an_unknown_cluster_is_cluster_not_found(ecs):
    with error("ClusterNotFoundException", "Cluster not found."):
        ecs.join_instance(unique("absent"))
