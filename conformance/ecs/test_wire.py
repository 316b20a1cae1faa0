"""The protocol itself, AWS JSON 1.1, with raw requests: what a client library would hide."""

import http.client
import json
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlparse

import pytest
import requests

from harness.ecs import ARN, SLEEPER, TARGET, bare, unique

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MEDIA = "application/x-amz-json-1.1"


def refused(reply, *codes):
    """The reply is an error of the protocol with one of codes; returns its message."""
    assert 400 <= reply.status_code < 500, (reply.status_code, reply.text)
    assert reply.headers["Content-Type"] == MEDIA
    assert UUID.fullmatch(reply.headers["x-amzn-RequestId"])
    body = reply.json()
    code = body["__type"].rpartition("#")[2]
    if codes:
        assert code in codes, body
    assert reply.headers["x-amzn-errortype"].partition(":")[0].rpartition("#")[2] == code
    return body.get("message") or body.get("Message")


def test_a_reply_has_the_media_type_and_a_request_id_of_its_own(ecs):
    replies = [ecs.raw("ListClusters", {}) for _ in range(2)]
    for reply in replies:
        assert reply.status_code == 200
        assert reply.headers["Content-Type"] == MEDIA
        assert UUID.fullmatch(reply.headers["x-amzn-RequestId"])
    assert len({reply.headers["x-amzn-RequestId"] for reply in replies}) == 2


def test_an_error_names_its_type_in_the_body_and_in_a_header(ecs):
    reply = ecs.raw("DeleteCluster", {"cluster": unique("absent")})
    assert reply.status_code == 400
    assert refused(reply, "ClusterNotFoundException") == "Cluster not found."


def test_an_empty_object_is_enough_where_nothing_is_required(ecs):
    assert ecs.raw("DescribeClusters", {}).json()["clusters"][0]["clusterName"] == "default"


def test_empty_lists_are_sent_as_lists(ecs):
    assert ecs.raw("DescribeClusters", {"clusters": ["default"]}).json()["failures"] == []
    assert ecs.raw("ListTasks", {"cluster": ecs.cluster}).json()["taskArns"] == []


def test_tag_and_untag_reply_with_an_empty_object(ecs):
    arn = ecs.new_cluster()["clusterArn"]
    body = {"resourceArn": arn, "tags": [{"key": "a", "value": "b"}]}
    assert ecs.raw("TagResource", body).json() == {}
    assert ecs.raw("UntagResource", {"resourceArn": arn, "tagKeys": ["a"]}).json() == {}


def test_null_means_absent_and_unknown_members_are_ignored(ecs):
    body = {
        "cluster": ecs.cluster, "family": None, "maxResults": None, "nextToken": None,
        "zoneId": "use1-az1", "Cluster": "no-such-cluster",
    }
    reply = ecs.raw("ListTasks", body)
    assert (reply.status_code, reply.json()["taskArns"]) == (200, [])


def test_timestamps_are_numbers_of_seconds(ecs):
    family = unique("time")
    reply = ecs.raw("RegisterTaskDefinition", {"family": family, "containerDefinitions": [bare()]})
    at = reply.json()["taskDefinition"]["registeredAt"]
    ecs.client.deregister_task_definition(taskDefinition=f"{family}:1")
    assert isinstance(at, (int, float)) and 1.5e9 < at < 4e9


@pytest.mark.parametrize("target", [f"{TARGET}.MakeTea", f"{TARGET}.", "Elsewhere.ListTasks", "x", ""])
def test_an_unknown_target_is_an_unknown_operation(ecs, target):
    refused(ecs.raw("ignored", {}, X_Amz_Target=target), "UnknownOperationException")


def test_a_missing_target_is_refused(ecs):
    refused(ecs.raw("ignored", {}, X_Amz_Target=None), "UnknownOperationException")


@pytest.mark.parametrize(
    "body", ["{", "nonsense", '{"cluster": }', '{"cluster": "a"', b"\xff\xfe{}", "[" * 100_000]
)
def test_a_malformed_body_is_a_serialization_exception(ecs, body):
    refused(ecs.raw("ListTasks", body), "SerializationException")


@pytest.mark.parametrize("body", ["[]", '"text"', "7", "true"])
def test_a_body_that_is_no_object_is_a_serialization_exception(ecs, body):
    refused(ecs.raw("ListTasks", body), "SerializationException")


@pytest.mark.parametrize(
    "operation, body",
    [
        ("ListTasks", {"cluster": 7}),
        ("ListTasks", {"cluster": ["default"]}),
        ("ListTasks", {"maxResults": "many"}),
        ("RunTask", {"taskDefinition": {"family": "x"}}),
        ("RunTask", {"taskDefinition": "x", "count": "one"}),
        ("RunTask", {"taskDefinition": "x", "overrides": []}),
        ("DescribeTasks", {"tasks": "all"}),
        ("DescribeTasks", {"tasks": [1]}),
        ("RegisterTaskDefinition", {"family": "x", "containerDefinitions": {}}),
        ("RegisterTaskDefinition", {"family": "x", "containerDefinitions": [bare(cpu="much")]}),
    ],
)
def test_a_member_of_another_type_is_a_serialization_exception(ecs, operation, body):
    refused(ecs.raw(operation, body), "SerializationException")


