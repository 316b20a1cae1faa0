"""Clients of EventBridge and SQS, and queues that are gone afterwards."""

import json

import pytest

from harness import ecs as harness_ecs
from harness import events as harness_events


@pytest.fixture(scope="module")
def sqs(server):
    if not server.ecs:
        pytest.skip("needs an ECS endpoint")
    return harness_events.of_service("sqs", server)


@pytest.fixture(scope="module")
def events(server):
    if not server.ecs:
        pytest.skip("needs an ECS endpoint")
    return harness_events.of_service("events", server)


@pytest.fixture
def make_queue(sqs):
    """Makes queues with attributes; a name that ends in .fifo makes a FIFO queue."""
    made = []

    def make(suffix="", **attributes):
        if suffix == ".fifo":
            attributes = {"FifoQueue": "true", **attributes}
        url = sqs.create_queue(QueueName=harness_ecs.unique("q") + suffix, Attributes=attributes)
        made.append(url["QueueUrl"])
        return made[-1]

    yield make
    for url in made:
        try:
            sqs.delete_queue(QueueUrl=url)
        except sqs.exceptions.QueueDoesNotExist:
            pass


@pytest.fixture
def queue(make_queue):
    return make_queue()


@pytest.fixture
def fifo(make_queue):
    """A FIFO queue that tells messages apart by their bodies."""
    return make_queue(".fifo", ContentBasedDeduplication="true")


@pytest.fixture
def followed(events, sqs, queue):
    """A queue to which a rule sends the state of tasks."""
    name = harness_ecs.unique("rule")
    pattern = {"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"]}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    target = {"Id": "q", "Arn": harness_events.arn(sqs, queue)}
    assert events.put_targets(Rule=name, Targets=[target])["FailedEntryCount"] == 0
    yield queue
    harness_events.drop_rule(events, name)
