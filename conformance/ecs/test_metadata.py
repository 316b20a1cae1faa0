"""What a container sees: the task metadata endpoint, read from inside, and its environment."""

import json
import time

import pytest
import requests

from harness.ecs import IMAGE, SLEEPER, shell, zone_of
from harness.server import ACCOUNT, REGION, runtime
from harness.wait import until

pytestmark = pytest.mark.executes

URI = "ECS_CONTAINER_METADATA_URI_V4"


def output(ecs, task, name="main"):
    """What a container wrote; kept by Longshore, since ECS leaves it to log drivers."""
    ident = task["taskArn"].rpartition("/")[2]
    answer = requests.get(f"{ecs.url}/longshore/v1/tasks/{ident}/logs/{name}", timeout=30)
    return answer.text if answer.ok else ""


def line(ecs, task, name="main"):
    """The first whole line that a container writes."""
    written = until(
        lambda: (lambda text: text if "\n" in text else None)(output(ecs, task, name)),
        f"{name} writes a line",
    )
    return written.splitlines()[0]


def environment(ecs, **more):
    """The environment of a container that does nothing else, as it sees it."""
    command = "env | sort; echo END; " + SLEEPER
    task = ecs.wait(ecs.run_one(command, **more), "RUNNING")
    until(lambda: "END" in output(ecs, task), "the environment is written")
    pairs = [one.split("=", 1) for one in output(ecs, task).splitlines() if "=" in one]
    return task, dict(pairs)


def reads(path, name="main", **more):
    """A container that reads a path of its endpoint at once, and then sleeps."""
    return shell(f'wget -qO- "${URI}{path}"; echo; {SLEEPER}', name, **more)


def seen(ecs, path, network="bridge", **more):
    """What a container of a task reads at a path, and the task."""
    definition = ecs.register(reads(path, **more), networkMode=network)["taskDefinitionArn"]
    task = ecs.wait(ecs.run(definition)[0], "RUNNING")
    return json.loads(line(ecs, task)), task


@pytest.mark.parametrize("network", ["bridge", "host"])
def test_a_container_reads_about_itself_as_soon_as_it_runs(ecs, network):
    told, task = seen(ecs, "", network, dockerLabels={"mine": "yes"})
    container = task["containers"][0]
    family, _, revision = task["taskDefinitionArn"].rpartition("/")[2].partition(":")
    assert told["DockerId"] == container["runtimeId"]
    assert told["ContainerARN"] == container["containerArn"]
    assert (told["Name"], told["Image"], told["Type"]) == ("main", IMAGE, "NORMAL")
    assert (told["DesiredStatus"], told["KnownStatus"]) == ("RUNNING", "RUNNING")
    assert told["Limits"] == {"CPU": 64, "Memory": 32}
    assert told["Labels"]["mine"] == "yes"
    for label, value in {
        "cluster": ecs.cluster, "task-arn": task["taskArn"], "container-name": "main",
        "task-definition-family": family, "task-definition-version": revision,
    }.items():
        assert told["Labels"][f"com.amazonaws.ecs.{label}"] == value
    assert told["CreatedAt"] <= told["StartedAt"] and told["StartedAt"].endswith("Z")
    assert told["LogDriver"] == "json-file"
    wanted = network if runtime() == "docker" else "host"
    assert told["Networks"][0]["NetworkMode"] == wanted
    assert "ExitCode" not in told and "FinishedAt" not in told and "Health" not in told


def test_a_container_reads_about_its_task(ecs, instances):
    told, task = seen(ecs, "/task")
    family, _, revision = task["taskDefinitionArn"].rpartition("/")[2].partition(":")
    wanted = {
        "Cluster": ecs.cluster, "TaskARN": task["taskArn"], "Family": family,
        "Revision": revision, "DesiredStatus": "RUNNING", "LaunchType": "EC2",
        "AvailabilityZone": task["availabilityZone"],
    }
    assert {name: told[name] for name in wanted} == wanted
    assert told["PullStartedAt"] <= told["PullStoppedAt"]
    assert [one["Name"] for one in told["Containers"]] == ["main"]
    assert "Limits" not in told and "ServiceName" not in told


def test_sizes_of_a_task_are_its_limits(ecs):
    definition = ecs.register(reads("/task"), cpu="512", memory="64")["taskDefinitionArn"]
    task = ecs.wait(ecs.run(definition)[0], "RUNNING")
    assert json.loads(line(ecs, task))["Limits"] == {"CPU": 0.5, "Memory": 64}


def test_tags_are_there_for_those_who_ask(ecs):
    definition = ecs.register(reads("/taskWithTags"))["taskDefinitionArn"]
    task = ecs.run(definition, tags=[{"key": "stage", "value": "test"}])[0]
    told = json.loads(line(ecs, ecs.wait(task, "RUNNING")))
    assert told["TaskTags"] == {"stage": "test"} and "Errors" not in told


def test_usage_has_the_form_of_docker(ecs):
    told, _ = seen(ecs, "/stats")
    assert told["cpu_stats"]["system_cpu_usage"] > 0
    assert told["cpu_stats"]["cpu_usage"]["total_usage"] >= 0
    assert told["memory_stats"]["limit"] > 0 and "precpu_stats" in told
    told, task = seen(ecs, "/task/stats")
    assert list(told) == [task["containers"][0]["runtimeId"]]


