//! RecordIO, in pieces: the first byte determines their size.
//!
//! However the bytes are split, the records are those of a trivial parser that reads everything at
//! once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_wire_mesos::recordio::{RECORD_BYTES_MAX, Reader, frame};

/// The records of `bytes`, and whether they end in something invalid.
fn reference(mut bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut records = Vec::new();
    loop {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let length = match bytes.get(digits) {
            // That many digits are always out of range.
            _ if digits > 20 => return (records, true),
            None => return (records, false),
            Some(b'\n') if digits > 0 => std::str::from_utf8(&bytes[..digits])
                .expect("these are digits")
                .parse::<u128>()
                .expect("20 digits fit"),
            Some(_) => return (records, true),
        };
        let Some(length) =
            usize::try_from(length).ok().filter(|length| *length <= RECORD_BYTES_MAX)
        else {
            return (records, true);
        };
        let Some(record) = bytes.get(digits + 1..digits + 1 + length) else {
            return (records, false);
        };
        records.push(record.to_vec());
        bytes = &bytes[digits + 1 + length..];
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((step, bytes)) = data.split_first() else { return };
    let (mut reader, mut records, mut broken) = (Reader::default(), Vec::new(), false);
    'pieces: for piece in bytes.chunks(usize::from(*step).max(1)) {
        reader.push(piece);
        loop {
            match reader.next_record() {
                Ok(Some(record)) => records.push(record),
                Ok(None) => break,
                Err(_) => {
                    broken = true;
                    break 'pieces;
                }
            }
        }
    }
    assert_eq!((records, broken), reference(bytes));
    let mut reader = Reader::default();
    reader.push(&frame(bytes));
    assert_eq!(reader.next_record(), Ok(Some(bytes.to_vec())));
});
