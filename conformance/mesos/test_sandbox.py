"""Sandboxes, what is fetched into them, and who may look [A2], [A7], [A8], [A14], [L5]."""

import http.server
import io
import os
import subprocess
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest
import requests

from harness.ecs import unique
from harness.mesos import id_of, scalar, task
from harness.wait import until

pytestmark = pytest.mark.process_only


@pytest.fixture
def framework(schedulers):
    made = schedulers()
    made.subscribe()
    return made


def archive():
    """A tar.gz with a program in a directory."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        script = b"#!/bin/sh\necho from the archive\n"
        entry = tarfile.TarInfo("app/run.sh")
        entry.size, entry.mode = len(script), 0o755
        tar.addfile(entry, io.BytesIO(script))
    return packed.getvalue()


def hostile():
    """A zip file that would write beside the sandbox."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("../escaped", "x")
    return packed.getvalue()


@pytest.fixture(scope="module")
def files():
    """A web server, and how often each path was asked for."""
    served = {
        "/app.tar.gz": archive(),
        "/hostile.zip": hostile(),
        "/script": b"#!/bin/sh\necho executed\n",
        "/text": b"some text",
        "/cached": b"kept",
        "/later": b"",
    }
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/text")
                self.end_headers()
                return
            if self.path == "/later":
                until(lambda: "/cached" in asked, "the first was fetched")
                cached.wait(1)
            if self.path == "/slow":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                slow.wait(30)
                return
            body = served.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    slow, cached = threading.Event(), threading.Event()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url, server.asked = f"http://127.0.0.1:{server.server_address[1]}", asked
    yield server
    slow.set()
    server.shutdown()


def launched(framework, command, uris=(), **more):
    offer = framework.wait_offer()
    info = task(offer, command, image=None, **more)
    info["command"]["uris"] = list(uris)
    framework.launch(offer, info)
    return id_of(info), offer


def launched_group(framework, *members):
    """Launches a group; each member is a command and its URIs. The ids of its tasks."""
    offer = framework.wait_offer()
    tasks = []
    for command, uris in members:
        info = task(offer, command, image=None)
        info["command"]["uris"] = list(uris)
        tasks.append(info)
    resources = [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 32)]
    given = {"type": "DEFAULT", "executor_id": {"value": unique("executor")}, "resources": resources}
    group = {"executor": given, "task_group": {"tasks": tasks}}
    framework.accept([offer], {"type": "LAUNCH_GROUP", "launch_group": group})
    return [id_of(info) for info in tasks], given["executor_id"]["value"], offer


def test_each_task_of_a_group_has_its_own_files_in_a_sandbox_of_its_own(framework, files):
    """[A2], [A16]"""
    here = 'test "$(pwd -P)" = "$(cd "$MESOS_SANDBOX" && pwd -P)"'
    ids, _, _ = launched_group(
        framework,
        (f'{here} && ./script && test ! -e text', [{"value": f"{files.url}/script", "executable": True}]),
        (f'{here} && grep -q some text && test ! -e script', [{"value": f"{files.url}/text"}]),
        (f'{here} && test ! -e text && test ! -e script', []),
    )
    for task_id in ids:
        framework.wait_state(task_id, "TASK_FINISHED")


def test_an_agent_tells_of_the_tasks_of_a_group_and_where_each_is(framework):
    """[A7], [A16]"""
    ids, executor_id, offer = launched_group(
        framework, ("echo first; sleep 1000", []), ("echo second; exit 0", [])
    )
    framework.wait_state(ids[1], "TASK_FINISHED")
    told = executor(offer, executor_id)
    live, ended = told["tasks"], told["completed_tasks"]
    assert [(one["id"], one["state"]) for one in live] == [(ids[0], "TASK_RUNNING")]
    assert [(one["id"], one["state"]) for one in ended] == [(ids[1], "TASK_FINISHED")]
    assert {one["executor_id"] for one in live + ended} == {executor_id}
    for one, said in ((live[0], "first\n"), (ended[0], "second\n")):
        assert one["directory"].startswith(told["directory"] + "/tasks/")
        run = f"/frameworks/{framework.framework_id}/executors/{executor_id}/runs/latest/tasks/{one['id']}"
        for directory in (one["directory"], run):
            where = {"path": f"{directory}/stdout", "offset": 0, "length": 100}
            read = requests.get(agent_of(offer) + "/files/read", params=where, timeout=10)
            assert read.json()["data"] == said
    framework.kill(ids[0])
    framework.wait_state(ids[0], "TASK_KILLED")


def test_a_file_that_a_task_of_a_group_cannot_have_ends_the_group(framework, files):
    """[A2], [A16], [L5]"""
    (first, second), _, _ = launched_group(
        framework, ("sleep 1000", []), ("./nothing", [{"value": f"{files.url}/nothing"}])
    )
    failed = framework.wait_state(second, "TASK_FAILED")
    assert failed["reason"] == "REASON_CONTAINER_LAUNCH_FAILED"
    assert f"{files.url}/nothing" in failed["message"]
    assert "TASK_RUNNING" not in framework.states(second)
    framework.wait_state(first, "TASK_KILLED")


