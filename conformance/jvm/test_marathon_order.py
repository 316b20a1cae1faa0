"""A scheduler of ours that drives our library as Marathon 1.11 does: its calls in its order, on as many threads."""

import os
import signal
from urllib.parse import urlparse

import pytest

from harness import jvm
from harness.lines import Lines
from harness.ours import Ours, Runs
from harness.wait import until

pytestmark = pytest.mark.process_only
# A master that has just started looks for what its predecessor left for 75 s; Marathon wants its answer within 15 s, five times in a row.
AT_ONCE_S = 5
EXIT_LOST = 3


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    jvm.library()
    return jvm.classes("1.11.0", tmp_path_factory.mktemp("classes"), "AppScheduler")


def calls(program, since=0):
    """The calls since then, each by its first word."""
    return [call[1] for call in program.all(r"-> (\w+).*", since)]


class App:
    """The scheduler; `start` starts it anew after its end, with what it has kept."""

    def __init__(self, path, folder):
        self.path, self.folder, self.runs, self.program = path, folder, Runs(folder / "runs"), None

    def start(self, master):
        if self.program:
            self.is_well()
        self.program = Lines(
            ["java", "-Xcheck:jni", "-cp", self.path, "AppScheduler", master, self.folder / "kept", self.runs.command("exec sleep 600")],
            env=jvm.environment(),
        )
        self.id = self.program.wait(r"<- registered (\S+) 1\.\S+")[1]
        return self

    def known(self):
        """The tasks that it believes in."""
        return {file.name for file in (self.folder / "kept" / "tasks").iterdir()}

    def scale(self, to):
        """Waits until so many run, as it is told and as processes; returns their processes."""
        self.program.tell("scale", to)
        return self.has(to)

    def has(self, count):
        def there():
            alive = self.runs.alive()
            asks = [call for call in calls(self.program) if call in ("suppress", "unsuppress", "revive")]
            return len(alive) == count and self.known() == set(alive) and asks[-1:] == ["suppress"]

        try:
            until(there, f"{count} tasks run")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.program.said()}") from None
        assert all(len(processes) == 1 for processes in self.runs.all().values()), "a task was started twice"
        return self.runs.alive()

    def answered(self, since=0):
        """Waits for the answer about the last task that was made up: that the master does not know it."""
        task, agent = self.program.wait(r"-> ask (\S+) (\S+)", since=since).groups()
        answer = rf"<- update {task} TASK_(LOST|UNKNOWN) SOURCE_MASTER REASON_RECONCILIATION {agent} none"
        self.program.wait(answer, AT_ONCE_S, since)
        # There is nothing to acknowledge, and whoever does it all the same does no harm.
        self.program.wait(rf"-> acknowledge {task} TASK_\w+ none", since=since)

    def ask(self):
        self.answered(self.program.tell("ask"))

    def is_well(self):
        """Nothing was refused, and the JVM's own checks found nothing."""
        assert not self.program.all("WRONG.*"), self.program.said()
        assert jvm.is_quiet("\n".join(self.program.lines)), self.program.said()

    def quit(self):
        if self.program.process.poll() is None:
            self.program.tell("quit")
            assert self.program.ended() == 0, self.program.said()


@pytest.fixture
def app(path, tmp_path):
    made = App(path, tmp_path)
    yield made
    if made.program:
        made.quit()
        made.is_well()


@pytest.fixture
def running(mesos_url, quiet_after, app):
    return app.start(urlparse(mesos_url).netloc)


@pytest.fixture
def ours(tmp_path):
    made = Ours(tmp_path)
    yield made
    made.stop()


def test_it_suppresses_its_role_reconciles_and_asks_whether_anybody_is_there(running):
    running.answered()
    assert [call for call in calls(running.program) if call not in ("decline", "acknowledge")] == ["suppress", "reconcile", "ask"]
    running.ask()


def test_an_app_is_scaled_up_and_down(running):
    program = running.program
    running.answered()
    since = program.mark()
    # More than it takes of one round of offers: once the role is no longer suppressed it asks for more.
    running.scale(8)
    up = calls(program, since)
    assert up[0] == "unsuppress" and "revive" in up and up.count("accept") == 4, program.said()
    since = program.mark()
    running.scale(2)
    program.wait(r"-> acknowledge app\S+ TASK_KILLED uuid", since=since, count=6)
    running.ask()
    # What the six have left is not offered: the role is suppressed.
    assert not program.all("<- offers .*", since) and calls(program, since).count("kill") == 6, program.said()
    running.scale(3)
    running.scale(0)
    program.wait(r"<- update app\S+ TASK_KILLED .*", count=9)
    for update in program.all(r"<- update (\S+) (\w+) .* (\w+)"):
        program.wait("-> acknowledge " + " ".join(update.groups()))


def test_a_task_that_dies_is_replaced(running):
    before = running.scale(3)
    task, process = min(before.items())
    os.kill(process, signal.SIGKILL)
    running.program.wait(rf"<- update {task} TASK_FAILED SOURCE_EXECUTOR .* uuid")
    after = running.has(3)
    assert task not in after and len(set(after) & set(before)) == 2


def test_it_comes_back_with_its_id_after_its_process_was_killed_and_loses_and_doubles_nothing(running, mesos_url):
    before, framework = running.scale(4), running.id
    running.program.kill()
    dead, process = min(before.items())
    os.kill(process, signal.SIGKILL)
    running.start(urlparse(mesos_url).netloc)
    assert running.id == framework
    running.program.wait("-> reconcile 4")
    running.program.wait(rf"<- update {dead} TASK_FAILED .*")
    after = running.has(4)
    assert set(before) - set(after) == {dead}
    for task in set(before) & set(after):
        # Once since it was named, and once since it lives.
        running.program.wait(rf"<- update {task} TASK_RUNNING \w+ REASON_RECONCILIATION \S+ none", count=2)
    assert running.scale(5).items() > after.items()


def test_the_pacemaker_is_answered_at_once_although_the_server_has_just_started(ours, app):
    app.start(ours.master)
    framework = app.id
    app.scale(1)
    app.program.kill()
    ours.kill()
    ours.start()
    app.start(ours.master)
    assert app.id == framework
    app.answered()
    app.ask()


def test_it_stops_inside_disconnected_when_the_server_is_killed_and_later_finds_its_tasks(ours, app):
    before, framework = app.start(ours.master).scale(3), app.id
    ours.kill()
    assert app.program.ended() == EXIT_LOST, app.program.said()
    last = [line[0] for line in app.program.all("<- disconnected|-> (stop|run) .*")]
    assert last == ["<- disconnected", "-> stop DRIVER_STOPPED", "-> run DRIVER_STOPPED"], app.program.said()
    assert app.runs.alive() == before
    ours.start()
    app.start(ours.master)
    assert app.id == framework
    for task in before:
        app.program.wait(rf"<- update {task} TASK_RUNNING \w+ REASON_RECONCILIATION \S+ none")
    assert app.scale(4).items() > before.items()
