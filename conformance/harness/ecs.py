"""boto3 with what most tests need: registering, running, waiting, and undoing all of it."""

import contextlib
import itertools
import json
import os
import time

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from harness.server import ACCOUNT, REGION
from harness.wait import until

IMAGE = "longshore/busybox:latest"
TARGET = "AmazonEC2ContainerServiceV20141113"
ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:"
# Ends with 0 on SIGTERM: the shell waits for a child in the background, so that its trap runs at
# once also where it is process 1 of a container.
SLEEPER = "trap 'exit 0' TERM; sleep 600 & wait $!"
# Takes no notice of SIGTERM; an ignored signal stays ignored in the children.
STUBBORN = "trap '' TERM; while :; do sleep 0.2; done"
# Both at once: long enough to be seen RUNNING, then gone by itself.
BRIEF = "sleep 1"
# What DescribeTasks takes in one call.
DESCRIBED_MAX = 100

_serial = itertools.count()


def image():
    """The image name for tests: pulled by nobody, ignored where plain processes run."""
    return IMAGE


def unique(stem="t"):
    return f"{stem}-{os.getpid()}-{next(_serial)}-{time.time_ns() % 1_000_000_007:x}"


def shell(command, name="main", **more):
    """A container definition that runs command in a shell."""
    return {
        "name": name, "image": image(), "cpu": 64, "memory": 32, "essential": True,
        "stopTimeout": 5, "command": ["sh", "-c", command], **more,
    }


def bare(name="main", **more):
    """A container definition for tests that never run it."""
    return {"name": name, "image": image(), "memory": 32, **more}


def resource(instance, name, which="remainingResources"):
    """What an instance says of CPU or MEMORY (a number) or of PORTS or PORTS_UDP (a set)."""
    for entry in instance[which]:
        if entry["name"] == name:
            if entry["type"] == "STRINGSET":
                return {int(port) for port in entry.get("stringSetValue", [])}
            assert entry["type"] == "INTEGER", entry
            return entry["integerValue"]
    raise AssertionError(f"{name} is not among {instance[which]}")


def attribute(instance, name):
    """The value of an attribute of an instance; nothing where it has none."""
    found = [a.get("value", "") for a in instance["attributes"] if a["name"] == name]
    return found[0] if found else ""


def zone_of(instance):
    """The availability zone of an instance; nothing where it has none."""
    return attribute(instance, "ecs.availability-zone")


def machine_of(instance):
    """The machine that an instance is on: one of its own where it does not name one."""
    return attribute(instance, "longshore.machine") or instance["containerInstanceArn"]


class error:
    """`with error("ClientException", "text"):` the call must fail so; text is a part of the
    message or a tuple of parts. The first argument may be a tuple of codes."""

    def __init__(self, codes, text=()):
        self.codes = (codes,) if isinstance(codes, str) else codes
        self.parts = (text,) if isinstance(text, str) else text

    def __enter__(self):
        return self

    def __exit__(self, kind, exception, trace):
        assert exception is not None, f"the call succeeded instead of failing with {self.codes}"
        if not isinstance(exception, ClientError):
            return False
        self.response = exception.response
        said = exception.response["Error"]
        assert said["Code"] in self.codes, said
        assert said["Message"], "an error without a message"
        for part in self.parts:
            assert part in said["Message"], f"{part!r} is not in {said['Message']!r}"
        assert exception.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        return True


