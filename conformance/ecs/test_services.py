"""Services: deployments, scaling, health, deletion, and the waiters services_stable and services_inactive."""

import time

import pytest
from botocore.exceptions import WaiterError

from harness.ecs import BRIEF, SLEEPER, error, unique
from harness.wait import until

FAST = {"Delay": 1, "MaxAttempts": 40}


@pytest.fixture
def services(ecs):
    """Makes services; all are deleted afterwards, and their tasks stopped."""
    made = []

    def create(definition, desired=2, **more):
        name = more.pop("serviceName", None) or unique("service")
        if more.get("schedulingStrategy") != "DAEMON":
            more["desiredCount"] = desired
        reply = ecs.client.create_service(
            cluster=ecs.cluster, serviceName=name, taskDefinition=definition, **more
        )
        made.append(name)
        return reply["service"]

    yield create
    for name in made:
        if seen(ecs, name)["status"] != "INACTIVE":
            ecs.client.delete_service(cluster=ecs.cluster, service=name, force=True)
    for name in made:
        until(lambda name=name: seen(ecs, name)["status"] == "INACTIVE", f"{name} is gone", 45)


def seen(ecs, service, **more):
    name = service if isinstance(service, str) else service["serviceName"]
    reply = ecs.client.describe_services(cluster=ecs.cluster, services=[name], **more)
    assert reply["failures"] == []
    return reply["services"][0]


def stable(ecs, service):
    ecs.client.get_waiter("services_stable").wait(
        cluster=ecs.cluster, services=[service["serviceName"]], WaiterConfig=FAST
    )
    return seen(ecs, service)


def steady(ecs, service):
    """Waits until the service says that it is steady since its last change; returns it."""
    def check():
        now = seen(ecs, service)
        last = now["events"][0]["message"] if now["events"] else ""
        return now if last.endswith("has reached a steady state.") else None

    return until(check, "the service is steady", 45)


def tasks_of(ecs, service, **more):
    return ecs.tasks(["TAGS"], serviceName=service["serviceName"], **more)


def test_a_service_shows_what_ecs_fills_in(ecs, services):
    service = services(
        ecs.define(SLEEPER), 0, placementStrategy=[{"type": "spread", "field": "host"}]
    )
    assert service["placementStrategy"] == [{"type": "spread", "field": "instanceId"}]
    assert seen(ecs, service)["deploymentConfiguration"] == {
        "deploymentCircuitBreaker": {
            "enable": False, "rollback": False, "resetOnHealthyTask": True,
            "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50},
        },
        "maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING",
        "bakeTimeInMinutes": 0, "alarms": {"alarmNames": [], "rollback": False, "enable": False},
    }


def test_a_service_runs_its_tasks_and_services_stable_ends(ecs, services):
    definition = ecs.define(SLEEPER)
    service = services(definition, 3)
    assert (service["status"], service["desiredCount"]) == ("ACTIVE", 3)
    assert service["deployments"][0]["status"] == "PRIMARY"
    now = stable(ecs, service)
    assert (now["runningCount"], now["pendingCount"]) == (3, 0)
    assert now["taskDefinition"] == definition
    for task in tasks_of(ecs, service):
        assert task["group"] == f"service:{service['serviceName']}"
        assert task["startedBy"] == now["deployments"][0]["id"]
        assert task["startedBy"].startswith("ecs-svc/")


def test_a_service_becomes_steady_and_says_so(ecs, services):
    now = steady(ecs, services(ecs.define(SLEEPER), 1))
    said = [event["message"] for event in now["events"]]
    assert said[0] == f"(service {now['serviceName']}) has reached a steady state."
    assert "deployment completed." in said[1]
    assert "has started 1 tasks: (task " in said[2]
    assert now["deployments"][0]["rolloutState"] == "COMPLETED"


def test_a_stopped_task_is_replaced(ecs, services):
    service = services(ecs.define(SLEEPER), 2)
    stable(ecs, service)
    victim = tasks_of(ecs, service)[0]["taskArn"]
    ecs.client.stop_task(cluster=ecs.cluster, task=victim)
    ecs.wait(victim, "STOPPED")
    stable(ecs, service)
    left = [task["taskArn"] for task in tasks_of(ecs, service)]
    assert victim not in left and len(left) == 2


def test_a_service_is_scaled_out_and_in(ecs, services):
    service = services(ecs.define(SLEEPER), 1)
    deployment = stable(ecs, service)["deployments"][0]["id"]
    for count in (4, 2, 0):
        ecs.client.update_service(
            cluster=ecs.cluster, service=service["serviceName"], desiredCount=count
        )
        until(
            lambda count=count: seen(ecs, service)["runningCount"] == count,
            f"{count} tasks run", 45,
        )
    assert seen(ecs, service)["deployments"][0]["id"] == deployment


