"""RunTask, StartTask, StopTask, DescribeTasks, ListTasks: what they take and give."""

import re

import pytest

from harness.ecs import ARN, SLEEPER, STUBBORN, bare, error, shell, unique

NOWHERE = "0" * 32


@pytest.fixture
def sleeper(ecs):
    return ecs.define(SLEEPER)


def arns(tasks):
    return sorted(task["taskArn"] for task in tasks)


def listed(ecs, **more):
    return sorted(ecs.arns(**more))


def test_run_task_returns_a_pending_task(ecs, sleeper):
    task = ecs.run(sleeper, startedBy="a-test/1_x")[0]
    family = sleeper.rpartition("/")[2].partition(":")[0]
    assert re.fullmatch(f"{ARN}task/{ecs.cluster}/[0-9a-f]{{32}}", task["taskArn"])
    assert task["clusterArn"] == f"{ARN}cluster/{ecs.cluster}"
    assert task["taskDefinitionArn"] == sleeper
    assert task["containerInstanceArn"] in [i["containerInstanceArn"] for i in ecs.instances()]
    assert (task["lastStatus"], task["desiredStatus"]) == ("PENDING", "RUNNING")
    assert task["group"] == f"family:{family}"
    assert (task["launchType"], task["startedBy"]) == ("EC2", "a-test/1_x")
    assert task["version"] >= 1
    assert task["createdAt"].timestamp() > 1_500_000_000
    assert "startedAt" not in task and "stoppedAt" not in task
    assert [o["name"] for o in task["overrides"]["containerOverrides"]] == ["main"]
    container = task["containers"][0]
    task_id = task["taskArn"].rpartition("/")[2]
    assert re.fullmatch(
        f"{ARN}container/{ecs.cluster}/{task_id}/[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}",
        container["containerArn"],
    )
    assert (container["name"], container["taskArn"]) == ("main", task["taskArn"])
    assert container["lastStatus"] == "PENDING" and "exitCode" not in container
    assert (container["cpu"], container["memory"]) == ("64", "32")


def test_run_task_takes_family_revision_and_arn(ecs, sleeper):
    name = sleeper.rpartition("/")[2]
    for given in (sleeper, name, name.partition(":")[0]):
        assert ecs.run(given)[0]["taskDefinitionArn"] == sleeper


def test_run_task_places_one_to_ten_tasks(ecs, sleeper):
    assert len(set(arns(ecs.run(sleeper, count=10)))) == 10
    for count in (0, 11, -1):
        with error("InvalidParameterException"):
            ecs.try_run(sleeper, count=count)


def test_run_task_takes_a_group(ecs, sleeper):
    assert ecs.run(sleeper, group="database")[0]["group"] == "database"
    with error("InvalidParameterException"):
        ecs.try_run(sleeper, group="x" * 256)


@pytest.mark.parametrize("started_by", ["x" * 129, "sp ace", "dot.ted", "co:lon"])
def test_run_task_refuses_started_by_outside_the_rules(ecs, sleeper, started_by):
    with error("InvalidParameterException"):
        ecs.try_run(sleeper, startedBy=started_by)


def test_started_by_is_at_most_128_for_run_task_and_36_for_start_task(ecs, sleeper, instances):
    assert ecs.run(sleeper, startedBy="x" * 128)[0]["startedBy"] == "x" * 128
    where = [instances[0]["containerInstanceArn"]]
    assert ecs.start(sleeper, where, startedBy="x" * 36)["tasks"][0]["startedBy"] == "x" * 36
    with error("InvalidParameterException"):
        ecs.start(sleeper, where, startedBy="x" * 37)


@pytest.mark.parametrize("name", ["{}", "{}:3"])
def test_an_unknown_definition_is_a_client_exception(ecs, instances, name):
    absent = name.format(unique("absent"))
    with error("ClientException", "TaskDefinition not found"):
        ecs.try_run(absent)
    with error("ClientException", "TaskDefinition not found"):
        ecs.start(absent, [instances[0]["containerInstanceArn"]])


def test_run_task_on_an_empty_cluster_is_refused(ecs, client, sleeper):
    cluster = ecs.new_cluster()["clusterName"]
    with error("InvalidParameterException", "No Container Instances were found in your cluster."):
        client.run_task(cluster=cluster, taskDefinition=sleeper)


def test_launch_type_and_capacity_providers_exclude_each_other(ecs, sleeper):
    with error("InvalidParameterException"):
        ecs.try_run(
            sleeper, launchType="EC2", capacityProviderStrategy=[{"capacityProvider": "FARGATE"}]
        )
    with error("InvalidParameterException", "should be one of ["):
        ecs.try_run(sleeper, launchType="BALLOON")


def test_network_configuration_is_for_awsvpc_only(ecs, sleeper):
    with error("InvalidParameterException"):
        ecs.try_run(
            sleeper, networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        )


