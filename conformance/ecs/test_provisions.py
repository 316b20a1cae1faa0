"""Environment files, secrets and credentials: what containers get where flags of dev say so."""

import json
import os

import pytest
import requests

from ecs.test_metadata import environment, output
from harness.ecs import SLEEPER, Ecs, bare, shell
from harness.server import ACCOUNT, REGION, Started
from harness.wait import until

pytestmark = pytest.mark.executes

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:prod/db-AbCdEf"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/prod/key"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDHOST", "AWS_SECRET_ACCESS_KEY": "host-secret",
    "AWS_SESSION_TOKEN": "host-token",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """What stands for S3 and for the stores of secrets."""
    root = tmp_path_factory.mktemp("provisions")
    bucket = root / "s3" / "bucket"
    bucket.mkdir(parents=True)
    (bucket / "one.env").write_text("# comment\nA=one\nB=one\nEMPTY=\nnothing\n")
    (bucket / "two.env").write_text("B=two\nC=two=2\n")
    (root / "outside.env").write_text("LEAKED=yes\n")
    (bucket / "link.env").symlink_to(root / "outside.env")
    values = {"prod/db": {"user": "root", "password": "p4ss"}, "/prod/key": "k3y"}
    (root / "secrets.json").write_text(json.dumps(values))
    return root


@pytest.fixture(scope="module")
def session(place):
    binary = os.environ.get("LONGSHORE_BIN")
    if not binary:
        pytest.skip("needs a cluster of its own: LONGSHORE_BIN")
    before = {name: os.environ.get(name) for name in KEYS}
    os.environ.update(KEYS)
    try:
        started = Started(
            binary, "--s3-dir", str(place / "s3"), "--secrets", str(place / "secrets.json"),
            "--pass-credentials", "-v",
        )
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
    yield Ecs(started.server.ecs, started.server.cluster), started
    started.stop()


@pytest.fixture
def ecs(session):
    yield session[0]
    session[0].undo()


def files(*keys):
    return [{"type": "s3", "value": f"arn:aws:s3:::bucket/{key}"} for key in keys]


def secret(name, value_from):
    return {"name": name, "valueFrom": value_from}


def stopped(ecs, **more):
    task = ecs.wait(ecs.run_one(SLEEPER, **more), "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart" and "startedAt" not in task
    assert task["stoppedReason"].startswith("ResourceInitializationError: ")
    return task["stoppedReason"]


def test_environment_files_give_way_to_environment_and_to_earlier_files(ecs):
    own = [{"name": "A", "value": "own"}]
    _, given = environment(ecs, environmentFiles=files("one.env", "two.env"), environment=own)
    wanted = {"A": "own", "B": "one", "C": "two=2", "EMPTY": ""}
    assert {name: given.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("key,part", [
    ("none.env", "NoSuchKey"), ("../../outside.env", "bucket"), ("link.env", "AccessDenied"),
])
def test_a_file_that_is_missing_or_elsewhere_stops_the_task(ecs, key, part):
    reason = stopped(ecs, environmentFiles=files(key))
    assert reason.startswith("ResourceInitializationError: failed to download env files: ")
    assert part in reason


def test_secrets_reach_the_container_and_nobody_else(ecs, session, place):
    task, given = environment(ecs, secrets=[
        secret("WHOLE", SECRET), secret("USER_NAME", f"{SECRET}:user::"),
        secret("CURRENT", f"{SECRET}:password:AWSCURRENT:"), secret("KEY", PARAMETER),
        secret("KEY_BY_NAME", "/prod/key"),
    ])
    assert json.loads(given["WHOLE"]) == {"user": "root", "password": "p4ss"}
    assert (given["USER_NAME"], given["CURRENT"]) == ("root", "p4ss")
    assert given["KEY"] == given["KEY_BY_NAME"] == "k3y"
    told = json.dumps([
        ecs.task(task), ecs.client.describe_task_definition(
            taskDefinition=task["taskDefinitionArn"])["taskDefinition"],
        requests.get(given["ECS_CONTAINER_METADATA_URI_V4"] + "/task", timeout=10).json(),
    ], default=str)
    for value in ("p4ss", "k3y"):
        assert value not in told and value not in session[1].said()


@pytest.mark.parametrize("value_from,part", [
    ("/prod/none", "invalid parameters: /prod/none"),
    (SECRET.replace("db", "mq"), "ResourceNotFoundException"),
    (f"{SECRET}:token::", "did not contain json key token"),
    (f"{SECRET}:user:AWSPREVIOUS:", "AWSPREVIOUS"),
    ("../outside.env", "invalid parameters"),
])
def test_a_secret_that_is_missing_stops_the_task(ecs, value_from, part):
    assert part in stopped(ecs, secrets=[secret("A", value_from)])


def test_no_container_starts_when_another_lacks_a_secret(ecs):
    depends = [{"containerName": "first", "condition": "START"}]
    second = shell(SLEEPER, "second", dependsOn=depends, secrets=[secret("A", "/none")])
    definition = ecs.register(shell("echo began", "first"), second)["taskDefinitionArn"]
    task = ecs.wait(ecs.run(definition)[0], "STOPPED")
    assert task["stoppedReason"].startswith("ResourceInitializationError: ")
    assert all("exitCode" not in one for one in task["containers"])
    assert "began" not in output(ecs, task, "first")


def test_a_task_with_a_role_gets_the_credentials_of_this_machine(ecs, session):
    command = f"env | sort; echo END; {SLEEPER}"
    definition = ecs.register(shell(command), taskRoleArn=ROLE)["taskDefinitionArn"]
    task = ecs.wait(ecs.run(definition)[0], "RUNNING")
    until(lambda: "END" in output(ecs, task), "the environment is written")
    given = dict(one.split("=", 1) for one in output(ecs, task).splitlines() if "=" in one)
    told = requests.get(given["AWS_CONTAINER_CREDENTIALS_FULL_URI"], timeout=10).json()
    until_when = told.pop("Expiration")
    assert told == {
        "RoleArn": ROLE, "AccessKeyId": KEYS["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": KEYS["AWS_SECRET_ACCESS_KEY"], "Token": KEYS["AWS_SESSION_TOKEN"],
    }
    assert until_when.endswith("Z")
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in session[1].said()


def test_a_task_without_a_role_gets_none(ecs):
    _, given = environment(ecs)
    assert not any("CREDENTIALS" in name or "SECRET" in name for name in given)


def test_without_the_flags_such_tasks_fit_nowhere(ecs_session):
    ecs = ecs_session
    try:
        for more, role in [
            ({"secrets": [secret("A", SECRET)]}, {}),
            ({"secrets": [secret("A", PARAMETER)]}, {}),
            ({"environmentFiles": files("one.env")}, {}),
            ({}, {"taskRoleArn": ROLE}),
        ]:
            definition = ecs.register(bare(**more), **role)["taskDefinitionArn"]
            reply = ecs.try_run(definition)
            assert reply["tasks"] == []
            assert {one["reason"] for one in reply["failures"]} == {"ATTRIBUTE"}
    finally:
        ecs.undo()
