//! Parses event patterns. Invalid ones are rejected as AWS does, with the offending field.
//!
//! Source: EventBridge user guide, *Creating event patterns* and *Comparison operators*; error
//! messages are those of AWS, except that they name the field where AWS gives a column.

use longshore_wire_ecs::Str;

use super::decimal::Decimal;
use super::leaf::{Bound, Comparison, Leaf};
use super::text::{Cidr, Edge, Wildcard};
use super::{Pattern, complexity};
use crate::json::{Json, Members};
use crate::limits;

/// Member names that make `$or` an ordinary field. Source: event-ruler, *Or relationship*.
const RESERVED: [&str; 23] = [
    "exactly",
    "prefix",
    "suffix",
    "equals-ignore-case",
    "wildcard",
    "anything-but",
    "numeric",
    "exists",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
];

/// Fields, and groups of alternatives of which one must match, with paths from the root.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Indexes into the list of all fields, in text order.
    pub(super) fields: Vec<u16>,
    pub(super) groups: Vec<Vec<Fields>>,
}

impl Fields {
    /// The number of ways to match: alternatives multiply.
    pub(super) fn ways(&self) -> usize {
        let groups = self
            .groups
            .iter()
            .map(|group| group.iter().map(Self::ways).fold(0, usize::saturating_add));
        groups.fold(1, usize::saturating_mul)
    }
}

/// A path and its condition.
pub(super) type Field = (Vec<Str>, Leaf);

/// Parses a pattern.
///
/// # Errors
/// Why it is invalid.
pub(super) fn pattern(text: &str) -> Result<Pattern, String> {
    let pattern = recalled(text)?;
    complexity::check(&pattern)?;
    Ok(pattern)
}

