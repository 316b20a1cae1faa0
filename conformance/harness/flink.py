"""Flink 1.13.6 as its package on PyPI has it: a session on a Mesos master, whose task managers are Mesos tasks, and jobs for it."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import requests

from harness import jvm
from harness.clients import CLIENTS, Quiet, cache, needs
from harness.server import free_port
from harness.wait import until

FLINK = "1.13.6"
BESIDES = ("flink-shaded-hadoop-2-uber-2.8.3-10.0.jar", "flink-shaded-zookeeper-3-3.5.9-14.0.jar")
JOB = Path(__file__).parent.parent / "jvm" / "java" / "WordCount.java"
EXPORTS = ["--add-exports", "java.base/sun.net.util=ALL-UNNAMED"]
OPENS = [word for package in ("java.lang", "java.util") for word in ("--add-opens", f"java.base/{package}=ALL-UNNAMED")]
# Of Flink's own jars, since a task manager fetches all that are there. Those for tables and SQL are as large as the rest.
WANTED = ("flink-dist", "log4j")


def home(folder):
    """A home of Flink in a folder, without a configuration: `lib`, and `bin` with the script that its package lacks."""
    library, jars = cache() / f"flink-{FLINK}" / "pyflink" / "lib", [cache() / "jars" / name for name in BESIDES]
    needs("flink", "java", "javac", "jar", files=[library, *jars])
    for name in ("bin", "lib"):
        (folder / name).mkdir(parents=True)
    for jar in [*jars, *(one for one in library.iterdir() if one.name.startswith(WANTED))]:
        (folder / "lib" / jar.name).symlink_to(jar)
    shutil.copy(CLIENTS / "flink" / "mesos-taskmanager.sh", folder / "bin")
    (folder / "bin" / "mesos-taskmanager.sh").chmod(0o755)
    return folder


def job(folder):
    """The jar of the job, made in a folder that has a home of Flink."""
    classes, made = folder / "classes", folder / "job.jar"
    path = str(next((folder / "lib").glob("flink-dist_*.jar")))
    subprocess.run(["javac", "-nowarn", "-Xlint:none", "-cp", path, "-d", classes, JOB], check=True, capture_output=True)
    subprocess.run(["jar", "cfe", made, "WordCount", "-C", classes, "."], check=True, capture_output=True)
    return made


class Session:
    """A job manager on a master, from a home of Flink; `start` starts it anew after its end."""

    def __init__(self, home, folder, master, environment=None, settings=None, registers=True):
        self.home, self.folder, self.environment = home, folder, environment or {}
        self.rest, self.jobs = free_port(), []
        self.configure({
            "jobmanager.rpc.address": "127.0.0.1", "jobmanager.rpc.port": free_port(), "jobmanager.bind-host": "127.0.0.1",
            "rest.address": "127.0.0.1", "rest.port": self.rest, "jobmanager.memory.process.size": "1600m",
            "taskmanager.memory.process.size": "1728m", "taskmanager.numberOfTaskSlots": 1, "io.tmp.dirs": folder,
            "mesos.resourcemanager.tasks.cpus": 1, "mesos.master": master,
            # Between two jobs a task manager stays.
            "resourcemanager.taskmanager-timeout": 600_000,
            **(settings or {}),
        })
        self.start(registers)

    def configure(self, settings):
        (self.folder / "conf").mkdir(parents=True)
        written = "".join(f"{name}: {value}\n" for name, value in settings.items())
        (self.folder / "conf" / "flink-conf.yaml").write_text(written)
        shutil.copy(CLIENTS / "flink" / "log4j.properties", self.folder / "conf")

    def java(self, memory, flags, main, *words, **more):
        folders = {"FLINK_CONF_DIR": self.folder / "conf", "FLINK_BIN_DIR": self.home / "bin", "FLINK_LIB_DIR": self.home / "lib"}
        environment = {**os.environ, **self.environment, **{name: str(folder) for name, folder in folders.items()}, **more}
        logging = f"-Dlog4j.configurationFile={self.folder / 'conf' / 'log4j.properties'}"
        command = ["java", memory, *flags, logging, f"-Djava.io.tmpdir={self.folder}", "-cp", self.home / "lib" / "*", main, *words]
        return Quiet(command, env=environment, cwd=self.folder)

    def start(self, registers=True):
        self.manager = self.java(
            "-Xmx400m", ["-Xcheck:jni", *EXPORTS], "org.apache.flink.mesos.entrypoint.MesosSessionClusterEntrypoint",
            MESOS_NATIVE_JAVA_LIBRARY=str(jvm.library()),
        )
        if not registers:
            return
        try:
            until(self.connected, "Flink is registered", 60, every_s=0.2)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.manager.said()}") from None

    def connected(self):
        assert self.manager.process.poll() is None, self.said()
        return "Connected to Mesos" in self.said()

    def said(self):
        return self.manager.said(200_000)

    # Jobs.

    def submit(self, times, text, parallelism=1, pause_ms=0):
        words = ["run", "-m", f"127.0.0.1:{self.rest}", "-p", parallelism, self.home / "job.jar", times, pause_ms, *text.split()]
        self.jobs.append(self.java("-Xmx128m", OPENS, "org.apache.flink.client.cli.CliFrontend", *words))
        return self.jobs[-1]

    def counts(self, job, deadline_s=100):
        """What a job has counted, once it has ended well."""
        try:
            assert job.ended(deadline_s) == 0, job.said()
        except AssertionError as wrong:
            raise AssertionError(f"{wrong}\n{self.manager.said()}") from None
        found = [line.split()[1:] for line in job.said(100_000).splitlines() if line.startswith("count ")]
        return {word: int(count) for word, count in found}

    def counts_well(self, times, text, job=None):
        """Whether a job counts well: a new one, or one that has been submitted with the same arguments."""
        counts = self.counts(job or self.submit(times, text))
        wanted = {word: times * count for word, count in Counter(text.split()).items()}
        assert counts == wanted, self.said()

    # The end.

    def shut_down(self):
        """Ends the session as its users do, through its REST API; returns the exit code."""
        requests.delete(f"http://127.0.0.1:{self.rest}/cluster", timeout=10).raise_for_status()
        return self.manager.ended(30)

    def kill(self):
        for program in (self.manager, *self.jobs):
            if program.process.poll() is None:
                program.kill()
