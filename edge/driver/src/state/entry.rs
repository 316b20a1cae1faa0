//! What a node holds.

use longshore_machine::Ids;
use longshore_wire_mesos::Message;

use super::{ENTRY_BYTES_MAX, StateError};

/// Source: Mesos, `mesos.internal.state.Entry`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Entry {
    #[prost(string, required, tag = "1")]
    pub(super) name: String,
    /// Another one with each value.
    #[prost(bytes = "vec", required, tag = "2")]
    pub(super) uuid: Vec<u8>,
    #[prost(bytes = "vec", required, tag = "3")]
    pub(super) value: Vec<u8>,
}

impl Entry {
    /// What a node of this name holds; `None` if it is no entry of Mesos's.
    pub(super) fn read(name: &str, data: &[u8]) -> Option<Self> {
        let entry = Self::decode(data).ok()?;
        (entry.name == name && entry.uuid.len() == VERSION_BYTES).then_some(entry)
    }

    /// The same name with a value that was never stored before.
    fn next(self) -> Self {
        Self { uuid: version(), ..self }
    }
}

/// Bytes of a version.
const VERSION_BYTES: usize = 16;
/// Bytes of a name, or of a part of a path. Source: chosen by us: far from what would make a message too large.
pub(super) const NAME_BYTES_MAX: usize = 1_000;

fn version() -> Vec<u8> {
    Ids::new(longshore_server::seed()).uuid_bytes("entry").to_vec()
}

/// A value as it was when it was read, or as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// With the version that was read.
    pub(super) entry: Entry,
}

impl Variable {
    /// What stands for a name that was never stored.
    pub(super) fn absent(name: String) -> Self {
        Self { entry: Entry { name, uuid: version(), value: Vec::new() } }
    }

    /// The name by which it is found.
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// The value; empty if there is none yet.
    pub fn value(&self) -> &[u8] {
        &self.entry.value
    }

    /// The same variable with another value, which can be stored as long as nobody else stored one.
    pub fn mutate(&self, value: Vec<u8>) -> Self {
        let (name, uuid) = (self.entry.name.clone(), self.entry.uuid.clone());
        Self { entry: Entry { name, uuid, value } }
    }
}

/// A variable on its way into the store.
#[derive(Debug)]
pub(super) struct Change {
    /// The version that it replaces.
    pub(super) before: Vec<u8>,
    pub(super) after: Variable,
    pub(super) bytes: Vec<u8>,
}

impl Change {
    /// # Errors
    /// That it is too large.
    pub(super) fn new(variable: Variable) -> Result<Self, StateError> {
        let before = variable.entry.uuid.clone();
        let entry = variable.entry.next();
        let bytes = entry.encode_to_vec();
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(StateError::TooLarge { name: entry.name, bytes: bytes.len() });
        }
        Ok(Self { before, after: Variable { entry }, bytes })
    }
}

/// Whether a node of that name can be.
pub(super) fn checked(name: &str) -> Result<(), StateError> {
    let is_node = (1..=NAME_BYTES_MAX).contains(&name.len())
        && !matches!(name, "." | "..")
        && !name.contains(|character: char| character == '/' || character.is_control());
    if is_node { Ok(()) } else { Err(StateError::BadName(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_what_mesos_writes() {
        let entry = Entry { name: "J_a".to_owned(), uuid: vec![7; 16], value: b"v".to_vec() };
        let mut wanted = vec![0x0a, 3, b'J', b'_', b'a', 0x12, 16];
        wanted.extend([7; 16]);
        wanted.extend([0x1a, 1, b'v']);
        assert_eq!(entry.encode_to_vec(), wanted);
        assert_eq!(Entry::read("J_a", &wanted), Some(entry));
        for (name, data) in [("J_b", &*wanted), ("J_a", b""), ("", b""), ("J_a", b"\xff")] {
            assert_eq!(Entry::read(name, data), None);
        }
    }

    #[test]
    fn a_change_has_a_version_of_its_own() {
        let absent = Variable::absent("a".to_owned());
        let changed = absent.mutate(b"1".to_vec());
        let first = Change::new(changed.clone()).expect("it is small");
        let second = Change::new(changed).expect("it is small");
        assert_eq!(first.before, absent.entry.uuid);
        assert_ne!(first.after.entry.uuid, first.before);
        assert_ne!(first.after.entry.uuid, second.after.entry.uuid);
        assert_eq!((first.after.name(), first.after.value()), ("a", &b"1"[..]));
    }

    #[test]
    fn what_zookeeper_would_not_take_is_refused_before() {
        let large = Variable::absent("a".to_owned()).mutate(vec![0; ENTRY_BYTES_MAX]);
        let why = Change::new(large).expect_err("it is too large").to_string();
        assert!(why.contains("1044505 bytes") && why.contains("1044480"), "{why}");
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        for name in ["", "a/b", ".", "..", "a\0", "a\n", &long] {
            assert_eq!(checked(name), Err(StateError::BadName(name.to_owned())));
        }
        for name in ["a", "J_nightly job", "a.b", "é"] {
            assert_eq!(checked(name), Ok(()));
        }
    }
}
