"""Fixtures of all suites, and what is skipped when."""

import os
import time

import pytest

from harness import ecs as harness_ecs
from harness import mesos as harness_mesos
from harness import server as harness_server


def pytest_report_header():
    given = harness_server.given()
    where = given or os.environ.get("LONGSHORE_BIN", "nothing given")
    return f"longshore: runtime {harness_server.runtime()}, {where}"


def pytest_collection_modifyitems(items):
    runtime = harness_server.runtime()
    for item in items:
        for mark, wanted in (
            ("executes", ("process", "docker")),
            ("docker_only", ("docker",)),
            ("process_only", ("process",)),
        ):
            if item.get_closest_marker(mark) and runtime not in wanted:
                item.add_marker(pytest.mark.skip(reason=f"not with runtime {runtime}"))


@pytest.fixture(scope="session")
def server():
    """The endpoints under test."""
    given = harness_server.given()
    if given:
        yield given
        return
    binary = os.environ.get("LONGSHORE_BIN")
    if not binary:
        pytest.exit(
            "set LONGSHORE_BIN to a longshore program, or LONGSHORE_ECS_URL and "
            "LONGSHORE_MESOS_URL to endpoints that are up",
            returncode=2,
        )
    started = harness_server.Started(binary)
    yield started.server
    started.stop()


def wanted(server, url, what, variable):
    """The endpoint, which a server of our own must have; of others, tests without it are skipped."""
    if not url and server.started:
        pytest.fail(f"the server has no {what} endpoint")
    if not url:
        pytest.skip(f"needs a {what} endpoint ({variable})")
    return url


@pytest.fixture(scope="session")
def ecs_session(server):
    wanted(server, server.ecs, "ECS", "LONGSHORE_ECS_URL")
    return harness_ecs.Ecs(server.ecs, server.cluster)


@pytest.fixture
def ecs(ecs_session):
    """The ECS client; what a test makes through it is undone afterwards."""
    yield ecs_session
    ecs_session.undo()


@pytest.fixture
def client(ecs):
    """The bare boto3 client."""
    return ecs.client


@pytest.fixture
def instances(ecs):
    """The three instances of the cluster, by availability zone."""
    found = ecs.instances()
    assert len(found) == 3, "the suites want a cluster of three instances"
    return found


@pytest.fixture
def schedulers(server, mesos_url, request):
    """Makes raw v1 schedulers; all are torn down and their tasks stopped afterwards."""
    ecs = request.getfixturevalue("ecs_session") if server.ecs else None
    made = []

    def make(**info):
        made.append(harness_mesos.Scheduler(mesos_url, **info))
        return made[-1]

    yield make
    for scheduler in made:
        scheduler.end()
    if ecs:
        harness_ecs.stop_everything(ecs)
        # The master reads of it a moment later; until then offers lack what the tasks had.
        time.sleep(0.3)


@pytest.fixture
def mesos_url(server):
    return wanted(server, server.mesos, "Mesos", "LONGSHORE_MESOS_URL")


@pytest.fixture
def quiet_after(server, request):
    """Stops what programs of the test have left behind."""
    ecs = request.getfixturevalue("ecs_session") if server.ecs else None
    yield
    if ecs:
        harness_ecs.stop_everything(ecs)
