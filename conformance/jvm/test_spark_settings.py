"""The settings of Spark's Mesos backend: what they do here, and that what cannot be had is refused by name."""

import json
import os
from urllib.parse import urlparse

import pytest
import requests

from harness import spark
from harness.ecs import Ecs
from harness.server import Started
from harness.wait import until

pytestmark = [pytest.mark.process_only, pytest.mark.timeout(300)]

CREDENTIALS = {"credentials": [{"principal": "spark", "secret": "hush"}]}
SECRETS = {"/prod/token": "open sesame"}


@pytest.fixture
def client(quiet_after):
    made = spark.Spark()
    yield made
    made.close()


@pytest.fixture(scope="module")
def guarded(server, tmp_path_factory):
    """A server with credentials, a rack for each instance, and files that may be fetched."""
    if not server.started:
        pytest.skip("the server must be one of our own (LONGSHORE_BIN)")
    folder = tmp_path_factory.mktemp("guarded")
    credentials = folder / "credentials"
    credentials.write_text(json.dumps(CREDENTIALS))
    credentials.chmod(0o600)
    (folder / "words.txt").write_text("some words\n")
    racks = [word for number, rack in enumerate("abc", 1) for word in ("--attribute", f"{number}:rack={rack}")]
    secrets = folder / "secrets.json"
    secrets.write_text(json.dumps(SECRETS))
    secrets.chmod(0o600)
    started = Started(
        os.environ["LONGSHORE_BIN"], "--mesos-credentials", str(credentials), "--fetch-dir", str(folder),
        "--plain-secrets", "--secrets", str(secrets), *racks,
    )
    started.folder = folder
    yield started
    started.stop()


def test_credentials_roles_constraints_files_and_environment_reach_executors(client, guarded):
    mesos_url, words = guarded.server.mesos, guarded.folder / "words.txt"
    settings = {
        "spark.mesos.principal": "spark", "spark.mesos.secret": "hush", "spark.mesos.role": "analytics",
        "spark.mesos.constraints": "rack:c,a", "spark.mesos.uris": str(words), "spark.executorEnv.GREETING": "hello",
        "spark.mesos.task.labels": "team:blue",
    }
    job = client.submit(urlparse(mesos_url).netloc, spark.PROGRAMS / "look.py", words, "GREETING", settings=settings)
    assert job.ended(120) == 0, job.said()
    assert "seen <[('some words', 'hello')]>" in spark.said(job) and spark.is_well(job), job.said()

    (application,) = spark.waits(job, "application <(.*)>")
    ended = until(lambda: spark.framework(mesos_url, application, auth=("spark", "hush")), "the framework is torn down", 20)
    assert (ended["role"], ended["principal"]) == ("analytics", "spark"), ended
    assert all(task["labels"] == [{"key": "team", "value": "blue"}] for task in ended["completed_tasks"]), ended
    racks = {agent: rack for agent, rack in rack_of_agents(mesos_url).items() if rack in ("a", "c")}
    assert {task["slave_id"] for task in ended["completed_tasks"]} == racks.keys(), ended


@pytest.mark.parametrize("kept", ["names=/prod/token", "values=open sesame"])
def test_secrets_reach_the_environment_of_executors(client, guarded, kept):
    which, value = kept.split("=")
    settings = {
        "spark.mesos.principal": "spark", "spark.mesos.secret": "hush", "spark.mesos.uris": str(guarded.folder / "words.txt"),
        "spark.mesos.executor.secret.envkeys": "TOKEN", f"spark.mesos.executor.secret.{which}": value,
    }
    words = guarded.folder / "words.txt"
    job = client.submit(urlparse(guarded.server.mesos).netloc, spark.PROGRAMS / "look.py", words, "TOKEN", settings=settings)
    assert job.ended(120) == 0, job.said()
    assert "seen <[('some words', 'open sesame')]>" in spark.said(job) and spark.is_well(job), job.said()
    shown = json.dumps(Ecs(guarded.server.ecs, guarded.server.cluster).tasks(desiredStatus="STOPPED"), default=str)
    assert ("open sesame" in shown) == (which == "values"), shown


def rack_of_agents(mesos_url):
    slaves = requests.get(f"{mesos_url}/slaves", auth=("spark", "hush"), timeout=10).json()["slaves"]
    return {slave["id"]: slave["attributes"]["rack"] for slave in slaves}


def test_a_wrong_secret_ends_the_job_at_once_with_the_reason(client, guarded):
    settings = {"spark.mesos.principal": "spark", "spark.mesos.secret": "loud"}
    job = client.submit(urlparse(guarded.server.mesos).netloc, spark.PROGRAMS / "shuffle.py", settings=settings)
    assert job.ended(60) == 1, job.said()
    assert "wants a credential, and the framework has none or another one: 401" in spark.said(job) and spark.is_well(job), job.said()


# What is set, and what the library says of an executor with it.
SECRET = "spark.mesos.executor.secret.values=hush;spark.mesos.executor.secret."
REFUSED = {
    SECRET + "envkeys=TOKEN": "the secret of environment variable 'TOKEN' would be shown",
    SECRET + "filenames=token": "volumes of type SECRET cannot be mapped",
    "spark.mesos.network.name=overlay": "the container network 'overlay' cannot be mapped",
}


def test_what_cannot_be_had_is_refused_by_name(client, mesos_url, ecs, tmp_path):
    job = client.submit(urlparse(mesos_url).netloc, spark.PROGRAMS / "refused.py", tmp_path, *REFUSED)
    for turn, why in enumerate(REFUSED.values()):
        spark.waits(job, f"task [0-9]+ is TASK_ERROR: .*{why}")
        (tmp_path / str(turn)).touch()
    assert job.ended(60) == 0 and spark.is_well(job), job.said()
    assert not ecs.arns()
