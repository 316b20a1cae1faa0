//! Files and directories of ours that are given to another user, in a directory that this user may write into.
//!
//! Whoever may write into a directory may put there a second name of somebody else's file, or a file or directory moved from
//! elsewhere. Root would open it all the same, and would give it away. So what is there is looked at before it is opened, and again
//! once it is open and can no longer be exchanged.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{self as sys, FileType, Gid, OFlags, Stat, Uid};

use super::{Folder, parts};

/// Whether a file that another user could have put in its place may be ours to give away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    /// No command of that user has run yet.
    Trusted,
    /// It may have been moved there.
    Doubted,
}

/// A file that was opened for its owner.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) file: File,
    /// Whether it is a new one in place of a file that is not its owner's.
    pub(crate) is_replaced: bool,
}

/// Whether a file is one that may be written and given to a user.
fn is_fine(stat: &Stat, uid: u32, ours: Ours) -> bool {
    let is_own = ours == Ours::Trusted && stat.st_uid == rustix::process::geteuid().as_raw();
    stat.st_nlink == 1 && (stat.st_uid == uid || is_own)
}

impl Folder {
    /// Opens a regular file for appending that belongs to `owner`, creating it if needed. A file that has a second name, or is another
    /// user's, is replaced by a new one: only its name goes.
    ///
    /// # Errors
    /// If it cannot be opened or given; links are never followed, and stay.
    pub(crate) fn append_for(
        &self,
        name: &str,
        owner: (u32, u32),
        ours: Ours,
    ) -> io::Result<Given> {
        let is_replaced = match self.stat(name) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
            }
            Ok(stat) if is_fine(&stat, owner.0, ours) => {
                let file = self.regular(Path::new(name), OFlags::WRONLY | OFlags::APPEND)?;
                if is_fine(&sys::fstat(&file)?, owner.0, ours) {
                    give(&file, owner)?;
                    return Ok(Given { file, is_replaced: false });
                }
                true
            }
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if is_replaced {
            sys::unlinkat(self, name, sys::AtFlags::empty())?;
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::APPEND;
        let file = self.regular(Path::new(name), flags)?;
        give(&file, owner)?;
        Ok(Given { file, is_replaced })
    }

    /// Opens a subdirectory, creating it and its parents as needed, and gives those that are ours to `owner`. What is somebody else's
    /// stays theirs.
    ///
    /// # Errors
    /// If it cannot be created, opened or given.
    pub(crate) fn make_for(
        &self,
        below: impl AsRef<Path>,
        owner: Option<(u32, u32)>,
    ) -> io::Result<Self> {
        let Some((uid, gid)) = owner else { return self.make(below) };
        let own = rustix::process::geteuid().as_raw();
        let mut folder = self.clone();
        for part in parts(below.as_ref())? {
            folder = folder.make(part)?;
            if folder.owner()? == own {
                folder.give_to(uid, gid)?;
            }
        }
        Ok(folder)
    }

    /// Changes the owner and group of the directory.
    ///
    /// # Errors
    /// If this is not permitted.
    pub fn give_to(&self, uid: u32, gid: u32) -> io::Result<()> {
        Ok(sys::fchown(self, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?)
    }

    /// The same for a directory that another user may have moved to where it is.
    ///
    /// # Errors
    /// If this is not permitted, or it is a third user's.
    pub(crate) fn give_ours_to(&self, uid: u32, gid: u32) -> io::Result<()> {
        let owner = self.owner()?;
        if owner != uid && owner != rustix::process::geteuid().as_raw() {
            let path = self.path.display();
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{path} belongs to user {owner}, and is not given to user {uid}"),
            ));
        }
        self.give_to(uid, gid)
    }
}

