//! Captured output of a container, within limits.
//!
//! As with Docker's `json-file`, a file that reaches `max-size` is rotated, and the oldest of
//! `max-file` files is dropped. Nothing here fails: what cannot be kept is dropped and counted,
//! since a full disk must not block the command. The last bytes of the disk are left free for the
//! control plane.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::files::{Folder, Given, Identity, Ours};
use crate::process::directory::older;

/// Default size of an output file, in bytes. Chosen by us.
const FILE_BYTES: u64 = 10 * 1024 * 1024;

/// Default number of output files. Chosen by us.
const FILES: u32 = 10;

/// Maximum number of output files. Chosen by us: each rotation renames all of them.
const FILES_MAX: u32 = 1_000;

/// How long the last check of disk and file is trusted. Chosen by us.
const BELIEVED: Duration = Duration::from_secs(1);

/// Bytes that may be written before disk and file are checked again. Chosen by us.
const BELIEVED_BYTES: u64 = 1024 * 1024;

/// Bytes of disk space that output leaves free, or a twentieth of the disk if that is less. Chosen
/// by us: more than the control plane writes before somebody can react.
const LEFT_FREE_BYTES: u64 = 64 * 1024 * 1024;

/// Begins a file in place of one that had a second name or was another user's.
const REPLACED: &[u8] =
    b"[longshore: the file that was here had a second name or another owner, and was replaced]\n";

/// Output limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Bytes per file.
    pub(crate) file_bytes: u64,
    /// Number of files; 0 keeps nothing.
    pub(crate) files: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { file_bytes: FILE_BYTES, files: FILES }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file_bytes, self.files)
    }
}

impl Bounds {
    /// Keeps nothing.
    pub(crate) const NONE: Self = Self { file_bytes: 0, files: 0 };

    /// Parses the format of `Display`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (bytes, files) = text.split_once(':')?;
        Some(Self { file_bytes: bytes.parse().ok()?, files: files.parse().ok()? })
    }

    /// Parses the options of the log driver `json-file`. Source: Docker, *JSON File logging
    /// driver*.
    ///
    /// # Errors
    /// Which option is wrong, and what would be right.
    pub(crate) fn of_options(
        max_size: Option<&str>,
        max_file: Option<&str>,
    ) -> Result<Self, String> {
        let mut bounds = Self::default();
        if let Some(text) = max_size {
            bounds.file_bytes = size(text).ok_or_else(|| {
                format!("the log option max-size must be a number of bytes, optionally followed by k, m or g, not {text:?}")
            })?;
        }
        if let Some(text) = max_file {
            let files = text.parse().ok().filter(|files| (1..=FILES_MAX).contains(files));
            bounds.files = files.ok_or_else(|| {
                format!(
                    "the log option max-file must be a number from 1 to {FILES_MAX}, not {text:?}"
                )
            })?;
        }
        Ok(bounds)
    }
}

/// Parses a size in Docker's notation: a whole number of bytes, kibibytes, mebibytes or gibibytes.
fn size(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let (digits, unit) = match text.strip_suffix(['k', 'm', 'g']) {
        Some(digits) => (digits, text.bytes().next_back()?),
        None => (text.as_str(), b' '),
    };
    let shift = match unit {
        b'k' => 10,
        b'm' => 20,
        b'g' => 30,
        _ => 0,
    };
    let number: u64 = digits.parse().ok().filter(|number| *number > 0)?;
    number.checked_mul(1 << shift)
}

/// The output of one container.
#[derive(Debug)]
pub(super) struct Output<'f> {
    folder: &'f Folder,
    /// The newest file; older ones have suffixes.
    name: &'static str,
    /// Whose the files are, if not ours.
    owner: Option<(u32, u32)>,
    bounds: Bounds,
    open: Option<Open>,
    /// Bytes dropped since the last successful write.
    dropped: u64,
}

#[derive(Debug)]
struct Open {
    file: File,
    identity: Option<Identity>,
    bytes: u64,
    looked: Instant,
    since_looked: u64,
    has_room: bool,
}

