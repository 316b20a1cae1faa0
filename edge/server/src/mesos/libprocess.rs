//! The response to a framework that uses the libprocess protocol, which Longshore does not support.
//!
//! A driver (libmesos and the like) posts `mesos.internal.RegisterFrameworkMessage` or
//! `mesos.scheduler.Call` to the process `master` and retries forever, since it takes silence for a
//! master that is not elected yet. It ignores the response, so the operator is told as well.
//!
//! Source: the project's reference of libprocess on the wire.

use axum::http::HeaderMap;

/// The response text.
pub(super) const ANSWER: &str = "Longshore does not speak libprocess, the protocol of libmesos and of drivers built on it.\n\
    Supported: the Mesos v1 scheduler HTTP API, POST /api/v1/scheduler, in JSON and in protobuf.\n\
    Not supported: schedulers that use libmesos or another v0 driver, and their messages mesos.internal.* and \
    mesos.scheduler.Call.\n\
    If the framework has a setting for the HTTP API, use it; pymesos 0.3.15, for example, speaks nothing else.\n";

/// Whether a path is that of a message to a master: `/master/mesos.<message>`, or without the
/// process.
pub(super) fn is_message(path: &str) -> bool {
    let path = path.strip_prefix("/master").unwrap_or(path);
    path.starts_with("/mesos.")
}

/// The note to the operator. It is the same for all messages, so that it is logged only once.
pub(super) fn note(headers: &HeaderMap) -> String {
    let from = ["libprocess-from", "user-agent"].into_iter().find_map(|name| headers.get(name));
    let from = from.and_then(|from| from.to_str().ok()).unwrap_or("somebody");
    let from: String = from.chars().take(100).collect();
    format!(
        "{from:?} speaks libprocess to the Mesos master, but only the v1 scheduler HTTP API is supported"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_drivers_are_told_from_paths_of_the_http_api() {
        for path in [
            "/master/mesos.internal.RegisterFrameworkMessage",
            "/master/mesos.scheduler.Call",
            "/mesos.internal.ReregisterFrameworkMessage",
        ] {
            assert!(is_message(path), "{path}");
        }
        for path in ["/master/api/v1/scheduler", "/state", "/master", "/", "/x/mesos.internal.Y"] {
            assert!(!is_message(path), "{path}");
        }
    }

    #[test]
    fn whoever_sent_it_cannot_write_into_the_log() {
        let mut headers = HeaderMap::new();
        let name = "scheduler-1@10.0.0.1:1234\t\"".parse().expect("a value");
        headers.insert("libprocess-from", name);
        assert!(
            note(&headers).starts_with(r#""scheduler-1@10.0.0.1:1234\t\"" speaks"#),
            "{}",
            note(&headers)
        );
    }
}