def agent_of(offer):
    address = offer["url"]["address"]
    return f"http://{address['hostname']}:{address['port']}"


def executor(offer, task_id):
    """The executor of a task, as its agent tells."""
    for path in ("/state", "/slave(1)/state.json"):
        told = requests.get(agent_of(offer) + path, timeout=10).json()
        assert told["id"] == offer["agent_id"]["value"]
    for frameworks in (told["frameworks"], told["completed_frameworks"]):
        for framework in frameworks:
            for one in framework["executors"] + framework["completed_executors"]:
                if one["id"] == task_id:
                    return one
    raise AssertionError(f"{task_id} is on none of {told}")


def test_a_command_starts_in_its_sandbox_and_is_told_where_that_is(framework):
    """[A7], [A14]"""
    command = 'test "$(pwd -P)" = "$(cd "$MESOS_SANDBOX" && pwd -P)" && test "$MESOS_DIRECTORY" = "$MESOS_SANDBOX"'
    task_id, _ = launched(framework, command)
    framework.wait_state(task_id, "TASK_FINISHED")


def test_uris_are_fetched_unpacked_and_made_executable_before_the_start(framework, files):
    """[A2]"""
    uris = [
        {"value": f"{files.url}/app.tar.gz"},
        {"value": f"{files.url}/script", "executable": True},
        {"value": f"{files.url}/moved", "output_file": "conf/text"},
        {"value": f"{files.url}/app.tar.gz", "extract": False, "output_file": "kept.tar.gz"},
    ]
    command = (
        "test -f app.tar.gz && test -f kept.tar.gz && ./app/run.sh && ./script && cat conf/text"
    )
    task_id, offer = launched(framework, command, uris)
    framework.wait_state(task_id, "TASK_FINISHED")
    directory = executor(offer, task_id)["directory"]
    assert (Path(directory) / "stdout").read_text() == "from the archive\nexecuted\nsome text"


@pytest.mark.parametrize("uri, why", [
    ("/nothing", "404"),
    ("/hostile.zip", "out of the sandbox"),
    ("http://169.254.169.254/latest/meta-data", "link-local"),
    ("file:///etc/passwd", "--fetch-dir"),
    ("hdfs://somewhere/a", "nothing is fetched from hdfs"),
])
def test_what_cannot_be_fetched_fails_the_task_and_is_named(framework, files, uri, why):
    """[A2], [L5]"""
    uri = files.url + uri if uri.startswith("/") else uri
    task_id, _ = launched(framework, "exit 0", [{"value": f"{files.url}/text"}, {"value": uri}])
    status = framework.wait_state(task_id, "TASK_FAILED")
    assert status["reason"] == "REASON_CONTAINER_LAUNCH_FAILED", status
    assert status["source"] == "SOURCE_AGENT"
    assert uri in status["message"] and why in status["message"], status["message"]
    assert "TASK_RUNNING" not in framework.states(task_id)


def test_whoever_asks_for_the_output_of_a_task_is_told_that_its_files_could_not_be_fetched(framework, files, ecs, server):
    if not server.started:
        pytest.skip("the command is that of a server of our own (LONGSHORE_BIN)")
    task_id, _ = launched(framework, "exit 0", [{"value": f"{files.url}/nothing"}])
    framework.wait_state(task_id, "TASK_FAILED")
    command = [os.environ["LONGSHORE_BIN"], "logs", task_id, "--endpoint", ecs.url, "--cluster", ecs.cluster]
    told = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert told.returncode == 1 and f"{files.url}/nothing" in told.stderr and "404" in told.stderr, told
    assert "--container fetch" in told.stderr, told


def test_a_task_that_is_killed_while_it_fetches_is_killed(framework, files):
    """[A2], [A12]"""
    task_id, offer = launched(framework, "exit 0", [{"value": f"{files.url}/slow"}])
    until(lambda: "/slow" in files.asked, "it is being fetched")
    framework.kill(task_id, offer["agent_id"]["value"])
    framework.wait_state(task_id, "TASK_KILLED")


def test_what_may_be_cached_is_fetched_once_by_an_agent(framework, files):
    """[A2]"""
    offer = framework.wait_offer()
    infos = [task(offer, "test -f text", image=None) for _ in range(2)]
    for info in infos:
        uri = {"value": f"{files.url}/cached", "cache": True, "output_file": "text"}
        info["command"]["uris"] = [uri]
    # One after the other, on one agent: the second waits for the first by its own fetch.
    infos[1]["command"]["uris"].insert(0, {"value": f"{files.url}/later"})
    framework.launch(offer, *infos)
    for info in infos:
        framework.wait_state(id_of(info), "TASK_FINISHED")
    assert files.asked.count("/cached") == 1