impl<'f> Output<'f> {
    /// Opens the output file.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(super) fn open(
        folder: &'f Folder,
        name: &'static str,
        owner: Option<(u32, u32)>,
        bounds: Bounds,
    ) -> io::Result<Self> {
        let mut output = Self { folder, name, owner, bounds, open: None, dropped: 0 };
        if bounds.files > 0 {
            // A fetcher that ran before, as ourselves, has left its output there.
            output.open = Some(output.newest(Ours::Trusted)?);
        }
        Ok(output)
    }

    fn newest(&self, ours: Ours) -> io::Result<Open> {
        let mut given = match self.owner {
            Some(owner) => self.folder.append_for(self.name, owner, ours)?,
            None => Given { file: self.folder.append(self.name)?, is_replaced: false },
        };
        if given.is_replaced {
            // If the disk is full, the note is all that is lost.
            let _ = given.file.write_all(REPLACED);
        }
        Open::new(self.folder, self.name, given.file)
    }

    /// Keeps as much of the output as possible.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let count = bytes.len() as u64;
        if self.bounds.files == 0 {
            return;
        }
        if self.look(count) && self.keep(bytes) {
            return;
        }
        self.dropped += count;
    }

    /// Records what was lost at the end, if the disk has room by now.
    pub(super) fn finish(&mut self) {
        if self.dropped > 0 && self.look(BELIEVED_BYTES) {
            self.keep(b"");
        }
    }

    /// Whether there is a file with room for more.
    fn look(&mut self, count: u64) -> bool {
        if let Some(open) = &mut self.open {
            open.since_looked += count;
            if open.looked.elapsed() < BELIEVED && open.since_looked < BELIEVED_BYTES {
                return open.has_room;
            }
            if open.identity == self.folder.identity_of(self.name) {
                open.looked = Instant::now();
                open.since_looked = 0;
                open.has_room = has_room(&open.file);
                return open.has_room;
            }
        }
        // The file was moved away or could not be opened before: continue in a new one.
        self.open = self.newest(Ours::Doubted).ok();
        self.open.as_ref().is_some_and(|open| open.has_room)
    }

    fn keep(&mut self, bytes: &[u8]) -> bool {
        let note = match self.dropped {
            0 => String::new(),
            lost => {
                format!("\n[longshore: {lost} bytes of output were dropped: the disk was full]\n")
            }
        };
        let count = (note.len() + bytes.len()) as u64;
        let is_full = |open: &Open| open.bytes > 0 && open.bytes + count > self.bounds.file_bytes;
        if self.open.as_ref().is_some_and(is_full) {
            self.rotate();
        }
        let Some(open) = &mut self.open else { return false };
        let written =
            open.file.write_all(note.as_bytes()).and_then(|()| open.file.write_all(bytes));
        if written.is_err() {
            open.has_room = false;
            return false;
        }
        open.bytes += count;
        self.dropped = 0;
        true
    }

    /// Rotates the files, and opens the next one.
    fn rotate(&mut self) {
        // A missing file needs no renaming.
        for times in (1..self.bounds.files.saturating_sub(1)).rev() {
            let _ = self.folder.rename(&older(self.name, times), &older(self.name, times + 1));
        }
        let moved = if self.bounds.files > 1 {
            self.folder.rename(self.name, &older(self.name, 1))
        } else {
            self.folder.remove(self.name)
        };
        if moved.is_ok() {
            self.open = self.newest(Ours::Doubted).ok();
        }
    }
}

impl Open {
    fn new(folder: &Folder, name: &str, file: File) -> io::Result<Self> {
        let bytes = file.metadata()?.len();
        let has_room = has_room(&file);
        let identity = folder.identity_of(name);
        Ok(Self { file, identity, bytes, looked: Instant::now(), since_looked: 0, has_room })
    }
}

