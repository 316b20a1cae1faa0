"""avmesos 0.4.2 and mesoshttp 0.4.2: two libraries over the v1 API in JSON, which read the stream line by line."""

from urllib.parse import urlparse

import pytest

from harness.ecs import SLEEPER, unique
from harness.program import Program, end_all, launch
from harness.wait import holds, until


@pytest.fixture(params=["avmesos", "mesoshttp"])
def library(request):
    return request.param


@pytest.fixture
def frameworks(mesos_url, quiet_after, library):
    """Starts frameworks; those that still run at the end are stopped."""
    made = []

    def start(framework_id=None):
        arguments = [library, urlparse(mesos_url).netloc, unique(library), *filter(None, [framework_id])]
        made.append(Program("http_framework.py", *arguments))
        made[-1].wait(lambda s: s["what"] == "registered", "the framework is registered")
        return made[-1]

    yield start
    end_all(made)


@pytest.fixture
def framework(frameworks):
    return frameworks()


@pytest.mark.executes
def test_tasks_finish_and_fail_with_their_code(framework):
    finishes = launch(framework, "exit 0")
    fails = launch(framework, "exit 7")
    sees = launch(framework, 'test "$WORD" = "two words" || exit 9', env={"WORD": "two words"})
    framework.wait_state(finishes, "TASK_FINISHED")
    assert "exited with status 7" in framework.wait_state(fails, "TASK_FAILED")["message"]
    framework.wait_state(sees, "TASK_FINISHED")
    # The libraries acknowledge before the callback, so nothing is told twice.
    for task_id in (finishes, fails, sees):
        assert len(framework.states(task_id)) == len(set(framework.states(task_id)))


def test_a_killed_task_is_killed_and_reconciliation_knows_what_runs(framework):
    task_id = launch(framework, SLEEPER)
    running = framework.wait_state(task_id, "TASK_RUNNING")
    mark, strange = len(framework.said), unique("strange")
    framework.order(reconcile=[task_id, strange])
    assert framework.wait_state(task_id, "TASK_RUNNING", since=mark)["reason"] == "REASON_RECONCILIATION"
    assert framework.wait_state(strange, "TASK_LOST", since=mark)["reason"] == "REASON_RECONCILIATION"
    framework.order(kill=task_id)
    assert framework.wait_state(task_id, "TASK_KILLED")["agent"] == running["agent"]


def test_a_framework_that_dies_and_comes_back_has_its_task(frameworks, ecs):
    first = frameworks()
    framework_id = first.said[0]["id"]
    task_id = launch(first, SLEEPER)
    first.wait_state(task_id, "TASK_RUNNING")
    first.kill()
    holds(
        lambda: len(ecs.arns()) == 1,
        "the task outlives its framework", 1.0,
    )
    second = frameworks(framework_id)
    assert second.said[0]["id"] == framework_id
    second.order(reconcile=[task_id])
    second.wait_state(task_id, "TASK_RUNNING")
    second.order(kill=task_id)
    second.wait_state(task_id, "TASK_KILLED")


def test_teardown_ends_the_tasks(framework, ecs):
    task_id = launch(framework, SLEEPER)
    framework.wait_state(task_id, "TASK_RUNNING")
    framework.order(stop=False)
    framework.ended()
    until(lambda: not ecs.arns(), "its task is stopped", 15)
