"""A `longshore chronos` of a test's own."""

import requests

from harness.scheduler import Scheduler


class Chronos(Scheduler):
    """The scheduler, and what tests ask of it."""

    KIND = "chronos"

    def call(self, method, path, **more):
        try:
            return requests.request(method, f"{self.url}/v1/scheduler/{path}", timeout=20, **more)
        except requests.ConnectionError as why:
            raise AssertionError(f"{why}; ended with {self.process.poll()}\n{self.said()}") from why

    def post(self, **job):
        """A job, to where it belongs."""
        path = "dependency" if "parents" in job else "iso8601"
        answer = self.call("POST", path, json=job)
        assert answer.status_code == 204, answer.text

    def job(self, name):
        return self.call("GET", f"job/{name}").json()

    def runs(self, name):
        """The runs of a job, the latest first."""
        return self.call("GET", f"job/stat/{name}").json()["taskStatHistory"]

    def state(self, name):
        jobs = self.call("GET", "jobs/summary").json()["jobs"]
        return next(job["state"] for job in jobs if job["name"] == name)
