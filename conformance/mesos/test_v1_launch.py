"""ACCEPT with LAUNCH: tasks that run, and what becomes of the offer [C7]-[C21], [A1], [T20]."""

import pytest

from harness import ecs as harness_ecs
from harness.ecs import SLEEPER, image, shell, unique
from harness.mesos import a_port, id_of, is_uuid, ranges, resource, scalar, task
from harness.wait import holds, until


@pytest.fixture
def framework(schedulers):
    made = schedulers()
    made.subscribe()
    return made


def launched(framework, command, /, **more):
    """Launches one task on the first offer; returns its id and the offer."""
    offer = framework.wait_offer()
    info = task(offer, command, **more)
    framework.launch(offer, info)
    return id_of(info), offer


# What a framework sends whose command is the name of a task definition made by harness.ecs.shell:
# the image is not meant, the resources are those of the definition, shell is true by default.
NAMED = {"image": "ignore", "cpus": 0.0625, "mem": 32}


@pytest.mark.executes
def test_a_task_goes_from_running_to_finished(framework):
    task_id, offer = launched(framework, "exit 0")
    finished = framework.wait_state(task_id, "TASK_FINISHED")
    states = framework.states(task_id)
    assert states in (
        ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"],
        ["TASK_RUNNING", "TASK_FINISHED"],
        ["TASK_STARTING", "TASK_FINISHED"],
        ["TASK_FINISHED"],
    ), states  # [T30]: any may be skipped; TASK_STAGING is never sent [C19]
    assert "reason" not in finished and finished["source"] == "SOURCE_EXECUTOR"
    for status in framework.statuses(task_id):
        assert status["agent_id"] == offer["agent_id"]
        assert is_uuid(status["uuid"]) and status["timestamp"] > 1.5e9  # [E2]
        assert "healthy" not in status  # [T23]
    assert len({s["uuid"] for s in framework.statuses(task_id)}) == len(states)  # [T1]


@pytest.mark.executes
def test_a_task_that_lasts_is_seen_running(framework):
    task_id, _ = launched(framework, "sleep 1.5")
    running = framework.wait_state(task_id, "TASK_RUNNING")
    assert "container_status" in running
    framework.wait_state(task_id, "TASK_FINISHED")


@pytest.mark.executes
@pytest.mark.parametrize("code", [1, 7, 255])
def test_a_failed_task_tells_its_exit_code(framework, code):
    task_id, _ = launched(framework, f"exit {code}")
    failed = framework.wait_state(task_id, "TASK_FAILED")
    assert f"exited with status {code}" in failed["message"]
    assert failed["source"] == "SOURCE_EXECUTOR"  # [T31]


@pytest.mark.executes
def test_a_program_that_does_not_exist_is_task_failed(framework):
    task_id, _ = launched(
        framework, "unused", command={"shell": False, "value": "/no/such/program"}
    )
    failed = framework.wait_state(task_id, "TASK_FAILED")
    assert failed["message"]


def test_kill_ends_in_task_killed(framework):
    task_id, offer = launched(framework, SLEEPER)
    framework.wait_state(task_id, "TASK_RUNNING")
    framework.kill(task_id, offer["agent_id"]["value"])
    killed = framework.wait_state(task_id, "TASK_KILLED")
    assert is_uuid(killed["uuid"])


def test_kill_without_an_agent_and_twice_is_killed_once(framework):
    task_id, _ = launched(framework, SLEEPER)
    framework.wait_state(task_id, "TASK_RUNNING")
    framework.kill(task_id)
    framework.kill(task_id)
    framework.wait_state(task_id, "TASK_KILLED")
    holds(lambda: framework.states(task_id).count("TASK_KILLED") == 1, "one update", 1.0)


def test_kill_naming_another_agent_is_ignored(framework):
    task_id, _ = launched(framework, SLEEPER)
    framework.wait_state(task_id, "TASK_RUNNING")
    framework.kill(task_id, "another-agent")  # [C32]
    holds(lambda: framework.states(task_id)[-1] == "TASK_RUNNING", "the task runs on", 1.0)


