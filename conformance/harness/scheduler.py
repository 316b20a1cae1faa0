"""A built-in scheduler of a test's own (`longshore chronos`, `longshore marathon`), which it may kill and start again where it was."""

import json
import os
import signal
import subprocess
import tempfile
import threading

import pytest

from harness import server as harness_server

READY_WITHIN_S = 30


def binary():
    """The program under test; without one there is nothing to start."""
    found = os.environ.get("LONGSHORE_BIN")
    if not found:
        pytest.skip("LONGSHORE_BIN names no program to start")
    return found


class Scheduler:
    """One in front of a Mesos master; what it keeps is in a folder. KIND is its command, and where its ready line has its URL."""

    KIND = None

    def __init__(self, folder, master, *more, env=None):
        self.folder, self.master, self.more = folder / self.KIND, master, more
        self.env = {**os.environ, **(env or {})}
        self.port = harness_server.free_port()
        self.process = None
        self.start()

    def start(self):
        self.log = tempfile.NamedTemporaryFile("w+", prefix=f"longshore-{self.KIND}-", suffix=".log")
        keeps = [] if "--store" in self.more else ["--data-dir", str(self.folder)]
        command = [
            binary(), self.KIND, "--master", self.master, *keeps,
            f"--{self.KIND}-listen", f"127.0.0.1:{self.port}", "--json", *self.more,
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
        self.url = json.loads(lines[0])[self.KIND]
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
