//! Unpacks archives into a sandbox.
//!
//! The formats are read by libraries; where an entry goes, and whether it may, is decided here. Paths lead down, links
//! stay inside, there are no devices, no bits that lend rights, and no more bytes and files than there is room for: an archive
//! says little of what it unpacks to, so that is counted as it is written, and what is not written as it is read (see `meter`).

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use tar::EntryType;

use super::limits::{HEADERS_BYTES_MAX, PATH_BYTES_MAX, ZIP_DIRECTORY_BYTES_MAX};
use super::meter::{Meter, Metered};
use super::room::Room;
use super::sandbox::{Sandbox, downward, inward};

/// What a name says of its file. Source: Apache Mesos, `docs/fetcher.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tar(Packing),
    /// One file, without its last suffix.
    Gzip,
    Zip,
}

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    Bzip2,
    Xz,
}

impl Kind {
    /// The kind of archive that a file with this name is, if it is one.
    pub(super) fn of(name: &str) -> Option<Self> {
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        if ends(&[".tar"]) {
            Some(Self::Tar(Packing::None))
        } else if ends(&[".tar.gz", ".tgz"]) {
            Some(Self::Tar(Packing::Gzip))
        } else if ends(&[".tar.bz2", ".tbz2"]) {
            Some(Self::Tar(Packing::Bzip2))
        } else if ends(&[".tar.xz", ".txz"]) {
            Some(Self::Tar(Packing::Xz))
        } else if ends(&[".gz"]) {
            Some(Self::Gzip)
        } else if ends(&[".zip"]) {
            Some(Self::Zip)
        } else {
            None
        }
    }
}

/// Unpacks an archive. `name` is what one file without a name of its own is called in place of.
///
/// # Errors
/// What is wrong with it.
pub(super) fn unpack(
    kind: Kind,
    archive: File,
    name: &str,
    sandbox: &Sandbox,
    room: &mut Room,
) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot unpack it: {error}");
    let packed = room.packed();
    let archive = BufReader::new(Metered::new(archive, &packed));
    match kind {
        Kind::Zip => unzip(archive, &packed, sandbox, room),
        Kind::Gzip => {
            let name = downward(Path::new(name.strip_suffix(".gz").unwrap_or(name)))?;
            room.entry().map_err(failed)?;
            let mut file = sandbox.file(&name, 0o644).map_err(failed)?;
            let mut packed = MultiGzDecoder::new(archive);
            room.copy(&mut packed, &mut file).map_err(failed)
        }
        Kind::Tar(packing) => {
            let reader: Box<dyn Read> = match packing {
                Packing::None => Box::new(archive),
                Packing::Gzip => Box::new(MultiGzDecoder::new(archive)),
                Packing::Bzip2 => Box::new(MultiBzDecoder::new(archive)),
                Packing::Xz => Box::new(XzReader::new(archive, true)),
            };
            untar(reader, sandbox, room)
        }
    }
}

/// Directories get their modes last, since they could not be written into before.
#[derive(Default)]
struct Directories(Vec<(PathBuf, u32)>);

impl Directories {
    fn finish(self, sandbox: &Sandbox) -> io::Result<()> {
        self.0.into_iter().rev().try_for_each(|(path, mode)| sandbox.directory(&path, mode))
    }
}

fn untar(reader: impl Read, sandbox: &Sandbox, room: &mut Room) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot unpack it: {error}");
    let unpacked = room.unpacked();
    let mut archive = tar::Archive::new(Metered::new(reader, &unpacked));
    let mut directories = Directories::default();
    let mut entries = archive.entries().map_err(failed)?;
    // Nothing of one entry is left to skip when the next one is looked for, so that all that is read then is headers.
    while let Some(entry) = unpacked.holding(HEADERS_BYTES_MAX, || entries.next()) {
        let mut entry = entry.map_err(failed)?;
        let kind = entry.header().entry_type();
        room.entry().map_err(failed)?;
        if matches!(kind, EntryType::XGlobalHeader) {
            skip(&mut entry).map_err(failed)?;
            continue;
        }
        let path = downward(&entry.path().map_err(failed)?)?;
        let mode = entry.header().mode().unwrap_or(0o644);
        let linked = |target: Option<std::borrow::Cow<'_, Path>>| {
            target.map(std::borrow::Cow::into_owned).ok_or("a link in it leads nowhere")
        };
        match kind {
            EntryType::Directory => {
                sandbox.directory(&path, 0o755).map_err(failed)?;
                directories.0.push((path, mode));
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let mut file = sandbox.file(&path, mode).map_err(|error| at(&path, &error))?;
                room.copy(&mut entry, &mut file).map_err(|error| at(&path, &error))?;
            }
            EntryType::Symlink => {
                let target = linked(entry.link_name().map_err(failed)?)?;
                inward(&path, &target)?;
                sandbox.symlink(&path, &target).map_err(|error| at(&path, &error))?;
            }
            EntryType::Link => {
                let target = downward(&linked(entry.link_name().map_err(failed)?)?)?;
                sandbox.hard_link(&path, &target).map_err(|error| at(&path, &error))?;
            }
            _ => {
                let path = path.display();
                return Err(format!("{path} in it is neither a file, a directory nor a link"));
            }
        }
        skip(&mut entry).map_err(failed)?;
    }
    directories.finish(sandbox).map_err(failed)
}

/// Reads what an entry has and is not written.
fn skip(entry: &mut impl Read) -> io::Result<()> {
    io::copy(entry, &mut io::sink()).map(drop)
}

fn at(path: &Path, error: &io::Error) -> String {
    format!("cannot unpack {} from it: {error}", path.display())
}

fn unzip(
    archive: impl Read + Seek,
    packed: &Meter,
    sandbox: &Sandbox,
    room: &mut Room,
) -> Result<(), String> {
    let mut archive = packed
        .holding(ZIP_DIRECTORY_BYTES_MAX, || zip::ZipArchive::new(archive))
        .map_err(|error| format!("cannot unpack it: {error}"))?;
    let mut directories = Directories::default();
    for index in 0..archive.len() {
        let mut entry =
            archive.by_index(index).map_err(|error| format!("cannot unpack it: {error}"))?;
        let path = downward(Path::new(entry.name()))?;
        let mode = entry.unix_mode();
        room.entry().map_err(|error| at(&path, &error))?;
        let made = if entry.is_dir() {
            directories.0.push((path.clone(), mode.unwrap_or(0o755)));
            sandbox.directory(&path, 0o755)
        } else if entry.is_symlink() {
            let mut target = String::new();
            let read = (&mut entry).take(PATH_BYTES_MAX as u64 + 1).read_to_string(&mut target);
            read.map_err(|error| at(&path, &error))?;
            inward(&path, Path::new(&target))?;
            sandbox.symlink(&path, Path::new(&target))
        } else {
            let file = sandbox.file(&path, mode.unwrap_or(0o644));
            file.and_then(|mut file| room.copy(&mut entry, &mut file))
        };
        made.map_err(|error| at(&path, &error))?;
    }
    directories.finish(sandbox).map_err(|error| format!("cannot unpack it: {error}"))
}

#[cfg(test)]
mod tests;
