"""A scheduler of ours that uses our library as Chronos 3.0.2 does: it keeps all that it knows in the state of libmesos, in a real ZooKeeper."""

import signal
from urllib.parse import urlparse

import pytest
import requests
from kazoo.client import KazooClient

from harness import jvm, singularity
from harness.ecs import unique
from harness.lines import Lines
from harness.ours import Ours, Runs
from harness.wait import holds, until

pytestmark = pytest.mark.process_only


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    jvm.library()
    return jvm.classes("1.1.0", tmp_path_factory.mktemp("classes"), "JobScheduler")


@pytest.fixture(scope="module")
def zookeeper():
    with singularity.zookeeper() as started:
        yield started


class Scheduler:
    """The scheduler; `start` starts it anew after its end, and ZooKeeper has what it knew."""

    def __init__(self, path, zookeeper, folder):
        self.path, self.servers = path, f"127.0.0.1:{zookeeper.port}"
        self.nodes = f"/{unique('jobs')}/state/state"
        self.runs, self.program = Runs(folder / "runs"), None

    def start(self, master):
        if self.program:
            self.is_well()
        self.program = Lines(
            ["java", "-Xcheck:jni", "-cp", self.path, "JobScheduler", master, self.servers, self.nodes], env=jvm.environment(),
        )
        self.lead()
        return self

    def lead(self):
        since = self.program.tell("lead")
        self.id = self.program.wait(r"<- registered (\S+)", since=since)[1]

    def job(self, name, then, parent="-"):
        self.program.tell("job", name, parent, self.runs.command(then))

    def stored(self, name, state, launches=1, successes=0, failures=0, since=0):
        """Waits until that is what it has stored of a job."""
        self.program.wait(f"stored {name} {state} launches {launches} successes {successes} failures {failures}", since=since)

    def updates(self, name, state):
        return self.program.all(rf"<- update (?:{name})@\d+ {state} \w+")

    def ran_once(self, *names):
        assert sorted(task.split("@")[0] for task in self.runs.all()) == sorted(names)
        assert all(len(processes) == 1 for processes in self.runs.all().values())

    def is_well(self):
        assert not self.program.all("WRONG.*"), self.program.said()
        assert jvm.is_quiet("\n".join(self.program.lines)), self.program.said()

    def quit(self):
        if self.program.process.poll() is None:
            self.program.tell("quit")
            assert self.program.ended() == 0, self.program.said()


@pytest.fixture
def scheduler(path, zookeeper, tmp_path):
    made = Scheduler(path, zookeeper, tmp_path)
    yield made
    if made.program:
        made.quit()
        made.is_well()


@pytest.fixture
def running(mesos_url, quiet_after, scheduler):
    return scheduler.start(urlparse(mesos_url).netloc)


@pytest.fixture
def client(zookeeper):
    client = KazooClient(f"127.0.0.1:{zookeeper.port}")
    client.start()
    yield client
    client.stop()
    client.close()


@pytest.fixture
def ours(tmp_path):
    made = Ours(tmp_path)
    yield made
    made.stop()


def until_there(file):
    return f"while [ ! -e {file} ]; do sleep 0.05; done"


def test_jobs_run_are_counted_killed_and_removed(running, client):
    running.job("good", "exit 0")
    running.job("child", "exit 0", parent="good")
    running.job("bad", "exit 3")
    running.job("long", "exec sleep 600")
    running.stored("good", "over", successes=1)
    running.stored("child", "over", successes=1)
    running.stored("bad", "over", failures=1)
    running.stored("long", "runs")
    running.program.tell("reconcile")
    running.program.wait("-> reconcile 1 DRIVER_RUNNING")
    running.program.wait(r"<- update long@\d+ TASK_RUNNING none")
    running.program.tell("kill", "long")
    running.program.wait(r"<- update long@\d+ TASK_KILLED uuid")
    running.stored("long", "over", failures=1)
    running.ran_once("good", "child", "bad", "long")
    # It has no other way to remove a job than with a client of ZooKeeper's.
    assert running.id.encode() in client.get(f"{running.nodes}/frameworkId")[0]
    client.delete(f"{running.nodes}/J_bad")
    running.program.wait("gone bad")


