//! What a target gets of an event: a part of it, or a template with parts of it.
//!
//! Source: EventBridge user guide, *Input transformation*. Where the guide is silent, chosen by us: a variable whose path
//! leads nowhere is empty inside quotes and `null` outside.

use longshore_machine::Timestamp;
use longshore_wire_ecs::eventbridge::shape::InputTransformer;
use serde_json::{Map, Value};

use crate::limits;
use crate::record::Rule;

/// What variables may stand for.
pub(crate) struct Context<'a> {
    pub(crate) rule: &'a Rule,
    pub(crate) now: Timestamp,
    pub(crate) event: &'a Map<String, Value>,
    pub(crate) envelope: &'a str,
}

/// Whether a path is one that can be followed: `$`, then names after dots.
pub(crate) fn is_path(path: &str) -> bool {
    path.chars().count() <= limits::INPUT_PATH_CHARS_MAX
        && path.strip_prefix('$').is_some_and(|rest| {
            rest.is_empty()
                || rest.strip_prefix('.').is_some_and(|names| {
                    names
                        .split('.')
                        .all(|step| steps(step).is_some_and(|(name, _)| !name.is_empty()))
                })
        })
}

/// A name, and the indexes that follow it: `containers[0]`.
fn steps(step: &str) -> Option<(&str, Vec<usize>)> {
    let (name, rest) = match step.find('[') {
        Some(at) => step.split_at(at),
        None => (step, ""),
    };
    let mut indexes = Vec::new();
    for part in rest.split('[').skip(1) {
        indexes.push(part.strip_suffix(']')?.parse().ok()?);
    }
    Some((name, indexes))
}

/// Follows a path; `None` where it leads nowhere.
pub(crate) fn find(event: &Map<String, Value>, path: &str) -> Option<Value> {
    let rest = path.strip_prefix('$')?;
    let Some(names) = rest.strip_prefix('.') else { return Some(Value::Object(event.clone())) };
    let mut names = names.split('.');
    let (name, indexes) = steps(names.next()?)?;
    let mut value = follow(event.get(name)?, &indexes)?;
    for step in names {
        let (name, indexes) = steps(step)?;
        value = follow(value.get(name)?, &indexes)?;
    }
    Some(value.clone())
}

fn follow<'a>(value: &'a Value, indexes: &[usize]) -> Option<&'a Value> {
    indexes.iter().try_fold(value, |value, index| value.get(index))
}

/// Fills a template in.
pub(crate) fn apply(transformer: &InputTransformer, context: &Context<'_>) -> String {
    let template = transformer.input_template.as_deref().unwrap_or_default();
    let mut text = String::with_capacity(template.len() * 2);
    let (mut quoted, mut escaped) = (false, false);
    let mut rest = template;
    while let Some(character) = rest.chars().next() {
        if text.len() > limits::TRANSFORMED_BYTES_MAX {
            break;
        }
        if character == '<'
            && let Some((name, after)) = rest[1..].split_once('>')
            && let Some(part) = variable(transformer, context, name)
        {
            text.push_str(&write(&part, quoted));
            rest = after;
            continue;
        }
        quoted ^= character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        text.push(character);
        rest = &rest[character.len_utf8()..];
    }
    text
}

/// What a variable stands for.
enum Part {
    /// Its path leads nowhere.
    Nothing,
    Found(Value),
}

/// What a variable stands for; `None` if there is none of that name.
fn variable(transformer: &InputTransformer, context: &Context<'_>, name: &str) -> Option<Part> {
    Some(Part::Found(match name {
        "aws.events.rule-arn" => Value::from(&*context.rule.arn()),
        "aws.events.rule-name" => Value::from(&*context.rule.name),
        "aws.events.event.ingestion-time" => Value::from(context.now.iso_seconds()),
        "aws.events.event.json" => serde_json::from_str(context.envelope).unwrap_or_default(),
        "aws.events.event" => {
            let mut event = context.event.clone();
            event.remove("detail");
            Value::Object(event)
        }
        other => {
            let path = transformer.input_paths_map.as_ref()?.get(other)?;
            return Some(find(context.event, path).map_or(Part::Nothing, Part::Found));
        }
    }))
}

/// A value as it stands in a template: inside quotes without quotes of its own.
fn write(part: &Part, quoted: bool) -> String {
    match (part, quoted) {
        (Part::Nothing, true) => String::new(),
        (Part::Nothing, false) => "null".to_owned(),
        (Part::Found(value), false) => value.to_string(),
        (Part::Found(value), true) => {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let escaped = Value::from(text).to_string();
            escaped[1..escaped.len() - 1].to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Map<String, Value> {
        let text = r#"{"source": "a\"b", "detail": {"n": 3, "list": [{"x": "first"}, 2]}}"#;
        serde_json::from_str(text).expect("an object")
    }

    #[test]
    fn a_path_leads_to_a_part() {
        let found = |path: &str| find(&event(), path).map(|value| value.to_string());
        assert_eq!(found("$.detail.n").as_deref(), Some("3"));
        assert_eq!(found("$.detail.list[0].x").as_deref(), Some("\"first\""));
        assert_eq!(found("$.detail.list[9]"), None);
        assert_eq!(found("$.nowhere.n"), None);
        assert!(found("$").is_some_and(|whole| whole.contains("detail")));
    }

    #[test]
    fn a_path_in_brackets_or_without_a_dollar_is_none() {
        for path in ["", "detail", "$detail", "$['detail']", "$.", "$.a..b", "$.a[x]", "$.a[1"] {
            assert!(!is_path(path), "{path}");
        }
        for path in ["$", "$.detail", "$.detail-type", "$.detail.list[0].x"] {
            assert!(is_path(path), "{path}");
        }
    }

    #[test]
    fn a_template_is_filled_in_with_and_without_quotes() {
        let rule = Rule {
            realm: longshore_wire_ecs::arn::Realm::new("r", "1"),
            name: "rule".into(),
            pattern: "{}".into(),
            state: "ENABLED".into(),
            description: None,
            role_arn: None,
            tags: crate::record::Tags::new(),
            targets: Vec::new(),
        };
        let event = event();
        let context =
            Context { rule: &rule, now: Timestamp::default(), event: &event, envelope: "{}" };
        let paths = [("s", "$.source"), ("n", "$.detail.n"), ("none", "$.x")];
        let filled = |template: &str| {
            let map = paths.map(|(name, path)| (name.into(), path.into()));
            let transformer = InputTransformer {
                input_paths_map: Some(map.into()),
                input_template: Some(template.into()),
            };
            apply(&transformer, &context)
        };
        assert_eq!(filled(r#"{"a": <s>, "b": <n>}"#), r#"{"a": "a\"b", "b": 3}"#);
        assert_eq!(filled(r#""<s> has <n><none>""#), r#""a\"b has 3""#);
        assert_eq!(filled("<none> <unknown> <aws.events.rule-name>"), "null <unknown> \"rule\"");
        assert_eq!(filled("a < b"), "a < b");
    }
}
