//! Reading an event pattern: what is not one is refused with the field that is wrong.
//!
//! Source: EventBridge user guide, *Creating event patterns* and *Comparison operators*.

use longshore_wire_ecs::Str;
use serde_json::{Map, Value};

use super::decimal::Decimal;
use super::text::{Cidr, Wildcard};
use super::{Bound, Comparison, Fields, Pattern, Test, Want};
use crate::limits;

/// Words that make an object in `$or` something else than a pattern. Source: EventBridge user guide, `$or`.
const RESERVED: [&str; 9] = [
    "exactly",
    "prefix",
    "suffix",
    "equals-ignore-case",
    "wildcard",
    "anything-but",
    "numeric",
    "exists",
    "cidr",
];

/// Reads a pattern.
///
/// # Errors
/// Why it is none.
pub(super) fn pattern(text: &str) -> Result<Pattern, String> {
    if text.chars().count() > limits::PATTERN_CHARS_MAX {
        return Err(format!("it has more than {} characters", limits::PATTERN_CHARS_MAX));
    }
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let Value::Object(members) = value else {
        return Err("it must be a JSON object".to_owned());
    };
    let root = fields("", &members)?;
    let ways = root.ways();
    if ways > limits::PATTERN_WAYS_MAX {
        return Err(format!(
            "its \"$or\" combine to {ways} alternatives, more than {}",
            limits::PATTERN_WAYS_MAX
        ));
    }
    Ok(Pattern { root })
}

fn named(path: &str) -> String {
    if path.is_empty() { "the pattern".to_owned() } else { format!("\"{path}\"") }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn fields(path: &str, members: &Map<String, Value>) -> Result<Fields, String> {
    if members.is_empty() {
        return Err(format!("{} is empty: empty objects are not allowed", named(path)));
    }
    let mut read = Fields::default();
    for (name, value) in members {
        let path = below(path, name);
        if name == "$or"
            && let Some(alternatives) = alternatives(value)
        {
            let group: Result<Vec<_>, _> =
                alternatives.into_iter().map(|members| fields(&path, members)).collect();
            read.alternatives.push(group?);
            continue;
        }
        let want = match value {
            Value::Object(members) => Want::Nested(fields(&path, members)?),
            Value::Array(values) => Want::Leaf(tests(&path, values)?),
            _ => return Err(format!("{} must be an object or an array", named(&path))),
        };
        read.fields.push((name.as_str().into(), want));
    }
    Ok(read)
}

/// The alternatives of `$or`, if it is one and not a field that happens to be called so.
fn alternatives(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    let alternatives: Option<Vec<_>> =
        value.as_array().filter(|all| all.len() >= 2)?.iter().map(Value::as_object).collect();
    alternatives
        .filter(|all| !all.iter().any(|one| RESERVED.iter().any(|word| one.contains_key(*word))))
}

fn tests(path: &str, values: &[Value]) -> Result<Vec<Test>, String> {
    if values.is_empty() {
        return Err(format!("{} is empty: empty arrays are not allowed", named(path)));
    }
    values.iter().map(|value| test(path, value)).collect()
}

fn test(path: &str, value: &Value) -> Result<Test, String> {
    let at = named(path);
    match value {
        Value::String(text) => Ok(Test::Text(text.as_str().into())),
        Value::Number(_) => Ok(Test::Number(number(path, value)?)),
        Value::Bool(flag) => Ok(Test::Bool(*flag)),
        Value::Null => Ok(Test::Null),
        Value::Array(_) => Err(format!("{at}: an array may not stand in an array")),
        Value::Object(members) => {
            let mut members = members.iter();
            match (members.next(), members.next()) {
                (Some((operator, operand)), None) => self::operator(path, operator, operand),
                _ => Err(format!("{at}: a match expression has exactly one operator")),
            }
        }
    }
}

fn operator(path: &str, operator: &str, operand: &Value) -> Result<Test, String> {
    let at = named(path);
    match operator {
        "exactly" => Ok(Test::Text(text(path, operator, operand)?)),
        "prefix" => match ignoring_case(path, operator, operand)? {
            Some(folded) => Ok(Test::PrefixFolded(folded)),
            None => Ok(Test::Prefix(text(path, operator, operand)?)),
        },
        "suffix" => match ignoring_case(path, operator, operand)? {
            Some(folded) => Ok(Test::SuffixFolded(folded)),
            None => Ok(Test::Suffix(text(path, operator, operand)?)),
        },
        "equals-ignore-case" => Ok(Test::Folded(text(path, operator, operand)?.to_lowercase())),
        "wildcard" => {
            let wildcard = Wildcard::parse(&text(path, operator, operand)?);
            wildcard.map(Test::Wildcard).map_err(|why| format!("{at}: wildcard: {why}"))
        }
        "anything-but" => Ok(Test::AnythingBut(anything_but(path, operand)?)),
        "numeric" => Ok(Test::Numeric(numeric(path, operand)?)),
        "exists" => operand
            .as_bool()
            .map(Test::Exists)
            .ok_or_else(|| format!("{at}: exists must be true or false")),
        "cidr" => {
            let block = text(path, operator, operand)?;
            Cidr::parse(&block)
                .map(Test::Cidr)
                .ok_or_else(|| format!("{at}: cidr {block:?} is not a block of IP addresses"))
        }
        other => Err(format!("{at}: unrecognized match type {other}")),
    }
}

fn text(path: &str, operator: &str, operand: &Value) -> Result<Str, String> {
    operand
        .as_str()
        .map(Into::into)
        .ok_or_else(|| format!("{}: {operator} must be a string", named(path)))
}

fn ignoring_case(path: &str, operator: &str, operand: &Value) -> Result<Option<String>, String> {
    let Value::Object(members) = operand else { return Ok(None) };
    match members.get("equals-ignore-case") {
        Some(Value::String(text)) if members.len() == 1 => Ok(Some(text.to_lowercase())),
        _ => Err(format!(
            "{}: {operator} must be a string, or equals-ignore-case with one",
            named(path)
        )),
    }
}

fn anything_but(path: &str, operand: &Value) -> Result<Vec<Test>, String> {
    let at = named(path);
    if let Value::Object(members) = operand {
        let mut members = members.iter();
        let (Some((inner, operand)), None) = (members.next(), members.next()) else {
            return Err(format!("{at}: anything-but takes exactly one operator"));
        };
        if !matches!(inner.as_str(), "prefix" | "suffix" | "equals-ignore-case" | "wildcard") {
            return Err(format!("{at}: unsupported anything-but pattern {inner}"));
        }
        return one_or_many(operand)
            .map_err(|why| format!("{at}: anything-but {inner} {why}"))?
            .iter()
            .map(|one| self::operator(path, inner, one))
            .collect();
    }
    let values = one_or_many(operand).map_err(|why| format!("{at}: anything-but {why}"))?;
    let all = |kind: fn(&Value) -> bool| values.iter().all(kind);
    let same = all(Value::is_string) || all(Value::is_number);
    if !(same || values.len() == 1 && all(is_word)) {
        return Err(format!("{at}: anything-but takes strings only or numbers only"));
    }
    values.iter().map(|value| test(path, value)).collect()
}

fn is_word(value: &Value) -> bool {
    value.is_boolean() || value.is_null()
}

fn one_or_many(operand: &Value) -> Result<&[Value], &'static str> {
    match operand {
        Value::Array(values) if values.is_empty() => Err("must not be empty"),
        Value::Array(values) => Ok(values),
        one => Ok(std::slice::from_ref(one)),
    }
}