@pytest.mark.parametrize(
    "operation, body",
    [
        ("RunTask", {}), ("StartTask", {"taskDefinition": "x"}), ("StopTask", {}),
        ("DescribeTasks", {}), ("DeleteCluster", {}), ("DescribeTaskDefinition", {}),
        ("DeregisterTaskDefinition", {}), ("RegisterTaskDefinition", {"family": "x"}),
        ("RegisterTaskDefinition", {"containerDefinitions": [bare()]}), ("TagResource", {}),
        ("UntagResource", {}), ("ListTagsForResource", {}), ("ListAttributes", {}),
        ("PutAttributes", {}), ("DeleteAttributes", {}), ("DescribeContainerInstances", {}),
        ("DeregisterContainerInstance", {}), ("UpdateContainerInstancesState", {}),
    ],
)
def test_a_missing_member_is_a_client_side_error(ecs, operation, body):
    message = refused(
        ecs.raw(operation, body), "InvalidParameterException", "ClientException"
    )
    assert message


def test_another_content_type_is_refused_in_the_form_of_the_protocol(ecs):
    reply = ecs.raw("ListTasks", "{}", Content_Type="text/plain")
    assert 400 <= reply.status_code < 500
    assert reply.json()["__type"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(ecs, method):
    reply = requests.request(
        method, ecs.url + "/", data="{}", timeout=10,
        headers={"X-Amz-Target": f"{TARGET}.ListClusters", "Content-Type": MEDIA},
    )
    assert 400 <= reply.status_code < 500


def test_a_connection_survives_errors_and_serves_the_next_call(ecs):
    connection = http.client.HTTPConnection(urlparse(ecs.url).netloc, timeout=10)
    connection.connect()
    used = connection.sock
    for body, status in (("{", 400), ("{}", 200), ("[]", 400), ("{}", 200)):
        signed = ecs.signed("ListClusters", body)
        connection.request("POST", "/", body, signed)
        reply = connection.getresponse()
        reply.read()
        assert reply.status == status
        assert connection.sock is used, "the server closed the connection"
    connection.close()


def test_fifty_callers_at_once_are_all_answered(ecs):
    with ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(lambda n: ecs.raw("DescribeClusters", {}), range(200)))
    assert {reply.status_code for reply in replies} == {200}


def test_hostile_names_come_back_as_errors_and_harm_nobody(ecs):
    for name in ("\0", "💣", "../..", "%00", "x" * 1000, "a:b", "a b", '"; drop table tasks; --'):
        reply = ecs.raw("DescribeTasks", {"cluster": name, "tasks": ["0" * 32]})
        refused(reply, "ClusterNotFoundException", "InvalidParameterException")
        refused(
            ecs.raw("RunTask", {"cluster": ecs.cluster, "taskDefinition": name}),
            "ClientException", "InvalidParameterException",
        )
        refused(ecs.raw("StopTask", {"task": name}), "InvalidParameterException")
    assert ecs.raw("ListClusters", {}).status_code == 200


def test_text_survives_the_way_through(ecs):
    text = 'quote " back\\slash \t tab ünïcödé 💧'
    container = bare(environment=[{"name": "T", "value": text}])
    arn = ecs.register(container)["taskDefinitionArn"]
    seen = ecs.client.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert seen["containerDefinitions"][0]["environment"] == [{"name": "T", "value": text}]


def test_resource_entries_carry_a_type_and_the_matching_member(ecs):
    listed = ecs.raw("ListContainerInstances", {"cluster": ecs.cluster}).json()
    reply = ecs.raw(
        "DescribeContainerInstances",
        {"cluster": ecs.cluster, "containerInstances": listed["containerInstanceArns"][:1]},
    ).json()
    for entry in reply["containerInstances"][0]["registeredResources"]:
        assert entry["type"] in ("INTEGER", "STRINGSET")
        if entry["type"] == "STRINGSET":
            assert all(isinstance(port, str) for port in entry.get("stringSetValue", []))
        else:
            assert isinstance(entry["integerValue"], int)


def test_the_body_of_a_conflict_lists_the_resources(ecs):
    definition, token = ecs.define(SLEEPER), unique("token")
    task = ecs.run(definition, clientToken=token)[0]
    body = {
        "cluster": ecs.cluster, "taskDefinition": definition, "clientToken": token, "count": 2,
    }
    reply = ecs.raw("RunTask", body)
    refused(reply, "ConflictException")
    assert reply.json()["resourceIds"] == [task["taskArn"]]
    assert task["taskArn"].startswith(ARN)


def test_the_biggest_allowed_reply_is_complete_json(ecs):
    reply = ecs.raw("DescribeTasks", {"tasks": [f"{n:032x}" for n in range(100)]})
    assert len(json.loads(reply.content)["failures"]) == 100
    assert int(reply.headers["Content-Length"]) == len(reply.content)
