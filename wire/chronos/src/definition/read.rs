//! From JSON to a job.

use serde_json::Value;

use super::{
    Amount, Constraint, Container, Counters, Defaults, Definition, Fetch, Operator, Posted,
    Trigger, Variable, is_name,
};
use crate::fields::{Fields, as_text, shown};
use crate::limits::{
    COMMAND_BYTES_MAX, CPUS_MAX, LIST_MAX, MIB_MAX, NAME_BYTES_MAX, PARENTS_MAX, RETRIES_MAX,
    TEXT_BYTES_MAX,
};
use crate::malformed::quoted;
use crate::{Malformed, Schedule, epsilon, instant};

impl Posted {
    /// Reads a job.
    ///
    /// # Errors
    /// The member that is wrong, and what would be right.
    pub fn parse(body: &[u8], defaults: &Defaults) -> Result<Self, Malformed> {
        let value = serde_json::from_slice(body)
            .map_err(|why| Malformed::new("", format!("the body is not JSON: {why}")))?;
        Self::read(value, defaults)
    }

    /// Reads a job that is JSON already.
    ///
    /// # Errors
    /// The member that is wrong, and what would be right.
    pub fn read(value: Value, defaults: &Defaults) -> Result<Self, Malformed> {
        let mut fields = Fields::of("", value)?;
        let counters = read_counters(&mut fields)?;
        refuse_what_is_not(&mut fields)?;
        let name = fields.text("name", usize::MAX)?;
        if !is_name(&name) {
            let wanted = format!(
                "a name has 1 to {NAME_BYTES_MAX} letters, digits, '_', '-' and '.' ([\\w.-]+), not {}",
                quoted(&name)
            );
            return Err(fields.wrong("name", wanted));
        }
        let trigger = read_trigger(&mut fields, &name)?;
        let retries = fields.number("retries", 2, u64::from(RETRIES_MAX))?;
        let definition = Definition {
            name,
            command: fields.text("command", COMMAND_BYTES_MAX)?,
            shell: fields.flag("shell", true)?,
            arguments: fields.texts("arguments", LIST_MAX, COMMAND_BYTES_MAX)?,
            trigger,
            retries: u32::try_from(retries).unwrap_or(RETRIES_MAX),
            epsilon_ms: read_epsilon(&mut fields, defaults)?,
            cpus: read_amount(&mut fields, "cpus", defaults.cpus, CPUS_MAX)?,
            mem: read_amount(&mut fields, "mem", defaults.mem, MIB_MAX)?,
            disk: read_amount(&mut fields, "disk", defaults.disk, MIB_MAX)?,
            disabled: fields.flag("disabled", false)?,
            concurrent: fields.flag("concurrent", false)?,
            soft_error: fields.flag("softError", false)?,
            high_priority: fields.flag("highPriority", false)?,
            data_processing: fields.flag("dataProcessingJobType", false)?,
            owner: fields.text("owner", TEXT_BYTES_MAX)?,
            owner_name: fields.text("ownerName", TEXT_BYTES_MAX)?,
            description: fields.text("description", TEXT_BYTES_MAX)?,
            run_as_user: fields.text("runAsUser", TEXT_BYTES_MAX)?,
            fetch: read_fetch(&mut fields)?,
            environment: read_environment(&mut fields)?,
            container: fields
                .take("container")
                .map(|value| Container::read("container", value))
                .transpose()?,
            constraints: read_constraints(&mut fields)?,
        };
        fields.end()?;
        Ok(Self { definition, counters })
    }
}

/// What Chronos has and ECS has not.
fn refuse_what_is_not(fields: &mut Fields) -> Result<(), Malformed> {
    if fields.flag("async", false)? {
        let wanted = "asynchronous jobs are not supported: a job ends when its task ends; leave it out or false";
        return Err(fields.wrong("async", wanted));
    }
    for name in ["executor", "executorFlags"] {
        if !fields.text(name, TEXT_BYTES_MAX)?.is_empty() {
            let wanted = "executors are not possible on Amazon ECS: leave it out, or empty";
            return Err(fields.wrong(name, wanted));
        }
    }
    if !fields.text("taskInfoData", COMMAND_BYTES_MAX)?.is_empty() {
        let wanted = "only an executor would read it, and executors are not possible on Amazon ECS";
        return Err(fields.wrong("taskInfoData", wanted));
    }
    Ok(())
}

fn read_counters(fields: &mut Fields) -> Result<Counters, Malformed> {
    let moment = |fields: &mut Fields, name: &str| {
        let text = fields.text(name, TEXT_BYTES_MAX)?;
        if text.is_empty() {
            return Ok(None);
        }
        instant(&text).map(Some).map_err(|why| fields.wrong(name, why))
    };
    Ok(Counters {
        successes: fields.number("successCount", 0, u64::from(u32::MAX))?,
        errors: fields.number("errorCount", 0, u64::from(u32::MAX))?,
        errors_since_success: fields.number("errorsSinceLastSuccess", 0, u64::from(u32::MAX))?,
        last_success_ms: moment(fields, "lastSuccess")?,
        last_error_ms: moment(fields, "lastError")?,
    })
}

