//! What the targets compare the parsers with: the same rules once more, written to be obvious and not to be fast.
#![forbid(unsafe_code)]

pub mod cluster_query;
pub mod event_pattern;

/// The lines of an input that has parts: what precedes the first line feed, and the rest.
pub fn head_and_rest(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}
