"""EventBridge and SQS: rules that send the events of the cluster to a queue, and the queue itself."""

import hashlib
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import ecs as harness_ecs
from harness.server import ACCOUNT, REGION

pytestmark = pytest.mark.filterwarnings("ignore")
TASK = "ECS Task State Change"


def of_service(name, server):
    return boto3.client(
        name, endpoint_url=server.ecs, region_name=REGION, aws_access_key_id=ACCOUNT,
        aws_secret_access_key="secret", config=Config(retries={"max_attempts": 1}, read_timeout=40),
    )


@pytest.fixture(scope="module")
def sqs(server):
    if not server.ecs:
        pytest.skip("needs an ECS endpoint")
    return of_service("sqs", server)


@pytest.fixture(scope="module")
def events(server):
    if not server.ecs:
        pytest.skip("needs an ECS endpoint")
    return of_service("events", server)


@pytest.fixture
def queue(sqs):
    url = sqs.create_queue(QueueName=harness_ecs.unique("q"))["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def followed(events, sqs, queue):
    """A queue to which a rule sends the state of tasks."""
    name = harness_ecs.unique("rule")
    pattern = {"source": ["aws.ecs"], "detail-type": [TASK]}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    failed = events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn["QueueArn"]}])
    assert failed["FailedEntryCount"] == 0
    yield queue
    events.remove_targets(Rule=name, Ids=["q"])
    events.delete_rule(Name=name)


def receive(sqs, queue, **more):
    return sqs.receive_message(QueueUrl=queue, **more).get("Messages", [])


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"]


def form(server, path="/", **fields):
    """A request of the Query protocol; gives status and XML without namespaces."""
    body = urllib.parse.urlencode({"Version": "2012-11-05", **fields}).encode()
    scope = f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/sqs/aws4_request"
    request = urllib.request.Request(server.ecs.rstrip("/") + path, data=body, headers={
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"{scope}, SignedHeaders=host, Signature=0",
    })
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    root = ElementTree.fromstring(text)
    for element in root.iter():
        element.tag = element.tag.rsplit("}", 1)[-1]
    return status, root


def test_what_a_task_goes_through_arrives_in_the_queue(ecs, client, followed, sqs):
    family = harness_ecs.unique("told")
    definition = client.register_task_definition(
        family=family, containerDefinitions=[harness_ecs.bare()]
    )["taskDefinition"]["taskDefinitionArn"]
    task = client.run_task(cluster=ecs.cluster, taskDefinition=definition)["tasks"][0]["taskArn"]
    client.stop_task(cluster=ecs.cluster, task=task)
    seen, until = {}, time.monotonic() + 30
    while time.monotonic() < until and "STOPPED" not in [one["lastStatus"] for one in seen.values()]:
        for message in receive(sqs, followed, WaitTimeSeconds=5, MaxNumberOfMessages=10):
            event = json.loads(message["Body"])
            assert (event["source"], event["detail-type"]) == ("aws.ecs", TASK)
            assert event["resources"] == [event["detail"]["taskArn"]]
            if event["detail"]["taskArn"] == task:
                seen[event["detail"]["version"]] = event["detail"]
            sqs.delete_message(QueueUrl=followed, ReceiptHandle=message["ReceiptHandle"])
    last = seen[max(seen)]
    assert (last["lastStatus"], last["desiredStatus"]) == ("STOPPED", "STOPPED")
    assert last["clusterArn"].startswith("arn:aws:ecs:") and last["updatedAt"].endswith("Z")
    shown = client.describe_tasks(cluster=ecs.cluster, tasks=[task])["tasks"][0]
    assert shown["version"] == last["version"]
    client.deregister_task_definition(taskDefinition=definition)


def test_a_long_poll_is_answered_when_a_message_comes(sqs, queue):
    timer = threading.Timer(0.5, lambda: sqs.send_message(QueueUrl=queue, MessageBody="late"))
    started = time.monotonic()
    timer.start()
    messages = receive(sqs, queue, WaitTimeSeconds=20)
    assert [message["Body"] for message in messages] == ["late"]
    assert 0.3 < time.monotonic() - started < 10


