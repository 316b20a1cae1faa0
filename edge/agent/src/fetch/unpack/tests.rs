//! Archives, and what hostile ones try.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::files::Folder;

/// A zip file in memory.
type Zip = zip::ZipWriter<std::io::Cursor<Vec<u8>>>;

struct Bench {
    directory: tempfile::TempDir,
    sandbox: Sandbox,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        std::fs::create_dir(directory.path().join("sandbox")).expect("it can be made");
        let folder = Folder::open(&directory.path().join("sandbox")).expect("it opens");
        Self { directory, sandbox: Sandbox::new(folder, None) }
    }

    fn unpack_in(&self, room: &mut Room, kind: Kind, bytes: &[u8]) -> Result<(), String> {
        let mut file = tempfile::tempfile().expect("it can be made");
        file.write_all(bytes).expect("it can be written");
        file.rewind().expect("it is a file");
        unpack(kind, file, "notes.txt.gz", &self.sandbox, room)
    }

    fn unpack(&self, kind: Kind, bytes: &[u8]) -> Result<(), String> {
        self.unpack_in(&mut Room::new(), kind, bytes)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join("sandbox").join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|_| panic!("{name} is not there"))
    }
}

/// An entry of a tar file, with a name that the library itself would refuse.
fn entry(builder: &mut tar::Builder<Vec<u8>>, kind: EntryType, name: &str, to: &str, data: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o4755);
    header.set_size(data.len() as u64);
    let raw = header.as_old_mut();
    raw.name[..name.len()].copy_from_slice(name.as_bytes());
    raw.linkname[..to.len()].copy_from_slice(to.as_bytes());
    header.set_cksum();
    builder.append(&header, data).expect("it can be written");
}

fn tar(entries: &[(EntryType, &str, &str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (kind, name, to, data) in entries {
        entry(&mut builder, *kind, name, to, data);
    }
    builder.into_inner().expect("it can be written")
}

fn honest() -> Vec<u8> {
    tar(&[
        (EntryType::Directory, "app/", "", b""),
        (EntryType::Regular, "app/run", "", b"#!/bin/sh\n"),
        (EntryType::Symlink, "app/current", "run", b""),
        (EntryType::Link, "again", "app/run", b""),
    ])
}

/// \[A2\]
#[test]
fn archives_are_told_by_their_names() {
    for (name, kind) in [
        ("a.tar", Some(Kind::Tar(Packing::None))),
        ("a.tgz", Some(Kind::Tar(Packing::Gzip))),
        ("a.tar.gz", Some(Kind::Tar(Packing::Gzip))),
        ("a.tar.bz2", Some(Kind::Tar(Packing::Bzip2))),
        ("a.tbz2", Some(Kind::Tar(Packing::Bzip2))),
        ("a.txz", Some(Kind::Tar(Packing::Xz))),
        ("a.tar.xz", Some(Kind::Tar(Packing::Xz))),
        ("a.gz", Some(Kind::Gzip)),
        ("a.zip", Some(Kind::Zip)),
        ("a.jar", None),
        ("tar", None),
    ] {
        assert_eq!(Kind::of(name), kind, "{name}");
    }
}

/// \[A2\]
#[test]
fn each_kind_of_archive_is_unpacked() {
    let tar = honest();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).expect("it can be written");
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&tar).expect("it can be written");
    for (packing, bytes) in [
        (Packing::None, tar.clone()),
        (Packing::Gzip, gzip.finish().expect("it can be written")),
        (Packing::Bzip2, bzip2.finish().expect("it can be written")),
    ] {
        let bench = Bench::new();
        bench.unpack(Kind::Tar(packing), &bytes).unwrap_or_else(|why| panic!("{packing:?}: {why}"));
        assert_eq!(bench.read("app/run"), "#!/bin/sh\n", "{packing:?}");
        assert_eq!((bench.read("app/current"), bench.read("again")).0, "#!/bin/sh\n");
        let mode = std::fs::metadata(bench.path("app/run")).expect("it is there").permissions();
        assert_eq!(mode.mode() & 0o7777, 0o755, "no bit that lends rights");
    }
    let bench = Bench::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"text").expect("it can be written");
    bench.unpack(Kind::Gzip, &gzip.finish().expect("whole")).expect("it is right");
    assert_eq!(bench.read("notes.txt"), "text");
}

