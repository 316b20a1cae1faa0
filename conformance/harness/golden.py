"""Conversations that schedulers had with a genuine Mesos 1.11.0 master, held again with ours.

mesos/golden has a script for each: one JSON document a line, in order of time.

    {"on": "first", "call": {...}, "status": 202}      a call, and the status of its answer
    {"on": "first", "event": {...}}                    an event that follows
    {"on": "first", "stream": "ended by the master"}   or "closed by the client"
    {"wait": 4.5}                                      seconds until the next step
    {"have": {"<offer>": "<agent>"}}                   an offer of all of an agent, from before
    {"case": "GET", "request": {...}, "status": 405, "says": "..."}   a request of any form

What each run makes anew stands in angle brackets. Events are compared member by member: names, their
order, the form of numbers, and all texts that are not made anew. Offers may come in any events.
"""

import base64
import json
import re
import time
import uuid

import requests

from harness import mesos

WITHIN_S = 6.0
MADE_ANEW = re.compile(r"<(?:master-id|uuid|base64 of 16 bytes|work_dir)>")
# Texts and numbers of the machine and the moment.
OF_THE_MACHINE = {"hostname", "ip", "pid", "ip_address", "path", "id", "port", "container_id"}
# The first port that a genuine agent offers.
FIRST_PORT = 31000


def kind_of(value):
    """The form of a value in JSON: 4.0 is another than 4."""
    kinds = {bool: "flag", int: "whole", float: "decimal", str: "text", list: "list", dict: "object"}
    return kinds.get(type(value), "null")


def differences(golden, ours, path, known):
    """In what ours differs from the golden value; learns what each made anew."""
    if kind_of(golden) != kind_of(ours):
        yield f"kind {path} {kind_of(ours)} not {kind_of(golden)}"
    elif isinstance(golden, dict):
        yield from of_objects(golden, ours, path, known)
    elif isinstance(golden, list):
        yield from of_lists(golden, ours, path, known)
    elif isinstance(golden, str) and not is_same(golden, ours, path, known):
        yield f"text {path} {ours!r} not {golden!r}"
    elif isinstance(golden, bool) and golden != ours:
        yield f"flag {path} {ours} not {golden}"


def of_objects(golden, ours, path, known):
    for name in golden:
        if name not in ours:
            yield f"missing {path}.{name}"
    for name in ours:
        if name not in golden:
            yield f"more {path}.{name}"
    both = [name for name in golden if name in ours]
    if both != [name for name in ours if name in golden]:
        yield f"order {path}"
    for name in both:
        yield from differences(golden[name], ours[name], f"{path}.{name}".lstrip("."), known)


def of_lists(golden, ours, path, known):
    if all(isinstance(one, dict) and "name" in one for one in golden + ours):
        # Resources and attributes: a list by name, whose order says nothing.
        names = {one["name"]: one for one in ours}
        for one in golden:
            if one["name"] not in names:
                yield f"missing {path}[{one['name']}]"
            else:
                at = f"{path}[{one['name']}]"
                yield from differences(one, names[one["name"]], at, known)
    elif len(golden) != len(ours):
        yield f"length {path} {len(ours)} not {len(golden)}"
    else:
        for one, other in zip(golden, ours):
            yield from differences(one, other, f"{path}[]", known)


def is_same(golden, ours, path, known):
    if golden == "<base64 of 16 bytes>":
        return len(base64.b64decode(ours, validate=True)) == 16
    if golden == "<uuid>":
        return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", ours) is not None
    if re.fullmatch(r"<master-id>(-.*)?", golden):
        return known.setdefault(golden, ours) == ours
    if MADE_ANEW.search(golden):
        return True
    return golden == ours or path.rsplit(".")[-1] in OF_THE_MACHINE


def substitute(value, known):
    """The same with the ids that ours were given."""
    if isinstance(value, dict):
        return {name: substitute(one, known) for name, one in value.items()}
    if isinstance(value, list):
        return [substitute(one, known) for one in value]
    if isinstance(value, str):
        return known.get(value, value)
    return value


