//! The query of a URL, as Go reads it: `+` is a space, the first value of a name counts.

/// Names and values, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Parses what follows the question mark.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name, true), decode(value, true))
        });
        Self(pairs.collect())
    }

    /// The first value of a name, unless it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(one, _)| one == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether every name is one of these.
    pub fn knows_only(&self, names: &[&str]) -> bool {
        self.0.iter().all(|(name, _)| names.contains(&name.as_str()))
    }

    /// Whether a name is there more than once.
    pub fn repeats(&self) -> bool {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair[0] == pair[1])
    }
}

/// Decodes `%XX`, and `+` where it is a space. What is no escape stays as it is, as do bytes that are not UTF-8: replaced.
pub fn decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|one| char::from(*one).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
                continue;
            }
            (b'+', _, _) if plus_is_space => decoded.push(b' '),
            (other, _, _) => decoded.push(other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Encodes what is not a letter, a digit or one of `-_.~`.
pub fn encode(text: &str) -> String {
    let plain = |one: u8| one.is_ascii_alphanumeric() || b"-_.~".contains(&one);
    let one = |one: u8| {
        if plain(one) { char::from(one).to_string() } else { format!("%{one:02X}") }
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded_and_the_first_counts() {
        let query = Query::parse("a=1%3A2+3&b=&a=4&&c");
        assert_eq!((query.get("a"), query.get("b"), query.get("c")), (Some("1:2 3"), None, None));
        assert!(query.repeats() && query.knows_only(&["a", "b", "c"]) && !query.knows_only(&["a"]));
    }

    #[test]
    fn what_is_encoded_is_decoded_to_the_same() {
        for text in ["arn:aws:ecs:r:1:task/a b", "100%", "é&=+"] {
            assert_eq!(decode(&encode(text), true), text);
        }
        assert_eq!(decode("%zz%4", false), "%zz%4");
    }
}
