//! The sandbox of a task, and what is fetched into it. Source: \[A2\], \[A7\], \[A14\].
//!
//! Amazon ECS has no sandbox: it is a volume of the task's own, mounted where Mesos mounts it. Nor does it fetch: a second container
//! does, which has to succeed before the first one starts. Its order travels as an override, like all that differs from task to task.

use std::path::{Component, Path};

use longshore_replica::{DefinitionContent, Fetch, Mount, MountSource};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::fetch::{FetchOrder, FetchUri, SANDBOX, SANDBOX_VARIABLES};
use longshore_wire_ecs::limits::{CONTAINER_MEMORY_MIB_MIN, FETCH_URIS_MAX};
use longshore_wire_mesos::v1::CommandInfo;

use super::memory_mib;
use crate::amounts::Amounts;
use crate::config::Fetching;

/// MiB of a task that are its fetcher's, while it lives and after.
pub(crate) const FETCH_MEMORY_MIB: u32 = CONTAINER_MEMORY_MIB_MIN.unsigned_abs();

/// Gives a content a sandbox. A task without an image is started there, as there is no other place that is its own.
pub(super) fn add(has_image: bool, content: &mut DefinitionContent) {
    // A framework may bring a volume of its own for it.
    if content.mounts.iter().all(|mount| &*mount.container_path != SANDBOX) {
        content.mounts.push(Mount {
            source: MountSource::Sandbox("".into()),
            container_path: SANDBOX.into(),
            read_only: false,
        });
    }
    for name in SANDBOX_VARIABLES {
        content.environment.insert(name.into(), SANDBOX.into());
    }
    if !has_image {
        content.working_directory.get_or_insert_with(|| SANDBOX.into());
    }
}

/// Where a path of a volume is in the sandbox.
///
/// # Errors
/// That it is not there.
pub(super) fn path(below: &str) -> Result<Str, String> {
    let parts = Path::new(below).components();
    let plain: Option<Vec<&str>> = parts
        .filter(|part| *part != Component::CurDir)
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    match plain.as_deref() {
        Some(plain @ [_, ..]) => Ok(plain.join("/").into()),
        _ => Err(format!("the path '{below}' of a volume leads out of the sandbox")),
    }
}

/// Adds a fetcher to a content, if the command has URIs, and returns its order.
///
/// # Errors
/// Why nothing can be fetched.
pub(super) fn fetch(
    config: &Fetching,
    command: &CommandInfo,
    claim: &Amounts,
    content: &mut DefinitionContent,
) -> Result<Option<Str>, String> {
    if command.uris.is_empty() {
        return Ok(None);
    }
    let Some(image) = config.image.clone() else {
        return Err("the task has URIs, and no image is configured that fetches them: --fetcher-image or LONGSHORE_FETCHER_IMAGE names one with the program 'longshore' in it".to_owned());
    };
    let count = command.uris.len();
    if count > FETCH_URIS_MAX {
        return Err(format!(
            "the task has {count} URIs, of which at most {FETCH_URIS_MAX} can be fetched"
        ));
    }
    let least = FETCH_MEMORY_MIB + CONTAINER_MEMORY_MIB_MIN.unsigned_abs();
    if memory_mib(claim) < least {
        return Err(format!("a task with URIs needs at least {least} MiB of memory"));
    }
    let uris = command.uris.iter().map(|uri| FetchUri {
        value: uri.value.as_str().into(),
        executable: uri.executable(),
        extract: uri.extract(),
        cache: uri.cache(),
        output_file: uri.output_file.as_deref().map(Into::into),
    });
    let order = FetchOrder { uris: uris.collect(), user: content.user.clone() };
    // Settings and order are text, lists and flags.
    let text = |json: Result<String, _>| {
        json.map(Str::from).map_err(|error: serde_json::Error| error.to_string())
    };
    let settings = text(serde_json::to_string(&config.settings))?;
    let directories = config.settings.directories.clone();
    content.fetch = Some(Fetch { image, settings, directories, order: None });
    text(serde_json::to_string(&order)).map(Some)
}
