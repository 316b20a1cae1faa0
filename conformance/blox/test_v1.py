"""The API of v1.0 beside that of v0.3, the numbers for Prometheus, and Blox on an account with short ARNs. Source: blox.md 4.1."""

import json
import os
import re

import pytest

from harness.blox import CLUSTER, Town

pytestmark = [pytest.mark.process_only, pytest.mark.executes]

JSON = "application/json"
ALL = f"/v1/{CLUSTER}/environments"


@pytest.fixture
def town(tmp_path):
    town = Town(os.environ["LONGSHORE_BIN"], "--data-dir", str(tmp_path / "blox"))
    yield town
    town.stop()


def ask(town, method, path, body=None, status=200):
    found, kind, answer = town.blox.call(method, path, None if body is None else json.dumps(body))
    assert (found, kind) == (status, JSON), answer
    return json.loads(answer)


def new(name, definition="nginx:1", **more):
    return {
        "environmentName": name, "environmentType": "Daemon", "taskDefinition": definition,
        "deploymentMethod": "ReplaceAfterTerminate", "instanceGroup": {"attributes": []},
        "deploymentConfiguration": {}, **more,
    }


def deploy(town, name, revision):
    return ask(town, "POST", f"{ALL}/{name}/deployments?revisionId={revision}", {})["deploymentId"]


def runs(town, definition):
    def check():
        live = [task for task in town.tasks() if task["lastStatus"] != "STOPPED"]
        return len(live) == 3 and all(
            task["taskDefinitionArn"].endswith(definition) and task["lastStatus"] == "RUNNING" for task in live)

    town.blox.wait(check, f"{definition} runs on all instances", 40)


def test_revisions_are_made_deployed_and_brought_back(town):
    first = ask(town, "POST", ALL, new("e", role="arn:aws:iam::000000000000:role/r"))["environmentRevisionId"]
    shown = ask(town, "GET", f"{ALL}/e")["environment"]
    assert shown == {
        "environmentName": "e", "cluster": CLUSTER, "role": "arn:aws:iam::000000000000:role/r",
        "environmentType": "Daemon", "environmentHealth": "Healthy", "deploymentMethod": "ReplaceAfterTerminate",
        "deploymentConfiguration": {}, "latestEnvironmentRevisionId": first,
    }
    one = deploy(town, "e", first)
    runs(town, "nginx:1")
    second = ask(town, "PUT", f"{ALL}/e", {"taskDefinition": "nginx:2"})["environmentRevisionId"]
    shown = ask(town, "GET", f"{ALL}/e")["environment"]
    assert (shown["activeEnvironmentRevisionId"], shown["latestEnvironmentRevisionId"]) == (first, second)
    two = deploy(town, "e", second)
    runs(town, "nginx:2")
    shown = ask(town, "GET", f"{ALL}/e/deployments/{two}")["deployment"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown.pop("timestamp"))
    assert shown == {"deploymentId": two, "environmentName": "e", "oldTargetRevisionId": first,
                     "newTargetRevisionId": second}
    revision = ask(town, "GET", f"{ALL}/e/revisions/{second}")["environmentRevision"]
    assert revision["counts"] == {"desired": 3, "healthy": 3, "total": 3}
    assert revision["taskDefinition"].endswith(":task-definition/nginx:2")
    deploy(town, "e", first)
    runs(town, "nginx:1")
    assert ask(town, "GET", f"{ALL}/e/revisions") == {"revisionIds": [second, first]}
    page = ask(town, "GET", f"{ALL}/e/deployments?maxResults=2")
    assert page["nextToken"] == two
    rest = ask(town, "GET", f"{ALL}/e/deployments?nextToken={page['nextToken']}")
    assert rest == {"deploymentIds": [one]}
    # Killed and started again it knows all of it.
    before = ask(town, "GET", f"{ALL}/e")
    town.blox.kill()
    town.blox = town.start("--data-dir", town.blox.process.args[-1])
    assert ask(town, "GET", f"{ALL}/e") == before
    assert ask(town, "DELETE", f"{ALL}/e?terminateTasks=true") == before
    town.blox.wait(lambda: all(task["lastStatus"] == "STOPPED" for task in town.tasks()), "its tasks are stopped")


def test_both_apis_see_what_v03_made_and_only_one_what_v10_made(town):
    body = {"name": "old", "instanceGroup": {"cluster": CLUSTER}, "taskDefinition": "nginx:1"}
    assert town.blox.call("POST", "/v1/environments", json.dumps(body))[0] == 200
    ask(town, "POST", ALL, new("new"))
    assert ask(town, "GET", ALL) == {"environmentNames": ["new", "old"]}
    assert ask(town, "GET", f"{ALL}?environmentNamePrefix=o") == {"environmentNames": ["old"]}
    arn = json.loads(town.blox.call("GET", "/v1/environments/old")[2])["instanceGroup"]["cluster"]
    by_arn = ask(town, "GET", f"/v1/{arn.replace('/', '%2F')}/environments/old")
    assert by_arn == ask(town, "GET", f"{ALL}/old")
    listed = json.loads(town.blox.call("GET", "/v1/environments")[2])
    assert [one["name"] for one in listed["items"]] == ["old"]
    assert town.blox.call("GET", "/v1/environments/new")[0] == 404
    deploy(town, "old", by_arn["environment"]["latestEnvironmentRevisionId"])
    runs(town, "nginx:1")
    items = json.loads(town.blox.call("GET", "/v1/environments/old/deployments")[2])["items"]
    assert len(items) == 1
    ask(town, "POST", ALL, new("old"), status=409)