class Talk:
    """One connection of a conversation: its events, and what was not accounted for yet."""

    def __init__(self, url):
        # At once, since recorded acknowledgements were thinned out; those that are left are sent as well.
        self.scheduler = mesos.Scheduler(url)
        self.seen = 0
        self.waiting = []
        self.offers = []
        # Ids of offers that were neither answered nor taken back.
        self.open = set()
        self.uuids = {}

    def take_in(self):
        events = self.scheduler.events[self.seen:]
        self.seen += len(events)
        for event in events:
            event = {name: value for name, value in event.items() if name != "_at"}
            if event["type"] == "OFFERS":
                self.offers += event["offers"]["offers"]
                self.open.update(offer["id"]["value"] for offer in event["offers"]["offers"])
            elif event["type"] != "HEARTBEAT":
                self.waiting.append(event)
            if event["type"] == "UPDATE" and "uuid" in event["update"]["status"]:
                status = event["update"]["status"]
                self.uuids[status["task_id"]["value"]] = status["uuid"]

    def wait(self, pick, within_s=WITHIN_S):
        """What pick finds among the events that came, as soon as they have."""
        end = time.monotonic() + within_s
        while True:
            self.take_in()
            found = pick()
            if found is not None or time.monotonic() > end:
                return found
            time.sleep(0.02)


def is_of(golden, ours):
    """Whether an event of ours is the one that a golden event stands for."""
    if golden["type"] != ours["type"]:
        return False
    if golden["type"] != "UPDATE":
        return True
    def key(event):
        status = event["update"]["status"]
        return status["task_id"]["value"], status["state"]
    return key(golden) == key(ours)


