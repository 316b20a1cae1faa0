//! Text conditions beyond equality: wildcards, case-insensitive texts and IP address blocks.

use std::net::IpAddr;

/// A text in which `*` matches anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wildcard {
    /// The literals before, between and after the stars.
    pieces: Vec<String>,
}

/// An element of a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Token {
    Byte(u8),
    Star,
}

impl Wildcard {
    /// Parses a wildcard: `\*` is a literal star and `\\` a backslash.
    ///
    /// # Errors
    /// Worded as in AWS, with positions counted in bytes from the opening quote.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = vec![String::new()];
        let mut characters = text.char_indices();
        let mut after_star = false;
        while let Some((place, character)) = characters.next() {
            let literal = match character {
                '*' if after_star => {
                    return Err(format!("Consecutive wildcard characters at pos {place}"));
                }
                '*' => {
                    pieces.push(String::new());
                    after_star = true;
                    continue;
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('*' | '\\'))) => escaped,
                    _ => return Err(format!("Invalid escape character at pos {}", place + 1)),
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

    /// Bytes and stars, including the quotes around the text.
    pub(super) fn tokens(&self) -> Vec<Token> {
        let mut tokens = vec![Token::Byte(b'"')];
        for (place, piece) in self.pieces.iter().enumerate() {
            if place > 0 {
                tokens.push(Token::Star);
            }
            tokens.extend(piece.bytes().map(Token::Byte));
        }
        tokens.push(Token::Byte(b'"'));
        tokens
    }

    /// Whether `text` matches. Visits each byte once.
    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, rest @ ..] = self.pieces.as_slice() else { return false };
        let [middle @ .., last] = rest else { return text == first };
        let Some(mut text) = text.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            // The leftmost match leaves the most for what follows.
            let Some(at) = text.find(piece.as_str()) else { return false };
            text = &text[at + piece.len()..];
        }
        text.ends_with(last.as_str())
    }
}

/// Where a text must occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Whole,
    Start,
    End,
}

/// A case-insensitive text: the lower and upper form of each character. As in AWS the other text is
/// not folded: `ß` matches `ß` and `SS`, but not `ss`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folded {
    edge: Edge,
    forms: Vec<(String, String)>,
}

impl Folded {
    pub(super) fn new(edge: Edge, text: &str) -> Self {
        let forms = |character: char| {
            (character.to_lowercase().collect(), character.to_uppercase().collect())
        };
        Self { edge, forms: text.chars().map(forms).collect() }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let mut rest = text;
        if self.edge == Edge::End {
            let end = |(lower, upper): &(String, String)| {
                let shorter = rest.strip_suffix(&**lower).or_else(|| rest.strip_suffix(&**upper));
                shorter.inspect(|shorter| rest = shorter).is_some()
            };
            return self.forms.iter().rev().all(end);
        }
        let start = |(lower, upper): &(String, String)| {
            let shorter = rest.strip_prefix(&**lower).or_else(|| rest.strip_prefix(&**upper));
            shorter.inspect(|shorter| rest = shorter).is_some()
        };
        self.forms.iter().all(start) && (self.edge == Edge::Start || rest.is_empty())
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
    /// Parses `10.0.0.0/8` or `2001:db8::/32`.
    ///
    /// # Errors
    /// Worded as in AWS.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (address, length) = text
            .split_once('/')
            .filter(|(_, length)| !length.is_empty() && !length.contains('/'))
            .ok_or("Malformed CIDR, one '/' required")?;
        let length: i32 =
            length.parse().map_err(|_| "Malformed CIDR, mask bits must be an integer")?;
        let length =
            u32::try_from(length).map_err(|_| "Malformed CIDR, mask bits must not be negative")?;
        let address =
            Address::parse(address).ok_or_else(|| format!("Nonstandard IP address: {address}"))?;
        let width = address.width();
        if length >= width {
            let version = if address.version_4 { 4 } else { 6 };
            return Err(format!("IPv{version} mask bits must be < {width}"));
        }
        // Shifting by the full width overflows: all bits are host bits.
        let hosts = 1_u128.checked_shl(width - length).map_or(u128::MAX, |size| size - 1);
        let Address { bits, version_4 } = address;
        Ok(Self { network: bits & !hosts, mask: !hosts, version_4 })
    }

    /// A single address.
    pub(super) fn of(address: Address) -> Self {
        Self { network: address.bits, mask: u128::MAX, version_4: address.version_4 }
    }

    /// Whether an address is in this block.
    pub(super) fn contains(&self, address: Address) -> bool {
        address.version_4 == self.version_4 && address.bits & self.mask == self.network
    }
}

/// An IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    bits: u128,
    version_4: bool,
}

impl Address {
    pub(super) fn parse(text: &str) -> Option<Self> {
        // A quick check, since most texts are not addresses.
        if !text.starts_with(|first: char| first.is_ascii_hexdigit() || first == ':') {
            return None;
        }
        let (bits, version_4) = match text.parse().ok()? {
            IpAddr::V4(address) => (u128::from(u32::from(address)), true),
            IpAddr::V6(address) => (u128::from(address), false),
        };
        Some(Self { bits, version_4 })
    }

    fn width(&self) -> u32 {
        if self.version_4 { 32 } else { 128 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_whose_case_does_not_count_stands_for_both_forms_of_each_character() {
        for (edge, pattern, text, expected) in [
            (Edge::Whole, "Straße", "STRASSE", true),
            (Edge::Whole, "Straße", "straße", true),
            (Edge::Whole, "Straße", "strasse", false),
            // The kelvin sign is not a capital K.
            (Edge::Whole, "k", "\u{212a}", false),
            (Edge::Start, "aws.", "AWS.ecs", true),
            (Edge::Start, "aws.", "AW", false),
            (Edge::End, ".PNG", "image.png", true),
            (Edge::End, ".PNG", "image.pngx", false),
            (Edge::Whole, "", "", true),
            (Edge::Whole, "", "a", false),
        ] {
            assert_eq!(Folded::new(edge, pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_no_block_of_addresses_is_refused_in_the_words_of_aws() {
        for (text, why) in [
            ("10.0.0.1", "Malformed CIDR, one '/' required"),
            ("10.0.0.0/", "Malformed CIDR, one '/' required"),
            ("10.0.0.0/8/8", "Malformed CIDR, one '/' required"),
            ("10.0.0.0/x", "Malformed CIDR, mask bits must be an integer"),
            ("10.0.0.0/-1", "Malformed CIDR, mask bits must not be negative"),
            ("10.0.0.0/32", "IPv4 mask bits must be < 32"),
            ("::/128", "IPv6 mask bits must be < 128"),
            ("xx/8", "Nonstandard IP address: xx"),
        ] {
            assert_eq!(Cidr::parse(text), Err(why.to_owned()), "{text}");
        }
        assert!(Cidr::parse("::/0").is_ok());
    }
}
