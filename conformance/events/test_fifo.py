"""FIFO queues: order within groups, and what is sent twice."""

import json
import threading
import time

import pytest

from harness import ecs as harness_ecs
from harness.events import arn, bodies, error, receive, refused


def send(sqs, queue, group, body, **more):
    return sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId=group, **more)


def attributes(sqs, queue):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]


def test_only_a_name_that_ends_in_fifo_is_that_of_a_fifo_queue(sqs):
    name = harness_ecs.unique("q")
    fifo = {"FifoQueue": "true"}
    assert refused(sqs.create_queue, QueueName=name, Attributes=fifo) == "InvalidParameterValue"
    assert refused(sqs.create_queue, QueueName=name + ".fifo") == "InvalidParameterValue"
    assert refused(sqs.create_queue, QueueName=".fifo", Attributes=fifo) == "InvalidParameterValue"
    with pytest.raises(sqs.exceptions.InvalidAttributeName):
        sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "false"})


def test_settings_are_stored_and_shown(sqs, make_queue):
    queue = make_queue(".fifo")
    shown = attributes(sqs, queue)
    assert (shown["FifoQueue"], shown["ContentBasedDeduplication"]) == ("true", "false")
    assert (shown["DeduplicationScope"], shown["FifoThroughputLimit"]) == ("queue", "perQueue")
    high = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=high)
    assert {name: attributes(sqs, queue)[name] for name in high} == high
    other = error(sqs.set_queue_attributes, QueueUrl=queue, Attributes={"FifoQueue": "false"})
    assert other["Message"].endswith("Reason: Modifying queue type is not supported.")
    with pytest.raises(sqs.exceptions.InvalidAttributeValue):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DeduplicationScope": "queue"})


def test_messages_of_a_group_come_in_order(sqs, fifo):
    for group, body in (("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a3")):
        send(sqs, fifo, group, body)
    assert bodies(sqs, fifo) == ["a1", "a2", "a3", "b1"]


def test_a_group_in_flight_waits_and_others_are_served(sqs, fifo):
    for group, body in (("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2"), ("a", "a3"), ("c", "c1")):
        send(sqs, fifo, group, body)
    taken = receive(sqs, fifo, MaxNumberOfMessages=2)
    assert [message["Body"] for message in taken] == ["a1", "a2"]
    shown = attributes(sqs, fifo)
    assert shown["ApproximateNumberOfMessages"] == "4"
    assert shown["ApproximateNumberOfMessagesNotVisible"] == "2"
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=taken[0]["ReceiptHandle"])
    assert bodies(sqs, fifo) == ["b1", "b2", "c1"]
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=taken[1]["ReceiptHandle"])
    assert bodies(sqs, fifo) == ["a3"]


def test_groups_take_turns(sqs, fifo):
    for group, body in (("1", "a"), ("2", "b"), ("2", "c"), ("3", "d"), ("1", "e")):
        send(sqs, fifo, group, body)
    assert bodies(sqs, fifo, MaxNumberOfMessages=3, VisibilityTimeout=0) == ["a", "e", "b"]
    assert bodies(sqs, fifo, VisibilityTimeout=0) == ["d", "a", "e", "b", "c"]


def test_who_waits_is_served_when_the_group_is_free(sqs, fifo):
    send(sqs, fifo, "a", "a1")
    handle = receive(sqs, fifo)[0]["ReceiptHandle"]
    send(sqs, fifo, "a", "a2")
    timer = threading.Timer(0.5, lambda: sqs.delete_message(QueueUrl=fifo, ReceiptHandle=handle))
    started = time.monotonic()
    timer.start()
    assert bodies(sqs, fifo, WaitTimeSeconds=20) == ["a2"]
    assert 0.3 < time.monotonic() - started < 10


def test_messages_that_come_back_keep_their_order_and_their_receipts_expire(sqs, make_queue):
    queue = make_queue(".fifo", ContentBasedDeduplication="true", VisibilityTimeout="1")
    for body in ("a1", "a2", "a3"):
        send(sqs, queue, "a", body)
    handle = receive(sqs, queue, MaxNumberOfMessages=10)[0]["ReceiptHandle"]
    time.sleep(1.2)
    expired = error(sqs.delete_message, QueueUrl=queue, ReceiptHandle=handle)
    assert (expired["Code"], expired["Message"]) == (
        "InvalidParameterValue",
        f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
    )
    assert bodies(sqs, queue) == ["a1", "a2", "a3"]


def test_what_is_sent_twice_is_taken_and_kept_once(sqs, fifo):
    first = send(sqs, fifo, "a", "m")
    second = send(sqs, fifo, "b", "m")
    assert (first["MessageId"], first["SequenceNumber"]) == (second["MessageId"], second["SequenceNumber"])
    taken = receive(sqs, fifo, MaxNumberOfMessages=10)
    assert len(taken) == 1
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=taken[0]["ReceiptHandle"])
    send(sqs, fifo, "a", "m")
    assert bodies(sqs, fifo) == []
    # An id of the sender counts before the content.
    send(sqs, fifo, "a", "m", MessageDeduplicationId="mine")
    send(sqs, fifo, "a", "other", MessageDeduplicationId="mine")
    assert bodies(sqs, fifo) == ["m"]
    sqs.purge_queue(QueueUrl=fifo)
    send(sqs, fifo, "a", "m")
    assert bodies(sqs, fifo) == ["m"]


