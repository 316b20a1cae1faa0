"""Elastic-Job-Cloud 2.1.5 as its release has it, with a ZooKeeper of its own, and as much of its REST API as the tests use."""

import requests

from harness import jvm
from harness.clients import Quiet, jars, needs
from harness.server import free_port
from harness.singularity import ZOOKEEPER, ZooKeeper
from harness.wait import until

OPENS = [word for package in ("java.lang", "java.util") for word in ("--add-opens", f"java.base/{package}=ALL-UNNAMED")]
# What it asks for where nobody has configured another.
CREDENTIALS = ("root", "root")
NEVER = "0 0 0 1 1 ? 2099"


def here():
    """Its class path; skips the test where it cannot run."""
    found = jars("elastic-job-jars.txt")
    needs("elastic-job", "java", files=[ZOOKEEPER, *found])
    # ZooKeeper's client comes first, since Elastic-Job-Cloud was made for an older one.
    return sorted(found, key=lambda jar: not jar.name.startswith("zookeeper"))


class Scheduler:
    """Its scheduler on one master; `start` starts it anew after its end, and ZooKeeper has what it knew."""

    def __init__(self, master, folder):
        self.master, self.path, self.folder = master, ":".join(map(str, here())), folder
        self.port = free_port()
        self.zookeeper = ZooKeeper(folder)
        try:
            self.start()
        except BaseException:
            self.zookeeper.program.stop(5)
            raise

    def start(self):
        settings = {"hostname": "127.0.0.1", "http_port": str(self.port), "mesos_url": self.master}
        settings["zk_servers"] = f"127.0.0.1:{self.zookeeper.port}"
        self.program = Quiet(
            ["java", "-Xcheck:jni", "-Xmx256m", *OPENS, "-cp", self.path, "com.dangdang.ddframe.job.cloud.scheduler.Bootstrap"],
            env=jvm.environment(**settings), cwd=self.folder,
        )
        # After its death another one waits until ZooKeeper has forgotten it.
        until(self.registered, "Elastic-Job-Cloud is registered", 60, every_s=0.2)

    def registered(self):
        assert self.program.process.poll() is None, self.said()
        return "call registered" in self.said()

    def said(self):
        return self.program.said(200_000)

    def call(self, method, path, body=None):
        reply = requests.request(
            method, f"http://127.0.0.1:{self.port}/api/{path}", timeout=20, auth=CREDENTIALS, headers={"Content-Type": "application/json"},
            **({"data": body} if isinstance(body, str) else {"json": body}),
        )
        assert reply.ok, (method, path, reply.status_code, reply.text[:500])
        return reply.json() if reply.content else None

    def app(self, name, url):
        self.call("POST", "app", {
            "appName": name, "appURL": url, "bootstrapScript": "./start.sh", "cpuCount": 0.1, "memoryMB": 32, "appCacheEnable": False,
            "eventTraceSamplingCount": 0,
        })

    def job(self, name, app, command, kind="TRANSIENT", **more):
        """A job of scripts, which runs when it is triggered, or at once and for ever if it is a DAEMON."""
        self.call("POST", "job/register", {
            "jobName": name, "appName": app, "jobClass": "", "jobType": "SCRIPT", "jobExecutionType": kind, "cron": NEVER,
            "shardingTotalCount": 1, "cpuCount": 0.2, "memoryMB": 64, "scriptCommandLine": command, "failover": True, "misfire": False,
            **more,
        })

    def running(self):
        return self.call("GET", "job/tasks/running")

    def stop(self):
        self.program.kill()
        self.zookeeper.program.stop(5)
