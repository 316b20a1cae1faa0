//! Error messages for invalid expressions.

use crate::query::{ErrorKind, Expression};

/// Three lines each, separated by an empty line: the expression, the caret, the message.
const MESSAGES: &str = include_str!("messages.txt");

#[test]
fn every_mistake_has_its_message_and_its_place() {
    let mut wrong = Vec::new();
    for wanted in MESSAGES.trim_end().split("\n\n") {
        let text = wanted.lines().next().unwrap();
        let got = match Expression::parse(text) {
            Ok(expression) => format!("{text}\nis right: {expression}"),
            Err(error) => format!("{}\n{error}", error.picture(text)),
        };
        if got != wanted {
            wrong.push(format!("{got}\n  not\n{wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn an_empty_expression_is_refused_with_or_without_blanks() {
    for text in ["", " ", "\t\n "] {
        let error = Expression::parse(text).unwrap_err();
        assert_eq!((error.position, &error.kind), (0, &ErrorKind::Empty));
        assert_eq!(error.to_string(), "the expression is empty");
    }
}

#[test]
fn a_position_counts_characters_and_the_picture_keeps_the_caret_below_them() {
    let text = "attribute:x == 'größe'\tor y";
    let error = Expression::parse(text).unwrap_err();
    assert_eq!(error.position, 26);
    let picture = error.picture(text);
    let (line, caret) = picture.split_once('\n').unwrap();
    assert_eq!(line, "attribute:x == 'größe' or y");
    assert_eq!(caret, format!("{}^", " ".repeat(26)));
}

#[test]
fn an_error_is_data_too() {
    let error = "agentVersion exists".parse::<Expression>().unwrap_err();
    let kind = ErrorKind::OperatorNotAllowed {
        subject: "agentVersion".to_owned(),
        operator: "exists",
        allowed: vec!["==", "!=", ">=", ">", "<=", "<"],
    };
    assert_eq!((error.position, error.kind), (13, kind));
}