@pytest.mark.parametrize(
    "more",
    [
        {"placementConstraints": [{"type": "memberOf", "expression": "attribute:a == b"}] * 11},
        {"placementStrategy": [{"type": "random"}] * 6},
        {"placementConstraints": [{"type": "distinctInstance", "expression": "x"}]},
        {"placementConstraints": [{"type": "memberOf", "expression": "x" * 2001}]},
        {"placementStrategy": [{"type": "pile", "field": "cpu"}]},
        {"propagateTags": "SERVICE"},
        {"clientToken": "x" * 65},
        {"clientToken": "sp ace"},
        {"overrides": {"containerOverrides": [
            {"name": "main", "environment": [{"name": "A", "value": "x" * 8200}]}
        ]}},
        {"tags": [{"key": f"k{n}", "value": "v"} for n in range(51)]},
        {"tags": [{"key": "x" * 129, "value": "v"}]},
        {"tags": [{"key": "k", "value": "x" * 257}]},
        {"tags": [{"key": "AWS:mine", "value": "v"}]},
        {"tags": [{"key": "br[acket", "value": "v"}]},
    ],
    ids=[
        "constraints", "strategies", "distinct", "expression", "type", "propagate", "token",
        "token characters", "overrides", "tags", "tag key", "tag value", "aws tag", "tag characters",
    ],
)
def test_run_task_refuses_what_is_over_a_limit_or_outside_a_set(ecs, sleeper, more):
    with error("InvalidParameterException"):
        ecs.try_run(sleeper, **more)
    assert listed(ecs) == []


def test_overriding_an_unknown_container_is_refused(ecs, sleeper):
    with error(("InvalidParameterException", "ClientException"), "ghost"):
        ecs.try_run(sleeper, overrides={"containerOverrides": [{"name": "ghost"}]})


def test_overrides_are_echoed_with_one_entry_per_container(ecs):
    definition = ecs.register(shell(SLEEPER), shell(SLEEPER, "side"))["taskDefinitionArn"]
    given = {"name": "side", "environment": [{"name": "A", "value": "b"}], "cpu": 5}
    task = ecs.run(definition, overrides={"containerOverrides": [given]})[0]
    found = {o["name"]: o for o in ecs.task(task)["overrides"]["containerOverrides"]}
    assert set(found) == {"main", "side"}
    assert found["side"]["environment"] == given["environment"] and found["side"]["cpu"] == 5


def test_start_task_starts_one_task_on_each_listed_instance(ecs, sleeper, instances):
    where = [i["containerInstanceArn"] for i in instances]
    short = [where[0].rpartition("/")[2], where[2]]
    reply = ecs.start(sleeper, short)
    assert reply["failures"] == []
    assert [t["containerInstanceArn"] for t in reply["tasks"]] == [where[0], where[2]]


def test_start_task_reports_an_unknown_instance_as_missing(ecs, sleeper, instances):
    reply = ecs.start(sleeper, [NOWHERE, instances[1]["containerInstanceArn"]])
    assert len(reply["tasks"]) == 1
    assert [(f["arn"].rpartition("/")[2], f["reason"]) for f in reply["failures"]] == [
        (NOWHERE, "MISSING")
    ]


def test_start_task_takes_one_to_ten_instances(ecs, sleeper):
    for count in (0, 11):
        with error("InvalidParameterException"):
            ecs.start(sleeper, [f"{n:032x}" for n in range(count)])


def test_start_task_reports_a_deregistered_instance(ecs, client, sleeper):
    cluster = ecs.new_cluster()["clusterName"]
    arn = ecs.join_instance(cluster)["containerInstanceArn"]
    client.deregister_container_instance(cluster=cluster, containerInstance=arn)
    reply = client.start_task(cluster=cluster, taskDefinition=sleeper, containerInstances=[arn])
    assert reply["tasks"] == []
    assert [f["reason"] for f in reply["failures"]] == ["INACTIVE"]


def test_start_task_checks_required_attributes(ecs, instances):
    definition = ecs.register(
        bare(logConfiguration={"logDriver": "splunk", "options": {"splunk-url": "http://x"}})
    )
    assert definition["requiresAttributes"]
    reply = ecs.start(definition["taskDefinitionArn"], [instances[0]["containerInstanceArn"]])
    assert [f["reason"] for f in reply["failures"]] == ["ATTRIBUTE"]


def test_stop_task_sets_the_desired_status_at_once(ecs, client, sleeper):
    task = ecs.run(sleeper)[0]
    ecs.wait(task, "RUNNING")
    stopping = client.stop_task(cluster=ecs.cluster, task=task["taskArn"], reason="enough")["task"]
    assert stopping["taskArn"] == task["taskArn"]
    assert (stopping["desiredStatus"], stopping["lastStatus"]) == ("STOPPED", "STOPPING")
    assert ecs.task(task)["desiredStatus"] == "STOPPED"
    stopped = ecs.wait(task, "STOPPED")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "enough")


def test_stop_task_takes_a_short_id_and_has_a_default_reason(ecs, client, sleeper):
    task = ecs.run(sleeper)[0]
    client.stop_task(cluster=ecs.cluster, task=task["taskArn"].rpartition("/")[2])
    stopped = ecs.wait(task, "STOPPED")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == (
        "UserInitiated", "Task stopped by user",
    )


