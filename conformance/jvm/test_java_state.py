"""The state that Java frameworks keep through our library, in a real ZooKeeper, and what the library does not have."""

import pytest
from kazoo.client import KazooClient

from harness import jvm, singularity
from harness.clients import Quiet
from harness.server import free_port

pytestmark = pytest.mark.process_only
UUID = bytes(range(16))


@pytest.fixture(scope="module", params=["0.21.0", "1.11.0"])
def path(request, tmp_path_factory):
    jvm.library()
    return jvm.classes(request.param, tmp_path_factory.mktemp("classes"), "States")


@pytest.fixture(scope="module")
def zookeeper():
    with singularity.zookeeper() as started:
        yield f"127.0.0.1:{started.port}"


@pytest.fixture
def client(zookeeper):
    client = KazooClient(zookeeper)
    client.start()
    for name in ("harness", "left"):
        client.add_auth("digest", "user:secret")
        client.delete(f"/{name}", recursive=True)
    yield client
    client.stop()
    client.close()


@pytest.fixture
def run(path):
    def start(scenario, servers):
        return Quiet(["java", "-Xcheck:jni", "-cp", path, "States", scenario, servers], env=jvm.environment())

    return start


def holds(harness):
    assert harness.ended(90) == 0, harness.said()
    said = harness.said()
    assert said.rstrip().endswith("done") and jvm.is_quiet(said), said


@pytest.mark.parametrize("scenario", ["life", "many", "wrong"])
def test_state_is_kept(run, client, zookeeper, scenario):
    holds(run(scenario, zookeeper))


def test_whoever_waits_for_a_zookeeper_that_is_away_decides_how_long(run):
    holds(run("away", f"127.0.0.1:{free_port()}"))


def entry(name, value):
    """An entry as libmesos writes it."""
    return b"\n" + bytes([len(name)]) + name + b"\x12\x10" + UUID + b"\x1a" + bytes([len(value)]) + value


def test_the_nodes_are_those_of_mesos(run, client, zookeeper):
    client.ensure_path("/left/open")
    client.create("/left/open/foreign", entry(b"foreign", b"theirs"))
    holds(run("own", zookeeper))
    stored, _ = client.get("/left/open/job")
    assert len(stored) == len(entry(b"job", b"value"))
    assert stored.startswith(b"\n\x03job\x12\x10") and stored.endswith(b"\x1a\x05value")
    everybody, _ = client.get_acls("/left/open/job")
    assert [(acl.id.scheme, acl.perms) for acl in everybody] == [("world", 31)]
    own, _ = client.get_acls("/left/own/job")
    assert sorted((acl.id.scheme, acl.perms) for acl in own) == [("digest", 31), ("world", 1)]


def test_what_the_library_does_not_have_says_so(run):
    holds(run("absent", "nowhere"))
