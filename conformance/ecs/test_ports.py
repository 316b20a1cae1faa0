"""Host ports of plain processes: dynamic and static ones, and those that somebody else has."""

import socket
import sys
import urllib.request
from pathlib import Path

import pytest

from harness.ecs import SLEEPER, machine_of, resource, shell
from harness.wait import until

pytestmark = [pytest.mark.process_only, pytest.mark.executes]

# Says on the port that it was told which one that is.
SERVER = (
    "import http.server, os, sys\n"
    "class H(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(200); self.end_headers()\n"
    "        self.wfile.write(os.environ['PORT'].encode())\n"
    "    def log_message(self, *a): pass\n"
    "http.server.HTTPServer(('', int(os.environ['PORT'])), H).serve_forever()\n"
)


def server(**more):
    return shell("", **more) | {"command": [sys.executable, "-c", SERVER]}


def mapped(*pairs):
    return [{"containerPort": port, "hostPort": host} for port, host in pairs]


def answer(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as reply:
        return int(reply.read())


def bindings(task):
    return {
        one["containerPort"]: one["hostPort"]
        for one in task["containers"][0]["networkBindings"]
    }


def free():
    with socket.socket() as one:
        one.bind(("", 0))
        return one.getsockname()[1]


def ephemeral():
    low, high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    return range(int(low), int(high) + 1)


def test_tasks_with_dynamic_ports_run_side_by_side_and_each_answers_on_its_own(ecs):
    definition = ecs.register(server(portMappings=mapped((80, 0))))["taskDefinitionArn"]
    tasks = [ecs.wait(task, "RUNNING") for task in ecs.run(definition, 6)]
    ports = [bindings(task)[80] for task in tasks]
    assert len(set(ports)) == 6 and all(port in ephemeral() for port in ports), ports
    for port in ports:
        assert until(lambda: reached(port), "it listens") == port
    # Dynamic ports are told, and not reserved.
    for instance in ecs.instances():
        assert not resource(instance, "PORTS") & set(ports)


def reached(port):
    try:
        return answer(port)
    except OSError:
        return None


def test_a_static_port_is_where_the_process_is_told_to_listen(ecs):
    port = free()
    # As a definition for Docker often says it: the port inside.
    mappings, inside = mapped((80, port)), [{"name": "PORT", "value": "80"}]
    definition = ecs.register(server(portMappings=mappings, environment=inside))
    task = ecs.wait(ecs.run(definition["taskDefinitionArn"])[0], "RUNNING")
    assert bindings(task) == {80: port}
    assert until(lambda: reached(port), "it listens") == port


def test_all_ports_are_told_and_another_port_is_left_alone(ecs, tmp_path):
    out = tmp_path / "told"
    script = f'echo "$PORT $PORT0 $PORT1" > {out}.new && mv {out}.new {out}; {SLEEPER}'
    other = [{"name": "PORT", "value": "5432"}]
    for environment in ([], other):
        out.unlink(missing_ok=True)
        container = shell(script, portMappings=mapped((80, 0), (81, 0)), environment=environment)
        task = ecs.wait(ecs.run(ecs.register(container)["taskDefinitionArn"])[0], "RUNNING")
        told = until(lambda: out.exists() and out.read_text().split(), "it has written")
        first, second = bindings(task)[80], bindings(task)[81]
        assert told == ["5432" if environment else str(first), str(first), str(second)]


def test_a_static_port_is_given_once_on_this_machine(ecs, instances):
    port = free()
    container = shell(SLEEPER, portMappings=mapped((80, port)))
    definition = ecs.register(container)["taskDefinitionArn"]
    reply = ecs.try_run(definition, count=2)
    assert len(reply["tasks"]) == 1
    assert {one["reason"] for one in reply["failures"]} == {"RESOURCE:PORTS"}
    assert any("same machine" in one["detail"] for one in reply["failures"]), reply["failures"]
    for instance in ecs.instances():
        assert port in resource(instance, "PORTS")
    elsewhere = [
        one["containerInstanceArn"] for one in instances
        if one["containerInstanceArn"] != reply["tasks"][0]["containerInstanceArn"]
    ]
    failed = ecs.start(definition, elsewhere)["failures"]
    assert {one["reason"] for one in failed} == {"RESOURCE:PORTS"} and len(failed) == 2
    ecs.stop(reply["tasks"][0])
    assert all(port not in resource(one, "PORTS") for one in ecs.instances())
    assert len(ecs.run(definition)) == 1


def test_instances_of_this_machine_say_so(instances):
    assert [machine_of(one) for one in instances] == [socket.gethostname()] * 3


@pytest.mark.parametrize("mode", ["bridge", "host"])
def test_a_port_that_another_program_has_fails_the_start_by_name(ecs, mode):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        mapping = mapped((port, port))
        definition = ecs.register(shell(SLEEPER, portMappings=mapping), networkMode=mode)
        task = ecs.run(definition["taskDefinitionArn"])[0]
        stopped = ecs.wait(task, "STOPPED")
    assert stopped["stopCode"] == "TaskFailedToStart"
    reason = f"CannotStartContainerError: the host port {port}/tcp is in use on this machine"
    assert stopped["containers"][0]["reason"] == reason
    # Once it is free, a task gets it.
    ecs.wait(ecs.run(definition["taskDefinitionArn"])[0], "RUNNING")
