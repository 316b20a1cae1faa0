"""Netflix's Fenzo, from Maven Central, chooses for frameworks that our library connects: its own sample, and one of ours."""

from urllib.parse import urlparse

import pytest

from harness import jvm
from harness.clients import Quiet, jars, needs
from harness.wait import until

pytestmark = pytest.mark.process_only


@pytest.fixture(params=list(jvm.GENERATIONS))
def path(request, tmp_path):
    fenzo = jars("fenzo-jars.txt")
    needs("fenzo", files=fenzo)
    return jvm.classes(request.param, tmp_path, "Spread", fenzo)


@pytest.fixture
def run(mesos_url, path, quiet_after):
    def start(program):
        return Quiet(["java", "-Xcheck:jni", "-cp", path, program, urlparse(mesos_url).netloc], env=jvm.environment())

    return start


def is_idle(ecs):
    return not ecs.arns()


@pytest.mark.parametrize("path", ["0.21.0"], indirect=True)
def test_the_sample_that_is_in_its_jar_completes_its_tasks(run, ecs):
    sample = run("com.netflix.fenzo.samples.TaskGenerator")
    assert sample.ended(60) == 0, sample.said()
    said = sample.said(10_000_000)
    assert "to complete 50 tasks" in said and jvm.is_quiet(said), sample.said()
    for task in range(50):
        assert f"Task Update: {task} in state TASK_RUNNING" in said, task
        assert f"Task Update: {task} in state TASK_FINISHED" in said, task
    until(lambda: is_idle(ecs), "no task is left", 20)


def test_it_spreads_tasks_over_zones_gives_them_ports_and_rejects_offers(run, ecs):
    program = run("Spread")
    assert program.ended(60) == 0, program.said()
    assert "done" in program.said().splitlines() and jvm.is_quiet(program.said()), program.said()
    until(lambda: is_idle(ecs), "no task is left", 20)
