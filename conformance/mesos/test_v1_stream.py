"""The SUBSCRIBE stream: framing [H9]-[H12], takeover [H14]-[H17], JSON both ways [J1] [J2]."""

import json
import re
import time
import uuid

import pytest

from harness import protobuf
from harness.ecs import unique
from harness.mesos import JSON, Stream, records
from harness.wait import holds, until

UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def subscribe(**info):
    return {
        "type": "SUBSCRIBE",
        "subscribe": {"framework_info": {"user": "root", "name": unique("stream"), **info}},
    }


@pytest.fixture
def streams(mesos_url):
    """Opens raw streams and closes them afterwards; their frameworks vanish with them."""
    opened = []

    def open_one(call, **more):
        opened.append(Stream(mesos_url, call, **more))
        return opened[-1]

    yield open_one
    for stream in opened:
        stream.close()


def first_records(stream, count):
    """The first count records, and the chunks that they came in."""
    rest, found, chunks = b"", [], []
    stream.socket.settimeout(20)
    for chunk in stream.chunks():
        more, rest = records(rest + chunk)
        found += more
        chunks.append(chunk)
        if len(found) >= count:
            break
    return found, chunks


def test_the_head_of_the_stream(streams):
    stream = streams(subscribe())
    assert stream.status == 200  # [H9]
    assert stream.headers["content-type"] == JSON
    assert stream.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in stream.headers
    assert "content-encoding" not in stream.headers
    assert re.fullmatch(UUID4, stream.headers["mesos-stream-id"])
    assert uuid.UUID(stream.headers["mesos-stream-id"])


def test_subscribed_comes_first_and_a_heartbeat_at_once(streams):
    began = time.monotonic()
    found, _ = first_records(streams(subscribe()), 2)
    assert time.monotonic() - began < 2
    first, second = (json.loads(record) for record in found)
    assert first["type"] == "SUBSCRIBED"  # [H11], [E4]
    subscribed = first["subscribed"]
    assert subscribed["framework_id"]["value"]
    assert 0 < subscribed["heartbeat_interval_seconds"] <= 15
    master = subscribed["master_info"]
    assert re.fullmatch(r"\d+(\.\d+)+", master["version"])
    assert {"id", "ip", "port", "hostname", "address"} <= set(master)  # [D2]
    assert master["address"]["ip"] and master["address"]["port"]
    assert second == {"type": "HEARTBEAT"}  # [J3]


def test_each_record_is_one_chunk_on_one_line(streams):
    found, chunks = first_records(streams(subscribe()), 3)
    assert len(found) == len(chunks) == 3
    for record, chunk in zip(found, chunks):
        assert chunk == b"%d\n%s" % (len(record), record)  # [H10]
        assert b"\n" not in record


@pytest.mark.slow
def test_heartbeats_come_at_most_five_seconds_apart_and_as_announced(schedulers):
    scheduler = schedulers()
    interval = scheduler.subscribe()["subscribed"]["heartbeat_interval_seconds"]
    assert interval == 5.0

    def beats():
        return [e["_at"] for e in list(scheduler.events) if e["type"] == "HEARTBEAT"]

    until(lambda: len(beats()) >= 3, "three heartbeats", 13)
    gaps = [later - earlier for earlier, later in zip(beats(), beats()[1:])]
    assert all(gap < interval + 0.5 for gap in gaps), gaps


@pytest.mark.parametrize(
    "info",
    [
        {"role": "a/"}, {"role": "/a"}, {"role": "a//b"}, {"role": "-a"}, {"role": "a b"},
        {"role": "."}, {"role": ".."}, {"role": "a\tb"}, {"roles": ["a"]},
        {"role": "a", "capabilities": [{"type": "MULTI_ROLE"}]},
        {"roles": ["a", "a"], "capabilities": [{"type": "MULTI_ROLE"}]},
        {"failover_timeout": 1e10},
    ],
    ids=str,
)
def test_a_refused_subscription_is_one_error_event_and_the_end(streams, info):
    stream = streams(subscribe(**info))
    assert stream.status == 200 and stream.headers["mesos-stream-id"]  # [H12]
    stream.socket.settimeout(10)
    found, rest = records(b"".join(stream.chunks()))
    assert rest == b"" and len(found) == 1
    event = json.loads(found[0])
    assert event["type"] == "ERROR" and event["error"]["message"]  # [F20]


def test_a_suppressed_role_must_be_one_of_the_roles(streams):
    call = subscribe()
    call["subscribe"]["suppressed_roles"] = ["elsewhere"]  # [C4]
    found, _ = first_records(streams(call), 1)
    assert json.loads(found[0])["type"] == "ERROR"


@pytest.mark.parametrize("bad", ["a/b", "a\\b", ".", "..", "x" * 256, "a\nb"])
def test_a_bad_framework_id_is_refused_by_an_error(streams, bad):
    call = subscribe(id={"value": bad})
    call["framework_id"] = {"value": bad}
    found, _ = first_records(streams(call), 1)
    assert json.loads(found[0])["type"] == "ERROR"  # [F20]


def test_an_id_of_the_clients_choice_is_adopted(schedulers):
    chosen = unique("chosen")
    scheduler = schedulers(id={"value": chosen})
    assert scheduler.subscribe()["subscribed"]["framework_id"]["value"] == chosen  # [F21]


