"""/api/v1/scheduler before any effect: routing, the order of checks, refusals [H1]-[H8], [C1]-[C3].

The numbers in test names are the rows of the table of [H20]."""

import base64

import pytest
import requests

from harness.ecs import unique
from harness.mesos import JSON, PATH, Stream, post
from harness.wait import until

PROTOBUF = "application/x-protobuf"
UUID16 = base64.b64encode(b"0123456789abcdef").decode()
NO_VERSION = base64.b64encode(bytes(16)).decode()
INFO = {"user": "root", "name": "checks"}
SUBSCRIBE = {"type": "SUBSCRIBE", "subscribe": {"framework_info": INFO}}


def text_of(reply, status):
    """The reply is a refusal in plain text [H3]; returns the text."""
    assert reply.status_code == status, (reply.status_code, reply.text)
    assert reply.headers["Content-Type"].lower() == "text/plain; charset=utf-8"
    assert int(reply.headers["Content-Length"]) == len(reply.content)
    return reply.text


@pytest.fixture
def framework(schedulers):
    made = schedulers()
    made.subscribe()
    return made


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_row_4_another_method_is_405_and_says_post(mesos_url, method):
    reply = requests.request(method, mesos_url + PATH, timeout=10)
    assert reply.status_code == 405
    assert reply.headers["Allow"] == "POST"  # [H4]


def test_row_4_comes_before_the_content_type(mesos_url):
    reply = requests.put(mesos_url + PATH, data=b"{", timeout=10, headers={"Content-Type": "x/y"})
    assert reply.status_code == 405  # [H20]


def test_row_5_no_content_type_is_400(mesos_url):
    text_of(post(mesos_url, SUBSCRIBE, content_type=None), 400)


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/json; charset=utf-8", "Application/JSON", "application/recordio",
     "application/x-protobuf;v=1", "json", "application/json,"],
)
def test_row_6_another_content_type_is_415_by_exact_comparison(mesos_url, media):
    text_of(post(mesos_url, SUBSCRIBE, content_type=media), 415)


def test_row_6_comes_before_the_body(mesos_url):
    text_of(post(mesos_url, b"{", content_type="text/plain"), 415)


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"nonsense", b"[]", b'"SUBSCRIBE"', b"7", b"\xff\xfe", b"[" * 100_000,
     b'{"type":"SUBSCRIBE","subscribe":7}'],
)
def test_row_7_a_body_that_is_no_call_is_400(mesos_url, body):
    text_of(post(mesos_url, body), 400)


@pytest.mark.parametrize("body", [b"\xff", b"\x08", b"\x1a\xff\xff\xff\xff\x0f", b'{"type":"SUBSCRIBE"}'])
def test_row_7_broken_protobuf_is_400(mesos_url, body):
    text_of(post(mesos_url, body, content_type=PROTOBUF), 400)


