"""CreateCluster, DescribeClusters, ListClusters, DeleteCluster."""

import pytest

from harness.ecs import ARN, SLEEPER, error, unique


def described(client, *names, **more):
    return client.describe_clusters(clusters=list(names), **more)


def test_create_cluster_returns_an_active_empty_cluster(ecs):
    made = ecs.new_cluster()
    assert made["clusterArn"] == f"{ARN}cluster/{made['clusterName']}"
    assert made["status"] == "ACTIVE"
    for counter in (
        "registeredContainerInstancesCount", "runningTasksCount", "pendingTasksCount",
        "activeServicesCount",
    ):
        assert made[counter] == 0, counter


def test_create_cluster_of_an_active_name_returns_the_same_cluster(ecs, client):
    made = ecs.new_cluster()
    again = client.create_cluster(clusterName=made["clusterName"])["cluster"]
    assert (again["clusterArn"], again["status"]) == (made["clusterArn"], "ACTIVE")


def test_create_cluster_without_a_name_means_default(client):
    made = client.create_cluster()["cluster"]
    assert made["clusterArn"] == f"{ARN}cluster/default"


@pytest.mark.parametrize("name", ["", "with space", "dot.ted", "slash/ed", "x" * 256, "ü"])
def test_create_cluster_refuses_a_name_outside_the_pattern(client, name):
    with error("InvalidParameterException"):
        client.create_cluster(clusterName=name)


def test_create_cluster_takes_a_name_of_255_characters(client):
    name = (unique("long-_Name") + "x" * 255)[:255]
    try:
        assert client.create_cluster(clusterName=name)["cluster"]["clusterName"] == name
    finally:
        client.delete_cluster(cluster=name)


def test_describe_clusters_takes_names_and_arns_and_reports_the_missing(ecs, client):
    one, two = ecs.new_cluster(), ecs.new_cluster()
    absent = unique("absent")
    reply = described(client, one["clusterName"], two["clusterArn"], absent)
    assert {c["clusterArn"] for c in reply["clusters"]} == {one["clusterArn"], two["clusterArn"]}
    assert [(f["arn"], f["reason"]) for f in reply["failures"]] == [
        (f"{ARN}cluster/{absent}", "MISSING")
    ]


def test_describe_clusters_without_a_list_describes_default(client):
    reply = client.describe_clusters()
    assert [c["clusterName"] for c in reply["clusters"]] == ["default"]
    assert reply["failures"] == []


def test_describe_clusters_refuses_a_blank_entry(client):
    with error("InvalidParameterException", "Clusters can not be blank."):
        described(client, "")


def test_describe_clusters_refuses_an_unknown_include(client):
    with error("InvalidParameterException", "include should be one of ["):
        described(client, "default", include=["EVERYTHING"])


def test_describe_clusters_refuses_more_than_100(client):
    with error("InvalidParameterException"):
        described(client, *[f"c{n}" for n in range(101)])
    assert len(described(client, *[f"c{n}" for n in range(100)])["failures"]) == 100


