//! The Query protocol of older AWS services: a form whose keys are paths, such as `Parameters.member.1.ParameterKey`, and XML.
//!
//! Shared by SQS, CloudFormation and EC2. What a form means is up to the service. Invariant: a tree is as deep and as large as the
//! limits here allow, whatever is sent. Source: SQS developer guide, *Making Query API requests*.

mod fault;
pub mod xml;

pub use fault::Fault;

use std::collections::BTreeMap;

/// Fields of a form. Source: chosen by us; a batch of ten messages with ten attributes each has under 400, and the description of
/// 1,000 instances 1,002.
const FIELDS_MAX: usize = 2_000;
/// Parts of a key. Source: chosen by us; `SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue` has 6.
const DEPTH_MAX: usize = 10;

/// Why a form cannot be read, to follow a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// A form as a tree along the dots of its keys.
#[derive(Debug, Default)]
pub struct Node {
    /// What the key that ends here has.
    pub value: Option<String>,
    /// Keys that go on, by their next part.
    pub children: BTreeMap<String, Node>,
}

impl Node {
    /// Reads a form. Parts of a key that say no more than that a list follows (`member`, `entry`) are left out.
    ///
    /// # Errors
    /// That it has too many fields or too long keys, is wrongly encoded, or is no UTF-8.
    pub fn read(form: &str) -> Result<Self, Malformed> {
        let mut root = Self::default();
        for (count, field) in form.split('&').filter(|field| !field.is_empty()).enumerate() {
            let (key, value) = field.split_once('=').unwrap_or((field, ""));
            let (key, value) = (decode(key)?, decode(value)?);
            if count >= FIELDS_MAX || key.split('.').count() > DEPTH_MAX {
                return Err(Malformed("the form has too many fields"));
            }
            let path = key.split('.').filter(|part| !matches!(*part, "member" | "entry"));
            if root.put(path, value).is_some() {
                return Err(Malformed("a field is there twice"));
            }
        }
        Ok(root)
    }

    /// Puts a value, and gives that which was there.
    fn put<'a>(&mut self, path: impl Iterator<Item = &'a str>, value: String) -> Option<String> {
        let mut node = self;
        for part in path {
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.value.replace(value)
    }

    /// The text of a field.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.children.get(name)?.value.as_deref()
    }

    /// Whether these fields hold a text each, and no members.
    ///
    /// # Errors
    /// The first that does not.
    pub fn are_texts<'a>(&self, names: &[&'a str]) -> Result<(), &'a str> {
        let is_more =
            |name: &&&str| self.children.get(**name).is_some_and(|node| !node.children.is_empty());
        names.iter().find(is_more).map_or(Ok(()), |name| Err(*name))
    }

    /// Whether these fields hold numbered entries, from 1 on, and nothing else. An empty list may be written as an empty text.
    ///
    /// # Errors
    /// The first that does not.
    pub fn are_lists<'a>(&self, names: &[&'a str]) -> Result<(), &'a str> {
        let is_number = |key: &String| {
            key.parse().is_ok_and(|number: usize| {
                (1..=FIELDS_MAX).contains(&number) && number.to_string() == *key
            })
        };
        let is_no_list = |name: &&&str| {
            self.children.get(**name).is_some_and(|node| {
                let is_text = node.value.as_ref().is_some_and(|text| !text.is_empty());
                is_text || !node.children.keys().all(is_number)
            })
        };
        names.iter().find(is_no_list).map_or(Ok(()), |name| Err(*name))
    }

    /// The entries in the order of their numbers.
    pub fn entries(&self) -> Vec<&Node> {
        let mut entries: Vec<(u32, &Node)> = self
            .children
            .iter()
            .filter_map(|(number, node)| Some((number.parse().ok()?, node)))
            .collect();
        entries.sort_by_key(|(number, _)| *number);
        entries.into_iter().map(|(_, node)| node).collect()
    }
}

/// Undoes the encoding of forms.
fn decode(text: &str) -> Result<String, Malformed> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(Malformed("a % must be followed by two hexadecimal digits"));
                };
                u8::try_from(high * 16 + low).unwrap_or_default()
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| Malformed("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_paths_and_entries_come_in_the_order_of_their_numbers() {
        let form =
            Node::read("Action=A&L.member.10=c&L.member.2=b+%26").expect("it is well formed");
        assert_eq!(form.text("Action"), Some("A"));
        let list: Vec<_> =
            form.children["L"].entries().iter().map(|one| one.value.clone()).collect();
        assert_eq!(list, [Some("b &".to_owned()), Some("c".to_owned())]);
    }

    #[test]
    fn what_is_too_much_or_wrongly_encoded_is_refused() {
        let fields = |count| (0..count).map(|number| format!("a{number}=1&")).collect::<String>();
        assert!(Node::read(&fields(FIELDS_MAX)).is_ok());
        assert!(Node::read(&fields(FIELDS_MAX + 1)).is_err());
        assert!(Node::read(&"a.".repeat(DEPTH_MAX + 1)).is_err());
        assert!(Node::read("a=%4").is_err() && Node::read("a=%ff").is_err());
        assert!(Node::read("a=1&a=2").is_err() && Node::read("l.member.1=a&l.1=b").is_err());
    }

    #[test]
    fn a_field_is_a_text_or_a_list() {
        let form = Node::read("t=1&l.1=a&x.y=b&n.99999999999=c&z.01=d&e=").expect("it is a form");
        assert_eq!(
            (form.are_texts(&["t", "none"]), form.are_texts(&["t", "l"])),
            (Ok(()), Err("l"))
        );
        assert_eq!(form.are_lists(&["l", "e", "none"]), Ok(()));
        for wrong in ["t", "x", "n", "z"] {
            assert_eq!(form.are_lists(&[wrong]), Err(wrong));
        }
    }
}
