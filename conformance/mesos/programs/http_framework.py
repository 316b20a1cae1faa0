"""A framework on avmesos or mesoshttp, two libraries with one interface. Orders and what it says are those of
pymesos_framework.py; the first argument is the library.
"""

import importlib
import json
import logging
import sys
import threading

LIBRARY, MASTER, NAME = sys.argv[1:4]
MesosClient = importlib.import_module(f"{LIBRARY}.client").MesosClient
LOCK = threading.Lock()
FILTERS = {"filters": {"refuse_seconds": 0.1}}


def say(what, **more):
    with LOCK:
        print(json.dumps({"what": what, **more}), flush=True)


def scalar(name, value):
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}}


def left(offer, name):
    return sum(r["scalar"]["value"] for r in offer["resources"] if r["name"] == name)


def task_info(task, offer):
    variables = [{"name": k, "value": v} for k, v in task.get("env", {}).items()]
    return {
        "name": LIBRARY,
        "task_id": {"value": task["id"]},
        "agent_id": {"value": offer["agent_id"]["value"]},
        "resources": [scalar("cpus", task["cpus"]), scalar("mem", task["mem"])],
        "command": {"value": task["command"], "environment": {"variables": variables}},
        "container": {"type": "DOCKER", "docker": {"image": task["image"]}},
    }


class Framework:
    def __init__(self, framework_id=None):
        self.client = MesosClient(
            mesos_urls=[f"http://{MASTER}"], frameworkId=framework_id, frameworkName=NAME, frameworkUser="root", max_reconnect=30,
        )
        MesosClient.WAIT_TIME = 1
        self.client.verify = True
        self.client.set_failover_timeout(30)
        self.waiting, self.agents, self.lock = [], {}, threading.Lock()
        for event, heard in (
            ("SUBSCRIBED", self.subscribed), ("OFFERS", self.offers), ("UPDATE", self.update), ("ERROR", self.error),
            ("FAILURE", lambda failure: say("failure", failure=failure)), ("RESCIND", lambda rescind: say("rescinded")),
            ("DISCONNECTED", lambda *_: say("disconnected")), ("RECONNECTED", lambda *_: say("reconnected")),
        ):
            self.client.on(getattr(MesosClient, event), heard)

    def subscribed(self, driver):
        self.driver = driver
        say("registered", id=self.client.frameworkId, version=(self.client.master_info or {}).get("version"))

    def offers(self, offers):
        for offer in offers:
            seen = offer.get_offer()
            cpus, mem, taken = left(seen, "cpus"), left(seen, "mem"), []
            with self.lock:
                for task in list(self.waiting):
                    if task["cpus"] <= cpus and task["mem"] <= mem:
                        self.waiting.remove(task)
                        taken.append(task)
                        cpus, mem = cpus - task["cpus"], mem - task["mem"]
            if taken:
                offer.accept([task_info(task, seen) for task in taken], FILTERS)
                say("launched", ids=[task["id"] for task in taken])
            else:
                offer.decline(FILTERS)

    def update(self, update):
        status = update["status"]
        self.agents[status["task_id"]["value"]] = status.get("agent_id", {}).get("value")
        say(
            "update", id=status["task_id"]["value"], state=status["state"], message=status.get("message"),
            reason=status.get("reason"), agent=status.get("agent_id", {}).get("value"), uuid=status.get("uuid"),
        )

    def error(self, message):
        say("error", message=message)

    def obey(self, order):
        if "launch" in order:
            with self.lock:
                self.waiting.append(order["launch"])
        elif "kill" in order:
            self.driver.kill(self.agents[order["kill"]], order["kill"])
        elif "reconcile" in order:
            self.driver.reconcile([{"task_id": {"value": i}} for i in order["reconcile"]])
        elif "stop" in order:
            self.client.stop = True
            if not order["stop"]:
                self.driver.tearDown()
            say("stopped")
            return False
        return True


def main():
    logging.basicConfig(level=logging.ERROR)
    framework = Framework(*sys.argv[4:5])
    threading.Thread(target=framework.client.register, daemon=True).start()
    for line in sys.stdin:
        if not framework.obey(json.loads(line)):
            return


if __name__ == "__main__":
    main()