def test_its_id_and_its_jobs_are_found_again_after_its_process_was_killed(running, mesos_url, tmp_path):
    framework = running.id
    running.job("early", "exit 0")
    running.stored("early", "over", successes=1)
    running.job("ends-meanwhile", until_there(tmp_path / "over"))
    running.job("child", "exit 0", parent="ends-meanwhile")
    running.job("long", "exec sleep 600")
    for name in ("ends-meanwhile", "long"):
        running.stored(name, "runs")
    running.program.kill()
    (tmp_path / "over").touch()
    until(lambda: len(running.runs.alive()) == 1, "one of them runs")
    running.start(urlparse(mesos_url).netloc)
    assert running.id == framework
    for name in ("early", "ends-meanwhile", "child", "long"):
        running.program.wait(f"found {name} .*")
    running.stored("ends-meanwhile", "over", successes=1)
    running.stored("child", "over", successes=1)
    running.program.tell("kill", "long")
    running.stored("long", "over", failures=1)
    running.ran_once("early", "ends-meanwhile", "child", "long")
    assert not running.updates("early", r"\w+") and len(running.updates("ends-meanwhile", "TASK_FINISHED")) == 1


def test_whoever_waits_for_a_zookeeper_that_hangs_is_not_interrupted(running, zookeeper):
    framework, program = running.id, running.program
    running.job("before", "exit 0")
    running.stored("before", "over", successes=1)
    zookeeper.program.process.send_signal(signal.SIGSTOP)
    try:
        # Its loop waits for an answer, is interrupted, and goes on waiting.
        program.tell("lose")
        program.wait("-> lost")
        program.tell("lead")
        program.wait("-> lead in vain: TimeoutException")
        holds(lambda: not program.all("-> the loop ends|WRONG.*"), f"the loop waits\n{program.said()}", 1)
    finally:
        zookeeper.program.process.send_signal(signal.SIGCONT)
    program.wait("-> the loop ends")
    since = program.mark()
    running.lead()
    assert running.id == framework
    program.wait("found before .*", since=since)
    running.job("after", "exit 0")
    running.stored("after", "over", successes=1)
    running.ran_once("before", "after")


def is_over(url, name):
    """Whether a master knows of a task of a job that it has ended, and that its framework knows."""
    frameworks = requests.get(f"{url}/master/state", timeout=10).json()["frameworks"]
    return any(task["id"].startswith(f"{name}@") for framework in frameworks for task in framework["completed_tasks"])


def test_an_end_that_was_acknowledged_is_not_told_again_when_the_master_has_restarted(ours, scheduler, tmp_path):
    scheduler.start(ours.master)
    framework = scheduler.id
    scheduler.job("parent", "exit 0")
    scheduler.job("child", "exit 0", parent="parent")
    scheduler.job("long", until_there(tmp_path / "over"))
    scheduler.stored("child", "over", successes=1)
    scheduler.stored("long", "runs")
    until(lambda: is_over(ours.mesos, "parent") and is_over(ours.mesos, "child"), "the ends are acknowledged")
    ours.kill()
    ours.start()
    scheduler.program.wait("<- reregistered")
    (tmp_path / "over").touch()
    scheduler.stored("long", "over", successes=1)
    scheduler.job("later", "exit 0")
    scheduler.stored("later", "over", successes=1)
    holds(lambda: len(scheduler.updates("parent|child", "TASK_FINISHED")) == 2, f"they are not told again\n{scheduler.program.said()}", 2)
    assert scheduler.id == framework
    scheduler.ran_once("parent", "child", "long", "later")
