"""A framework on pymesos. Reads orders, one JSON object a line, from its standard input and writes
one JSON object a line for everything that its driver tells it.

Orders: {"launch": TASK}   TASK = {"id", "command", "cpus", "mem", "image", "env"}: on the next offer
        {"kill": ID}  {"reconcile": [ID, ...]}  {"stop": FAILOVER}

MESOS_PRINCIPAL and MESOS_SECRET are what it proves who it is with.
"""

import json
import os
import sys
import threading
import time

from pymesos import MesosSchedulerDriver, Scheduler

LOCK = threading.Lock()


def say(what, **more):
    with LOCK:
        print(json.dumps({"what": what, **more}), flush=True)


def scalar(name, value):
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}}


def task_info(task, offer):
    variables = [{"name": k, "value": v} for k, v in task.get("env", {}).items()]
    return {
        "task_id": {"value": task["id"]},
        "agent_id": offer["agent_id"],
        "name": "pymesos",
        "resources": [scalar("cpus", task["cpus"]), scalar("mem", task["mem"])],
        "command": {"value": task["command"], "environment": {"variables": variables}},
        "container": {"type": "DOCKER", "docker": {"image": task["image"]}},
    }


def left(offer, name):
    return sum(r["scalar"]["value"] for r in offer["resources"] if r["name"] == name)


class Framework(Scheduler):
    def __init__(self):
        self.waiting = []
        self.lock = threading.Lock()

    def registered(self, driver, framework_id, master_info):
        say("registered", id=framework_id["value"], version=master_info.get("version"))

    def reregistered(self, driver, master_info):
        say("reregistered", id=driver.framework_id)

    def disconnected(self, driver):
        say("disconnected")

    def resourceOffers(self, driver, offers):
        for offer in offers:
            cpus, mem, taken = left(offer, "cpus"), left(offer, "mem"), []
            with self.lock:
                for task in list(self.waiting):
                    if task["cpus"] <= cpus and task["mem"] <= mem:
                        self.waiting.remove(task)
                        taken.append(task)
                        cpus, mem = cpus - task["cpus"], mem - task["mem"]
            filters = {"refuse_seconds": 0.1}
            if taken:
                infos = [task_info(task, offer) for task in taken]
                driver.launchTasks(offer["id"], infos, filters)
                say("launched", ids=[task["id"] for task in taken])
            else:
                driver.declineOffer(offer["id"], filters)

    def statusUpdate(self, driver, status):
        say(
            "update", id=status["task_id"]["value"], state=status["state"],
            message=status.get("message"), reason=status.get("reason"),
            agent=status.get("agent_id", {}).get("value"), uuid=status.get("uuid"),
        )

    def offerRescinded(self, driver, offer_id):
        say("rescinded", id=offer_id["value"])

    def slaveLost(self, driver, agent_id):
        say("agent lost", id=agent_id["value"])

    def error(self, driver, message):
        say("error", message=message)


def main():
    master, name = sys.argv[1:3]
    info = {"user": "root", "name": name, "failover_timeout": 30}
    if len(sys.argv) > 3:
        info["id"] = {"value": sys.argv[3]}
    scheduler = Framework()
    proof = {name: os.environ.get(f"MESOS_{name.upper()}") for name in ("principal", "secret")}
    driver = MesosSchedulerDriver(scheduler, info, master, **proof)
    driver.start()
    for line in sys.stdin:
        order = json.loads(line)
        if "launch" in order:
            with scheduler.lock:
                scheduler.waiting.append(order["launch"])
        elif "kill" in order:
            driver.killTask({"value": order["kill"]})
        elif "reconcile" in order:
            driver.reconcileTasks([{"task_id": {"value": i}} for i in order["reconcile"]])
        elif "stop" in order:
            driver.stop(failover=order["stop"])
            driver.join()
            say("stopped")
            return
    time.sleep(0.1)


if __name__ == "__main__":
    main()
