//! What a fetcher may still use: bytes, files and time.

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use super::limits::{BYTES_MAX, ENTRIES_MAX, ENTRY_READ_BYTES, TIME_MAX};
use super::meter::Meter;
use crate::supervise::has_room;

/// Bytes between two looks at the disk. Chosen by us.
const LOOK_BYTES: u64 = 16 * 1024 * 1024;

/// Size of the buffer that files are copied with.
const COPY_BYTES: usize = 64 * 1024;

/// What may still be used.
#[derive(Debug)]
pub(super) struct Room {
    bytes: u64,
    entries: u32,
    until: Instant,
    /// What may still come out of archives.
    unpacked: Meter,
    since_looked: u64,
}

impl Room {
    pub(super) fn new() -> Self {
        Self::of(BYTES_MAX, ENTRIES_MAX)
    }

    pub(super) fn of(bytes: u64, entries: u32) -> Self {
        Self::until(Instant::now() + TIME_MAX, bytes, entries)
    }

    pub(super) fn until(until: Instant, bytes: u64, entries: u32) -> Self {
        let unpacked = bytes.saturating_add(u64::from(entries) * ENTRY_READ_BYTES);
        let unpacked = Meter::new(until, unpacked);
        Self { bytes, entries, until, unpacked, since_looked: LOOK_BYTES }
    }

    /// For what comes out of archives, written or not.
    pub(super) fn unpacked(&self) -> Meter {
        self.unpacked.clone()
    }

    /// For what goes into that, which was counted when it was fetched: only the time is bounded.
    pub(super) fn packed(&self) -> Meter {
        Meter::new(self.until, u64::MAX)
    }

    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// One more file, directory or link.
    ///
    /// # Errors
    /// That it is one too many.
    pub(super) fn entry(&mut self) -> io::Result<()> {
        self.entries = self.entries.checked_sub(1).ok_or_else(|| {
            io::Error::other(format!("a task can have at most {ENTRIES_MAX} files fetched"))
        })?;
        Ok(())
    }

    /// Some more bytes in a file.
    ///
    /// # Errors
    /// That they are too many, that the disk is nearly full, or that it takes too long.
    pub(super) fn take(&mut self, count: usize, file: &File) -> io::Result<()> {
        let count = count as u64;
        self.bytes = self.bytes.checked_sub(count).ok_or_else(|| {
            io::Error::other(format!(
                "a task can have at most {BYTES_MAX} bytes fetched, unpacked ones included"
            ))
        })?;
        self.since_looked += count;
        if self.since_looked >= LOOK_BYTES {
            self.since_looked = 0;
            if !has_room(file) {
                return Err(io::Error::other("the disk is nearly full"));
            }
        }
        self.unpacked.check_time()
    }

    /// Copies the rest of a reader.
    ///
    /// # Errors
    /// That it cannot be read or written, or that there is no room.
    pub(super) fn copy(&mut self, from: &mut dyn Read, into: &mut File) -> io::Result<()> {
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.take(count, into)?;
            into.write_all(&buffer[..count])?;
        }
    }
}
