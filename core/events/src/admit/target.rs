//! Targets of rules: queues of the same account and region.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::eventbridge::{Error, ErrorCode, shape};

use super::{page, rule};
use crate::json::Json;
use crate::machine::{Bus, Output};
use crate::record::queue_name;
use crate::rules::Rule;
use crate::{limits, record, transform};

pub(crate) fn put(
    bus: &mut Bus,
    realm: &Realm,
    ask: shape::PutTargetsRequest,
    out: &mut Vec<Output>,
) -> Result<shape::FailedTargets, Error> {
    let targets = ask.targets.unwrap_or_default();
    if !(1..=limits::TARGETS_PER_CALL_MAX).contains(&targets.len()) {
        return Err(Error::validation("Targets must have at least 1 and at most 100 entries."));
    }
    for target in &targets {
        check_arn(target)?;
    }
    let mut changed =
        (**rule::find(bus, realm, ask.event_bus_name.as_ref(), ask.rule.as_ref())?).clone();
    let mut failed = Vec::new();
    for target in targets {
        let id = rule::checked_name(target.id.as_ref(), "targets.id")?.clone();
        match check(realm, &target) {
            Ok(()) => {
                changed.targets.retain(|known| known.id.as_ref() != Some(&id));
                changed.targets.push(target);
            }
            Err(error) => failed.push(failure(&id, &error)),
        }
    }
    if changed.targets.len() > limits::TARGETS_MAX {
        return Err(Error::new(
            ErrorCode::LimitExceeded,
            "The requested resource exceeds the maximum number allowed.",
        ));
    }
    changed.targets.sort_by(|one, other| one.id.cmp(&other.id));
    rule::store(bus, changed, out)?;
    Ok(failures(failed))
}

fn failure(id: &Str, error: &Error) -> shape::FailedTarget {
    shape::FailedTarget {
        target_id: Some(id.clone()),
        error_code: Some(error.code.name().into()),
        error_message: Some(error.message.as_str().into()),
    }
}

fn failures(failed: Vec<shape::FailedTarget>) -> shape::FailedTargets {
    shape::FailedTargets {
        failed_entry_count: i32::try_from(failed.len()).ok(),
        failed_entries: Some(failed),
    }
}

/// Checks that events can be sent to a target. As with AWS, the queue need not exist yet.
fn check(realm: &Realm, target: &shape::Target) -> Result<(), Error> {
    let id = target.id.as_deref().unwrap_or_default();
    let refuse = |what: String| Err(Error::validation(what));
    let is_queue =
        |arn: &Str| arn.len() <= limits::ARN_CHARS_MAX && queue_name(realm, arn).is_some();
    match &target.arn {
        None => return refuse(format!("Arn of target {id} must not be null.")),
        Some(arn) if !is_queue(arn) => {
            return refuse(format!(
                "Parameter {arn} is not valid. Reason: Longshore only sends events to SQS queues of the same account and region."
            ));
        }
        Some(_) => {}
    }
    let is_standard = |arn: &Str| is_queue(arn) && !arn.ends_with(".fifo");
    if let Some(config) = &target.dead_letter_config
        && !config.arn.as_ref().is_some_and(is_standard)
    {
        return refuse(format!(
            "DeadLetterConfig of target {id} must name a standard SQS queue of the same account and region."
        ));
    }
    let inputs =
        [target.input.is_some(), target.input_path.is_some(), target.input_transformer.is_some()];
    if inputs.iter().filter(|given| **given).count() > 1 {
        return refuse(format!(
            "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
        ));
    }
    if let Some(input) = &target.input
        && (input.chars().count() > limits::INPUT_CHARS_MAX || Json::parse(input).is_err())
    {
        return refuse(format!("JSON syntax error in input for target {id}."));
    }
    if let Some(path) = &target.input_path
        && !transform::is_path(path)
    {
        return refuse(format!(
            "Invalid InputPath for target {id}: {path:?} is not a path such as $.detail.name."
        ));
    }
    target
        .input_transformer
        .as_ref()
        .map_or(Ok(()), |transformer| check_transformer(id, transformer))
}

