"""A raw Mesos v1 scheduler over sockets and JSON: no client library in between.

Rule ids such as [H9] in the tests are those of docs/reference/mesos-rules.md; each test repeats
what its rule says in its name or in one sentence.
"""

import base64
import json
import socket
import threading
import time
from urllib.parse import urlparse

import requests

from harness.ecs import IMAGE, unique
from harness.wait import DEADLINE_S

PATH = "/api/v1/scheduler"
JSON = "application/json"
TERMINAL = {
    "TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_ERROR", "TASK_LOST", "TASK_DROPPED",
    "TASK_GONE", "TASK_GONE_BY_OPERATOR",
}


def post(url, body, path=PATH, headers=None, content_type=JSON):
    """One POST; body is JSON-encoded unless it is bytes. A header of None is not sent."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    wanted = {"Content-Type": content_type, **(headers or {})}
    sent = {name: value for name, value in wanted.items() if value is not None}
    return requests.post(url + path, data=data, headers=sent, timeout=20)


class Stream:
    """A POST whose reply is read chunk by chunk, as the bytes arrive, on a thread."""

    def __init__(self, url, body, headers=None, path=PATH, chunked_body=False):
        parts = urlparse(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Host": parts.netloc, "Content-Type": JSON, "Accept": JSON, **(headers or {})}
        if chunked_body:
            sent["Transfer-Encoding"] = "chunked"
            half = len(data) // 2
            data = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (data[:half], data[half:]))
            data += b"0\r\n\r\n"
        else:
            sent["Content-Length"] = str(len(data))
        head = f"POST {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in sent.items() if value is not None
        )
        self.socket.sendall(head.encode() + b"\r\n" + data)
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.body = b""
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            self.body = self.file.read(int(self.headers.get("content-length", 0)))
        self.socket.settimeout(None)

    def chunks(self):
        """Yields each chunk as it arrives; ends at the final chunk; raises on a broken stream."""
        while True:
            line = self.file.readline()
            if not line:
                raise ConnectionError("the stream broke off")
            size = int(line.split(b";")[0], 16)
            data = self.file.read(size)
            if len(data) != size:
                raise ConnectionError("the stream broke off inside a chunk")
            self.file.readline()
            if size == 0:
                return
            yield data

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


def records(buffer):
    """Cuts whole RecordIO records [H10] off buffer; returns them and the rest."""
    found = []
    while b"\n" in buffer:
        length, _, rest = buffer.partition(b"\n")
        assert length.isdigit(), f"not a record length: {length[:40]!r}"
        if len(rest) < int(length):
            break
        found.append(rest[: int(length)])
        buffer = rest[int(length):]
    return found, buffer


class Scheduler:
    """One framework. Its events are kept in order; status updates are acknowledged at once unless
    acknowledge is False."""

    def __init__(self, url, acknowledge=True, **info):
        self.url = url
        self.acknowledge = acknowledge
        self.info = {"user": "root", "name": unique("framework"), **info}
        self.framework_id = self.info.get("id", {}).get("value")
        self.stream = None
        self.stream_id = None
        self.ended = None
        self.events = []
        self.acknowledged = set()
        self._news = threading.Condition()
        self._streams = []

    # The stream.

    def subscribe(self, expect="SUBSCRIBED", **more):
        """SUBSCRIBEs and waits for the first event, which must be of the type expect."""
        call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": self.info, **more}}
        if self.framework_id:
            self.info["id"] = {"value": self.framework_id}
            call["framework_id"] = {"value": self.framework_id}
        stream = Stream(self.url, call)
        assert stream.status == 200, (stream.status, stream.body)
        seen = self.follow(stream)
        first = self.wait(lambda e: True, "the first event", since=seen)
        assert first["type"] == expect, first
        if expect == "SUBSCRIBED":
            self.framework_id = first["subscribed"]["framework_id"]["value"]
        return first

    def follow(self, stream):
        """Reads the events of a stream from now on; returns the index of its first one."""
        with self._news:
            self.stream, self.ended = stream, None
            self.stream_id = stream.headers["mesos-stream-id"]
            self._streams.append(stream)
            seen = len(self.events)
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()
        return seen

    def _read(self, stream):
        rest, how = b"", "ended"
        try:
            for chunk in stream.chunks():
                found, rest = records(rest + chunk)
                for record in found:
                    self._take(stream, json.loads(record))
        except (OSError, ValueError, AssertionError) as broken:
            how = f"broke: {broken}"
        with self._news:
            if stream is self.stream:
                self.ended = how
            self._news.notify_all()

    def _take(self, stream, event):
        event["_at"] = time.monotonic()
        acknowledge = self.acknowledge
        with self._news:
            self.events.append(event)
            self._news.notify_all()
        if acknowledge and event["type"] == "UPDATE" and stream is self.stream:
            self.ack(event["update"]["status"])

    def disconnect(self):
        """Closes the stream from this side."""
        self.stream.close()

    def wait_ended(self, deadline_s=DEADLINE_S):
        """Waits for the end of the stream and returns how it ended."""
        with self._news:
            assert self._news.wait_for(lambda: self.ended, deadline_s), "the stream is still open"
            return self.ended

    # Calls.

    def call(self, kind, stream_id=..., framework_id=..., **sub):
        """Makes a call; its sub-message is sub, and absent when sub is empty."""
        body = {"type": kind}
        identity = self.framework_id if framework_id is ... else framework_id
        if identity is not None:
            body["framework_id"] = {"value": identity}
        if sub:
            body[kind.lower()] = {k: v for k, v in sub.items() if v is not None}
        chosen = self.stream_id if stream_id is ... else stream_id
        return post(self.url, body, headers={"Mesos-Stream-Id": chosen})

    def must(self, kind, **sub):
        """Makes a call that must be answered with 202 and nothing else [H3]."""
        reply = self.call(kind, **sub)
        assert reply.status_code == 202, (kind, reply.status_code, reply.text)
        assert reply.content == b""

    def ack(self, status):
        if "uuid" in status:
            self.call(
                "ACKNOWLEDGE", agent_id=status["agent_id"], task_id=status["task_id"],
                uuid=status["uuid"],
            )
            self.acknowledged.add(status["uuid"])

    def accept(self, offers, *operations, filters=None):
        ids = [offer["id"] for offer in offers]
        self.must("ACCEPT", offer_ids=ids, operations=list(operations), filters=filters)

    def launch(self, offer, *tasks, filters=None):
        """ACCEPTs one offer with one LAUNCH of tasks."""
        operation = {"type": "LAUNCH", "launch": {"task_infos": list(tasks)}}
        self.accept([offer], operation, filters=filters)

    def decline(self, offers, refuse_seconds=None):
        filters = None if refuse_seconds is None else {"refuse_seconds": refuse_seconds}
        self.must("DECLINE", offer_ids=[offer["id"] for offer in offers], filters=filters)

    def kill(self, task_id, agent_id=None):
        agent = {"value": agent_id} if agent_id else None
        self.must("KILL", task_id={"value": task_id}, agent_id=agent)

    def reconcile(self, *tasks):
        """Explicit reconciliation of task ids or (task id, agent id) pairs; implicit without."""
        asked = []
        for task in tasks:
            task_id, agent_id = (task, None) if isinstance(task, str) else task
            asked.append({"task_id": {"value": task_id}})
            if agent_id:
                asked[-1]["agent_id"] = {"value": agent_id}
        self.must("RECONCILE", tasks=asked)

    # Events.

    def wait(self, wanted, what, since=0, deadline_s=DEADLINE_S):
        """Waits for the first event at or after index since for which wanted is true."""
        def find():
            return next((e for e in self.events[since:] if wanted(e)), None)

        with self._news:
            found = self._news.wait_for(find, deadline_s)
            if found is None:
                tail = [{k: v for k, v in e.items() if k[0] != "_"} for e in self.events[-8:]]
                raise AssertionError(f"not within {deadline_s} s: {what}; last events: {tail}")
            return found

    def wait_type(self, kind, since=0, deadline_s=DEADLINE_S):
        return self.wait(lambda e: e["type"] == kind, kind, since, deadline_s)

    def mark(self):
        """The index of the next event, to be given as since."""
        with self._news:
            return len(self.events)

    def offers(self, since=0):
        """Every offer of the events from index since on, in order."""
        with self._news:
            events = [e for e in self.events[since:] if e["type"] == "OFFERS"]
            return [offer for event in events for offer in event["offers"]["offers"]]

    def wait_offers(self, agents, since=0, deadline_s=DEADLINE_S):
        """Waits until offers of that many agents have come; returns the last offer of each."""
        def latest():
            found = {o["agent_id"]["value"]: o for o in self.offers(since)}
            return list(found.values()) if len(found) >= agents else None

        end = time.monotonic() + deadline_s
        while not (found := latest()):
            left = end - time.monotonic()
            assert left > 0, f"no offers of {agents} agents within {deadline_s} s"
            with self._news:
                self._news.wait(min(left, 0.5))
        return found

    def wait_offer(self, since=0, deadline_s=DEADLINE_S):
        return self.wait_offers(1, since, deadline_s)[0]

    def statuses(self, task_id, since=0):
        with self._news:
            updates = [e["update"]["status"] for e in self.events[since:] if e["type"] == "UPDATE"]
        return [s for s in updates if s["task_id"]["value"] == task_id]

    def states(self, task_id):
        return [s["state"] for s in self.statuses(task_id)]

    def wait_state(self, task_id, *states, since=0, deadline_s=DEADLINE_S):
        """Waits for a status update of the task with one of states; a different terminal state
        fails at once. Returns the status."""
        def ours(event):
            return (
                event["type"] == "UPDATE"
                and event["update"]["status"]["task_id"]["value"] == task_id
                and event["update"]["status"]["state"] in TERMINAL.union(states)
            )

        event = self.wait(ours, f"{task_id} is {' or '.join(states)}", since, deadline_s)
        status = event["update"]["status"]
        assert status["state"] in states, status
        return status

    # The end.

    def end(self):
        """TEARDOWN, as far as there is anything to tear down, and closing of all sockets."""
        if self.framework_id:
            reply = self.call("TEARDOWN")
            if reply.status_code == 403:
                try:
                    self.subscribe()
                    self.call("TEARDOWN")
                except AssertionError:
                    pass
        for stream in self._streams:
            stream.close()


# Messages.


def scalar(name, value, **more):
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}, **more}


def ranges(name, *pairs):
    listed = [{"begin": begin, "end": end} for begin, end in pairs]
    return {"name": name, "type": "RANGES", "ranges": {"range": listed}}


def a_port(offer):
    """A port of an offer that few would bind, with some more after it."""
    return sorted(port for port in resource(offer, "ports") if port > 2000)[10]


def resource(message, name):
    """The amount of a scalar, or the ports as a set, summed over the resources of message."""
    ours = [r for r in message["resources"] if r["name"] == name]
    if any(r["type"] == "RANGES" for r in ours):
        return {
            port for r in ours for pair in r["ranges"]["range"]
            for port in range(pair["begin"], pair["end"] + 1)
        }
    return sum(r["scalar"]["value"] for r in ours)


def task(offer, command, /, task_id=None, cpus=0.1, mem=32, image=IMAGE, extra=(), **more):
    """A TaskInfo that runs command in a shell in a container of image (none when None)."""
    info = {
        "name": "conformance",
        "task_id": {"value": unique("task") if task_id is None else task_id},
        "agent_id": offer["agent_id"],
        "resources": [scalar("cpus", cpus), scalar("mem", mem), *extra],
        "command": {"value": command},
    }
    if image:
        info["container"] = {"type": "DOCKER", "docker": {"image": image, "network": "BRIDGE"}}
    info.update(more)
    return {name: value for name, value in info.items() if value is not None}


def id_of(info):
    return info["task_id"]["value"]


def is_uuid(text):
    return len(base64.b64decode(text, validate=True)) == 16
