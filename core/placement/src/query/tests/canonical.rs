//! The canonical form.

use super::parsed;

/// Columns: an expression and its canonical form.
const FORMS: &str = include_str!("canonical.tsv");

#[test]
fn every_expression_has_its_canonical_form_and_equals_it() {
    let mut wrong = Vec::new();
    for row in FORMS.lines() {
        let (given, wanted) = row.split_once('\t').unwrap();
        let expression = parsed(given);
        if expression.to_string() != wanted {
            wrong.push(format!("{given}\n  is {expression}\n not {wanted}"));
        } else if parsed(wanted) != expression {
            wrong.push(format!("{given}\n  does not equal {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn equality_is_of_meaning_as_far_as_the_canonical_form_shows_it() {
    let same = [
        ("attribute:x == 'a'", "attribute:x equals a"),
        ("attribute:x in [b, a, b]", "attribute:x in ['a','b']"),
        ("agentVersion < 1.14", "agentVersion less_than 1.14.0"),
        ("registeredAt > 2018-02-13", "registeredAt > 2018-02-13T02:00:00+02:00"),
        ("runningTasksCount == 1", "runningTasksCount == 001"),
        ("not not attribute:x exists", "attribute:x exists"),
        ("!(!(attribute:x exists))", "attribute:x exists"),
    ];
    for (left, right) in same {
        assert_eq!(parsed(left), parsed(right), "{left}, {right}");
    }
    let other = [
        ("attribute:x == a", "attribute:x == A"),
        ("attribute:x exists and attribute:y exists", "attribute:y exists and attribute:x exists"),
        ("agentVersion < 1.14.1", "agentVersion < 1.14"),
        ("attribute:x =~ a", "attribute:x =~ [a]"),
    ];
    for (left, right) in other {
        assert_ne!(parsed(left), parsed(right), "{left}, {right}");
    }
}
