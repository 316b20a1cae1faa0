//! Which glibc a binary needs.
//!
//! What is linked against a new glibc does not start where an older one is, and the images that the frameworks of Mesos come in are old:
//! Debian 8 has 2.19. So what is released is linked for 2.17 (of `CentOS` 7), the oldest that Rust supports, by `cargo-zigbuild`.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use object::read::elf::ElfFile64;
use object::{Endianness, FileKind};

use crate::shell;

/// A version of glibc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Glibc(u32, u32);

/// What released binaries are linked for.
pub(crate) const OLDEST: Glibc = Glibc(2, 17);

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The target to build for, with the version as cargo-zigbuild reads it; `None` where there is no cargo-zigbuild.
pub(crate) fn target(root: &Path) -> Option<String> {
    let is_there = shell::succeeds(shell::cargo(root).args(["zigbuild", "--help"]));
    is_there.then(|| format!("{}.{OLDEST}", triple()))
}

/// The target of this machine.
pub(crate) fn triple() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// Checks that a binary starts with [`OLDEST`].
///
/// # Errors
/// That it cannot be read, or what it needs that is newer.
pub(crate) fn check(binary: &Path) -> Result<()> {
    let newer: Vec<String> = needs(binary)?
        .into_iter()
        .filter(|(_, version)| *version > OLDEST)
        .map(|(library, version)| format!("{library} of {version}"))
        .collect();
    if newer.is_empty() {
        return Ok(());
    }
    bail!("{} needs more than glibc {OLDEST}: {}", binary.display(), newer.join(", "))
}

/// The versions of glibc's libraries that a binary names.
fn needs(binary: &Path) -> Result<Vec<(String, Glibc)>> {
    let data = fs::read(binary).with_context(|| binary.display().to_string())?;
    let data = &*data;
    if !matches!(FileKind::parse(data), Ok(FileKind::Elf64)) {
        bail!("{} is no ELF file of 64 bits", binary.display());
    }
    let file = ElfFile64::<Endianness>::parse(data)?;
    let (endian, sections) = (file.endian(), file.elf_section_table());
    let Some((mut libraries, link)) = sections.gnu_verneed(endian, data)? else {
        return Ok(Vec::new());
    };
    let strings = sections.strings(endian, data, link)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut all = Vec::new();
    while let Some((library, mut versions)) = libraries.next()? {
        let library = text(library.file(endian, strings)?);
        while let Some(version) = versions.next()? {
            let name = text(version.name(endian, strings)?);
            all.extend(parse(&name).map(|version| (library.clone(), version)));
        }
    }
    Ok(all)
}

/// `GLIBC_2.17`; other names are of other libraries. `GLIBC_ABI_...` names what only the newest have.
fn parse(name: &str) -> Option<Glibc> {
    if name.starts_with("GLIBC_ABI_") {
        return Some(Glibc(u32::MAX, 0));
    }
    let (major, rest) = name.strip_prefix("GLIBC_")?.split_once('.')?;
    let minor = rest.split('.').next()?;
    Some(Glibc(major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(parse("GLIBC_2.2.5"), Some(Glibc(2, 2)));
        assert!(parse("GLIBC_2.4") < parse("GLIBC_2.17"));
        assert!(parse("GLIBC_2.18") > Some(OLDEST));
        assert!(parse("GLIBC_ABI_DT_RELR") > Some(OLDEST));
        assert_eq!((parse("GCC_3.0"), parse("GLIBC_PRIVATE")), (None, None));
    }

    #[test]
    fn what_a_binary_needs_is_read_from_it() {
        let own = std::env::current_exe().expect("it runs");
        let needs = needs(&own).expect("it is one");
        assert!(needs.iter().any(|(library, _)| library.starts_with("libc.so")), "{needs:?}");
        let newest = needs.iter().map(|(_, version)| *version).max();
        let is_fine = check(&own).is_ok();
        assert_eq!(is_fine, newest <= Some(OLDEST), "{needs:?}");
        assert!(check(Path::new(env!("CARGO_MANIFEST_DIR"))).is_err());
    }
}
