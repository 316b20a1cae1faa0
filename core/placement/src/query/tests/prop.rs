//! Random expressions: each has a canonical form with the same meaning, and no input breaks the
//! parser.

use proptest::prelude::*;
use proptest::sample::select;

use super::{Instance, with_x};
use crate::query::Expression;

fn blank() -> impl Strategy<Value = &'static str> {
    select(vec![" ", "  ", "\t"])
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "a", "b", "prod", "10", "9.5", "and", "'a b'", "\"it's\"", "''", "'=x'", "'(a)'",
            "a|b", "'[x]'"
        ])
        .prop_map(str::to_owned),
        "[a-z0-9:./@-]{1,6}",
        "'[ -&(-~]{0,6}'",
    ]
}

fn predicate() -> impl Strategy<Value = String> {
    let text = || select(vec!["attribute:x", "attribute:a/b.c", "task:group"]);
    let ordered = || {
        select(vec![
            "==",
            "!=",
            ">",
            ">=",
            "<",
            "<=",
            " equals ",
            " not_equals ",
            " less_than_equal ",
        ])
    };
    let matched = select(vec!["=~", "!~", " matches ", " not_matches "]);
    let pattern = select(vec![".*", "'(a|b)+'", "[a-c]{2,3}", "'(?i)A.*'", "a|b", r"'\w+\s?'"]);
    let listed = select(vec![" in", " !in ", " not_in "]);
    let existing = select(vec!["exists", "!exists", "not_exists"]);
    prop_oneof![
        (text(), ordered(), value())
            .prop_map(|(left, operator, right)| format!("{left}{operator}{right}")),
        (text(), matched, pattern)
            .prop_map(|(left, operator, right)| format!("{left}{operator}{right}")),
        (text(), listed, prop::collection::vec("[a-c]{1,2}|'[ -&(-~]{0,4}'", 1..4))
            .prop_map(|(left, operator, right)| format!("{left}{operator}[{}]", right.join(", "))),
        (text(), blank(), existing)
            .prop_map(|(left, blank, operator)| format!("{left}{blank}{operator}")),
        select(vec![
            "agentConnected == true",
            "ec2InstanceId in ['i-1', i-2]",
            "agentVersion >= 1.14.0",
            "registeredAt < 2018-02-13T01:00:00+02:00",
            "runningTasksCount != 2",
        ])
        .prop_map(str::to_owned),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    predicate().prop_recursive(4, 16, 3, |inner| {
        let connective = select(vec![" and ", " or ", "  &&", " || "]);
        prop_oneof![
            (inner.clone(), connective, inner.clone())
                .prop_map(|(left, with, right)| format!("{left}{with} {right}")),
            (select(vec!["not ", "!", "! !", "not"]), inner.clone())
                .prop_map(|(negation, inner)| format!("{negation}({inner})")),
            inner.prop_map(|inner| format!("( {inner})")),
        ]
    })
}

fn instance() -> impl Strategy<Value = Instance> {
    let value = select(vec!["", "a", "b", "aa", "prod", "10", "9.50", "a b"]);
    let groups = prop::collection::vec(select(vec!["a", "b", "web"]), 0..3);
    (prop::option::of(value), groups, prop::option::of(0..4_u32)).prop_map(
        |(x, groups, running_tasks)| Instance {
            agent_connected: running_tasks.map(|count| count % 2 == 0),
            agent_version: running_tasks.map(|count| format!("1.{}", 13 + count)),
            ec2_instance_id: running_tasks.map(|count| format!("i-{count}")),
            registered_at: running_tasks.map(|count| 1_518_470_000 + i64::from(count) * 10_000),
            running_tasks,
            groups: groups.into_iter().map(str::to_owned).collect(),
            ..x.map(with_x).unwrap_or_default()
        },
    )
}

/// Fragments of the language in random order.
fn rubble() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "attribute:x",
        "attribute:",
        "task:group",
        "agentVersion",
        "registeredAt",
        "not",
        "!",
        "and",
        "&&",
        "or",
        "||",
        "(",
        ")",
        "[",
        "]",
        ",",
        "'",
        "\"",
        "==",
        "=",
        "=~",
        "in",
        "!in",
        "exists",
        "1.2",
        "2018-02-13",
        " ",
        "ß",
        "\u{2028}",
        "\\",
        "a",
        ".*",
        "(?",
        "{2}",
        "+",
        "^",
        "\\Q",
        "\\p{",
        "[^",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Fragments of regular expressions in random order.
fn pattern() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "a",
        "b",
        ".",
        "|",
        "(",
        ")",
        "(?:",
        "(?=",
        "(?!",
        "(?<=",
        "(?<!",
        "(?>",
        "(?<n>",
        "(?i)",
        "(?s:",
        "[",
        "[^",
        "]",
        "-",
        "&&",
        "*",
        "+",
        "?",
        "{2}",
        "{1,}",
        "{0}",
        "{0,3}",
        "\\1",
        "\\2",
        "\\k<n>",
        "\\b",
        "\\B",
        "\\d",
        "\\R",
        "\\Z",
        "$",
        "^",
        "\\Q",
        "\\E",
        "\\p{Alpha}",
        "\\x41",
        "\\0",
        "\\c",
        "ß",
        "\n",
    ]);
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_canonical_form_is_read_as_the_same_expression(text in expression(), instance in instance()) {
        let expression = Expression::parse(&text).unwrap();
        let canonical = expression.to_string();
        let again = Expression::parse(&canonical).unwrap();
        prop_assert_eq!(&again, &expression, "{}", canonical);
        prop_assert_eq!(again.matches(&instance), expression.matches(&instance));
        prop_assert_eq!(again.to_string(), canonical);
    }

    #[test]
    fn negation_turns_every_answer_around(text in expression(), instance in instance()) {
        let expression = Expression::parse(&text).unwrap();
        let negated = Expression::parse(&format!("not ({text})")).unwrap();
        prop_assert_ne!(negated.matches(&instance), expression.matches(&instance));
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place_in_it(text in prop_oneof![rubble(), ".{0,40}"]) {
        match Expression::parse(&text) {
            Ok(expression) => {
                expression.matches(&with_x("a"));
                prop_assert_eq!(Expression::parse(&expression.to_string()), Ok(expression));
            }
            Err(error) => {
                prop_assert!(error.position <= text.chars().count());
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn what_is_not_tried_twice_would_have_failed_again(pattern in pattern(), value in "[ab1 \n]{0,4}") {
        let holds = |pattern: &str| {
            let expression = Expression::parse(&format!("attribute:x =~ '{pattern}'"));
            expression.map(|expression| expression.matches(&with_x(&value)))
        };
        // A reference, even to an empty group, makes the machine try every path.
        let every_way = format!("(?:{pattern})(?<nothing>)\\k<nothing>");
        if let (Ok(once), Ok(every)) = (holds(&pattern), holds(&every_way)) {
            prop_assert_eq!(once, every, "{} of {:?}", pattern, value);
        }
    }
}