def test_a_container_sees_its_siblings_and_how_they_ended(ecs):
    first = shell("exit 3", "first", essential=False)
    depends = [{"containerName": "first", "condition": "COMPLETE"}]
    second = reads("/task", "second", dependsOn=depends)
    task = ecs.wait(ecs.run(ecs.register(first, second)["taskDefinitionArn"])[0], "RUNNING")
    told = {one["Name"]: one for one in json.loads(line(ecs, task, "second"))["Containers"]}
    assert (told["first"]["KnownStatus"], told["first"]["ExitCode"]) == ("STOPPED", 3)
    assert "FinishedAt" in told["first"]


def test_the_verdict_of_a_health_check_is_there(ecs):
    check = {"command": ["CMD-SHELL", f'test -n "${URI}"'], "interval": 5, "timeout": 2}
    command = f'sleep 7; wget -qO- "${URI}"; echo; {SLEEPER}'
    task = ecs.wait(ecs.run_one(command, healthCheck=check), "RUNNING")
    assert json.loads(line(ecs, task))["Health"]["status"] == "HEALTHY"


def test_the_environment_says_where_a_task_runs(ecs):
    task, given = environment(ecs)
    assert given["AWS_EXECUTION_ENV"] == "AWS_ECS_EC2"
    assert given["AWS_REGION"] == given["AWS_DEFAULT_REGION"] == REGION
    assert given[URI].startswith("http://") and "/v4/" in given[URI]
    assert not any("CREDENTIALS" in name for name in given)
    told = ecs.client.describe_task_definition(taskDefinition=task["taskDefinitionArn"])
    assert told["taskDefinition"]["containerDefinitions"][0]["environment"] == []


def test_a_region_of_the_tasks_own_is_left_alone(ecs):
    own = [{"name": "AWS_DEFAULT_REGION", "value": "eu-west-1"}]
    _, given = environment(ecs, environment=own)
    assert given["AWS_DEFAULT_REGION"] == "eu-west-1" and "AWS_REGION" not in given


@pytest.mark.docker_only
def test_a_container_without_a_network_has_no_endpoint(ecs):
    container = shell(f"env; echo END; {SLEEPER}")
    definition = ecs.register(container, networkMode="none")["taskDefinitionArn"]
    task = ecs.wait(ecs.run(definition)[0], "RUNNING")
    until(lambda: "END" in output(ecs, task), "the environment is written")
    assert URI not in output(ecs, task)


def test_ids_that_nobody_was_given_are_404(ecs):
    # In Docker's own network the endpoint is not for this machine's loopback; any address will do.
    _, given = environment(ecs)
    mine = given[URI]
    base = mine.partition("/v4/")[0]
    for path, status in [
        ("/v4/x", 404), ("/v4/x/task", 404), ("/v4/x/stats", 404), ("/v4/x/task/stats", 404),
        ("/v4/", 404), ("/v4", 404), ("/", 404), ("/v4/..%2f..%2fetc", 404), ("/v3/x", 404),
        ("/v2/credentials/x", 400),
    ]:
        answer = requests.get(base + path, timeout=10)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()
    assert requests.post(mine, timeout=10).status_code == 405
    assert requests.get(base + "/v4/" + "x" * 5000, timeout=10).status_code == 404


def test_a_stopped_task_is_forgotten(ecs):
    task, given = environment(ecs)
    assert requests.get(given[URI], timeout=10).json()["KnownStatus"] == "RUNNING"
    ecs.stop(task)
    until(lambda: requests.get(given[URI], timeout=10).status_code == 404, "it is forgotten")


@pytest.mark.docker_only
def test_tasks_of_one_service_share_a_machine_by_dynamic_ports(ecs, instances):
    serves = shell(
        'mkdir -p /tmp/www && echo hello > /tmp/www/index.html && httpd -f -p 8080 -h /tmp/www',
        portMappings=[{"containerPort": 8080, "hostPort": 0}],
    )
    definition = ecs.register(serves)["taskDefinitionArn"]
    one = f"attribute:ecs.availability-zone == {zone_of(instances[0])}"
    tasks = ecs.run(definition, count=3, placementConstraints=[
        {"type": "memberOf", "expression": one},
    ])
    tasks = [ecs.wait(task, "RUNNING") for task in tasks]
    assert len({task["containerInstanceArn"] for task in tasks}) == 1
    ports = [task["containers"][0]["networkBindings"][0]["hostPort"] for task in tasks]
    assert len(set(ports)) == 3

    def greeted(port):
        try:
            return requests.get(f"http://127.0.0.1:{port}/", timeout=5).text == "hello\n"
        except requests.ConnectionError:
            return False

    for port in ports:
        until(lambda: greeted(port), "it serves")


@pytest.mark.docker_only
def test_nobody_waits_for_a_pull(ecs):
    definition = ecs.register(
        {**shell(SLEEPER), "image": "192.0.2.1:5000/none:1"}
    )["taskDefinitionArn"]
    began = time.monotonic()
    ecs.run(definition, count=3)
    other = ecs.wait(ecs.run_one(SLEEPER), "RUNNING")
    assert time.monotonic() - began < 10 and other["lastStatus"] == "RUNNING"


def test_the_account_is_that_of_the_task(ecs):
    told, _ = seen(ecs, "/task")
    assert told["TaskARN"].split(":")[4] == ACCOUNT
