//! RecordIO, the framing of event streams: the length of a record in decimal digits, a line feed, the record.
//!
//! Source: Apache Mesos, *Scheduler HTTP API*, RecordIO response format.

/// A record with its frame, in one piece: some clients lose what follows the first record of a chunk, or a
/// record that is split.
pub fn frame(record: &[u8]) -> Vec<u8> {
    let mut framed = format!("{}\n", record.len()).into_bytes();
    framed.extend_from_slice(record);
    framed
}

/// The longest record that [`Reader`] takes, in bytes. Chosen by us: far above the largest offer.
pub const RECORD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Digits of a length: as many as a number of 64 bits has.
const DIGITS_MAX: usize = 20;

/// Takes records out of bytes as they arrive, however they are cut.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
}

/// The stream is not RecordIO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the stream is not RecordIO: a record must begin with its length in decimal digits and a line feed"
)]
pub struct NotRecordIo;

impl Reader {
    /// Adds bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next record, once it is whole.
    ///
    /// # Errors
    /// When what arrived cannot be a frame.
    pub fn next_record(&mut self) -> Result<Option<Vec<u8>>, NotRecordIo> {
        let end = self.buffer.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match self.buffer.get(end) {
            // However the bytes are cut: more digits than any length has are none.
            _ if end > DIGITS_MAX => return Err(NotRecordIo),
            None => return Ok(None),
            Some(b'\n') if end > 0 => {}
            Some(_) => return Err(NotRecordIo),
        }
        let digits = std::str::from_utf8(&self.buffer[..end]).map_err(|_| NotRecordIo)?;
        let length: usize = digits.parse().map_err(|_| NotRecordIo)?;
        if length > RECORD_BYTES_MAX {
            return Err(NotRecordIo);
        }
        if self.buffer.len() < end + 1 + length {
            return Ok(None);
        }
        let record = self.buffer[end + 1..=end + length].to_vec();
        self.buffer.drain(..=end + length);
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// \[H10\]
    #[test]
    fn records_come_out_however_the_bytes_are_cut() {
        let bytes = [frame(b"{}"), frame(b""), frame("\u{e9}\n12\n".as_bytes())].concat();
        for step in 1..bytes.len() {
            let (mut reader, mut records) = (Reader::default(), Vec::new());
            for piece in bytes.chunks(step) {
                reader.push(piece);
                while let Some(record) = reader.next_record().expect("the frames are good") {
                    records.push(record);
                }
            }
            assert_eq!(records, [b"{}".to_vec(), Vec::new(), "\u{e9}\n12\n".into()], "{step}");
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        let longest = "1".repeat(24);
        for bytes in
            ["x\n", "-1\n", "+1\na", " 1\na", "1 \na", "\n", "000000000000000000001\na", &longest]
        {
            for step in 1..=bytes.len() {
                let mut reader = Reader::default();
                let read = bytes.as_bytes().chunks(step).find_map(|piece| {
                    reader.push(piece);
                    reader.next_record().transpose()
                });
                assert_eq!(read, Some(Err(NotRecordIo)), "{bytes} in pieces of {step}");
            }
        }
    }
}
