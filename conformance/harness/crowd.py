"""Clients that work for as long as a test lets them, each on a thread, and keep account of what they were told.

A member has `start`, `rest` (it launches nothing more, and what it has launched comes to its end but for what is to stay),
`running` (the ids of the tasks that it takes to be running), `settled` (what is wrong with its account, in words) and `end`.
"""

import json
import random
import re
import threading
from collections import Counter, defaultdict
from urllib.parse import urlparse

from harness.clients import Quiet, mesos_framework, mesos_go
from harness.ecs import SLEEPER, image, unique
from harness.mesos import TERMINAL
from harness.program import Program
from harness.singularity import Singularity
from harness.wait import until

# Ends that are nobody's fault: the agent was taken away, or left between offer and launch.
LOST = {"TASK_LOST", "TASK_DROPPED", "TASK_GONE"}
REST_WITHIN_S = 90


class Account:
    """What the updates that a program has told add up to."""

    def __init__(self, program):
        self.program = program

    def updates(self):
        told = defaultdict(list)
        for said in list(self.program.said):
            if said["what"] == "update" and said["reason"] != "REASON_RECONCILIATION":
                told[said["id"]].append(said)
        return told

    def running(self):
        return {
            task for task, told in self.updates().items()
            if told[-1]["state"] == "TASK_RUNNING" and not any(said["state"] in TERMINAL for said in told)
        }

    def ends(self):
        return {task: [said for said in told if said["state"] in TERMINAL] for task, told in self.updates().items()}

    def lost(self):
        return {task for task, ends in self.ends().items() if ends and ends[0]["state"] in LOST}

    def wrong(self):
        """Tasks whose end was told more than once, or that came back to life."""
        found = []
        for task, told in self.updates().items():
            states = [said["state"] for said in told]
            ends = [state for state in states if state in TERMINAL]
            if len(ends) > 1 or ends and states[-1] not in TERMINAL:
                found.append(f"{task}: {states}")
        return found


class Member(threading.Thread):
    def __init__(self, name, seed):
        super().__init__(daemon=True, name=name)
        self.random = random.Random(f"{name} {seed}")
        self.over, self.failure = threading.Event(), None

    def run(self):
        while not self.over.is_set():
            try:
                self.work()
            except Exception as broken:  # told by the test
                self.failure = broken
                return

    def rest(self):
        self.over.set()
        self.join(REST_WITHIN_S)
        assert not self.is_alive(), f"{self.name} does not come to rest"
        if self.failure:
            raise AssertionError(f"{self.name}: {self.failure!r}") from self.failure

    def running(self):
        return set()

    def settled(self):
        return []

    def end(self):
        pass

    def kill(self):
        """Ends whatever still runs, as after a failure."""
        self.over.set()
        if (program := getattr(self, "program", None)) and program.process.poll() is None:
            program.kill()


