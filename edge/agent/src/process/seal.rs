//! Authenticated records.
//!
//! A task that runs as our own user can write wherever we can. It must not be able to impersonate
//! another process or fake its exit code. So each record of a container carries a code that only
//! the container's key can produce, and the key is kept apart from the records. The code is HMAC
//! (RFC 2104) with SHA-256.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Size of a key in bytes.
pub const KEY_BYTES: usize = 32;

/// A secret key that seals records.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; KEY_BYTES]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// Generates a new key from the system's randomness.
    pub fn random() -> Self {
        let mut key = [0; KEY_BYTES];
        // A key is short enough to be read in one call, which blocks only right after boot.
        rustix::rand::getrandom(&mut key, rustix::rand::GetRandomFlags::empty())
            .expect("the kernel has randomness");
        Self(key)
    }

    /// The key that has these bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes of the key.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// A key for one purpose, which reveals nothing about this one.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Self {
        Self(self.mac(&["key", purpose]).finalize().into_bytes().into())
    }

    fn mac(&self, parts: &[&str]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(&part.len().to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }

    /// Formats the record `text` of a kind as a line with its code.
    pub(crate) fn seal(&self, kind: &str, text: &str) -> String {
        let code: [u8; 32] = self.mac(&[kind, text]).finalize().into_bytes().into();
        let mut line = format!("{text} ");
        for byte in code {
            // Writing to a string cannot fail.
            let _ = write!(line, "{byte:02x}");
        }
        line.push('\n');
        line
    }

    /// The text of a record of a kind; `None` if it is incomplete or not authentic.
    pub(crate) fn open<'l>(&self, kind: &str, line: &'l [u8]) -> Option<&'l str> {
        let line = std::str::from_utf8(line).ok()?.split_once('\n')?.0;
        let (text, digits) = line.rsplit_once(' ')?;
        let code: Option<Vec<u8>> = (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
            .collect();
        self.mac(&[kind, text]).verify_slice(&code?).ok()?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_a_changed_one_is_not() {
        let key = Key::random().derive("task container");
        let line = key.seal("exit", "7");
        assert_eq!(key.open("exit", line.as_bytes()), Some("7"));
        assert_eq!(key.open("pid", line.as_bytes()), None, "of another kind");
        assert_eq!(key.open("exit", line.replacen('7', "0", 1).as_bytes()), None);
        assert_eq!(key.open("exit", line.trim_end().as_bytes()), None, "not whole");
        assert_eq!(Key::random().open("exit", line.as_bytes()), None, "of another key");
        for rubbish in ["", "\n", "0\n", "0 \n", "0 é\n", "0 zz\n"] {
            assert_eq!(key.open("exit", rubbish.as_bytes()), None, "{rubbish:?}");
        }
    }

    #[test]
    fn keys_for_different_purposes_differ() {
        let key = Key::from_bytes([7; KEY_BYTES]);
        assert_ne!(key.derive("a"), key.derive("b"));
        assert_eq!(key.derive("a"), Key::from_bytes([7; KEY_BYTES]).derive("a"));
        assert_eq!(format!("{key:?}"), "Key(..)");
    }
}
