"""Marathon's REST API over the Mesos master of a local ECS: the app of the first users, PyPI's client, rolling changes, and kill -9."""

import json
import subprocess
import threading

import pytest
import requests
from marathon import MarathonClient
from marathon.models import MarathonApp

from harness.ecs import Ecs, shell
from harness.marathon import Marathon, app, post, put, runs
from harness.ours import Ours
from harness.wait import holds, until

pytestmark = pytest.mark.process_only

# Of the README of the ECS Scheduler Driver, as it stands there.
NGINX = """
{
  "id": "nginx",
  "cmd": "nginx:2",
  "cpus": 0.1,
  "mem": 100.0,
  "instances": 1,
  "container": {
    "type": "DOCKER",
    "docker": {
      "image": "ignore",
      "network": "BRIDGE",
      "portMappings": [
        {
          "containerPort":80,
          "hostPort":80
        }
      ]
    }
  }
}
"""


def test_the_app_of_the_readme_runs_its_task_definition_and_is_scaled(tmp_path):
    # nginx:2 is the second of its family, so it needs a cluster of its own; each instance has port 80 only once on a machine.
    ours = Ours(tmp_path)
    marathon = None
    try:
        ecs = Ecs(ours.started.server.ecs, ours.started.server.cluster)
        for command in ("exec sleep 1", "exec sleep 600"):
            ecs.register(shell(command, cpu=102, memory=100), family="nginx")
        marathon = Marathon(tmp_path, ours.master)
        curl = ["curl", "-sSi", "-H", "Content-Type: application/json", "-d", NGINX, f"{marathon.url}/v2/apps"]
        said = subprocess.run(curl, capture_output=True, text=True, check=True, timeout=30).stdout
        assert said.startswith("HTTP/1.1 201") and "marathon-deployment-id:" in said and "location: /v2/apps/nginx" in said, said
        (task,) = runs(marathon, "nginx", 1)
        assert task.startswith("nginx.instance-") and task.endswith("._app.1"), task
        (seen,) = ecs.tasks()
        assert seen["taskDefinitionArn"].endswith("task-definition/nginx:2")
        variables = {one["name"]: one["value"] for one in seen["overrides"]["containerOverrides"][0]["environment"]}
        assert (variables["MARATHON_APP_ID"], variables["PORT0"], variables["PORT_80"]) == ("/nginx", "80", "80")
        text = requests.get(f"{marathon.url}/v2/tasks", headers={"Accept": "text/plain"}, timeout=10).text
        assert text.split("\t")[:2] == ["nginx", "10000"] and text.rstrip().endswith(":80"), text
        # All instances are on one machine, which has one port 80: the queue says so.
        put(marathon, "nginx", instances=2)
        def lacks():
            for one in marathon.call("GET", "queue").json()["queue"]:
                reasons = one["processedOffersSummary"]["rejectSummaryLastOffers"]
                return any(reason["reason"] == "InsufficientPorts" and reason["declined"] for reason in reasons)
        until(lacks, "the queue says what the offers lack")
        put(marathon, "nginx?force=true", instances=1)
        assert runs(marathon, "nginx", 1) == {task}
    finally:
        if marathon:
            marathon.stop()
        ours.stop()


def test_the_client_of_pypi_does_all_it_can(marathon):
    client = MarathonClient(marathon.url)
    assert client.ping() == b"pong" and client.get_info().name == "marathon"
    created = client.create_app("web", MarathonApp(cmd="exec sleep 600", mem=32, cpus=0.1, instances=2, labels={"team": "blue"}))
    assert created.id == "/web"
    runs(marathon, "web", 2)
    assert [one.id for one in client.list_apps(label="team==blue")] == ["/web"] and client.list_apps(label="team==red") == []
    (first, _) = client.list_tasks("web")
    client.kill_task("web", first.id)
    until(lambda: first.id not in {task["id"] for task in marathon.tasks("web")}, "the task is gone")
    runs(marathon, "web", 2)
    client.scale_app("web", instances=3)
    runs(marathon, "web", 3)
    assert len(client.list_versions("web")) == 2
    assert client.get_group("/").apps[0].id == "/web"
    assert client.list_queue() == []
    client.delete_app("web")
    until(lambda: client.list_apps() == [], "it is gone")


