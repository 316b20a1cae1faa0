//! Reference implementations for the fuzz targets: the same rules again, written to be obvious
//! rather than fast.
#![forbid(unsafe_code)]

pub mod cluster_query;
pub mod event_pattern;

/// Splits an input into two parts: what precedes the first line feed, and the rest.
pub fn head_and_rest(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}
