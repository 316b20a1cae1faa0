//! Rules, targets and events.

use serde_json::json;

use super::*;

const TASK: &str = "ECS Task State Change";

#[test]
fn an_event_that_a_rule_wants_arrives_whole() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.rule("r", &json!({ "source": ["aws.ecs"], "detail-type": [TASK] }), "q");
    let call =
        world.start("ReceiveMessage", json!({ "QueueUrl": url("q"), "WaitTimeSeconds": 20 }));
    world.publish("ECS Service Action", &json!({}));
    assert!(world.reply(call).is_none());
    world.publish(TASK, &json!({ "lastStatus": "RUNNING", "version": 3 }));
    let answer = sqs_value(world.reply(call).expect("it is answered")).expect("it is no error");
    let event: Value = serde_json::from_str(&bodies(&answer)[0].0).expect("it is JSON");
    assert_eq!(event["detail-type"], TASK);
    assert_eq!(event["detail"]["version"], 3);
    assert_eq!(event["account"], "123456789012");
}

#[test]
fn a_rule_that_looks_into_the_detail_decides_by_it() {
    let mut world = World::new();
    world.queue("q", json!({}));
    let pattern = json!({ "source": ["aws.ecs"], "detail": { "lastStatus": ["STOPPED"] } });
    world.rule("r", &pattern, "q");
    for status in ["RUNNING", "STOPPED", "PENDING"] {
        world.publish(TASK, &json!({ "lastStatus": status }));
    }
    assert_eq!(world.receive("q").len(), 1);
}

#[test]
fn whether_anybody_wants_an_event_is_known_before_it_is_built() {
    let mut world = World::new();
    let wants = |world: &World, kind: &str| world.bus.wants(&realm(), "aws.ecs", kind);
    assert!(!wants(&world, TASK));
    world.rule("r", &json!({ "source": ["aws.ecs"], "detail-type": [TASK] }), "q");
    assert!(wants(&world, TASK));
    assert!(!wants(&world, "ECS Service Action"));
    assert!(!world.bus.wants(&realm(), "my.app", TASK));
    assert!(!world.bus.wants(&Realm::new("eu-west-1", "123456789012"), "aws.ecs", TASK));
    world.events("DisableRule", json!({ "Name": "r" }));
    assert!(!wants(&world, TASK));
    world.events("EnableRule", json!({ "Name": "r" }));
    assert!(wants(&world, TASK));
    world.events("RemoveTargets", json!({ "Rule": "r", "Ids": ["queue"] }));
    assert!(!wants(&world, TASK));
}

#[test]
fn a_target_may_get_a_part_a_constant_or_a_template() {
    let mut world = World::new();
    let mut targets = Vec::new();
    for (id, mut target) in [
        ("part", json!({ "InputPath": "$.detail.n" })),
        ("constant", json!({ "Input": "{\"x\":1}" })),
        (
            "template",
            json!({ "InputTransformer": { "InputPathsMap": { "n": "$.detail.n" },
                "InputTemplate": "\"n is <n> of <aws.events.rule-name>\"" } }),
        ),
    ] {
        world.queue(id, json!({}));
        target["Id"] = json!(id);
        target["Arn"] = json!(arn(id));
        targets.push(target);
    }
    let pattern = json!({ "source": [{ "prefix": "aws." }] }).to_string();
    world.events("PutRule", json!({ "Name": "r", "EventPattern": pattern }));
    world.events("PutTargets", json!({ "Rule": "r", "Targets": targets }));
    world.publish(TASK, &json!({ "n": 5 }));
    let expected = [("part", "5"), ("constant", "{\"x\":1}"), ("template", "\"n is 5 of r\"")];
    for (queue, body) in expected {
        assert_eq!(world.receive(queue)[0].0, body);
    }
}

#[test]
fn a_target_that_cannot_be_served_fails_alone() {
    let mut world = World::new();
    world.events("PutRule", json!({ "Name": "r", "EventPattern": "{\"source\":[\"a\"]}" }));
    let targets = json!([
        { "Id": "good", "Arn": arn("q") },
        { "Id": "lambda", "Arn": "arn:aws:lambda:us-east-1:123456789012:function:f" },
        { "Id": "abroad", "Arn": "arn:aws:sqs:eu-west-1:123456789012:q" },
        { "Id": "both", "Arn": arn("q"), "Input": "1", "InputPath": "$.detail" },
        { "Id": "path", "Arn": arn("q"), "InputPath": "detail" },
        { "Id": "input", "Arn": arn("q"), "Input": "{" },
        { "Id": "letters", "Arn": arn("q"), "DeadLetterConfig": { "Arn": "x" } },
    ]);
    let answer = world.events("PutTargets", json!({ "Rule": "r", "Targets": targets }));
    assert_eq!(answer["FailedEntryCount"], 6, "{answer}");
    let kept = world.events("ListTargetsByRule", json!({ "Rule": "r" }));
    assert_eq!(kept["Targets"], json!([{ "Id": "good", "Arn": arn("q") }]));
    let names = world.events("ListRuleNamesByTarget", json!({ "TargetArn": arn("q") }));
    assert_eq!(names["RuleNames"], json!(["r"]));
    let many: Vec<Value> =
        (0..5).map(|n| json!({ "Id": format!("t{n}"), "Arn": arn("q") })).collect();
    let over = world.try_events("PutTargets", json!({ "Rule": "r", "Targets": many }));
    assert_eq!(over, Err("LimitExceededException"));
}

