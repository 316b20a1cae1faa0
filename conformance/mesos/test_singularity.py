"""HubSpot's Singularity 1.5.0, a scheduler of services, single runs and runs on demand over the v1 API in protobuf."""

import os
import shutil
import subprocess
import sys
import time
from urllib.parse import urlparse

import pytest

from harness import server as harness_server
from harness.ecs import SLEEPER, Ecs, unique
from harness.server import Started, free_port
from harness.singularity import Singularity, here
from harness.wait import holds, until

pytestmark = [pytest.mark.process_only, pytest.mark.slow, pytest.mark.timeout(240)]
# Listens on the port that Singularity chose, and answers every GET.
WEB = f"exec {sys.executable} -m http.server $PORT0"


CREDENTIALS = ("singularity", "a-secret")


class Ours:
    """A `longshore dev` that can be killed and started again where it was, and whose master wants to know who calls."""

    def __init__(self, folder):
        self.folder, self.ports = folder / "data", (free_port(), free_port())
        self.credentials = folder / "credentials"
        self.credentials.write_text(" ".join(CREDENTIALS))
        self.credentials.chmod(0o600)
        self.start()

    def start(self):
        self.started = Started(
            os.environ["LONGSHORE_BIN"], "--mesos-credentials", str(self.credentials), data_dir=self.folder, ports=self.ports,
        )
        self.server = self.started.server

    def kill(self):
        self.started.kill()


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    here()
    if harness_server.given():
        pytest.skip("a server of its own is started, killed and started again")
    made = Ours(tmp_path_factory.mktemp("longshore"))
    yield made
    made.started.stop()
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def singularity(ours):
    made = Singularity(urlparse(ours.server.mesos).netloc, credentials=CREDENTIALS)
    yield made
    made.stop()


@pytest.fixture
def cluster(ours):
    return Ecs(ours.server.ecs, ours.server.cluster)


@pytest.fixture
def request_of(singularity):
    """Makes requests of Singularity's; they are removed afterwards."""
    made = []

    def make(kind, **more):
        made.append(unique("r"))
        singularity.request(made[-1], kind, **more)
        return made[-1]

    yield make
    for name in made:
        singularity.remove(name)


def tasks_of(cluster):
    """The Mesos ids of the tasks that ECS has running."""
    return sorted(
        variable["value"]
        for task in cluster.tasks() if task["lastStatus"] == "RUNNING"
        for override in task["overrides"]["containerOverrides"]
        for variable in override.get("environment", []) if variable["name"] == "MESOS_TASK_ID"
    )


def service(singularity, request_of, instances=1, command=SLEEPER, **more):
    name = request_of("SERVICE", instances=instances)
    singularity.deploy(name, "one", command, **more)
    singularity.wait_deploy(name, "one")
    return name, singularity.wait_active(name, instances)


def test_agents_and_their_racks_are_read_from_the_master(singularity, cluster):
    known = {agent["id"]: agent for agent in singularity.get("/agents?state=ACTIVE")}
    instances = cluster.instances()
    assert set(known) == {i["containerInstanceArn"].rsplit("/")[-1] for i in instances}
    racks = sorted(agent["rackId"] for agent in known.values())
    assert racks == [zone.replace("-", "_") for zone in harness_server.ZONES] or racks == harness_server.ZONES


def test_a_service_is_scaled_deployed_anew_and_replaces_what_is_killed(singularity, request_of, cluster):
    name, first = service(singularity, request_of, 2)
    assert tasks_of(cluster) == first

    singularity.call("DELETE", f"/tasks/task/{first[0]}")
    replaced = singularity.wait_active(name, 2, but=first[:1])
    assert singularity.states(first[0])[-1] == "TASK_KILLED"
    assert singularity.states(first[0]).count("TASK_KILLED") == 1

    singularity.call("PUT", f"/requests/request/{name}/scale", {"instances": 3})
    scaled = singularity.wait_active(name, 3)
    assert set(replaced) < set(scaled)

    singularity.deploy(name, "two", SLEEPER)
    singularity.wait_deploy(name, "two")
    second = singularity.wait_active(name, 3, but=scaled)
    until(lambda: tasks_of(cluster) == second, "ECS has those of the second deploy and no others")

    singularity.remove(name)
    until(lambda: tasks_of(cluster) == [], "nothing is left on ECS")


def test_a_task_that_ends_by_itself_is_replaced_and_its_end_is_told_once(singularity, request_of):
    name = request_of("SERVICE", instances=1)
    singularity.deploy(name, "one", "sleep 3; exit 9", considerHealthyAfterRunningForSeconds=1)
    singularity.wait_deploy(name, "one")
    ended = singularity.ended(name)
    assert set(ended.values()) == {"TASK_FAILED"}
    for task in ended:
        assert "exited with status 9" in singularity.updates(task)[-1]["statusMessage"]
        assert singularity.states(task).count("TASK_FAILED") == 1


def test_a_task_that_runs_once_runs_once(singularity, request_of):
    name = request_of("RUN_ONCE")
    singularity.deploy(name, "one", 'test "$TASK_REQUEST_ID" != "" || exit 9')
    ended = singularity.ended(name)
    assert list(ended.values()) == ["TASK_FINISHED"]
    holds(lambda: len(singularity.ended(name)) == 1, "it is not run again", 3, every_s=0.5)