class Conversation:
    """Holds golden conversations with a master, one after the other: a later one may go on with the
    frameworks of an earlier one."""

    def __init__(self, url):
        self.url = url
        self.known = {}
        self.talks = {}
        # The lowest port of each agent. Genuine ones all begin with the same; ours are on one machine, and have its ports in parts.
        self.first_ports = {}

    def hold(self, steps, ends=None):
        """Holds one; returns in what ours differed, as (case, difference). A stream that the recording
        says was ended by the master is ended by ends, if that is given."""
        found = []
        for step in steps:
            if ends and step.get("stream") == "ended by the master":
                ends(self.talks["-"].scheduler)
            case = step.get("case") or step.get("on") or "-"
            found += [(case, one) for one in self.step(step, case)]
        talked = [step for step in steps if "call" in step or "event" in step]
        for case in sorted({step.get("on") or "-" for step in talked}):
            talk = self.talks[case]
            talk.take_in()
            found += [(case, f"more event {named(one)}") for one in talk.waiting]
            talk.waiting.clear()
        return found

    def step(self, step, case):
        if "request" in step:
            return self.request(step)
        if "wait" in step:
            time.sleep(step["wait"])
            return []
        if "have" in step:
            return self.have(step["have"], self.talks[case])
        if step.get("call", {}).get("type") == "SUBSCRIBE":
            return self.subscribe(step, case)
        if "call" in step:
            return self.call(step, case)
        if "event" in step:
            return self.event(step["event"], case)
        if step["stream"] == "closed by the client":
            self.talks[case].scheduler.disconnect()
            return []
        return [] if self.talks[case].scheduler.wait_ended() == "ended" else ["stream goes on"]

    def subscribe(self, step, case):
        talk = self.talks[case] = Talk(self.url)
        stream = mesos.Stream(self.url, substitute(step["call"], self.known), path="/master" + mesos.PATH)
        if stream.status != 200 or step["status"] != 200:
            said = stream.body.decode()
            return list(self.answer(step, stream.status, stream.headers.get("content-type"), said))
        talk.scheduler.follow(stream)
        talk.scheduler.framework_id = step["call"].get("framework_id", {}).get("value")
        return []

    def have(self, wanted, talk):
        """Takes offers as they were when a recording began: of all that there is."""
        talk.take_in()
        offers = [{"value": one} for one in sorted(talk.open)]
        talk.offers.clear()
        talk.open.clear()
        talk.scheduler.must("DECLINE", offer_ids=offers, filters={"refuse_seconds": 0.0})
        talk.scheduler.must("REVIVE")
        found = []
        for name, agent in wanted.items():
            everything = [{"name": one} for one in ("ports", "cpus", "mem", "disk")]
            golden = {"agent_id": {"value": agent}, "resources": everything}
            offer = self.next_offer(talk, golden)
            if offer is None:
                found.append("missing offer")
            else:
                self.known[name] = offer["id"]["value"]
                self.known.setdefault(agent, offer["agent_id"]["value"])
        return found

    def call(self, step, case):
        talk = self.talks[case]
        body = substitute(step["call"], self.known)
        self.move_ports(body)
        if body["type"] == "ACKNOWLEDGE":
            task = body["acknowledge"]["task_id"]["value"]
            if task not in talk.uuids:
                # Its update has not come, which was said where it was expected.
                return []
            body["acknowledge"]["uuid"] = talk.uuids[task]
        if body["type"] == "DECLINE":
            # What our master offered at other times than the recorded one is declined with the rest.
            talk.take_in()
            body["decline"]["offer_ids"] += [offer["id"] for offer in talk.offers]
            talk.offers.clear()
        for part in ("accept", "decline"):
            named = body.get(part, {}).get("offer_ids", [])
            talk.open.difference_update(one["value"] for one in named)
        headers = {"Mesos-Stream-Id": talk.scheduler.stream_id}
        reply = mesos.post(self.url, body, path="/master" + mesos.PATH, headers=headers)
        return self.answer(step, reply.status_code, reply.headers.get("Content-Type"), reply.text)

    def move_ports(self, call):
        """Claims ports of the agent that tasks are on in the place of those of a genuine agent."""
        for operation in call.get("accept", {}).get("operations", []):
            for task in operation.get("launch", {}).get("task_infos", []):
                by = self.first_ports.get(task["agent_id"]["value"], FIRST_PORT) - FIRST_PORT
                for one in task.get("resources", []):
                    for pair in one.get("ranges", {}).get("range", []):
                        pair["begin"] += by
                        pair["end"] += by

    def request(self, step):
        # The uuid in the headers is that of the stream, and the bytes in bodies were no uuid.
        stream = {"<uuid>": self.talks["h"].scheduler.stream_id}
        none = {"<base64 of 16 bytes>": base64.b64encode(bytes(16)).decode()}
        asked = substitute(step["request"], {**self.known, **none})
        if step["case"] == "wrong stream id":
            stream = {"<uuid>": str(uuid.uuid4())}
        headers = substitute(asked.get("headers", {}), stream)
        data = json.dumps(asked["body"]) if "body" in asked else asked.get("body_text")
        session = requests.Session()
        session.headers.clear()
        reply = session.request(
            asked["method"], self.url + asked["path"], headers=headers, data=data, timeout=20,
            stream=True,
        )
        said = "" if reply.headers.get("Transfer-Encoding") == "chunked" else reply.text
        found = list(self.answer(step, reply.status_code, reply.headers.get("Content-Type"), said))
        if reply.headers.get("Allow") != step.get("allow"):
            found.append(f"allow {reply.headers.get('Allow')} not {step.get('allow')}")
        reply.close()
        return found

    def answer(self, step, status, content_type, said):
        if status != step["status"]:
            yield f"status {status} not {step['status']}: {said[:200]}"
        if content_type != step.get("type") and step["status"] != 200:
            yield f"type {content_type} not {step.get('type')}"
        golden = re.escape(step.get("says", ""))
        golden = re.sub(r"<uuid>", "[0-9a-f-]{36}", golden)
        for name, ours in self.known.items():
            golden = golden.replace(re.escape(name), re.escape(ours))
        if not re.fullmatch(golden, said or "", re.DOTALL):
            yield f"says {said[:400]!r} not {step.get('says')!r}"

    def event(self, golden, case):
        talk = self.talks[case]
        if golden["type"] == "HEARTBEAT":
            return []
        if golden["type"] == "OFFERS":
            found = []
            for offer in golden["offers"]["offers"]:
                found += self.offer(talk, offer)
            return found
        def pick():
            return next((one for one in talk.waiting if is_of(golden, one)), None)
        # Told only of tasks that take long to start, which those of the recordings do not.
        is_starting = golden.get("update", {}).get("status", {}).get("state") == "TASK_STARTING"
        ours = talk.wait(pick, 0.2 if is_starting else WITHIN_S)
        if ours is None:
            return [f"missing event {named(golden)}"]
        talk.waiting.remove(ours)
        if golden["type"] == "SUBSCRIBED":
            talk.scheduler.framework_id = ours["subscribed"]["framework_id"]["value"]
        return list(differences(golden, ours, "", self.known))

    def offer(self, talk, golden):
        ours = self.next_offer(talk, golden)
        if ours is None:
            return ["missing offer"]
        return list(differences(golden, ours, "offers.offers[]", self.known))

    def next_offer(self, talk, golden):
        """The next offer of the same agent, or of one that stands for none yet."""
        agent = self.known.get(golden["agent_id"]["value"])
        taken = [ours for name, ours in self.known.items() if re.search(r"-S\d+$", name)]
        role = golden.get("allocation_info")

        wanted = {one["name"] for one in golden.get("resources", [])}

        def fits(one):
            its = one["agent_id"]["value"]
            has = {resource["name"] for resource in one["resources"]}
            return wanted <= has and (its == agent if agent else its not in taken)

        def pick():
            ours = [one for one in talk.offers if fits(one)]
            same = [one for one in ours if one.get("allocation_info") == role]
            return (same or ours or [None])[0]

        ours = talk.wait(pick)
        if ours is not None:
            talk.offers.remove(ours)
            if first_port(ours):
                self.first_ports.setdefault(ours["agent_id"]["value"], first_port(ours))
        return ours