#[test]
fn an_event_whose_queue_is_gone_goes_to_the_dead_letters_or_is_counted() {
    let mut world = World::new();
    world.queue("letters", json!({}));
    world.rule("lost", &json!({ "source": ["aws.ecs"] }), "gone");
    world.publish(TASK, &json!({}));
    assert_eq!(world.bus.state().undelivered(), 1);
    let letters = json!({ "Arn": arn("letters") });
    let target = json!({ "Id": "queue", "Arn": arn("gone"), "DeadLetterConfig": letters });
    world.events("PutTargets", json!({ "Rule": "lost", "Targets": [target] }));
    world.publish(TASK, &json!({}));
    assert_eq!(world.bus.state().undelivered(), 1);
    assert_eq!(world.receive("letters").len(), 1);
}

#[test]
fn rules_are_described_listed_replaced_and_deleted() {
    let mut world = World::new();
    let pattern = "{\"source\":[\"a\"]}";
    for name in ["one", "two", "other"] {
        let tags = json!([{ "Key": "k", "Value": "v" }]);
        let ask =
            json!({ "Name": name, "EventPattern": pattern, "Description": "d", "Tags": tags });
        let rule_arn = world.events("PutRule", ask)["RuleArn"].clone();
        assert_eq!(rule_arn, format!("arn:aws:events:us-east-1:123456789012:rule/{name}"));
        let shown = world.events("ListTagsForResource", json!({ "ResourceARN": rule_arn }));
        assert_eq!(shown["Tags"], tags);
    }
    let page = world.events("ListRules", json!({ "NamePrefix": "o", "Limit": 1 }));
    assert_eq!(page["Rules"][0]["Name"], "one");
    let next = json!({ "NamePrefix": "o", "Limit": 1, "NextToken": page["NextToken"] });
    assert_eq!(world.events("ListRules", next)["Rules"][0]["Name"], "other");
    world.events("PutRule", json!({ "Name": "one", "EventPattern": pattern }));
    let one = json!({ "Name": "one", "EventBusName": "default" });
    assert_eq!(world.events("DescribeRule", one.clone()).get("Description"), None);
    let target = json!({ "Id": "t", "Arn": arn("q") });
    world.events("PutTargets", json!({ "Rule": "one", "Targets": [target] }));
    assert_eq!(world.try_events("DeleteRule", one.clone()), Err("ValidationException"));
    world.events("RemoveTargets", json!({ "Rule": "one", "Ids": ["t"] }));
    world.events("DeleteRule", one.clone());
    world.events("DeleteRule", one.clone());
    assert_eq!(world.try_events("DescribeRule", one), Err("ResourceNotFoundException"));
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let mut world = World::new();
    let good = "{\"source\":[\"a\"]}";
    let with = |name: &str, value: &str| json!({ "Name": "r", "EventPattern": good, name: value });
    for (ask, code) in [
        (json!({ "Name": "r" }), "ValidationException"),
        (with("ScheduleExpression", "rate(1 minute)"), "ValidationException"),
        (with("EventPattern", "{"), "InvalidEventPatternException"),
        (with("Name", "no blanks"), "ValidationException"),
        (json!({ "EventPattern": good }), "ValidationException"),
        (with("State", "OFF"), "ValidationException"),
        (with("EventBusName", "mine"), "ResourceNotFoundException"),
    ] {
        assert_eq!(world.try_events("PutRule", ask.clone()), Err(code), "{ask}");
    }
    for n in 0..300 {
        world.events("PutRule", with("Name", &format!("r{n}")));
    }
    let more = world.try_events("PutRule", with("Name", "more"));
    assert_eq!(more, Err("LimitExceededException"));
}

#[test]
fn clients_put_events_of_their_own() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.rule("r", &json!({ "source": ["my.app"] }), "q");
    let entry = |source: &str, detail: &str| json!({ "Source": source, "DetailType": "t", "Detail": detail });
    let entries = json!([entry("my.app", "{}"), entry("my.app", "["), entry("aws.ecs", "{}"), {}]);
    let answer = world.events("PutEvents", json!({ "Entries": entries }));
    assert_eq!(answer["FailedEntryCount"], 3);
    assert!(answer["Entries"][0]["EventId"].is_string());
    for (n, code) in
        [(1, "MalformedDetail"), (2, "NotAuthorizedForSourceException"), (3, "InvalidArgument")]
    {
        assert_eq!(answer["Entries"][n]["ErrorCode"], code);
    }
    assert_eq!(world.receive("q").len(), 1);
    let mut elsewhere = entry("my.app", "{}");
    elsewhere["EventBusName"] = json!("mine");
    let refused = world.try_events("PutEvents", json!({ "Entries": [elsewhere] }));
    assert_eq!(refused, Err("ResourceNotFoundException"));
}

#[test]
fn a_pattern_can_be_tried_and_the_default_bus_described() {
    let mut world = World::new();
    let event = json!({ "id": "1", "account": "1", "source": "a", "time": "t", "region": "r",
        "resources": [], "detail-type": "d" });
    let ask = |pattern: &str| json!({ "EventPattern": pattern, "Event": event.to_string() });
    assert_eq!(world.events("TestEventPattern", ask("{\"source\":[\"a\"]}"))["Result"], true);
    assert_eq!(world.events("TestEventPattern", ask("{\"source\":[\"b\"]}"))["Result"], false);
    let bad = world.try_events("TestEventPattern", ask("{\"source\":\"b\"}"));
    assert_eq!(bad, Err("InvalidEventPatternException"));
    assert_eq!(world.events("DescribeEventBus", json!({}))["Name"], "default");
    assert_eq!(world.events("ListEventBuses", json!({}))["EventBuses"][0]["Name"], "default");
}
