"""RegisterTaskDefinition, DescribeTaskDefinition, DeregisterTaskDefinition and the lists."""

import time

import pytest

from harness.ecs import ARN, bare, error, image, unique


def listed(client, **more):
    pages = client.get_paginator("list_task_definitions").paginate(**more)
    return [arn.rpartition("/")[2] for page in pages for arn in page["taskDefinitionArns"]]


def families(client, **more):
    pages = client.get_paginator("list_task_definition_families").paginate(**more)
    return [family for page in pages for family in page["families"]]


def test_register_returns_the_definition_with_its_defaults(ecs):
    before = time.time()
    made = ecs.register(bare(portMappings=[{"containerPort": 80}]))
    family = made["family"]
    assert made["taskDefinitionArn"] == f"{ARN}task-definition/{family}:1"
    assert (made["revision"], made["status"]) == (1, "ACTIVE")
    assert before - 5 < made["registeredAt"].timestamp() < time.time() + 5
    assert made["volumes"] == made["placementConstraints"] == []
    assert made["compatibilities"] == ["EXTERNAL", "EC2"]
    container = made["containerDefinitions"][0]
    assert (container["name"], container["image"]) == ("main", image())
    assert (container["cpu"], container["memory"], container["essential"]) == (0, 32, True)
    assert container["portMappings"] == [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}]
    assert made.get("networkMode", "bridge") == "bridge"


def test_each_registration_is_the_next_revision_and_none_is_reused(ecs, client):
    family = unique("rev")
    assert [ecs.register(bare(), family=family)["revision"] for _ in range(3)] == [1, 2, 3]
    client.deregister_task_definition(taskDefinition=f"{family}:3")
    assert ecs.register(bare(), family=family)["revision"] == 4


def test_describe_takes_family_revision_and_arn(ecs, client):
    family = unique("names")
    first = ecs.register(bare(), family=family)
    ecs.register(bare(), family=family)

    def revision(name):
        return client.describe_task_definition(taskDefinition=name)["taskDefinition"]["revision"]

    assert revision(family) == 2
    assert revision(f"{family}:1") == 1
    assert revision(first["taskDefinitionArn"]) == 1


def test_a_family_alone_means_its_latest_active_revision(ecs, client):
    family = unique("latest")
    ecs.register(bare(), family=family)
    ecs.register(bare(), family=family)
    client.deregister_task_definition(taskDefinition=f"{family}:2")
    assert client.describe_task_definition(taskDefinition=family)["taskDefinition"]["revision"] == 1


@pytest.mark.parametrize("name", ["{}", "{}:7", ARN + "task-definition/{}:1"])
def test_describe_of_the_unknown_is_a_client_exception(client, name):
    with error("ClientException", "Unable to describe task definition."):
        client.describe_task_definition(taskDefinition=name.format(unique("absent")))


def test_describe_shows_tags_beside_the_definition_only_when_asked(ecs, client):
    tags = [{"key": "team", "value": "harbour"}]
    arn = ecs.register(bare(), tags=tags)["taskDefinitionArn"]
    plain = client.describe_task_definition(taskDefinition=arn)
    assert not plain.get("tags")
    assert client.describe_task_definition(taskDefinition=arn, include=["TAGS"])["tags"] == tags


def test_deregister_makes_a_revision_inactive_but_describable(ecs, client):
    arn = ecs.register(bare())["taskDefinitionArn"]
    gone = client.deregister_task_definition(taskDefinition=arn)["taskDefinition"]
    assert gone["status"] == "INACTIVE"
    assert gone["deregisteredAt"] >= gone["registeredAt"]
    seen = client.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert seen["status"] == "INACTIVE"


def test_run_task_refuses_an_inactive_revision(ecs, client):
    arn = ecs.register(bare())["taskDefinitionArn"]
    client.deregister_task_definition(taskDefinition=arn)
    with error("ClientException", "TaskDefinition is inactive"):
        ecs.try_run(arn)
    with error("ClientException", "TaskDefinition is inactive"):
        ecs.start(arn, [ecs.instances()[0]["containerInstanceArn"]])


def test_deregister_needs_a_revision_that_is_a_number(ecs, client):
    family = ecs.register(bare())["family"]
    with error("ClientException", "Revision is missing."):
        client.deregister_task_definition(taskDefinition=family)
    with error("InvalidParameterException", "Invalid revision number. Number: x"):
        client.deregister_task_definition(taskDefinition=f"{family}:x")


def test_list_takes_the_exact_family_and_sorts_revisions_as_numbers(ecs, client):
    family = unique("list")
    for _ in range(11):
        ecs.register(bare(), family=family)
    ecs.register(bare(), family=family + "-longer")
    ascending = [f"{family}:{n}" for n in range(1, 12)]
    assert listed(client, familyPrefix=family) == ascending
    assert listed(client, familyPrefix=family, sort="DESC") == ascending[::-1]
    assert listed(client, familyPrefix=family[:-1]) == []


def test_list_shows_active_unless_another_status_is_asked_for(ecs, client):
    family = unique("status")
    for _ in range(2):
        ecs.register(bare(), family=family)
    client.deregister_task_definition(taskDefinition=f"{family}:1")
    assert listed(client, familyPrefix=family) == [f"{family}:2"]
    assert listed(client, familyPrefix=family, status="INACTIVE") == [f"{family}:1"]
    with error("InvalidParameterException", "should be one of ["):
        client.list_task_definitions(familyPrefix=family, status="GONE")


