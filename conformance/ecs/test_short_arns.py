"""Account settings choose short ARNs, as clients of 2016 know them, for what is made from then on."""

import json
import re

import pytest
import requests

from harness.ecs import ARN, SLEEPER, bare, error, shell, unique
from harness.wait import until

SETTINGS = ("containerInstanceLongArnFormat", "serviceLongArnFormat", "taskLongArnFormat")
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def is_short(arn, kind):
    return re.fullmatch(f"{ARN}{kind}/{UUID}", arn) is not None


@pytest.fixture
def short(client):
    """The account wants short ARNs; afterwards it has chosen nothing."""
    for name in SETTINGS:
        set_to = client.put_account_setting_default(name=name, value="disabled")["setting"]
        assert (set_to["name"], set_to["value"]) == (name, "disabled")
    yield
    for name in SETTINGS:
        client.delete_account_setting(name=name)


def test_settings_say_what_is_in_effect(client, short):
    pages = client.get_paginator("list_account_settings").paginate(effectiveSettings=True)
    found = {one["name"]: one["value"] for page in pages for one in page["settings"]}
    assert [found[name] for name in SETTINGS] == ["disabled"] * 3
    for name in SETTINGS:
        client.delete_account_setting(name=name)
        listed = client.list_account_settings(name=name, effectiveSettings=True)["settings"]
        assert listed[0]["value"] == "enabled"


def test_an_instance_keeps_the_arn_that_it_was_given(ecs, client, short):
    name = ecs.new_cluster()["clusterName"]
    arn = ecs.join_instance(name)["containerInstanceArn"]
    assert is_short(arn, "container-instance")
    client.put_account_setting(name=SETTINGS[0], value="enabled")
    long = ecs.join_instance(name)["containerInstanceArn"]
    assert re.fullmatch(f"{ARN}container-instance/{name}/[0-9a-f]{{32}}", long)
    pages = client.get_paginator("list_container_instances").paginate(
        cluster=name, PaginationConfig={"PageSize": 1})
    assert sorted(one for page in pages for one in page["containerInstanceArns"]) == sorted([arn, long])
    ident = arn.rpartition("/")[2]
    for given in (arn, ident, ident.replace("-", ""), f"{ARN}container-instance/{name}/{ident.replace('-', '')}"):
        told = client.describe_container_instances(cluster=name, containerInstances=[given])
        assert [one["containerInstanceArn"] for one in told["containerInstances"]] == [arn], given
    attribute = {"name": "a", "value": "b", "targetId": arn}
    assert client.put_attributes(cluster=name, attributes=[attribute])["attributes"][0]["targetId"] == arn
    again = ecs.join_instance(name, containerInstanceArn=arn)
    assert again["containerInstanceArn"] == arn
    client.deregister_container_instance(cluster=name, containerInstance=arn)


def test_a_service_keeps_the_arn_that_it_was_given(ecs, client, short):
    service, definition = unique("service"), ecs.register(bare())["taskDefinitionArn"]
    more = dict(cluster=ecs.cluster, serviceName=service, taskDefinition=definition, desiredCount=0)
    arn = client.create_service(**more)["service"]["serviceArn"]
    assert arn == f"{ARN}service/{service}"
    client.put_account_setting(name=SETTINGS[1], value="enabled")
    for given in (service, arn, f"{ARN}service/{ecs.cluster}/{service}"):
        told = client.describe_services(cluster=ecs.cluster, services=[given])["services"]
        assert [one["serviceArn"] for one in told] == [arn], given
    pages = client.get_paginator("list_services").paginate(cluster=ecs.cluster)
    assert arn in [one for page in pages for one in page["serviceArns"]]
    assert client.delete_service(cluster=ecs.cluster, service=arn)["service"]["serviceArn"] == arn


