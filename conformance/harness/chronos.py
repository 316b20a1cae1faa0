"""A `longshore chronos` of a test's own, which it may kill and start again where it was."""

import json
import os
import signal
import subprocess
import tempfile
import threading

import pytest
import requests

from harness import server as harness_server

READY_WITHIN_S = 30


def binary():
    """The program under test; without one there is nothing to start."""
    found = os.environ.get("LONGSHORE_BIN")
    if not found:
        pytest.skip("LONGSHORE_BIN names no program to start")
    return found


class Chronos:
    """The scheduler, in front of a Mesos master; what it keeps is in a folder."""

    def __init__(self, folder, master, *more, env=None):
        self.folder, self.master, self.more = folder / "chronos", master, more
        self.env = {**os.environ, **(env or {})}
        self.port = harness_server.free_port()
        self.process = None
        self.start()

    def start(self):
        self.log = tempfile.NamedTemporaryFile("w+", prefix="longshore-chronos-", suffix=".log")
        command = [
            binary(), "chronos", "--master", self.master, "--data-dir", str(self.folder),
            "--chronos-listen", f"127.0.0.1:{self.port}", "--json", *self.more,
        ]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=self.env,
        )
        lines = []
        reader = threading.Thread(target=lambda: lines.append(self.process.stdout.readline()), daemon=True)
        reader.start()
        reader.join(READY_WITHIN_S)
        if not lines or not lines[0].strip():
            self.kill()
            raise AssertionError(f"{' '.join(command)} was not ready\n{self.said()}")
        self.url = json.loads(lines[0])["chronos"]
        return self

    def said(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return log.read()[-20_000:]

    def kill(self):
        """Ends it as `kill -9` does."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(20) == 0, self.said()

    def call(self, method, path, **more):
        try:
            return requests.request(method, f"{self.url}/v1/scheduler/{path}", timeout=20, **more)
        except requests.ConnectionError as why:
            raise AssertionError(f"{why}; ended with {self.process.poll()}\n{self.said()}") from why

    def post(self, **job):
        """A job, to where it belongs."""
        path = "dependency" if "parents" in job else "iso8601"
        answer = self.call("POST", path, json=job)
        assert answer.status_code == 204, answer.text

    def job(self, name):
        return self.call("GET", f"job/{name}").json()

    def runs(self, name):
        """The runs of a job, the latest first."""
        return self.call("GET", f"job/stat/{name}").json()["taskStatHistory"]

    def state(self, name):
        jobs = self.call("GET", "jobs/summary").json()["jobs"]
        return next(job["state"] for job in jobs if job["name"] == name)
