"""The demo of the slides: its commands, what they print, and what follows on the cluster."""

import json
import os
import time

import pytest

from harness.blox import CLUSTER, Town

pytestmark = [pytest.mark.process_only, pytest.mark.executes]


@pytest.fixture(scope="module")
def town():
    town = Town(os.environ["LONGSHORE_BIN"])
    yield town
    town.stop()


def test_the_demo(town):
    blox = town.blox
    title, listed = blox.printed("list-task-definitions")
    assert title == "== Blox Demo CLI - List Task Definitions =="
    nginx = town.nginx["taskDefinitionArn"]
    assert listed["taskDefinitionArns"][-1] == nginx and nginx.endswith("task-definition/nginx:2")

    title, made = blox.printed(
        "create-environment", "--environment", "WebEnvironment", "--cluster", CLUSTER,
        "--task-definition", nginx,
    )
    assert title == "== Blox Demo CLI - Create Blox Environment =="
    token = made["deploymentToken"]
    assert made == {
        "taskDefinition": nginx, "deploymentToken": token, "health": "healthy", "name": "WebEnvironment",
        "instanceGroup": {"cluster": f"arn:aws:ecs:us-east-1:000000000000:cluster/{CLUSTER}"},
    }

    title, listed = blox.printed("list-environments")
    assert (title, listed) == ("== Blox Demo CLI - List Blox Environments ==", {"items": [made]})

    title, deployed = blox.printed(
        "create-deployment", "--environment", "WebEnvironment", "--deployment-token", token
    )
    assert title == "== Blox Demo CLI - Create Blox Deployment =="
    assert deployed == {
        "status": "pending", "environmentName": "WebEnvironment", "id": deployed["id"],
        "failedInstances": [], "taskDefinition": nginx,
    }

    def completed():
        title, listed = blox.printed("list-deployments", "--environment", "WebEnvironment")
        assert title == "== Blox Demo CLI - List Blox Deployments =="
        return listed == {"items": [{**deployed, "status": "completed"}]}

    blox.wait(completed, "the deployment completes")
    tasks = town.tasks(startedBy=deployed["id"])
    assert len({task["containerInstanceArn"] for task in tasks}) == len(tasks) == 3

    # ecs-cli scale --size 4: a fourth task appears, one per instance, within a second.
    town.add_instance()
    began = time.monotonic()
    blox.wait(lambda: len(town.tasks(startedBy=deployed["id"])) == 4, "the fourth instance has its task")
    assert time.monotonic() - began < 1.5
    title, listed = blox.printed("list-tasks", "--cluster", CLUSTER, "--started-by", deployed["id"])
    assert title == "== Blox Demo CLI - List Blox Tasks ==" and len(listed["items"]) == 4
    title, listed = blox.printed("list-instances", "--cluster", CLUSTER, "--status", "active")
    assert title == "== Blox Demo CLI - List Blox Instances ==" and len(listed["items"]) == 4


def test_what_is_printed_is_indented_by_two(town):
    _, output, _ = town.blox.cli("list-environments", "--environment", "none-such")
    assert output.startswith("== Blox Demo CLI - List Blox Environments ==\n\n\n\nError: Invalid response on 'GET ")
    assert output.endswith("HTTP Error 404: Not Found\nEnvironment none-such does not exist\n")
    _, output, _ = town.blox.cli("list-instances")
    text = output[output.index("{"):]
    assert text == json.dumps(json.loads(text), indent=2) + "\n"


def test_what_is_missing_is_asked_for(town):
    code, output, _ = town.blox.cli("create-deployment", "--environment", "e")
    assert code == 1 and output.endswith("- Enter Blox deployment token: Error: Blox deployment token is required.\n")
    code, output, _ = town.blox.cli("list-tasks", "--task-arn", "x")
    assert code == 1 and "Error: task-arn must be accompanied with the cluster parameter." in output
    code, _, errors = town.blox.cli("list-environments", "--apigateway", "--stack", "Blox")
    assert code == 2 and "--host <HOST:PORT>" in errors
