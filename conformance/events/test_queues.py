"""Standard queues: messages in and out, attributes, batches, errors."""

import hashlib
import json
import threading
import time

import pytest

from harness import ecs as harness_ecs
from harness.events import arn, error, of_service, receive, refused


def test_a_long_poll_is_answered_when_a_message_comes(sqs, queue):
    timer = threading.Timer(0.5, lambda: sqs.send_message(QueueUrl=queue, MessageBody="late"))
    started = time.monotonic()
    timer.start()
    messages = receive(sqs, queue, WaitTimeSeconds=20)
    assert [message["Body"] for message in messages] == ["late"]
    assert 0.3 < time.monotonic() - started < 10


def test_a_caller_that_hangs_up_swallows_no_message(server, queue, sqs):
    impatient = of_service("sqs", server, retries={"max_attempts": 0}, read_timeout=1)
    with pytest.raises(Exception):
        receive(impatient, queue, WaitTimeSeconds=20)
    time.sleep(0.5)
    sqs.send_message(QueueUrl=queue, MessageBody="kept")
    assert len(receive(sqs, queue, WaitTimeSeconds=2)) == 1


def test_a_message_comes_with_its_attributes_and_digests(sqs, queue):
    attributes = {
        "text": {"DataType": "String", "StringValue": "value"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\x01\xff"},
        "number": {"DataType": "Number", "StringValue": "3.5"},
    }
    # botocore checks the digest of the body itself.
    sent = sqs.send_message(QueueUrl=queue, MessageBody="böd<y>", MessageAttributes=attributes)
    message = receive(sqs, queue, MessageAttributeNames=["All"], AttributeNames=["All"])[0]
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MD5OfBody"] == hashlib.md5("böd<y>".encode()).hexdigest()
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


@pytest.mark.parametrize("names, expected", [
    ([], []), (["All"], ["Hello", "Help.Me"]), (["*"], ["Hello", "Help.Me"]), ([".*"], ["Hello", "Help.Me"]),
    (["Hel.*"], ["Hello", "Help.Me"]), (["Help.*"], ["Help.Me"]), (["Foo", "Hello"], ["Hello"]), (["AWS."], []),
], ids=str)
def test_attributes_are_chosen_by_name(sqs, make_queue, names, expected):
    queue = make_queue(VisibilityTimeout="0")
    text = {"DataType": "String", "StringValue": "v"}
    attributes = {"Help.Me": text, "Hello": text}
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageAttributes=attributes)
    message = receive(sqs, queue, MessageAttributeNames=names)[0]
    assert sorted(message.get("MessageAttributes", {})) == expected


def test_batches(sqs, queue):
    entries = [{"Id": str(n), "MessageBody": f"m{n}"} for n in range(10)]
    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10
    messages = receive(sqs, queue, MaxNumberOfMessages=10)
    handles = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
               for n, message in enumerate(messages)]
    assert len(sqs.delete_message_batch(QueueUrl=queue, Entries=handles)["Successful"]) == 10
    code = refused(sqs.send_message_batch, QueueUrl=queue, Entries=entries[:1] * 2)
    assert code.endswith("BatchEntryIdsNotDistinct")
    empty = error(sqs.send_message_batch, QueueUrl=queue, Entries=[])
    assert empty["Message"] == "There should be at least one SendMessageBatchRequestEntry in the request."


def test_errors_have_both_names(sqs, queue):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as problem:
        sqs.get_queue_url(QueueName="nowhere")
    assert problem.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle="x")
    with pytest.raises(sqs.exceptions.InvalidAttributeName):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Colour": "red"})
    assert refused(sqs.receive_message, QueueUrl=queue, MaxNumberOfMessages=11) == "InvalidParameterValue"


def test_any_receipt_of_a_message_deletes_it_and_hides_it(sqs, make_queue):
    queue = make_queue(VisibilityTimeout="0")
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    first, second = (receive(sqs, queue)[0]["ReceiptHandle"] for _ in range(2))
    assert first != second
    # It is visible, and an older receipt hides it: as with SQS.
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=first, VisibilityTimeout=30)
    assert receive(sqs, queue) == []
    for handle in (first, second, first):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    gone = error(sqs.change_message_visibility, QueueUrl=queue, ReceiptHandle=first, VisibilityTimeout=1)
    assert gone["Code"] == "InvalidParameterValue"
    assert gone["Message"].endswith("Message does not exist or is not available for visibility timeout change.")


