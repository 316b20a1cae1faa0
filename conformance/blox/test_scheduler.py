"""The daemon scheduler over HTTP, as clients of v0.3 know it, and what v0.3 never had."""

import json
import os
import time

import pytest

from harness.blox import CLUSTER, Town

pytestmark = [pytest.mark.process_only, pytest.mark.executes]

TEXT, JSON = "text/plain; charset=utf-8", "application/json; charset=UTF-8"


@pytest.fixture
def town(tmp_path):
    town = Town(os.environ["LONGSHORE_BIN"], "--data-dir", str(tmp_path / "blox"))
    yield town
    town.stop()


def create(town, name, definition="nginx:1", **more):
    body = {"name": name, "instanceGroup": {"cluster": CLUSTER}, "taskDefinition": definition, **more}
    status, kind, answer = town.blox.call("POST", "/v1/environments", json.dumps(body))
    assert (status, kind) == (200, JSON), answer
    return json.loads(answer)


def token(town, name):
    return json.loads(town.blox.call("GET", f"/v1/environments/{name}")[2])["deploymentToken"]


def deploy(town, name):
    path = f"/v1/environments/{name}/deployments?deploymentToken={token(town, name)}"
    status, _, answer = town.blox.call("POST", path, "")
    assert status == 200, answer
    return json.loads(answer)


def completed(town, name):
    def done():
        listed = json.loads(town.blox.call("GET", f"/v1/environments/{name}/deployments")[2])
        return listed["items"][0]["status"] == "completed"

    town.blox.wait(done, f"{name} is deployed", 40)


def by_instance(town):
    """The definition that runs on each instance; fails if one runs twice."""
    tasks = [task for task in town.tasks() if task["lastStatus"] != "STOPPED"]
    found = {task["containerInstanceArn"]: task["taskDefinitionArn"].rsplit("/")[-1] for task in tasks}
    assert len(found) == len(tasks), "\n".join(
        str({key: str(task.get(key))[-12:] for key in (
            "containerInstanceArn", "taskDefinitionArn", "lastStatus", "desiredStatus", "createdAt",
            "stoppingAt", "stoppedAt", "startedBy", "taskArn", "version")}) for task in tasks
    )
    return found


def test_errors_are_the_text_of_v03(town):
    """Source: blox.md 5.2, 31 to 52."""
    call = town.blox.call
    assert call("GET", "/v1/ping") == (200, JSON, "")
    made = create(town, "e")
    for method, path, body, status, text in [
        ("POST", "/v1/environments", "{", 400, "validation failure list:\ninstanceGroup in body is required\n"
         "name in body is required\ntaskDefinition in body is required\n"),
        ("POST", "/v1/environments", json.dumps({"name": "e", "instanceGroup": {"cluster": CLUSTER},
                                                 "taskDefinition": "nginx:1"}), 400,
         "Error saving environment e to store: An environment with name e already exists\n"),
        ("POST", "/v1/environments", json.dumps({"name": "x", "instanceGroup": {"cluster": "none"},
                                                 "taskDefinition": "nginx:1"}), 404, "Cluster none does not exist\n"),
        ("POST", "/v1/environments", json.dumps({"name": "x", "instanceGroup": {"cluster": CLUSTER},
                                                 "taskDefinition": "none:1"}), 404, "Unable to describe task definition.\n"),
        ("GET", "/v1/environments/missing", None, 404, "Environment missing does not exist\n"),
        ("GET", "/v1/environments?cluster=c/c", None, 400, "Invalid cluster ARN or name\n"),
        ("GET", "/v1/environments?cluster=a&cluster=b", None, 400,
         "At least one of the filters provided is specified multiple times\n"),
        ("GET", "/v1/environments?nextToken=a", None, 400, "At least one of the filters provided is not supported\n"),
        ("GET", "/v1/environments/missing/deployments", None, 404, "Environment missing does not exist\n"),
        ("GET", "/v1/environments/e/deployments/invalid-deployment-id", None, 404,
         "Deployment invalid-deployment-id does not exist for environment e\n"),
        ("POST", "/v1/environments/e/deployments", "", 404, "404 page not found\n"),
        ("POST", f"/v1/environments/e/deployments?deploymentToken={made['deploymentToken'].upper()}", "", 404,
         "404 page not found\n"),
        ("PATCH", "/v1/environments/e", None, 404, "404 page not found\n"),
    ]:
        assert call(method, path, body) == (status, TEXT, text), (method, path, body)
    for _ in range(2):
        assert call("DELETE", "/v1/environments/e") == (200, JSON, "")