@pytest.mark.executes
def test_a_task_keeps_the_arn_that_it_was_given(ecs, client, short):
    task = ecs.wait(ecs.run_one(SLEEPER), "RUNNING")
    arn = task["taskArn"]
    assert is_short(arn, "task") and is_short(task["containers"][0]["containerArn"], "container")
    assert task["containers"][0]["taskArn"] == arn
    client.put_account_setting(name=SETTINGS[2], value="enabled")
    assert ecs.task(arn)["taskArn"] == arn
    assert arn in ecs.arns() and arn in ecs.arns(desiredStatus="running")
    ident = arn.rpartition("/")[2]
    for given in (ident, ident.replace("-", ""), f"{ARN}task/{ecs.cluster}/{ident.replace('-', '')}"):
        assert ecs.task(given)["taskArn"] == arn, given
    assert ecs.stop(ident)[0]["taskArn"] == arn
    assert arn in ecs.arns(desiredStatus="stopped")


@pytest.mark.executes
def test_a_task_reads_its_own_arn(ecs, short):
    command = f'wget -qO- "$ECS_CONTAINER_METADATA_URI_V4/taskWithTags"; echo; {SLEEPER}'
    task = ecs.wait(ecs.run(ecs.register(shell(command))["taskDefinitionArn"])[0], "RUNNING")
    ident = task["taskArn"].rpartition("/")[2]

    def written():
        answer = requests.get(f"{ecs.url}/longshore/v1/tasks/{ident}/logs/main", timeout=30)
        return answer.text if answer.ok and "\n" in answer.text else None

    told = json.loads(until(written, "the task has read it").splitlines()[0])
    assert is_short(told["TaskARN"], "task") and told["TaskARN"] == task["taskArn"]
    assert told["Containers"][0]["ContainerARN"] == task["containers"][0]["containerArn"]
    # The instance was registered before, and has tags to tell; the task cannot have any.
    fields = {one["ErrorField"]: one for one in told["Errors"]}
    assert list(fields) == ["TaskTags"] and fields["TaskTags"]["ResourceARN"] == task["taskArn"]


def test_what_has_a_short_arn_has_no_tags(ecs, client, short):
    tags, definition = [{"key": "a", "value": "b"}], ecs.register(bare())["taskDefinitionArn"]
    with error("InvalidParameterException", "Long arn format must be enabled for tagging."):
        client.run_task(cluster=ecs.cluster, taskDefinition=definition, tags=tags)
    more = dict(cluster=ecs.cluster, taskDefinition=definition, desiredCount=0)
    for what, given in (
        ("add tags to the service", dict(tags=tags)), ("propagate tags", dict(propagateTags="SERVICE")),
        ("work with ECS managed tags", dict(enableECSManagedTags=True)),
    ):
        with error("InvalidParameterException", f"The new ARN and resource ID format must be enabled to {what}."):
            client.create_service(serviceName=unique("service"), **more, **given)
    name = ecs.new_cluster()["clusterName"]
    arn = ecs.join_instance(name)["containerInstanceArn"]
    with error("InvalidParameterException", "Long arn format must be used for tagging operations"):
        client.tag_resource(resourceArn=arn, tags=tags)
    long = f"{ARN}container-instance/{name}/{arn.rpartition('/')[2].replace('-', '')}"
    with error("InvalidParameterException", "does not have the longArn format"):
        client.tag_resource(resourceArn=long, tags=tags)
    client.deregister_container_instance(cluster=name, containerInstance=arn)


@pytest.mark.parametrize("operation, given", [
    ("list_tasks", {"desiredStatus": "running"}), ("list_tasks", {"desiredStatus": "stopped"}),
    ("list_tasks", {"launchType": "ec2"}), ("list_container_instances", {"status": "active"}),
    ("list_task_definitions", {"status": "inactive"}), ("list_task_definitions", {"sort": "desc"}),
    ("list_task_definition_families", {"status": "all"}), ("list_services", {"schedulingStrategy": "daemon"}),
])
def test_lists_are_filtered_by_words_in_any_case(ecs, client, operation, given):
    wanted = {name: value.upper() for name, value in given.items()}
    where = {} if "definition" in operation else {"cluster": ecs.cluster}
    call = getattr(client, operation)
    found, expected = call(**where, **given), call(**where, **wanted)
    for reply in (found, expected):
        reply.pop("ResponseMetadata")
        reply.pop("nextToken", None)
    assert found == expected