def test_a_change_rolls_and_is_rolled_back(marathon):
    post(marathon, "roll", instances=3, upgradeStrategy={"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0})
    old = runs(marathon, "roll", 3)
    before = marathon.app("roll")["version"]
    fewest = []
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            tasks = marathon.tasks("roll")
            fewest.append((sum(task["state"] == "TASK_RUNNING" for task in tasks), len(tasks)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    put(marathon, "roll", env={"VERSION": "2"})
    new = runs(marathon, "roll", 3)
    stop.set()
    watcher.join()
    assert not new & old
    assert min(running for running, _ in fewest) >= 2 and max(all_ for _, all_ in fewest) <= 4, fewest
    put(marathon, "roll", version=before)
    runs(marathon, "roll", 3)
    assert marathon.app("roll")["env"] == {}


def test_an_app_that_a_deployment_changes_is_locked_unless_it_is_forced(marathon):
    post(marathon, "huge", cpus=1000)
    until(lambda: marathon.call("GET", "queue").json()["queue"], "it waits")
    refused = marathon.call("PUT", "apps/huge", json={"instances": 2})
    assert refused.status_code == 409 and "locked by one or more deployments" in refused.json()["message"], refused.text
    (deployment,) = refused.json()["deployments"]
    assert [one["id"] for one in marathon.call("GET", "deployments").json()] == [deployment["id"]]
    forced = marathon.call("PUT", "apps/huge?force=true", json={"cpus": 0.1, "instances": 2})
    assert forced.status_code == 200, forced.text
    runs(marathon, "huge", 2)


@pytest.mark.parametrize("change, status, path", [
    ({"cpus": "many"}, 400, "/cpus"),
    ({"cpus": -1}, 422, "/cpus"),
    ({"id": "Not An Id"}, 422, "/id"),
    ({"id": "x" * 1000}, 422, "/id"),
    ({"cmd": None}, 422, "/"),
    ({"constraints": [["hostname", "NEAR"]]}, 422, "/constraints(0)"),
    ({"constraints": [["hostname", "LIKE", "("]]}, 422, "/constraints(0)"),
    ({"healthChecks": [{"protocol": "SMTP"}]}, 422, "/healthChecks(0)/protocol"),
    ({"upgradeStrategy": {"minimumHealthCapacity": 2}}, 422, "/upgradeStrategy/minimumHealthCapacity"),
    ({"instancs": 2}, 422, "/instancs"),
    ({"residency": {"taskLostBehavior": "WAIT_FOREVER"}}, 422, "/residency"),
])
def test_what_is_wrong_is_named_by_its_path_and_nothing_is_kept(marathon, change, status, path):
    answer = marathon.call("POST", "apps", json={**app("wrong"), **change})
    assert answer.status_code == status, answer.text
    assert path in [detail["path"] for detail in answer.json()["details"]], answer.text
    assert marathon.call("GET", "apps").json() == {"apps": []}


def test_what_is_not_there_is_said_in_marathons_words(marathon):
    for method, path, status, text in [
        ("GET", "apps/none", 404, "App '/none' does not exist"),
        ("PUT", "apps/none/nothing", 422, "Object is not valid"),
        ("DELETE", "apps/none", 404, "App '/none' does not exist"),
        ("GET", "groups/none", 404, "Group '/none' does not exist"),
        ("DELETE", "deployments/none", 404, "Deployment none does not exist"),
        ("GET", "artifacts/x", 404, "artifacts are not stored here"),
        ("GET", "pods/none", 404, "Pod '/none' does not exist"),
        ("GET", "eventSubscriptions", 400, "follow /v2/events"),
        ("POST", "eventSubscriptions?callbackUrl=http://127.0.0.1:1/", 400, "callbacks over HTTP are not made"),
        ("DELETE", "eventSubscriptions?callbackUrl=http://127.0.0.1:1/", 400, "callbacks over HTTP are not made"),
        ("GET", "nothing", 404, "URI not found"),
        ("POST", "queue", 405, "does not take"),
    ]:
        answer = marathon.call(method, path, json={})
        assert answer.status_code == status and text in answer.json()["message"], (method, path, answer.status_code, answer.text)
    assert marathon.call("POST", "apps", data="{").status_code == 400


def test_instances_outlive_their_scheduler_and_what_ended_meanwhile_is_replaced(marathon, ecs):
    post(marathon, "stays", instances=3)
    before = runs(marathon, "stays", 3)
    marathon.kill()
    gone = ecs.tasks()[0]
    ecs.client.stop_task(cluster=ecs.cluster, task=gone["taskArn"])
    ecs.wait(gone["taskArn"], "STOPPED")
    holds(lambda: len(ecs.arns()) == 2, "the others outlive their scheduler", 1.0)
    marathon.start()
    until(lambda: len({task["id"] for task in marathon.tasks("stays")} & before) == 2, "it hears of the one that ended")
    after = runs(marathon, "stays", 3)
    assert len(after & before) == 2, (before, after)
    assert len(ecs.arns()) == 3


def test_groups_wait_for_what_they_depend_on_and_are_scaled(marathon):
    group = {
        "id": "/shop",
        "apps": [app("web", dependencies=["/shop/db/sql"])],
        "groups": [{"id": "db", "apps": [app("sql")]}],
    }
    plan = marathon.call("PUT", "groups?dryRun=true", json={"id": "/", "groups": [group]}).json()["steps"]
    scaled = [action["app"] for step in plan for action in step["actions"] if action["action"] == "ScaleApplication"]
    assert scaled == ["/shop/db/sql", "/shop/web"], plan
    assert marathon.call("GET", "apps").json() == {"apps": []}
    made = marathon.call("POST", "groups", json=group)
    assert made.status_code == 201, made.text
    runs(marathon, "shop/web", 1)
    assert marathon.call("POST", "groups", json=group).status_code == 409
    tree = marathon.call("GET", "groups/shop").json()
    assert ([one["id"] for one in tree["apps"]], [one["id"] for one in tree["groups"]]) == (["/shop/web"], ["/shop/db"])
    assert marathon.call("PUT", "groups/shop", json={"scaleBy": 2}).status_code == 200
    runs(marathon, "shop/web", 2)
    runs(marathon, "shop/db/sql", 2)
    assert marathon.call("DELETE", "groups/shop").status_code == 200
    until(lambda: marathon.call("GET", "apps").json() == {"apps": []}, "all of it is gone", 30)


def test_whoever_follows_is_told_of_a_deployment_from_beginning_to_end(marathon):
    seen, followed = [], threading.Event()

    def follow():
        with requests.get(f"{marathon.url}/v2/events", headers={"Accept": "text/event-stream"}, stream=True, timeout=60) as answer:
            followed.set()
            for line in answer.iter_lines(decode_unicode=True):
                if line.startswith("data:"):
                    event = json.loads(line[5:])
                    seen.append(event)
                    if event["eventType"] == "deployment_success":
                        return

    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    followed.wait(10)
    made = post(marathon, "told")
    reader.join(30)
    kinds = [event["eventType"] for event in seen]
    assert kinds[-1] == "deployment_success" and seen[-1]["id"] == made["deployments"][0]["id"], kinds
    for kind in ("api_post_event", "group_change_success", "deployment_info", "deployment_step_success", "status_update_event"):
        assert kind in kinds, kinds
    states = [event["taskStatus"] for event in seen if event["eventType"] == "status_update_event"]
    assert states[-1] == "TASK_RUNNING", states


def test_an_instance_that_fails_its_health_check_is_replaced(marathon, tmp_path):
    well = tmp_path / "well"
    well.touch()
    # Answers as long as the file is there.
    serve = f"cd {tmp_path} && exec python3 -m http.server $PORT0 --bind $HOST"
    check = {"protocol": "HTTP", "path": "/well", "gracePeriodSeconds": 10, "intervalSeconds": 1, "timeoutSeconds": 1, "maxConsecutiveFailures": 2}
    post(marathon, "checked", cmd=serve, portDefinitions=[{"port": 0, "name": "http"}], healthChecks=[check])
    until(lambda: marathon.app("checked")["tasksHealthy"] == 1, "it is well", 30)
    (first,) = runs(marathon, "checked", 1)
    well.unlink()
    until(lambda: first not in {task["id"] for task in marathon.tasks("checked")}, "it is ended", 30)
    well.touch()
    until(lambda: marathon.app("checked")["tasksHealthy"] == 1, "another one is well", 40)
