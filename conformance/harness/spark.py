"""Stock Spark, from PyPI, with nothing of Mesos on the machine: its Mesos backend loads our library."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import requests

from harness import jvm
from harness.clients import CLIENTS, Quiet, cache, needs
from harness.wait import until

PROGRAMS = Path(__file__).parent.parent / "jvm" / "programs"
# What a JVM that lives for seconds needs.
QUICK = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
# One executor fills most of an instance, so that two never share one, and runs one task at a time.
SMALL = {
    "spark.executor.memory": "512m",
    "spark.executor.cores": "3",
    "spark.task.cpus": "3",
    "spark.cores.max": "6",
    "spark.driver.memory": "512m",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.executor.extraJavaOptions": QUICK,
    "spark.driver.extraJavaOptions": f"{QUICK} -Xcheck:jni",
    "spark.ui.enabled": "false",
    # Nobody waits for executors that are gone.
    "spark.shuffle.io.maxRetries": "1",
    "spark.shuffle.io.retryWait": "1s",
}


def versions():
    """The versions that are pinned, oldest first."""
    pins = [path.read_text() for path in CLIENTS.glob("pyspark*.txt")]
    return sorted(re.search(r"^pyspark==(\S+)", pin, re.M)[1] for pin in pins)


OLDEST = versions()[0]


class Spark:
    """One version of Spark. What it starts ends with `close`."""

    def __init__(self, version=OLDEST):
        self.home = cache() / f"pyspark-{version}" / "pyspark"
        needs(f"pyspark-{version}", "java", files=[self.home / "bin" / "spark-class"])
        self.started = []

    def _start(self, words, more):
        given = {"SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": QUICK, "PYSPARK_PYTHON": sys.executable, **more}
        self.started.append(Quiet(words, env=jvm.environment(SPARK_HOME=str(self.home), **given)))
        return self.started[-1]

    def command(self, name, *words, **more):
        """Starts a class of Spark."""
        return self._start([self.home / "bin" / "spark-class", name, *words], more)

    def submit(self, master, program, *words, flags=(), settings=(), **more):
        """Submits a program: a file of `programs`, or a jar with its class among the flags."""
        wanted = {**SMALL, **dict(settings)}
        pairs = [word for name, value in wanted.items() if value for word in ("--conf", f"{name}={value}")]
        return self._start([self.home / "bin" / "spark-submit", "--master", f"mesos://{master}", *pairs, *flags, program, *words], more)

    def jar(self, name, folder):
        """A program of `java`, compiled against this Spark, as a jar."""
        needs("pyspark", "javac")
        classes = Path(folder) / "classes"
        command = ["javac", "-nowarn", "-cp", f"{self.home}/jars/*", "-d", str(classes), str(jvm.SOURCES / f"{name}.java")]
        subprocess.run(command, check=True, capture_output=True)
        made = Path(folder) / f"{name.lower()}.jar"
        with zipfile.ZipFile(made, "w") as jar:
            for file in classes.rglob("*.class"):
                jar.write(file, file.relative_to(classes))
        return made

    def close(self):
        for one in self.started:
            if one.process.poll() is None:
                one.kill()


def said(job):
    return job.said(1_000_000)


def is_well(job):
    """Whether the checks of the JVM found nothing wrong with the library."""
    return jvm.is_quiet(said(job))


def waits(job, what, deadline_s=100):
    """Waits until a program says something, unless it ends first; returns what a group in it matched."""
    def look():
        found = re.search(what, said(job))
        assert found or job.process.poll() is None, f"{what} was not said: {job.said()}"
        return found

    return until(look, what, deadline_s).groups()


def framework(mesos_url, name_or_id, which="completed_frameworks", **more):
    """What the master tells of a framework; nothing where it is not there."""
    state = requests.get(f"{mesos_url}/state", timeout=10, **more).json()
    return next((one for one in state[which] if name_or_id in (one["id"], one["name"])), None)


def executors(ecs, application, status="RUNNING"):
    """The ECS tasks that are executors of an application."""
    mine = [task for task in ecs.tasks(desiredStatus=status) if f"--app-id {application} " in str(task["overrides"])]
    return [task for task in mine if task["lastStatus"] == status]


def processes(application):
    """The processes that are executors of an application."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if os.path.basename(words[0]) == "java" and application in words:
            found.append(int(process.name))
    return found