@pytest.mark.parametrize(
    "call",
    [
        {"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "root"}}},
        {"type": "SUBSCRIBE", "subscribe": {"framework_info": {"name": "n"}}},
        {"type": "SUBSCRIBE", "subscribe": {}},
        {"type": "KILL", "framework_id": {"value": "f"}, "kill": {}},
        {"type": "KILL", "framework_id": {}, "kill": {"task_id": {"value": "t"}}},
        {"type": 2, "framework_id": {"value": "f"}},
        {"type": "SUBSCRIBE", "subscribe": {"framework_info": {**INFO, "checkpoint": "maybe"}}},
        {"type": "SUBSCRIBE", "subscribe": {"framework_info": {**INFO, "failover_timeout": "soon"}}},
        {"type": "ACKNOWLEDGE", "framework_id": {"value": "f"}, "acknowledge": {
            "agent_id": {"value": "a"}, "task_id": {"value": "t"}, "uuid": "no base64!"}},
    ],
)
def test_row_7_missing_required_fields_and_wrong_types_are_400(mesos_url, call):
    text_of(post(mesos_url, call), 400)


@pytest.mark.parametrize(
    "call",
    [
        {},
        {"subscribe": {"framework_info": INFO}},
        {"type": "MAKE_TEA"},
        {"type": "SUBSCRIBE"},
        {"type": "TEARDOWN"},
        {"type": "DECLINE", "decline": {"offer_ids": []}},
        {"type": "DECLINE", "framework_id": {"value": "f"}},
        {"type": "ACCEPT", "framework_id": {"value": "f"}},
        {"type": "KILL", "framework_id": {"value": "f"}},
        {"type": "RECONCILE", "framework_id": {"value": "f"}},
        {"type": "MESSAGE", "framework_id": {"value": "f"}},
        {"type": "UPDATE_FRAMEWORK", "framework_id": {"value": "f"}, "update_framework": {
            "framework_info": {**INFO, "id": {"value": "g"}}}},
        {"type": "ACKNOWLEDGE", "framework_id": {"value": "f"}, "acknowledge": {
            "agent_id": {"value": "a"}, "task_id": {"value": "t"}, "uuid": "c2hvcnQ="}},
        {"type": "ACKNOWLEDGE", "framework_id": {"value": "f"}, "acknowledge": {
            "agent_id": {"value": "a"}, "task_id": {"value": "t"}, "uuid": NO_VERSION}},
        {"type": "ACKNOWLEDGE_OPERATION_STATUS", "framework_id": {"value": "f"},
         "acknowledge_operation_status": {"uuid": UUID16, "operation_id": {"value": "o"}}},
    ],
)
def test_row_8_a_call_that_fails_validation_is_400(mesos_url, call):
    text_of(post(mesos_url, call), 400)  # [C1], [C2]


@pytest.mark.parametrize("accept", ["text/html", "application/recordio", "application/json;q=0"])
def test_row_9_subscribe_with_no_acceptable_type_is_406(mesos_url, accept):
    text_of(post(mesos_url, SUBSCRIBE, headers={"Accept": accept}), 406)


def test_row_9_other_calls_never_look_at_accept(framework):
    body = {"type": "REVIVE", "framework_id": {"value": framework.framework_id}}
    headers = {"Accept": "text/html", "Mesos-Stream-Id": framework.stream_id}
    assert post(framework.url, body, headers=headers).status_code == 202


def test_row_8_comes_before_row_9(mesos_url):
    text_of(post(mesos_url, {"type": "SUBSCRIBE"}, headers={"Accept": "text/html"}), 400)


def test_row_10_subscribe_with_a_stream_id_is_400(mesos_url):
    text_of(post(mesos_url, SUBSCRIBE, headers={"Mesos-Stream-Id": "x"}), 400)


def test_subscribe_whose_two_ids_disagree_is_400(mesos_url):
    for call_id, info_id in (("a", "b"), ("a", None), (None, "b")):
        call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": dict(INFO)}}
        if call_id:
            call["framework_id"] = {"value": call_id}
        if info_id:
            call["subscribe"]["framework_info"]["id"] = {"value": info_id}
        text_of(post(mesos_url, call), 400)  # [H13]


CALLS = {
    "TEARDOWN": None, "REVIVE": None, "SUPPRESS": None,
    "DECLINE": {"offer_ids": []}, "ACCEPT": {"offer_ids": []},
    "KILL": {"task_id": {"value": "t"}}, "RECONCILE": {"tasks": []},
    "REQUEST": {"requests": []},
    "SHUTDOWN": {"executor_id": {"value": "e"}, "agent_id": {"value": "a"}},
    "MESSAGE": {"executor_id": {"value": "e"}, "agent_id": {"value": "a"}, "data": "eA=="},
    "ACKNOWLEDGE": {"agent_id": {"value": "a"}, "task_id": {"value": "t"}, "uuid": UUID16},
}


@pytest.mark.parametrize("kind", CALLS)
def test_row_11_an_unknown_framework_is_400(mesos_url, kind):
    call = {"type": kind, "framework_id": {"value": unique("nobody")}}
    if CALLS[kind] is not None:
        call[kind.lower()] = CALLS[kind]
    assert "Framework cannot be found" in text_of(
        post(mesos_url, call, headers={"Mesos-Stream-Id": "x"}), 400
    )


def test_row_13_a_disconnected_framework_is_403(schedulers):
    framework = schedulers(failover_timeout=60)
    framework.subscribe()
    framework.disconnect()
    # The server notices the closed socket in its own time.
    def refused():
        reply = framework.call("REVIVE")
        return [reply] if reply.status_code != 202 else []  # a refused reply is falsy by itself

    [reply] = until(refused, "a call is refused")
    assert "Framework is not subscribed" in text_of(reply, 403)


@pytest.mark.parametrize("kind", sorted(set(CALLS) - {"TEARDOWN"}))
def test_rows_15_and_16_a_missing_or_wrong_stream_id_is_400(framework, kind):
    more = CALLS[kind] or {}
    text_of(framework.call(kind, stream_id=None, **more), 400)
    for wrong in ("x", framework.stream_id.upper() + "0", framework.stream_id[:-1]):
        text_of(framework.call(kind, stream_id=wrong, **more), 400)


@pytest.mark.parametrize("kind", sorted(set(CALLS) - {"TEARDOWN"}))
def test_an_accepted_call_is_202_without_a_body_or_type(framework, kind):
    reply = framework.call(kind, **(CALLS[kind] or {}))
    assert reply.status_code == 202  # [H3], [C3]
    assert reply.content == b"" and reply.headers["Content-Length"] == "0"
    assert "Content-Type" not in reply.headers


def test_row_17_an_explicit_unknown_is_501_after_the_framework_lookups(framework):
    assert framework.call("UNKNOWN", framework_id=unique("nobody")).status_code == 400  # [H6]
    assert framework.call("UNKNOWN", stream_id="wrong").status_code == 400
    reply = framework.call("UNKNOWN")
    assert (reply.status_code, reply.content) == (501, b"")


@pytest.mark.parametrize("path", ["/master/api/v1/scheduler", "/api/v1/scheduler/"])
def test_other_spellings_of_the_path_are_the_same_handler(framework, path):
    body = {"type": "REVIVE", "framework_id": {"value": framework.framework_id}}
    headers = {"Mesos-Stream-Id": framework.stream_id}
    assert post(framework.url, body, path=path, headers=headers).status_code == 202  # [H1]


def test_an_unknown_path_is_404(mesos_url):
    assert requests.get(mesos_url + "/no/such/path", timeout=10).status_code == 404
    assert requests.get(mesos_url + "/redirect/x", timeout=10).status_code == 404


def test_one_connection_carries_many_calls(framework):
    with requests.Session() as session:
        for _ in range(30):
            reply = session.post(
                framework.url + PATH, timeout=10,
                json={"type": "REVIVE", "framework_id": {"value": framework.framework_id}},
                headers={"Content-Type": JSON, "Mesos-Stream-Id": framework.stream_id},
            )
            assert reply.status_code == 202  # [H2]


@pytest.mark.parametrize(
    "accept, media",
    [
        (None, JSON), ("*/*", JSON), (JSON, JSON), (PROTOBUF, PROTOBUF),
        (f"{PROTOBUF}, {JSON};q=0.1", JSON), (f"{JSON};q=0, {PROTOBUF}", PROTOBUF),
    ],
)
def test_the_stream_has_the_negotiated_type(mesos_url, accept, media):
    stream = Stream(mesos_url, SUBSCRIBE, headers={"Accept": accept})
    try:
        assert (stream.status, stream.headers["content-type"]) == (200, media)  # [H8]
    finally:
        stream.close()
