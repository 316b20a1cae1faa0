"""Tasks that really run: statuses, exit codes, stop codes, timestamps, signals, environment."""

import time

import pytest

from harness.ecs import SLEEPER, STUBBORN, error, image, resource, shell
from harness.wait import until

pytestmark = pytest.mark.executes


def ended(ecs, command, **more):
    """Runs command as a task and returns the task once it is STOPPED."""
    return ecs.wait(ecs.run_one(command, **more), "STOPPED")


def exit_code(task, name="main"):
    return next(c for c in task["containers"] if c["name"] == name).get("exitCode")


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_the_exit_code_of_the_command_is_reported(ecs, code):
    task = ended(ecs, f"exit {code}")
    assert exit_code(task) == code
    assert task["containers"][0]["lastStatus"] == "STOPPED"
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited", "Essential container in task exited",
    )
    assert (task["lastStatus"], task["desiredStatus"]) == ("STOPPED", "STOPPED")


def test_a_task_that_kills_itself_ends_with_137(ecs):
    assert exit_code(ended(ecs, "sh -c 'kill -9 $$' ; exit $?")) == 137


def test_the_timestamps_of_a_task_are_in_order(ecs):
    task = ended(ecs, "sleep 0.3")
    order = ["createdAt", "startedAt", "executionStoppedAt", "stoppedAt"]
    times = [task[name] for name in order]
    assert times == sorted(times)
    assert (task["executionStoppedAt"] - task["startedAt"]).total_seconds() < 20
    if "pullStartedAt" in task:
        assert task["createdAt"] <= task["pullStartedAt"] <= task["pullStoppedAt"]
    assert abs(time.time() - task["stoppedAt"].timestamp()) < 60


def test_a_running_task_shows_what_is_known_of_it(ecs):
    task = ecs.wait(ecs.run_one(SLEEPER), "RUNNING")
    assert (task["connectivity"], task["desiredStatus"]) == ("CONNECTED", "RUNNING")
    assert task["startedAt"] >= task["createdAt"] and "stoppedAt" not in task
    assert task["healthStatus"] == "UNKNOWN"
    container = task["containers"][0]
    assert container["lastStatus"] == "RUNNING" and "exitCode" not in container
    assert container["runtimeId"]
    assert "stopCode" not in task and "stoppedReason" not in task


def test_the_version_of_a_task_rises_with_each_status(ecs):
    pending = ecs.run_one(SLEEPER)
    running = ecs.wait(pending, "RUNNING")
    stopped = ecs.stop(pending)[0]
    assert 1 <= pending["version"] < running["version"] < stopped["version"]


def test_statuses_come_in_order(ecs):
    task, seen = ecs.run_one("sleep 0.5"), []

    def over():
        status = ecs.task(task)["lastStatus"]
        if not seen or seen[-1] != status:
            seen.append(status)
        return status == "STOPPED"

    until(over, "the task is STOPPED", every_s=0.02)
    order = ["PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "STOPPED"]
    assert seen == sorted(seen, key=order.index)
    assert "RUNNING" in seen


def test_stopping_sends_sigterm_and_reports_what_the_command_made_of_it(ecs):
    task = ecs.run_one("trap 'exit 42' TERM; sleep 600 & wait $!")
    ecs.wait(task, "RUNNING")
    time.sleep(0.3)  # the shell needs a moment to set its trap
    stopped = ecs.stop(task, reason="done with it")[0]
    assert exit_code(stopped) == 42
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "done with it")
    assert stopped["stoppingAt"] <= stopped["stoppedAt"]


def test_a_command_that_ignores_sigterm_is_killed_after_stop_timeout(ecs):
    task = ecs.run_one(STUBBORN, stopTimeout=2)
    ecs.wait(task, "RUNNING")
    time.sleep(0.3)
    asked = time.monotonic()
    stopped = ecs.stop(task)[0]
    took = time.monotonic() - asked
    assert exit_code(stopped) == 137
    assert 1.8 <= took < 12, took


def test_a_task_that_was_stopped_before_it_ran_is_stopped_all_the_same(ecs):
    stopped = ecs.stop(ecs.run_one(SLEEPER))[0]
    assert stopped["stopCode"] == "UserInitiated"
    assert stopped["desiredStatus"] == "STOPPED"


def test_environment_reaches_the_command_and_an_override_wins(ecs):
    check = 'test "$A" = one || exit 11; test "$B" = "two words" || exit 12; exit 0'
    definition = ecs.define(
        check,
        environment=[{"name": "A", "value": "one"}, {"name": "B", "value": "overridden"}],
    )
    override = {"name": "main", "environment": [{"name": "B", "value": "two words"}]}
    task = ecs.run(definition, overrides={"containerOverrides": [override]})[0]
    assert exit_code(ecs.wait(task, "STOPPED")) == 0


def test_the_environment_of_the_server_is_not_inherited(ecs):
    assert exit_code(ended(ecs, 'test -z "$LONGSHORE_BIN$LONGSHORE_RUNTIME" || exit 9')) == 0