def test_stop_task_of_a_stopped_task_changes_nothing(ecs, client, sleeper):
    stopped = ecs.stop(ecs.run(sleeper)[0], reason="first")[0]
    again = client.stop_task(cluster=ecs.cluster, task=stopped["taskArn"], reason="second")["task"]
    for member in ("lastStatus", "stoppedReason", "version", "stoppedAt"):
        assert again[member] == stopped[member], member


def test_stop_task_of_an_unknown_task_is_refused(ecs, client):
    with error("InvalidParameterException", "The referenced task was not found."):
        client.stop_task(cluster=ecs.cluster, task=NOWHERE)


def test_a_task_id_is_32_or_36_characters(ecs, client):
    with error("InvalidParameterException", "taskId length should be one of [32,36]"):
        client.stop_task(cluster=ecs.cluster, task="short")


def test_describe_tasks_takes_arns_and_ids_and_reports_the_missing(ecs, client, sleeper):
    one, two = ecs.run(sleeper, count=2)
    reply = client.describe_tasks(
        cluster=ecs.cluster,
        tasks=[one["taskArn"], two["taskArn"].rpartition("/")[2], NOWHERE],
    )
    assert arns(reply["tasks"]) == arns([one, two])
    assert [(f["arn"], f["reason"]) for f in reply["failures"]] == [
        (f"{ARN}task/{ecs.cluster}/{NOWHERE}", "MISSING")
    ]


def test_describe_tasks_takes_1_to_100(ecs, client):
    with error("InvalidParameterException", "Tasks cannot be empty."):
        client.describe_tasks(cluster=ecs.cluster, tasks=[])
    many = [f"{n:032x}" for n in range(101)]
    with error("InvalidParameterException"):
        client.describe_tasks(cluster=ecs.cluster, tasks=many)
    assert len(client.describe_tasks(cluster=ecs.cluster, tasks=many[:100])["failures"]) == 100


def test_describe_tasks_refuses_an_arn_of_another_cluster(ecs, client, sleeper):
    task = ecs.run(sleeper)[0]
    other = ecs.new_cluster()["clusterName"]
    with error("InvalidParameterException", ("Identifier is for", other)):
        client.describe_tasks(cluster=other, tasks=[task["taskArn"]])


def test_list_tasks_filters(ecs, sleeper, instances):
    other = ecs.define(SLEEPER)
    ours = ecs.run(sleeper, count=3, startedBy="me")
    ecs.run(other)
    where = ours[0]["containerInstanceArn"]
    family = sleeper.rpartition("/")[2].partition(":")[0]
    assert len(listed(ecs)) == 4
    assert listed(ecs, family=family) == arns(ours)
    assert listed(ecs, startedBy="me") == arns(ours)
    assert listed(ecs, family=family, containerInstance=where) == arns(
        [t for t in ours if t["containerInstanceArn"] == where]
    )
    assert listed(ecs, family=family, launchType="EC2") == arns(ours)
    assert listed(ecs, family=family, launchType="FARGATE") == []


def test_list_tasks_by_status_goes_by_the_desired_one(ecs, sleeper):
    family = sleeper.rpartition("/")[2].partition(":")[0]
    runs, stops = ecs.run(sleeper, count=2)
    ecs.stop(stops)
    assert listed(ecs, family=family) == arns([runs])
    assert listed(ecs, family=family, desiredStatus="RUNNING") == arns([runs])
    assert listed(ecs, family=family, desiredStatus="STOPPED") == arns([stops])
    assert listed(ecs, family=family, desiredStatus="PENDING") == []
    with error("InvalidParameterException", "should be one of ["):
        listed(ecs, desiredStatus="DONE")


def test_list_tasks_by_started_by_takes_no_other_filter(ecs):
    for other in ({"family": "f"}, {"launchType": "EC2"}, {"serviceName": "s"}):
        with error("InvalidParameterException", "cannot specify startedBy with other arguments"):
            listed(ecs, startedBy="me", **other)


def test_list_tasks_takes_a_family_or_a_service(ecs):
    with error("InvalidParameterException", "family and serviceName"):
        listed(ecs, family="f", serviceName="s")


@pytest.mark.executes
def test_a_task_that_takes_its_time_to_stop_is_stopping(ecs, client):
    task = ecs.run(ecs.define(STUBBORN, stopTimeout=3))[0]
    ecs.wait(task, "RUNNING")
    client.stop_task(cluster=ecs.cluster, task=task["taskArn"])
    now = ecs.task(task)
    assert (now["lastStatus"], now["desiredStatus"]) == ("STOPPING", "STOPPED")
    assert client.describe_clusters(clusters=[ecs.cluster])["clusters"][0]["runningTasksCount"] == 0
    assert ecs.wait(task, "STOPPED")["containers"][0]["exitCode"] == 137


def test_list_tasks_of_an_unknown_service_is_refused(ecs):
    with error("ServiceNotFoundException"):
        listed(ecs, serviceName=unique("absent"))
