"""Runs commands through task-processing's MesosTaskExecutor, one after the other, and writes one
JSON object a line for each. Arguments: master, framework name, image, JSON list of commands;
a command that begins with "kill:" is killed as soon as it runs."""

import json
import sys
import threading

from task_processing.plugins.mesos.mesos_task_executor import MesosTaskExecutor
from task_processing.runners.sync import Sync

PATIENCE_S = 60


def run(executor, task):
    """Starts task and follows its events to the end; returns the end and the states before it."""
    kill = task.cmd.startswith("kill:")
    task = task.set(cmd=task.cmd.removeprefix("kill:"))
    executor.run(task)
    events, states = executor.get_event_queue(), []
    while True:
        event = events.get(timeout=PATIENCE_S)
        if event.kind != "task" or event.task_id != task.task_id:
            continue
        states.append(event.platform_type)
        if event.platform_type == "running" and kill:
            executor.kill(task.task_id)
        if event.terminal:
            return event, states


def main():
    master, name, image, commands = sys.argv[1:5]
    executor = MesosTaskExecutor(role="*", mesos_address=master, framework_name=name)
    config = executor.TASK_CONFIG_INTERFACE
    for command in json.loads(commands):
        task = config(image=image, cmd=command, cpus=0.1, mem=64, disk=10, offer_timeout=PATIENCE_S)
        if command.startswith("sync:"):
            event = Sync(executor).run(task.set(cmd=command.removeprefix("sync:")))
            states = [event.platform_type]
        else:
            event, states = run(executor, task)
        print(
            json.dumps(
                {
                    "command": command, "success": event.success, "states": states,
                    "state": event.raw.get("state"), "message": event.raw.get("message"),
                }
            ),
            flush=True,
        )
    stopped = threading.Thread(target=executor.stop, daemon=True)
    stopped.start()
    stopped.join(10)
    print(json.dumps({"stopped": not stopped.is_alive()}), flush=True)


if __name__ == "__main__":
    main()
