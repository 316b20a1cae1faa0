//! The packages of the workspace and their dependencies, as `cargo metadata` resolves them.
//!
//! The rules use this small type rather than cargo's, so that tests can write down a graph.

use std::path::Path;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::Utf8Path;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node};

/// One package of the resolved graph.
#[derive(Debug, Clone, Default)]
pub(crate) struct Package {
    /// Its identifier in `links`.
    pub(crate) id: String,
    /// Its name in the registry.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its SPDX expression, if any.
    pub(crate) licence: Option<String>,
    /// Its directory relative to the root, if it is ours.
    pub(crate) folder: Option<String>,
    /// The dependencies in its manifest: normal, development and build.
    pub(crate) needs: Vec<Need>,
    /// The packages linked into it: the resolved normal dependencies.
    pub(crate) links: Vec<String>,
}

/// A dependency in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need {
    /// The name of the package.
    pub(crate) name: String,
    /// Its directory relative to the root, if it is ours.
    pub(crate) folder: Option<String>,
}

impl Package {
    /// The path of its manifest and its directory, if it is ours.
    pub(crate) fn ours(&self) -> Option<(String, &str)> {
        let folder = self.folder.as_deref()?;
        Some((format!("{folder}/Cargo.toml"), folder))
    }
}

/// Queries cargo for `platforms` only (all if empty), so that crates never built here need not be
/// downloaded.
///
/// # Errors
/// When cargo cannot resolve the workspace.
pub(crate) fn read(root: &Path, platforms: &[String]) -> Result<Vec<Package>> {
    let mut options = Vec::new();
    for platform in platforms {
        options.extend(["--filter-platform".to_owned(), platform.clone()]);
    }
    let metadata = MetadataCommand::new()
        .current_dir(root)
        .other_options(options)
        .exec()
        .context("cannot read the workspace through `cargo metadata`")?;
    Ok(metadata.packages.iter().map(|package| convert(&metadata, package)).collect())
}

fn convert(metadata: &Metadata, package: &cargo_metadata::Package) -> Package {
    let root = metadata.workspace_root.as_path();
    let needs = package.dependencies.iter().map(|dependency| Need {
        name: dependency.name.clone(),
        folder: dependency.path.as_deref().and_then(|path| relative(root, path)),
    });
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let node = nodes.filter(|node| node.id == package.id);
    Package {
        id: package.id.repr.clone(),
        name: package.name.to_string(),
        version: package.version.to_string(),
        licence: package.license.clone(),
        folder: match package.source {
            None => package.manifest_path.parent().and_then(|path| relative(root, path)),
            Some(_) => None,
        },
        needs: needs.collect(),
        links: node.flat_map(linked).collect(),
    }
}

fn linked(node: &Node) -> impl Iterator<Item = String> {
    let normal = |kinds: &[cargo_metadata::DepKindInfo]| {
        kinds.iter().any(|info| info.kind == DependencyKind::Normal)
    };
    node.deps.iter().filter(move |dep| normal(&dep.dep_kinds)).map(|dep| dep.pkg.repr.clone())
}

fn relative(root: &Utf8Path, path: &Utf8Path) -> Option<String> {
    path.strip_prefix(root).ok().map(|path| path.as_str().replace('\\', "/"))
}

#[cfg(test)]
impl Package {
    /// A package of ours in `folder`, named after it, with the given dependencies.
    pub(crate) fn at(folder: &str, folders: &[&str], crates: &[&str]) -> Self {
        let named = |folder: &str| format!("longshore-{}", folder.replace('/', "-"));
        let ours = folders
            .iter()
            .map(|folder| Need { name: named(folder), folder: Some((*folder).to_owned()) });
        let theirs = crates.iter().map(|name| Need { name: (*name).to_owned(), folder: None });
        Self {
            id: folder.to_owned(),
            name: named(folder),
            version: "0.1.0".to_owned(),
            licence: Some("Apache-2.0".to_owned()),
            folder: Some(folder.to_owned()),
            needs: ours.chain(theirs).collect(),
            links: crates.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// A third-party crate; its id is its name.
    pub(crate) fn foreign(name: &str, version: &str, licence: Option<&str>) -> Self {
        Self {
            id: name.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            licence: licence.map(str::to_owned),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use cargo_metadata::camino::Utf8Path;

    use super::relative;

    #[test]
    fn a_folder_outside_the_workspace_is_not_ours() {
        let root = Utf8Path::new("/src/longshore");
        let inside = relative(root, Utf8Path::new("/src/longshore/core/machine"));
        assert_eq!(inside.as_deref(), Some("core/machine"));
        assert_eq!(relative(root, Utf8Path::new("/src/other")), None);
    }
}