/// Whether the disk has more free space than must be left.
pub(crate) fn has_room(file: &File) -> bool {
    // If the file system does not say, the write will tell.
    let Ok(disk) = rustix::fs::fstatvfs(file) else { return true };
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    bytes(disk.f_bavail) > LEFT_FREE_BYTES.min(bytes(disk.f_blocks) / 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::directory::OUTPUT;

    fn written(bounds: Bounds, pieces: &[&str]) -> Vec<(String, String)> {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let folder = Folder::open(directory.path()).expect("it can be opened");
        let mut output = Output::open(&folder, OUTPUT, None, bounds).expect("it can be made");
        for piece in pieces {
            output.write(piece.as_bytes());
        }
        output.finish();
        let mut names = folder.names().expect("it can be listed");
        names.sort_unstable();
        let read = |name: std::ffi::OsString| {
            let bytes = folder.read(&name, 1_000).expect("it can be read");
            (name.to_string_lossy().into_owned(), String::from_utf8(bytes).expect("it is text"))
        };
        names.into_iter().map(read).collect()
    }

    fn of(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn full_files_get_numbers_and_the_oldest_goes() {
        let bounds = Bounds { file_bytes: 4, files: 3 };
        let pieces = ["aaaa", "bb", "bb", "cccc", "d", "eeee"];
        let wanted = of(&[("output", "eeee"), ("output.1", "d"), ("output.2", "cccc")]);
        assert_eq!(written(bounds, &pieces), wanted);
        assert_eq!(written(Bounds { file_bytes: 4, files: 1 }, &pieces), of(&[("output", "eeee")]));
        let two = of(&[("output", "eeee"), ("output.1", "d")]);
        assert_eq!(written(Bounds { file_bytes: 4, files: 2 }, &pieces), two);
        assert_eq!(written(Bounds::NONE, &pieces), of(&[]));
    }

    #[test]
    fn output_whose_file_was_moved_away_goes_to_a_new_one() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let folder = Folder::open(directory.path()).expect("it can be opened");
        let mut output =
            Output::open(&folder, OUTPUT, None, Bounds::default()).expect("it can be made");
        output.write(b"first");
        folder.remove(OUTPUT).expect("it is there");
        let open = output.open.as_mut().expect("it is open");
        open.looked = Instant::now().checked_sub(BELIEVED * 2).expect("the clock runs");
        output.write(b"second");
        assert_eq!(folder.read(OUTPUT, 100).expect("it is there again"), b"second");
    }

    #[test]
    fn a_foreign_file_in_the_place_of_output_gets_none_of_it_and_the_new_one_says_so() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can write output of another user");
            return;
        }
        let directory = tempfile::tempdir().expect("a directory can be made");
        let folder = Folder::open(directory.path()).expect("it can be opened");
        let owner = Some((12_345, 12_345));
        let mut output =
            Output::open(&folder, OUTPUT, owner, Bounds::default()).expect("it can be made");
        output.write(b"first");
        folder.remove(OUTPUT).expect("it is there");
        folder.write("foreign", b"secret").expect("it can be written");
        let path = directory.path();
        std::fs::hard_link(path.join("foreign"), path.join(OUTPUT)).expect("it is linked");
        let open = output.open.as_mut().expect("it is open");
        open.looked = Instant::now().checked_sub(BELIEVED * 2).expect("the clock runs");
        output.write(b"second");
        let text = folder.read(OUTPUT, 1_000).expect("it is there");
        let text = String::from_utf8(text).expect("it is text");
        assert!(text.starts_with("[longshore: the file") && text.ends_with("second"), "{text}");
        assert_eq!(folder.read("foreign", 100).expect("it is there"), b"secret");
        let about = std::fs::metadata(path.join("foreign")).expect("it is there");
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&about), 0);
    }

    #[test]
    fn the_options_are_dockers() {
        let of = |size: &str, files: &str| Bounds::of_options(Some(size), Some(files));
        assert_eq!(of("10m", "3"), Ok(Bounds { file_bytes: 10 << 20, files: 3 }));
        assert_eq!(of("200K", "1"), Ok(Bounds { file_bytes: 200 << 10, files: 1 }));
        assert_eq!(of("1g", "1"), Ok(Bounds { file_bytes: 1 << 30, files: 1 }));
        assert_eq!(of("512", "1"), Ok(Bounds { file_bytes: 512, files: 1 }));
        assert_eq!(Bounds::of_options(None, None), Ok(Bounds::default()));
        for (size, files, named) in [
            ("0", "1", "max-size"),
            ("ten", "1", "max-size"),
            ("-1m", "1", "max-size"),
            ("99999999999999g", "1", "max-size"),
            ("1m", "0", "max-file"),
            ("1m", "many", "max-file"),
        ] {
            let why = of(size, files).expect_err("it is refused");
            assert!(why.contains(named), "{why}");
        }
        let bounds = Bounds { file_bytes: 7, files: 2 };
        assert_eq!(Bounds::parse(&bounds.to_string()), Some(bounds));
    }
}