def test_the_bytes_of_an_environment(town):
    made = create(town, "e")
    text = town.blox.call("GET", "/v1/environments/e")[2]
    assert text == (
        f'{{"deploymentToken":"{made["deploymentToken"]}","health":"healthy","instanceGroup":{{"cluster":'
        f'"arn:aws:ecs:us-east-1:000000000000:cluster/{CLUSTER}"}},"name":"e","taskDefinition":'
        '"arn:aws:ecs:us-east-1:000000000000:task-definition/nginx:1"}\n'
    )


def test_a_deployment_a_second_one_and_back(town):
    create(town, "e", minHealthyPercent=60)
    first = deploy(town, "e")
    completed(town, "e")
    assert list(by_instance(town).values()) == ["nginx:1"] * 3
    path = f"/v1/environments/e/deployments?deploymentToken={token(town, 'e')}"
    assert town.blox.call("PUT", "/v1/environments/e", json.dumps({"taskDefinition": "nginx:2"}))[0] == 200
    assert town.blox.call("POST", path, "")[0] == 400, "the token has changed with the update"
    deploy(town, "e")
    least = 3
    end = time.monotonic() + 40
    while list(by_instance(town).values()) != ["nginx:2"] * 3:
        least = min(least, sum(task["lastStatus"] == "RUNNING" and task["desiredStatus"] == "RUNNING"
                               for task in town.tasks()))
        assert time.monotonic() < end, by_instance(town)
    assert least >= 2, "60 % of 3 instances keep their task"
    completed(town, "e")
    path = f"/v1/environments/e/rollback?deploymentToken={token(town, 'e')}&deploymentId={first['id']}"
    assert town.blox.call("POST", path, "")[0] == 200
    completed(town, "e")
    town.blox.wait(lambda: list(by_instance(town).values()) == ["nginx:1"] * 3, "it is rolled back")


def test_an_instance_that_drains_loses_its_task(town):
    create(town, "e")
    deploy(town, "e")
    completed(town, "e")
    instance = sorted(by_instance(town))[0]
    state = dict(cluster=CLUSTER, containerInstances=[instance])
    town.ecs.client.update_container_instances_state(**state, status="DRAINING")
    town.blox.wait(lambda: instance not in by_instance(town), "it has lost its task")
    town.ecs.client.update_container_instances_state(**state, status="ACTIVE")
    town.blox.wait(lambda: instance in by_instance(town), "it has its task back")


def test_a_group_by_attribute_and_an_end_with_its_tasks(town):
    chosen = sorted(town.ecs.client.list_container_instances(cluster=CLUSTER)["containerInstanceArns"])[0]
    attribute = {"name": "stack", "value": "prod", "targetId": chosen}
    town.ecs.client.put_attributes(cluster=CLUSTER, attributes=[attribute])
    group = {"cluster": CLUSTER, "attributes": [{"name": "stack", "value": "prod"}]}
    create(town, "e", instanceGroup=group)
    deploy(town, "e")
    town.blox.wait(lambda: list(by_instance(town)) == [chosen], "one instance has its task")
    completed(town, "e")
    assert town.blox.call("DELETE", "/v1/environments/e?terminateTasks=true")[0] == 200
    town.blox.wait(lambda: not by_instance(town), "its tasks are stopped")


def test_killed_and_started_again_it_goes_on(town, tmp_path):
    create(town, "e")
    deploy(town, "e")
    completed(town, "e")
    before = {task["taskArn"] for task in town.tasks()}
    town.blox.kill()
    began = time.monotonic()
    town.blox = town.start("--data-dir", str(tmp_path / "blox"))
    assert time.monotonic() - began < 2, "rebuilt in under 2 s"
    town.add_instance()
    town.blox.wait(lambda: len(by_instance(town)) == 4, "the new instance has its task", 40)
    assert before < {task["taskArn"] for task in town.tasks()}


@pytest.mark.parametrize("pauses_ms", [(0, 20, 60), (150, 5)])
def test_killed_in_the_middle_of_a_deployment_each_instance_has_one_task_of_the_last(town, tmp_path, pauses_ms):
    for _ in range(5):
        town.add_instance()
    create(town, "e")
    deploy(town, "e")
    completed(town, "e")
    instances = set(by_instance(town))
    answer = town.blox.call("PUT", "/v1/environments/e", json.dumps({"taskDefinition": "nginx:2"}))
    assert answer[0] == 200, answer
    deploy(town, "e")
    for pause in pauses_ms:
        time.sleep(pause / 1_000)
        town.blox.kill()
        town.blox = town.start("--data-dir", str(tmp_path / "blox"))
    completed(town, "e")
    assert by_instance(town) == dict.fromkeys(instances, "nginx:2")
