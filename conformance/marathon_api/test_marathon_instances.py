"""What instances are given: secrets, limits of resources, a terminal; and whether they are asked over TLS."""

import json
import os
import shutil
import subprocess
from urllib.parse import urlparse

import pytest

from harness.ecs import Ecs, stop_everything
from harness.marathon import Marathon, app, post, runs
from harness.server import Started, given
from harness.wait import until

pytestmark = pytest.mark.process_only

# Answers over TLS with a certificate that nobody has signed, as long as the file is there.
SERVE = """
import http.server, os, ssl
server = http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT0"])), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def test_checks_over_https_take_any_certificate(marathon, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate with")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=nobody", "-days", "1",
         "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True, timeout=30,
    )
    (tmp_path / "serve.py").write_text(SERVE)
    (tmp_path / "well").touch()
    check = {"protocol": "HTTPS", "path": "/well", "gracePeriodSeconds": 10, "intervalSeconds": 1, "timeoutSeconds": 2, "maxConsecutiveFailures": 2}
    ready = {"protocol": "HTTPS", "path": "/well", "portName": "https", "intervalSeconds": 2, "timeoutSeconds": 1}
    post(
        marathon, "tls", cmd=f"cd {tmp_path} && exec python3 serve.py",
        portDefinitions=[{"port": 0, "name": "https"}], healthChecks=[check], readinessChecks=[ready],
    )
    # The deployment ends when the instance is well and ready, both over TLS.
    (first,) = runs(marathon, "tls", 1)
    assert marathon.app("tls")["tasksHealthy"] == 1
    (tmp_path / "well").unlink()
    until(lambda: first not in {task["id"] for task in marathon.tasks("tls")}, "it is ended", 30)


def test_a_variable_is_a_secret_that_the_cluster_knows(tmp_path):
    if given():
        pytest.skip("a server with secrets of its own is started")
    known = tmp_path / "secrets.json"
    known.write_text(json.dumps({"/prod/key": "hush"}))
    started = Started(os.environ["LONGSHORE_BIN"], "--secrets", str(known))
    marathon = None
    try:
        marathon = Marathon(tmp_path, urlparse(started.server.mesos).netloc)
        told = tmp_path / "told"
        post(
            marathon, "secretive", cmd=f'echo "$KEY $PLAIN" > {told}; exec sleep 600',
            env={"KEY": {"secret": "of-prod"}, "PLAIN": "seen"}, secrets={"of-prod": {"source": "/prod/key"}},
        )
        runs(marathon, "secretive", 1)
        until(lambda: told.exists() and told.read_text() == "hush seen\n", "it is told the secret")
        shown = marathon.app("secretive")
        assert shown["env"] == {"KEY": {"secret": "of-prod"}, "PLAIN": "seen"} and shown["secrets"] == {"of-prod": {"source": "/prod/key"}}
        assert "hush" not in json.dumps(marathon.call("GET", "apps").json())
    finally:
        if marathon:
            marathon.stop()
        stop_everything(Ecs(started.server.ecs, started.server.cluster))
        started.stop()


def test_what_is_claimed_is_reserved_and_the_limit_is_the_most(marathon, ecs):
    post(marathon, "bounded", resourceLimits={"mem": 64, "cpus": "unlimited"})
    runs(marathon, "bounded", 1)
    assert marathon.app("bounded")["resourceLimits"] == {"mem": 64, "cpus": "unlimited"}
    (task,) = ecs.tasks()
    (container,) = task["overrides"]["containerOverrides"]
    assert (container["memory"], container["memoryReservation"]) == (64, 32), task


@pytest.mark.parametrize("container", [None, {"type": "MESOS"}, {"type": "DOCKER", "docker": {"image": "busybox"}}])
def test_a_terminal_is_asked_for_in_the_task_definition(marathon, ecs, container):
    post(marathon, "terminal", tty=True, **({"container": container} if container else {}))
    runs(marathon, "terminal", 1)
    assert marathon.app("terminal")["tty"] is True
    (task,) = ecs.tasks()
    definition = ecs.client.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
    assert definition["containerDefinitions"][0]["pseudoTerminal"] is True, definition


def test_an_app_that_says_none_of_it_is_shown_with_none_of_it(marathon):
    post(marathon, "plain", instances=0)
    assert not {"secrets", "resourceLimits", "tty"} & set(marathon.app("plain"))


@pytest.mark.parametrize("change, status, path", [
    ({"env": {"A": {"secret": "none"}}}, 422, "/env/A/secret"),
    ({"secrets": {"s": {"source": ""}}}, 422, "/secrets/s/source"),
    ({"resourceLimits": {"mem": 16}}, 422, "/resourceLimits/mem"),
    ({"resourceLimits": {"cpus": "all"}}, 400, "/resourceLimits/cpus"),
    ({"tty": "yes"}, 400, "/tty"),
    ({"container": {"docker": {"image": "i"}, "volumes": [{"containerPath": "/s", "secret": "s"}]}}, 422, "/container/volumes(0)/secret"),
])
def test_what_is_wrong_about_it_is_named_by_its_path(marathon, change, status, path):
    answer = marathon.call("POST", "apps", json={**app("wrong"), **change})
    assert answer.status_code == status and path in [detail["path"] for detail in answer.json()["details"]], answer.text
