//! A reference implementation of event patterns: tries every choice of one object per array, since
//! EventBridge is documented to require all fields of a pattern in one object.
//!
//! It handles only patterns that the real parser has accepted. Anything it cannot decide is `None`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number, Value};

/// Values by their path; an array adds no step.
type View<'a> = BTreeMap<Vec<&'a str>, Vec<&'a Value>>;

/// Maximum number of choices of one object per array that are tried.
const VIEWS_MAX: usize = 256;

/// Member names that make `$or` an ordinary field.
const OPERATORS: [&str; 9] = [
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

/// Whether `event` matches `pattern`.
pub fn matches(pattern: &Map<String, Value>, event: &Value) -> Option<bool> {
    let views = views(event)?;
    let present: BTreeSet<&[&str]> =
        views.iter().flat_map(|view| view.keys().map(Vec::as_slice)).collect();
    let mut unsure = false;
    for view in &views {
        match meets(pattern, &mut Vec::new(), view, &present) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => unsure = true,
        }
    }
    if unsure { None } else { Some(false) }
}

/// Every view of an event in which each array has at most one object; `None` if there are too many.
fn views(value: &Value) -> Option<Vec<View<'_>>> {
    match value {
        Value::Object(members) => {
            let mut all = vec![View::new()];
            for (name, member) in members {
                let mut next = Vec::new();
                let below = views(member)?;
                for view in &all {
                    for one in &below {
                        let mut view = view.clone();
                        for (path, values) in one {
                            let path = parts(name).chain(path.iter().copied()).collect();
                            view.entry(path).or_default().extend(values);
                        }
                        next.push(view);
                    }
                }
                all = Some(next).filter(|next| next.len() <= VIEWS_MAX)?;
            }
            Some(all)
        }
        Value::Array(elements) => {
            let mut leaves = Vec::new();
            let mut objects = Vec::new();
            for element in elements {
                match element {
                    Value::Object(_) => objects.extend(views(element)?),
                    // The meaning of objects in nested arrays is not documented.
                    Value::Array(_) => leaves.extend(only_leaves(element)?),
                    leaf => leaves.push(leaf),
                }
            }
            if objects.is_empty() {
                objects.push(View::new());
            }
            if !leaves.is_empty() {
                objects.iter_mut().for_each(|view| {
                    view.entry(Vec::new()).or_default().extend(&leaves);
                });
            }
            Some(objects).filter(|objects| objects.len() <= VIEWS_MAX)
        }
        leaf => Some(vec![View::from([(Vec::new(), vec![leaf])])]),
    }
}

fn only_leaves(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::Object(_) => None,
        Value::Array(elements) => {
            let below: Option<Vec<Vec<&Value>>> = elements.iter().map(only_leaves).collect();
            Some(below?.concat())
        }
        leaf => Some(vec![leaf]),
    }
}

fn meets<'a>(
    pattern: &'a Map<String, Value>,
    path: &mut Vec<&'a str>,
    view: &View<'_>,
    present: &BTreeSet<&[&str]>,
) -> Option<bool> {
    let mut truth = Some(true);
    for (name, want) in pattern {
        let held = match (alternatives(name, want), want) {
            (Some(all), _) => any(all.into_iter().map(|one| meets(one, path, view, present))),
            (None, Value::Object(fields)) => {
                let above = path.len();
                path.extend(parts(name));
                let held = meets(fields, path, view, present);
                path.truncate(above);
                held
            }
            (None, Value::Array(tests)) => {
                let above = path.len();
                path.extend(parts(name));
                let leaves = view.get(path.as_slice()).map(Vec::as_slice).unwrap_or_default();
                let held = any(tests.iter().map(|test| {
                    match test.get("exists").and_then(Value::as_bool) {
                        Some(exists) => Some(
                            exists
                                == if exists {
                                    !leaves.is_empty()
                                } else {
                                    present.contains(path.as_slice())
                                },
                        ),
                        None => any(leaves.iter().map(|leaf| is(leaf, test))),
                    }
                }));
                path.truncate(above);
                held
            }
            _ => panic!("{want} is not part of a pattern"),
        };
        match held {
            Some(true) => {}
            Some(false) => return Some(false),
            None => truth = None,
        }
    }
    truth
}

/// A dot in a name is a level, in patterns and in events. Source: EventBridge user guide, *Event
/// patterns*.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split('.')
}

fn any(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(false);
    for truth in truths {
        match truth {
            Some(true) => return Some(true),
            Some(false) => {}
            None => result = None,
        }
    }
    result
}