def test_kill_right_after_the_launch_ends_the_task(framework):
    task_id, _ = launched(framework, SLEEPER)
    framework.kill(task_id)
    framework.wait_state(task_id, "TASK_KILLED")


def test_with_task_killing_state_killing_comes_first_or_not_at_all(schedulers):
    framework = schedulers(capabilities=[{"type": "TASK_KILLING_STATE"}])
    framework.subscribe()
    task_id, _ = launched(framework, SLEEPER)
    framework.wait_state(task_id, "TASK_RUNNING")
    framework.kill(task_id)
    framework.wait_state(task_id, "TASK_KILLED")
    states = framework.states(task_id)
    assert states.index("TASK_KILLED") == len(states) - 1
    assert set(states[states.index("TASK_RUNNING") + 1:-1]) <= {"TASK_KILLING"}


@pytest.mark.executes
def test_arguments_without_a_shell(framework):
    task_id, _ = launched(
        framework, "unused",
        command={"shell": False, "value": "sh", "arguments": ["sh", "-c", 'exit "$1"', "x", "6"]},
        container={"type": "MESOS", "mesos": {"image": {"type": "DOCKER", "docker": {"name": image()}}}},
    )
    failed = framework.wait_state(task_id, "TASK_FAILED")
    assert "exited with status 6" in failed["message"]  # [A9]; [A1]: argv[0] is in arguments


@pytest.mark.executes
def test_environment_reaches_the_task(framework):
    check = 'test "$A" = "one two" && test -n "$MESOS_TASK_ID" && test -n "$MESOS_FRAMEWORK_ID"'
    variables = [{"name": "A", "value": "one two"}]
    task_id, _ = launched(
        framework, "unused",
        command={"value": f"{check} || exit 9", "environment": {"variables": variables}},
    )
    framework.wait_state(task_id, "TASK_FINISHED")  # [A14]


def test_the_ecs_task_is_on_the_offered_instance_and_names_the_mesos_task(framework, ecs, instances):
    task_id, offer = launched(framework, SLEEPER, cpus=0.25, mem=64)
    framework.wait_state(task_id, "TASK_RUNNING")
    arns = ecs.arns()
    assert len(arns) == 1
    seen = ecs.task(arns[0])
    assert 0 < len(seen["startedBy"]) <= 36
    zone = offer["domain"]["fault_domain"]["zone"]["name"]
    where = ecs.instance(seen["containerInstanceArn"])
    assert harness_ecs.zone_of(where) == zone
    assert harness_ecs.resource(where, "CPU") == harness_ecs.resource(instances[0], "CPU") - 256
    assert harness_ecs.resource(where, "MEMORY") == harness_ecs.resource(instances[0], "MEMORY") - 64
    pairs = [
        (pair["name"], pair["value"]) for o in seen["overrides"]["containerOverrides"]
        for pair in o.get("environment", [])
    ]
    assert ("MESOS_TASK_ID", task_id) in pairs
    assert ("MESOS_FRAMEWORK_ID", framework.framework_id) in pairs


@pytest.mark.executes
@pytest.mark.parametrize("form", ["family", "family:revision", "arn"])
def test_a_command_that_names_a_task_definition_runs_it(framework, ecs, form):
    made = ecs.register(shell('test "$GREETING" = hello || exit 9; exit 3'))
    name = {
        "family": made["family"], "family:revision": f"{made['family']}:1",
        "arn": made["taskDefinitionArn"],
    }[form]
    task_id, _ = launched(
        framework, "unused", **NAMED,
        command={"value": name,
                 "environment": {"variables": [{"name": "GREETING", "value": "hello"}]}},
    )
    failed = framework.wait_state(task_id, "TASK_FAILED")
    assert "exited with status 3" in failed["message"]
    arns = ecs.arns(family=made["family"], desiredStatus="STOPPED")
    assert len(arns) == 1
    assert ecs.task(arns[0])["taskDefinitionArn"] == made["taskDefinitionArn"]