class Scripted(Member):
    """A program that takes orders: pymesos, avmesos or mesoshttp."""

    AT_ONCE = 6

    def __init__(self, library, master, seed):
        super().__init__(library, seed)
        where = urlparse(master).netloc
        if library == "pymesos":
            self.program = Program("pymesos_framework.py", where, unique(library))
        else:
            self.program = Program("http_framework.py", library, where, unique(library))
        self.account, self.ordered, self.expected, self.killed = Account(self.program), [], {}, set()
        self.program.wait(lambda s: s["what"] in ("registered", "subscribed"), f"{library} is registered", 40)

    def order(self, command, code=None):
        task = {
            "id": unique(self.name), "command": command, "cpus": self.random.choice([0.1, 0.25, 0.5]),
            "mem": self.random.choice([16, 32, 64]), "image": image(),
        }
        self.program.order(launch=task)
        self.ordered.append(task["id"])
        self.expected[task["id"]] = code

    def open(self):
        ends = self.account.ends()
        return [task for task in self.ordered if not ends.get(task)]

    def work(self):
        if len(self.open()) < self.AT_ONCE:
            code = self.random.choice([0, 0, 0, 3])
            stays = self.random.random() < 0.2
            self.order(SLEEPER if stays else f"sleep {self.random.uniform(0.1, 3):.1f}; exit {code}", None if stays else code)
        for task in self.account.running():
            if self.expected[task] is None and task not in self.killed and self.random.random() < 0.05:
                self.kill_task(task)
        self.over.wait(0.1)

    def kill_task(self, task):
        self.killed.add(task)
        self.program.order(kill=task)

    def rest(self):
        super().rest()
        for _ in range(2):
            self.order(SLEEPER)
        stay = set(self.ordered[-2:])

        def rests():
            for task in self.account.running() - stay - self.killed:
                if self.expected[task] is None:
                    self.kill_task(task)
            return set(self.open()) <= stay and stay <= self.account.running() | self.account.lost()

        try:
            until(rests, f"{self.name} is at rest", REST_WITHIN_S, every_s=0.2)
        except AssertionError as late:
            raise AssertionError(f"{late}: {self.open()}; {self.program.said[-8:]}; {''.join(self.program.errors[-20:])}") from None

    def running(self):
        return self.account.running()

    def settled(self):
        wrong = self.account.wrong()
        for task, ends in self.account.ends().items():
            state = ends[0]["state"] if ends else None
            code = self.expected.get(task)
            right = {0: {"TASK_FINISHED"}, 3: {"TASK_FAILED"}, None: {"TASK_KILLED", None}}[code]
            if state not in right | LOST:
                wrong.append(f"{task} with code {code} ended as {ends}")
        wrong += [f"{said}" for said in self.program.said if said["what"] == "error"]
        return [f"{self.name}: {text}" for text in wrong]

    def end(self):
        self.program.order(stop=False)
        self.program.ended()


class Npm(Member):
    """mesos-framework, which starts its tasks again whatever they end as."""

    def __init__(self, master, seed):
        super().__init__("mesos-framework", seed)
        where, again = urlparse(master), ["TASK_FINISHED", "TASK_FAILED", "TASK_LOST", "TASK_KILLED", "TASK_ERROR"]
        tasks = {
            "steady": {"command": SLEEPER, "instances": 2, "restart": again},
            "brief": {"command": "sleep 2", "instances": 3, "ports": 1},
        }
        self.program = Program(
            "mesos_framework.js", where.hostname, str(where.port), unique("node"), json.dumps(tasks),
            environment={"NODE_PATH": str(mesos_framework() / "node_modules"), "NODE_NO_WARNINGS": "1", "IMAGE": image()},
        )
        self.account = Account(self.program)
        self.program.wait(lambda s: s["what"] == "registered", "mesos-framework is registered", 40)

    def work(self):
        steady = [task for task in self.account.running() if ".steady" in task]
        if steady and self.random.random() < 0.02:
            self.program.order(kill=self.random.choice(steady))
        self.over.wait(0.2)

    def running(self):
        return self.account.running()

    def settled(self):
        wrong = self.account.wrong()
        wrong += [f"{said}" for said in self.program.said if said["what"] == "error"]
        states = Counter(end["state"] for ends in self.account.ends().values() for end in ends)
        if set(states) - LOST - {"TASK_FINISHED", "TASK_KILLED"} or states["TASK_FINISHED"] < 3:
            wrong.append(f"ends {states}")
        return [f"{self.name}: {text}" for text in wrong]

    def end(self):
        self.program.order(stop=False)
        self.program.ended()


