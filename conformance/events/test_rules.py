"""Rules that send events to queues: of the cluster, and of clients."""

import json
import threading
import time

import pytest

from harness import ecs as harness_ecs
from harness.events import arn, bodies, drop_rule, error, put_rule, receive, refused

TASK = "ECS Task State Change"


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


def test_rules_are_made_listed_and_taken_away(events):
    name = harness_ecs.unique("rule")
    made = events.put_rule(Name=name, EventPattern='{"source":["a"]}', Tags=[{"Key": "k", "Value": "v"}])
    assert made["RuleArn"].endswith(f":rule/{name}")
    assert [rule["Name"] for rule in events.list_rules(NamePrefix=name)["Rules"]] == [name]
    assert events.describe_rule(Name=name)["State"] == "ENABLED"
    events.disable_rule(Name=name)
    assert events.describe_rule(Name=name)["State"] == "DISABLED"
    assert events.list_tags_for_resource(ResourceARN=made["RuleArn"])["Tags"] == [{"Key": "k", "Value": "v"}]
    events.delete_rule(Name=name)
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_rule(Name=name)
    with pytest.raises(events.exceptions.InvalidEventPatternException):
        events.put_rule(Name=name, EventPattern='{"source":"a"}')


def test_events_of_clients(events, sqs, queue):
    name, source = harness_ecs.unique("rule"), harness_ecs.unique("my.app")
    pattern = {"source": [source], "detail": {"n": [{"numeric": [">", 1]}]}}
    put_rule(events, name, pattern, [{"Id": "q", "Arn": arn(sqs, queue), "InputPath": "$.detail"}])
    entries = [{"Source": source, "DetailType": "t", "Detail": json.dumps({"n": n})} for n in (1, 2)]
    assert events.put_events(Entries=entries)["FailedEntryCount"] == 0
    assert bodies(sqs, queue) == ['{"n":2}']
    drop_rule(events, name)


def test_events_reach_a_fifo_queue_in_the_group_of_their_target(events, sqs, fifo):
    name, source = harness_ecs.unique("rule"), harness_ecs.unique("my.app")
    target = {"Id": "q", "Arn": arn(sqs, fifo), "InputPath": "$.detail.n"}
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
    message = error(events.put_targets, Rule=name, Targets=[target])["Message"]
    assert message == "Parameter(s) SqsParameters must be specified for target: q."
    target["SqsParameters"] = {"MessageGroupId": "g"}
    assert events.put_targets(Rule=name, Targets=[target])["FailedEntryCount"] == 0
    for n in (1, 2, 1, 3):
        entry = {"Source": source, "DetailType": "t", "Detail": json.dumps({"n": n})}
        events.put_events(Entries=[entry])
    messages = receive(sqs, fifo, MaxNumberOfMessages=10, AttributeNames=["MessageGroupId"])
    assert [(one["Body"], one["Attributes"]["MessageGroupId"]) for one in messages] == [
        ("1", "g"), ("2", "g"), ("3", "g")]
    drop_rule(events, name)


def test_what_cannot_be_delivered_goes_to_the_dead_letters_of_its_target(events, sqs, make_queue):
    small, letters = make_queue(MaximumMessageSize="1024"), make_queue()
    name, source = harness_ecs.unique("rule"), harness_ecs.unique("my.app")
    target = {"Id": "q", "Arn": arn(sqs, small), "DeadLetterConfig": {"Arn": arn(sqs, letters)}}
    put_rule(events, name, {"source": [source]}, [target])
    for text in ("short", "x" * 2_000):
        entry = {"Source": source, "DetailType": "t", "Detail": json.dumps({"text": text})}
        events.put_events(Entries=[entry])
    assert len(bodies(sqs, small)) == 1
    assert json.loads(bodies(sqs, letters)[0])["detail"]["text"] == "x" * 2_000
    drop_rule(events, name)


def test_bad_targets_are_refused(events):
    name = harness_ecs.unique("rule")
    events.put_rule(Name=name, EventPattern='{"source":["a"]}')
    call = {"Rule": name, "Targets": [{"Id": "q", "Arn": "my-queue"}]}
    assert refused(events.put_targets, **call) == "ValidationException"
    events.delete_rule(Name=name)


def test_large_events_hold_nobody_up(events, sqs, queue):
    """One request of 0.9 MB, matched with many rules, and others at the same time."""
    source = harness_ecs.unique("my.app")
    names = [harness_ecs.unique("rule") for _ in range(60)]
    for number, name in enumerate(names):
        wildcards = [{"wildcard": f"*needle {number} {n} in the *stack*"} for n in range(2)]
        put_rule(events, name, {"detail": {"text": wildcards}}, [{"Id": "q", "Arn": arn(sqs, queue)}])
    detail = json.dumps({"text": "needle in the " * 64_000})
    entries = [{"Source": source, "DetailType": "t", "Detail": detail}]
    sender = threading.Thread(target=lambda: events.put_events(Entries=entries))
    sender.start()
    longest = 0
    while sender.is_alive():
        began = time.monotonic()
        sqs.get_queue_url(QueueName=queue.rsplit("/", 1)[-1])
        longest = max(longest, time.monotonic() - began)
    sender.join()
    assert longest < 1, f"somebody was held up for {longest:.2f} s"
    assert bodies(sqs, queue) == []
    for name in names:
        drop_rule(events, name)
