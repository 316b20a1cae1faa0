//! Which data directories are trusted: those in our notes, and no others.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

/// Directories of a test.
struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory can be made") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn open(&self, name: &str) -> Result<DataDir, DataDirError> {
        DataDir::open(&self.path(name), Some(&self.path("state")), false)
    }

    fn trust(&self, name: &str) -> DataDir {
        let opened = DataDir::open(&self.path(name), Some(&self.path("state")), true);
        opened.expect("it is trusted")
    }

    /// A data directory with a database, as left by an earlier run.
    fn used(&self, name: &str) -> Key {
        let opened = self.open(name).expect("it can be made");
        opened.folder().write(DATABASE, b"records").expect("it can be written");
        opened.remember();
        opened.key().clone()
    }

    fn why(&self, name: &str) -> Strange {
        match self.open(name) {
            Err(DataDirError::Stranger { why, .. }) => why,
            other => panic!("it is not strange: {other:?}"),
        }
    }
}

#[test]
fn what_we_made_is_opened_again_with_its_key_also_after_it_was_moved() {
    let home = Home::new();
    let key = home.used("data");
    assert_eq!(*home.open("data").expect("it is ours").key(), key);
    fs::rename(home.path("data"), home.path("moved")).expect("it can be moved");
    assert_eq!(*home.open("moved").expect("it is ours").key(), key);
}

#[test]
fn a_directory_that_came_with_a_checkout_is_opened_only_if_somebody_says_so() {
    let home = Home::new();
    fs::create_dir(home.path("data")).expect("it can be made");
    fs::write(home.path("data").join(DATABASE), "somebody's").expect("it can be written");
    assert_eq!(home.why("data"), Strange::NoOwner);
    fs::write(home.path("data").join(OWNER), "0123456789abcdef0123456789abcdef\n").expect("it can");
    assert_eq!(home.why("data"), Strange::Unknown);
    fs::write(home.path("data").join(OWNER), "../../elsewhere\n").expect("it can be written");
    assert_eq!(home.why("data"), Strange::NoOwner);
    home.trust("data");
    home.open("data").expect("it is known from then on");
}

#[test]
fn a_copy_is_not_the_directory_that_was_made_here() {
    let home = Home::new();
    let key = home.used("data");
    let mut copied = std::process::Command::new("cp");
    copied.arg("-r").args([home.path("data"), home.path("copy")]);
    assert!(copied.status().expect("there is such a command").success());
    assert_eq!(home.why("copy"), Strange::Copy);
    assert_ne!(*home.trust("copy").key(), key, "what runs of the one is not the other's");
    home.open("data").expect("it is ours all the same");
}

#[test]
fn a_database_that_was_put_in_the_place_of_ours_is_noticed() {
    let home = Home::new();
    home.used("data");
    let replace = |name: &str| {
        fs::write(home.path("other"), "somebody's").expect("it can be written");
        fs::rename(home.path("other"), home.path("data").join(name)).expect("it can be moved");
    };
    replace(DATABASE);
    assert_eq!(home.why("data"), Strange::Replaced);
    home.trust("data");
    replace(LOG);
    assert_eq!(home.why("data"), Strange::Replaced);
    fs::write(home.path("data").join(LOG), "").expect("it can be written");
    home.open("data").expect("an empty log changes nothing");
    fs::remove_file(home.path("data").join(DATABASE)).expect("it is there");
    home.open("data").expect("a database that was moved away on purpose is made anew");
}

#[test]
fn a_database_of_a_scheduler_that_was_put_beside_ours_or_in_the_place_of_one_is_noticed() {
    let home = Home::new();
    home.used("data");
    for name in ["marathon.db", "marathon.db-wal", "chronos.db-journal", "any.db"] {
        fs::write(home.path("data").join(name), "somebody's").expect("it can be written");
        assert_eq!(home.why("data"), Strange::Replaced, "{name}");
        home.trust("data");
        home.open("data").expect("it is known from then on");
    }
    fs::write(home.path("other"), "somebody's").expect("it can be written");
    fs::rename(home.path("other"), home.path("data").join("marathon.db")).expect("it can be moved");
    assert_eq!(home.why("data"), Strange::Replaced);
    fs::remove_file(home.path("data").join("marathon.db")).expect("it is there");
    home.open("data").expect("a database that was moved away on purpose is made anew");
    fs::write(home.path("data").join("notes.txt"), "anybody's").expect("it can be written");
    home.open("data").expect("what is no database starts nothing");
}