fn give(file: &File, (uid, gid): (u32, u32)) -> io::Result<()> {
    Ok(sys::fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::{MetadataExt, chown, symlink};

    use super::*;

    const OWNER: (u32, u32) = (12_345, 12_345);
    const OTHER: u32 = 54_321;

    fn folder() -> Option<(tempfile::TempDir, Folder)> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can give files to another user");
            return None;
        }
        let directory = tempfile::tempdir().expect("a directory can be made");
        let folder = Folder::open(directory.path()).expect("it can be opened");
        Some((directory, folder))
    }

    #[test]
    fn a_second_name_of_a_foreign_file_is_neither_written_nor_given_away() {
        let Some((directory, folder)) = folder() else { return };
        let (foreign, name) = (directory.path().join("foreign"), directory.path().join("stdout"));
        for (uid, ours) in [(0, Ours::Trusted), (0, Ours::Doubted), (OTHER, Ours::Trusted)] {
            std::fs::write(&foreign, "secret").expect("it can be written");
            chown(&foreign, Some(uid), None).expect("root may");
            std::fs::hard_link(&foreign, &name).expect("it is linked");
            let mut given = folder.append_for("stdout", OWNER, ours).expect("it is replaced");
            given.file.write_all(b"mine").expect("it can be written");
            assert!(given.is_replaced);
            let about = std::fs::metadata(&foreign).expect("it is there");
            assert_eq!((about.uid(), about.nlink()), (uid, 1));
            assert_eq!(std::fs::read(&foreign).expect("it is there"), b"secret");
            assert_eq!(std::fs::metadata(&name).expect("it is there").uid(), OWNER.0);
            std::fs::remove_file(&name).expect("it is there");
        }
    }

    #[test]
    fn a_file_that_was_moved_there_is_replaced_and_that_of_its_owner_goes_on() {
        let Some((directory, folder)) = folder() else { return };
        let name = directory.path().join("stdout");
        for (uid, ours, is_replaced) in [
            (OTHER, Ours::Trusted, true),
            (0, Ours::Doubted, true),
            (0, Ours::Trusted, false),
            (OWNER.0, Ours::Doubted, false),
        ] {
            std::fs::write(&name, "old").expect("it can be written");
            chown(&name, Some(uid), None).expect("root may");
            let mut given = folder.append_for("stdout", OWNER, ours).expect("it can be opened");
            given.file.write_all(b"new").expect("it can be written");
            assert_eq!(given.is_replaced, is_replaced, "{uid} {ours:?}");
            let text = std::fs::read_to_string(&name).expect("it is there");
            assert_eq!(text, if is_replaced { "new" } else { "oldnew" });
            assert_eq!(std::fs::metadata(&name).expect("it is there").uid(), OWNER.0);
        }
        std::fs::remove_file(&name).expect("it is there");
        symlink("elsewhere", &name).expect("it is linked");
        assert!(folder.append_for("stdout", OWNER, Ours::Trusted).is_err(), "a link stays");
        std::fs::remove_file(&name).expect("it is there");
        let new = folder.append_for("stdout", OWNER, Ours::Doubted).expect("it can be made");
        assert!(!new.is_replaced);
    }

    #[test]
    fn directories_that_are_made_for_a_user_are_theirs_with_those_above_and_no_others() {
        let Some((directory, folder)) = folder() else { return };
        folder.make_for("a/b", Some(OWNER)).expect("it can be made");
        folder.make("foreign").expect("it can be made");
        chown(directory.path().join("foreign"), Some(OTHER), None).expect("root may");
        folder.make_for("foreign/c", Some(OWNER)).expect("it can be made");
        let owner =
            |name: &str| std::fs::metadata(directory.path().join(name)).expect("it is there").uid();
        assert_eq!(
            ["a", "a/b", "foreign", "foreign/c"].map(owner),
            [OWNER.0, OWNER.0, OTHER, OWNER.0]
        );
        let refused =
            folder.folder("foreign").and_then(|foreign| foreign.give_ours_to(OWNER.0, OWNER.1));
        assert!(
            refused.expect_err("it is another's").to_string().contains("belongs to user 54321")
        );
        assert_eq!(owner("foreign"), OTHER);
    }
}