def test_a_named_definition_registers_nothing_new(framework, ecs):
    made = ecs.register(shell(SLEEPER))
    task_id, _ = launched(framework, made["family"], **NAMED)
    framework.wait_state(task_id, "TASK_RUNNING")
    listed = ecs.client.list_task_definitions(familyPrefix=made["family"])["taskDefinitionArns"]
    assert listed == [made["taskDefinitionArn"]]
    framework.kill(task_id)
    framework.wait_state(task_id, "TASK_KILLED")


@pytest.mark.executes
def test_equal_tasks_share_one_definition(framework, ecs):
    def definitions():
        pages = ecs.client.get_paginator("list_task_definitions").paginate()
        return {arn for page in pages for arn in page["taskDefinitionArns"]}

    mark = framework.mark()
    first, _ = launched(framework, "exit 0")
    framework.wait_state(first, "TASK_FINISHED")
    before = definitions()
    framework.must("REVIVE")
    offer = framework.wait_offer(mark)
    infos = [task(offer, f"sleep 0.{n}", cpus=0.1 + n / 10, mem=32 + n) for n in range(3)]
    framework.launch(offer, *infos)
    for info in infos:
        framework.wait_state(id_of(info), "TASK_FINISHED")
    assert definitions() == before  # only command and sizes differ: they are overrides


@pytest.mark.executes
@pytest.mark.parametrize("task_id", ["a:b", "with space", "ct:1:0:job name", "ü💧", "x" * 255, "-"])
def test_odd_but_valid_task_ids_run_and_come_back_unchanged(framework, task_id):
    launched(framework, "exit 0", task_id=task_id)
    assert framework.wait_state(task_id, "TASK_FINISHED")["task_id"] == {"value": task_id}  # [L9]


@pytest.mark.executes
def test_a_task_id_can_be_used_again_after_its_end(framework):
    mark = framework.mark()
    task_id, _ = launched(framework, "exit 0")
    finished = framework.wait_state(task_id, "TASK_FINISHED")
    until(lambda: finished["uuid"] in framework.acknowledged, "the end is acknowledged")
    framework.must("REVIVE")
    offer = framework.wait_offer(mark)
    mark = framework.mark()
    framework.launch(offer, task(offer, "exit 4", task_id=task_id))
    framework.wait_state(task_id, "TASK_FAILED", since=mark)


@pytest.mark.executes
def test_zero_and_absent_resources_are_taken(framework):
    offer = framework.wait_offer()
    zeros = task(offer, "exit 0", extra=[scalar("gpus", 0), scalar("disk", 0)])
    no_cpu = task(offer, "exit 0")
    no_cpu["resources"] = [scalar("mem", 32)]
    framework.launch(offer, zeros, no_cpu)
    for info in (zeros, no_cpu):
        framework.wait_state(id_of(info), "TASK_FINISHED")  # [L2]


def test_ports_of_a_task_are_not_offered_while_it_runs(framework):
    offer = framework.wait_offer()
    first = a_port(offer)
    ports = {first, first + 1, first + 5}
    info = task(offer, SLEEPER, extra=[ranges("ports", (first, first + 1), (first + 5, first + 5))])
    mark = framework.mark()
    framework.launch(offer, info, filters={"refuse_seconds": 0})
    framework.wait_state(id_of(info), "TASK_RUNNING")  # [L6]: no port mapping is asked for

    def latest(since):
        found = [o for o in framework.offers(since) if o["agent_id"] == offer["agent_id"]]
        return found[-1] if found else None

    rest = until(lambda: latest(mark), "the rest is offered")
    assert resource(offer, "ports") - resource(rest, "ports") == ports
    framework.kill(id_of(info))
    framework.wait_state(id_of(info), "TASK_KILLED")
    framework.decline([rest], refuse_seconds=0)

    def offered_again():  # What is freed may come as an offer of its own.
        found = [o for o in framework.offers(mark) if o["agent_id"] == offer["agent_id"]]
        return any(ports <= (resource(o, "ports") or set()) for o in found)

    until(offered_again, "the ports are offered again")


