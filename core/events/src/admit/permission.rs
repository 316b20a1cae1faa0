//! Queue permissions, which are stored and shown in the queue's policy. They are never enforced: a
//! local account has no other principals.
//!
//! Source: SQS API reference, `AddPermission`; error messages are those of SQS.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::sqs::{Error, ErrorCode, shape};
use serde_json::{Value, json};

use super::Caller;
use super::queue::{found, missing, store};
use crate::limits;
use crate::machine::{Bus, Output};
use crate::record::{self, queue_arn};

/// Actions that can be granted to others. Source: SQS API reference, `AddPermission`.
const ACTIONS: [&str; 8] = [
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
];
/// Missing from that list, although it is the most common one.
const SEND: &str = "SendMessage";

fn policy(record: &record::Queue) -> Value {
    let policy = record.settings.kept.get("Policy");
    let policy = policy.and_then(|text| serde_json::from_str(text).ok());
    policy.unwrap_or_else(|| {
        let arn = queue_arn(&record.realm, &record.name);
        let id = format!("{arn}/SQSDefaultPolicy");
        json!({"Version": "2012-10-17", "Id": id, "Statement": []})
    })
}

fn statements(policy: &mut Value) -> &mut Vec<Value> {
    let statement = &mut policy["Statement"];
    if !statement.is_array() {
        // A policy may hold a single statement without a list.
        *statement = match statement.take() {
            Value::Null => json!([]),
            one => json!([one]),
        };
    }
    statement.as_array_mut().expect("it was just made one")
}

fn checked_label(label: Option<&Str>) -> Result<&Str, Error> {
    let label = label.filter(|label| !label.is_empty()).ok_or_else(|| missing("Label"))?;
    let valid = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if label.chars().count() > limits::QUEUE_NAME_CHARS_MAX || !label.chars().all(valid) {
        return Err(Error::invalid(format!(
            "Value {label} for parameter Label is invalid. Reason: It can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."
        )));
    }
    Ok(label)
}

fn checked_actions(actions: Option<&Vec<Str>>) -> Result<&Vec<Str>, Error> {
    let actions = actions.filter(|actions| !actions.is_empty());
    let actions = actions.ok_or_else(|| missing("Actions"))?;
    if actions.len() > limits::PERMISSION_ACTIONS_MAX {
        return Err(Error::new(
            ErrorCode::OverLimit,
            format!(
                "{} Actions were found, maximum allowed is {}.",
                actions.len(),
                limits::PERMISSION_ACTIONS_MAX
            ),
        ));
    }
    let known = |action: &&Str| ***action == *SEND || ACTIONS.contains(&&***action);
    if let Some(action) = actions.iter().find(|action| !known(action)) {
        return Err(Error::invalid(format!(
            "Value SQS:{action} for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke this action."
        )));
    }
    Ok(actions)
}

/// A single element stands alone, several become a list.
fn one_or_many(mut all: Vec<String>) -> Value {
    if all.len() == 1 { all.remove(0).into() } else { all.into() }
}

fn store_policy(
    bus: &mut Bus,
    now: Timestamp,
    mut record: record::Queue,
    policy: &Value,
    out: &mut Vec<Output>,
) {
    let is_empty = policy["Statement"].as_array().is_some_and(Vec::is_empty);
    if is_empty {
        record.settings.kept.remove("Policy");
    } else {
        record.settings.kept.insert("Policy".into(), policy.to_string().into());
    }
    record.modified_at = now;
    store(bus, record, out);
}

pub(crate) fn add(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: &shape::AddPermissionRequest,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let record = found(bus, caller, ask.queue_url.as_ref())?;
    let label = checked_label(ask.label.as_ref())?;
    let actions = checked_actions(ask.actions.as_ref())?;
    let accounts = ask.aws_account_ids.as_deref().unwrap_or_default();
    let is_account =
        |account: &Str| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if accounts.is_empty() || !accounts.iter().all(is_account) {
        return Err(Error::invalid(format!(
            "Value [{}] for parameter PrincipalId is invalid. Reason: Unable to verify.",
            accounts.join(", ")
        )));
    }
    let mut policy = policy(&record);
    let statements = statements(&mut policy);
    if statements.iter().any(|statement| statement["Sid"].as_str() == Some(label)) {
        return Err(Error::invalid(format!(
            "Value {label} for parameter Label is invalid. Reason: Already exists."
        )));
    }
    if statements.len() >= limits::POLICY_STATEMENTS_MAX {
        return Err(Error::new(
            ErrorCode::OverLimit,
            format!("A policy may have {} statements.", limits::POLICY_STATEMENTS_MAX),
        ));
    }
    let partition = record.realm.partition();
    let principals =
        accounts.iter().map(|account| format!("arn:{partition}:iam::{account}:root")).collect();
    let actions = actions.iter().map(|action| format!("SQS:{action}")).collect();
    statements.push(json!({
        "Sid": &**label,
        "Effect": "Allow",
        "Principal": {"AWS": one_or_many(principals)},
        "Action": one_or_many(actions),
        "Resource": &*queue_arn(&record.realm, &record.name),
    }));
    store_policy(bus, now, (*record).clone(), &policy, out);
    Ok(())
}

pub(crate) fn remove(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: &shape::RemovePermissionRequest,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let record = found(bus, caller, ask.queue_url.as_ref())?;
    let label = checked_label(ask.label.as_ref())?;
    let mut policy = policy(&record);
    let statements = statements(&mut policy);
    let before = statements.len();
    statements.retain(|statement| statement["Sid"].as_str() != Some(label));
    if statements.len() == before {
        return Err(Error::invalid(format!(
            "Value {label} for parameter Label is invalid. Reason: can't find label on existing policy."
        )));
    }
    store_policy(bus, now, (*record).clone(), &policy, out);
    Ok(())
}
