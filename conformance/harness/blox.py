"""Blox in front of a local ECS, and what a client of the year 2017 would send to it."""

import json
import os
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

from harness import server as harness_server
from harness.ecs import Ecs, shell

CLUSTER = "WebCluster"


class Blox:
    """A `longshore blox serve` of our own, on ports that it chooses."""

    def __init__(self, binary, ecs_url, *more):
        self.binary = binary
        self.log = tempfile.NamedTemporaryFile("w+", prefix="longshore-blox-", suffix=".log")
        command = [
            binary, "blox", "serve", "--endpoint", ecs_url, "--region", harness_server.REGION,
            "--make-queue", "--blox-listen", "127.0.0.1:0", "--cluster-state-listen",
            "127.0.0.1:0", "--json", *(more or ("--in-memory",)),
        ]
        environment = {**os.environ, **harness_server.CREDENTIALS}
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=environment,
        )
        line = self.process.stdout.readline()
        assert line, open(self.log.name, encoding="utf-8").read()
        ready = json.loads(line)
        self.scheduler, self.state = ready["blox"], ready["clusterState"]
        self.wait(lambda: self.get("/v1/tasks")[0] == 200, "the clusters are read")

    def stop(self):
        self.process.terminate()
        assert self.process.wait(20) == 0, open(self.log.name, encoding="utf-8").read()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def wait(self, done, what, within_s=20):
        end = time.monotonic() + within_s
        while not done():
            assert time.monotonic() < end, f"not in time: {what}\n" + open(self.log.name).read()[-3000:]
            time.sleep(0.02)

    def ask(self, url, method="GET", body=None):
        """Status, content type and body. A body is sent as Python 2's urllib2 did: as a form."""
        data = None if body is None else body.encode()
        request = urllib.request.Request(url, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()

    def get(self, path):
        """From the cluster state service."""
        return self.ask(self.state + path)

    def items(self, path):
        status, _, body = self.get(path)
        assert status == 200, body
        return [item["entity"] for item in json.loads(body)["items"]]

    def call(self, method, path, body=None):
        """To the scheduler."""
        return self.ask(self.scheduler + path, method, body)

    def cli(self, *words, region=True):
        """A command of the demo: its status, and what it printed."""
        host = self.state if words[0] in ("list-tasks", "list-instances") else self.scheduler
        if words[0] == "list-task-definitions":
            where = ["--endpoint", self.ecs_url]
        else:
            where = ["--host", host.removeprefix("http://")]
        more = ["--region", harness_server.REGION] if region else []
        done = subprocess.run(
            [self.binary, "blox", *words, *where, *more], capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, env={**os.environ, **harness_server.CREDENTIALS},
        )
        return done.returncode, done.stdout, done.stderr

    def printed(self, *words):
        """The title and the JSON that a command printed."""
        code, output, errors = self.cli(*words)
        assert code == 0, output + errors
        title, _, rest = output.partition("\n")
        status, _, text = rest.lstrip("\n").partition("\n")
        if status.startswith("HTTP"):
            assert status == "HTTP Response Code: 200"
        else:
            text = rest
        return title, json.loads(text)


class Town:
    """A local ECS whose cluster is that of the slides, with Blox in front of it."""

    def __init__(self, binary, *more):
        self.local = harness_server.Started(binary, "--cluster", CLUSTER)
        self.ecs = Ecs(self.local.server.ecs, CLUSTER)
        self.binary = binary
        for _ in range(2):
            self.nginx = self.ecs.register(shell("exec sleep 600", "nginx"), family="nginx")
        self.blox = self.start(*more)

    def start(self, *more):
        blox = Blox(self.binary, self.local.server.ecs, *more)
        blox.ecs_url = self.local.server.ecs
        return blox

    def add_instance(self):
        subprocess.run(
            [self.binary, "instances", "add", "1", "--endpoint", self.local.server.ecs,
             "--cluster", CLUSTER],
            check=True, capture_output=True, env={**os.environ, **harness_server.CREDENTIALS},
        )

    def tasks(self, **more):
        """What ECS says runs, by instance."""
        client = self.ecs.client
        arns = [arn for page in client.get_paginator("list_tasks").paginate(cluster=CLUSTER, **more)
                for arn in page["taskArns"]]
        if not arns:
            return []
        return client.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]

    def stop(self):
        self.blox.stop()
        self.local.stop()


class Stream:
    """Lines of a stream of changes, as they come."""

    def __init__(self, url):
        self.lines = []
        self.answer = urllib.request.urlopen(url, timeout=60)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for line in self.answer:
                self.lines.append(json.loads(line))
        except (OSError, ValueError, AttributeError):
            pass
