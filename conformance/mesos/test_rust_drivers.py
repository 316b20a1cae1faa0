"""Schedulers written with our own drivers, as programs: the samples, which find their master by its address or in ZooKeeper, or speak
to ECS themselves; and the skeleton of a scheduler without a driver."""

import json
import os
from pathlib import Path
from urllib.parse import urlparse

import pytest
from kazoo.client import KazooClient

from harness import singularity
from harness.clients import Quiet
from harness.ecs import SLEEPER
from harness.wait import holds, until

pytestmark = pytest.mark.process_only


def sample(name):
    program = Path(os.environ.get("LONGSHORE_BIN") or "nowhere").parent / name
    if not program.exists():
        pytest.skip(f"{program} is not built: cargo build --package longshore-examples")
    return program


@pytest.fixture
def run(quiet_after, tmp_path):
    started, folder = [], tmp_path

    def start(name, *words, environment=None, given=None):
        told = {**os.environ, "RUST_BACKTRACE": "0", **(environment or {})}
        command = [sample(name), *words]
        if given is not None:
            (folder / "given").write_text(given)
            command = ["sh", "-c", 'exec "$0" "$@" < "$GIVEN"', *command]
            told["GIVEN"] = str(folder / "given")
        started.append(Quiet(command, env=told))
        return started[-1]

    yield start
    for program in started:
        if program.process.poll() is None:
            program.kill()


def test_the_hello_framework_runs_its_tasks(run, mesos_url):
    hello = run("hello-framework", urlparse(mesos_url).netloc)
    assert hello.ended(40) == 0, hello.said()
    assert hello.said().count("is TASK_FINISHED: ") == 5, hello.said()


def test_it_needs_no_master(run, ecs):
    environment = {
        "AWS_ECS_ENDPOINT": ecs.url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        "LONGSHORE_DEFAULT_IMAGE": "none",
    }
    hello = run("hello-framework", f"ecs://{ecs.cluster}", environment=environment)
    assert hello.ended(40) == 0, hello.said()
    assert hello.said().count("is TASK_FINISHED: ") == 5, hello.said()


def test_a_batch_ends_as_its_jobs_do(run, mesos_url):
    where = urlparse(mesos_url).netloc
    good = run("batch", where, given="exit 0\nexit 0\n")
    assert good.ended(40) == 0, good.said()
    bad = run("batch", where, "2", given="exit 0\nexit 3\n")
    assert bad.ended(40) == 1, bad.said()
    assert "given up   exit 3: Command exited with status 3" in bad.said()


def test_copies_are_spread_over_zones(run, mesos_url):
    spread = run("spread", urlparse(mesos_url).netloc, "4", "sleep 600")

    def zones():
        lines = [line for line in spread.said().splitlines() if line.startswith("{")]
        return json.loads(lines[-1]) if lines else {}

    def is_even():
        counts = zones().values()
        return sum(counts) == 4 and max(counts) - min(counts) <= 1

    until(is_even, "four copies run", 40)


def test_the_keeper_goes_on_after_it_was_killed(run, ecs, instances):
    """The skeleton of the guide, which speaks to ECS itself."""
    liked = instances[0]["containerInstanceArn"]
    stack = {"name": "keeper-stack", "value": "prod", "targetId": liked}
    ecs.client.put_attributes(cluster=ecs.cluster, attributes=[stack])
    definition = ecs.define(SLEEPER)
    environment = {
        "AWS_ECS_ENDPOINT": ecs.url, "AWS_ECS_CLUSTER": ecs.cluster, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }

    def copies():
        arns = ecs.client.list_tasks(cluster=ecs.cluster, startedBy="keeper")["taskArns"]
        return ecs.client.describe_tasks(cluster=ecs.cluster, tasks=arns)["tasks"] if arns else []

    def start(many):
        return run("keeper", definition, str(many), "keeper-stack=prod", environment=environment)

    try:
        first = start(3)
        until(lambda: len(copies()) == 3, "three copies are wanted", 40)
        assert {task["containerInstanceArn"] for task in copies()} == {liked}, first.said()
        first.kill()
        ecs.client.stop_task(cluster=ecs.cluster, task=copies()[0]["taskArn"])
        second = start(3)
        until(lambda: len(copies()) == 3, "the one that was stopped is replaced", 40)
        holds(lambda: len(copies()) == 3, "there are never more", 8)
        second.kill()
        start(0)
        until(lambda: not copies(), "none is wanted any more", 40)
    finally:
        for task in copies():
            ecs.client.stop_task(cluster=ecs.cluster, task=task["taskArn"])
        ecs.client.delete_attributes(cluster=ecs.cluster, attributes=[stack])


@pytest.fixture
def zookeeper():
    with singularity.zookeeper() as started:
        yield started


def master_info(url):
    where = urlparse(url)
    return json.dumps({
        "id": "elected", "ip": 16777343, "port": where.port, "hostname": "localhost", "pid": f"master@127.0.0.1:{where.port}",
        "address": {"hostname": "localhost", "ip": "127.0.0.1", "port": where.port}, "version": "1.11.0",
    }).encode()


def test_the_master_that_is_elected_in_zookeeper_is_found(run, mesos_url, zookeeper):
    client = KazooClient(f"127.0.0.1:{zookeeper.port}")
    client.start()
    try:
        hello = run("hello-framework", f"zk://127.0.0.1:{zookeeper.port}/mesos")
        # Nobody leads yet: the path is not even there.
        client.ensure_path("/mesos")
        client.create("/mesos/log_replicas", b"of nobody")
        client.create("/mesos/json.info_", master_info(mesos_url), ephemeral=True, sequence=True)
        assert hello.ended(60) == 0, hello.said()
        assert hello.said().count("is TASK_FINISHED: ") == 5, hello.said()
    finally:
        client.stop()
        client.close()


def test_a_driver_follows_the_election(run, mesos_url, zookeeper):
    client = KazooClient(f"127.0.0.1:{zookeeper.port}")
    client.start()
    try:
        # The first of them is dead: nobody listens there.
        client.ensure_path("/mesos")
        dead = client.create("/mesos/json.info_", master_info("http://127.0.0.1:9"), sequence=True)
        client.create("/mesos/json.info_", master_info(mesos_url), sequence=True)
        hello = run("hello-framework", f"zk://127.0.0.1:{zookeeper.port}/mesos")
        holds(lambda: hello.process.poll() is None, "it waits for a master that answers", 3)
        client.delete(dead)
        assert hello.ended(60) == 0, hello.said()
    finally:
        client.stop()
        client.close()