def test_each_subscribe_without_an_id_is_a_new_framework(schedulers):
    name = unique("twin")
    one, two = schedulers(name=name), schedulers(name=name)
    one.subscribe()
    two.subscribe()
    assert one.framework_id != two.framework_id  # [H17]
    assert one.stream_id != two.stream_id
    one.must("REVIVE")
    two.must("REVIVE")


def test_a_second_subscribe_takes_the_framework_over(schedulers):
    old = schedulers(failover_timeout=60)
    old.subscribe()
    offered = old.wait_offers(3)
    new = schedulers(failover_timeout=60, id={"value": old.framework_id})
    first = new.subscribe()
    assert first["subscribed"]["framework_id"]["value"] == old.framework_id  # [H14], [H15]
    message = old.wait_type("ERROR")["error"]["message"]
    assert "failed over" in message
    assert old.wait_ended() == "ended"  # [H19]
    assert old.call("REVIVE").status_code == 400
    new.must("REVIVE")
    new.wait_type("HEARTBEAT")
    fresh = new.wait_offers(3)
    # The old offers are gone without a RESCIND [O8].
    assert not {o["id"]["value"] for o in offered} & {o["id"]["value"] for o in fresh}
    assert not [e for e in old.events + new.events if e["type"] == "RESCIND"]


def test_a_stream_that_is_never_read_harms_nobody(streams, schedulers):
    """Its client asks for nothing but offers, and never takes a byte from the socket."""
    silent = streams(subscribe())
    other = schedulers()
    other.subscribe()
    other.wait_type("HEARTBEAT")
    silent.close()
    other.wait_offers(3)


def test_null_unknown_and_loosely_typed_fields_are_taken(streams):
    call = subscribe(
        failover_timeout="1.5", checkpoint="true", hostname=None, role=None, principal=None,
        failoverTimeout="not a field", anything={"deep": [1, 2]},
        capabilities={"type": "PARTITION_AWARE"},
    )
    call.update(framework_id=None, accept=None, kill=None, extra=7)  # [J1]
    found, _ = first_records(streams(call), 1)
    assert json.loads(found[0])["type"] == "SUBSCRIBED"


def test_an_unknown_capability_is_ignored(streams):
    call = subscribe(capabilities=[{"type": "TELEPATHY"}, {"type": "MULTI_ROLE"}])
    found, _ = first_records(streams(call), 1)
    assert json.loads(found[0])["type"] == "SUBSCRIBED"  # [J1], [O27]


def test_a_chunked_request_body_is_taken(streams):
    stream = streams(subscribe(), chunked_body=True)
    assert stream.status == 200
    assert json.loads(first_records(stream, 1)[0][0])["type"] == "SUBSCRIBED"


def test_a_request_with_connection_close_still_gets_a_stream(streams):
    stream = streams(subscribe(), headers={"Connection": "close"})
    assert stream.headers["transfer-encoding"] == "chunked"
    assert len(first_records(stream, 3)[0]) == 3


def test_events_use_the_json_of_mesos(schedulers):
    scheduler = schedulers()
    scheduler.subscribe()
    offer = scheduler.wait_offer()
    ports = next(r for r in offer["resources"] if r["name"] == "ports")
    for pair in ports["ranges"]["range"]:
        assert type(pair["begin"]) is int and type(pair["end"]) is int  # [J2]
    cpus = next(r for r in offer["resources"] if r["name"] == "cpus")
    assert cpus["type"] == "SCALAR" and isinstance(cpus["scalar"]["value"], (int, float))
    assert offer.get("executor_ids") != []  # empty repeated fields are omitted


def test_a_protobuf_client_is_served_too(streams):
    """[E6], wire numbers: Call{type=2, subscribe=3{framework_info=1{user=1, name=2}}}."""
    info = protobuf.text(1, "root") + protobuf.text(2, unique("protobuf"))
    call = protobuf.number(2, 1) + protobuf.nested(3, protobuf.nested(1, info))
    media = "application/x-protobuf"
    stream = streams(call, headers={"Content-Type": media, "Accept": media})
    assert (stream.status, stream.headers["content-type"]) == (200, media)
    found, _ = first_records(stream, 3)
    subscribed = protobuf.fields(found[0])
    assert subscribed[1] == [1]  # Event.type SUBSCRIBED
    inner = protobuf.fields(subscribed[2][0])
    framework_id = protobuf.fields(inner[1][0])[1][0].decode()
    assert framework_id and protobuf.double(inner[2][0]) == 5.0
    assert protobuf.fields(found[1]) == {1: [8]}  # HEARTBEAT
    offers = protobuf.fields(found[2])
    assert offers[1] == [2]  # OFFERS
    offer = protobuf.fields(protobuf.fields(offers[3][0])[1][0])
    assert {1, 2, 3, 4, 5} <= set(offer)  # id, framework_id, agent_id, hostname, resources
    assert protobuf.fields(offer[2][0])[1] == [framework_id.encode()]


def test_a_client_that_goes_away_frees_its_offers(streams, schedulers):
    stream = streams(subscribe())
    first_records(stream, 3)
    waiting = schedulers()
    waiting.subscribe()
    holds(lambda: len(waiting.offers()) < 3, "the first framework holds offers", 1.0)
    stream.close()
    waiting.wait_offers(3)  # [F1]
