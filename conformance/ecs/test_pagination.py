"""Every paginator of the served operations, and tokens that are not ours."""

import pytest

from harness.ecs import SLEEPER, bare, error, unique


def pages(client, operation, key, size, **more):
    """The pages of a paginator; none may hold more than size, and nothing may come twice."""
    found = [
        page[key]
        for page in client.get_paginator(operation).paginate(
            PaginationConfig={"PageSize": size}, **more
        )
    ]
    assert all(len(page) <= size for page in found), [len(page) for page in found]
    flat = [str(entry) for page in found for entry in page]
    assert len(flat) == len(set(flat))
    return found


def flatten(found):
    return [entry for page in found for entry in page]


def test_list_clusters_pages(ecs, client):
    made = {ecs.new_cluster()["clusterArn"] for _ in range(5)}
    found = pages(client, "list_clusters", "clusterArns", 2)
    assert len(found) >= 3
    assert made < set(flatten(found))


def test_list_container_instances_pages(ecs, client, instances):
    found = pages(client, "list_container_instances", "containerInstanceArns", 1, cluster=ecs.cluster)
    assert {arn for arn in flatten(found)} == {i["containerInstanceArn"] for i in instances}


def test_list_tasks_pages(ecs, client):
    tasks = {task["taskArn"] for task in ecs.run(ecs.define(SLEEPER), count=7)}
    found = pages(client, "list_tasks", "taskArns", 3, cluster=ecs.cluster)
    assert set(flatten(found)) == tasks and len(found) >= 3


def test_list_task_definitions_pages_in_order(ecs, client):
    family = unique("page")
    made = [ecs.register(bare(), family=family)["taskDefinitionArn"] for _ in range(5)]
    for sort, wanted in (("ASC", made), ("DESC", made[::-1])):
        found = pages(
            client, "list_task_definitions", "taskDefinitionArns", 2,
            familyPrefix=family, sort=sort,
        )
        assert flatten(found) == wanted


def test_list_task_definition_families_pages(ecs, client):
    stem = unique("fam")
    made = [ecs.register(bare(), family=f"{stem}{n}")["family"] for n in range(5)]
    found = pages(client, "list_task_definition_families", "families", 2, familyPrefix=stem)
    assert flatten(found) == made


def test_list_attributes_pages(ecs, client, instances):
    found = pages(
        client, "list_attributes", "attributes", 1, cluster=ecs.cluster,
        targetType="container-instance", attributeName="ecs.availability-zone",
    )
    assert {a["targetId"] for a in flatten(found)} == {i["containerInstanceArn"] for i in instances}


def test_list_account_settings_pages(client):
    found = pages(client, "list_account_settings", "settings", 2, effectiveSettings=True)
    assert len(flatten(found)) >= 3 and len(found) >= 2


def test_the_last_page_has_no_token(ecs, client):
    reply = client.list_container_instances(cluster=ecs.cluster, maxResults=3)
    assert len(reply["containerInstanceArns"]) == 3 and not reply.get("nextToken")


OPERATIONS = {
    "list_clusters": ({}, 100),
    "list_container_instances": ({}, 100),
    "list_tasks": ({}, 100),
    "list_attributes": ({"targetType": "container-instance"}, 100),
    "list_task_definitions": ({}, 100),
    "list_task_definition_families": ({}, 100),
    "list_account_settings": ({}, 10),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_max_results_outside_the_range_is_refused(client, operation):
    more, largest = OPERATIONS[operation]
    getattr(client, operation)(maxResults=largest, **more)
    for wrong in (0, -1, largest + 1):
        with error("InvalidParameterException"):
            getattr(client, operation)(maxResults=wrong, **more)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_token_that_is_not_ours_is_refused(client, operation):
    more, _ = OPERATIONS[operation]
    for token in ("rubbish", "AAAA", "{}", "x" * 5000):
        with error("InvalidParameterException"):
            getattr(client, operation)(nextToken=token, **more)


def test_a_token_of_another_operation_is_refused(ecs, client):
    token = client.list_container_instances(cluster=ecs.cluster, maxResults=1)["nextToken"]
    with error("InvalidParameterException"):
        client.list_task_definitions(nextToken=token)


def test_a_walk_sees_what_was_there_all_the_time_while_others_come_and_go(ecs, client):
    stem = unique("walk")
    stay = [ecs.register(bare(), family=f"{stem}-{n}5")["family"] for n in range(5)]
    seen, token = [], {}
    for n in range(20):
        reply = client.list_task_definition_families(familyPrefix=stem, maxResults=1, **token)
        seen += reply["families"]
        if not reply.get("nextToken"):
            break
        token = {"nextToken": reply["nextToken"]}
        if n < 3:
            ecs.register(bare(), family=f"{stem}-{n}0")
    assert [family for family in seen if family in stay] == stay
