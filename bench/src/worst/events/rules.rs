//! Rules and events.

use anyhow::Result;
use longshore_events::{Event, Input, Prepared, Request, answer_alone};
use longshore_wire_ecs::eventbridge;
use serde_json::{Value, json};

use super::{Cases, World, arn, elsewhere, of_events, realm};

/// Number of rules in an account and region, and of targets per rule.
const RULES: usize = 300;
const TARGETS: usize = 5;

/// As many wildcards as AWS accepts in one rule, on a text that matches none of them.
fn wildcards(number: usize) -> String {
    let one = |n: usize| json!({ "wildcard": format!("*needle {number} {n} in the *stack*") });
    json!({ "detail": { "text": [one(0), one(1)] } }).to_string()
}

/// The maximum number of `$or` combinations, each of which is tried in vain.
fn ways(number: usize) -> String {
    let group = |name: &str| {
        let member = |n: usize| json!({ format!("{name}{n}"): [{ "anything-but": ["x"] }] });
        (0..10).map(member).collect::<Vec<Value>>()
    };
    json!({ "detail": { "last": [number], "a": { "$or": group("a") }, "b": { "$or": group("b") }, "c": { "$or": group("c") } } })
        .to_string()
}

/// As many texts as fit.
fn texts(name: &str) -> String {
    let texts: Vec<String> = (0..580).map(|n| format!("{n:04}")).collect();
    json!({ name: texts }).to_string()
}

/// A wildcard whose complexity takes long to compute.
fn intricate() -> String {
    let one = |letter: char| {
        let half = letter.to_string().repeat(300);
        json!({ "wildcard": format!("*{half}b{half}c") })
    };
    let all = ['a', 'b', 'c'].map(one);
    json!({ "detail": { "text": all } }).to_string()
}

/// A bus whose rules all have this pattern and the maximum number of targets.
fn with_rules(pattern: impl Fn(usize) -> String, target: impl Fn(usize) -> Value) -> Result<World> {
    let mut world = World::new();
    for queue in 0..TARGETS {
        world.sqs("CreateQueue", &json!({ "QueueName": format!("q{queue}") }))?;
    }
    for number in 0..RULES {
        let name = format!("r{number}");
        world.events("PutRule", &json!({ "Name": name, "EventPattern": pattern(number) }))?;
        let targets: Vec<Value> = (0..TARGETS).map(&target).collect();
        world.events("PutTargets", &json!({ "Rule": name, "Targets": targets }))?;
    }
    Ok(world)
}

fn plain(number: usize) -> Value {
    json!({ "Id": format!("t{number}"), "Arn": arn(&format!("q{number}")) })
}

/// A target that produces as much as possible from an event.
fn template(number: usize) -> Value {
    let template = "<n>".repeat(2_000);
    let mut target = plain(number);
    target["InputTransformer"] = json!({ "InputPathsMap": { "n": "$.detail.n" }, "InputTemplate": format!("\"{template}\"") });
    target
}

/// A `PutEvents` with that many events, each with a text of that many bytes.
fn put(events: usize, bytes: usize) -> Value {
    let detail = json!({ "n": 1, "text": "needle in the ".repeat(bytes / 14) }).to_string();
    let one = json!({ "Source": "my.app", "DetailType": "t", "Detail": detail });
    json!({ "Entries": vec![one; events] })
}

/// A cluster event of maximum length.
fn of_cluster(world: &World) -> Event {
    let containers: Vec<Value> = (0..10)
        .map(|n| json!({ "name": format!("c{n}"), "reason": "needle in the ".repeat(70) }))
        .collect();
    let environment: Vec<Value> =
        (0..250).map(|n| json!({ "name": format!("n{n}"), "value": "v" })).collect();
    let detail = json!({ "n": 1, "text": "needle in the ".repeat(580), "containers": containers, "environment": environment });
    Event {
        id: "e".into(),
        source: "aws.ecs".into(),
        detail_type: "ECS Task State Change".into(),
        time: world.now,
        resources: vec!["arn:aws:ecs:us-east-1:123456789012:task/default/1".into()],
        detail: detail.to_string().into(),
    }
}

/// A prepared `PutEvents`, as the bus gets it.
fn prepared(world: &World, name: &str, body: &Value) -> Result<Request> {
    let request = eventbridge::Request::parse("PutEvents", body.to_string().as_bytes());
    let request = request.map_err(|error| anyhow::anyhow!("{error}"))?;
    let eventbridge::Request::PutEvents(ask) = request else { anyhow::bail!("it is another") };
    let rules = world.bus.rules().find(|(known, _)| **known == realm()).map(|(_, rules)| rules);
    let rules = rules.cloned().unwrap_or_default();
    let prepared = elsewhere(name, || Prepared::new(&rules, world.now, &realm(), 7, *ask));
    let prepared = prepared.map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(Request::Prepared(Box::new(prepared)))
}

