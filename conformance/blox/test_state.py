"""The cluster state service over HTTP, as clients of v0.3 know it. Source: blox.md 5.1."""

import json
import os

import pytest

from harness.blox import CLUSTER, Stream, Town

pytestmark = [pytest.mark.process_only, pytest.mark.executes]

TEXT, JSON = "text/plain; charset=utf-8", "application/json; charset=UTF-8"


@pytest.fixture(scope="module")
def town():
    town = Town(os.environ["LONGSHORE_BIN"])
    yield town
    town.stop()


def started(town, by="someone"):
    instance = sorted(town.ecs.client.list_container_instances(cluster=CLUSTER)["containerInstanceArns"])[0]
    made = town.ecs.client.start_task(
        cluster=CLUSTER, containerInstances=[instance], taskDefinition="nginx:2", startedBy=by
    )["tasks"][0]
    return made["taskArn"]


def record(town, kind, arn):
    status, content, body = town.blox.get(f"/v1/{kind}/{CLUSTER}/{arn}")
    assert (status, content) == (200, JSON), body
    return json.loads(body)


def test_instances_are_those_of_ecs(town):
    listed = {one["containerInstanceARN"]: one for one in town.blox.items(f"/v1/instances?cluster={CLUSTER}")}
    arns = town.ecs.client.list_container_instances(cluster=CLUSTER)["containerInstanceArns"]
    told = town.ecs.client.describe_container_instances(cluster=CLUSTER, containerInstances=arns)
    assert sorted(listed) == sorted(arns)
    for one in told["containerInstances"]:
        shown = listed[one["containerInstanceArn"]]
        assert shown["status"] == one["status"] and shown["agentConnected"] is True
        assert {a["name"]: a["value"] for a in shown["attributes"]} == {
            a["name"]: a.get("value") for a in one["attributes"]
        }
        cpu = next(r for r in shown["registeredResources"] if r["name"] == "CPU")
        assert cpu == {"name": "CPU", "type": "INTEGER",
                       "value": str(next(r for r in one["registeredResources"] if r["name"] == "CPU")["integerValue"])}
        assert record(town, "instances", one["containerInstanceArn"])["entity"] == shown


def test_tasks_are_listed_and_filtered(town):
    arn = started(town, "e2eTester")
    town.blox.wait(lambda: any(t["taskARN"] == arn for t in town.blox.items("/v1/tasks?status=RUNNING")), "it runs")
    for query in (f"cluster={CLUSTER}", "startedBy=e2eTester", f"cluster={CLUSTER}&status=running&startedBy=e2eTester"):
        assert arn in [task["taskARN"] for task in town.blox.items(f"/v1/tasks?{query}")]
    assert town.blox.items("/v1/tasks?status=running&cluster=other") == []
    town.ecs.client.stop_task(cluster=CLUSTER, task=arn)
    for status in ("stopped", "STOPPED"):
        town.blox.wait(
            lambda: arn in [task["taskARN"] for task in town.blox.items(f"/v1/tasks?status={status}")], "it is stopped"
        )
    shown = record(town, "tasks", arn)["entity"]
    told = town.ecs.client.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]
    assert (shown["startedBy"], shown["desiredStatus"], shown["lastStatus"]) == ("e2eTester", "STOPPED", "STOPPED")
    assert shown["taskDefinitionARN"] == told["taskDefinitionArn"]
    assert shown["containers"][0]["containerARN"] == told["containers"][0]["containerArn"]
    assert shown["overrides"]["containerOverrides"] in ([], [{"command": None, "environment": None, "name": "nginx"}])


@pytest.mark.parametrize("path, status, text", [
    ("/v1/instances?status=invalid", 400, "Invalid status\n"),
    ("/v1/instances?status=draining", 400, "Invalid status\n"),
    ("/v1/instances?cluster=cluster/cluster", 400, "Invalid cluster ARN or name\n"),
    ("/v1/tasks?cluster=cluster1&cluster=cluster2", 400,
     "At least one of the filters provided is specified multiple times\n"),
    ("/v1/tasks?nextToken=1", 400, "At least one of the filters provided is unsupported\n"),
    ("/v1/stream/tasks?entityVersion=-1", 400, "Invalid entity version\n"),
    ("/v1/stream/tasks?entityVersion=999999999", 400, "Entity version is out of range\n"),
    (f"/v1/tasks/{CLUSTER}/arn:aws:ecs:us-east-1:123456789012:task/none", 404, "Task not found\n"),
    (f"/v1/instances/{CLUSTER}/arn:aws:ecs:us-east-1:123456789012:container-instance/none", 404, "Instance not found\n"),
    ("/v1/instances//arn:aws:ecs:us-east-1:123456789012:container-instance/none", 404, "404 page not found\n"),
    ("/v1/nothing", 404, "404 page not found\n"),
])
def test_errors_are_the_text_of_v03(town, path, status, text):
    assert town.blox.get(path) == (status, TEXT, text)


def test_a_stream_tells_and_replays(town):
    stream = Stream(town.blox.state + "/v1/stream/tasks")
    assert stream.answer.headers["Content-Type"] == "application/octet-stream"
    instances = Stream(town.blox.state + "/v1/stream/instances")
    arn = started(town)
    of_it = lambda lines, wanted: [one for one in lines if one["entity"]["taskARN"] == arn
                                   and one["entity"]["desiredStatus"] == wanted]
    town.blox.wait(lambda: of_it(stream.lines, "RUNNING"), "the task is told")
    town.blox.wait(lambda: instances.lines, "its instance is told")
    version = of_it(stream.lines, "RUNNING")[0]["metadata"]["entityVersion"]
    town.ecs.client.stop_task(cluster=CLUSTER, task=arn)
    town.blox.wait(lambda: of_it(stream.lines, "STOPPED"), "its end is told")
    again = Stream(town.blox.state + f"/v1/stream/tasks?entityVersion={version}")
    town.blox.wait(lambda: of_it(again.lines, "RUNNING") and of_it(again.lines, "STOPPED"), "both are replayed")
    assert again.lines[0]["metadata"]["entityVersion"] == version
    versions = [int(one["metadata"]["entityVersion"]) for one in again.lines]
    assert versions == sorted(set(versions))