def test_families_takes_a_true_prefix_and_a_status(ecs, client):
    stem = unique("fam")
    for end in ("a", "b", "c"):
        ecs.register(bare(), family=stem + end)
    client.deregister_task_definition(taskDefinition=f"{stem}b:1")
    assert families(client, familyPrefix=stem) == [stem + e for e in "abc"]
    assert families(client, familyPrefix=stem, status="ACTIVE") == [stem + "a", stem + "c"]
    assert families(client, familyPrefix=stem, status="INACTIVE") == [stem + "b"]


def test_cpu_and_memory_of_a_task_are_normalised(ecs):
    made = ecs.register({"name": "main", "image": image()}, cpu="1 vCPU", memory="2GB")
    assert (made["cpu"], made["memory"]) == ("1024", "2048")
    made = ecs.register({"name": "main", "image": image()}, cpu="256", memory="512")
    assert (made["cpu"], made["memory"]) == ("256", "512")


def test_what_was_registered_is_described_unchanged(ecs, client):
    container = bare(
        cpu=10, memoryReservation=16, essential=True, entryPoint=["sh", "-c"],
        command=["echo $A"], environment=[{"name": "A", "value": "b"}], user="nobody",
        workingDirectory="/tmp", stopTimeout=7, startTimeout=30,
        portMappings=[{"containerPort": 80, "hostPort": 8080, "protocol": "tcp"}],
        mountPoints=[{"sourceVolume": "v", "containerPath": "/v", "readOnly": True}],
        dockerLabels={"k": "v"}, ulimits=[{"name": "nofile", "softLimit": 10, "hardLimit": 20}],
        healthCheck={
            "command": ["CMD", "true"], "interval": 7, "timeout": 3, "retries": 2, "startPeriod": 1,
        },
        logConfiguration={"logDriver": "json-file", "options": {"max-size": "1m"}},
        dependsOn=[{"containerName": "side", "condition": "START"}],
    )
    volumes = [{"name": "v", "host": {"sourcePath": "/tmp"}}]
    arn = ecs.register(
        container, bare("side", essential=False), volumes=volumes, networkMode="bridge",
        placementConstraints=[{"type": "memberOf", "expression": "attribute:a == b"}],
    )["taskDefinitionArn"]
    seen = client.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert seen["volumes"] == volumes
    assert seen["placementConstraints"] == [{"type": "memberOf", "expression": "attribute:a == b"}]
    got = seen["containerDefinitions"][0]
    for member, value in container.items():
        assert got[member] == value, member


def test_attributes_that_an_instance_needs_are_computed(ecs):
    made = ecs.register(
        bare(
            logConfiguration={
                "logDriver": "awslogs",
                "options": {"awslogs-group": "g", "awslogs-region": "us-east-1"},
            }
        )
    )
    assert "com.amazonaws.ecs.capability.logging-driver.awslogs" in [
        a["name"] for a in made["requiresAttributes"]
    ]


def test_a_health_check_of_a_command_alone_shows_its_defaults(ecs):
    check = {"command": ["CMD-SHELL", "true"]}
    made = ecs.register(bare(healthCheck=check))
    shown = made["containerDefinitions"][0]["healthCheck"]
    assert shown == {**check, "interval": 30, "timeout": 5, "retries": 3}


@pytest.mark.parametrize("mode, host_port", [("bridge", 0), ("host", 80), ("awsvpc", 80)])
def test_a_host_port_that_is_left_out_depends_on_the_network_mode(ecs, mode, host_port):
    made = ecs.register(bare(portMappings=[{"containerPort": 80}]), networkMode=mode)
    shown = made["containerDefinitions"][0]["portMappings"]
    assert shown == [{"containerPort": 80, "hostPort": host_port, "protocol": "tcp"}]


def test_a_definition_that_fargate_takes_is_compatible_with_it(ecs):
    made = ecs.register(
        bare(), cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"]
    )
    assert made["compatibilities"] == ["EC2", "MANAGED_INSTANCES", "FARGATE"]
    assert made["requiresCompatibilities"] == ["FARGATE"]


def test_deletion_takes_inactive_revisions_and_tells_why_it_leaves_others(ecs, client):
    family = unique("delete")
    for _ in range(2):
        ecs.register(bare(), family=family)
    client.deregister_task_definition(taskDefinition=f"{family}:1")
    named = [f"{family}:1", f"{family}:2", f"{family}:3", family]
    reply = client.delete_task_definitions(taskDefinitions=named)
    [deleted] = reply["taskDefinitions"]
    assert (deleted["revision"], deleted["status"]) == (1, "DELETE_IN_PROGRESS")
    assert deleted["deleteRequestedAt"] >= deleted["deregisteredAt"]
    assert [failure["arn"] for failure in reply["failures"]] == named[1:]
    reasons = [failure["reason"] for failure in reply["failures"]]
    assert "still in ACTIVE status" in reasons[0]
    assert "does not exist" in reasons[1] and "identifier is invalid" in reasons[2]
    assert listed(client, familyPrefix=family, status="DELETE_IN_PROGRESS") == [f"{family}:1"]
    assert listed(client, familyPrefix=family, status="INACTIVE") == []
    with error("ClientException", "TaskDefinition is inactive"):
        ecs.try_run(f"{family}:1")
    assert ecs.register(bare(), family=family)["revision"] == 3


def test_deletion_takes_one_to_ten(client):
    for count in (0, 11):
        with error("InvalidParameterException"):
            client.delete_task_definitions(taskDefinitions=[f"x:{n}" for n in range(count)])
    reply = client.delete_task_definitions(taskDefinitions=[f"x:{n}" for n in range(1, 11)])
    assert len(reply["failures"]) == 10
