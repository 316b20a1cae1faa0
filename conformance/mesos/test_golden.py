"""What a genuine master 1.11.0 said to schedulers, and what ours says: see harness/golden.py.

deviations.txt has what differs, and why. What differs without standing there fails, and so does what
stands there for one run and differs no more.
"""

import fnmatch
import os
import re
from pathlib import Path

import pytest

from harness import golden, mesos
from harness import server as harness_server

pytestmark = [pytest.mark.process_only, pytest.mark.timeout(300)]

FOLDER = Path(__file__).parent / "golden"
# In the order of the recording: later ones go on with what earlier ones left.
RUNS = {
    "01": ["01-subscribe-multi-role"],
    "02": ["02-subscribe-single-role"],
    "03": ["03-subscribe-bare"],
    "05": ["05-subscribe-refused"],
    "06": ["06-http-answers", "07-subscribe-after-teardown"],
    "10": ["10-accept-launch-updates", "11-reconcile", "12-kill-unknown", "13-launch-errors"],
    "14": ["14-not-partition-aware"],
    "15": ["15-decline-suppress-revive"],
    "16": ["16-launch-group"],
    "17": ["17-offer-constraints"],
    "18": ["18-failover-and-removal"],
    "20": ["20-framework-of-operator-runs"],
    "21": ["21-torn-down-by-operator"],
}
# Frameworks that were subscribed before the recording begins: connection, id, description.
WEB = {"user": "root", "roles": ["web"], "capabilities": [{"type": "MULTI_ROLE"}]}
BEFORE = {
    "06": ("h", "<master-id>-0006", {**WEB, "name": "golden"}),
    "14": ("-", "<master-id>-0008", {**WEB, "name": "plain"}),
    "15": ("-", "<master-id>-0009", {**WEB, "roles": ["web", "batch"], "name": "two"}),
}


@pytest.fixture(scope="module")
def master():
    """A cluster like the one that the genuine master was recorded with."""
    binary = os.environ.get("LONGSHORE_BIN")
    if not binary or harness_server.given():
        pytest.skip("wants a server of its own (LONGSHORE_BIN)")
    started = harness_server.Started(
        binary, "--instance-cpu", "4096", "--instance-memory", "4096", "--attribute", "rack=r1",
        "--attribute", "zone=a", "--offer-ports", "31000-33001", "--offer-disk", "8192", instances="2",
    )
    yield started.server.mesos
    started.stop()


def deviations():
    lines = (FOLDER / "deviations.txt").read_text(encoding="utf-8").splitlines()
    listed = [line.split(" ; ") for line in lines if line and not line.startswith("#")]
    for parts in listed:
        assert len(parts) == 4 and parts[3].strip(), f"file, case, difference, reason are wanted: {parts}"
    return listed


def fits(pattern, text):
    # Brackets stand for themselves.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def names_ports_of_the_second(difference):
    """Whether two texts differ in the ports alone: our two agents are on one machine, and the second one offers those after the first's."""
    texts = re.fullmatch(r"text \S+ '(.*)' not '(.*)'", difference)
    return bool(texts) and texts[1].replace("[32001-33001]", "[31000-32000]") == texts[2]


def unexplained(file, found):
    """Differences that no deviation explains, and deviations of this file that differ no more."""
    wrong, used = [], set()
    for case, difference in found:
        if names_ports_of_the_second(difference):
            continue
        known = [
            at for at, (of, on, what, _) in enumerate(deviations())
            if fits(of, file) and fits(on, case) and fits(what, difference)
        ]
        used.update(known)
        if not known:
            wrong.append(f"{file} ; {case} ; {difference}")
    for at, (of, on, what, _) in enumerate(deviations()):
        if of == file and at not in used:
            wrong.append(f"deviates no more: {of} ; {on} ; {what}")
    return wrong


def before(conversation, run):
    """Subscribes the framework that the recording does not subscribe."""
    if run not in BEFORE:
        return
    on, recorded, info = BEFORE[run]
    call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}
    conversation.subscribe({"call": call, "status": 200}, on)
    talk = conversation.talks[on]
    first = talk.scheduler.wait_type("SUBSCRIBED")
    talk.scheduler.framework_id = first["subscribed"]["framework_id"]["value"]
    conversation.known[recorded] = talk.scheduler.framework_id
    offers = talk.scheduler.wait_offers(2)
    if run != "15":
        for at, agent in enumerate(sorted(offer["agent_id"]["value"] for offer in offers)):
            conversation.known[f"<master-id>-S{at}"] = agent
    talk.take_in()
    talk.waiting.clear()


def tear_down(scheduler):
    """The operator ends the framework."""
    identity = {"value": scheduler.framework_id}
    call = {"type": "TEARDOWN", "teardown": {"framework_id": identity}}
    done = mesos.post(scheduler.url, call, path="/master/api/v1")
    assert done.status_code == 200, done.text


@pytest.mark.parametrize("run", RUNS)
def test_a_conversation_goes_as_with_a_genuine_master(master, run):
    """[H3] [H6] [H9] [H11] [H12] [H13] [H15] [H20] [J1] [J2] [C1] [C3] [C8] [C32] [R2] [R3] [O1] [O3]"""
    conversation = golden.Conversation(master)
    before(conversation, run)
    wrong = []
    try:
        for file in RUNS[run]:
            steps = golden.read(FOLDER / f"{file}.jsonl")
            found = conversation.hold(steps, tear_down if file.startswith("21") else None)
            wrong += unexplained(file, found)
    finally:
        for talk in conversation.talks.values():
            talk.scheduler.end()
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_bytes_of_a_stream_are_those_of_a_genuine_master(master):
    """[H9] [H10] [H11]: headers, one record a chunk, and a HEARTBEAT after SUBSCRIBED."""
    call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {**WEB, "name": "raw"}, "suppressed_roles": ["web"]}}
    stream = mesos.Stream(master, call, path="/master/api/v1/scheduler")
    chunks = stream.chunks()
    first, second = next(chunks), next(chunks)
    stream.close()
    guard = {"x-content-type-options", "cross-origin-resource-policy", "content-security-policy", "x-frame-options"}
    assert set(stream.headers) - guard == {"date", "transfer-encoding", "mesos-stream-id", "content-type"}
    length, record = first.split(b"\n", 1)
    assert int(length) == len(record) and record.startswith(b'{"type":"SUBSCRIBED","subscribed":{"framework_id":')
    assert second == b'20\n{"type":"HEARTBEAT"}'