#[test]
fn an_empty_directory_needs_no_trust_and_git_leaves_ours_alone() {
    let home = Home::new();
    fs::create_dir(home.path("data")).expect("it can be made");
    fs::set_permissions(home.path("data"), fs::Permissions::from_mode(0o755)).expect("it is ours");
    home.open("data").expect("there is nothing to start in it");
    let mode = fs::metadata(home.path("data")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let ignored = fs::read_to_string(home.path("data").join(IGNORE)).expect("it is there");
    assert!(ignored.lines().any(|line| line == "*"));
}

#[test]
fn without_a_state_directory_each_start_needs_trust_and_the_key_stays() {
    let home = Home::new();
    let path = home.path("data");
    let first = DataDir::open(&path, None, false).expect("it can be made");
    first.folder().write(DATABASE, b"records").expect("it can be written");
    let again = DataDir::open(&path, None, false);
    assert!(matches!(again, Err(DataDirError::Stranger { why: Strange::Unknown, .. })));
    let again = DataDir::open(&path, None, true).expect("it is trusted");
    assert_eq!(again.key(), first.key());
}

#[test]
fn a_link_is_refused_as_a_directory_and_in_it() {
    let home = Home::new();
    home.used("data");
    symlink(home.path("data"), home.path("linked")).expect("it is linked");
    let refusal = home.open("linked").expect_err("it is refused").to_string();
    assert!(refusal.contains("linked is a link"), "{refusal}");
    symlink("/etc/passwd", home.path("data").join("longshore.lock")).expect("it is linked");
    let refusal = home.open("data").expect_err("it is refused").to_string();
    assert!(refusal.contains("longshore.lock is a link"), "{refusal}");
}

#[test]
fn a_directory_above_may_be_a_link() {
    let home = Home::new();
    fs::create_dir(home.path("real")).expect("it can be made");
    symlink("real", home.path("above")).expect("it is linked");
    let opened = home.open("above/data").expect("only its own name counts");
    let real = home.path("real").canonicalize().expect("it is there").join("data");
    assert_eq!(opened.folder().path(), real);
}

#[test]
fn notes_of_directories_that_have_long_been_gone_are_forgotten() {
    let home = Home::new();
    home.used("gone");
    home.used("away");
    home.used("here");
    let notes =
        Folder::open(&home.path("state").join(NOTES[0]).join(NOTES[1])).expect("it is there");
    let old = SystemTime::now().checked_sub(NOTE_KEPT * 2).expect("there was a time");
    for name in notes.names().expect("it can be listed") {
        let path =
            read_note(&notes, name.to_str().expect("it is text")).expect("it is a note").path;
        if !path.ends_with("away") {
            let file = notes.open_or_create(name.to_str().expect("it is text"));
            file.and_then(|file| file.set_modified(old)).expect("it is ours");
        }
    }
    fs::remove_dir_all(home.path("gone")).expect("it is there");
    fs::remove_dir_all(home.path("away")).expect("it is there");
    home.open("new").expect("it can be made");
    let names = notes.names().expect("it can be listed");
    assert_eq!(names.len(), 3, "that of the directory that is gone: {names:?}");
}

#[tokio::test]
async fn a_scratch_directory_is_private_and_unknown_and_goes_with_its_owner() {
    let home = Home::new();
    let above = home.path("tmp");
    fs::create_dir(&above).expect("it can be made");
    let one = Scratch::new(&above).expect("it can be made");
    let path = one.folder().path().to_owned();
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let name = path.file_name().expect("it has one").to_string_lossy().into_owned();
    assert!(!name.contains(&std::process::id().to_string()) && name.len() > 20, "{name}");
    Scratch::sweep(&above).await;
    assert!(path.exists(), "its program lives");
    drop(one);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_scratch_directory_that_was_left_behind_is_removed_and_nothing_of_others_is() {
    let home = Home::new();
    let above = home.path("tmp");
    fs::create_dir_all(above.join("longshore-left/hosts")).expect("it can be made");
    fs::write(above.join("longshore-left").join(LOCK), "").expect("it can be written");
    let private = fs::Permissions::from_mode(0o700);
    fs::set_permissions(above.join("longshore-left"), private).expect("it is ours");
    fs::create_dir(above.join("longshore-notes")).expect("somebody's own");
    fs::create_dir(home.path("elsewhere")).expect("it can be made");
    fs::write(home.path("elsewhere").join(LOCK), "").expect("it can be written");
    symlink(home.path("elsewhere"), above.join("longshore-linked")).expect("it is linked");
    Scratch::sweep(&above).await;
    assert!(!above.join("longshore-left").exists());
    assert!(above.join("longshore-notes").exists() && home.path("elsewhere").join(LOCK).exists());
}
