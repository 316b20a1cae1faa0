"""Stock Flink 1.13, from PyPI, with nothing of Mesos on the machine: its session runs its task managers through our library."""

import os
from urllib.parse import urlparse

import pytest
import requests

from harness import flink, jvm, server, singularity
from harness.ecs import Ecs, stop_everything, zone_of
from harness.wait import until

pytestmark = [pytest.mark.process_only, pytest.mark.slow, pytest.mark.timeout(240)]

TEXT = "to the quay and to the ship and to sea"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    jvm.library()
    made = flink.home(tmp_path_factory.mktemp("flink"))
    flink.job(made)
    return made


class Place:
    """A server of our own, and the sessions of Flink on it."""

    def __init__(self, home, folder, *flags, **more):
        if server.given():
            pytest.skip("starts a server of its own")
        self.home, self.folder, self.sessions = home, folder, []
        # Flink takes the first ports of an offer, and only root may listen on port 80.
        self.first_port = server.free_range(20)
        self.flags, self.more = ["--offer-ports", f"{self.first_port}-{self.first_port + 19}", *flags], more
        self.start()

    def start(self, **more):
        self.started = server.Started(os.environ["LONGSHORE_BIN"], *self.flags, **self.more, **more)
        self.ecs = Ecs(self.started.server.ecs, self.started.server.cluster)

    def restart(self):
        """The server is killed, and another one takes its place."""
        server = self.started.server
        self.started.kill()
        self.start(ports=[urlparse(url).port for url in (server.ecs, server.mesos)])

    def session(self, master=None, **more):
        folder = self.folder / f"session-{len(self.sessions)}"
        self.sessions.append(flink.Session(self.home, folder, master or urlparse(self.started.server.mesos).netloc, **more))
        return self.sessions[-1]

    def managers(self, status="RUNNING"):
        """The ECS tasks that are task managers, by ARN."""
        found = self.ecs.tasks(desiredStatus=status)
        return {task["taskArn"]: task for task in found if "mesos-taskmanager" in str(task["overrides"])}

    def stop(self):
        for session in self.sessions:
            session.kill()
        # With a data directory they would go on.
        stop_everything(self.ecs)
        self.started.stop()