/// Made with `tar cJf`: a file `a` with the text `xz`.
#[test]
fn xz_is_unpacked() {
    let made = std::process::Command::new("sh")
        .args(["-c", "cd $(mktemp -d) && printf xz > a && tar cf - a | xz -c"])
        .output()
        .expect("there is a shell");
    if made.stdout.is_empty() {
        eprintln!("skipped: xz is not installed");
        return;
    }
    let bench = Bench::new();
    bench.unpack(Kind::Tar(Packing::Xz), &made.stdout).expect("it is right");
    assert_eq!(bench.read("a"), "xz");
}

#[test]
fn what_would_leave_the_sandbox_is_refused_and_makes_nothing_outside() {
    let mine: &[u8] = b"mine";
    for (entries, why) in [
        (vec![(EntryType::Regular, "../evil", "", mine)], "leads out"),
        (vec![(EntryType::Regular, "/tmp/evil", "", mine)], "leads out"),
        (vec![(EntryType::Regular, "a/../../evil", "", mine)], "leads out"),
        (vec![(EntryType::Symlink, "out", "..", mine)], "out of the sandbox"),
        (vec![(EntryType::Symlink, "out", "/etc", mine)], "out of the sandbox"),
        // Two links that each look harmless.
        (
            vec![
                (EntryType::Symlink, "here", ".", mine),
                (EntryType::Symlink, "out", "here/..", mine),
            ],
            "out of the sandbox",
        ),
        (vec![(EntryType::Link, "mine", "../secret", mine)], "leads out"),
        (vec![(EntryType::Char, "device", "", mine)], "neither a file"),
        (vec![(EntryType::Fifo, "fifo", "", mine)], "neither a file"),
    ] {
        let bench = Bench::new();
        std::fs::write(bench.directory.path().join("secret"), "x").expect("it can be written");
        let refused = bench.unpack(Kind::Tar(Packing::None), &tar(&entries)).expect_err(why);
        assert!(refused.contains(why), "{refused}");
        let outside = std::fs::read_dir(bench.directory.path()).expect("it is there").count();
        assert_eq!(outside, 2, "{why}");
    }
}

#[test]
fn nothing_is_written_through_a_link_that_was_there_before() {
    let bench = Bench::new();
    std::fs::create_dir(bench.directory.path().join("outside")).expect("it can be made");
    std::os::unix::fs::symlink("../outside", bench.path("link")).expect("it can be made");
    std::os::unix::fs::symlink("../outside/file", bench.path("file")).expect("it can be made");
    let through = tar(&[(EntryType::Regular, "link/evil", "", b"x")]);
    let refused = bench.unpack(Kind::Tar(Packing::None), &through).expect_err("it is a link");
    assert!(refused.contains("link/evil"), "{refused}");
    bench
        .unpack(Kind::Tar(Packing::None), &tar(&[(EntryType::Regular, "file", "", b"x")]))
        .expect("replaced");
    assert_eq!(bench.read("file"), "x");
    let hard = tar(&[(EntryType::Link, "hard", "link/evil", b"")]);
    assert!(bench.unpack(Kind::Tar(Packing::None), &hard).is_err());
    assert_eq!(
        std::fs::read_dir(bench.directory.path().join("outside")).expect("there").count(),
        0
    );
}

#[test]
fn a_bomb_ends_at_the_bound() {
    let bench = Bench::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![0; 4_000_000]).expect("it can be written");
    let bomb = gzip.finish().expect("whole");
    let small = bench.unpack_in(&mut Room::of(1_000_000, 10), Kind::Gzip, &bomb);
    assert!(small.expect_err("it is too large").contains("bytes fetched"));
    assert!(std::fs::metadata(bench.path("notes.txt")).expect("it is there").len() <= 1_000_000);
    let names: Vec<String> = (0..20).map(|number| format!("f{number}")).collect();
    let entries: Vec<_> =
        names.iter().map(|name| (EntryType::Regular, &**name, "", &b""[..])).collect();
    let many = bench.unpack_in(&mut Room::of(1_000, 10), Kind::Tar(Packing::None), &tar(&entries));
    assert!(many.expect_err("they are too many").contains("files fetched"));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes).expect("it can be written");
    gzip.finish().expect("whole")
}

