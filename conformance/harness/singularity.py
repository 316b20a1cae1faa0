"""HubSpot's Singularity 1.5.0 as its release has it, with a ZooKeeper of its own, and as much of its REST API as the tests use."""

import json
import shutil
import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path

import requests

from harness.clients import Quiet, jars, needs
from harness.server import free_port
from harness.wait import until

READY_WITHIN_S = 120
ZOOKEEPER = Path("/usr/share/java/zookeeper.jar")
OPENED = ("java.lang", "java.util", "java.net", "java.lang.reflect", "java.text")
CONFIGURATION = Path(__file__).parent.parent / "clients" / "singularity.yaml"


def here():
    """Skips the test where Singularity cannot run."""
    needs("singularity", "java", files=[ZOOKEEPER, *jars()])


class ZooKeeper:
    """Debian's ZooKeeper, alone and on loopback."""

    def __init__(self, folder):
        self.port = free_port()
        (folder / "zoo.cfg").write_text(
            f"tickTime=1000\ndataDir={folder / 'data'}\nclientPort={self.port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n"
        )
        self.program = Quiet(
            ["java", "-Xmx128m", "-cp", ZOOKEEPER, "org.apache.zookeeper.server.quorum.QuorumPeerMain", folder / "zoo.cfg"]
        )
        until(self.listens, "ZooKeeper listens", READY_WITHIN_S)

    def listens(self):
        assert self.program.process.poll() is None, self.program.said()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def zookeeper():
    """A ZooKeeper for some tests, which are skipped where there is none."""
    needs("singularity", "java", files=[ZOOKEEPER])
    with tempfile.TemporaryDirectory(prefix="longshore-zookeeper-") as folder:
        started = ZooKeeper(Path(folder))
        try:
            yield started
        finally:
            started.program.kill()


class Singularity:
    """One Singularity in front of one master, which knows it by credentials if there are any: principal and secret."""

    def __init__(self, master, framework="Singularity", credentials=None):
        self.folder = Path(tempfile.mkdtemp(prefix="longshore-singularity-"))
        self.zookeeper = ZooKeeper(self.folder)
        self.port = free_port()
        wanted = {"MASTER": master, "ZOOKEEPER": f"localhost:{self.zookeeper.port}", "PORT": self.port, "FRAMEWORK": framework}
        principal, secret = credentials or (None, None)
        wanted["CREDENTIALS"] = f"mesosUsername: {principal}\n  mesosPassword: {secret}" if credentials else ""
        written = CONFIGURATION.read_text()
        for name, value in wanted.items():
            written = written.replace(f"${name}", str(value))
        (self.folder / "singularity.yaml").write_text(written)
        self.framework = framework
        self.start()

    def start(self):
        """Starts the program, anew after its end; ZooKeeper has what it knew."""
        opened = [word for package in OPENED for word in ("--add-opens", f"java.base/{package}=ALL-UNNAMED")]
        self.program = Quiet(
            [
                "java", "-Xmx384m", *opened, "-cp", ":".join(map(str, jars())),
                "com.hubspot.singularity.SingularityService", "server", self.folder / "singularity.yaml",
            ]
        )
        until(self.running, "Singularity is subscribed", READY_WITHIN_S, every_s=0.5)

    def running(self):
        """Whether it says of itself that its scheduler is subscribed."""
        assert self.program.process.poll() is None, self.program.said()
        try:
            return self.get("/state?skipCache=true")["hostStates"][0]["driverStatus"] == "SUBSCRIBED"
        except (requests.RequestException, KeyError, IndexError, AssertionError):
            return False

    # The REST API.

    def call(self, method, path, body=None):
        reply = requests.request(
            method, f"http://127.0.0.1:{self.port}/singularity/api{path}", timeout=20,
            data=None if body is None else json.dumps(body), headers={"Content-Type": "application/json"},
        )
        assert reply.status_code == 200, (method, path, reply.status_code, reply.text[:500])
        return reply.json() if reply.content else None

    def get(self, path):
        return self.call("GET", path)

    def request(self, name, kind, **more):
        self.call("POST", "/requests", {"id": name, "requestType": kind, **more})

    def deploy(self, request, name, command, ports=0, **more):
        """Deploys command in a shell; returns at once."""
        self.call(
            "POST", "/deploys",
            {
                "deploy": {
                    "requestId": request, "id": name, "command": command,
                    "resources": {"cpus": 0.1, "memoryMb": 32, "numPorts": ports}, **more,
                }
            },
        )

    def wait_deploy(self, request, name, wanted="SUCCEEDED", deadline_s=60):
        def state():
            history = self.get(f"/history/request/{request}/deploy/{name}")
            return (history.get("deployResult") or {}).get("deployState")

        assert until(state, f"the deploy {request} {name} is over", deadline_s, every_s=0.25) == wanted, self.program.said()

    def active(self, request):
        """The ids of the tasks of a request that Singularity takes to be alive."""
        return sorted(t["taskId"]["id"] for t in self.get("/tasks/active") if t["taskId"]["requestId"] == request)

    def wait_active(self, request, count, but=(), deadline_s=60):
        """Waits until exactly count tasks are alive and running, none of them one of `but`; returns them."""
        def found():
            ids = self.active(request)
            ours = len(ids) == count and not set(ids) & set(but)
            return ids if ours and all(self.states(task)[-1:] == ["TASK_RUNNING"] for task in ids) else None

        try:
            return until(found, f"{count} tasks of {request} run", deadline_s, every_s=0.25)
        except AssertionError as late:
            raise AssertionError(f"{late}: {self.active(request)}\n{self.program.said()}") from None

    def updates(self, task):
        """What Singularity was told of a task, in order."""
        return self.get(f"/history/task/{task}")["taskUpdates"]

    def states(self, task):
        return [update["taskState"] for update in self.updates(task)]

    def ended(self, request, count=1, deadline_s=60):
        """Waits until count tasks of a request have ended; returns their last states by id."""
        def over():
            tasks = self.get(f"/history/request/{request}/tasks")
            return {t["taskId"]["id"]: t["lastTaskState"] for t in tasks} if len(tasks) >= count else None

        return until(over, f"{count} tasks of {request} have ended", deadline_s, every_s=0.25)

    def remove(self, request):
        """Removes a request with its tasks, and waits for their end."""
        self.call("DELETE", f"/requests/request/{request}", {"deleteFromLoadBalancer": True})
        until(lambda: not self.active(request), f"the tasks of {request} have ended", 60, every_s=0.25)

    def stop(self):
        for program in (self.program, self.zookeeper.program):
            program.stop(5)
        shutil.rmtree(self.folder, ignore_errors=True)