def test_a_run_on_demand_has_its_own_arguments_and_tells_its_exit_code(singularity, request_of):
    name = request_of("ON_DEMAND")
    singularity.deploy(
        name, "one", "sh", shell=False, arguments=["sh", "-c", 'test "$1 $WORD" = "two words for it" || exit 9; exit 7', "sh"],
        env={"WORD": "for it"},
    )
    singularity.wait_deploy(name, "one")
    singularity.call("POST", f"/requests/request/{name}/run", {"runId": "first", "commandLineArgs": ["two words"]})
    (task, state), = singularity.ended(name).items()
    assert state == "TASK_FAILED"
    assert "exited with status 7" in singularity.updates(task)[-1]["statusMessage"]


def test_several_runs_on_demand_are_side_by_side(singularity, request_of):
    name = request_of("ON_DEMAND", instances=5)
    singularity.deploy(name, "one", "sleep 2")
    singularity.wait_deploy(name, "one")
    for number in range(5):
        singularity.call("POST", f"/requests/request/{name}/run", {"runId": f"run-{number}"})
    assert set(singularity.ended(name, 5).values()) == {"TASK_FINISHED"}


@pytest.mark.parametrize("docker", [False, True], ids=["command", "docker"])
def test_a_service_answers_the_health_checks_on_its_port(singularity, request_of, docker):
    container = {
        "type": "DOCKER",
        "docker": {
            "image": "longshore/busybox:latest", "network": "BRIDGE",
            "portMappings": [
                {"containerPortType": "LITERAL", "containerPort": 8080, "hostPortType": "FROM_OFFER", "hostPort": 0}
            ],
        },
    }
    more = {"containerInfo": container, "shell": True} if docker else {}
    name, (task,) = service(
        singularity, request_of, 1, WEB, ports=1, healthcheck={"uri": "/", "portIndex": 0, "startupDelaySeconds": 0}, **more
    )
    results = singularity.get(f"/history/task/{task}")["healthcheckResults"]
    assert results[-1]["statusCode"] == 200, results


@pytest.mark.long
def test_services_survive_the_death_of_singularity(singularity, request_of, cluster):
    name, running = service(singularity, request_of, 2)
    singularity.program.kill()
    holds(lambda: tasks_of(cluster) == running, "the tasks outlive their framework", 2, every_s=0.2)
    singularity.start()
    assert singularity.wait_active(name, 2) == running
    singularity.call("DELETE", f"/tasks/task/{running[0]}")
    singularity.wait_active(name, 2, but=running[:1])


def test_services_survive_the_death_of_the_master_and_what_ended_meanwhile_is_told(singularity, request_of, ours, cluster):
    name, running = service(singularity, request_of, 2)
    brief = request_of("ON_DEMAND")
    singularity.deploy(brief, "one", "sleep 6; exit 3")
    singularity.wait_deploy(brief, "one")
    singularity.call("POST", f"/requests/request/{brief}/run", {"runId": "meanwhile"})
    singularity.wait_active(brief, 1)
    ours.kill()
    time.sleep(8)
    ours.start()
    until(singularity.running, "Singularity is subscribed again", 60, every_s=0.5)
    assert list(singularity.ended(brief).values()) == ["TASK_FAILED"]
    assert singularity.wait_active(name, 2) == running
    assert tasks_of(cluster) == running
    singularity.deploy(name, "two", SLEEPER)
    singularity.wait_deploy(name, "two")
    singularity.wait_active(name, 2, but=running)
    for task in running:
        assert singularity.states(task)[-1] == "TASK_KILLED"


def agent_of(singularity, task):
    return singularity.get(f"/history/task/{task}")["task"]["offers"][0]["agentId"]["value"]


def test_a_decommissioned_agent_is_left(singularity, request_of):
    name, (task,) = service(singularity, request_of)
    agent = agent_of(singularity, task)
    singularity.call("POST", f"/agents/agent/{agent}/decommission", {"message": "test"})
    try:
        second, = singularity.wait_active(name, 1, but=[task])
        assert agent_of(singularity, second) != agent
        assert singularity.states(task)[-1] == "TASK_KILLED"
    finally:
        singularity.call("POST", f"/agents/agent/{agent}/activate", {"message": "test"})


def test_tasks_of_a_lost_agent_are_replaced_on_another(singularity, request_of, cluster):
    name, (task,) = service(singularity, request_of)
    agent = agent_of(singularity, task)
    command = [os.environ["LONGSHORE_BIN"], "instances", "--endpoint", cluster.url]
    subprocess.run([*command[:2], "remove", *command[2:], agent], check=True, capture_output=True, timeout=30)
    try:
        second, = singularity.wait_active(name, 1, but=[task])
        assert singularity.states(task)[-1] == "TASK_LOST"
        assert agent_of(singularity, second) != agent
        assert agent in [dead["id"] for dead in singularity.get("/agents?state=DEAD")]
    finally:
        subprocess.run([*command[:2], "add", *command[2:], "1"], check=True, capture_output=True, timeout=30)
    until(lambda: len(singularity.get("/agents?state=ACTIVE")) == 3, "the new agent is known", 30, every_s=0.5)
