"""PutAttributes, DeleteAttributes, ListAttributes."""

import pytest

from harness.ecs import error
from harness.server import ZONES

KIND = "container-instance"


@pytest.fixture
def cluster(ecs):
    return ecs.new_cluster()["clusterName"]


@pytest.fixture
def target(ecs, cluster):
    """The ARN of an instance of its own in a cluster of its own."""
    return ecs.join_instance(cluster)["containerInstanceArn"]


def listed(client, cluster, **more):
    pages = client.get_paginator("list_attributes").paginate(
        cluster=cluster, targetType=KIND, **more
    )
    return [attribute for page in pages for attribute in page["attributes"]]


def custom(client, cluster):
    return {
        a["name"]: a.get("value")
        for a in listed(client, cluster)
        if not a["name"].startswith("ecs.")
    }


def test_put_by_arn_and_by_short_id(client, cluster, target):
    by_arn = client.put_attributes(
        cluster=cluster, attributes=[{"name": "rack", "value": "r1", "targetId": target}]
    )["attributes"]
    assert [(a["name"], a["value"], a["targetId"]) for a in by_arn] == [("rack", "r1", target)]
    short = target.rpartition("/")[2]
    client.put_attributes(
        cluster=cluster,
        attributes=[{"name": "row", "value": "7", "targetId": short, "targetType": KIND}],
    )
    assert custom(client, cluster) == {"rack": "r1", "row": "7"}


def test_put_replaces_the_value_of_a_name(client, cluster, target):
    for value in ("one", "two"):
        client.put_attributes(
            cluster=cluster, attributes=[{"name": "n", "value": value, "targetId": target}]
        )
    assert custom(client, cluster) == {"n": "two"}


def test_put_attributes_show_on_the_instance_and_raise_its_version(ecs, client, cluster, target):
    before = ecs.instances(cluster)[0]
    client.put_attributes(
        cluster=cluster, attributes=[{"name": "stack", "value": "prod", "targetId": target}]
    )
    after = ecs.instances(cluster)[0]
    assert {"name": "stack", "value": "prod"} in [
        {k: a[k] for k in ("name", "value") if k in a} for a in after["attributes"]
    ]
    assert after["version"] >= before["version"]


def test_an_attribute_may_have_no_value(client, cluster, target):
    client.put_attributes(cluster=cluster, attributes=[{"name": "bare", "targetId": target}])
    assert custom(client, cluster) == {"bare": None}


def test_delete_takes_the_name_and_the_target(client, cluster, target):
    put = [{"name": n, "value": "v", "targetId": target} for n in ("keep", "drop")]
    client.put_attributes(cluster=cluster, attributes=put)
    client.delete_attributes(
        cluster=cluster, attributes=[{"name": "drop", "targetId": target}]
    )
    assert custom(client, cluster) == {"keep": "v"}


def test_list_has_one_entry_per_attribute_and_instance(ecs, client, instances):
    found = listed(client, ecs.cluster, attributeName="ecs.availability-zone")
    assert sorted((a["value"], a["targetId"]) for a in found) == [
        (zone, i["containerInstanceArn"]) for zone, i in zip(ZONES, instances)
    ]
    assert {a["targetType"] for a in found} == {KIND}


def test_list_by_name_and_value(ecs, client, instances):
    found = listed(
        client, ecs.cluster, attributeName="ecs.availability-zone", attributeValue=ZONES[2]
    )
    assert [a["targetId"] for a in found] == [instances[2]["containerInstanceArn"]]


def test_list_by_value_needs_the_name(ecs, client):
    with error("InvalidParameterException"):
        client.list_attributes(cluster=ecs.cluster, targetType=KIND, attributeValue="x")


def test_list_refuses_another_target_type(ecs, client):
    with error("InvalidParameterException", "should be one of ["):
        client.list_attributes(cluster=ecs.cluster, targetType="moon")


def test_an_instance_holds_at_most_ten_custom_attributes(client, cluster, target):
    ten = [{"name": f"n{n}", "value": "v", "targetId": target} for n in range(10)]
    client.put_attributes(cluster=cluster, attributes=ten)
    with error("AttributeLimitExceededException"):
        client.put_attributes(
            cluster=cluster, attributes=[{"name": "n10", "value": "v", "targetId": target}]
        )
    client.put_attributes(
        cluster=cluster, attributes=[{"name": "n9", "value": "w", "targetId": target}]
    )
    assert len(custom(client, cluster)) == 10


def test_one_call_takes_at_most_ten_attributes(ecs, client, cluster, target):
    other = ecs.join_instance(cluster)["containerInstanceArn"]
    eleven = [
        {"name": f"n{n}", "value": "v", "targetId": (target, other)[n % 2]} for n in range(11)
    ]
    with error("InvalidParameterException"):
        client.put_attributes(cluster=cluster, attributes=eleven)
    with error("InvalidParameterException"):
        client.delete_attributes(cluster=cluster, attributes=eleven)
    assert custom(client, cluster) == {}


@pytest.mark.parametrize(
    "name, value",
    [
        ("", "v"), ("x" * 129, "v"), ("sp ace", "v"), ("col:on", "v"),
        ("n", "x" * 129), ("n", " leading"), ("n", "trailing "), ("n", "br[acket"),
        ("ecs.mine", "v"), ("com.amazonaws.mine", "v"),
    ],
)
def test_put_refuses_names_and_values_outside_the_rules(client, cluster, target, name, value):
    with error("InvalidParameterException"):
        client.put_attributes(
            cluster=cluster, attributes=[{"name": name, "value": value, "targetId": target}]
        )
    assert custom(client, cluster) == {}


def test_put_takes_every_character_of_the_rules(client, cluster, target):
    name, value = "aZ0-_/\\.", "aZ0-_.@/\\: z"
    client.put_attributes(
        cluster=cluster, attributes=[{"name": name, "value": value, "targetId": target}]
    )
    assert custom(client, cluster) == {name: value}


@pytest.mark.parametrize("operation", ["put_attributes", "delete_attributes"])
def test_an_unknown_target_is_target_not_found(client, cluster, target, operation):
    with error("TargetNotFoundException"):
        getattr(client, operation)(
            cluster=cluster,
            attributes=[{"name": "n", "targetId": "0" * 32, "targetType": KIND}],
        )


def test_put_needs_a_target(client, cluster, target):
    with error("InvalidParameterException"):
        client.put_attributes(cluster=cluster, attributes=[{"name": "n", "value": "v"}])
