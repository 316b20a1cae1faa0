//! Queue permissions.

use serde_json::json;

use super::*;

fn ask(label: &str, accounts: &[&str], actions: &[&str]) -> Value {
    json!({ "QueueUrl": url("q"), "Label": label, "AWSAccountIds": accounts, "Actions": actions })
}

#[test]
fn a_permission_stands_in_the_policy_until_it_is_removed() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.sqs("AddPermission", ask("one", &["111111111111"], &["*"]));
    world.sqs("AddPermission", ask("two", &["111111111111", "222222222222"], &["SendMessage"]));
    let policy: Value = serde_json::from_str(&world.attribute("q", "Policy")).expect("it is JSON");
    assert_eq!(policy["Id"], format!("{}/SQSDefaultPolicy", arn("q")));
    assert_eq!(policy["Statement"][0]["Action"], "SQS:*");
    let principals = &policy["Statement"][1]["Principal"]["AWS"];
    assert_eq!(principals[1], "arn:aws:iam::222222222222:root");
    let remove = |label: &str| json!({ "QueueUrl": url("q"), "Label": label });
    world.sqs("RemovePermission", remove("one"));
    world.sqs("RemovePermission", remove("two"));
    assert_eq!(world.attribute("q", "Policy"), "");
    assert_eq!(world.try_sqs("RemovePermission", remove("two")), Err("InvalidParameterValue"));
}

#[test]
fn permissions_that_cannot_be_are_refused() {
    let mut world = World::new();
    world.queue("q", json!({}));
    let account = &["111111111111"][..];
    world.sqs("AddPermission", ask("one", account, &["ReceiveMessage"]));
    let many = &["SendMessage"; 8][..];
    for (ask, code) in [
        (ask("one", account, &["SendMessage"]), "InvalidParameterValue"),
        (ask("", account, &["SendMessage"]), "MissingParameter"),
        (ask("no blanks", account, &["SendMessage"]), "InvalidParameterValue"),
        (ask("two", account, &[]), "MissingParameter"),
        (ask("two", &[], &["SendMessage"]), "InvalidParameterValue"),
        (ask("two", &["12"], &["SendMessage"]), "InvalidParameterValue"),
        (ask("two", account, &["RemovePermission"]), "InvalidParameterValue"),
        (ask("two", account, many), "OverLimit"),
    ] {
        assert_eq!(world.try_sqs("AddPermission", ask.clone()), Err(code), "{ask}");
    }
}
