//! Rules and the default event bus.

use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::eventbridge::{Error, ErrorCode, shape};

use super::{page, tag};
use crate::json::Json;
use crate::machine::{Bus, Change, Key, Output};
use crate::pattern::{Pattern, Work};
use crate::rules::{Rule, Rules};
use crate::{limits, record};

pub(crate) fn bus_arn(realm: &Realm) -> Str {
    let (partition, region, account) = (realm.partition(), &realm.region, &realm.account);
    format!("arn:{partition}:events:{region}:{account}:event-bus/default").into()
}

/// Rejects every event bus but the default one, which may be named or omitted.
pub(crate) fn check_bus(realm: &Realm, name: Option<&Str>) -> Result<(), Error> {
    match name {
        Some(name) if &**name != "default" && *name != bus_arn(realm) => Err(Error::new(
            ErrorCode::ResourceNotFound,
            format!("Event bus {name} does not exist. Longshore only has the bus default."),
        )),
        _ => Ok(()),
    }
}

/// Checks the name of a rule or target: letters, digits, `.`, `-` and `_`.
pub(crate) fn checked_name<'a>(name: Option<&'a Str>, member: &str) -> Result<&'a Str, Error> {
    let name = name.ok_or_else(|| Error::validation(format!("{member} must not be null.")))?;
    let valid = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
    let length = 1..=limits::RULE_NAME_CHARS_MAX;
    if !length.contains(&name.chars().count()) || !name.chars().all(valid) {
        return Err(Error::validation(format!(
            "Value {name:?} at {member} must have 1 to {} letters, digits, '.', '-' or '_'.",
            limits::RULE_NAME_CHARS_MAX
        )));
    }
    Ok(name)
}

/// Looks up a rule by name.
pub(crate) fn find<'a>(
    bus: &'a Bus,
    realm: &Realm,
    bus_name: Option<&Str>,
    name: Option<&Str>,
) -> Result<&'a Arc<record::Rule>, Error> {
    check_bus(realm, bus_name)?;
    let name = checked_name(name, "name")?;
    let found = bus.state.realms.get(realm).and_then(|regional| regional.rules.all().get(name));
    found.map(|rule| &rule.record).ok_or_else(|| missing(name))
}

pub(crate) fn missing(name: &str) -> Error {
    Error::new(
        ErrorCode::ResourceNotFound,
        format!("Rule {name} does not exist on EventBus default."),
    )
}

/// Stores a rule and updates the index.
pub(crate) fn store(
    bus: &mut Bus,
    record: record::Rule,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let record = Arc::new(record);
    let rules = bus.state.realms.get(&record.realm).map(|regional| regional.rules.clone());
    let rules = rules.unwrap_or_default();
    let rule = match rules.all().get(&record.name) {
        Some(known) if known.record.pattern == record.pattern => known.with(record.clone()),
        _ => Rule::new(record.clone()).map_err(|why| bad_pattern(&why))?,
    };
    let version = next_version(bus);
    set_rules(bus, &record.realm, rules.and(version, rule), out);
    out.push(Output::Change(Change::Rule(record)));
    Ok(())
}

fn next_version(bus: &mut Bus) -> u64 {
    bus.state.rules_version += 1;
    bus.state.rules_version
}

fn set_rules(bus: &mut Bus, realm: &Realm, rules: Rules, out: &mut Vec<Output>) {
    let rules = Arc::new(rules);
    bus.state.realm(realm).rules = rules.clone();
    out.push(Output::Rules(realm.clone(), rules));
}

fn bad_pattern(why: &str) -> Error {
    Error::new(ErrorCode::InvalidEventPattern, format!("Event pattern is not valid. Reason: {why}"))
}