#[test]
fn what_an_archive_has_and_is_not_written_counts_all_the_same() {
    let zeros = vec![0; 4_000_000];
    for kind in [
        EntryType::XGlobalHeader,
        EntryType::Directory,
        EntryType::Symlink,
        // A path, which is held in memory.
        EntryType::GNULongName,
        EntryType::XHeader,
    ] {
        let bench = Bench::new();
        let bomb = gzip(&tar(&[(kind, "a", "b", &zeros), (EntryType::Regular, "c", "", b"c")]));
        let small = &mut Room::of(1_000_000, 10);
        let refused = bench.unpack_in(small, Kind::Tar(Packing::Gzip), &bomb);
        let why = refused.expect_err("it is too large");
        assert!(why.contains("more bytes") || why.contains("headers"), "{kind:?}: {why}");
        assert!(!bench.path("c").exists(), "{kind:?}");
    }
    let bench = Bench::new();
    let comment: &[u8] = b"18 comment=abcdef\n";
    let honest = tar(&[(EntryType::XGlobalHeader, "pax", "", comment)].repeat(11));
    let many = bench.unpack_in(&mut Room::of(1_000, 10), Kind::Tar(Packing::None), &honest);
    assert!(many.expect_err("they are too many").contains("files fetched"));
}

#[test]
fn data_that_is_skipped_is_no_header_and_long_names_are_fine() {
    let bench = Bench::new();
    let more = vec![0; usize::try_from(HEADERS_BYTES_MAX).expect("it fits") + 1];
    let long = format!("{}file\0", "directory/".repeat(20));
    let fine = tar(&[
        (EntryType::Directory, "app", "", &more),
        (EntryType::GNULongName, "long", "", long.as_bytes()),
        (EntryType::Regular, "short", "", b"text"),
    ]);
    bench.unpack(Kind::Tar(Packing::Gzip), &gzip(&fine)).expect("it is right");
    assert_eq!(bench.read(long.trim_end_matches('\0')), "text");
}

#[test]
fn an_archive_that_is_only_skipped_ends_with_the_time() {
    let bench = Bench::new();
    let skipped = gzip(&tar(&[(EntryType::XGlobalHeader, "a", "", &vec![0; 100_000])]));
    for (kind, bytes) in
        [(Kind::Tar(Packing::Gzip), &*skipped), (Kind::Gzip, &gzip(b"")), (Kind::Zip, b"PK")]
    {
        let late = &mut Room::until(std::time::Instant::now(), 1_000_000, 10);
        let refused = bench.unpack_in(late, kind, bytes).expect_err("it is late");
        assert!(refused.contains("minutes"), "{kind:?}: {refused}");
    }
}

#[test]
fn zip_files_are_unpacked_by_the_same_rules() {
    use zip::write::SimpleFileOptions;
    let made = |fill: &dyn Fn(&mut Zip)| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        fill(&mut writer);
        writer.finish().expect("it can be written").into_inner()
    };
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    let bench = Bench::new();
    let fine = made(&|zip| {
        zip.add_directory("app", options).expect("it can be added");
        zip.start_file("app/run", options).expect("it can be added");
        zip.write_all(b"run").expect("it can be written");
        zip.add_symlink("app/link", "run", options).expect("it can be added");
    });
    bench.unpack(Kind::Zip, &fine).expect("it is right");
    assert_eq!((bench.read("app/run"), bench.read("app/link")), ("run".into(), "run".into()));
    for (name, target) in [("../evil", None), ("/evil", None), ("link", Some("../.."))] {
        let wrong = made(&|zip| match target {
            Some(target) => zip.add_symlink(name, target, options).expect("it can be added"),
            None => zip.start_file(name, options).expect("it can be added"),
        });
        assert!(bench.unpack(Kind::Zip, &wrong).is_err(), "{name}");
    }
    assert!(bench.unpack(Kind::Zip, b"PK rubbish").is_err());
}