def test_a_new_task_definition_is_rolled_out(ecs, services):
    service = services(ecs.define(SLEEPER), 2)
    stable(ecs, service)
    definition = ecs.define(SLEEPER)
    updated = ecs.client.update_service(
        cluster=ecs.cluster, service=service["serviceName"], taskDefinition=definition
    )["service"]
    assert [d["status"] for d in updated["deployments"]] == ["PRIMARY", "ACTIVE"]
    now = stable(ecs, service)
    assert now["taskDefinition"] == definition
    running = tasks_of(ecs, service)
    assert {task["taskDefinitionArn"] for task in running} == {definition}


@pytest.mark.executes
def test_the_circuit_breaker_rolls_back(ecs, services):
    service = services(
        ecs.define(SLEEPER), 1,
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
    )
    first = steady(ecs, service)["deployments"][0]["id"]
    broken = ecs.register({"name": "main", "image": "longshore/no-such-image", "memory": 32})
    ecs.client.update_service(
        cluster=ecs.cluster, service=service["serviceName"],
        taskDefinition=broken["taskDefinitionArn"],
    )
    now = until(
        lambda: (lambda s: s if len(s["deployments"]) == 1 else None)(seen(ecs, service)),
        "the first deployment is back", 60,
    )
    assert now["deployments"][0]["id"] == first
    said = [event["message"] for event in now["events"]]
    assert any("rolling back to deployment" in message for message in said), said


@pytest.mark.executes
def test_tasks_that_end_are_started_again(ecs, services):
    service = services(ecs.define(BRIEF), 1)
    until(
        lambda: len(tasks_of(ecs, service, desiredStatus="STOPPED")) >= 2,
        "the task ran more than once", 45,
    )
    assert seen(ecs, service)["deployments"][0]["failedTasks"] == 0


def test_a_draining_instance_loses_the_tasks_of_services(ecs, services, instances):
    service = services(ecs.define(SLEEPER), 3)
    stable(ecs, service)
    victim = instances[0]["containerInstanceArn"]

    def put(status):
        ecs.client.update_container_instances_state(
            cluster=ecs.cluster, containerInstances=[victim], status=status
        )

    put("DRAINING")
    try:
        until(lambda: ecs.instance(victim)["runningTasksCount"] == 0, "it is empty", 45)
        stable(ecs, service)
    finally:
        put("ACTIVE")


def test_a_daemon_runs_on_every_instance(ecs, services, instances):
    service = services(ecs.define(SLEEPER), schedulingStrategy="DAEMON")
    now = until(
        lambda: (lambda s: s if s["runningCount"] == len(instances) else None)(seen(ecs, service)),
        "it runs everywhere", 45,
    )
    assert now["desiredCount"] == len(instances)
    on = {task["containerInstanceArn"] for task in tasks_of(ecs, service)}
    assert on == {instance["containerInstanceArn"] for instance in instances}
    ecs.client.delete_service(cluster=ecs.cluster, service=service["serviceName"])


def test_what_does_not_fit_is_told_in_an_event(ecs, services):
    service = services(ecs.register(
        {"name": "main", "image": "x", "cpu": 1_000_000, "memory": 32}
    )["taskDefinitionArn"], 1)
    now = until(
        lambda: (lambda s: s if s["events"] else None)(seen(ecs, service)), "there is an event", 30
    )
    assert "was unable to place a task" in now["events"][0]["message"]
    assert "has insufficient CPU units available" in now["events"][0]["message"]


def test_a_service_is_deleted_by_force_or_once_it_is_scaled_in(ecs, services):
    service = services(ecs.define(SLEEPER), 1)
    name = service["serviceName"]
    stable(ecs, service)
    with error("InvalidParameterException", "scaled above 0"):
        ecs.client.delete_service(cluster=ecs.cluster, service=name)
    deleted = ecs.client.delete_service(cluster=ecs.cluster, service=name, force=True)["service"]
    assert deleted["status"] == "DRAINING"
    listed = ecs.client.list_services(cluster=ecs.cluster, maxResults=100)["serviceArns"]
    assert service["serviceArn"] not in listed
    ecs.client.get_waiter("services_inactive").wait(
        cluster=ecs.cluster, services=[name], WaiterConfig=FAST
    )
    with pytest.raises(WaiterError, match="terminal failure state"):
        stable(ecs, service)
    with error("ServiceNotActiveException", "Service was not ACTIVE."):
        ecs.client.update_service(cluster=ecs.cluster, service=name, desiredCount=1)


def test_services_are_listed_in_pages(ecs, services):
    definition = ecs.define(SLEEPER)
    made = {services(definition, 0)["serviceArn"] for _ in range(12)}
    first = ecs.client.list_services(cluster=ecs.cluster)
    assert len(first["serviceArns"]) == 10
    pages = ecs.client.get_paginator("list_services").paginate(
        cluster=ecs.cluster, PaginationConfig={"PageSize": 5}
    )
    assert made <= {arn for page in pages for arn in page["serviceArns"]}


