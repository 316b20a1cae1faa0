//! Process information from `/proc`.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::Pid;

/// Nanoseconds per tick. Source: the kernel reports hundredths of a second on all of our platforms.
const TICK_NS: u64 = 10_000_000;

/// The name of this machine, which provides the ports of processes.
///
/// # Errors
/// Why it is unknown, for people.
pub fn machine() -> Result<String, String> {
    const NAME: &str = "/proc/sys/kernel/hostname";
    let name = fs::read_to_string(NAME).map_err(|error| format!("{NAME}: {error}"))?;
    Ok(name.trim().to_owned())
}

/// A process, distinguished from later ones with the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    /// Start time, in ticks since boot.
    pub(crate) began: u64,
}

impl Process {
    /// The process that currently has an id.
    pub(crate) fn of(pid: Pid) -> Option<Self> {
        Some(Self { pid, began: stat(pid)?.began })
    }

    /// Whether the process exists, possibly as a zombie.
    pub(crate) fn is_there(self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.began == self.began)
    }

    /// Whether it is running; false for zombies.
    pub(crate) fn is_running(self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.began == self.began && !stat.is_over())
    }
}

/// One process as described by `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    state: char,
    pub(crate) parent: i32,
    pub(crate) user_ns: u64,
    pub(crate) kernel_ns: u64,
    pub(crate) threads: u64,
    began: u64,
}

impl Stat {
    /// Whether it is a zombie.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// Reads the state of a process; `None` if it is gone.
pub(crate) fn stat(pid: Pid) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?)
}

/// Parses `/proc/PID/stat`. A name may contain anything, so fields are counted from the last
/// parenthesis. Source: proc(5).
fn parse(stat: &str) -> Option<Stat> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // The first of them is field 3.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        // Including children that were reaped.
        user_ns: (field(14)? + field(16)?) * TICK_NS,
        kernel_ns: (field(15)? + field(17)?) * TICK_NS,
        threads: field(20)?,
        began: field(22)?,
    })
}

/// A file of a process, as provided by the kernel; empty if it is gone.
pub(crate) fn file(pid: Pid, name: &str) -> Vec<u8> {
    fs::read(format!("/proc/{}/{name}", pid.as_raw_nonzero())).unwrap_or_default()
}

/// A file of the machine.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The boot id, unique to this boot of the machine.
pub(crate) fn boot() -> String {
    text("/proc/sys/kernel/random/boot_id").trim().to_owned()
}

/// All descendants of a process. Those that come and go in the meantime may be missed.
pub(crate) fn below(top: Pid) -> Vec<Pid> {
    let mut found = Vec::new();
    let mut next = vec![top];
    while let Some(parent) = next.pop() {
        let Some(children) = children(parent) else { return below_by_parents(top) };
        found.extend(&children);
        next.extend(children);
    }
    found
}

/// The children of all threads of a process; `None` if the kernel does not list them.
fn children(parent: Pid) -> Option<Vec<Pid>> {
    let threads = format!("/proc/{}/task", parent.as_raw_nonzero());
    let Ok(entries) = fs::read_dir(&threads) else {
        // It has ended, and its children were reparented.
        return Some(Vec::new());
    };
    let mut found = Vec::new();
    for thread in entries.filter_map(Result::ok) {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(text) => found.extend(text.split_whitespace().filter_map(number)),
            Err(_) if !thread.path().exists() => {}
            Err(_) => return None,
        }
    }
    Some(found)
}

fn number(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok()?)
}

/// Like [`below`], computed from the parents of all processes of the machine.
fn below_by_parents(top: Pid) -> Vec<Pid> {
    let mut of_parent: BTreeMap<i32, Vec<Pid>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok) {
        let pid = entry.file_name().to_str().and_then(number);
        let Some((pid, stat)) = pid.and_then(|pid| Some((pid, stat(pid)?))) else { continue };
        of_parent.entry(stat.parent).or_default().push(pid);
    }
    let (mut found, mut next) = (Vec::new(), vec![top]);
    while let Some(parent) = next.pop() {
        let children = of_parent.remove(&parent.as_raw_nonzero().get()).unwrap_or_default();
        found.extend(&children);
        next.extend(children);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_hides_no_field() {
        let stat = "7 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 3 4 10 20 20 0 5 0 1000 1 2 3";
        let wanted = Stat {
            state: 'S',
            parent: 1,
            user_ns: 13 * TICK_NS,
            kernel_ns: 24 * TICK_NS,
            threads: 5,
            began: 1000,
        };
        assert_eq!(parse(stat), Some(wanted));
        assert_eq!(parse("rubbish"), None);
        assert_eq!(parse("7 (sh) S 1"), None);
    }

    #[test]
    fn children_are_found_both_ways_and_a_process_is_told_from_a_later_one() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("it runs");
        let pid = Pid::from_child(&child);
        let own = rustix::process::getpid();
        assert!(below(own).contains(&pid) && below_by_parents(own).contains(&pid));
        let process = Process::of(pid).expect("it runs");
        assert!(process.is_running());
        assert!(!Process { began: process.began + 1, ..process }.is_running());
        child.kill().expect("it is ours");
        while stat(pid).is_some_and(|stat| !stat.is_over()) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert!(!process.is_running(), "one that nobody has waited for is over, too");
        child.wait().expect("it is ours");
    }
}