def first_port(offer):
    """The lowest port of an offer; nothing where it has none."""
    ports = [pair["begin"] for one in offer["resources"] if one["name"] == "ports" for pair in one["ranges"]["range"]]
    return min(ports, default=None)


def named(event):
    """An event in one word or three."""
    if event["type"] != "UPDATE":
        return event["type"]
    status = event["update"]["status"]
    return f"UPDATE {status['task_id']['value']} {status['state']} {status.get('message', '')!r}"


# The scripts.


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def scripted(golden):
    """The steps of a golden file."""
    if "exchanges" in golden:
        return [exchange(one) for one in golden["exchanges"]]
    steps, before = [], None
    for one in golden["conversation"]:
        if "send" in one and before is not None and one["t"] - before > 2.5:
            steps.append({"wait": round(one["t"] - before, 1)})
        before = one["t"]
        steps += filter(None, [scripted_step(one)])
    return steps


def exchange(one):
    return {"case": one["case"], "request": one["request"], **scripted_answer(one["answer"])}


def scripted_answer(answer):
    headers = answer.get("headers", {})
    told = {"status": answer["status"], "type": headers.get("Content-Type"),
            "allow": headers.get("Allow"), "says": answer.get("body_text")}
    return {name: value for name, value in told.items() if value}


def scripted_step(one):
    on = {"on": one["on"]} if "on" in one else {}
    if "send" in one:
        sent = one["send"]
        call = sent["body"] if "method" in sent else sent
        return {**on, "call": call, **scripted_answer(one["answer"])}
    if "receive" in one:
        event = one["receive"]["record"]
        return None if event["type"] == "HEARTBEAT" else {**on, "event": event}
    return {**on, "stream": one["stream"]}


def write(golden, path, have=None, until=None, without=()):
    """Writes the script of a golden file, up to that time of it; without offers to leave out."""
    with open(golden, encoding="utf-8") as text:
        recorded = json.load(text)
    if until:
        recorded["conversation"] = [one for one in recorded["conversation"] if one["t"] < until]
    for one in recorded.get("conversation", []):
        offers = one.get("receive", {}).get("record", {}).get("offers", {}).get("offers", [])
        offers[:] = [offer for offer in offers if offer["id"]["value"] not in without]
        ids = one.get("send", {}).get("decline", {}).get("offer_ids", [])
        ids[:] = [offer for offer in ids if offer["value"] not in without]
    steps = ([{"have": have}] if have else []) + scripted(recorded)
    with open(path, "w", encoding="utf-8") as script:
        for step in steps:
            script.write(json.dumps(step, separators=(",", ":")) + "\n")