/// Parses a pattern that was accepted before.
///
/// # Errors
/// Why it is invalid.
pub(super) fn recalled(text: &str) -> Result<Pattern, String> {
    if text.chars().count() > limits::PATTERN_CHARS_MAX {
        return Err(format!("it has more than {} characters", limits::PATTERN_CHARS_MAX));
    }
    let json = Json::parse(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let Json::Object(members) = json else { return Err("Filter is not an object".to_owned()) };
    let mut reader = Reader::default();
    let root = reader.fields(&members)?;
    let ways = root.ways();
    if ways > limits::PATTERN_WAYS_MAX {
        return Err(format!(
            "its \"$or\" conditions combine to {ways} alternatives, more than {}",
            limits::PATTERN_WAYS_MAX
        ));
    }
    Ok(Pattern::new(reader.read, &root))
}

#[derive(Default)]
struct Reader {
    path: Vec<Str>,
    read: Vec<Field>,
}

impl Reader {
    /// An error with its reason and position.
    fn refuse<T>(&self, why: impl std::fmt::Display) -> Result<T, String> {
        match self.path.as_slice() {
            [] => Err(why.to_string()),
            path => Err(format!("{why}\n at {}", path.join("."))),
        }
    }

    fn fields(&mut self, members: &Members<'_>) -> Result<Fields, String> {
        let mut read = Fields::default();
        self.read_into(&mut read, members)?;
        Ok(read)
    }

    fn read_into(&mut self, read: &mut Fields, members: &Members<'_>) -> Result<(), String> {
        if members.is_empty() {
            return self.refuse("Empty objects are not allowed");
        }
        for (name, value) in members {
            if name == "$or"
                && let Some(alternatives) = alternatives(value)
            {
                let group: Result<Vec<_>, _> =
                    alternatives.into_iter().map(|members| self.fields(members)).collect();
                read.groups.push(group?);
                continue;
            }
            let depth = self.path.len();
            // A dot means nesting. Source: EventBridge user guide, *Considerations when creating
            // event patterns*.
            self.path.extend(name.split('.').map(Str::from));
            if self.path.len() > limits::PATTERN_STEPS_MAX {
                let max = limits::PATTERN_STEPS_MAX;
                return Err(format!("a field may be at most {max} levels deep, dots included"));
            }
            match value {
                Json::Object(members) => self.read_into(read, members)?,
                Json::Array(values) => {
                    let leaf = self.leaf(values)?;
                    let place = u16::try_from(self.read.len());
                    read.fields.push(place.expect("a pattern has fewer characters than that"));
                    self.read.push((self.path.clone(), leaf));
                }
                _ => return self.refuse(format!("\"{name}\" must be an object or an array")),
            }
            self.path.truncate(depth);
        }
        Ok(())
    }

    fn leaf(&self, values: &[Json<'_>]) -> Result<Leaf, String> {
        if values.is_empty() {
            return self.refuse("Empty arrays are not allowed");
        }
        let mut leaf = Leaf::default();
        for value in values {
            let add = match value {
                Json::Object(members) => match members.as_slice() {
                    [] => Err("Match expression name not found".to_owned()),
                    [(operator, operand)] => add_expression(&mut leaf, operator, operand),
                    _ => Err("Only one key allowed in match expression".to_owned()),
                },
                Json::Array(_) => {
                    Err("Match value must be String, number, true, false, or null".to_owned())
                }
                plain => {
                    add_value(&mut leaf, plain);
                    Ok(())
                }
            };
            add.or_else(|why| self.refuse(why))?;
        }
        leaf.finish();
        Ok(leaf)
    }
}

/// The alternatives of `$or`, or `None` if it is an ordinary field of that name.
fn alternatives<'m, 'a>(value: &'m Json<'a>) -> Option<Vec<&'m Members<'a>>> {
    let Json::Array(values) = value else { return None };
    let object = |value: &'m Json<'a>| match value {
        Json::Object(members) => Some(members),
        _ => None,
    };
    let alternatives: Vec<_> = values.iter().map(object).collect::<Option<_>>()?;
    let reserved =
        |members: &&Members<'_>| members.iter().any(|(name, _)| RESERVED.contains(&name.as_ref()));
    (alternatives.len() >= 2 && !alternatives.iter().any(reserved)).then_some(alternatives)
}

/// Adds a literal value.
fn add_value(leaf: &mut Leaf, value: &Json<'_>) {
    match value {
        Json::Text(text) => leaf.add_text(text),
        Json::Number(number) => leaf.numbers.extend(Decimal::of(number)),
        Json::Bool(true) => leaf.yes = true,
        Json::Bool(false) => leaf.no = true,
        Json::Null => leaf.null = true,
        Json::Array(_) | Json::Object(_) => unreachable!("these do not stand for themselves"),
    }
}

fn add_expression(leaf: &mut Leaf, operator: &str, operand: &Json<'_>) -> Result<(), String> {
    match operator {
        "exactly" => leaf.texts.push(text(operand, "exact match pattern must be a string")?.into()),
        "prefix" => match ignoring_case("prefix", operand)? {
            Some(folded) => leaf.add_folded(Edge::Start, folded),
            None => leaf.add_prefix(text(operand, "prefix match pattern must be a string")?),
        },
        "suffix" => match ignoring_case("suffix", operand)? {
            Some(folded) => leaf.add_folded(Edge::End, folded),
            None => leaf.add_suffix(text(operand, "suffix match pattern must be a string")?),
        },
        "equals-ignore-case" => leaf.add_folded(Edge::Whole, text(operand, FOLDED)?),
        "wildcard" => add_wildcard(leaf, text(operand, WILDCARD)?)?,
        "anything-but" => leaf.but.push(anything_but(operand)?),
        "numeric" => add_range(leaf, operand)?,
        "exists" => match operand {
            Json::Bool(true) => leaf.exists = true,
            Json::Bool(false) => leaf.absent = true,
            _ => return Err("exists match pattern must be either true or false.".to_owned()),
        },
        // This is the message AWS uses.
        "cidr" => {
            leaf.blocks.push(Cidr::parse(text(operand, "prefix match pattern must be a string")?)?);
        }
        other => return Err(format!("Unrecognized match type {other}")),
    }
    Ok(())
}

const FOLDED: &str = "equals-ignore-case match pattern must be a string";
const WILDCARD: &str = "wildcard match pattern must be a string";

fn text<'a>(operand: &'a Json<'_>, why: &str) -> Result<&'a str, String> {
    match operand {
        Json::Text(text) => Ok(text),
        _ => Err(why.to_owned()),
    }
}

fn ignoring_case<'a>(operator: &str, operand: &'a Json<'_>) -> Result<Option<&'a str>, String> {
    let Json::Object(members) = operand else { return Ok(None) };
    match members.as_slice() {
        [] => Err(format!("{} expression name not found", capitalised(operator))),
        [(name, operand)] if name == "equals-ignore-case" => text(operand, FOLDED).map(Some),
        [(name, _)] => Err(format!("Unsupported {operator} pattern: {name}")),
        _ => Err("Only one key allowed in match expression".to_owned()),
    }
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}

fn add_wildcard(leaf: &mut Leaf, text: &str) -> Result<(), String> {
    let wildcard = Wildcard::parse(text)?;
    if !leaf.wildcards.contains(&wildcard) {
        leaf.wildcards.push(wildcard);
    }
    Ok(())
}

/// The values that `anything-but` excludes.
fn anything_but(operand: &Json<'_>) -> Result<Leaf, String> {
    let mut leaf = Leaf::default();
    match operand {
        Json::Object(members) => match members.as_slice() {
            [] => return Err("Anything-But expression name not found".to_owned()),
            [(operator, operand)] => but_expression(&mut leaf, operator, operand)?,
            _ => return Err("Too many elements in numeric expression".to_owned()),
        },
        Json::Array(values) => {
            let is_text = |value: &Json<'_>| matches!(value, Json::Text(_));
            let is_number = |value: &Json<'_>| matches!(value, Json::Number(_));
            if !values.iter().all(|value| is_text(value) || is_number(value)) {
                return Err(
                    "Inside anything but list, start|null|boolean is not supported.".to_owned()
                );
            }
            if values.iter().any(is_text) == values.iter().any(is_number) {
                return Err("Inside anything but list, either all values are number or string, mixed type is not supported".to_owned());
            }
            values.iter().try_for_each(|value| but_value(&mut leaf, value))?;
        }
        one @ (Json::Text(_) | Json::Number(_)) => but_value(&mut leaf, one)?,
        _ => return Err(BUT.to_owned()),
    }
    leaf.finish();
    Ok(leaf)
}

const BUT: &str = "Value of anything-but must be an array or single string/number value.";

fn but_value(leaf: &mut Leaf, value: &Json<'_>) -> Result<(), String> {
    match value {
        Json::Text(text) => leaf.texts.push((**text).into()),
        other => leaf.numbers.push(number(other, "")?),
    }
    Ok(())
}

fn but_expression(leaf: &mut Leaf, operator: &str, operand: &Json<'_>) -> Result<(), String> {
    let why = match operator {
        "prefix" | "suffix" => "prefix/suffix match pattern must be a string",
        "equals-ignore-case" => {
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
        }
        "wildcard" => WILDCARD,
        other => return Err(format!("Unsupported anything-but pattern: {other}")),
    };
    let values = match operand {
        Json::Array(values) if values.is_empty() => return Err(BUT.to_owned()),
        Json::Array(values) => values.as_slice(),
        Json::Text(_) | Json::Number(_) => std::slice::from_ref(operand),
        _ => return Err(BUT.to_owned()),
    };
    for value in values {
        let text = text(value, why)?;
        match operator {
            "prefix" | "suffix" if text.is_empty() => {
                return Err("Null prefix/suffix not allowed".to_owned());
            }
            "prefix" => leaf.add_prefix(text),
            "suffix" => leaf.add_suffix(text),
            "equals-ignore-case" => leaf.add_folded(Edge::Whole, text),
            _ => add_wildcard(leaf, text)?,
        }
    }
    Ok(())
}

/// A number within the allowed range. Source: EventBridge user guide, *Numeric matching*.
fn number(value: &Json<'_>, operator: &str) -> Result<Decimal, String> {
    let Json::Number(number) = value else {
        return Err(format!("Value of {operator} must be numeric"));
    };
    let bound = Decimal::whole(limits::PATTERN_NUMBER_MAX);
    let lowest = Decimal::whole(-limits::PATTERN_NUMBER_MAX);
    Decimal::of(number).filter(|number| *number >= lowest && *number <= bound).ok_or_else(|| {
        format!("Value must be between -5.0e9 and 5.0e9, inclusive, and not {number}")
    })
}

fn comparison<'a>(word: &'a Json<'_>) -> Result<(Comparison, &'a str), String> {
    let Json::Text(word) = word else {
        return Err(format!("Invalid member in numeric match: {word}"));
    };
    let comparison = match word.as_ref() {
        "=" => Comparison::Equal,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        other => return Err(format!("Unrecognized numeric range operator: {other}")),
    };
    Ok((comparison, word))
}

/// A single comparison, or a range: a lower bound, then an upper one.
fn add_range(leaf: &mut Leaf, operand: &Json<'_>) -> Result<(), String> {
    let Json::Array(terms) = operand else {
        return Err("Value of numeric must be an array.".to_owned());
    };
    let first = terms.first().ok_or("Invalid member in numeric match: ]")?;
    let (low, word) = comparison(first)?;
    let number_after = |place: usize, word: &str| match terms.get(place) {
        Some(value) => number(value, word),
        None => Err(format!("Value of {word} must be numeric")),
    };
    let mut bounds = vec![Bound { comparison: low, number: number_after(1, word)? }];
    if let Some(second) = terms.get(2) {
        if !matches!(low, Comparison::Greater | Comparison::GreaterOrEqual) {
            return Err("Too many elements in numeric expression".to_owned());
        }
        let Json::Text(word) = second else {
            return Err(format!("Bad value in numeric range: {second}"));
        };
        let high = match word.as_ref() {
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            other => return Err(format!("Bad numeric range operator: {other}")),
        };
        bounds.push(Bound { comparison: high, number: number_after(3, word)? });
        if terms.len() > 4 {
            return Err("Too many terms in numeric range expression".to_owned());
        }
        if bounds[0].number >= bounds[1].number {
            return Err("Bottom must be less than top".to_owned());
        }
    }
    leaf.ranges.push(bounds);
    Ok(())
}
