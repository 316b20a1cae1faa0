//! The bounds of a fetcher. A framework names what is fetched, so each of them is one that a hostile framework meets.

use std::time::Duration;

/// Bytes that are written for one task, fetched and unpacked. Source: chosen by us: more than an image that
/// anybody deploys, less than the disk of an agent.
pub(super) const BYTES_MAX: u64 = 10 * 1024 * 1024 * 1024;
/// Files, directories and links that are made for one task. Source: chosen by us: a JDK and a large application have some
/// ten thousand.
pub(super) const ENTRIES_MAX: u32 = 500_000;
/// How long all of it may take. Source: chosen by us.
pub(super) const TIME_MAX: Duration = Duration::from_hours(1);
/// How long a server may say nothing. Source: Apache Mesos, `--fetcher_stall_timeout`.
pub(super) const STALL_MAX: Duration = Duration::from_mins(1);
/// How long a connection may take. Source: chosen by us.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(30);
/// How many redirects are followed. Source: chosen by us: as browsers and curl have it, within a factor of five.
pub(super) const REDIRECTS_MAX: u32 = 10;
/// Bytes of an archive that are read for each entry besides its contents, on average. Source: chosen by us: twice what its headers have in
/// tar files, which come in blocks of 512 bytes.
pub(super) const ENTRY_READ_BYTES: u64 = 4 * 1024;
/// Bytes of the headers of one entry, which are held in memory: long names, extended attributes, the map of a sparse file. Source: chosen by
/// us: more than Linux lets a file have.
pub(super) const HEADERS_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of the directory of a zip file, which is held in memory as a whole. Source: chosen by us: some 250,000 files.
pub(super) const ZIP_DIRECTORY_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Addresses that a fetcher may reserve: an archive names how much its reader shall hold. Source: chosen by us: `xz -9` needs 65 MiB; the
/// rest is the program and its threads, which reserve more than they use.
pub(super) const MEMORY_BYTES_MAX: u64 = 768 * 1024 * 1024;
/// Characters of a reason. Source: chosen by us, below what ECS shows.
pub(super) const REASON_CHARS_MAX: usize = 500;
/// Bytes of a path in an archive, or of what a link there leads to. Source: Linux, `PATH_MAX`.
pub(super) const PATH_BYTES_MAX: usize = 4_096;
/// Names in a path of an archive. Source: chosen by us: deep enough for any source tree.
pub(super) const DEPTH_MAX: usize = 128;
