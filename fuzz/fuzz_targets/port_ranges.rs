//! Port ranges, as written in flags and by Mesos: two of them, one per line.
//!
//! Printed ranges can be parsed, and union, difference and containment are those of sets.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use longshore_bridge::{Ranges, parse_ranges};

fn numbers(ranges: &Ranges) -> BTreeSet<u64> {
    ranges.as_slice().iter().flat_map(|(begin, end)| *begin..=*end).collect()
}

fuzz_target!(|text: &str| {
    let (one, other) = text.split_once('\n').unwrap_or((text, ""));
    let (Ok(one), Ok(other)) = (parse_ranges(one), parse_ranges(other)) else { return };
    assert_eq!(parse_ranges(&one.to_string()).as_ref(), Ok(&one));
    let (ours, theirs) = (numbers(&one), numbers(&other));
    assert_eq!(numbers(&one.union(&other)), ours.union(&theirs).copied().collect());
    assert_eq!(numbers(&one.minus(&other)), ours.difference(&theirs).copied().collect());
    assert_eq!(one.contains_all(&other), theirs.is_subset(&ours));
    assert_eq!(Ranges::of(ours.iter().copied()), one);
});
