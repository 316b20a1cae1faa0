"""A `longshore marathon` over the master of the suite, which leaves no app and no pod behind."""

from urllib.parse import urlparse

import pytest

from harness.marathon import Marathon
from harness.wait import until


@pytest.fixture
def marathon(mesos_url, quiet_after, tmp_path):
    made = Marathon(tmp_path, urlparse(mesos_url).netloc)
    yield made
    for app in made.call("GET", "apps").json()["apps"]:
        made.call("DELETE", f"apps{app['id']}?force=true")
    for pod in made.call("GET", "pods").json():
        made.call("DELETE", f"pods{pod['id']}?force=true")
    until(lambda: not made.call("GET", "tasks").json()["tasks"], "its tasks are gone", 30)
    until(lambda: not made.call("GET", "pods/::status").json(), "its pods are gone", 30)
    made.stop()
