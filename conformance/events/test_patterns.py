"""The language of event patterns, tried with TestEventPattern. Source: EventBridge user guide, event patterns."""

import json

import pytest

from harness.events import error

EVENT = {
    "id": "1", "account": "123456789012", "source": "my.app", "time": "2026-11-21T11:42:55Z",
    "region": "us-east-1", "detail-type": "Thing",
    "detail": {
        "state": {"status": "running"}, "dotted.name": {"leaf": "x"}, "n": 5, "none": None,
        "ip": "10.1.2.3", "ip6": "2001:db8::1", "path": "dir/a/image.png",
        "items": [{"name": "a", "code": 0}, {"name": "b", "code": 137}],
    },
}


def matches(events, pattern, event=EVENT):
    text = pattern if isinstance(pattern, str) else json.dumps(pattern)
    return events.test_event_pattern(EventPattern=text, Event=json.dumps(event))["Result"]


@pytest.mark.parametrize("expected, pattern", [
    (True, {"detail": {"state.status": ["running"]}}),
    (True, {"detail.state.status": ["running"]}),
    (True, {"detail": {"dotted": {"name": {"leaf": ["x"]}}}}),
    (False, {"detail": {"state": ["running"]}}),
    (True, {"detail": {"items": {"name": ["b"], "code": [137]}}}),
    (False, {"detail": {"items": {"name": ["a"], "code": [137]}}}),
    (False, {"detail": {"items.name": ["a"], "items.code": [137]}}),
    (True, {"detail": {"items": {"name": ["b"]}, "$or": [{"items": {"code": [137]}}, {"x": [1]}]}}),
    (False, {"detail": {"items": {"name": ["a"]}, "$or": [{"items": {"code": [137]}}, {"x": [1]}]}}),
    (True, {"detail": {"none": [{"anything-but": "x"}]}}),
    (True, {"detail": {"n": [{"anything-but": {"prefix": "5"}}]}}),
    (True, {"detail": {"ip6": ["2001:0db8:0:0:0:0:0:1"]}}),
    (True, {"detail": {"ip": [{"cidr": "10.0.0.0/8"}]}}),
    (True, {"detail": {"path": [{"prefix": {"equals-ignore-case": "DIR/"}}]}}),
    (True, {"detail": {"path": [{"wildcard": "dir/*.png"}]}}),
    (True, {"detail": {"missing": [{"exists": False}]}}),
], ids=str)
def test_a_pattern_matches_as_eventbridge_says(events, expected, pattern):
    assert matches(events, pattern) is expected


def test_of_two_fields_with_the_same_path_the_later_one_counts(events):
    assert matches(events, '{"source": ["x"], "source": ["my.app"]}') is True
    assert matches(events, '{"source": ["my.app"], "source": ["x"]}') is False


@pytest.mark.parametrize("operand, why", [
    ({"anything-but": {"prefix": ""}}, "Null prefix/suffix not allowed"),
    ({"anything-but": {"suffix": ["a", ""]}}, "Null prefix/suffix not allowed"),
    ({"anything-but": {"prefix": None}}, "Value of anything-but must be an array or single string/number value."),
    ({"anything-but": {"suffix": [None]}}, "prefix/suffix match pattern must be a string"),
    ({"anything-but": None}, "Value of anything-but must be an array or single string/number value."),
    ({"anything-but": True}, "Value of anything-but must be an array or single string/number value."),
    ({"anything-but": ["a", None]}, "Inside anything but list, start|null|boolean is not supported."),
    ({"wildcard": "*:*:*:*:*:event-bus/*"}, "Rule is too complex - try using fewer wildcard characters or "
     "fewer repeating character sequences after a wildcard character"),
    ({"wildcard": "a**b"}, "Consecutive wildcard characters at pos 2"),
    ({"cidr": "10.0.0.1"}, "Malformed CIDR, one '/' required"),
    ({"cidr": "10.0.0.0/32"}, "IPv4 mask bits must be < 32"),
    ({"numeric": [">", 0, ">", 1]}, "Bad numeric range operator: >"),
    ({"EXISTS": True}, "Unrecognized match type EXISTS"),
], ids=str)
def test_a_bad_pattern_is_refused_in_the_words_of_aws_and_the_field_is_named(events, operand, why):
    pattern = json.dumps({"detail": {"field": [operand]}})
    for call in (
        {"call": events.test_event_pattern, "Event": json.dumps(EVENT)},
        {"call": events.put_rule, "Name": "never"},
    ):
        refused = error(call.pop("call"), EventPattern=pattern, **call)
        assert refused["Code"] == "InvalidEventPatternException"
        first, where = refused["Message"].split("\n", 1)
        assert first == f"Event pattern is not valid. Reason: {why}"
        assert where.strip() == "at detail.field"


def test_wildcards_that_are_not_too_complex_are_taken(events):
    some = [{"wildcard": f"*.{kind}"} for kind in ("bif", "tif", "tiff", "svs")]
    assert matches(events, {"detail": {"path": some}}) is False
    assert matches(events, {"detail": {"path": [{"wildcard": "*/a/*.png"}, {"wildcard": "*/b/*"}]}}) is True


def test_an_event_that_is_tested_needs_no_resources_but_the_other_fields(events):
    for field in ("id", "account", "source", "time", "region", "detail-type"):
        event = {name: value for name, value in EVENT.items() if name != field}
        refused = error(events.test_event_pattern, EventPattern='{"a":[1]}', Event=json.dumps(event))
        assert refused["Code"] == "ValidationException"
        assert refused["Message"].startswith("Parameter Event is not valid.")