def test_a_service_has_tags_and_hands_them_to_its_tasks(ecs, services):
    service = services(
        ecs.define(SLEEPER), 1, tags=[{"key": "team", "value": "a"}], propagateTags="SERVICE",
        enableECSManagedTags=True,
    )
    stable(ecs, service)
    held = {tag["key"]: tag["value"] for tag in tasks_of(ecs, service)[0]["tags"]}
    assert held == {
        "team": "a", "aws:ecs:serviceName": service["serviceName"],
        "aws:ecs:clusterName": ecs.cluster,
    }
    assert seen(ecs, service, include=["TAGS"])["tags"] == [{"key": "team", "value": "a"}]
    arn = service["serviceArn"]
    ecs.client.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert ecs.client.list_tags_for_resource(resourceArn=arn)["tags"] == []


def test_the_history_of_deployments_can_be_read(ecs, services):
    service = services(ecs.define(SLEEPER), 1)
    steady(ecs, service)
    listed = ecs.client.list_service_deployments(
        cluster=ecs.cluster, service=service["serviceName"]
    )["serviceDeployments"]
    assert [one["status"] for one in listed] == ["SUCCESSFUL"]
    described = ecs.client.describe_service_deployments(
        serviceDeploymentArns=[listed[0]["serviceDeploymentArn"]]
    )["serviceDeployments"][0]
    revision = described["targetServiceRevision"]["arn"]
    found = ecs.client.describe_service_revisions(serviceRevisionArns=[revision])
    assert found["serviceRevisions"][0]["taskDefinition"] == service["taskDefinition"]


def test_a_protected_task_is_not_scaled_in(ecs, services):
    service = services(ecs.define(SLEEPER), 1)
    stable(ecs, service)
    task = tasks_of(ecs, service)[0]["taskArn"]

    def protect(enabled):
        reply = ecs.client.update_task_protection(
            cluster=ecs.cluster, tasks=[task], protectionEnabled=enabled
        )
        assert reply["failures"] == []

    protect(True)
    shown = ecs.client.get_task_protection(cluster=ecs.cluster, tasks=[task])["protectedTasks"][0]
    assert shown["protectionEnabled"] and shown["expirationDate"].timestamp() > time.time()
    ecs.client.update_service(cluster=ecs.cluster, service=service["serviceName"], desiredCount=0)
    time.sleep(1)
    assert seen(ecs, service)["runningCount"] == 1
    protect(False)
    until(lambda: seen(ecs, service)["runningCount"] == 0, "it is scaled in", 30)


def test_a_service_is_created_once(ecs, services):
    definition = ecs.define(SLEEPER)
    name, token = unique("service"), unique("token")[:36]
    first = services(definition, 0, serviceName=name, clientToken=token)
    again = ecs.client.create_service(
        cluster=ecs.cluster, serviceName=name, taskDefinition=definition, desiredCount=0,
        clientToken=token,
    )["service"]
    assert again["deployments"][0]["id"] == first["deployments"][0]["id"]
    with error("InvalidParameterException", "Creation of service was not idempotent."):
        ecs.client.create_service(
            cluster=ecs.cluster, serviceName=name, taskDefinition=definition, desiredCount=1
        )


def test_what_is_missing_is_a_failure_or_an_error(ecs):
    reply = ecs.client.describe_services(cluster=ecs.cluster, services=["none"])
    assert [failure["reason"] for failure in reply["failures"]] == ["MISSING"]
    with error("ServiceNotFoundException"):
        ecs.client.update_service(cluster=ecs.cluster, service="none", desiredCount=1)
    with error("ServiceNotFoundException"):
        ecs.client.delete_service(cluster=ecs.cluster, service="none")


@pytest.mark.parametrize("extra", [
    {"loadBalancers": [{"targetGroupArn": "x", "containerName": "main", "containerPort": 80}]},
    {"deploymentController": {"type": "CODE_DEPLOY"}},
    {"serviceConnectConfiguration": {"enabled": True, "namespace": "n"}},
    {"launchType": "FARGATE"},
])
def test_what_there_is_none_of_is_refused(ecs, extra):
    definition = ecs.define(SLEEPER)
    with error("UnsupportedFeatureException"):
        ecs.client.create_service(
            cluster=ecs.cluster, serviceName=unique("service"), taskDefinition=definition,
            desiredCount=1, **extra,
        )


@pytest.mark.executes
def test_a_service_whose_tasks_keep_exiting_says_why_and_starts_them_more_slowly(ecs, services):
    definition = ecs.define("exit 7")
    service = services(definition, 1)

    def told():
        events = seen(ecs, service)["events"]
        return next((one["message"] for one in events if "keep exiting" in one["message"]), None)

    message = until(told, "the service says that its tasks keep exiting", 30)
    assert "exited with code 7" in message
    assert seen(ecs, service)["deployments"][0]["failedTasks"] == 0
    starts = [one for one in seen(ecs, service)["events"] if "has started 1 tasks" in one["message"]]
    times = sorted(one["createdAt"] for one in starts)
    pauses = [(later - sooner).total_seconds() for sooner, later in zip(times, times[1:])]
    assert all(later > sooner * 1.5 for sooner, later in zip(pauses, pauses[1:])), pauses
