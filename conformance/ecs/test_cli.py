"""The AWS command line interface on the same path as the client library."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.ecs import ARN, SLEEPER, image, unique
from harness.server import CREDENTIALS, REGION

AWS = Path(sys.executable).parent / "aws"
# Version 1 ends with 255 when the service refuses a call, version 2 with 254.
REFUSED = (254, 255)


@pytest.fixture
def aws(ecs):
    """Runs `aws ecs WORDS`; returns what it printed as JSON, or the failed process."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_PAGER": "",
        "AWS_DEFAULT_REGION": REGION, "AWS_MAX_ATTEMPTS": "1", **CREDENTIALS,
    }

    def run(*words, fails=False, timeout=60, output="json"):
        done = subprocess.run(
            [str(AWS), "ecs", *words, "--endpoint-url", ecs.url, "--output", output],
            env=environment, capture_output=True, text=True, timeout=timeout,
        )
        if fails:
            assert done.returncode != 0, done.stdout
            return done
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if output == "json" and done.stdout else done.stdout

    return run


def family(ecs, command=SLEEPER):
    return ecs.define(command).rpartition("/")[2]


@pytest.mark.slow
def test_the_main_path_from_cluster_to_stopped_task(ecs, aws):
    name = unique("cli")
    containers = [
        {"name": "main", "image": image(), "cpu": 64, "memory": 32, "stopTimeout": 5,
         "command": ["sh", "-c", SLEEPER]}
    ]
    made = aws(
        "register-task-definition", "--family", name,
        "--container-definitions", json.dumps(containers), "--tags", "key=team,value=harbour",
    )["taskDefinition"]
    try:
        assert made["taskDefinitionArn"] == f"{ARN}task-definition/{name}:1"
        reply = aws(
            "run-task", "--cluster", ecs.cluster, "--task-definition", name, "--count", "2",
            "--started-by", "cli",
            "--overrides", "containerOverrides=[{name=main,environment=[{name=A,value=b}]}]",
            "--tags", "key=a,value=b", "key=c,value=d",
        )
        assert reply["failures"] == []
        tasks = [task["taskArn"] for task in reply["tasks"]]
        ecs.adopt(reply["tasks"])
        assert sorted(
            aws("list-tasks", "--cluster", ecs.cluster, "--started-by", "cli")["taskArns"]
        ) == sorted(tasks)
        aws("wait", "tasks-running", "--cluster", ecs.cluster, "--tasks", *tasks)
        shown = aws(
            "describe-tasks", "--cluster", ecs.cluster, "--tasks", *tasks, "--include", "TAGS",
            "--query", "tasks[].[lastStatus,tags[0].key]",
        )
        assert shown == [["RUNNING", "a"]] * 2
        for task in tasks:
            stopping = aws(
                "stop-task", "--cluster", ecs.cluster, "--task", task, "--reason", "from the shell"
            )
            assert stopping["task"]["desiredStatus"] == "STOPPED"
        aws("wait", "tasks-stopped", "--cluster", ecs.cluster, "--tasks", *tasks)
        text = aws(
            "describe-tasks", "--cluster", ecs.cluster, "--tasks", tasks[0], output="text"
        )
        assert "from the shell" in text and "UserInitiated" in text
    finally:
        gone = aws("deregister-task-definition", "--task-definition", f"{name}:1")
    assert gone["taskDefinition"]["status"] == "INACTIVE"


