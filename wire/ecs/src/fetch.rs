//! What is fetched into the sandbox of a task before it starts, and how its fetcher is told.
//!
//! Ours. The fetcher is this program, run as a container of the task: `longshore fetch`. The bridge orders by a variable in the
//! environment, which every runtime of ECS passes on, and learns from the exit code alone which URI failed, since ECS tells
//! nothing else of a container.

use serde::{Deserialize, Serialize};

use crate::Str;
use crate::limits::NAME_CHARS_MAX;

/// Where the sandbox is in a container. Source: Apache Mesos, `docs/docker-containerizer.md`.
pub const SANDBOX: &str = "/mnt/mesos/sandbox";
/// The variables that tell a task where its sandbox is. Source: Apache Mesos, `docs/executor-http-api.md`.
pub const SANDBOX_VARIABLES: [&str; 2] = ["MESOS_SANDBOX", "MESOS_DIRECTORY"];
/// The name of the container that fetches, if the task is one container beside it.
pub const CONTAINER: &str = "fetch";
/// Begins the name of a container that fetches for one of several.
const CONTAINER_PREFIX: &str = "fetch-";
/// The Docker label of the container that fetches.
pub const LABEL: &str = "longshore.fetch";
/// What the container runs.
pub const COMMAND: [&str; 2] = ["longshore", "fetch"];
/// The variable with the [`FetchOrder`].
pub const ORDER_VARIABLE: &str = "LONGSHORE_FETCH";
/// The variable with the [`FetchSettings`].
pub const SETTINGS_VARIABLE: &str = "LONGSHORE_FETCH_SETTINGS";

/// Exit code of a fetcher that could not read its order. Source: chosen by us: one more than that of the last URI.
pub const NO_ORDER_CODE: u8 = 101;
/// The line on which a fetcher says what it could not fetch begins with this.
pub const FAILURE: &str = "CannotFetchUriError: ";

/// What a fetcher is to fetch. Source of the members: Apache Mesos, `CommandInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchOrder {
    /// From where, in order.
    pub uris: Vec<FetchUri>,
    /// Whose files they are, if not the fetcher's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Str>,
}

/// One file to fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchUri {
    /// Where it is.
    pub value: Str,
    /// Whether it may be executed; it is not unpacked then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub executable: bool,
    /// Whether it is unpacked, if its name is that of an archive.
    #[serde(default, skip_serializing_if = "is_false")]
    pub extract: bool,
    /// Whether the agent may keep it for other tasks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cache: bool,
    /// Its name in the sandbox, if that is not the last part of the URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_file: Option<Str>,
}

/// What an operator lets fetchers do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FetchSettings {
    /// Directories that `file` URIs may be below.
    pub directories: Vec<Str>,
    /// Whether link-local addresses may be asked, among them the one that gives out the credentials of the machine.
    pub link_local: bool,
    /// Where `s3` URIs are read.
    pub s3: FetchS3,
    /// Where files are kept for other tasks, if they are.
    pub cache: Option<FetchCache>,
}

/// Where `s3` URIs are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FetchS3 {
    /// Nowhere: they fail.
    #[default]
    Nowhere,
    /// In Amazon S3, with the credentials that the fetcher finds.
    Amazon,
    /// In a directory with a directory for each bucket.
    Directory(Str),
}

/// Where files are kept for other tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchCache {
    /// A directory of the fetcher's own.
    pub directory: Str,
    /// How many bytes it may have.
    pub bytes_max: u64,
}

/// The name of the container that fetches for one of several.
pub fn container_for(name: &str) -> String {
    format!("{CONTAINER_PREFIX}{name}")
}

/// Whether a container has the name of one that fetches.
pub fn is_container(name: &str) -> bool {
    name == CONTAINER || name.starts_with(CONTAINER_PREFIX)
}

/// The longest name that a container may have for which another one fetches, in characters.
pub const FETCHED_CHARS_MAX: usize = NAME_CHARS_MAX - CONTAINER_PREFIX.len();

fn is_false(flag: &bool) -> bool {
    !*flag
}

/// The exit code that says that the URI at an index could not be fetched; those that are too many share the last one.
pub fn exit_code(index: usize) -> u8 {
    u8::try_from(index + 1).unwrap_or(u8::MAX).min(NO_ORDER_CODE - 1)
}

/// The index of the URI that an exit code is about.
pub fn failed_uri(code: i32) -> Option<usize> {
    let index = usize::try_from(code).ok()?.checked_sub(1)?;
    (index < usize::from(NO_ORDER_CODE) - 1).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_leads_back_to_its_uri_and_others_to_none() {
        for index in 0..crate::limits::FETCH_URIS_MAX {
            assert_eq!(failed_uri(exit_code(index).into()), Some(index));
        }
        for code in [0, -1, i32::from(NO_ORDER_CODE), 125, 137, 143] {
            assert_eq!(failed_uri(code), None, "{code}");
        }
    }

    #[test]
    fn an_order_survives_its_variable() {
        let uri = FetchUri { value: "http://a/b.tgz".into(), extract: true, ..Default::default() };
        let order = FetchOrder { uris: vec![uri], user: Some("nobody".into()) };
        let text = serde_json::to_string(&order).expect("it is text");
        assert_eq!(text, r#"{"uris":[{"value":"http://a/b.tgz","extract":true}],"user":"nobody"}"#);
        assert_eq!(serde_json::from_str::<FetchOrder>(&text).expect("it is whole"), order);
        assert!(
            serde_json::from_str::<FetchOrder>(r#"{"uris":[{"value":"a","mode":1}]}"#).is_err()
        );
    }
}
