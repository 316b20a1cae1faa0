//! Container output: read from the daemon while the container exists, kept in memory afterwards.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::time::Duration;

use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::LOG_BYTES_MAX;

/// Timeout for reading a container's output. Chosen by us.
const READ: Duration = Duration::from_secs(20);

/// Maximum number of removed tasks whose output is kept. Chosen by us.
const TASKS_MAX: usize = 200;

/// Maximum output of removed tasks, in bytes. Chosen by us.
const BYTES_MAX: usize = 64 * LOG_BYTES_MAX;

/// The output of removed tasks, oldest first.
#[derive(Debug, Default)]
pub(super) struct Kept {
    tasks: VecDeque<(ResourceId, BTreeMap<Str, Vec<u8>>)>,
    bytes: usize,
}

impl Kept {
    /// Keeps the output of a task by container name, and drops the oldest tasks beyond the limits.
    pub(super) fn add(&mut self, task: ResourceId, outputs: BTreeMap<Str, Vec<u8>>) {
        // A repeated removal finds no containers, and must not replace what the first one saved.
        if outputs.is_empty() {
            return;
        }
        self.bytes += size(&outputs);
        self.tasks.push_back((task, outputs));
        while self.tasks.len() > TASKS_MAX || (self.bytes > BYTES_MAX && self.tasks.len() > 1) {
            if let Some((_, dropped)) = self.tasks.pop_front() {
                self.bytes -= size(&dropped);
            }
        }
    }

    /// The kept output of a container.
    pub(super) fn get(&self, task: ResourceId, container: &str) -> Option<Vec<u8>> {
        let mut of_task = self.tasks.iter().rev().filter(|(owner, _)| *owner == task);
        of_task.find_map(|(_, outputs)| outputs.get(container)).cloned()
    }
}

fn size(outputs: &BTreeMap<Str, Vec<u8>>) -> usize {
    outputs.values().map(Vec::len).sum()
}

/// The end of a container's output, both streams in the order of writing. `None` if its log cannot
/// be read, as with the log driver `none`.
pub(super) async fn tail(daemon: &bollard::Docker, id: &str) -> Option<Vec<u8>> {
    // A line is at least one byte, so this many lines always suffice.
    let lines = LOG_BYTES_MAX.to_string();
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(&lines).build();
    let mut pieces = pin!(daemon.logs(id, Some(options)));
    let mut output = Vec::new();
    let read = async {
        while let Some(piece) = pieces.next().await {
            output.extend_from_slice(piece?.as_ref());
            // Cutting only occasionally keeps this linear.
            if output.len() > 2 * LOG_BYTES_MAX {
                cut(&mut output);
            }
        }
        Ok::<(), bollard::errors::Error>(())
    };
    let read = tokio::time::timeout(READ, read).await;
    // Partial output is better than none.
    if !matches!(read, Ok(Ok(()))) && output.is_empty() {
        return None;
    }
    cut(&mut output);
    Some(output)
}

/// Keeps the last [`LOG_BYTES_MAX`] bytes.
fn cut(output: &mut Vec<u8>) {
    let surplus = output.len().saturating_sub(LOG_BYTES_MAX);
    output.drain(..surplus);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(bytes: usize) -> BTreeMap<Str, Vec<u8>> {
        BTreeMap::from([("web".into(), vec![b'x'; bytes])])
    }

    #[test]
    fn the_oldest_output_is_dropped_first() {
        let mut kept = Kept::default();
        for task in 0..=TASKS_MAX as u128 {
            kept.add(ResourceId(task), outputs(1));
        }
        assert_eq!(kept.get(ResourceId(0), "web"), None);
        assert_eq!(kept.get(ResourceId(1), "web"), Some(b"x".to_vec()));
        assert_eq!(kept.bytes, TASKS_MAX);
    }

    #[test]
    fn many_bytes_push_out_old_output_but_never_the_newest() {
        let mut kept = Kept::default();
        kept.add(ResourceId(1), outputs(1));
        kept.add(ResourceId(2), outputs(BYTES_MAX));
        assert_eq!(kept.get(ResourceId(1), "web"), None);
        assert_eq!(kept.get(ResourceId(2), "web").map(|output| output.len()), Some(BYTES_MAX));
    }

    #[test]
    fn an_empty_second_removal_keeps_what_the_first_found() {
        let mut kept = Kept::default();
        kept.add(ResourceId(1), outputs(3));
        kept.add(ResourceId(1), BTreeMap::new());
        assert_eq!(kept.get(ResourceId(1), "web"), Some(b"xxx".to_vec()));
    }

    #[test]
    fn only_the_end_of_long_output_is_kept() {
        let mut output = vec![b'a'; LOG_BYTES_MAX];
        output.push(b'z');
        cut(&mut output);
        assert_eq!((output.len(), output.last()), (LOG_BYTES_MAX, Some(&b'z')));
    }
}
