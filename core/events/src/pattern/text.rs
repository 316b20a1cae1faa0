//! Tests of texts that take more than a comparison: wildcards and blocks of addresses.

use std::net::IpAddr;

/// A text with `*` for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wildcard {
    /// What stands before, between and after the stars.
    pieces: Vec<String>,
}

impl Wildcard {
    /// Reads a wildcard: `\*` is a star and `\\` a backslash.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut pieces = vec![String::new()];
        let mut characters = text.chars();
        let mut after_star = false;
        while let Some(character) = characters.next() {
            let literal = match character {
                '*' if after_star => return Err("consecutive wildcard characters are not allowed"),
                '*' => {
                    pieces.push(String::new());
                    after_star = true;
                    continue;
                }
                '\\' => match characters.next() {
                    Some(escaped @ ('*' | '\\')) => escaped,
                    _ => return Err("a backslash may only stand before * or another backslash"),
                },
                other => other,
            };
            after_star = false;
            if let Some(piece) = pieces.last_mut() {
                piece.push(literal);
            }
        }
        Ok(Self { pieces })
    }

    /// Whether `text` is such a text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let [first, rest @ ..] = self.pieces.as_slice() else { return false };
        let [middle @ .., last] = rest else { return text == first };
        let Some(mut text) = text.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            // The earliest place leaves the most for what follows.
            let Some(at) = text.find(piece.as_str()) else { return false };
            text = &text[at + piece.len()..];
        }
        text.ends_with(last.as_str())
    }
}

/// A block of IP addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    network: u128,
    mask: u128,
    version_4: bool,
}

impl Cidr {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or a single address.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let (bits, version_4) = bits(address)?;
        let width = if version_4 { 32 } else { 128 };
        let length = length.unwrap_or(width);
        if length > width {
            return None;
        }
        // A shift by all bits would be an overflow: no host bits, or only those.
        let hosts = 1_u128.checked_shl(width - length).map_or(u128::MAX, |size| size - 1);
        Some(Self { network: bits & !hosts, mask: !hosts, version_4 })
    }

    /// Whether `text` is an address in this block.
    pub(crate) fn contains(&self, text: &str) -> bool {
        bits(text).is_some_and(|(bits, version_4)| {
            version_4 == self.version_4 && bits & self.mask == self.network
        })
    }
}

fn bits(address: &str) -> Option<(u128, bool)> {
    match address.parse().ok()? {
        IpAddr::V4(address) => Some((u128::from(u32::from(address)), true)),
        IpAddr::V6(address) => Some((u128::from(address), false)),
    }
}
