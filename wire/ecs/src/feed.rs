//! The feed of events: server-sent events, as a browser's `EventSource` reads them.
//!
//! Ours and not AWS's, for people and small programs; programs that must not miss an event have a queue. A frame is a few lines
//! and an empty one: `id` has the id of the event, `event` its detail type, `data` the whole event as one line of JSON. A reader
//! that was too slow gets a frame of the type [`MISSED`]; lines that begin with a colon say that the feed is alive. Source of the
//! format: WHATWG HTML, *Server-sent events*.

/// The media type.
pub const MEDIA: &str = "text/event-stream";
/// The type of the frame that says how many events a reader has missed, in `{"missed":N}`. No detail type looks like it.
pub const MISSED: &str = "longshore.missed";
/// A line that says nothing: the feed is alive.
pub const ALIVE: &str = ": alive\n\n";

/// Writes a frame to the end of `out`. A line break in a type would end its line, and is written as a space; in JSON it stands
/// between words only, where a space means the same.
pub fn write_event(id: &str, kind: &str, json: &str, out: &mut Vec<u8>) {
    for (name, value) in [("id", id), ("event", kind), ("data", json)] {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        let is_break = |byte: u8| matches!(byte, b'\n' | b'\r');
        out.extend(value.bytes().map(|byte| if is_break(byte) { b' ' } else { byte }));
        out.push(b'\n');
    }
    out.push(b'\n');
}

/// Writes that `count` events were missed.
pub fn write_missed(count: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("event: {MISSED}\ndata: {{\"missed\":{count}}}\n\n").as_bytes());
}

/// The longest line that [`Reader`] takes, in bytes. Chosen by us: an event of 1 MiB whose JSON is all escapes, and some.
pub const LINE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A frame as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// `event`; empty if it was not said.
    pub kind: String,
    /// `data`.
    pub data: String,
}

/// Takes frames out of bytes as they arrive, however they are cut.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// Up to here the buffer holds no line break.
    searched: usize,
    frame: Frame,
}

/// The stream is no feed of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream is no feed of events: a line is longer than any event, or is no text")]
pub struct NotAFeed;

impl Reader {
    /// Adds bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, once it is whole. Frames without `data` are passed over.
    ///
    /// # Errors
    /// When what arrived cannot be a feed.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, NotAFeed> {
        let mut begin = 0;
        let mut found = None;
        while found.is_none()
            && let Some(end) = self.line_end(begin)
        {
            let line = std::str::from_utf8(&self.buffer[begin..end]).map_err(|_| NotAFeed)?;
            let line = line.strip_suffix('\r').unwrap_or(line);
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "event" => value.clone_into(&mut self.frame.kind),
                "data" => self.frame.data.push_str(value),
                _ if line.is_empty() => {
                    let frame = std::mem::take(&mut self.frame);
                    found = Some(frame).filter(|frame| !frame.data.is_empty());
                }
                // A comment, an id, or what is of no use here.
                _ => {}
            }
            begin = end + 1;
            self.searched = begin;
        }
        self.buffer.drain(..begin);
        self.searched -= begin;
        let waiting = self.buffer.len().max(self.frame.data.len());
        if found.is_none() && waiting > LINE_BYTES_MAX { Err(NotAFeed) } else { Ok(found) }
    }

    fn line_end(&mut self, begin: usize) -> Option<usize> {
        let from = self.searched.max(begin);
        let end = self.buffer[from..].iter().position(|byte| *byte == b'\n');
        self.searched = end.map_or(self.buffer.len(), |end| from + end);
        end.map(|end| from + end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], step: usize) -> Vec<Frame> {
        let (mut reader, mut frames) = (Reader::default(), Vec::new());
        for piece in bytes.chunks(step) {
            reader.push(piece);
            while let Some(frame) = reader.next_frame().expect("it is a feed") {
                frames.push(frame);
            }
        }
        frames
    }

    fn frame(kind: &str, data: &str) -> Frame {
        Frame { kind: kind.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn frames_come_out_however_the_bytes_are_cut() {
        let mut bytes = ALIVE.as_bytes().to_vec();
        write_event("1", "ECS Task State Change", r#"{"a":"é"}"#, &mut bytes);
        bytes.extend_from_slice(ALIVE.as_bytes());
        write_missed(7, &mut bytes);
        write_event("2", "b", "{}", &mut bytes);
        let expected = [
            frame("ECS Task State Change", r#"{"a":"é"}"#),
            frame(MISSED, r#"{"missed":7}"#),
            frame("b", "{}"),
        ];
        for step in 1..=bytes.len() {
            assert_eq!(read(&bytes, step), expected, "{step}");
        }
    }

    #[test]
    fn a_line_break_in_an_event_does_not_end_its_line() {
        let mut bytes = Vec::new();
        write_event("1", "a\r\n\ndata: forged", "{\n\"a\":1\r\n}", &mut bytes);
        assert_eq!(read(&bytes, 5), [frame("a   data: forged", "{ \"a\":1  }")]);
    }

    #[test]
    fn lines_may_end_as_in_other_servers() {
        let bytes = b"event:x\r\ndata: {\r\ndata: }\r\n\r\nretry: 5\r\n\r\n";
        assert_eq!(read(bytes, 3), [frame("x", "{}")]);
    }

    #[test]
    fn what_never_ends_or_is_no_text_is_no_feed() {
        let mut reader = Reader::default();
        reader.push(&vec![b'x'; LINE_BYTES_MAX]);
        assert_eq!(reader.next_frame(), Ok(None));
        reader.push(b"x");
        assert_eq!(reader.next_frame(), Err(NotAFeed));
        let mut reader = Reader::default();
        reader.push(b"data: \xff\n");
        assert_eq!(reader.next_frame(), Err(NotAFeed));
    }
}
