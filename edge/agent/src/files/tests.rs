//! Files are reachable only through directories that are held open.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, Instant};

use super::*;

fn folder() -> (tempfile::TempDir, Folder) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let folder = Folder::open(directory.path()).expect("it can be opened");
    (directory, folder)
}

fn kind<T>(result: io::Result<T>) -> io::ErrorKind {
    result.err().expect("it is refused").kind()
}

#[test]
fn a_path_that_leads_out_is_refused_whatever_it_looks_like() {
    let (_directory, folder) = folder();
    for path in ["..", "../x", "a/../../x", "/etc/passwd", "", "."] {
        assert_eq!(kind(folder.open_file(path)), io::ErrorKind::InvalidInput, "{path}");
        assert_eq!(kind(folder.make(path)), io::ErrorKind::InvalidInput, "{path}");
    }
    assert_eq!(kind(folder.write("a/b", b"")), io::ErrorKind::InvalidInput);
    assert_eq!(kind(folder.remove("..")), io::ErrorKind::InvalidInput);
}

#[test]
fn a_link_is_never_followed_wherever_it_stands_in_a_path() {
    let (directory, folder) = folder();
    fs::create_dir(directory.path().join("real")).expect("it can be made");
    fs::write(directory.path().join("real/file"), "secret").expect("it can be written");
    symlink("real", directory.path().join("linked")).expect("it is linked");
    symlink("real/file", directory.path().join("file")).expect("it is linked");
    assert_eq!(folder.read("real/file", 10).expect("it can be read"), b"secret");
    assert_eq!(kind(folder.read("linked/file", 10)), io::ErrorKind::InvalidInput);
    assert_eq!(kind(folder.read("file", 10)), io::ErrorKind::InvalidInput);
    assert_eq!(kind(folder.append("file")), io::ErrorKind::InvalidInput);
    assert_eq!(kind(folder.open_or_create("file")), io::ErrorKind::InvalidInput);
    assert!(folder.folder("linked").is_err() && folder.make("linked/more").is_err());
    let walked = parts(Path::new("linked/file")).expect("it leads down");
    assert!(folder.walk(&walked, FILE, Mode::empty()).is_err(), "without openat2 neither");
    assert_eq!(fs::read(directory.path().join("real/file")).expect("it is there"), b"secret");
}

#[test]
fn a_fifo_hangs_nobody_and_is_no_file() {
    let (directory, folder) = folder();
    let made = std::process::Command::new("mkfifo").arg(directory.path().join("fifo")).status();
    assert!(made.expect("there is such a command").success());
    let began = Instant::now();
    assert_eq!(kind(folder.read("fifo", 10)), io::ErrorKind::InvalidInput);
    assert_eq!(kind(folder.append("fifo")), io::ErrorKind::InvalidInput);
    assert_eq!(kind(folder.read_beneath(Path::new("fifo"), 10)), io::ErrorKind::NotFound);
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[test]
fn what_is_made_is_for_its_owner_only() {
    let (directory, folder) = folder();
    folder.make("a/b").expect("it can be made");
    folder.write("whole", b"x").expect("it can be written");
    drop(folder.append("appended").expect("it can be made"));
    let mode = |name: &str| {
        fs::metadata(directory.path().join(name)).expect("it is there").permissions().mode() & 0o777
    };
    assert_eq!(["a", "a/b", "whole", "appended"].map(mode), [0o700, 0o700, 0o600, 0o600]);
}

#[test]
fn a_new_file_is_made_once_and_written_whole() {
    let (_directory, folder) = folder();
    folder.create_new("record").expect("it is new");
    assert_eq!(kind(folder.create_new("record")), io::ErrorKind::AlreadyExists);
    folder.write("record", b"third").expect("it can be written anew");
    assert_eq!(folder.read("record", 10).expect("it is there"), b"third");
    assert_eq!(folder.names().expect("it can be listed"), ["record"], "nothing is left beside it");
    assert_eq!(kind(folder.read("record", 4)), io::ErrorKind::FileTooLarge);
}

#[test]
fn below_a_directory_of_the_user_links_may_lead_about_but_not_out() {
    let (directory, folder) = folder();
    let inside = folder.make("inside").expect("it can be made");
    folder.write("secret", b"out").expect("it can be written");
    inside.write("key", b"in").expect("it can be written");
    let link = |to: &str, name: &str| {
        symlink(to, directory.path().join("inside").join(name)).expect("it is linked");
    };
    link("key", "same");
    link("../secret", "above");
    link("/etc/passwd", "elsewhere");
    let read = |name: &str| inside.read_beneath(Path::new(name), 1_000);
    assert_eq!(read("same").expect("it stays inside"), b"in");
    assert_eq!(kind(read("above")), io::ErrorKind::PermissionDenied);
    assert_eq!(kind(read("elsewhere")), io::ErrorKind::PermissionDenied);
    assert_eq!(kind(read("../secret")), io::ErrorKind::InvalidInput);
}

#[test]
fn a_folder_knows_whether_its_path_still_leads_to_it() {
    let (directory, folder) = folder();
    let inner = folder.make("inner").expect("it can be made");
    assert!(inner.is_in_place());
    let path = directory.path().join("inner");
    fs::rename(&path, directory.path().join("moved")).expect("it can be moved");
    assert!(!inner.is_in_place());
    fs::create_dir(&path).expect("another takes its place");
    assert!(!inner.is_in_place());
}

#[test]
fn removing_removes_links_and_not_what_they_lead_to() {
    let (directory, folder) = folder();
    folder.make("gone/deep").expect("it can be made");
    folder.write("kept", b"").expect("it can be written");
    symlink("../kept", directory.path().join("gone/link")).expect("it is linked");
    symlink("kept", directory.path().join("link")).expect("it is linked");
    folder.remove("gone").expect("it can be removed");
    folder.remove("link").expect("it can be removed");
    assert_eq!(folder.names().expect("it can be listed"), ["kept"]);
}

#[test]
fn a_private_directory_is_ours_alone_with_all_that_is_in_it() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("above/own");
    assert!(Folder::private(&path).expect("it can be made").is_new);
    fs::create_dir(path.join("hosts")).expect("it can be made");
    fs::write(path.join("old.db"), "").expect("it can be written");
    for (name, mode) in [("", 0o755), ("hosts", 0o775), ("old.db", 0o644)] {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(path.join(name), mode).expect("it is ours");
    }
    let own = Folder::private(&path).expect("it is ours");
    assert!(!own.is_new);
    own.folder.make_private().expect("all is ours");
    let mode = |name: &str| fs::metadata(path.join(name)).expect("it is there").mode() & 0o777;
    assert_eq!(["", "hosts", "old.db"].map(mode), [0o700, 0o700, 0o600]);
}

