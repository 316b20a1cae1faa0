"""A `longshore marathon` of a test's own."""

import requests

from harness.scheduler import Scheduler


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