/// The alternatives of `$or`.
fn alternatives<'a>(name: &str, want: &'a Value) -> Option<Vec<&'a Map<String, Value>>> {
    let all: Vec<_> = want.as_array()?.iter().map(Value::as_object).collect::<Option<_>>()?;
    let patterns =
        all.iter().all(|one| !OPERATORS.iter().any(|operator| one.contains_key(*operator)));
    (name == "$or" && all.len() >= 2 && patterns).then_some(all)
}

/// Whether a scalar value passes a test.
fn is(leaf: &Value, test: &Value) -> Option<bool> {
    let Value::Object(operators) = test else {
        return Some(match (leaf, test) {
            (Value::Number(leaf), Value::Number(test)) => decimal(leaf) == decimal(test),
            (leaf, test) => leaf == test,
        });
    };
    let (operator, operand) = operators.iter().next().expect("an operator");
    let text = leaf.as_str();
    let folded = |operand: &Value| operand.get("equals-ignore-case").map(|one| lower(one));
    Some(match operator.as_str() {
        "exactly" => text == operand.as_str(),
        "prefix" => text.is_some_and(|text| match folded(operand) {
            Some(folded) => text.to_lowercase().starts_with(&folded),
            None => text.starts_with(operand.as_str().expect("a prefix is text")),
        }),
        "suffix" => text.is_some_and(|text| match folded(operand) {
            Some(folded) => text.to_lowercase().ends_with(&folded),
            None => text.ends_with(operand.as_str().expect("a suffix is text")),
        }),
        "equals-ignore-case" => text.is_some_and(|text| text.to_lowercase() == lower(operand)),
        "wildcard" => {
            let wildcard: Vec<char> =
                operand.as_str().expect("a wildcard is text").chars().collect();
            text.is_some_and(|text| fits(&text.chars().collect::<Vec<_>>(), &wildcard))
        }
        "anything-but" => !is_any(leaf, operand)?,
        "numeric" => is_within(leaf, operand)?,
        // Address blocks are left to unit tests.
        _ => return None,
    })
}

/// Whether it is one of the values excluded by `anything-but`.
fn is_any(leaf: &Value, operand: &Value) -> Option<bool> {
    let list = |operand: &Value| match operand {
        Value::Array(values) => values.clone(),
        one => vec![one.clone()],
    };
    match operand {
        Value::Object(inner) => {
            let (operator, operands) = inner.iter().next().expect("an operator");
            any(list(operands).iter().map(|one| is(leaf, &serde_json::json!({ operator: one }))))
        }
        values => any(list(values).iter().map(|value| is(leaf, value))),
    }
}

/// Whether it is a number within the bounds of `numeric`.
fn is_within(leaf: &Value, operand: &Value) -> Option<bool> {
    let Value::Number(number) = leaf else { return Some(false) };
    let mut all = true;
    for pair in operand.as_array().expect("terms").chunks(2) {
        let order = compare(number, pair[1].as_number().expect("a number"))?;
        all &= match pair[0].as_str().expect("an operator") {
            "=" => order.is_eq(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            _ => order.is_ge(),
        };
    }
    Some(all)
}

fn lower(text: &Value) -> String {
    text.as_str().expect("this is text").to_lowercase()
}

/// Whether a wildcard matches a text, trying every length for every star.
fn fits(text: &[char], wildcard: &[char]) -> bool {
    match wildcard {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|skipped| fits(&text[skipped..], rest)),
        ['\\', literal, rest @ ..] | [literal, rest @ ..] => {
            text.first() == Some(literal) && fits(&text[1..], rest)
        }
    }
}

/// Sign, digits without surrounding zeros, and the power of ten of the last digit.
fn decimal(number: &Number) -> (bool, String, i64) {
    let text = number.to_string().to_lowercase();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let negative = mantissa.starts_with('-');
    let (whole, fraction) = mantissa
        .trim_start_matches('-')
        .split_once('.')
        .unwrap_or((mantissa.trim_start_matches('-'), ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let exponent =
        exponent.parse::<i64>().unwrap_or(0) - i64::try_from(fraction.len()).unwrap_or(0);
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return (false, String::new(), 0);
    }
    (negative, digits.to_owned(), exponent + i64::try_from(zeros).unwrap_or(0))
}

/// Compares two numbers, if their nearest doubles decide.
fn compare(one: &Number, other: &Number) -> Option<std::cmp::Ordering> {
    if decimal(one) == decimal(other) {
        return Some(std::cmp::Ordering::Equal);
    }
    one.as_f64()?.partial_cmp(&other.as_f64()?).filter(|order| order.is_ne())
}
