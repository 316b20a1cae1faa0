//! What a target receives: part of an event, or a template filled with parts of it.
//!
//! Source: EventBridge user guide, *Input transformation*. The guide does not say what a variable
//! becomes if its path leads nowhere; we chose empty inside quotes and `null` outside.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::eventbridge::shape::InputTransformer;

use crate::json::{Json, quoted};
use crate::limits;
use crate::record::Rule;

/// The source of variables.
pub(crate) struct Context<'a> {
    pub(crate) rule: &'a Rule,
    pub(crate) now: Timestamp,
    pub(crate) event: &'a Json<'a>,
    pub(crate) envelope: &'a Str,
}

/// The result exceeds the message size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Whether a path has the supported form: `$`, then names after dots.
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

/// Splits a step into a name and its indexes: `containers[0]`.
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

/// Follows a path; `None` if it leads nowhere.
pub(crate) fn find<'e, 'a>(event: &'e Json<'a>, path: &str) -> Option<&'e Json<'a>> {
    let rest = path.strip_prefix('$')?;
    let Some(names) = rest.strip_prefix('.') else { return Some(event) };
    names.split('.').try_fold(event, |value, step| {
        let (name, indexes) = steps(step)?;
        indexes.iter().try_fold(value.get(name)?, |value, index| value.at(*index))
    })
}

/// Fills in a template.
///
/// # Errors
/// When the result exceeds the message size.
pub(crate) fn apply(
    transformer: &InputTransformer,
    context: &Context<'_>,
) -> Result<String, TooLong> {
    let template = transformer.input_template.as_deref().unwrap_or_default();
    let mut text = String::with_capacity(template.len() * 2);
    let (mut inside, mut escaped) = (false, false);
    // A variable is rendered once, however often it occurs.
    let mut written = BTreeMap::<(&str, bool), Option<String>>::new();
    let mut rest = template;
    while let Some(character) = rest.chars().next() {
        if text.len() > limits::TRANSFORMED_BYTES_MAX {
            return Err(TooLong);
        }
        if character == '<'
            && let Some((name, after)) = rest[1..].split_once('>')
            && let Some(part) = written
                .entry((name, inside))
                .or_insert_with(|| variable(transformer, context, name, inside))
        {
            text.push_str(part);
            rest = after;
            continue;
        }
        inside ^= character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        text.push(character);
        rest = &rest[character.len_utf8()..];
    }
    if text.len() > limits::TRANSFORMED_BYTES_MAX { Err(TooLong) } else { Ok(text) }
}

/// The text of a variable in a template; `None` if it is not defined.
fn variable(
    transformer: &InputTransformer,
    context: &Context<'_>,
    name: &str,
    inside: bool,
) -> Option<String> {
    let text = |text: &str| Some(write(&Json::Text(text.into()), inside));
    match name {
        "aws.events.rule-arn" => text(&context.rule.arn()),
        "aws.events.rule-name" => text(&context.rule.name),
        "aws.events.event.ingestion-time" => text(&context.now.wall().iso_seconds()),
        "aws.events.event.json" if inside => text(context.envelope),
        "aws.events.event.json" => Some(context.envelope.to_string()),
        "aws.events.event" => {
            let Json::Object(members) = context.event else { return None };
            let others = members.iter().filter(|(name, _)| name != "detail");
            Some(write(&Json::Object(others.cloned().collect()), inside))
        }
        other => {
            let path = transformer.input_paths_map.as_ref()?.get(other)?;
            Some(match (find(context.event, path), inside) {
                (Some(value), _) => write(value, inside),
                (None, true) => String::new(),
                (None, false) => "null".to_owned(),
            })
        }
    }
}

/// Renders a value for a template: inside quotes, without its own quotes.
fn write(value: &Json<'_>, inside: bool) -> String {
    if !inside {
        return value.to_string();
    }
    let escaped = match value {
        Json::Text(text) => quoted(text),
        other => quoted(&other.to_string()),
    };
    escaped[1..escaped.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str =
        r#"{"source": "a\"b", "detail": {"n": 3, "list": [{"x": "first"}, 2], "b": 1, "a": 2}}"#;

    fn event() -> Json<'static> {
        Json::parse(EVENT).expect("an object")
    }

    #[test]
    fn a_path_leads_to_a_part() {
        let found = |path: &str| find(&event(), path).map(ToString::to_string);
        assert_eq!(found("$.detail.n").as_deref(), Some("3"));
        assert_eq!(found("$.detail.list[0].x").as_deref(), Some("\"first\""));
        assert_eq!(found("$.detail.list[9]"), None);
        assert_eq!(found("$.nowhere.n"), None);
        assert!(found("$").is_some_and(|whole| whole.contains(r#""b":1,"a":2"#)));
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

    fn filled(template: &str) -> Result<String, TooLong> {
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
        let (event, envelope) = (event(), "{}".into());
        let now = Timestamp::default();
        let context = Context { rule: &rule, now, event: &event, envelope: &envelope };
        let paths = [("s", "$.source"), ("n", "$.detail.n"), ("none", "$.x"), ("e", "$")];
        let map = paths.map(|(name, path)| (name.into(), path.into()));
        let transformer = InputTransformer {
            input_paths_map: Some(map.into()),
            input_template: Some(template.into()),
        };
        apply(&transformer, &context)
    }

    #[test]
    fn a_template_is_filled_in_with_and_without_quotes() {
        for (template, expected) in [
            (r#"{"a": <s>, "b": <n>}"#, r#"{"a": "a\"b", "b": 3}"#),
            (r#""<s> has <n><none>""#, r#""a\"b has 3""#),
            ("<none> <unknown> <aws.events.rule-name>", "null <unknown> \"rule\""),
            ("a < b", "a < b"),
            ("<aws.events.event> <aws.events.event.json>", r#"{"source":"a\"b"} {}"#),
        ] {
            assert_eq!(filled(template).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn what_becomes_longer_than_a_message_is_not_cut_off() {
        let text = "x".repeat(limits::TRANSFORMED_BYTES_MAX);
        assert_eq!(filled(&text), Ok(text.clone()));
        assert_eq!(filled(&format!("{text}<n>")), Err(TooLong));
    }
}
