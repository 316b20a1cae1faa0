"""A framework on pymesos 0.3.15: run, fail, kill, reconcile, fail over."""

from urllib.parse import urlparse

import pytest

from harness.ecs import SLEEPER, unique
from harness.program import Program, end_all, launch
from harness.wait import holds, until


@pytest.fixture
def frameworks(mesos_url, quiet_after):
    """Starts frameworks; those that still run at the end are stopped."""
    made = []

    def start(framework_id=None):
        arguments = [urlparse(mesos_url).netloc, unique("pymesos")]
        made.append(Program("pymesos_framework.py", *arguments, *filter(None, [framework_id])))
        return made[-1]

    yield start
    end_all(made)


@pytest.fixture
def framework(frameworks):
    started = frameworks()
    started.wait(lambda s: s["what"] == "registered", "the framework is registered")
    return started


def test_it_registers_with_an_id_and_a_version(framework):
    registered = framework.said[0]
    assert registered["id"]
    assert [int(part) for part in registered["version"].split(".")]


@pytest.mark.executes
def test_tasks_finish_fail_with_their_code_and_see_their_environment(framework):
    finishes = launch(framework, "exit 0")
    fails = launch(framework, "exit 7")
    sees = launch(framework, 'test "$WORD" = "two words" || exit 9', env={"WORD": "two words"})
    framework.wait_state(finishes, "TASK_FINISHED")
    assert "exited with status 7" in framework.wait_state(fails, "TASK_FAILED")["message"]
    framework.wait_state(sees, "TASK_FINISHED")


def test_a_killed_task_is_killed(framework):
    task_id = launch(framework, SLEEPER)
    running = framework.wait_state(task_id, "TASK_RUNNING")
    framework.order(kill=task_id)
    killed = framework.wait_state(task_id, "TASK_KILLED")
    assert killed["agent"] == running["agent"]
    assert framework.states(task_id).count("TASK_KILLED") == 1


def test_reconciliation_tells_running_and_lost(framework):
    task_id = launch(framework, SLEEPER)
    framework.wait_state(task_id, "TASK_RUNNING")
    mark, strange = len(framework.said), unique("strange")
    framework.order(reconcile=[task_id, strange])
    known = framework.wait_state(task_id, "TASK_RUNNING", since=mark)
    assert (known["reason"], known["uuid"]) == ("REASON_RECONCILIATION", None)
    lost = framework.wait_state(strange, "TASK_LOST", since=mark)
    assert lost["reason"] == "REASON_RECONCILIATION"


@pytest.mark.executes
def test_thirty_tasks_are_all_run_and_acknowledged(framework):
    wanted = {launch(framework, f"exit {n % 3}"): n % 3 for n in range(30)}
    for task_id, code in wanted.items():
        framework.wait_state(task_id, "TASK_FAILED" if code else "TASK_FINISHED", deadline_s=45)
    # The driver acknowledges by itself, so nothing is said twice.
    for task_id in wanted:
        assert len(framework.states(task_id)) == len(set(framework.states(task_id)))


def test_a_framework_that_dies_and_comes_back_has_its_task(frameworks, ecs):
    first = frameworks()
    framework_id = first.wait(lambda s: s["what"] == "registered", "registered")["id"]
    task_id = launch(first, SLEEPER)
    first.wait_state(task_id, "TASK_RUNNING")
    first.kill()
    holds(
        lambda: len(ecs.arns()) == 1,
        "the task outlives its framework", 1.0,
    )
    second = frameworks(framework_id)
    second.wait(lambda s: s["what"] == "reregistered" and s["id"] == framework_id, "back again")
    second.order(reconcile=[task_id])
    second.wait_state(task_id, "TASK_RUNNING")
    second.order(kill=task_id)
    second.wait_state(task_id, "TASK_KILLED")


def test_stopping_the_driver_tears_the_framework_down(framework, ecs):
    task_id = launch(framework, SLEEPER)
    framework.wait_state(task_id, "TASK_RUNNING")
    framework.order(stop=False)
    framework.ended()
    until(
        lambda: not ecs.arns(),
        "its task is stopped", 15,
    )
