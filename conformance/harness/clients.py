"""The clients that are not Python, as `clients.sh` has fetched them: where they are, or why they are not there."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parent.parent / "clients"


def cache():
    given = os.environ.get("LONGSHORE_CONFORMANCE_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(base) / "longshore" / "conformance"


def needs(name, *programs, files=()):
    """Skips the test, with the reason that `clients.sh` has given, where the client is not on this machine."""
    why = cache() / f"{name}.why"
    missing = [program for program in programs if not shutil.which(program)]
    missing += [str(file) for file in files if not Path(file).exists()]
    if why.exists():
        pytest.skip(f"{name} is not here: {why.read_text().strip()}")
    if missing:
        pytest.skip(f"{name} is not here: there is no {' and no '.join(missing)}")


def jars(listed="jars.txt"):
    """The jars that a file of `clients` lists, in its order: Singularity and what goes before it on the class path."""
    found = []
    for line in (CLIENTS / listed).read_text().splitlines():
        if line and not line.startswith("#"):
            _, name, version, *classifier = line.split()[0].split(":")
            found.append(cache() / "jars" / ("-".join([name, version, *classifier[1:]]) + ".jar"))
    return found


def mesos_go(command):
    """The path of a command of mesos-go."""
    needs("mesos-go", files=[cache() / "mesos-go" / command])
    return cache() / "mesos-go" / command


def mesos_framework():
    """The folder whose `node_modules` has mesos-framework."""
    needs("mesos-framework", "node", files=[cache() / "npm" / "node_modules" / "mesos-framework"])
    return cache() / "npm"


class Quiet:
    """A program whose output goes to a file; `said` has the end of it."""

    def __init__(self, command, **more):
        self.log = tempfile.NamedTemporaryFile("w+", prefix="longshore-client-", suffix=".log")
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT, **more,
        )

    def said(self, characters=6000):
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return log.read()[-characters:]

    def ended(self, deadline_s):
        """Waits for the end and returns the exit code."""
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"not ended within {deadline_s} s: {self.said()}") from None

    def stop(self, patience_s=10):
        """SIGTERM, then SIGKILL; nothing where it has ended."""
        self.process.terminate()
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()


class Watch(threading.Thread):
    """Calls look again and again until it is stopped; what look raises is kept in `wrong`."""

    def __init__(self, look, every_s=0.1):
        super().__init__(daemon=True)
        self.look, self.every_s = look, every_s
        self.looks, self.wrong, self._over = 0, [], threading.Event()

    def run(self):
        while not self._over.wait(self.every_s):
            try:
                self.look()
                self.looks += 1
            except Exception as broken:  # told by the test, which must not pass without a watch
                self.wrong.append(f"{time.strftime('%H:%M:%S')} {broken!r}")

    def stop(self):
        self._over.set()
        self.join(30)
