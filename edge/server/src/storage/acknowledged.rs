//! The number of acknowledged commits, stored next to the database.
//!
//! `SQLite` checks whether each commit in its write-ahead log is complete, and drops the first that
//! is not and all that follow it. A truncated log therefore yields an earlier, consistent state,
//! without any sign of what is missing. The database counts its commits; the same number is written
//! to a separate file before a commit is acknowledged. When the database is behind the file, that
//! many acknowledged commits are lost.
//!
//! The file is not synced: after a power failure it may be behind, which is harmless, but it is
//! never ahead of what was acknowledged.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use longshore_agent::files::Folder;
use longshore_machine::Timestamp;
use rusqlite::Connection;

use crate::clock::wall;

/// The name of the file.
pub(super) const FILE: &str = "longshore.commits";
/// Size of the file in bytes, constant from the start: a full disk cannot prevent writing it.
const BYTES: usize = 64;

/// The number of acknowledged commits.
#[derive(Debug)]
pub(super) struct Acknowledged {
    file: File,
    count: u64,
}

impl Acknowledged {
    /// Compares the database with the acknowledged count, and reports lost commits.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub(super) fn open(folder: &Folder, connection: &Connection) -> io::Result<Self> {
        let number = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let count = connection.query_row("SELECT number FROM commits", [], number);
        let count = u64::try_from(count.map_err(io::Error::other)?).unwrap_or(0);
        let file = folder.open_or_create(FILE)?;
        let mut text = [0; BYTES];
        let read = file.read_at(&mut text, 0)?;
        if let Some((acknowledged, at)) = parse(&text[..read])
            && let Some(missing) = acknowledged.checked_sub(count).filter(|missing| *missing > 0)
        {
            let path = folder.path().display();
            let newest = at.iso();
            tracing::warn!(%path, missing, newest, "the last {missing} acknowledged commits are not in the database: its write-ahead log was truncated or removed, or it was replaced by an older copy. It starts with all commits before them");
        }
        let own = Self { file, count };
        own.write()?;
        Ok(own)
    }

    /// Counts a commit that is on disk.
    pub(super) fn add(&mut self) {
        self.count += 1;
        // The space exists; if the disk fails altogether, so does the next commit.
        let _ = self.write();
    }

    fn write(&self) -> io::Result<()> {
        let text = format!("{} {}", self.count, wall().millis());
        let line = format!("{text:<width$}\n", width = BYTES - 1);
        self.file.write_all_at(line.as_bytes(), 0)
    }
}

/// Counts a commit, within its transaction.
pub(super) fn count(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("UPDATE commits SET number = number + 1")?;
    statement.execute([]).map(drop)
}

/// The count, and when it was written.
fn parse(text: &[u8]) -> Option<(u64, Timestamp)> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
    let (count, at) = text.trim_end().split_once(' ')?;
    Some((count.parse().ok()?, Timestamp::from_millis(at.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_back_and_rubbish_is_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = Folder::open(directory.path()).expect("it opens");
        let file = folder.open_or_create(FILE).expect("it can be made");
        let mut own = Acknowledged { file, count: 41 };
        own.add();
        let text = folder.read(FILE, BYTES).expect("it is there");
        assert_eq!((text.len(), parse(&text).map(|(count, _)| count)), (BYTES, Some(42)));
        for rubbish in ["", "42", "42 1", "x 1\n", "42 x\n"] {
            assert_eq!(parse(rubbish.as_bytes()), None, "{rubbish:?}");
        }
    }
}
