"""TagResource, UntagResource, ListTagsForResource, tags of tasks, and account settings."""

import pytest

from harness.ecs import ARN, SLEEPER, bare, error, unique


def tags(client, arn):
    found = client.list_tags_for_resource(resourceArn=arn)["tags"]
    return {tag["key"]: tag["value"] for tag in found}


def pairs(**given):
    return [{"key": key, "value": value} for key, value in given.items()]


@pytest.fixture
def cluster_arn(ecs):
    return ecs.new_cluster()["clusterArn"]


def test_tag_and_untag_work_on_every_kind_of_resource(ecs, client, cluster_arn):
    name = cluster_arn.rpartition("/")[2]
    for arn in (
        cluster_arn,
        ecs.join_instance(name)["containerInstanceArn"],
        ecs.register(bare())["taskDefinitionArn"],
        ecs.run_one(SLEEPER)["taskArn"],
    ):
        assert tags(client, arn) == {}
        client.tag_resource(resourceArn=arn, tags=pairs(a="1", b="2"))
        client.tag_resource(resourceArn=arn, tags=pairs(b="3", c=""))
        assert tags(client, arn) == {"a": "1", "b": "3", "c": ""}
        client.untag_resource(resourceArn=arn, tagKeys=["a", "never"])
        assert tags(client, arn) == {"b": "3", "c": ""}


def test_a_tag_takes_every_character_of_the_rules(client, cluster_arn):
    odd = "aZ0 _.:/=+-@"
    client.tag_resource(resourceArn=cluster_arn, tags=[{"key": odd, "value": odd}])
    assert tags(client, cluster_arn) == {odd: odd}


@pytest.mark.parametrize(
    "key, value",
    [("x" * 129, "v"), ("k", "x" * 257), ("aws:k", "v"), ("AwS:k", "v"), ("k[", "v"), ("k", "v]")],
)
def test_tag_resource_refuses_tags_outside_the_rules(client, cluster_arn, key, value):
    with error("InvalidParameterException"):
        client.tag_resource(resourceArn=cluster_arn, tags=[{"key": key, "value": value}])
    assert tags(client, cluster_arn) == {}


def test_a_resource_holds_at_most_fifty_tags(client, cluster_arn):
    client.tag_resource(resourceArn=cluster_arn, tags=pairs(**{f"k{n}": "v" for n in range(50)}))
    with error(("LimitExceededException", "InvalidParameterException")):
        client.tag_resource(resourceArn=cluster_arn, tags=pairs(one_more="v"))
    assert len(tags(client, cluster_arn)) == 50


@pytest.mark.parametrize(
    "arn",
    [
        ARN + "cluster/{}", ARN + "task-definition/{}:1",
        ARN + "task/default/" + "0" * 32, ARN + "container-instance/default/" + "0" * 32,
    ],
)
def test_tags_of_an_unknown_resource_are_not_found(client, arn):
    absent = arn.format(unique("absent"))
    for operation, more in (
        ("tag_resource", {"tags": pairs(a="b")}),
        ("untag_resource", {"tagKeys": ["a"]}),
        ("list_tags_for_resource", {}),
    ):
        name = client.meta.method_to_api_mapping[operation]
        shapes = client.meta.service_model.operation_model(name).error_shapes
        with error(tuple(shape.name for shape in shapes)):
            getattr(client, operation)(resourceArn=absent, **more)


@pytest.mark.parametrize("where", ["aws-cn:ecs:us-east-1", "aws:ecs:eu-west-1"])
def test_an_arn_of_another_partition_or_region_is_unknown(ecs, client, cluster_arn, where):
    foreign = cluster_arn.replace("aws:ecs:us-east-1", where)
    with error("InvalidParameterException"):
        client.list_tags_for_resource(resourceArn=foreign)
    assert client.describe_clusters(clusters=[foreign])["failures"][0]["reason"] == "MISSING"


@pytest.mark.parametrize("arn", ["", "rubbish", "arn:aws:s3:::bucket", ARN + "star/x"])
def test_a_malformed_arn_is_an_invalid_parameter(client, arn):
    with error("InvalidParameterException"):
        client.list_tags_for_resource(resourceArn=arn)


def test_tag_operations_need_the_long_arn_format(ecs, client):
    task = ecs.run_one(SLEEPER)["taskArn"]
    short = f"{ARN}task/{task.rpartition('/')[2]}"
    with error("InvalidParameterException", "Long arn format must be used for tagging operations"):
        client.tag_resource(resourceArn=short, tags=pairs(a="b"))


