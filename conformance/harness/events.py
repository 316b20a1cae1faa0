"""Clients of EventBridge and SQS, and what their tests share."""

import json
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from .server import ACCOUNT, REGION


def of_service(name, server, **config):
    config = {"retries": {"max_attempts": 1}, "read_timeout": 40, **config}
    return boto3.client(
        name, endpoint_url=server.ecs, region_name=REGION, aws_access_key_id=ACCOUNT,
        aws_secret_access_key="secret", config=Config(**config),
    )


def arn(sqs, url):
    wanted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return wanted["Attributes"]["QueueArn"]


def receive(sqs, queue, **more):
    return sqs.receive_message(QueueUrl=queue, **more).get("Messages", [])


def bodies(sqs, queue, **more):
    return [message["Body"] for message in receive(sqs, queue, **{"MaxNumberOfMessages": 10, **more})]


def error(call, **arguments):
    """The error that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]


def refused(call, **arguments):
    return error(call, **arguments)["Code"]


def put_rule(events, name, pattern, targets):
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    assert events.put_targets(Rule=name, Targets=targets)["FailedEntryCount"] == 0


def drop_rule(events, name):
    ids = [target["Id"] for target in events.list_targets_by_rule(Rule=name)["Targets"]]
    if ids:
        events.remove_targets(Rule=name, Ids=ids)
    events.delete_rule(Name=name)


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
    except urllib.error.HTTPError as problem:
        status, text = problem.code, problem.read()
    root = ElementTree.fromstring(text)
    for element in root.iter():
        element.tag = element.tag.rsplit("}", 1)[-1]
    return status, root