#[test]
fn links_and_special_files_are_refused_in_a_private_directory() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("own");
    let own = Folder::private(&path).expect("it can be made").folder;
    let refusal = || own.make_private().expect_err("it is refused").to_string();
    symlink("/etc/passwd", path.join("longshore.lock")).expect("it is linked");
    assert!(refusal().contains("longshore.lock is a link"), "{}", refusal());
    own.remove("longshore.lock").expect("it can be removed");
    let made = std::process::Command::new("mkfifo").arg(path.join("fifo")).status();
    assert!(made.expect("there is such a command").success());
    assert!(refusal().contains("neither a regular file"), "{}", refusal());
    own.remove("fifo").expect("it can be removed");
    fs::write(directory.path().join("mine"), "").expect("it can be written");
    fs::hard_link(directory.path().join("mine"), path.join("twice")).expect("it is linked");
    assert!(refusal().contains("second name"), "{}", refusal());
    let linked = directory.path().join("linked");
    symlink(&path, &linked).expect("it is linked");
    let refusal = Folder::private(&linked).expect_err("it is refused").to_string();
    assert!(refusal.contains("linked is a link"), "{refusal}");
    fs::write(directory.path().join("file"), "").expect("it can be written");
    let refusal = Folder::private(&directory.path().join("file")).expect_err("it is refused");
    assert!(refusal.to_string().contains("is not a directory"), "{refusal}");
}

#[test]
fn what_belongs_to_somebody_else_is_refused() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make what belongs to somebody else");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("own");
    let own = Folder::private(&path).expect("it can be made").folder;
    own.write("longshore.db", b"").expect("it can be written");
    std::os::unix::fs::chown(path.join("longshore.db"), Some(12_345), None).expect("root may");
    let refusal = own.make_private().expect_err("it is refused").to_string();
    assert!(refusal.contains("belongs to user 12345"), "{refusal}");
    own.give_to(12_345, 12_345).expect("root may");
    let refusal = Folder::private(&path).expect_err("it is refused").to_string();
    assert!(refusal.contains("belongs to user 12345") && refusal.contains("chown"), "{refusal}");
}

/// Creates nested directories, so deep that no path can name the last one.
fn nested(folder: &Folder, depth: usize) {
    let mut at = folder.make("deep").expect("it can be made");
    for _ in 0..depth {
        at = at.make("d").expect("it can be made");
    }
    at.write("bottom", b"x").expect("it can be written");
}

#[test]
fn a_tree_is_removed_however_deep_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = Folder::open(directory.path()).expect("it opens");
    // Deeper than any path is long, and than the stack would hold a frame for each.
    nested(&folder, 4_000);
    let removed = std::thread::Builder::new().stack_size(64 * 1024).spawn({
        let folder = folder.clone();
        move || folder.remove("deep")
    });
    removed.expect("a thread").join().expect("no overflow").expect("it is ours");
    assert!(folder.names().expect("it opens").is_empty());
}

#[test]
fn a_tree_with_links_closed_directories_and_names_of_ours_is_removed_and_nothing_beside_it() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    std::fs::create_dir_all(path.join("outside/kept")).expect("it can be made");
    std::fs::create_dir_all(path.join("tree/a/b/c")).expect("it can be made");
    std::fs::create_dir_all(path.join("tree/.longshore-removed-0/x/y")).expect("it can be made");
    symlink(path.join("outside"), path.join("tree/a/b/link")).expect("it can be made");
    for closed in ["tree/a/b", "tree/a"] {
        let mode = std::fs::Permissions::from_mode(0o000);
        std::fs::set_permissions(path.join(closed), mode).expect("it is ours");
    }
    let folder = Folder::open(path).expect("it opens");
    folder.remove("tree").expect("it is ours");
    assert_eq!(folder.names().expect("it opens"), ["outside"]);
    assert!(path.join("outside/kept").is_dir());
}

#[test]
fn several_threads_may_write_one_file_at_a_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = Folder::open(directory.path()).expect("it opens");
    let write = || {
        let folder = folder.clone();
        std::thread::spawn(move || (0..200).try_for_each(|_| folder.write("one", b"whole")))
    };
    let threads = [write(), write(), write(), write()];
    for thread in threads {
        thread.join().expect("no panic").expect("each write succeeds");
    }
    assert_eq!(folder.read("one", 100).expect("it is there"), b"whole");
    assert_eq!(folder.names().expect("it opens"), ["one"]);
}