@pytest.fixture
def place(home, tmp_path):
    made = Place(home, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def lasting_place(home, tmp_path):
    """One that can be restarted."""
    made = Place(home, tmp_path, data_dir=tmp_path / "data")
    yield made
    made.stop()


@pytest.fixture
def zookeeper(tmp_path):
    singularity.ZOOKEEPER.exists() or pytest.skip("there is no ZooKeeper (Debian's package zookeeper)")
    made = singularity.ZooKeeper(tmp_path)
    yield made
    made.program.stop()


def test_a_job_is_right_and_the_end_of_the_session_ends_its_task_manager(place):
    session = place.session()
    session.counts_well(1000, TEXT)
    assert len(place.managers()) == 1
    # The second job finds a task manager that is there.
    session.counts_well(7, TEXT)
    assert len({**place.managers(), **place.managers("STOPPED")}) == 1
    assert session.shut_down() == 0, session.said()
    assert jvm.is_quiet(session.said()), session.said()
    until(lambda: not place.managers(), "no task manager is left", 20)


@pytest.mark.long
def test_it_needs_no_master(place):
    environment = {
        "AWS_ECS_ENDPOINT": place.ecs.url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        "LONGSHORE_DEFAULT_IMAGE": "none", "LONGSHORE_FETCHER_IMAGE": "none",
    }
    session = place.session(f"ecs://{place.ecs.cluster}", environment=environment)
    session.counts_well(1000, TEXT)
    assert session.shut_down() == 0, session.said()
    assert jvm.is_quiet(session.said()), session.said()
    until(lambda: not place.managers(), "no task manager is left", 20)


def test_a_task_manager_that_is_stopped_is_replaced(place):
    session = place.session()
    session.counts_well(3, TEXT)
    (first,) = place.managers()
    place.ecs.client.stop_task(cluster=place.ecs.cluster, task=first, reason="by an operator")
    until(lambda: "is terminated. Diagnostics" in session.said(), "Flink knows", 20)
    session.counts_well(5, TEXT)
    (second,) = place.managers()
    assert second != first and jvm.is_quiet(session.said()), session.said()


@pytest.mark.long
def test_a_job_goes_on_when_its_task_manager_is_stopped(place):
    # A job learns of it from heartbeats, not from Mesos.
    session = place.session(settings={
        "restart-strategy": "fixed-delay", "restart-strategy.fixed-delay.attempts": 100,
        "heartbeat.interval": 1000, "heartbeat.timeout": 6000,
    })
    job = session.submit(1000, TEXT, pause_ms=10)
    until(lambda: "INITIALIZING to RUNNING" in session.said(), "it runs", 60)
    (first,) = place.managers()
    place.ecs.client.stop_task(cluster=place.ecs.cluster, task=first, reason="by an operator")
    session.counts_well(1000, TEXT, job)
    assert "from state RUNNING to RESTARTING" in session.said(), session.said()
    assert first not in place.managers() and jvm.is_quiet(session.said()), session.said()


@pytest.mark.long
def test_task_managers_have_what_their_settings_say(place):
    tasks = "mesos.resourcemanager.tasks"
    session = place.session(settings={
        "mesos.constraints.hard.hostattribute": "ecs.availability-zone:us-east-1b", "mesos.resourcemanager.framework.role": "streams",
        f"{tasks}.disk": 500, f"{tasks}.port-assignments": "metrics.internal.query-service.port", f"{tasks}.bootstrap-cmd": "sleep 0",
        f"{tasks}.container.type": "docker", f"{tasks}.container.image.name": "flink:1.13.6",
    })
    session.counts_well(3, TEXT)
    (manager,) = place.managers().values()
    (instance,) = [one for one in place.ecs.instances() if one["containerInstanceArn"] == manager["containerInstanceArn"]]
    assert zone_of(instance) == "us-east-1b"
    (framework,) = requests.get(f"{place.started.server.mesos}/master/state", timeout=10).json()["frameworks"]
    (task,) = framework["tasks"]
    assert framework["role"] == "streams", framework
    assert (task["resources"]["cpus"], task["resources"]["mem"], task["resources"]["disk"]) == (1, 1728, 500), task
    first, last = map(int, task["resources"]["ports"].strip("[]").split("-"))
    assert place.first_port <= first and last == first + 2 < place.first_port + 20, task


@pytest.mark.long
def test_a_task_manager_without_work_is_killed(place):
    session = place.session(settings={"resourcemanager.taskmanager-timeout": 2000})
    session.counts_well(3, TEXT)
    until(lambda: not place.managers(), "no task manager is left", 30)
    (task,) = place.managers("STOPPED").values()
    assert task["stoppedReason"] == "Killed by its Mesos framework", task
    # And when there is work again, there is another one.
    session.counts_well(5, TEXT)
    assert jvm.is_quiet(session.said()), session.said()


@pytest.mark.long
def test_a_master_that_is_killed_and_comes_back_finds_the_task_manager(lasting_place):
    session = lasting_place.session()
    session.counts_well(3, TEXT)
    before = lasting_place.managers()
    lasting_place.restart()
    session.counts_well(5, TEXT)
    assert lasting_place.managers().keys() == before.keys(), session.said()
    # Flink's library has found the master again: what it says now is done.
    assert session.shut_down() == 0, session.said()
    until(lambda: not lasting_place.managers(), "no task manager is left", 30)
    assert jvm.is_quiet(session.said()), session.said()


@pytest.mark.long
def test_a_job_manager_that_is_killed_and_comes_back_finds_its_task_manager(place, zookeeper):
    session = place.session(settings={
        "high-availability": "zookeeper", "high-availability.zookeeper.quorum": f"127.0.0.1:{zookeeper.port}",
        "high-availability.storageDir": (place.folder / "ha").as_uri(), "high-availability.zookeeper.client.session-timeout": 4000,
    })
    session.counts_well(3, TEXT)
    before = place.managers()
    session.manager.kill()
    session.start()
    session.counts_well(5, TEXT)
    assert place.managers().keys() == before.keys(), session.said()
    assert "Recovered 1 workers from previous attempt" in session.said(), session.said()
    # It ends with 2, since it removes what it kept in ZooKeeper twice.
    session.shut_down()
    until(lambda: not place.managers(), "no task manager is left", 20)
    assert jvm.is_quiet(session.said()), session.said()


def test_sessions_authenticate(home, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.write_text("flink secret\n")
    credentials.chmod(0o600)
    place = Place(home, tmp_path, "--mesos-credentials", str(credentials))
    try:
        principal = {"mesos.resourcemanager.framework.principal": "flink"}
        stranger = place.session(settings={**principal, "mesos.resourcemanager.framework.secret": "wrong"}, registers=False)
        until(lambda: stranger.manager.process.poll() is not None, "a wrong secret ends the session", 40)
        session = place.session(settings={**principal, "mesos.resourcemanager.framework.secret": "secret"})
        session.counts_well(3, TEXT)
        assert jvm.is_quiet(session.said() + stranger.said()), session.said()
    finally:
        place.stop()


@pytest.mark.long
def test_task_managers_on_two_instances_of_one_machine_listen_on_different_ports(place):
    session = place.session(settings={"mesos.resourcemanager.tasks.cpus": 3})
    job = session.submit(1000, TEXT, parallelism=2)
    until(lambda: job.process.poll() is not None or "failed unexpectedly" in session.said(), "the end of it", 90)
    assert "failed unexpectedly" not in session.said() and job.ended(1) == 0, session.said()
    assert len({task["containerInstanceArn"] for task in place.managers().values()}) == 2
