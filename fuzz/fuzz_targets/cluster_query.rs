//! The cluster query language. The first line is an expression, the rest are facts about an
//! instance, as JSON.
//!
//! A parsed expression agrees with the reference, and so does its canonical form; a rejected one
//! has an error position within it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_fuzz::cluster_query::{Known, holds};
use longshore_fuzz::head_and_rest;
use longshore_placement::query::Expression;

fuzz_target!(|data: &[u8]| {
    let (text, json) = head_and_rest(data);
    let Ok(text) = std::str::from_utf8(text) else { return };
    match Expression::parse(text) {
        Ok(expression) => {
            let known = Known::read(json);
            let matches = expression.matches(&known);
            if let Some(expected) = holds(text, &known) {
                assert_eq!(matches, expected);
            }
            let canonical = expression.to_string();
            // The canonical form has additional quotes and symbols, and may exceed the maximum
            // length.
            if let Ok(again) = Expression::parse(&canonical) {
                assert_eq!(again, expression);
                assert_eq!(again.matches(&known), matches);
                assert_eq!(again.to_string(), canonical);
            } else {
                assert!(canonical.chars().count() > text.chars().count(), "{canonical}");
            }
        }
        Err(error) => {
            assert!(error.position <= text.chars().count());
            assert!(!error.to_string().is_empty() && !error.picture(text).is_empty());
        }
    }
});
