//! Values that are not just text: decimal numbers, versions, instants.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::{Instance, parsed, with_x};
use crate::query::decimal::compare;
use crate::query::instant::Instant;
use crate::query::nearest::nearest;

#[test]
fn decimal_numbers_compare_by_value_and_all_else_by_characters() {
    let rows = [
        ("100", "90", Ordering::Greater),
        ("-100", "90", Ordering::Less),
        ("-100", "-90", Ordering::Less),
        ("1.5", "1.50", Ordering::Equal),
        ("1.05", "1.5", Ordering::Less),
        ("007", "+7.0", Ordering::Equal),
        ("-0", "0.0", Ordering::Equal),
        ("9007199254740993", "9007199254740992", Ordering::Greater),
        ("0.1000000000000000000001", "0.1", Ordering::Greater),
        // Not numbers, so compared by characters.
        ("100", "90GB", Ordering::Less),
        ("1e3", "999", Ordering::Less),
        (".5", "0.5", Ordering::Less),
        ("1.", "1", Ordering::Greater),
        ("", "0", Ordering::Less),
        ("-", "+", Ordering::Greater),
        ("gold", "bronze", Ordering::Greater),
        ("Z", "a", Ordering::Less),
    ];
    for (left, right, order) in rows {
        assert_eq!(compare(left, right), order, "{left:?}, {right:?}");
        assert_eq!(compare(right, left), order.reverse(), "{right:?}, {left:?}");
    }
}

#[test]
fn equality_of_attributes_is_of_text_even_between_numbers() {
    assert!(!parsed("attribute:x == 1.0").matches(&with_x("1")));
    assert!(parsed("attribute:x >= 1.0 and attribute:x <= 1.0").matches(&with_x("1")));
}

#[test]
fn versions_compare_number_by_number() {
    let instance =
        |version: &str| Instance { agent_version: Some(version.to_owned()), ..Instance::default() };
    let rows = [
        ("1.9.0", "agentVersion < 1.14.5", true),
        ("1.15", "agentVersion == 1.15.0.0", true),
        ("1.15.0.1", "agentVersion > 1.15", true),
        ("1.15", "agentVersion < 1.15.0.1", true),
        ("2", "agentVersion > 1.99.99", true),
        ("1.014", "agentVersion == 1.14", true),
        // Anything else has no order.
        ("1.14.5-dev", "agentVersion >= 0", false),
        ("", "agentVersion != 1", false),
        ("v1.2", "not agentVersion >= 0", true),
    ];
    for (version, expression, holds) in rows {
        assert_eq!(
            parsed(expression).matches(&instance(version)),
            holds,
            "{expression} of {version}"
        );
    }
}

#[test]
fn dates_are_instants_in_utc_unless_a_zone_is_said() {
    let rows = [
        ("1970-01-01", Some(0)),
        ("1969-12-31T23:59:59Z", Some(-1)),
        ("2018-06-18T22:28:28", Some(1_529_360_908)),
        ("2018-06-18T22:28:28+00:00", Some(1_529_360_908)),
        ("2018-06-18T22:28:28-01:30", Some(1_529_366_308)),
        ("2000-02-29", Some(951_782_400)),
        ("0000-01-01", Some(-62_167_219_200)),
        ("9999-12-31T23:59:59Z", Some(253_402_300_799)),
        ("1900-02-29", None),
        ("2018-02-30", None),
        ("2018-13-01", None),
        ("2018-00-01", None),
        ("2018-01-00", None),
        ("2018-1-1", None),
        ("18-01-01", None),
        ("2018-01-01T", None),
        ("2018-01-01Z", None),
        ("2018-01-01T00:00", None),
        ("2018-01-01T24:00:00Z", None),
        ("2018-01-01T23:59:60Z", None),
        ("2018-01-01T00:00:00.0Z", None),
        ("2018-01-01T00:00:00+0000", None),
        ("2018-01-01T00:00:00+18:01", None),
        ("2018-01-01T00:00:00+01:60", None),
        ("2018-01-01t00:00:00z", None),
        ("0000-01-01T00:00:00+00:01", None),
        ("٢٠١٨-01-01", None),
        ("", None),
    ];
    for (text, seconds) in rows {
        assert_eq!(Instant::parse(text).map(|instant| instant.0), seconds, "{text}");
    }
}

#[test]
fn a_word_is_near_to_what_a_slip_makes_of_it_only() {
    let candidates = ["agentConnected", "agentVersion", "and"];
    assert_eq!(nearest("agentVersoin", candidates), Some("agentVersion"));
    assert_eq!(nearest("AGENTCONNECTED", candidates), Some("agentConnected"));
    assert_eq!(nearest("And", candidates), Some("and"));
    assert_eq!(nearest("ant", candidates), None);
    assert_eq!(nearest("", candidates), None);
    assert_eq!(nearest("connected", candidates), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_instant_is_what_its_text_says(seconds in -62_167_219_200_i64..253_402_300_800) {
        let text = Instant(seconds).to_string();
        prop_assert_eq!(Instant::parse(&text), Some(Instant(seconds)), "{}", text);
    }

    #[test]
    fn decimals_compare_as_integers_of_their_last_place(left in -9_999_i64..9_999, right in -9_999_i64..9_999) {
        let text = |number: i64| {
            let sign = if number < 0 { "-" } else { "" };
            format!("{sign}{}.{:02}", number.abs() / 100, number.abs() % 100)
        };
        prop_assert_eq!(compare(&text(left), &text(right)), left.cmp(&right));
    }
}
