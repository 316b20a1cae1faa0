"""Prometheus finds what runs by its service discovery for Marathon."""

import shutil
import subprocess
import tempfile

import pytest
import requests

from harness.marathon import post, runs
from harness.server import free_port
from harness.wait import until

pytestmark = pytest.mark.process_only

CONFIG = """
scrape_configs:
  - job_name: marathon
    scrape_interval: 1s
    scrape_timeout: 1s
    marathon_sd_configs:
      - servers: ["{url}"]
        refresh_interval: 1s
"""


class Prometheus:
    """One that discovers, and keeps what it scrapes in a folder."""

    def __init__(self, folder, url):
        config = folder / "prometheus.yml"
        config.write_text(CONFIG.format(url=url))
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = tempfile.NamedTemporaryFile("w+", prefix="prometheus-", suffix=".log")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}",
             f"--web.listen-address={self.url.removeprefix('http://')}", "--log.level=warn"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )

    def targets(self):
        """The labels that each target was found with, by its address; nothing while it does not answer."""
        try:
            found = requests.get(f"{self.url}/api/v1/targets?state=active", timeout=5).json()["data"]["activeTargets"]
        except requests.ConnectionError:
            assert self.process.poll() is None, open(self.log.name, encoding="utf-8").read()
            return {}
        return {target["discoveredLabels"]["__address__"]: target["discoveredLabels"] for target in found}

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def prometheus(marathon, tmp_path):
    if not shutil.which("prometheus"):
        pytest.skip("there is no prometheus on this machine: apt-get install prometheus")
    made = Prometheus(tmp_path, marathon.url)
    yield made
    made.stop()


def addresses(marathon, *names):
    tasks = [task for name in names for task in marathon.tasks(name)]
    return {f"{task['host']}:{port}": task["id"] for task in tasks for port in task["ports"]}


def test_prometheus_finds_every_instance_with_its_labels(marathon, prometheus):
    definitions = [{"port": 0, "name": "http", "labels": {"metrics": "yes"}}, {"port": 0, "name": "admin"}]
    post(marathon, "shop/web", instances=2, labels={"team": "blue"}, portDefinitions=definitions)
    post(marathon, "shop/db", portDefinitions=[{"port": 0, "name": "sql"}])
    runs(marathon, "shop/web", 2)
    runs(marathon, "shop/db", 1)
    wanted = addresses(marathon, "shop/web", "shop/db")
    assert len(wanted) == 5
    until(lambda: set(prometheus.targets()) == set(wanted), f"it finds {wanted}", 30)
    found = prometheus.targets()
    assert {address: labels["__meta_marathon_task"] for address, labels in found.items()} == wanted
    web = [labels for labels in found.values() if labels["__meta_marathon_app"] == "/shop/web"]
    assert len(web) == 4 and all(labels["__meta_marathon_app_label_team"] == "blue" for labels in web), web
    of_first = [labels for labels in web if labels["__meta_marathon_port_index"] == "0"]
    assert len(of_first) == 2 and all(labels["__meta_marathon_port_definition_label_metrics"] == "yes" for labels in of_first), web
    # What is gone is found no more.
    marathon.call("PUT", "apps/shop/web", json={"instances": 1})
    runs(marathon, "shop/web", 1)
    left = addresses(marathon, "shop/web", "shop/db")
    until(lambda: set(prometheus.targets()) == set(left), f"only {left} are found", 30)
