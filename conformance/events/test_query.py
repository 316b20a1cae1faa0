"""The Query protocol of older SDKs: forms in, XML out."""

import hashlib
import json
import urllib.parse

import pytest

from harness import ecs as harness_ecs
from harness.events import form, receive


def test_older_sdks_speak_in_forms(server):
    name = harness_ecs.unique("old")
    status, answer = form(server, Action="CreateQueue", QueueName=name, **{
        "Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "7"})
    assert status == 200
    url = answer.findtext("CreateQueueResult/QueueUrl")
    path = urllib.parse.urlparse(url).path
    status, answer = form(server, path, Action="SendMessage", MessageBody="a<b>&c", **{
        "MessageAttribute.1.Name": "k", "MessageAttribute.1.Value.DataType": "String",
        "MessageAttribute.1.Value.StringValue": "v"})
    assert answer.findtext("SendMessageResult/MD5OfMessageBody") == hashlib.md5(b"a<b>&c").hexdigest()
    _, answer = form(server, path, Action="ReceiveMessage", **{
        "AttributeName.1": "All", "MessageAttributeName.1": "All"})
    message = answer.find("ReceiveMessageResult/Message")
    assert message.findtext("Body") == "a<b>&c"
    assert message.findtext("MessageAttribute/Value/StringValue") == "v"
    assert "SentTimestamp" in [one.text for one in message.findall("Attribute/Name")]
    _, answer = form(server, Action="GetQueueAttributes", QueueUrl=url, **{
        "AttributeName.1": "VisibilityTimeout"})
    assert answer.findtext("GetQueueAttributesResult/Attribute/Value") == "7"
    status, answer = form(server, path, Action="DeleteMessage", ReceiptHandle=message.findtext("ReceiptHandle"))
    assert status == 200 and answer.findtext("ResponseMetadata/RequestId")
    form(server, path, Action="DeleteQueue")
    status, answer = form(server, Action="GetQueueUrl", QueueName=name)
    assert (status, answer.findtext("Error/Code")) == (400, "AWS.SimpleQueueService.NonExistentQueue")
    status, answer = form(server, Action="CreateQueue", QueueName=name)
    assert (status, answer.findtext("Error/Code")) == (400, "AWS.SimpleQueueService.QueueDeletedRecently")


@pytest.fixture
def path(queue):
    return urllib.parse.urlparse(queue).path


@pytest.mark.parametrize("field", ["MessageAttributeNames", "MessageAttributeName", "AttributeNames", "AttributeName"])
def test_a_list_without_entries_is_empty(server, sqs, queue, path, field):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    status, answer = form(server, path, Action="ReceiveMessage", VisibilityTimeout="0", **{field: ""})
    assert status == 200
    message = answer.find("ReceiveMessageResult/Message")
    assert message.findtext("Body") == "m" and message.find("Attribute") is None


def test_characters_that_xml_cannot_carry_make_no_malformed_xml(server, path):
    # `form` reads the answer as XML: a malformed one fails there.
    for fields in (
        {"Action": "GetQueueAttributes", "AttributeName.1": "a\x00b\x1b[2J"},
        {"Action": "No\x00such"},
        {"Action": "SendMessage", "MessageBody": "bell \x07"},
        {"Action": "DeleteMessage", "ReceiptHandle": "\x00\ufffe"},
        {"Action": "GetQueueUrl", "QueueName": "\x01"},
        {"Action": "TagQueue", "Tag.1.Key": "a\x00", "Tag.1.Value": "b"},
        {"Action": "CreateQueue", "QueueName": "q", "Attribute.1.Name": "\x00", "Attribute.1.Value": "\x00"},
    ):
        status, answer = form(server, path, **fields)
        assert status in (400, 404), fields
        assert answer.findtext("Error/Message") or answer.findtext("Error/Code"), fields


def test_a_fifo_queue_in_forms(server, fifo):
    path = urllib.parse.urlparse(fifo).path
    numbers = []
    for body in ("1", "2", "1"):
        _, answer = form(server, path, Action="SendMessage", MessageBody=body, MessageGroupId="g")
        numbers.append(answer.findtext("SendMessageResult/SequenceNumber"))
    assert numbers[0] < numbers[1] and numbers[0] == numbers[2]
    _, answer = form(server, path, Action="ReceiveMessage", MaxNumberOfMessages="10", **{"AttributeName.1": "All"})
    messages = answer.findall("ReceiveMessageResult/Message")
    assert [message.findtext("Body") for message in messages] == ["1", "2"]
    shown = {one.findtext("Name"): one.findtext("Value") for one in messages[0].findall("Attribute")}
    assert (shown["MessageGroupId"], shown["SequenceNumber"]) == ("g", numbers[0])
    status, answer = form(server, path, Action="SendMessage", MessageBody="3")
    assert (status, answer.findtext("Error/Code")) == (400, "MissingParameter")


def test_permissions_and_tasks_in_forms(server, sqs, queue, path, make_queue):
    status, _ = form(server, path, Action="AddPermission", Label="one", **{
        "AWSAccountId.1": "111111111111", "ActionName.1": "SendMessage"})
    assert status == 200
    policy = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]["Policy"]
    assert json.loads(policy)["Statement"][0]["Sid"] == "one"
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    source = make_queue(RedrivePolicy=redrive)
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    destination = arn.rsplit(":", 1)[0] + ":" + source.rsplit("/", 1)[-1]
    _, answer = form(server, Action="StartMessageMoveTask", SourceArn=arn, DestinationArn=destination)
    assert answer.findtext("StartMessageMoveTaskResult/TaskHandle")
    _, answer = form(server, Action="ListMessageMoveTasks", SourceArn=arn, MaxResults="1")
    task = answer.find("ListMessageMoveTasksResult/ListMessageMoveTasksResultEntry")
    assert task.findtext("Status") == "COMPLETED"
    assert len(receive(sqs, source)) == 1