def test_an_override_replaces_the_command(ecs):
    override = {"name": "main", "command": ["sh", "-c", "exit 5"]}
    task = ecs.run(ecs.define("exit 1"), overrides={"containerOverrides": [override]})[0]
    assert exit_code(ecs.wait(task, "STOPPED")) == 5


def test_the_entry_point_comes_before_the_command(ecs):
    definition = ecs.register(
        {
            "name": "main", "image": image(), "memory": 32,
            "entryPoint": ["sh", "-c", 'exit "$1"', "zero"], "command": ["6"],
        }
    )["taskDefinitionArn"]
    assert exit_code(ecs.wait(ecs.run(definition)[0], "STOPPED")) == 6


def test_arguments_with_spaces_and_quotes_arrive_as_they_are(ecs):
    definition = ecs.register(
        {
            "name": "main", "image": image(), "memory": 32,
            "command": ["sh", "-c", 'test "$1" = "a  \'b\' \\"c\\" \\$d" || exit 8', "sh",
                        "a  'b' \"c\" $d"],
        }
    )["taskDefinitionArn"]
    assert exit_code(ecs.wait(ecs.run(definition)[0], "STOPPED")) == 0


def test_the_end_of_an_essential_container_stops_the_others(ecs):
    definition = ecs.register(
        shell("sleep 0.5; exit 3"), shell(SLEEPER, "side"), shell(SLEEPER, "extra", essential=False)
    )["taskDefinitionArn"]
    task = ecs.wait(ecs.run(definition)[0], "STOPPED")
    assert exit_code(task) == 3
    assert {c["lastStatus"] for c in task["containers"]} == {"STOPPED"}
    assert exit_code(task, "side") is not None and exit_code(task, "extra") is not None
    assert task["stopCode"] == "EssentialContainerExited"


def test_the_end_of_a_container_that_is_not_essential_leaves_the_task_running(ecs):
    definition = ecs.register(shell(SLEEPER), shell("exit 4", "side", essential=False))
    task = ecs.run(definition["taskDefinitionArn"])[0]

    def side_is_over():
        seen = ecs.task(task)
        side = next(c for c in seen["containers"] if c["name"] == "side")
        return seen if side["lastStatus"] == "STOPPED" else None

    seen = until(side_is_over, "the side container has ended")
    assert exit_code(seen, "side") == 4
    seen = ecs.wait(task, "RUNNING")
    assert exit_code(seen) is None and seen["desiredStatus"] == "RUNNING"


def test_a_program_that_does_not_exist_fails_to_start(ecs):
    definition = ecs.register(
        {"name": "main", "image": image(), "memory": 32, "command": ["/no/such/program"]}
    )["taskDefinitionArn"]
    task = ecs.wait(ecs.run(definition)[0], "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["containers"][0]["reason"].startswith("CannotStartContainerError: ")
    assert "startedAt" not in task


@pytest.mark.process_only
def test_a_process_container_without_a_command_fails_to_start_with_a_reason(ecs):
    definition = ecs.register({"name": "main", "image": image(), "memory": 32})
    task = ecs.wait(ecs.run(definition["taskDefinitionArn"])[0], "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    reason = task["containers"][0]["reason"]
    assert reason.startswith("CannotStartContainerError: ") and image() in reason
    assert "startedAt" not in task


def test_a_stopped_task_stays_describable_and_listed(ecs, client):
    task = ended(ecs, "exit 0")
    assert task["taskArn"] in client.list_tasks(
        cluster=ecs.cluster, desiredStatus="STOPPED", family=task["group"].partition(":")[2]
    )["taskArns"]
    again = ecs.task(task)
    assert (again["version"], again["stoppedAt"]) == (task["version"], task["stoppedAt"])


def test_much_output_does_not_block_a_task(ecs):
    task = ended(ecs, "i=0; while [ $i -lt 3000 ]; do echo $i 0123456789012345678901234567890123456789012345678901234567890123456789; i=$((i+1)); done; exit 3")
    assert exit_code(task) == 3


def test_the_children_of_a_command_end_with_it(ecs):
    task = ecs.run_one("sleep 600 & sleep 600 & trap 'exit 0' TERM; wait")
    ecs.wait(task, "RUNNING")
    ecs.stop(task)
    where = ecs.instance(task["containerInstanceArn"])
    assert resource(where, "CPU") == resource(where, "CPU", "registeredResources")


def test_ten_tasks_at_once_all_end_with_their_own_code(ecs):
    definition = ecs.define("exit $CODE")
    tasks = {}
    for code in range(10):
        override = {"name": "main", "environment": [{"name": "CODE", "value": str(code)}]}
        task = ecs.run(definition, overrides={"containerOverrides": [override]})[0]
        tasks[task["taskArn"]] = code
    assert {arn: exit_code(ecs.wait(arn, "STOPPED")) for arn in tasks} == tasks


def test_a_health_check_of_an_unknown_kind_is_refused(ecs, client):
    with error(("ClientException", "InvalidParameterException")):
        ecs.register(shell(SLEEPER, healthCheck={"command": ["MAYBE", "true"]}))