pub(crate) fn put(
    bus: &mut Bus,
    realm: &Realm,
    ask: shape::PutRuleRequest,
    out: &mut Vec<Output>,
) -> Result<shape::PutRuleResponse, Error> {
    check_bus(realm, ask.event_bus_name.as_ref())?;
    let name = checked_name(ask.name.as_ref(), "name")?.clone();
    if ask.schedule_expression.as_ref().is_some_and(|schedule| !schedule.is_empty()) {
        return Err(Error::validation(
            "Parameter ScheduleExpression is not supported: Longshore supports event patterns only.",
        ));
    }
    let pattern = ask.event_pattern.filter(|pattern| !pattern.is_empty()).ok_or_else(|| {
        Error::validation("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    })?;
    let state = ask.state.unwrap_or_else(|| "ENABLED".into());
    if !matches!(&*state, "ENABLED" | "DISABLED" | "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
    {
        return Err(Error::validation(format!(
            "Value {state:?} at state must be ENABLED or DISABLED."
        )));
    }
    let long =
        |text: &Option<Str>, max| text.as_ref().is_some_and(|text| text.chars().count() > max);
    if long(&ask.description, limits::DESCRIPTION_CHARS_MAX)
        || long(&ask.role_arn, limits::ARN_CHARS_MAX)
    {
        return Err(Error::validation("Description or RoleArn is too long."));
    }
    let rules = bus.state.realms.get(realm).map(|regional| &regional.rules);
    let before = rules.and_then(|rules| rules.all().get(&name)).map(|rule| rule.record.clone());
    if before.is_none() && rules.is_some_and(|rules| rules.all().len() >= limits::RULES_MAX) {
        return Err(Error::new(
            ErrorCode::LimitExceeded,
            "The requested resource exceeds the maximum number allowed.",
        ));
    }
    // Tags apply only to a new rule. Source: EventBridge API reference, `PutRule`.
    let tags = match &before {
        Some(before) => before.tags.clone(),
        None => tag::merged(&record::Tags::new(), ask.tags.as_deref().unwrap_or_default())?,
    };
    let rule = record::Rule {
        realm: realm.clone(),
        name,
        pattern,
        state,
        description: ask.description,
        role_arn: ask.role_arn,
        tags,
        targets: before.map_or_else(Vec::new, |before| before.targets.clone()),
    };
    let arn = rule.arn();
    store(bus, rule, out)?;
    Ok(shape::PutRuleResponse { rule_arn: Some(arn) })
}

fn show(rule: &record::Rule) -> shape::Rule {
    shape::Rule {
        name: Some(rule.name.clone()),
        arn: Some(rule.arn()),
        event_pattern: Some(rule.pattern.clone()),
        state: Some(rule.state.clone()),
        description: rule.description.clone(),
        role_arn: rule.role_arn.clone(),
        event_bus_name: Some("default".into()),
        created_by: None,
    }
}

pub(crate) fn describe(
    bus: &Bus,
    realm: &Realm,
    ask: &shape::RuleRequest,
) -> Result<shape::Rule, Error> {
    let rule = find(bus, realm, ask.event_bus_name.as_ref(), ask.name.as_ref())?;
    Ok(shape::Rule { created_by: Some(realm.account.clone()), ..show(rule) })
}

pub(crate) fn checked_entries(limit: Option<i32>) -> Result<usize, Error> {
    let max = limits::RULE_PAGE_ENTRIES_MAX;
    page::entries(limit, max)
        .ok_or_else(|| Error::validation(format!("Value at limit must be from 1 to {max}.")))
}

pub(crate) fn list(
    bus: &Bus,
    realm: &Realm,
    ask: &shape::ListRulesRequest,
) -> Result<shape::ListRulesResponse, Error> {
    check_bus(realm, ask.event_bus_name.as_ref())?;
    let entries = checked_entries(ask.limit)?;
    let prefix = ask.name_prefix.as_deref().unwrap_or_default();
    let Some(regional) = bus.state.realms.get(realm) else {
        return Ok(shape::ListRulesResponse { rules: Some(Vec::new()), next_token: None });
    };
    let rules = regional.rules.all();
    let (names, next_token) = page::page(rules, prefix, ask.next_token.as_ref(), entries, |_| true);
    let rules = names.iter().map(|name| show(&rules[name].record)).collect();
    Ok(shape::ListRulesResponse { rules: Some(rules), next_token })
}

pub(crate) fn delete(
    bus: &mut Bus,
    realm: &Realm,
    ask: &shape::RuleRequest,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    // Deleting a rule that does not exist succeeds.
    let name = match find(bus, realm, ask.event_bus_name.as_ref(), ask.name.as_ref()) {
        Ok(rule) if !rule.targets.is_empty() => {
            return Err(Error::validation("Rule can't be deleted since it has targets."));
        }
        Ok(rule) => rule.name.clone(),
        Err(_) if is_gone(bus, realm, ask) => return Ok(()),
        Err(error) => return Err(error),
    };
    let version = next_version(bus);
    if let Some(regional) = bus.state.realms.get(realm) {
        let rules = regional.rules.without(version, &name);
        set_rules(bus, realm, rules, out);
    }
    out.push(Output::Change(Change::Forget(Key::Rule(realm.clone(), name))));
    Ok(())
}

pub(crate) fn set_state(
    bus: &mut Bus,
    realm: &Realm,
    ask: &shape::RuleRequest,
    state: &str,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let rule = find(bus, realm, ask.event_bus_name.as_ref(), ask.name.as_ref())?;
    let changed = record::Rule { state: state.into(), ..(**rule).clone() };
    store(bus, changed, out)
}

pub(crate) fn describe_bus(realm: &Realm, name: Option<&Str>) -> Result<shape::EventBus, Error> {
    check_bus(realm, name)?;
    Ok(shape::EventBus { name: Some("default".into()), arn: Some(bus_arn(realm)) })
}

pub(crate) fn list_buses(
    realm: &Realm,
    ask: &shape::ListEventBusesRequest,
) -> Result<shape::ListEventBusesResponse, Error> {
    checked_entries(ask.limit)?;
    let prefix = ask.name_prefix.as_deref().unwrap_or_default();
    let buses = if "default".starts_with(prefix) && ask.next_token.is_none() {
        vec![describe_bus(realm, None)?]
    } else {
        Vec::new()
    };
    Ok(shape::ListEventBusesResponse { event_buses: Some(buses), next_token: None })
}

/// Fields that a test event must have. Source: EventBridge API reference, `TestEventPattern`; AWS
/// lists `resources` too but does not require it.
const EVENT_FIELDS: [&str; 6] = ["id", "account", "source", "time", "region", "detail-type"];

pub(crate) fn test_pattern(
    ask: &shape::TestEventPatternRequest,
) -> Result<shape::TestEventPatternResponse, Error> {
    let pattern = ask.event_pattern.as_deref().unwrap_or_default();
    let pattern = Pattern::parse(pattern).map_err(|why| bad_pattern(&why))?;
    let bad_event =
        |why: &str| Error::validation(format!("Parameter Event is not valid. Reason: {why}."));
    let event = Json::parse(ask.event.as_deref().unwrap_or_default())
        .map_err(|error| bad_event(&error.to_string()))?;
    if !matches!(event, Json::Object(_)) {
        return Err(bad_event("it is not a JSON object"));
    }
    if let Some(field) = EVENT_FIELDS.iter().find(|field| event.get(field).is_none()) {
        return Err(bad_event(&format!("it has no {field:?}")));
    }
    let result = pattern.matches(&event.canonical(), &mut Work::unbounded());
    Ok(shape::TestEventPatternResponse { result: Some(result) })
}

/// Whether the request names a valid rule that does not exist.
fn is_gone(bus: &Bus, realm: &Realm, ask: &shape::RuleRequest) -> bool {
    let name = checked_name(ask.name.as_ref(), "name");
    let rules = bus.state.realms.get(realm).map(|regional| regional.rules.all());
    check_bus(realm, ask.event_bus_name.as_ref()).is_ok()
        && name.is_ok_and(|name| rules.is_none_or(|rules| !rules.contains_key(name)))
}