class Ecs:
    """A client of the server under test; `undo` puts back whatever went through it."""

    def __init__(self, url, cluster):
        self.url = url
        self.cluster = cluster
        self.client = boto3.client(
            "ecs", endpoint_url=url, region_name=REGION,
            aws_access_key_id="test", aws_secret_access_key="test",
            config=Config(
                retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30,
                max_pool_connections=32,
            ),
        )
        self._definitions = []
        self._tasks = []
        self._clusters = []

    # Doing.

    def register(self, *containers, family=None, **more):
        """Registers a task definition and returns it."""
        made = self.client.register_task_definition(
            family=family or unique("td"), containerDefinitions=list(containers), **more
        )["taskDefinition"]
        self._definitions.append(made["taskDefinitionArn"])
        return made

    def define(self, command, name="main", **more):
        """Registers one container that runs command in a shell; returns the definition's ARN."""
        return self.register(shell(command, name, **more))["taskDefinitionArn"]

    def run(self, definition, count=1, **more):
        """RunTask that must place all of its tasks; returns them."""
        reply = self.try_run(definition, count=count, **more)
        assert reply["failures"] == [], reply["failures"]
        assert len(reply["tasks"]) == count
        return reply["tasks"]

    def run_one(self, command, **more):
        """Runs command in a shell as a task of one container; returns the task."""
        return self.run(self.define(command, **more))[0]

    def try_run(self, definition, **more):
        reply = self.client.run_task(cluster=self.cluster, taskDefinition=definition, **more)
        self.adopt(reply["tasks"])
        return reply

    def start(self, definition, instances, **more):
        """StartTask on instances (ARNs or ids); returns the reply."""
        reply = self.client.start_task(
            cluster=self.cluster, taskDefinition=definition, containerInstances=list(instances),
            **more,
        )
        self.adopt(reply["tasks"])
        return reply

    def stop(self, *tasks, reason=None):
        """StopTask for each of tasks, then waits until they are STOPPED; returns them."""
        arns = [task if isinstance(task, str) else task["taskArn"] for task in tasks]
        for arn in arns:
            more = {} if reason is None else {"reason": reason}
            self.client.stop_task(cluster=self.cluster, task=arn, **more)
        return [self.wait(arn, "STOPPED") for arn in arns]

    def adopt(self, tasks):
        """Takes tasks that were started by other means among those to be stopped afterwards."""
        self._tasks += [task["taskArn"] for task in tasks]

    def new_cluster(self, **more):
        name = unique("cluster")
        made = self.client.create_cluster(clusterName=name, **more)["cluster"]
        self._clusters.append(name)
        return made

    def join_instance(self, cluster, **more):
        """Registers a container instance that no agent stands behind; returns it."""
        ports = {"type": "STRINGSET", "stringSetValue": ["22", "2375", "2376", "51678", "51679"]}
        given = {
            "cluster": cluster,
            "instanceIdentityDocument": "",
            "instanceIdentityDocumentSignature": "",
            "totalResources": [
                {"name": "CPU", "type": "INTEGER", "integerValue": 2048},
                {"name": "MEMORY", "type": "INTEGER", "integerValue": 4096},
                {"name": "PORTS", **ports},
                {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
            ],
            "versionInfo": {"agentVersion": "1.105.1", "agentHash": "0", "dockerVersion": "DockerVersion: 20.10.24"},
            "attributes": [{"name": "ecs.os-type", "value": "linux"}],
            **more,
        }
        return self.client.register_container_instance(**given)["containerInstance"]

    # Seeing.

    def task(self, task, include=()):
        arn = task if isinstance(task, str) else task["taskArn"]
        reply = self.client.describe_tasks(
            cluster=self.cluster, tasks=[arn], include=list(include)
        )
        assert reply["failures"] == [], reply["failures"]
        return reply["tasks"][0]

    def arns(self, **filters):
        """The ARNs of all tasks of the cluster that ListTasks finds, over all its pages.

        The cluster of a suite keeps what has stopped for an hour, which is more than one page.
        """
        pages = self.client.get_paginator("list_tasks").paginate(cluster=self.cluster, **filters)
        return [arn for page in pages for arn in page["taskArns"]]

    def tasks(self, include=(), **filters):
        """What DescribeTasks says of all tasks that ListTasks finds."""
        arns, found = self.arns(**filters), []
        for first in range(0, len(arns), DESCRIBED_MAX):
            some = arns[first:first + DESCRIBED_MAX]
            found += self.client.describe_tasks(cluster=self.cluster, tasks=some, include=list(include))["tasks"]
        return found

    def wait(self, task, status, deadline_s=30.0):
        """Waits until the task has the status and returns it; STOPPED ends every wait."""
        def check():
            seen.append(self.task(task))
            if seen[-1]["lastStatus"] == "STOPPED" != status:
                raise AssertionError(f"the task stopped before it was {status}: {seen[-1]}")
            return seen[-1] if seen[-1]["lastStatus"] == status else None

        seen = []
        try:
            return until(check, f"the task is {status}", deadline_s)
        except AssertionError as late:
            raise AssertionError(f"{late}: {seen[-1]}") from None

    def instances(self, cluster=None):
        """All instances of the cluster, described, ordered by availability zone."""
        name = cluster or self.cluster
        pages = self.client.get_paginator("list_container_instances").paginate(cluster=name)
        arns = [arn for page in pages for arn in page["containerInstanceArns"]]
        if not arns:
            return []
        reply = self.client.describe_container_instances(cluster=name, containerInstances=arns)
        assert reply["failures"] == []
        return sorted(reply["containerInstances"], key=zone_of)

    def instance(self, arn):
        reply = self.client.describe_container_instances(
            cluster=self.cluster, containerInstances=[arn]
        )
        return reply["containerInstances"][0]

    # Below the client.

    def signed(self, operation, data, **headers):
        """The headers of a signed request; those given override, None leaves one out."""
        wanted = {
            "X-Amz-Target": f"{TARGET}.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        wanted = {name: value for name, value in wanted.items() if value is not None}
        request = botocore.awsrequest.AWSRequest("POST", self.url + "/", wanted, data)
        keys = botocore.credentials.Credentials("test", "test")
        botocore.auth.SigV4Auth(keys, "ecs", REGION).add_auth(request)
        return dict(request.headers)

    def raw(self, operation, body, **headers):
        """One signed request that the client library would not send; returns the response."""
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        sent = self.signed(operation, data, **headers)
        return requests.post(self.url + "/", data=data, headers=sent, timeout=30)

    # Undoing.

    def undo(self):
        for arn in self._tasks:
            self.client.stop_task(cluster=self.cluster, task=arn)
        for arn in self._tasks:
            self.wait(arn, "STOPPED", 45)
        for arn in self._definitions:
            # A test may have deleted it.
            with contextlib.suppress(self.client.exceptions.ClientException):
                self.client.deregister_task_definition(taskDefinition=arn)
        for name in self._clusters:
            self._undo_cluster(name)
        self._tasks, self._definitions, self._clusters = [], [], []

    def _undo_cluster(self, name):
        described = self.client.describe_clusters(clusters=[name])["clusters"]
        if not described or described[0]["status"] == "INACTIVE":
            return
        listed = self.client.list_container_instances(cluster=name)["containerInstanceArns"]
        for arn in listed:
            self.client.deregister_container_instance(
                cluster=name, containerInstance=arn, force=True
            )
        self.client.delete_cluster(cluster=name)


def stop_everything(ecs):
    """Stops whatever still runs on the cluster, as after a framework that was torn down."""
    for arn in ecs.arns():
        try:
            ecs.client.stop_task(cluster=ecs.cluster, task=arn, reason="end of a test")
        except ClientError:
            pass
    idle = lambda: all(  # noqa: E731
        resource(i, "CPU") == resource(i, "CPU", "registeredResources")
        and resource(i, "MEMORY") == resource(i, "MEMORY", "registeredResources")
        for i in ecs.instances()
    )
    until(lambda: not ecs.arns() and idle(), "the cluster is idle again", 45)