fn read_trigger(fields: &mut Fields, name: &str) -> Result<Trigger, Malformed> {
    let parents = fields.texts("parents", PARENTS_MAX, PARENTS_MAX * NAME_BYTES_MAX)?;
    let schedule = fields.text("schedule", TEXT_BYTES_MAX)?;
    let time_zone = fields.text("scheduleTimeZone", TEXT_BYTES_MAX)?;
    match (schedule.is_empty(), parents.is_empty()) {
        (true, true) => Err(fields.wrong("schedule", "a job has a schedule, or parents")),
        (false, false) => {
            Err(fields.wrong("parents", "a job has a schedule or parents, not both: leave one out"))
        }
        (false, true) => {
            let schedule =
                Schedule::parse(&schedule).map_err(|why| fields.wrong("schedule", why))?;
            Ok(Trigger::Schedule { schedule, time_zone })
        }
        (true, false) if !time_zone.is_empty() => {
            Err(fields.wrong("scheduleTimeZone", "a job with parents has no time zone"))
        }
        (true, false) => {
            for (index, parent) in parents.iter().enumerate() {
                let wrong = |why: &str| Err(fields.wrong(&format!("parents[{index}]"), why));
                if !is_name(parent) {
                    return wrong("the name of a job is needed");
                }
                if parent == name {
                    return wrong("a job cannot be its own parent");
                }
            }
            let mut parents = parents;
            parents.sort_unstable();
            parents.dedup();
            Ok(Trigger::Parents(parents))
        }
    }
}

fn read_epsilon(fields: &mut Fields, defaults: &Defaults) -> Result<u64, Malformed> {
    let text = fields.text("epsilon", TEXT_BYTES_MAX)?;
    if text.is_empty() {
        return Ok(defaults.epsilon_ms);
    }
    epsilon(&text).map_err(|why| fields.wrong("epsilon", why))
}

/// Source: frameworks.md 4.2; 0 means the default, as in Chronos.
fn read_amount(
    fields: &mut Fields,
    name: &str,
    default: Amount,
    max: u64,
) -> Result<Amount, Malformed> {
    let Some(value) = fields.take(name) else { return Ok(default) };
    let number = match &value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53, and limits are far below")]
    let max_number = max as f64 / 1000.0;
    let number = number.filter(|number| (0.0..=max_number).contains(number));
    let Some(number) = number else {
        let wanted = format!("a number of 0 to {max_number} is needed, not {}", shown(&value));
        return Err(fields.wrong(name, wanted));
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was compared with the limit, and is not negative"
    )]
    let amount = Amount((number * 1000.0).round() as u64);
    Ok(if amount.0 == 0 { default } else { amount })
}

/// Source: frameworks.md 4.2: `uris` or `fetch`. Chronos shows both for either, so both may be given if they say the same.
fn read_fetch(fields: &mut Fields) -> Result<Vec<Fetch>, Malformed> {
    let uris = fields.texts("uris", LIST_MAX, COMMAND_BYTES_MAX)?;
    let (mut fetch, mut left) = (Vec::new(), COMMAND_BYTES_MAX);
    for (index, value) in fields.list("fetch", LIST_MAX)?.into_iter().enumerate() {
        let mut one = Fields::of(&format!("fetch[{index}]"), value)?;
        let uri = one.text("uri", left)?;
        left -= uri.len();
        if uri.is_empty() {
            return Err(one.wrong("uri", "a URI is needed"));
        }
        let executable = one.flag("executable", false)?;
        let (cache, extract) = (one.flag("cache", false)?, one.flag("extract", true)?);
        one.end()?;
        fetch.push(Fetch { uri, executable, cache, extract });
    }
    if fetch.is_empty() {
        let plain = |uri| Fetch { uri, executable: false, cache: false, extract: true };
        return Ok(uris.into_iter().map(plain).collect());
    }
    if !uris.is_empty() && !uris.iter().eq(fetch.iter().map(|one| &one.uri)) {
        return Err(fields.wrong("uris", "uris and fetch name different files: give one of them"));
    }
    Ok(fetch)
}

fn read_environment(fields: &mut Fields) -> Result<Vec<Variable>, Malformed> {
    let mut left = COMMAND_BYTES_MAX;
    let mut variables = Vec::new();
    for (index, value) in fields.list("environmentVariables", LIST_MAX)?.into_iter().enumerate() {
        let mut one = Fields::of(&format!("environmentVariables[{index}]"), value)?;
        let name = one.text("name", TEXT_BYTES_MAX)?;
        if name.is_empty() || name.contains('=') {
            return Err(one.wrong("name", "a name without '=' is needed"));
        }
        let value = one.text("value", left)?;
        left = left.saturating_sub(name.len() + value.len());
        one.end()?;
        variables.push(Variable { name, value });
    }
    Ok(variables)
}

fn read_constraints(fields: &mut Fields) -> Result<Vec<Constraint>, Malformed> {
    let mut constraints = Vec::new();
    for (index, value) in fields.list("constraints", LIST_MAX)?.into_iter().enumerate() {
        let path = format!("constraints[{index}]");
        let wanted = "a constraint is [attribute, EQUALS or LIKE or UNLIKE, value]";
        let Value::Array(parts) = value else { return Err(Malformed::new(path, wanted)) };
        let Ok([attribute, operator, value]) = <[Value; 3]>::try_from(parts) else {
            return Err(Malformed::new(path, wanted));
        };
        let attribute = as_text(&path, attribute, TEXT_BYTES_MAX)?;
        let operator = as_text(&path, operator, TEXT_BYTES_MAX)?.to_ascii_uppercase();
        let operator = match operator.as_str() {
            "EQUALS" => Operator::Equals,
            "LIKE" => Operator::Like,
            "UNLIKE" => Operator::Unlike,
            other => {
                return Err(Malformed::new(path, format!("{wanted}, not {}", quoted(other))));
            }
        };
        let value = as_text(&path, value, TEXT_BYTES_MAX)?;
        constraints.push(Constraint { attribute, operator, value });
    }
    Ok(constraints)
}
