"""Dead-letter queues, and tasks that move their messages on."""

import json
import time

import pytest

from harness.events import arn, bodies, error, receive, refused


def policy(sqs, url, count=1):
    return json.dumps({"deadLetterTargetArn": arn(sqs, url), "maxReceiveCount": count})


def last_task(sqs, source):
    return sqs.list_message_move_tasks(SourceArn=source)["Results"][0]


@pytest.fixture
def letters(sqs, make_queue):
    """A dead-letter queue with two letters, and the queues that they came from."""
    dead = make_queue()
    sources = [make_queue(RedrivePolicy=policy(sqs, dead), VisibilityTimeout="0") for _ in range(2)]
    for number, source in enumerate(sources):
        sqs.send_message(QueueUrl=source, MessageBody=str(number))
        assert bodies(sqs, source) == [str(number)]
        assert bodies(sqs, source) == []
    return dead, sources


def test_visibility_redrive_and_counts(sqs, queue, make_queue):
    source = make_queue(VisibilityTimeout="1", RedrivePolicy=policy(sqs, queue))
    assert sqs.list_dead_letter_source_queues(QueueUrl=queue)["queueUrls"] == [source]
    sqs.send_message(QueueUrl=source, MessageBody="poison")
    assert len(receive(sqs, source)) == 1
    counts = sqs.get_queue_attributes(QueueUrl=source, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert receive(sqs, source, WaitTimeSeconds=2) == []
    assert receive(sqs, queue, WaitTimeSeconds=5)[0]["Body"] == "poison"


def test_bad_policies_are_refused(sqs, queue):
    target = queue.replace("http://", "arn:").rsplit("/", 1)[-1]
    for text, why in [
        ("{", "not a valid JSON map"),
        (json.dumps({"maxReceiveCount": 1}), "mandatory attribute: deadLetterTargetArn"),
        (json.dumps({"deadLetterTargetArn": target}), "mandatory attribute: maxReceiveCount"),
        (json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 0}), "valid values are from 1 to 1000"),
        (json.dumps({"deadLetterTargetArn": "dummy", "maxReceiveCount": 1}), "does not exist"),
    ]:
        refusal = error(sqs.set_queue_attributes, QueueUrl=queue, Attributes={"RedrivePolicy": text})
        assert refusal["Code"] == "InvalidParameterValue" and why in refusal["Message"], text
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": ""})


def test_letters_go_back_to_where_they_came_from(sqs, letters):
    dead, sources = letters
    source = arn(sqs, dead)
    assert sqs.start_message_move_task(SourceArn=source)["TaskHandle"]
    assert [bodies(sqs, url) for url in sources] == [["0"], ["1"]]
    task = last_task(sqs, source)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 2)
    assert task["ApproximateNumberOfMessagesToMove"] == 2 and "TaskHandle" not in task


def test_letters_go_elsewhere_at_a_rate_until_the_task_is_cancelled(sqs, letters, queue):
    dead, _ = letters
    source, elsewhere = arn(sqs, dead), arn(sqs, queue)
    for number in range(8):
        sqs.send_message(QueueUrl=dead, MessageBody=f"m{number}")
    started = time.monotonic()
    handle = sqs.start_message_move_task(
        SourceArn=source, DestinationArn=elsewhere, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    again = error(sqs.start_message_move_task, SourceArn=source)
    assert again["Message"].startswith("There is already a task running.")
    found = []
    while len(found) < 3:
        found += bodies(sqs, queue, WaitTimeSeconds=5)
    assert time.monotonic() - started > 1.5
    assert last_task(sqs, source)["Status"] == "RUNNING"
    moved = sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    assert 3 <= moved < 10
    assert last_task(sqs, source)["Status"] == "CANCELLED"


def test_tasks_that_cannot_be_are_refused(sqs, letters, queue):
    dead, sources = letters
    assert error(sqs.start_message_move_task, SourceArn=arn(sqs, queue))["Message"] == (
        "Source queue must be configured as a Dead Letter Queue.")
    nowhere = error(sqs.start_message_move_task, SourceArn=arn(sqs, dead), DestinationArn=arn(sqs, queue) + "x")
    assert nowhere["Code"] == "ResourceNotFoundException" and "DestinationArn" in nowhere["Message"]
    assert refused(sqs.cancel_message_move_task, TaskHandle="foobared") == "InvalidParameterValue"
    sqs.delete_queue(QueueUrl=sources[0])
    sqs.start_message_move_task(SourceArn=arn(sqs, dead))
    task = last_task(sqs, arn(sqs, dead))
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
