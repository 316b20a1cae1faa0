"""Programs that run beside a test as processes of their own: a driver that dies ends only itself."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from harness.ecs import image, unique

PROGRAMS = Path(__file__).parent.parent / "mesos" / "programs"


class Program:
    """A program that speaks JSON lines; everything it says is kept in `said`."""

    def __init__(self, name, *arguments, environment=None):
        interpreter = ["node"] if name.endswith(".js") else [sys.executable, "-W", "ignore"]
        command = [*interpreter, str(PROGRAMS / name), *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(environment or {})},
        )
        self.said, self.errors = [], []
        self._news = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._news:
                self.said.append({**json.loads(line), "at": time.monotonic()})
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line)

    def order(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def wait(self, wanted, what, deadline_s=30.0, since=0):
        """Waits for the first thing said from index since on for which wanted is true."""
        def find():
            return next((s for s in self.said[since:] if wanted(s)), None)

        with self._news:
            end = time.monotonic() + deadline_s
            while (found := find()) is None:
                left = end - time.monotonic()
                if left <= 0 or self.process.poll() is not None and not self._readers[0].is_alive():
                    errors = "".join(self.errors[-30:])
                    raise AssertionError(f"{what}: not said; last: {self.said[-8:]}\n{errors}")
                self._news.wait(min(left, 0.5))
            return found

    def wait_state(self, task_id, *states, deadline_s=30.0, since=0):
        """Waits for an update of the task with one of states."""
        return self.wait(
            lambda s: s.get("what") == "update" and s["id"] == task_id and s["state"] in states,
            f"{task_id} is {' or '.join(states)}", deadline_s, since,
        )

    def states(self, task_id):
        with self._news:
            return [s["state"] for s in self.said if s.get("what") == "update" and s["id"] == task_id]

    def ended(self, deadline_s=20.0):
        """Waits for the end of the process; it must be a good one."""
        code = self.process.wait(deadline_s)
        for reader in self._readers:
            reader.join(5)
        assert code == 0, (code, "".join(self.errors[-30:]))

    def kill(self):
        """Ends the process without any farewell."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except (OSError, ValueError):
                pass


def end_all(programs):
    """Stops the frameworks among some programs that still run; each must end well."""
    for program in programs:
        if program.process.poll() is None:
            program.order(stop=False)
            program.ended()


def launch(framework, command, **more):
    """Has a framework launch a small task; its id."""
    task = {"id": unique("task"), "command": command, "cpus": 0.1, "mem": 32, "image": image(), **more}
    framework.order(launch=task)
    return task["id"]