class Msh(Member):
    """One command after the other."""

    def __init__(self, master, seed):
        super().__init__("msh", seed)
        self.master, self.codes, self.wrong = urlparse(master).netloc, Counter(), []
        self.path = mesos_go("msh")

    def work(self):
        code = self.random.choice([0, 0, 5])
        client = self.program = Quiet([self.path, "-master", self.master, "--", "sh", "-c", f"sleep 0.5; exit {code}"])
        until(lambda: client.process.poll() is not None or self.forgot(client), f"msh ends: {client.log.name}", REST_WITHIN_S)
        if client.process.poll() is None:
            client.kill()
            self.codes["forgot"] += 1
            return
        ended = client.process.returncode
        self.codes[ended] += 1
        lost = re.search(f"unexpected state ({'|'.join(LOST)})", client.said())
        if ended != (3 if code else 0) and not lost:
            self.wrong.append(f"msh: {ended} for {code}: {client.said(1500)}")

    @staticmethod
    def forgot(client):
        """Of an offer that has one of both resources, msh takes that one off what it wants, and never adds it again."""
        return re.search(r"wants resources \{(.*;)?:0[;}]", client.said(10**6))

    def settled(self):
        return self.wrong + ([] if self.codes[0] else [f"msh: {self.codes}"])


class TaskProcessing(Member):
    """A few commands at a time, each time with a new executor."""

    def __init__(self, master, seed):
        super().__init__("task-processing", seed)
        self.master, self.wrong, self.states = urlparse(master).netloc, [], Counter()

    def work(self):
        wanted = {"sleep 1": "TASK_FINISHED", "exit 7": "TASK_FAILED", f"kill:{SLEEPER}": "TASK_KILLED"}
        program = self.program = Program("task_processing_run.py", self.master, unique("task-processing"), image(), json.dumps(list(wanted)))
        program.wait(lambda s: "stopped" in s, "task-processing has stopped", 2 * REST_WITHIN_S)
        program.ended()
        for told in program.said[:-1]:
            self.states[told["state"]] += 1
            if told["state"] not in LOST | {wanted[told["command"]]}:
                self.wrong.append(f"task-processing: {told}")

    def rest(self):
        self.over.set()
        self.join(2 * REST_WITHIN_S)
        super().rest()

    def settled(self):
        return self.wrong + ([] if self.states["TASK_FINISHED"] else [f"task-processing: {self.states}"])


class Services(Member):
    """Singularity: a service that has to have three instances all the time, and runs on demand."""

    def __init__(self, master, seed):
        super().__init__("singularity", seed)
        self.singularity = Singularity(urlparse(master).netloc)
        self.runs = 0
        self.singularity.request("service", "SERVICE", instances=3)
        self.singularity.deploy("service", "one", SLEEPER)
        self.singularity.request("demand", "ON_DEMAND", instances=20)
        self.singularity.deploy("demand", "one", "sleep 1")
        for name in ("service", "demand"):
            self.singularity.wait_deploy(name, "one")

    def work(self):
        self.singularity.call("POST", "/requests/request/demand/run", {"runId": unique("run")})
        self.runs += 1
        self.over.wait(3)

    def rest(self):
        super().rest()
        self.singularity.wait_active("service", 3, deadline_s=REST_WITHIN_S)
        self.singularity.ended("demand", self.runs, REST_WITHIN_S)

    def running(self):
        return {t["taskId"]["id"] for t in self.singularity.get("/tasks/active")}

    def settled(self):
        ends = Counter(self.singularity.ended("demand", self.runs).values())
        wrong = [] if set(ends) <= LOST | {"TASK_FINISHED"} and ends["TASK_FINISHED"] else [f"runs on demand: {ends}"]
        history = self.singularity.get("/history/request/service/tasks?count=100")
        for task in [t["taskId"]["id"] for t in history] + self.singularity.active("service"):
            states = self.singularity.states(task)
            if len([state for state in states if state in TERMINAL]) > 1:
                wrong.append(f"{task}: {states}")
        return [f"{self.name}: {text}" for text in wrong]

    def end(self):
        for name in ("service", "demand"):
            self.singularity.remove(name)
        self.singularity.stop()

    def kill(self):
        super().kill()
        self.singularity.stop()