def test_the_scope_of_deduplication_may_be_the_group(sqs, make_queue):
    queue = make_queue(".fifo", DeduplicationScope="messageGroup")
    for group in ("a", "b", "a"):
        send(sqs, queue, group, group, MessageDeduplicationId="same")
    assert bodies(sqs, queue) == ["a", "b"]


def test_a_message_shows_its_group_its_id_and_its_number(sqs, fifo):
    sent = [send(sqs, fifo, "g", body, MessageDeduplicationId=body) for body in ("one", "two")]
    assert int(sent[0]["SequenceNumber"]) < int(sent[1]["SequenceNumber"])
    assert len(sent[0]["SequenceNumber"]) == 20
    shown = receive(sqs, fifo, AttributeNames=["All"])[0]["Attributes"]
    assert (shown["MessageGroupId"], shown["MessageDeduplicationId"]) == ("g", "one")
    assert shown["SequenceNumber"] == sent[0]["SequenceNumber"]


def test_a_message_needs_a_group_and_an_id(sqs, make_queue, queue):
    fifo = make_queue(".fifo")
    missing = error(sqs.send_message, QueueUrl=fifo, MessageBody="m", MessageDeduplicationId="i")
    assert missing["Message"] == "The request must contain the parameter MessageGroupId."
    no_id = error(send, sqs=sqs, queue=fifo, group="g", body="m")
    assert no_id["Message"].startswith("The queue should either have ContentBasedDeduplication enabled")
    entries = [{"Id": "a", "MessageBody": "m", "MessageGroupId": "g", "MessageDeduplicationId": "i"},
               {"Id": "b", "MessageBody": "m", "MessageGroupId": "g"}]
    assert refused(sqs.send_message_batch, QueueUrl=fifo, Entries=entries) == "InvalidParameterValue"
    assert bodies(sqs, fifo) == []
    for bad in ({"MessageDeduplicationId": "a b"}, {"MessageDeduplicationId": "i", "DelaySeconds": 2}):
        assert refused(send, sqs=sqs, queue=fifo, group="g", body="m", **bad) == "InvalidParameterValue"
    of_standard = error(sqs.send_message, QueueUrl=queue, MessageBody="m", MessageDeduplicationId="i")
    assert of_standard["Message"].endswith("parameter that is not valid for this queue type.")


def test_a_batch_keeps_its_order(sqs, fifo):
    entries = [{"Id": str(n), "MessageBody": str(n % 7), "MessageGroupId": "g"} for n in range(10)]
    sent = sqs.send_message_batch(QueueUrl=fifo, Entries=entries)["Successful"]
    numbers = [int(one["SequenceNumber"]) for one in sent]
    assert numbers[:7] == sorted(set(numbers)) and numbers[7:] == numbers[:3]
    assert bodies(sqs, fifo) == [str(n) for n in range(7)]


def test_an_attempt_that_is_made_again_is_given_the_same(sqs, fifo):
    for body in ("1", "2", "3"):
        send(sqs, fifo, "g", body)
    attempt = {"MaxNumberOfMessages": 2, "ReceiveRequestAttemptId": harness_ecs.unique("attempt")}
    first = receive(sqs, fifo, **attempt)
    assert [(one["Body"], one["ReceiptHandle"]) for one in receive(sqs, fifo, **attempt)] == [
        (one["Body"], one["ReceiptHandle"]) for one in first]
    assert bodies(sqs, fifo) == []


def test_a_delay_of_the_queue_delays_all(sqs, make_queue):
    queue = make_queue(".fifo", ContentBasedDeduplication="true", DelaySeconds="1")
    send(sqs, queue, "g", "1", DelaySeconds=0)
    send(sqs, queue, "g", "2")
    assert bodies(sqs, queue) == []
    time.sleep(1.2)
    assert bodies(sqs, queue) == ["1", "2"]


def test_dead_letters_go_to_a_fifo_queue_and_free_their_group(sqs, make_queue, queue):
    dead = make_queue(".fifo", ContentBasedDeduplication="true")

    def policy(url):
        return json.dumps({"deadLetterTargetArn": arn(sqs, url), "maxReceiveCount": 1})

    source = make_queue(".fifo", ContentBasedDeduplication="true", RedrivePolicy=policy(dead))
    other = error(sqs.set_queue_attributes, QueueUrl=source, Attributes={"RedrivePolicy": policy(queue)})
    assert other["Message"].endswith("Dead-letter queue must be same type of queue as the source.")
    send(sqs, source, "g", "poison")
    send(sqs, source, "g", "fine")
    assert bodies(sqs, source, MaxNumberOfMessages=1, VisibilityTimeout=0) == ["poison"]
    assert bodies(sqs, source) == ["fine"]
    letter = receive(sqs, dead, AttributeNames=["All"])[0]
    assert (letter["Body"], letter["Attributes"]["DeadLetterQueueSourceArn"]) == ("poison", arn(sqs, source))