def test_a_caller_that_hangs_up_swallows_no_message(server, queue, sqs):
    impatient = boto3.client(
        "sqs", endpoint_url=server.ecs, region_name=REGION, aws_access_key_id=ACCOUNT,
        aws_secret_access_key="secret", config=Config(retries={"max_attempts": 0}, read_timeout=1),
    )
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


def test_visibility_redrive_and_counts(sqs, queue):
    source = sqs.create_queue(QueueName=harness_ecs.unique("src"), Attributes={
        "VisibilityTimeout": "1",
        "RedrivePolicy": json.dumps({
            "maxReceiveCount": 1,
            "deadLetterTargetArn": sqs.get_queue_attributes(
                QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"],
        }),
    })["QueueUrl"]
    assert sqs.list_dead_letter_source_queues(QueueUrl=queue)["queueUrls"] == [source]
    sqs.send_message(QueueUrl=source, MessageBody="poison")
    assert len(receive(sqs, source)) == 1
    counts = sqs.get_queue_attributes(QueueUrl=source, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert receive(sqs, source, WaitTimeSeconds=2) == []
    assert receive(sqs, queue, WaitTimeSeconds=5)[0]["Body"] == "poison"
    sqs.delete_queue(QueueUrl=source)


def test_batches(sqs, queue):
    entries = [{"Id": str(n), "MessageBody": f"m{n}"} for n in range(10)]
    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10
    messages = receive(sqs, queue, MaxNumberOfMessages=10)
    handles = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
               for n, message in enumerate(messages)]
    assert len(sqs.delete_message_batch(QueueUrl=queue, Entries=handles)["Successful"]) == 10
    code = refused(sqs.send_message_batch, QueueUrl=queue, Entries=entries[:1] * 2)
    assert code.endswith("BatchEntryIdsNotDistinct")


def test_errors_have_both_names(sqs, queue):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as error:
        sqs.get_queue_url(QueueName="nowhere")
    assert error.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle="x")
    with pytest.raises(sqs.exceptions.InvalidAttributeName):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Colour": "red"})
    assert refused(sqs.receive_message, QueueUrl=queue, MaxNumberOfMessages=11) == "InvalidParameterValue"


def test_rules_are_made_listed_and_taken_away(events):
    name = harness_ecs.unique("rule")
    arn = events.put_rule(Name=name, EventPattern='{"source":["a"]}', Tags=[{"Key": "k", "Value": "v"}])
    assert arn["RuleArn"].endswith(f":rule/{name}")
    assert [rule["Name"] for rule in events.list_rules(NamePrefix=name)["Rules"]] == [name]
    assert events.describe_rule(Name=name)["State"] == "ENABLED"
    events.disable_rule(Name=name)
    assert events.describe_rule(Name=name)["State"] == "DISABLED"
    assert events.list_tags_for_resource(ResourceARN=arn["RuleArn"])["Tags"] == [{"Key": "k", "Value": "v"}]
    events.delete_rule(Name=name)
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_rule(Name=name)
    with pytest.raises(events.exceptions.InvalidEventPatternException):
        events.put_rule(Name=name, EventPattern='{"source":"a"}')


def test_events_of_clients(events, sqs, queue):
    name, source = harness_ecs.unique("rule"), harness_ecs.unique("my.app")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [source], "detail": {"n": [{"numeric": [">", 1]}]}}))
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn, "InputPath": "$.detail"}])
    entries = [{"Source": source, "DetailType": "t", "Detail": json.dumps({"n": n})} for n in (1, 2)]
    assert events.put_events(Entries=entries)["FailedEntryCount"] == 0
    assert [message["Body"] for message in receive(sqs, queue, MaxNumberOfMessages=10)] == ['{"n":2}']
    events.remove_targets(Rule=name, Ids=["q"])
    events.delete_rule(Name=name)


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
