//! The event feed, in pieces: the first byte determines their size.
//!
//! However the bytes are split, the same frames come out; and a frame survives a round trip.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_wire_ecs::feed::{Frame, Reader, write_event};

/// The frames of `bytes`, and whether they end in something invalid.
fn frames(bytes: &[u8], step: usize) -> (Vec<Frame>, bool) {
    let (mut reader, mut frames) = (Reader::default(), Vec::new());
    for piece in bytes.chunks(step) {
        reader.push(piece);
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}

fuzz_target!(|data: &[u8]| {
    let Some((step, bytes)) = data.split_first() else { return };
    let whole = frames(bytes, bytes.len().max(1));
    assert_eq!(frames(bytes, usize::from(*step).max(1)), whole);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let plain = text.replace(['\n', '\r'], " ");
        // A frame without data is not a frame.
        if plain.is_empty() {
            return;
        }
        let mut written = Vec::new();
        write_event("id", &plain, &plain, &mut written);
        let (read, broken) = frames(&written, written.len());
        assert!(!broken && read.len() == 1, "{read:?}");
        assert_eq!((&read[0].kind, &read[0].data), (&plain, &plain));
    }
});
