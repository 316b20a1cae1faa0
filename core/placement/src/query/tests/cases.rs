//! Expressions, instances and what ECS does with them, as far as documented.

use serde_json::Value;

use super::Instance;
use crate::query::Expression;
use crate::query::instant::Instant;

/// Columns: expression, instance, `true`, `false` or `error`, and the source of the row.
const CASES: &str = include_str!("../cases.tsv");

fn instance(json: &str) -> Instance {
    let facts: Value = serde_json::from_str(json).unwrap();
    let text = |key: &str| facts[key].as_str().map(str::to_owned);
    let attributes = facts["attributes"].as_object().unwrap().iter();
    let groups = facts["taskGroups"].as_array().into_iter().flatten();
    Instance {
        attributes: attributes
            .map(|(name, value)| (name.clone(), value.as_str().map(str::to_owned)))
            .collect(),
        agent_connected: facts["agentConnected"].as_bool(),
        agent_version: text("agentVersion"),
        ec2_instance_id: text("ec2InstanceId"),
        registered_at: text("registeredAt").map(|date| Instant::parse(&date).unwrap().0),
        running_tasks: facts["runningTasksCount"].as_u64().map(|count| count.try_into().unwrap()),
        groups: groups.map(|group| group.as_str().unwrap().to_owned()).collect(),
    }
}

/// What is wrong with a row, if anything.
fn wrong(row: &str) -> Option<String> {
    let [expression, json, expected, source] = row.split('\t').collect::<Vec<_>>()[..] else {
        return Some(format!("not four columns: {row}"));
    };
    let got = match Expression::parse(expression) {
        Ok(expression) => expression.matches(&instance(json)).to_string(),
        Err(_) => "error".to_owned(),
    };
    (got != expected)
        .then(|| format!("{expression}\n  of {json}\n  is {got}, not {expected}: {source}"))
}

#[test]
fn every_case_of_the_reference_is_decided_as_it_says() {
    let rows = CASES.lines().skip(1);
    assert_eq!(rows.clone().count(), 173);
    let wrong: Vec<String> = rows.filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{} rows are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
