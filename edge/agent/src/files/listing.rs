//! What is in a directory, for those who look into the sandbox of a task.

use std::collections::BinaryHeap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
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
        for name in self.first_names(entries_max)? {
            // What has gone meanwhile is not shown.
            let Ok(stat) = sys::statat(self, &*name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            all.push(Listed {
                name,
                mode: stat.st_mode,
                links: stat.st_nlink,
                size: u64::try_from(stat.st_size).unwrap_or(0),
                modified_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
                uid: stat.st_uid,
                gid: stat.st_gid,
            });
        }
        Ok(all)
    }

    /// The first names in it, sorted. A task may leave any number of files: no more names are held than are asked for.
    fn first_names(&self, most: usize) -> io::Result<Vec<OsString>> {
        let mut first = BinaryHeap::new();
        for entry in sys::Dir::read_from(self)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            if first.len() < most {
                first.push(name.to_owned());
            } else if let Some(mut last) = first.peek_mut()
                && name < last.as_os_str()
            {
                name.clone_into(&mut last);
            }
        }
        Ok(first.into_sorted_vec())
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

/// A time in ns since the epoch: a file may have one that is further away than that can tell.
fn nanoseconds(seconds: i64, rest: impl TryInto<i64>) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_names_are_listed_however_many_there_are() {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = Folder::open(directory.path()).expect("it opens");
        for number in (0..50).rev() {
            folder.write(&format!("{number:02}"), b"x").expect("it can be written");
        }
        let names = |most| {
            let listed = folder.list(most).expect("it can be listed");
            listed.into_iter().map(|one| one.name).collect::<Vec<_>>()
        };
        assert_eq!(names(3), ["00", "01", "02"]);
        assert_eq!((names(0).len(), names(50).len(), names(100).len()), (0, 50, 50));
    }

    #[test]
    fn a_file_that_is_older_than_can_be_told_is_listed_all_the_same() {
        assert_eq!(nanoseconds(1, 5_u64), 1_000_000_005);
        assert_eq!(nanoseconds(i64::MAX, 5_u64), i64::MAX);
        assert_eq!(nanoseconds(i64::MIN, 0_u64), i64::MIN);
        let directory = tempfile::tempdir().expect("a directory");
        let folder = Folder::open(directory.path()).expect("it opens");
        let file = folder.create_new("far").expect("it can be made");
        let far = std::time::UNIX_EPOCH + std::time::Duration::from_secs(14_000_000_000);
        file.set_modified(far).expect("it is ours");
        // Some file systems know no such time.
        let listed = folder.list(1).expect("it can be listed");
        assert!(listed[0].modified_ns > 0);
    }

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
