"""A `longshore dev` of a test's own, which it may kill and start again where it was, and the processes that tasks are."""

import os
from pathlib import Path
from urllib.parse import urlparse

import pytest

from harness import server as harness_server
from harness.ecs import Ecs, stop_everything
from harness.server import Started, free_port


class Ours:
    """The server; what it keeps is in a folder. Skips the test when endpoints are given."""

    def __init__(self, folder):
        if harness_server.given():
            pytest.skip("a server of its own is killed and started again")
        self.folder, self.ports = folder / "longshore", (free_port(), free_port())
        self.start()

    def start(self):
        self.started = Started(os.environ["LONGSHORE_BIN"], data_dir=self.folder, ports=self.ports)
        self.mesos = self.started.server.mesos
        self.master = urlparse(self.mesos).netloc

    def kill(self):
        self.started.kill()

    def stop(self):
        """Its end, and that of its tasks, which would go on."""
        if self.started.process.poll() is not None:
            self.start()
        stop_everything(Ecs(self.started.server.ecs, self.started.server.cluster))
        self.started.stop()


class Runs:
    """Tasks that write down their process each time they are started: each into a file with its id for a name."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def command(self, then):
        return f"echo $$ >> {self.folder}/$MESOS_TASK_ID; {then}"

    def all(self):
        """Every process that each task ever was, by task."""
        return {file.name: [int(line) for line in file.read_text().split()] for file in self.folder.iterdir()}

    def alive(self):
        """The process of each task that runs."""
        return {task: run for task, runs in self.all().items() for run in runs if is_alive(run)}


def is_alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