def test_a_message_is_hidden_for_twelve_hours_at_most_since_it_was_received(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    handle = receive(sqs, queue)[0]["ReceiptHandle"]
    time.sleep(1.1)
    call = {"QueueUrl": queue, "ReceiptHandle": handle}
    beyond = error(sqs.change_message_visibility, VisibilityTimeout=43_200, **call)
    assert beyond["Code"] == "InvalidParameterValue"
    assert "beyond the limit [43200 seconds]" in beyond["Message"]
    sqs.change_message_visibility(VisibilityTimeout=43_190, **call)


def test_the_name_of_a_deleted_queue_is_taken_for_a_minute(sqs, make_queue):
    url = make_queue()
    name = url.rsplit("/", 1)[-1]
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDeletedRecently) as problem:
        sqs.create_queue(QueueName=name)
    assert "wait 60 seconds" in problem.value.response["Error"]["Message"]


def test_a_second_purge_within_a_minute_is_forbidden(sqs, queue):
    sqs.purge_queue(QueueUrl=queue)
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress) as problem:
        sqs.purge_queue(QueueUrl=queue)
    assert problem.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_what_a_message_may_not_have_is_refused(sqs, queue):
    assert refused(sqs.send_message, QueueUrl=queue, MessageBody="bell \x07") == "InvalidMessageContents"
    for value in ({"DataType": "String", "StringValue": "\x08"}, {"DataType": "Number", "StringValue": "x"},
                  {"DataType": "String", "StringValue": ""}, {"DataType": "Colour", "StringValue": "red"}):
        attributes = {"name": value}
        code = refused(sqs.send_message, QueueUrl=queue, MessageBody="m", MessageAttributes=attributes)
        assert code == "InvalidParameterValue", value
    for group in ("a b", "g" * 129):
        code = refused(sqs.send_message, QueueUrl=queue, MessageBody="m", MessageGroupId=group)
        assert code == "InvalidParameterValue", group
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageGroupId="!~")


def test_queues_are_listed_in_pages(sqs, make_queue):
    urls = sorted(make_queue() for _ in range(3))
    prefix = urls[0].rsplit("/", 1)[-1].rsplit("-", 2)[0]
    found = []
    for page in sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2}):
        found += page.get("QueueUrls", [])
    assert [url for url in found if url in urls] == urls


def test_attributes_that_are_shown(sqs, queue):
    shown = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert "FifoQueue" not in shown and shown["SqsManagedSseEnabled"] == "true"
    key = {"KmsMasterKeyId": "key", "KmsDataKeyReusePeriodSeconds": "60"}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=key)
    shown = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert shown["SqsManagedSseEnabled"] == "false" and shown["KmsDataKeyReusePeriodSeconds"] == "60"
    with pytest.raises(sqs.exceptions.InvalidAttributeName):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"FifoQueue": "true"})
    other = error(sqs.create_queue, QueueName=queue.rsplit("/", 1)[-1], Attributes={"DelaySeconds": "5"})
    assert other["Code"] == "QueueAlreadyExists" and other["Message"].endswith("attribute DelaySeconds")


def test_permissions_stand_in_the_policy(sqs, queue):
    call = {"QueueUrl": queue, "AWSAccountIds": ["111111111111"], "Actions": ["SendMessage"]}
    sqs.add_permission(Label="one", **call)
    policy = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]["Policy"]
    statement = json.loads(policy)["Statement"][0]
    assert (statement["Action"], statement["Resource"]) == ("SQS:SendMessage", arn(sqs, queue))
    assert error(sqs.add_permission, Label="one", **call)["Message"].endswith("Reason: Already exists.")
    sqs.remove_permission(QueueUrl=queue, Label="one")
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])
    assert refused(sqs.remove_permission, QueueUrl=queue, Label="one") == "InvalidParameterValue"


def test_tags(sqs, queue):
    sqs.tag_queue(QueueUrl=queue, Tags={"team": "blue", "site": "höme"})
    sqs.untag_queue(QueueUrl=queue, TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"site": "höme"}
    assert refused(sqs.tag_queue, QueueUrl=queue, Tags={}) == "MissingParameter"
    assert refused(sqs.tag_queue, QueueUrl=queue, Tags={"a\x00": "b"}) == "InvalidParameterValue"


def test_there_may_be_more_than_a_thousand_queues(server):
    sqs = of_service("sqs", server)
    stem = harness_ecs.unique("many")
    for number in range(1_001):
        sqs.create_queue(QueueName=f"{stem}-{number:04}")
    pages = sqs.get_paginator("list_queues").paginate(
        QueueNamePrefix=stem, PaginationConfig={"PageSize": 1_000})
    urls = [url for page in pages for url in page["QueueUrls"]]
    assert len(urls) == 1_001
    for url in urls:
        sqs.delete_queue(QueueUrl=url)
