"""The server under test: one that is already up, or one that is started for the run."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
from dataclasses import dataclass

REGION = "us-east-1"
ACCOUNT = "000000000000"
ZONES = ["us-east-1a", "us-east-1b", "us-east-1c"]
READY_WITHIN_S = 30
STOPPED_WITHIN_S = 20
SCHEDULERS = {"--marathon-listen", "--chronos-listen", "--blox-listen", "--cluster-state-listen"}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True)
class Server:
    ecs: str | None
    mesos: str | None
    cluster: str
    runtime: str
    started: bool = False


def runtime():
    chosen = os.environ.get("LONGSHORE_RUNTIME", "process")
    assert chosen in ("process", "docker", "simulated"), f"LONGSHORE_RUNTIME={chosen} is unknown"
    return chosen


def given():
    """The endpoints named in the environment, or None when there are none."""
    ecs = os.environ.get("LONGSHORE_ECS_URL")
    mesos = os.environ.get("LONGSHORE_MESOS_URL")
    if not (ecs or mesos):
        return None
    cluster = os.environ.get("AWS_ECS_CLUSTER", "default")
    return Server(ecs and ecs.rstrip("/"), mesos and mesos.rstrip("/"), cluster, runtime())


def free_port():
    """A port that nobody listens on at the moment, nor will be given to somebody who asks for any."""
    return free_range(1)


def free_range(ports):
    """The first of so many ports in a row, below the ephemeral ones, that nobody listens on at the moment."""
    while True:
        first = random.randrange(10_000, 32_000 - ports)
        with contextlib.ExitStack() as listeners, contextlib.suppress(OSError):
            for port in range(first, first + ports):
                listeners.enter_context(socket.create_server(("", port)))
            return first


class Started:
    """One `longshore dev` of our own: in memory and on ports that it chooses, or with what it keeps in `data_dir` and on `ports`
    (those of the ECS and of the Mesos API), so that another one can take its place."""

    def __init__(self, binary, *more, instances="3", zones=ZONES, data_dir=None, ports=(0, 0)):
        self.log = tempfile.NamedTemporaryFile("w+", prefix="longshore-", suffix=".log")
        command = [
            binary, "dev", *(["--data-dir", str(data_dir)] if data_dir else ["--in-memory"]),
            "--runtime", runtime(), "--instances", instances,
            "--zones", ",".join(zones), "--ecs-listen", f"127.0.0.1:{ports[0]}",
            "--mesos-listen", f"127.0.0.1:{ports[1]}", "--json",
            *([] if any(flag in SCHEDULERS for flag in more) else ["--without-schedulers"]), *more,
        ]
        if runtime() == "docker":
            command += ["--default-image", "longshore/busybox:latest"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        ready = self._first_line(command)
        assert ready.get("ready") is True, f"the first line is not the ready line: {ready}"
        self.ready = ready
        self.server = Server(
            ready["ecs"] or None, ready["mesos"] or None, ready["cluster"], runtime(), True
        )
        threading.Thread(target=self._drain, daemon=True).start()

    def _first_line(self, command):
        lines = []
        reader = threading.Thread(
            target=lambda: lines.append(self.process.stdout.readline()), daemon=True
        )
        reader.start()
        reader.join(READY_WITHIN_S)
        if not lines or not lines[0].strip():
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{' '.join(command)} was not ready\n{self.said()}")
        return json.loads(lines[0])

    def _drain(self):
        for _ in self.process.stdout:
            pass

    def said(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return log.read()[-20_000:]

    def kill(self):
        """Ends the program as `kill -9` does."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        died = self.process.poll()
        assert died is None, f"the server ended by itself with {died}\n{self.said()}"
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f"the server did not stop within {STOPPED_WITHIN_S} s of SIGTERM\n{self.said()}"
            ) from None
        assert code == 0, f"the server stopped with {code}\n{self.said()}"
