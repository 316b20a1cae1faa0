//! What is in a directory, for those who look into the sandbox of a task.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use rustix::fs::{self as sys, AtFlags, FileType};

use super::Folder;

/// One entry of a directory. A link is shown as one, whatever it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: OsString,
    /// Type and permissions, as the kernel has them.
    pub mode: u32,
    /// How many names it has.
    pub links: u64,
    /// Bytes.
    pub size: u64,
    /// When it was last written, in ns since the epoch.
    pub modified_ns: i64,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

impl Listed {
    /// Type and permissions as `ls -l` writes them.
    pub fn mode_text(&self) -> String {
        let kind = match FileType::from_raw_mode(self.mode) {
            FileType::Directory => 'd',
            FileType::Symlink => 'l',
            FileType::CharacterDevice => 'c',
            FileType::BlockDevice => 'b',
            FileType::Fifo => 'p',
            FileType::Socket => 's',
            _ => '-',
        };
        let mut text = String::from(kind);
        for (shift, special) in [(6, 0o4000), (3, 0o2000), (0, 0o1000)] {
            let bits = self.mode >> shift;
            text.push(if bits & 4 == 0 { '-' } else { 'r' });
            text.push(if bits & 2 == 0 { '-' } else { 'w' });
            let letter = if special == 0o1000 { 't' } else { 's' };
            text.push(match (bits & 1 != 0, self.mode & special != 0) {
                (true, true) => letter,
                (false, true) => letter.to_ascii_uppercase(),
                (true, false) => 'x',
                (false, false) => '-',
            });
        }
        text
    }
}

impl Folder {
    /// What is in it, sorted by name; at most `entries_max` entries.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn list(&self, entries_max: usize) -> io::Result<Vec<Listed>> {
        let mut all = Vec::new();
        let mut names = self.names()?;
        names.sort_unstable();
        for name in names.into_iter().take(entries_max) {
            // What has gone meanwhile is not shown.
            let Ok(stat) = sys::statat(self, &*name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            all.push(Listed {
                name,
                mode: stat.st_mode,
                links: stat.st_nlink,
                size: u64::try_from(stat.st_size).unwrap_or(0),
                modified_ns: stat.st_mtime * 1_000_000_000
                    + i64::try_from(stat.st_mtime_nsec).unwrap_or(0),
                uid: stat.st_uid,
                gid: stat.st_gid,
            });
        }
        Ok(all)
    }

    /// The user that owns it.
    ///
    /// # Errors
    /// If the file system does not answer.
    pub fn owner(&self) -> io::Result<u32> {
        Ok(sys::fstat(self)?.st_uid)
    }

    /// Whether a name below it leads to a directory, without following links.
    pub fn has_folder(&self, below: &Path) -> bool {
        self.folder(below).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_as_ls_writes_them() {
        let text = |mode| {
            let name = OsString::new();
            let (links, size, modified_ns, uid, gid) = (1, 0, 0, 0, 0);
            Listed { name, mode, links, size, modified_ns, uid, gid }.mode_text()
        };
        for (mode, expected) in [
            (0o100_644, "-rw-r--r--"),
            (0o041_777, "drwxrwxrwt"),
            (0o104_755, "-rwsr-xr-x"),
            (0o102_640, "-rw-r-S---"),
            (0o120_777, "lrwxrwxrwx"),
        ] {
            assert_eq!(text(mode), expected);
        }
    }
}