def test_an_agent_tells_the_files_of_a_sandbox(framework):
    """[A7]"""
    command = "echo hello; echo wrong >&2; mkdir logs; printf 0123456789 > logs/app.log; ln -s /etc/passwd out; sleep 60"
    task_id, offer = launched(framework, command)
    framework.wait_state(task_id, "TASK_RUNNING")
    agent, found = agent_of(offer), executor(offer, task_id)
    directory = found["directory"]
    until(lambda: (Path(directory) / "out").is_symlink(), "the files are there")
    run = f"/frameworks/{framework.framework_id}/executors/{task_id}/runs"
    for where in (directory, f"{run}/latest", f"{run}/{found['container']}", f"/var/lib/mesos/slaves/x{run}/latest"):
        for path in ("/files/browse", "/files/browse.json"):
            listed = requests.get(agent + path, params={"path": where}, timeout=10).json()
            assert [entry["path"] for entry in listed] == [
                f"{where}/{name}" for name in ("logs", "out", "stderr", "stdout")
            ]
        assert listed[0]["mode"][0] == "d" and listed[1]["mode"][0] == "l"
        assert set(listed[0]) == {"gid", "mode", "mtime", "nlink", "path", "size", "uid"}

    def read(name, **more):
        return requests.get(
            agent + "/files/read", params={"path": f"{directory}/{name}", **more}, timeout=10
        )

    assert read("stdout", offset=0).json() == {"data": "hello\n", "offset": 0}
    assert read("stderr", offset=0).json() == {"data": "wrong\n", "offset": 0}
    assert read("logs/app.log", offset=-1).json() == {"data": "", "offset": 10}
    assert read("logs/app.log", offset=3, length=4).json() == {"data": "3456", "offset": 3}
    assert read("logs/app.log", offset=30).json() == {"data": "", "offset": 30}
    called = read("stdout", offset=0, jsonp="show").text
    assert called == 'show({"data":"hello\\n","offset":0});'
    down = requests.get(agent + "/files/download", params={"path": f"{directory}/logs/app.log"}, timeout=10)
    assert (down.content, down.headers["Content-Type"]) == (b"0123456789", "application/octet-stream")
    assert down.headers["Content-Disposition"] == "attachment; filename=app.log"
    # Nothing else of the machine.
    for outside in ("out", "../web/record", "logs/../../../x", "nothing"):
        assert read(outside, offset=0).status_code == 404, outside
    for path in ("/etc/passwd", f"{directory}/../../..", "/", "x" * 5000):
        assert requests.get(agent + "/files/browse", params={"path": path}, timeout=10).status_code == 404
    missing = requests.get(agent + "/files/read", timeout=10)
    assert (missing.status_code, missing.text) == (400, "Expecting 'path=value' in query.\n")
    assert read("logs", offset=0).status_code == 400
    assert read("stdout", offset=-5).status_code == 400
    page = requests.get(agent + "/files/browse", params={"path": directory}, headers={"Origin": "http://evil.example"}, timeout=10)
    assert page.status_code == 403, "the same guard as everywhere"
    framework.kill(task_id, offer["agent_id"]["value"])
    framework.wait_state(task_id, "TASK_KILLED")
    until(lambda: executor(offer, task_id)["completed_tasks"], "it is over at the agent too")
    assert read("stdout", offset=0).json() == {"data": "hello\n", "offset": 0}, "for a while"


def test_the_agent_is_where_the_master_says(framework, server):
    """[A7], [P7]"""
    offer = framework.wait_offer()
    told = requests.get(server.mesos + "/slaves", timeout=10).json()["slaves"]
    own = next(one for one in told if one["id"] == offer["agent_id"]["value"])
    address = offer["url"]["address"]
    assert own["pid"] == f"slave(1)@{address['ip']}:{address['port']}"
    assert (own["hostname"], own["port"]) == (address["hostname"], address["port"])
    agent = agent_of(offer)
    assert requests.get(agent + "/health", timeout=10).status_code == 200
    assert "version" in requests.get(agent + "/version", timeout=10).json()
    assert requests.get(agent + "/metrics/snapshot", timeout=10).json()["slave/registered"] == 1.0


def test_a_directory_of_the_machine_is_mounted_below_the_sandbox(framework, tmp_path):
    """[A8]"""
    offer = framework.wait_offer()
    info = task(offer, "echo shared > data/file")
    info["container"]["docker"]["network"] = "HOST"
    info["container"]["volumes"] = [
        {"host_path": str(tmp_path), "container_path": "data", "mode": "RW"}
    ]
    framework.launch(offer, info)
    framework.wait_state(id_of(info), "TASK_FINISHED")
    assert (tmp_path / "file").read_text() == "shared\n"