def test_a_port_mapping_becomes_a_host_port_of_the_instance(framework, ecs):
    offer = framework.wait_offer()
    port = a_port(offer)
    docker = {
        "image": image(), "network": "BRIDGE",
        "port_mappings": [{"host_port": port, "container_port": 8080}],
    }
    info = task(
        offer, SLEEPER, extra=[ranges("ports", (port, port))],
        container={"type": "DOCKER", "docker": docker},
    )
    framework.launch(offer, info)
    framework.wait_state(id_of(info), "TASK_RUNNING")
    arn = ecs.arns()[0]
    where = ecs.instance(ecs.task(arn)["containerInstanceArn"])
    assert port in harness_ecs.resource(where, "PORTS")  # [A5]


def test_what_a_launch_leaves_over_is_declined_for_five_seconds(framework):
    offer = framework.wait_offer()
    mark = framework.mark()
    info = task(offer, SLEEPER)
    framework.launch(offer, info)  # [C20]

    def again(since):
        return [o for o in framework.offers(since) if o["agent_id"] == offer["agent_id"]]

    holds(lambda: not again(mark), "the rest is not offered", 4.0)
    rest = until(lambda: again(mark), "the rest is offered", 8)[-1]
    assert resource(rest, "cpus") == pytest.approx(resource(offer, "cpus") - 0.1, abs=0.002)
    assert resource(rest, "mem") == resource(offer, "mem") - 32


def test_accept_without_operations_is_a_decline(framework):
    offers = framework.wait_offers(3)
    mark = framework.mark()
    framework.accept([offers[0]], filters={"refuse_seconds": 0})  # [C11]
    agent = offers[0]["agent_id"]
    until(lambda: agent in [o["agent_id"] for o in framework.offers(mark)], "it is offered again", 4)
    mark = framework.mark()
    framework.accept([offers[1]], {"type": "LAUNCH", "launch": {"task_infos": []}},
                     filters={"refuse_seconds": 600})
    holds(
        lambda: offers[1]["agent_id"] not in [o["agent_id"] for o in framework.offers(mark)],
        "the filter of the call counts", 1.5,
    )


@pytest.mark.executes
def test_several_launches_in_one_accept_share_the_offer(framework):
    offer = framework.wait_offer()
    half = resource(offer, "cpus") / 2
    infos = [task(offer, "exit 0", cpus=half) for _ in range(3)]
    framework.accept(
        [offer], *[{"type": "LAUNCH", "launch": {"task_infos": [info]}} for info in infos]
    )
    framework.wait_state(id_of(infos[2]), "TASK_ERROR")  # [C16]
    for info in infos[:2]:
        framework.wait_state(id_of(info), "TASK_FINISHED")


@pytest.mark.executes
def test_twenty_tasks_on_one_offer_all_end(framework):
    offer = framework.wait_offer()
    infos = [task(offer, f"exit {n % 2}", cpus=0.01, mem=16) for n in range(20)]
    framework.launch(offer, *infos)
    for n, info in enumerate(infos):
        framework.wait_state(id_of(info), "TASK_FAILED" if n % 2 else "TASK_FINISHED")


@pytest.mark.executes
def test_a_task_without_an_image_runs_on_the_default(framework):
    task_id, _ = launched(framework, "exit 5", image=None)
    assert "exited with status 5" in framework.wait_state(task_id, "TASK_FAILED")["message"]


def test_frameworks_may_use_the_same_task_id(schedulers):
    task_id = unique("same")
    made = [schedulers(), schedulers()]
    for framework in made:
        framework.subscribe()
        offer = framework.wait_offer()
        framework.launch(offer, task(offer, SLEEPER, task_id=task_id))
        framework.wait_state(task_id, "TASK_RUNNING")
        framework.must("SUPPRESS")
        framework.decline(framework.offers(), refuse_seconds=0)
    made[0].kill(task_id)
    made[0].wait_state(task_id, "TASK_KILLED")
    holds(lambda: made[1].states(task_id)[-1] == "TASK_RUNNING", "the other runs on", 1.0)
