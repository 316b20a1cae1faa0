"""A `longshore marathon` of a test's own."""

import requests

from harness.scheduler import Scheduler
from harness.wait import until


class Marathon(Scheduler):
    """The scheduler, and what tests ask of it."""

    KIND = "marathon"

    def call(self, method, path, **more):
        try:
            return requests.request(method, f"{self.url}/v2/{path}", timeout=20, **more)
        except requests.ConnectionError as why:
            raise AssertionError(f"{why}; ended with {self.process.poll()}\n{self.said()}") from why

    def app(self, name):
        return self.call("GET", f"apps/{name}").json()["app"]

    def tasks(self, name):
        return self.call("GET", f"apps/{name}/tasks").json()["tasks"]

    def is_quiet(self):
        """No deployment is under way."""
        return self.call("GET", "deployments").json() == []


def app(name, **more):
    return {"id": name, "cmd": "exec sleep 600", "cpus": 0.1, "mem": 32, "instances": 1, **more}


def put(marathon, name, **change):
    answer = marathon.call("PUT", f"apps/{name}", json=change)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def post(marathon, name, **more):
    answer = marathon.call("POST", "apps", json=app(name, **more))
    assert answer.status_code == 201, answer.text
    return answer.json()


def runs(marathon, name, count):
    def are_there():
        tasks = marathon.tasks(name)
        return len(tasks) == count and all(task["state"] == "TASK_RUNNING" for task in tasks)

    until(lambda: are_there() and marathon.is_quiet(), f"{count} of {name} run, and no deployment does", 40)
    return {task["id"] for task in marathon.tasks(name)}