def test_errors_say_what_is_wrong(town):
    ask(town, "POST", ALL, new("e"))
    for method, path, body, status, text in [
        ("GET", f"{ALL}/none", None, 404, "environment with id none could not be found"),
        ("GET", f"{ALL}/e/revisions/1", None, 404, "environmentRevision with id 1 could not be found"),
        ("POST", f"{ALL}/e/deployments?revisionId=1", {}, 404, "environmentRevision with id 1 could not be found"),
        ("GET", f"{ALL}/e/deployments/1", None, 404, "deployment with id 1 could not be found"),
        ("POST", f"{ALL}/e/deployments", {}, 400, "revisionId is required"),
        ("POST", ALL, new("e"), 409, "environment with id e already exists"),
        ("POST", ALL, new("f", "none:1"), 400, "Unable to describe task definition."),
        ("POST", "/v1/none/environments", new("f"), 400, "Cluster none does not exist"),
        ("POST", ALL, new("f", environmentType="SingleTask"), 400, "SingleTask is not served"),
        ("GET", f"{ALL}?maxResults=101", None, 400, "from 1 to 100"),
        ("PATCH", f"{ALL}/e", {}, 405, "this path takes GET, PUT, DELETE"),
        ("POST", ALL, new("f" * 70_000), 413, "more than 65536 bytes"),
    ]:
        answer = ask(town, method, path, body, status)
        assert text in answer["message"], (method, path, answer)
        if status in (404, 409):
            assert answer["resourceType"] and answer["resourceId"]


def test_both_ports_have_numbers_for_prometheus(town):
    ask(town, "POST", ALL, new("e"))
    for calls, url in enumerate((town.blox.scheduler, town.blox.state), 1):
        status, kind, text = town.blox.ask(url + "/metrics")
        assert status == 200 and kind.startswith("application/openmetrics-text")
        lines = text.splitlines()
        assert lines[-1] == "# EOF" and "longshore_blox_environments 1" in lines
        assert "longshore_blox_instances 3" in lines and "longshore_blox_clusters_ready 1" in lines
        assert 'longshore_blox_calls_total{service="scheduler",outcome="ok"} %d' % calls in lines


def test_an_account_with_short_arns_is_served_as_v03_knew_it(town):
    for name in ("containerInstanceLongArnFormat", "taskLongArnFormat"):
        town.ecs.client.put_account_setting_default(name=name, value="disabled")
    town.add_instance()
    revision = ask(town, "POST", ALL, new("e"))["environmentRevisionId"]
    deploy(town, "e", revision)
    town.blox.wait(
        lambda: [task["lastStatus"] for task in town.tasks()] == ["RUNNING"] * 4, "each instance has its task", 40)
    prefix = "arn:aws:ecs:us-east-1:[0-9]{12}:"
    tasks = town.blox.items(f"/v1/tasks?cluster={CLUSTER}&status=running")
    # Source: blox.md 1.2, the pattern of v0.3.
    assert len(tasks) == 4 and all(re.fullmatch(prefix + "task/[-\\w]+", task["taskARN"]) for task in tasks)
    instances = [one["containerInstanceARN"] for one in town.blox.items(f"/v1/instances?cluster={CLUSTER}")]
    short = [arn for arn in instances if re.fullmatch(prefix + "container-instance/[-\\w]+", arn)]
    assert len(instances) == 4 and len(short) == 1
    assert sorted(task["containerInstanceARN"] for task in tasks) == sorted(instances)
    task = next(task for task in tasks if task["containerInstanceARN"] == short[0])
    status, _, body = town.blox.get(f"/v1/tasks/{CLUSTER}/{task['taskARN']}")
    assert status == 200 and json.loads(body)["entity"]["taskARN"] == task["taskARN"]
    assert town.blox.get(f"/v1/instances/{CLUSTER}/{short[0]}")[0] == 200
    # What it was told to stop is started again once, on that instance.
    town.ecs.client.stop_task(cluster=CLUSTER, task=task["taskARN"])
    town.blox.wait(
        lambda: [one["taskARN"] != task["taskARN"] for one in town.blox.items("/v1/tasks?status=running")
                 if one["containerInstanceARN"] == short[0]] == [True], "it is started again", 40)
