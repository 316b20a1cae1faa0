"""What RegisterTaskDefinition refuses: content is a ClientException, with the text where known."""

import pytest

from harness.ecs import bare, error, image, unique


def depends(on, condition):
    return {"dependsOn": [{"containerName": on, "condition": condition}]}


def without(container, *members):
    return {name: value for name, value in container.items() if name not in members}


ULIMIT = {"ulimits": [{"name": "nofile", "softLimit": 20, "hardLimit": 10}]}
MOUNT = {"mountPoints": [{"sourceVolume": "nowhere", "containerPath": "/v"}]}
TWICE = {
    "portMappings": [
        {"containerPort": 80, "name": "web"},
        {"containerPort": 81, "name": "web"},
    ]
}
HOST_PORTS = {"portMappings": [{"containerPort": 80, "hostPort": 81}]}
FARGATE = {
    "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512", "networkMode": "awsvpc",
}
PORT = {"portMappings": [{"containerPort": 80}]}

CASES = {
    "no container": ([], {}, ""),
    "a container without a name": ([without(bare(), "name")], {}, "ame"),
    "an empty container name": ([bare("")], {}, "ame"),
    "a container without an image": ([without(bare(), "image")], {}, "mage"),
    "no memory at all": (
        [without(bare("web"), "memory")], {},
        "Invalid setting for container 'web'. At least one of 'memory' or 'memoryReservation' "
        "must be specified.",
    ),
    "a container larger than the task": ([bare(memory=1024)], {"memory": "512"}, ""),
    "memory not above memoryReservation": ([bare(memory=32, memoryReservation=64)], {}, ""),
    "memory below what Docker takes": ([bare(memory=3)], {}, ""),
    "no essential container": ([bare(essential=False)], {}, ""),
    "two containers of one name": ([bare(), bare()], {}, ""),
    "eleven containers": ([bare(f"c{n}") for n in range(11)], {}, ""),
    "an unknown volume in a mount point": ([bare(**MOUNT)], {}, ""),
    "a dependency on an unknown container": ([bare(**depends("ghost", "START"))], {}, ""),
    "COMPLETE on an essential container": (
        [bare("a"), bare("b", **depends("a", "COMPLETE"))], {}, "",
    ),
    "SUCCESS on an essential container": (
        [bare("a"), bare("b", **depends("a", "SUCCESS"))], {}, "",
    ),
    "HEALTHY on a container without a check": (
        [bare("a"), bare("b", **depends("a", "HEALTHY"))], {}, "",
    ),
    "an unknown dependency condition": (
        [bare("a"), bare("b", **depends("a", "LATER"))], {}, "",
    ),
    "a cycle of dependencies": (
        [bare("a", **depends("b", "START")), bare("b", **depends("a", "START"))], {}, "",
    ),
    "a cycle of links": ([bare("a", links=["b"]), bare("b", links=["a:x"])], {}, "cycle"),
    "a link to an unknown container": ([bare("a", links=["ghost"])], {}, "ghost"),
    "volumes from an unknown container": (
        [bare("a", volumesFrom=[{"sourceContainer": "ghost"}])], {}, "ghost",
    ),
    "a dependency on itself": ([bare("a", **depends("a", "START"))], {}, ""),
    "a soft ulimit above the hard one": ([bare(**ULIMIT)], {}, ""),
    "two port mappings of one name": ([bare(**TWICE)], {}, ""),
    "host mode with two different ports": ([bare(**HOST_PORTS)], {"networkMode": "host"}, ""),
    "none mode with port mappings": ([bare(**PORT)], {"networkMode": "none"}, ""),
    "links outside bridge mode": (
        [bare("a", links=["b"]), bare("b")], {"networkMode": "host"}, "",
    ),
    "a port outside 0..65535": ([bare(portMappings=[{"containerPort": 70000}])], {}, ""),
    "cpu that is no number": ([bare()], {"cpu": "a lot"}, "Invalid 'cpu' setting for task."),
    "more than 65536 bytes": (
        [bare(environment=[{"name": "A", "value": "x" * 66_000}])], {},
        ("Actual length: '", "Max allowed length is '65536' bytes."),
    ),
    "tags that are empty": ([bare()], {"tags": []}, "Tags can not be empty."),
    "a Fargate size that does not exist": (
        [bare()], {**FARGATE, "memory": "30720"},
        "No Fargate configuration exists for given values",
    ),
    "Fargate with bridge": (
        [bare()], {**FARGATE, "networkMode": "bridge"},
        "Fargate only supports network mode ‘awsvpc’.",
    ),
    "Fargate with pidMode host": (
        [bare()], {**FARGATE, "pidMode": "host"}, "do not support pidMode 'host'",
    ),
    "Fargate with ipcMode": ([bare()], {**FARGATE, "ipcMode": "task"}, "do not support ipcMode"),
    "Fargate with constraints": (
        [bare()],
        {**FARGATE, "placementConstraints": [{"type": "memberOf", "expression": "attribute:a == b"}]},
        "do not support constraints",
    ),
    "Fargate with a Docker volume": (
        [bare()],
        {**FARGATE, "volumes": [{"name": "v", "dockerVolumeConfiguration": {"scope": "task"}}]},
        "do not support dockerVolumeConfiguration",
    ),
    "Fargate with a privileged container": (
        [bare(privileged=True)], FARGATE, "setting be ‘false’ at the container level.",
    ),
    "Fargate with another host port": (
        [bare(**HOST_PORTS)], FARGATE,
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    ),
    "an unknown pidMode": ([bare()], {"pidMode": "pod"}, "pidMode should be one of [host,task]"),
}


@pytest.mark.parametrize("case", CASES)
def test_register_refuses_content(client, case):
    containers, more, text = CASES[case]
    family = unique("refused")
    # Which of the two generic classes is only known where the text is known.
    known = text not in ("", "ame", "mage")
    codes = "ClientException" if known else ("ClientException", "InvalidParameterException")
    with error(codes, text):
        client.register_task_definition(family=family, containerDefinitions=containers, **more)
    assert client.list_task_definitions(familyPrefix=family)["taskDefinitionArns"] == []


@pytest.mark.parametrize("family", ["", "dot.ted", "sp ace", "sl/ash", "co:lon", "x" * 256])
def test_register_refuses_a_family_outside_the_pattern(client, family):
    with error(("ClientException", "InvalidParameterException")):
        client.register_task_definition(family=family, containerDefinitions=[bare()])


def test_a_refused_registration_uses_up_no_revision(ecs, client):
    family = unique("gap")
    assert ecs.register(bare(), family=family)["revision"] == 1
    with error("ClientException"):
        client.register_task_definition(
            family=family, containerDefinitions=[{"name": "a", "image": image()}]
        )
    assert ecs.register(bare(), family=family)["revision"] == 2


def test_only_member_of_constraints_are_taken(client):
    with error(("ClientException", "InvalidParameterException")):
        client.register_task_definition(
            family=unique("c"), containerDefinitions=[bare()],
            placementConstraints=[{"type": "distinctInstance"}],
        )


def test_task_memory_makes_container_memory_optional(ecs):
    made = ecs.register({"name": "main", "image": image()}, memory="256")
    assert "memory" not in made["containerDefinitions"][0]


def test_ten_containers_and_255_letters_are_taken(ecs):
    family = (unique("f") + "x" * 255)[:255]
    made = ecs.register(*[bare(f"c{n}") for n in range(10)], family=family)
    assert made["family"] == family and len(made["containerDefinitions"]) == 10