def test_clusters_are_made_described_and_deleted(ecs, aws):
    name = unique("cli")
    made = aws(
        "create-cluster", "--cluster-name", name,
        "--settings", "name=containerInsights,value=disabled",
    )
    assert made["cluster"]["status"] == "ACTIVE"
    shown = aws("describe-clusters", "--clusters", name, "--include", "SETTINGS", "STATISTICS")
    assert shown["clusters"][0]["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    assert aws("delete-cluster", "--cluster", name)["cluster"]["status"] == "INACTIVE"


def test_lists_page_with_max_items_and_a_starting_token(ecs, aws):
    first = aws("list-container-instances", "--cluster", ecs.cluster, "--max-items", "2", "--page-size", "1")
    assert len(first["containerInstanceArns"]) == 2
    rest = aws(
        "list-container-instances", "--cluster", ecs.cluster, "--page-size", "1",
        "--starting-token", first["NextToken"],
    )
    assert len(rest["containerInstanceArns"]) == 1 and "NextToken" not in rest
    both = first["containerInstanceArns"] + rest["containerInstanceArns"]
    assert len(set(both)) == 3


def test_start_task_and_placement_shorthand(ecs, aws, instances):
    where = instances[2]["containerInstanceArn"]
    reply = aws(
        "start-task", "--cluster", ecs.cluster, "--task-definition", family(ecs),
        "--container-instances", where,
    )
    ecs.adopt(reply["tasks"])
    assert [task["containerInstanceArn"] for task in reply["tasks"]] == [where]
    reply = aws(
        "run-task", "--cluster", ecs.cluster, "--task-definition", family(ecs), "--count", "3",
        "--placement-strategy", "type=spread,field=attribute:ecs.availability-zone",
    )
    ecs.adopt(reply["tasks"])
    assert len({task["containerInstanceArn"] for task in reply["tasks"]}) == 3


def test_attributes_and_instance_state(ecs, aws):
    cluster = ecs.new_cluster()["clusterName"]
    arn = ecs.join_instance(cluster)["containerInstanceArn"]
    aws(
        "put-attributes", "--cluster", cluster,
        "--attributes", f"name=stack,value=prod,targetId={arn}",
    )
    found = aws(
        "list-attributes", "--cluster", cluster, "--target-type", "container-instance",
        "--attribute-name", "stack", "--attribute-value", "prod",
    )["attributes"]
    assert [a["targetId"] for a in found] == [arn]
    state = aws(
        "update-container-instances-state", "--cluster", cluster, "--status", "DRAINING",
        "--container-instances", arn,
    )
    assert state["containerInstances"][0]["status"] == "DRAINING"


def test_definitions_are_deregistered_and_deleted(ecs, aws):
    name = family(ecs)
    aws("deregister-task-definition", "--task-definition", name)
    reply = aws("delete-task-definitions", "--task-definitions", name, "absent:1")
    assert [one["status"] for one in reply["taskDefinitions"]] == ["DELETE_IN_PROGRESS"]
    assert [one["arn"] for one in reply["failures"]] == ["absent:1"]
    listed = aws("list-task-definitions", "--status", "DELETE_IN_PROGRESS")["taskDefinitionArns"]
    assert name in [arn.rpartition("/")[2] for arn in listed]


def test_account_settings_are_put_listed_and_deleted(aws):
    name = "fargateFIPSMode"
    put = aws("put-account-setting", "--name", name, "--value", "enabled")["setting"]
    assert aws("list-account-settings", "--name", name)["settings"] == [put]
    assert aws("delete-account-setting", "--name", name)["setting"] == put
    aws("put-account-setting-default", "--name", name, "--value", "enabled")
    shown = aws("list-account-settings", "--effective-settings", "--name", name)["settings"]
    assert [one["value"] for one in shown] == ["enabled"]
    aws("delete-account-setting", "--name", name)
    assert aws("list-account-settings", "--name", name)["settings"] == []


def test_an_error_of_the_service_is_printed_with_its_code_and_message(ecs, aws):
    done = aws("list-tasks", "--cluster", unique("absent"), fails=True)
    assert done.returncode in REFUSED
    assert done.stdout == ""
    assert (
        "An error occurred (ClusterNotFoundException) when calling the ListTasks operation: "
        "Cluster not found." in done.stderr
    )
    done = aws("run-task", "--cluster", ecs.cluster, "--task-definition", unique("absent"), fails=True)
    assert done.returncode in REFUSED
    assert "(ClientException)" in done.stderr and "TaskDefinition not found" in done.stderr


def test_waiting_for_a_missing_task_ends_with_255(ecs, aws):
    done = aws(
        "wait", "tasks-running", "--cluster", ecs.cluster, "--tasks", "0" * 32, fails=True
    )
    assert done.returncode == 255
    assert "Waiter TasksRunning failed" in done.stderr


def test_an_operation_that_is_not_served_is_a_plain_error(ecs, aws):
    done = aws(
        "create-task-set", "--cluster", "c", "--service", "s", "--task-definition", "t", fails=True
    )
    assert done.returncode in REFUSED
    assert "(UnsupportedFeatureException) when calling the CreateTaskSet operation" in done.stderr