def test_describe_clusters_shows_tags_settings_and_statistics_only_when_asked(ecs, client):
    name = ecs.new_cluster(
        tags=[{"key": "team", "value": "harbour"}],
        settings=[{"name": "containerInsights", "value": "disabled"}],
    )["clusterName"]
    plain = described(client, name)["clusters"][0]
    assert not plain.get("tags") and not plain.get("statistics")
    full = described(client, name, include=["TAGS", "SETTINGS", "STATISTICS"])["clusters"][0]
    assert full["tags"] == [{"key": "team", "value": "harbour"}]
    assert full["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    statistics = {pair["name"].lower(): pair["value"] for pair in full["statistics"]}
    assert len(statistics) == 8
    assert statistics["runningec2taskscount"] == statistics["pendingec2taskscount"] == "0"
    assert set(statistics.values()) == {"0"}


@pytest.mark.executes
def test_cluster_counters_follow_instances_and_tasks(ecs, client):
    def counters():
        cluster = described(client, ecs.cluster)["clusters"][0]
        return [
            cluster[f"{n}Count"]
            for n in ("registeredContainerInstances", "runningTasks", "pendingTasks")
        ]

    assert counters() == [3, 0, 0]
    tasks = ecs.run(ecs.define(SLEEPER), count=2)
    for task in tasks:
        ecs.wait(task, "RUNNING")
    assert counters() == [3, 2, 0]
    ecs.stop(*tasks)
    assert counters() == [3, 0, 0]


def test_a_new_cluster_says_that_container_insights_are_off(ecs, client):
    name = ecs.new_cluster()["clusterName"]
    shown = described(client, name, include=["SETTINGS"])["clusters"][0]
    assert shown["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    with error("InvalidParameterException"):
        client.update_cluster_settings(
            cluster=name, settings=[{"name": "containerInsights", "value": "maybe"}]
        )


def test_the_namespace_of_service_connect_is_kept_and_taken_away(ecs, client):
    arn = "arn:aws:servicediscovery:us-east-1:000000000000:namespace/ns-1"
    made = ecs.new_cluster(serviceConnectDefaults={"namespace": arn})
    name = made["clusterName"]
    assert made["serviceConnectDefaults"] == {"namespace": arn}
    assert described(client, name)["clusters"][0]["serviceConnectDefaults"] == {"namespace": arn}
    client.update_cluster(cluster=name, serviceConnectDefaults={"namespace": ""})
    assert "serviceConnectDefaults" not in described(client, name)["clusters"][0]


def test_capacity_providers_of_a_cluster_are_its_own(ecs, client):
    name = ecs.new_cluster(capacityProviders=["FARGATE"])["clusterName"]
    reply = client.describe_capacity_providers(cluster=name)
    assert [one["name"] for one in reply["capacityProviders"]] == ["FARGATE"]


def test_list_clusters_hides_a_deleted_cluster_that_stays_describable(ecs, client):
    made = ecs.new_cluster()

    def listed():
        pages = client.get_paginator("list_clusters").paginate()
        return [arn for page in pages for arn in page["clusterArns"]]

    assert made["clusterArn"] in listed()
    assert client.delete_cluster(cluster=made["clusterArn"])["cluster"]["status"] == "INACTIVE"
    assert made["clusterArn"] not in listed()
    reply = described(client, made["clusterName"])
    assert [c["status"] for c in reply["clusters"]] == ["INACTIVE"]


def test_calls_on_a_deleted_cluster_say_that_it_was_inactive(ecs, client):
    name = ecs.new_cluster()["clusterName"]
    client.delete_cluster(cluster=name)
    with error("ClusterNotFoundException", "The referenced cluster was inactive."):
        client.list_container_instances(cluster=name)
    with error("ClusterNotFoundException", "The referenced cluster was inactive."):
        client.list_tasks(cluster=name)


def test_create_cluster_of_a_deleted_name_makes_it_active_again(ecs, client):
    name = ecs.new_cluster()["clusterName"]
    client.delete_cluster(cluster=name)
    assert client.create_cluster(clusterName=name)["cluster"]["status"] == "ACTIVE"
    assert client.list_tasks(cluster=name)["taskArns"] == []


def test_delete_cluster_of_an_unknown_name_is_cluster_not_found(client):
    with error("ClusterNotFoundException", "Cluster not found."):
        client.delete_cluster(cluster=unique("absent"))


def test_delete_cluster_refuses_while_container_instances_are_registered(ecs, client):
    name = ecs.new_cluster()["clusterName"]
    instance = ecs.join_instance(name)
    with error("ClusterContainsContainerInstancesException"):
        client.delete_cluster(cluster=name)
    client.deregister_container_instance(
        cluster=name, containerInstance=instance["containerInstanceArn"]
    )
    assert client.delete_cluster(cluster=name)["cluster"]["status"] == "INACTIVE"


@pytest.mark.parametrize(
    "operation, more",
    [
        ("list_container_instances", {}),
        ("list_tasks", {}),
        ("describe_container_instances", {"containerInstances": ["0" * 32]}),
        ("describe_tasks", {"tasks": ["0" * 32]}),
        ("stop_task", {"task": "0" * 32}),
        ("deregister_container_instance", {"containerInstance": "0" * 32}),
        ("register_container_instance", {}),
        ("list_attributes", {"targetType": "container-instance"}),
        ("put_attributes", {"attributes": [{"name": "a", "value": "b", "targetId": "0" * 32}]}),
    ],
)
def test_every_operation_on_an_unknown_cluster_is_cluster_not_found(client, operation, more):
    with error("ClusterNotFoundException", "Cluster not found."):
        getattr(client, operation)(cluster=unique("absent"), **more)
