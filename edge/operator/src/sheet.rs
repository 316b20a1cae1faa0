//! JSON, written member by member and passed on in chunks.

use std::io::{self, Write};

use longshore_wire_mesos::{Message, json};

/// About how large a chunk is.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// What is being written. Commas come by themselves.
///
/// The first error of the reader is kept and everything after it is dropped, so that only the end has to look; loops over much stop
/// early through [`Sheet::is_broken`].
pub(crate) struct Sheet<'w> {
    out: &'w mut dyn Write,
    chunk: Vec<u8>,
    /// Whether something stands before, so that what comes next is behind a comma.
    follows: bool,
    result: io::Result<()>,
}

impl<'w> Sheet<'w> {
    pub(crate) fn new(out: &'w mut dyn Write) -> Self {
        let chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 8);
        Self { out, chunk, follows: false, result: Ok(()) }
    }

    /// Passes on what is left.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.pass_on();
        self.result
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.result.is_err()
    }

    fn pass_on(&mut self) {
        if self.result.is_ok() {
            self.result = self.out.write_all(&self.chunk);
        }
        self.chunk.clear();
    }

    fn before_value(&mut self) {
        if std::mem::replace(&mut self.follows, true) {
            self.chunk.push(b',');
        }
    }

    fn after_value(&mut self) {
        if self.chunk.len() >= CHUNK_BYTES {
            self.pass_on();
        }
    }

    /// Text that is no JSON, such as what stands around it.
    pub(crate) fn raw(&mut self, text: &str) {
        self.chunk.extend_from_slice(text.as_bytes());
        self.after_value();
    }

    pub(crate) fn key(&mut self, name: &str) {
        self.before_value();
        json_text(name, &mut self.chunk);
        self.chunk.push(b':');
        self.follows = false;
    }

    pub(crate) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.within(b'{', b'}', members);
    }

    pub(crate) fn list(&mut self, elements: impl FnOnce(&mut Self)) {
        self.within(b'[', b']', elements);
    }

    fn within(&mut self, open: u8, close: u8, inner: impl FnOnce(&mut Self)) {
        self.before_value();
        self.chunk.push(open);
        self.follows = false;
        inner(self);
        self.chunk.push(close);
        self.follows = true;
        self.after_value();
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.before_value();
        json_text(text, &mut self.chunk);
        self.after_value();
    }

    /// Source: Mesos writes doubles with a fraction always: `4.0`.
    pub(crate) fn decimal(&mut self, number: f64) {
        self.before_value();
        serde_json::to_writer(&mut self.chunk, &number).expect("numbers can be written");
    }

    pub(crate) fn whole(&mut self, number: u64) {
        self.before_value();
        serde_json::to_writer(&mut self.chunk, &number).expect("numbers can be written");
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.before_value();
        self.chunk.extend_from_slice(if flag { b"true" } else { b"false" });
    }

    /// A message whose full name is `name`, in Mesos's JSON.
    pub(crate) fn message<M: Message>(&mut self, name: &str, message: &M) {
        self.before_value();
        json::write(name, message, &mut self.chunk);
        self.after_value();
    }

    /// The same with members sorted by name. Source: a few old pages are written from a map.
    pub(crate) fn sorted<M: Message>(&mut self, name: &str, message: &M) {
        self.before_value();
        self.chunk.extend_from_slice(json::to_value(name, message).to_string().as_bytes());
        self.after_value();
    }

    /// A member that is text.
    pub(crate) fn says(&mut self, name: &str, text: &str) {
        self.key(name);
        self.text(text);
    }

    /// A member that is a number with a fraction.
    pub(crate) fn measures(&mut self, name: &str, number: f64) {
        self.key(name);
        self.decimal(number);
    }

    /// A member that is true or false.
    pub(crate) fn flags(&mut self, name: &str, flag: bool) {
        self.key(name);
        self.flag(flag);
    }

    /// A member that is a list.
    pub(crate) fn lists(&mut self, name: &str, elements: impl FnOnce(&mut Self)) {
        self.key(name);
        self.list(elements);
    }

    /// A member that is an object.
    pub(crate) fn holds(&mut self, name: &str, members: impl FnOnce(&mut Self)) {
        self.key(name);
        self.object(members);
    }
}

/// Most text stands for itself, and is copied.
fn json_text(text: &str, out: &mut Vec<u8>) {
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        serde_json::to_writer(out, text).expect("text can be written");
    } else {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes chunks until it has had enough.
    struct Reader {
        chunks: Vec<usize>,
        patience: usize,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.chunks.len() == self.patience {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.chunks.push(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn much(reader: &mut Reader) -> (bool, io::Result<()>) {
        let mut sheet = Sheet::new(reader);
        sheet.list(|sheet| (0..100_000).for_each(|number| sheet.text(&format!("{number:010}"))));
        (sheet.is_broken(), sheet.finish())
    }

    #[test]
    fn what_is_large_goes_out_in_chunks() {
        let mut reader = Reader { chunks: Vec::new(), patience: usize::MAX };
        assert!(much(&mut reader).1.is_ok());
        assert!(reader.chunks.len() > 15);
        assert!(reader.chunks.iter().all(|bytes| *bytes < CHUNK_BYTES + 100));
    }

    #[test]
    fn a_reader_that_left_is_noticed() {
        let mut reader = Reader { chunks: Vec::new(), patience: 1 };
        let (is_broken, result) = much(&mut reader);
        assert!(is_broken && result.is_err());
    }

    #[test]
    fn commas_stand_between_and_nowhere_else() {
        let mut out = Vec::new();
        let mut sheet = Sheet::new(&mut out);
        sheet.object(|sheet| {
            sheet.lists("a", |_| {});
            sheet.lists("b", |sheet| {
                sheet.whole(1);
                sheet.decimal(4.0);
                sheet.object(|_| {});
            });
            sheet.says("c", "\"");
        });
        sheet.finish().expect("it is written");
        assert_eq!(out, br#"{"a":[],"b":[1,4.0,{}],"c":"\""}"#);
    }
}