def test_tags_of_a_task_come_from_the_call_and_the_definition(ecs):
    definition = ecs.define(SLEEPER)
    ecs.client.tag_resource(resourceArn=definition, tags=pairs(team="harbour", both="definition"))
    task = ecs.run(definition, propagateTags="TASK_DEFINITION", tags=pairs(both="call", own="1"))[0]
    assert not ecs.task(task).get("tags")
    found = {t["key"]: t["value"] for t in ecs.task(task, include=["TAGS"])["tags"]}
    assert found == {"team": "harbour", "both": "call", "own": "1"}


def test_managed_tags_name_the_cluster(ecs):
    task = ecs.run(ecs.define(SLEEPER), enableECSManagedTags=True)[0]
    found = {t["key"]: t["value"] for t in ecs.task(task, include=["TAGS"])["tags"]}
    assert found == {"aws:ecs:clusterName": ecs.cluster}


def test_tags_of_a_task_vanish_when_it_stops(ecs):
    task = ecs.run(ecs.define(SLEEPER), tags=pairs(a="b"))[0]
    ecs.stop(task)
    assert not ecs.task(task, include=["TAGS"]).get("tags")


def settings(client, **more):
    pages = client.get_paginator("list_account_settings").paginate(**more)
    return {s["name"]: s["value"] for page in pages for s in page["settings"]}


def test_effective_settings_say_that_long_arns_are_on(client):
    found = settings(client, effectiveSettings=True)
    for name in ("serviceLongArnFormat", "taskLongArnFormat", "containerInstanceLongArnFormat"):
        assert found[name] == "enabled"


def test_settings_by_name_and_value(client):
    name = "taskLongArnFormat"
    assert settings(client, name=name, effectiveSettings=True) == {name: "enabled"}
    assert settings(client, name=name, value="enabled", effectiveSettings=True) == {name: "enabled"}
    assert settings(client, name=name, value="disabled", effectiveSettings=True) == {}


def test_a_setting_value_needs_a_name_that_exists(client):
    with error("InvalidParameterException"):
        client.list_account_settings(value="enabled")
    with error("InvalidParameterException"):
        client.list_account_settings(name="noSuchSetting")


ROOT = f"arn:aws:iam::{ARN.split(':')[4]}:root"


@pytest.fixture
def put(client):
    """Sets account settings; they are taken back afterwards."""
    made = []

    def set_to(name, value, **more):
        made.append({"name": name, **more})
        return client.put_account_setting(name=name, value=value, **more)["setting"]

    yield set_to
    for one in made:
        client.delete_account_setting(**one)


def test_a_setting_is_set_listed_and_taken_back(client, put):
    name = "awsvpcTrunking"
    expected = {"name": name, "value": "enabled", "principalArn": ROOT, "type": "user"}
    assert put(name, "enabled") == expected
    assert client.list_account_settings(name=name)["settings"] == [expected]
    assert settings(client, name=name, effectiveSettings=True) == {name: "enabled"}
    assert client.delete_account_setting(name=name)["setting"] == expected
    assert client.list_account_settings(name=name)["settings"] == []
    assert settings(client, name=name, effectiveSettings=True) == {name: "disabled"}


def test_a_principal_has_the_default_until_it_has_its_own(client, put):
    name, user = "fargateTaskRetirementWaitPeriod", ROOT.replace(":root", ":user/ann")
    client.put_account_setting_default(name=name, value="14")
    put(name, "0", principalArn=user)
    assert settings(client, name=name, principalArn=user, effectiveSettings=True) == {name: "0"}
    client.delete_account_setting(name=name, principalArn=user)
    assert settings(client, name=name, principalArn=user, effectiveSettings=True) == {name: "14"}
    client.delete_account_setting(name=name)
    assert settings(client, name=name, principalArn=user, effectiveSettings=True) == {name: "7"}


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("containerInsights", "on", "Invalid setting 'value'"),
        ("noSuchSetting", "enabled", "name should be one of ["),
        ("guardDutyActivate", "on", "managed by AWS"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(client, name, value, text):
    for operation in (client.put_account_setting, client.put_account_setting_default):
        with error("InvalidParameterException", text):
            operation(name=name, value=value)


def test_the_effective_settings_come_in_pages(client):
    pages = client.get_paginator("list_account_settings").paginate(
        effectiveSettings=True, PaginationConfig={"PageSize": 4}
    )
    sizes = [len(page["settings"]) for page in pages]
    assert len(sizes) > 2 and set(sizes[:-1]) == {4}