/// Rejects the whole request if a target has a malformed ARN, or is a FIFO queue without a message
/// group. Source: EventBridge API reference, `SqsParameters`; error messages are those of AWS.
fn check_arn(target: &shape::Target) -> Result<(), Error> {
    let Some(arn) = &target.arn else { return Ok(()) };
    let id = target.id.as_deref().unwrap_or_default();
    if !arn.starts_with("arn:") || arn.split(':').count() < 6 {
        return Err(Error::validation(format!(
            "Parameter {arn} is not valid. Reason: Provided Arn is not in correct format."
        )));
    }
    let parameters = target.sqs_parameters.as_ref();
    match parameters.and_then(|parameters| parameters.message_group_id.as_ref()) {
        None if arn.ends_with(".fifo") => Err(Error::validation(format!(
            "Parameter(s) SqsParameters must be specified for target: {id}."
        ))),
        Some(group) if !super::message::is_fifo_id(group) => Err(Error::validation(format!(
            "MessageGroupId of target {id} must have 1 to {} letters, digits and punctuation characters.",
            limits::FIFO_ID_CHARS_MAX
        ))),
        _ => Ok(()),
    }
}

fn check_transformer(id: &str, transformer: &shape::InputTransformer) -> Result<(), Error> {
    let refuse = |what: &str| {
        Err(Error::validation(format!("Invalid InputTransformer for target {id} : {what}.")))
    };
    let Some(template) = transformer.input_template.as_ref().filter(|text| !text.is_empty()) else {
        return refuse("it has no InputTemplate");
    };
    if template.chars().count() > limits::INPUT_CHARS_MAX {
        return refuse("its InputTemplate is too long");
    }
    let paths = transformer.input_paths_map.iter().flatten();
    if paths.clone().count() > limits::INPUT_VARIABLES_MAX {
        return refuse("it has too many variables");
    }
    for (name, path) in paths {
        if name.starts_with("AWS.") || name.contains(['<', '>']) || !transform::is_path(path) {
            return refuse(&format!("{name:?} must map to a path such as $.detail.name"));
        }
    }
    Ok(())
}

pub(crate) fn remove(
    bus: &mut Bus,
    realm: &Realm,
    ask: &shape::RemoveTargetsRequest,
    out: &mut Vec<Output>,
) -> Result<shape::FailedTargets, Error> {
    let rule = rule::find(bus, realm, ask.event_bus_name.as_ref(), ask.rule.as_ref())?;
    let ids = ask.ids.as_deref().unwrap_or_default();
    if !(1..=limits::TARGETS_PER_CALL_MAX).contains(&ids.len()) {
        return Err(Error::validation("Ids must have at least 1 and at most 100 entries."));
    }
    let mut changed: record::Rule = (**rule).clone();
    let mut failed = Vec::new();
    for id in ids {
        let before = changed.targets.len();
        changed.targets.retain(|target| target.id.as_ref() != Some(id));
        if changed.targets.len() == before {
            let what = format!("Rule {} does not have a target {id}.", changed.name);
            failed.push(failure(id, &Error::new(ErrorCode::ResourceNotFound, what)));
        }
    }
    rule::store(bus, changed, out)?;
    Ok(failures(failed))
}

pub(crate) fn list(
    bus: &Bus,
    realm: &Realm,
    ask: &shape::ListTargetsByRuleRequest,
) -> Result<shape::ListTargetsByRuleResponse, Error> {
    let rule = rule::find(bus, realm, ask.event_bus_name.as_ref(), ask.rule.as_ref())?;
    let entries = rule::checked_entries(ask.limit)?;
    let all: BTreeMap<Str, &shape::Target> =
        rule.targets.iter().filter_map(|target| Some((target.id.clone()?, target))).collect();
    let (ids, next_token) = page::page(&all, "", ask.next_token.as_ref(), entries, |_| true);
    let targets = ids.iter().map(|id| all[id].clone()).collect();
    Ok(shape::ListTargetsByRuleResponse { targets: Some(targets), next_token })
}

pub(crate) fn rules_of(
    bus: &Bus,
    realm: &Realm,
    ask: &shape::ListRuleNamesByTargetRequest,
) -> Result<shape::ListRuleNamesByTargetResponse, Error> {
    rule::check_bus(realm, ask.event_bus_name.as_ref())?;
    let entries = rule::checked_entries(ask.limit)?;
    let arn = ask.target_arn.as_ref();
    let arn = arn.ok_or_else(|| Error::validation("TargetArn must not be null."))?;
    let rules = bus.state.realms.get(realm).map(|regional| regional.rules.clone());
    let has_target = |rule: &Arc<Rule>| {
        rule.record.targets.iter().any(|target| target.arn.as_ref() == Some(arn))
    };
    let rules = rules.unwrap_or_default();
    let (rule_names, next_token) =
        page::page(rules.all(), "", ask.next_token.as_ref(), entries, has_target);
    Ok(shape::ListRuleNamesByTargetResponse { rule_names: Some(rule_names), next_token })
}
