"""The ports of the built-in schedulers: who is turned away, before anything is done."""

import json
import os
import socket
import subprocess
from urllib.parse import urlparse

import pytest
import requests

from harness.blox import Blox
from harness.chronos import Chronos
from harness.marathon import Marathon

pytestmark = pytest.mark.process_only

APP = ("POST", "/v2/apps", {"id": "x", "cmd": "true"}, "/v2/apps", {"apps": []})
JOB = ("POST", "/scheduler/iso8601", {"name": "x", "command": "true", "schedule": "R/2099-01-01T00:00:00Z/P1D"}, "/scheduler/jobs", [])
ENVIRONMENT = ("DELETE", "/v1/environments/none", None, "/v1/environments", {"items": []})
TASKS = ("GET", "/v1/tasks", None, None, None)

STRANGERS = [
    {"Host": "evil.example"},
    {"Host": "localhost.evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
]


@pytest.fixture(scope="module")
def doors(server, tmp_path_factory):
    """The URL of each port, and what is asked for there."""
    if not server.started:
        pytest.skip("the schedulers stand before a server of our own (LONGSHORE_BIN)")
    folder = tmp_path_factory.mktemp("doors")
    master = urlparse(server.mesos).netloc
    marathon, chronos = Marathon(folder, master), Chronos(folder, master)
    blox = Blox(os.environ["LONGSHORE_BIN"], server.ecs)
    yield [(marathon.url, APP), (chronos.url, JOB), (blox.scheduler, ENVIRONMENT), (blox.state, TASKS)]
    for one in (blox, chronos, marathon):
        one.stop()


def test_foreign_names_and_pages_are_turned_away_and_change_nothing(doors):
    for url, (method, path, body, read, unchanged) in doors:
        for headers in STRANGERS:
            answer = requests.request(method, url + path, json=body, headers=headers, timeout=10)
            assert answer.status_code == 403, (url, headers, answer.status_code, answer.text)
            assert answer.headers["X-Content-Type-Options"] == "nosniff", answer.headers
        if read:
            assert requests.get(url + read, timeout=10).json() == unchanged, url


def test_a_page_may_not_even_ask_whether_it_may(doors):
    for url, (_, path, *_rest) in doors:
        asks = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
        answer = requests.options(url + path, headers=asks, timeout=10)
        assert answer.status_code == 403 and "Access-Control-Allow-Origin" not in answer.headers, answer.headers


@pytest.mark.parametrize("kind", [Marathon, Chronos])
def test_with_credentials_only_those_who_have_one_are_answered(mesos_url, tmp_path, kind):
    file = tmp_path / "credentials"
    file.write_text(json.dumps({"credentials": [{"principal": "ops", "secret": "hush"}]}))
    file.chmod(0o600)
    made = kind(tmp_path, urlparse(mesos_url).netloc, "--credentials", str(file))
    try:
        for path in ("/ping", "/v2/apps", "/v1/scheduler/jobs", "/metrics"):
            for auth in (None, ("ops", "loud"), ("nobody", "hush")):
                refused = requests.get(made.url + path, auth=auth, timeout=10)
                assert refused.status_code == 401 and "Basic" in refused.headers["WWW-Authenticate"], (path, auth)
        assert requests.get(f"{made.url}/ping", auth=("ops", "hush"), timeout=10).status_code == 200
    finally:
        made.stop()


@pytest.mark.parametrize("words", [
    ["marathon", "--marathon-listen", "0.0.0.0:0", "--in-memory"],
    ["chronos", "--chronos-listen", "0.0.0.0:0", "--in-memory"],
    ["blox", "serve", "--blox-listen", "0.0.0.0:0", "--endpoint", "http://127.0.0.1:9", "--region", "us-east-1", "--in-memory"],
    ["blox", "serve", "--cluster-state-listen", "0.0.0.0:0", "--blox-listen", "127.0.0.1:0", "--endpoint", "http://127.0.0.1:9", "--region", "us-east-1", "--in-memory"],
])
def test_an_address_that_others_can_reach_wants_a_word(words):
    if "LONGSHORE_BIN" not in os.environ:
        pytest.skip("LONGSHORE_BIN names no program to start")
    done = subprocess.run([os.environ["LONGSHORE_BIN"], *words], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and "or pass --insecure" in done.stderr, done
    assert done.stderr.count("\n") == 1, done.stderr


def test_what_is_no_http_is_turned_away(doors):
    for url, _ in doors:
        where = urlparse(url)
        with socket.create_connection((where.hostname, where.port), timeout=10) as peer:
            peer.sendall(b"\x16\x03\x01\x02\x00\r\n\r\n")
            assert peer.recv(64).startswith(b"HTTP/1.1 400"), url