fn number(path: &str, value: &Value) -> Result<Decimal, String> {
    let bound = Decimal::whole(limits::PATTERN_NUMBER_MAX);
    let lowest = Decimal::whole(-limits::PATTERN_NUMBER_MAX);
    let number = value.as_number().and_then(Decimal::of);
    number
        .filter(|number| *number >= lowest && *number <= bound)
        .ok_or_else(|| format!("{}: {value} is not a number between -5.0e9 and 5.0e9", named(path)))
}

fn numeric(path: &str, operand: &Value) -> Result<Vec<Bound>, String> {
    let at = named(path);
    let terms = operand.as_array().map(Vec::as_slice).unwrap_or_default();
    if !matches!(terms.len(), 2 | 4) {
        return Err(format!("{at}: numeric takes an operator and a number, or two of each"));
    }
    let mut bounds = Vec::new();
    for pair in terms.chunks_exact(2) {
        let comparison = match pair[0].as_str() {
            Some("=") => Comparison::Equal,
            Some("<") => Comparison::Less,
            Some("<=") => Comparison::LessOrEqual,
            Some(">") => Comparison::Greater,
            Some(">=") => Comparison::GreaterOrEqual,
            _ => return Err(format!("{at}: unrecognized numeric range operator {}", pair[0])),
        };
        bounds.push(Bound { comparison, number: number(path, &pair[1])? });
    }
    if let [low, high] = bounds.as_slice() {
        let range = low.comparison.is_lower() && high.comparison.is_upper();
        if !range || low.number >= high.number {
            return Err(format!("{at}: a numeric range goes from a lower bound to a higher one"));
        }
    }
    Ok(bounds)
}