fn events(cases: &mut Cases<'_>) -> Result<()> {
    for (what, world) in [
        ("300 rules with wildcards", with_rules(wildcards, plain)?),
        ("300 rules with 1,000 ways", with_rules(ways, plain)?),
        ("300 rules with 580 texts", with_rules(|_| texts("detail-type"), plain)?),
    ] {
        for (events, bytes) in [(1, 1_000_000), (10, 100_000), (10, 1_000)] {
            let name = format!("PutEvents: {events} of {bytes} bytes, {what}");
            let request = prepared(&world, &name, &put(events, bytes))?;
            world.case(cases, &name, false, request.clone())?;
            // A rule has changed since: everything is matched once more.
            let mut later = world.clone();
            later.events("DisableRule", &json!({ "Name": "r7" }))?;
            later.case(cases, &format!("{name}, changed meanwhile"), false, request)?;
        }
        cluster(cases, &world, what)?;
    }
    let all = |_: usize| json!({ "source": ["my.app", "aws.ecs"] }).to_string();
    for (what, world) in [
        ("1,500 targets", with_rules(all, plain)?),
        ("1,500 templates", with_rules(all, template)?),
    ] {
        for (events, bytes) in [(10, 100_000), (10, 1_000)] {
            let name = format!("PutEvents: {events} of {bytes} bytes for {what}");
            let request = prepared(&world, &name, &put(events, bytes))?;
            world.case(cases, &name, false, request.clone())?;
            let mut later = world.clone();
            later.events("DisableRule", &json!({ "Name": "r7" }))?;
            later.case(cases, &format!("{name}, changed meanwhile"), false, request)?;
        }
        cluster(cases, &world, what)?;
    }
    Ok(())
}

/// A cluster event, which the bus matches itself.
fn cluster(cases: &mut Cases<'_>, world: &World, what: &str) -> Result<()> {
    let mut world = world.clone();
    let event = of_cluster(&world);
    let input = Input::Published { realm: realm(), event };
    let name = format!("an event of the cluster, {what}");
    cases.sheet.measure(&name, &mut world.bus, &mut world.now, [input], |_| Ok(()))
}

/// The maximum number of tags of a rule.
fn tags() -> Vec<Value> {
    let tag = |n: usize| json!({ "Key": format!("{n:02}").repeat(64), "Value": "v".repeat(256) });
    (0..50).map(tag).collect()
}

/// Pattern tests, which do not involve the bus.
fn test(cases: &mut Cases<'_>) -> Result<()> {
    let detail = json!({ "text": "needle in the ".repeat(500_000) });
    let event = json!({ "id": "1", "detail-type": "t", "source": "s", "account": "123456789012",
        "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": [], "detail": detail });
    let ask = json!({ "EventPattern": wildcards(1), "Event": event.to_string() });
    let request = eventbridge::Request::parse("TestEventPattern", ask.to_string().as_bytes());
    let request = request.map_err(|error| anyhow::anyhow!("{error}"))?;
    cases.seen.insert(request.operation());
    let answer = elsewhere("TestEventPattern", || answer_alone(&request));
    anyhow::ensure!(matches!(answer, Some(Ok(_))), "it is answered: {answer:?}");
    Ok(())
}

pub(super) fn run(cases: &mut Cases<'_>) -> Result<()> {
    events(cases)?;
    let world = with_rules(
        |number| if number % 2 == 0 { ways(number) } else { texts("source") },
        template,
    )?;
    let put_rule = |name: &str, pattern: String| {
        of_events(
            "PutRule",
            &json!({ "Name": name, "EventPattern": pattern, "Tags": tags(), "Description": "d".repeat(512) }),
        )
    };
    world.case(cases, "PutRule: wildcards", false, put_rule("r1", wildcards(1))?)?;
    world.case(cases, "PutRule: 1,000 ways", false, put_rule("r1", ways(1))?)?;
    world.case(cases, "PutRule: 580 texts", false, put_rule("r1", texts("source"))?)?;
    world.case(
        cases,
        "PutRule: wildcards that take long to refuse",
        true,
        put_rule("r1", intricate())?,
    )?;
    world.case(cases, "PutRule: one too many", true, put_rule("more", ways(1))?)?;
    let targets: Vec<Value> = (0..100).map(template).collect();
    let targets = json!({ "Rule": "r1", "Targets": targets });
    world.case(cases, "PutTargets: 100 templates", true, of_events("PutTargets", &targets)?)?;
    let targets: Vec<Value> = (0..TARGETS).map(template).collect();
    let targets = json!({ "Rule": "r1", "Targets": targets });
    world.case(cases, "PutTargets: as many as fit", false, of_events("PutTargets", &targets)?)?;
    test(cases)?;
    let rule = "arn:aws:events:us-east-1:123456789012:rule/r1";
    let tags = tags();
    let keys: Vec<&Value> = tags.iter().map(|tag| &tag["Key"]).collect();
    let ids: Vec<String> = (0..100).map(|n| format!("t{n}")).collect();
    for (operation, body) in [
        ("RemoveTargets", json!({ "Rule": "r1", "Ids": ids })),
        ("ListRules", json!({ "Limit": 100 })),
        ("ListTargetsByRule", json!({ "Rule": "r1" })),
        ("ListRuleNamesByTarget", json!({ "TargetArn": arn("q4") })),
        ("DescribeRule", json!({ "Name": "r1" })),
        ("DisableRule", json!({ "Name": "r1" })),
        ("EnableRule", json!({ "Name": "r1" })),
        ("ListEventBuses", json!({})),
        ("DescribeEventBus", json!({})),
        ("TagResource", json!({ "ResourceARN": rule, "Tags": tags })),
        ("UntagResource", json!({ "ResourceARN": rule, "TagKeys": keys })),
        ("ListTagsForResource", json!({ "ResourceARN": rule })),
    ] {
        world.case(cases, operation, false, of_events(operation, &body)?)?;
    }
    world.case(cases, "DeleteRule", true, of_events("DeleteRule", &json!({ "Name": "r1" }))?)
}
