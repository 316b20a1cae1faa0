"""Yelp's task-processing 1.4.0 with its MesosTaskExecutor, in the role "*"."""

import json
from urllib.parse import urlparse

import pytest

from harness.ecs import SLEEPER, image, unique
from harness.program import Program

pytestmark = pytest.mark.executes


@pytest.fixture
def outcomes(mesos_url, quiet_after):
    """Runs commands, one after the other, in one program; returns what became of each."""
    programs = []

    def run(*commands):
        programs.append(
            Program(
                "task_processing_run.py", urlparse(mesos_url).netloc, unique("task-processing"),
                image(), json.dumps(commands),
            )
        )
        programs[-1].wait(lambda s: "stopped" in s, "the program has stopped", 80)
        programs[-1].ended()
        *told, last = programs[-1].said
        assert last["stopped"] is True
        return told

    yield run
    for program in programs:
        if program.process.poll() is None:
            program.kill()


def test_commands_succeed_fail_with_their_code_and_are_killed(outcomes):
    good, bad, killed, sync = outcomes("exit 0", "exit 7", f"kill:{SLEEPER}", "sync:exit 0")
    assert (good["success"], good["state"]) == (True, "TASK_FINISHED")
    assert (bad["success"], bad["state"]) == (False, "TASK_FAILED")
    assert "exited with status 7" in bad["message"]
    assert (killed["success"], killed["state"]) == (False, "TASK_KILLED")
    assert "running" in killed["states"]
    assert (sync["success"], sync["state"]) == (True, "TASK_FINISHED")
