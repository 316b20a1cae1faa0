//! Targets of rules: queues of the same account and region.

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::eventbridge::{Error, ErrorCode, shape};
use serde_json::Value;

use super::{page, rule};
use crate::machine::{Bus, Output};
use crate::record::{Rule, queue_name};
use crate::{limits, transform};

pub(crate) fn put(
    bus: &mut Bus,
    realm: &Realm,
    ask: shape::PutTargetsRequest,
    out: &mut Vec<Output>,
) -> Result<shape::FailedTargets, Error> {
    let mut changed =
        (**rule::find(bus, realm, ask.event_bus_name.as_ref(), ask.rule.as_ref())?).clone();
    let targets = ask.targets.unwrap_or_default();
    if !(1..=limits::TARGETS_PER_CALL_MAX).contains(&targets.len()) {
        return Err(Error::validation("Targets must have at least 1 and at most 100 entries."));
    }
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

/// Whether events can be sent to a target. The queue itself need not exist yet, as with AWS.
fn check(realm: &Realm, target: &shape::Target) -> Result<(), Error> {
    let id = target.id.as_deref().unwrap_or_default();
    let refuse = |what: String| Err(Error::validation(what));
    let is_queue =
        |arn: &Str| arn.len() <= limits::ARN_CHARS_MAX && queue_name(realm, arn).is_some();
    match &target.arn {
        None => return refuse(format!("Arn of target {id} must not be null.")),
        Some(arn) if !is_queue(arn) => {
            return refuse(format!(
                "Parameter {arn} is not valid. Reason: Longshore sends events to SQS queues of the same account and region only."
            ));
        }
        Some(arn) if arn.ends_with(".fifo") => {
            return refuse(format!(
                "Parameter {arn} is not valid. Reason: there are no FIFO queues."
            ));
        }
        Some(_) => {}
    }
    if let Some(config) = &target.dead_letter_config
        && !config.arn.as_ref().is_some_and(is_queue)
    {
        return refuse(format!(
            "DeadLetterConfig of target {id} must name an SQS queue of the same account and region."
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
        && (input.chars().count() > limits::INPUT_CHARS_MAX
            || serde_json::from_str::<Value>(input).is_err())
    {
        return refuse(format!("JSON syntax error in input for target {id}."));
    }
    if let Some(path) = &target.input_path
        && !transform::is_path(path)
    {
        return refuse(format!(
            "Invalid InputPath for target {id}: {path:?} is not like $.detail.name."
        ));
    }
    target
        .input_transformer
        .as_ref()
        .map_or(Ok(()), |transformer| check_transformer(id, transformer))
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
            return refuse(&format!("{name:?} must stand for a path like $.detail.name"));
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
    let mut changed: Rule = (**rule).clone();
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
    let ids = rule.targets.iter().filter_map(|target| target.id.as_ref());
    let (ids, next_token) = page::page(ids, ask.next_token.as_ref(), entries);
    let on_page = |target: &&shape::Target| target.id.as_ref().is_some_and(|id| ids.contains(id));
    let targets = rule.targets.iter().filter(on_page).cloned().collect();
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
    let rules = bus.state.realms.get(realm).into_iter().flat_map(|regional| &regional.rules);
    let with_target = rules.filter(|(_, rule)| {
        rule.record.targets.iter().any(|target| target.arn.as_ref() == Some(arn))
    });
    let (rule_names, next_token) =
        page::page(with_target.map(|(name, _)| name), ask.next_token.as_ref(), entries);
    Ok(shape::ListRuleNamesByTargetResponse { rule_names: Some(rule_names), next_token })
}
