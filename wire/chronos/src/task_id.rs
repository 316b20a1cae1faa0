//! The id of a task: `ct:<due ms>:<attempt>:<job>:<arguments>`.
//!
//! People and tools tell from it which run of which job a task is. Source: frameworks.md 2.2.

use std::fmt::{self, Write as _};

use crate::limits::TASK_ID_BYTES_MAX;

/// What the id of a task says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskName {
    /// When the run was due, in ms since the epoch.
    pub due_ms: u64,
    /// How many attempts there were before.
    pub attempt: u32,
    /// The job.
    pub job: String,
    /// The arguments, as far as an id has room for them and they are characters that ids may have.
    pub arguments: String,
}

impl TaskName {
    /// Reads an id; `None` if it is not one of ours.
    pub fn parse(id: &str) -> Option<Self> {
        let mut parts = id.strip_prefix("ct:")?.splitn(4, ':');
        let due_ms = parts.next()?.parse().ok()?;
        let attempt = parts.next()?.parse().ok()?;
        let job = parts.next().filter(|job| !job.is_empty())?.to_owned();
        // Chronos 2 before 2.4 wrote no arguments.
        let arguments = parts.next().unwrap_or_default().to_owned();
        Some(Self { due_ms, attempt, job, arguments })
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { due_ms, attempt, job, arguments } = self;
        let head = format!("ct:{due_ms}:{attempt}:{job}:");
        let room = TASK_ID_BYTES_MAX.saturating_sub(head.len());
        f.write_str(&head)?;
        for one in arguments.chars().take(room) {
            let may = one.is_ascii_alphanumeric() || " -_.,=+@:".contains(one);
            f.write_char(if may { one } else { '_' })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        let name = TaskName {
            due_ms: 1_795_261_375_980,
            attempt: 2,
            job: "nightly.report-1".to_owned(),
            arguments: "--day 1".to_owned(),
        };
        assert_eq!(name.to_string(), "ct:1795261375980:2:nightly.report-1:--day 1");
        assert_eq!(TaskName::parse(&name.to_string()), Some(name));
    }

    #[test]
    fn arguments_are_cut_and_cleaned_to_what_an_id_may_be() {
        let job = "j".repeat(200);
        let name = TaskName { due_ms: 1, attempt: 0, job, arguments: "a/b;ü".repeat(100) };
        let id = name.to_string();
        assert!(id.len() == TASK_ID_BYTES_MAX && id.contains(":a_b__a_b"), "{id}");
    }

    #[test]
    fn what_is_not_ours_is_none() {
        for id in ["", "ct:", "ct:1:2", "ct:x:0:job:", "ct:1:0::", "task-1"] {
            assert_eq!(TaskName::parse(id), None, "{id}");
        }
    }
}
