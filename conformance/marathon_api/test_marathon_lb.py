"""marathon-lb keeps HAProxy's backends at what runs, by /v2/apps and the event stream; clients are served while an app rolls."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

import pytest
import requests

from harness.marathon import app, put, runs
from harness.server import free_port
from harness.wait import until

pytestmark = [pytest.mark.process_only, pytest.mark.executes]

# What marathon-lb writes besides frontends and backends names paths of its own image.
RELOAD = """#!/bin/sh
{{ printf 'global\\n maxconn 100\\ndefaults\\n mode http\\n timeout connect 2s\\n timeout client 5s\\n timeout server 5s\\n retries 3\\n option redispatch\\n'
  sed -n '/^frontend web_/,$p' {written}; }} > {folder}/run.cfg
old=$(cat {folder}/pid 2>/dev/null)
exec haproxy -D -f {folder}/run.cfg -p {folder}/pid ${{old:+-sf $old}}
"""


class Balancer:
    """marathon-lb, by the Python of LONGSHORE_MARATHON_LB_PYTHON, with an HAProxy that it reloads."""

    def __init__(self, folder, source, url):
        self.folder, self.written = folder, folder / "written.cfg"
        self.written.touch()
        reload = folder / "reload.sh"
        reload.write_text(RELOAD.format(folder=folder, written=self.written))
        reload.chmod(0o755)
        self.log = tempfile.NamedTemporaryFile("w+", prefix="marathon-lb-", suffix=".log")
        self.process = subprocess.Popen(
            [os.environ.get("LONGSHORE_MARATHON_LB_PYTHON", sys.executable), "marathon_lb.py", "--marathon", url,
             "--group", "external", "--haproxy-config", str(self.written), "--sse", "--skip-validation", "--health-check",
             "--dont-bind-http-https", "--reload-interval", "1", "--syslog-socket", "/dev/null", "--command", str(reload)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=source,
        )

    def servers(self):
        lines = [line.split() for line in self.written.read_text().splitlines()]
        return {words[2] for words in lines if words[:1] == ["server"]}

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        # A reload may be under way, so that there are two of them, or soon will be.
        ends = ["pkill", "-f", f"{self.folder}/(run.cfg|reload.sh)"]
        until(lambda: subprocess.run(ends, check=False).returncode == 1, "no HAProxy is left")


@pytest.fixture
def balancer(marathon, tmp_path):
    source = os.environ.get("LONGSHORE_MARATHON_LB")
    if not source or not shutil.which("haproxy"):
        pytest.skip("LONGSHORE_MARATHON_LB names no folder with marathon-lb, or there is no haproxy")
    made = Balancer(tmp_path, source, marathon.url)
    yield made
    made.stop()


def test_clients_are_served_while_an_app_is_scaled_and_rolls(marathon, balancer):
    port = free_port()
    served = f"mkdir -p empty && cd empty && exec {sys.executable} -m http.server $PORT0"
    web = app("web", cmd=served, instances=2, portDefinitions=[{"port": port}], labels={"HAPROXY_GROUP": "external"},
              requirePorts=False, healthChecks=[{"protocol": "HTTP", "path": "/", "intervalSeconds": 1}])
    assert marathon.call("POST", "apps", json=web).status_code == 201

    def addresses():
        return {f"{task['host']}:{task['ports'][0]}" for task in marathon.tasks("web")}

    def status():
        try:
            return requests.get(f"http://127.0.0.1:{port}/", timeout=5).status_code
        except requests.ConnectionError:
            return None

    before = runs(marathon, "web", 2)
    until(lambda: balancer.servers() == addresses() and status() == 200, "both are behind it", 30)
    put(marathon, "web", instances=3)
    runs(marathon, "web", 3)
    until(lambda: balancer.servers() == addresses(), "the third is behind it", 30)
    put(marathon, "web", env={"A": "b"})
    seen = Counter()

    def has_rolled():
        seen[status()] += 1
        return marathon.is_quiet() and balancer.servers() == addresses() and not before & {
            task["id"] for task in marathon.tasks("web")}

    until(has_rolled, "the next version is behind it", 60)
    assert seen[200] >= 0.9 * sum(seen.values()), seen
