//! What there is to see of a process, for itself to read: names, times, and what its group uses.
//!
//! Usage is told in the form in which Docker tells it of a container, so that the same programs can read it. What the
//! kernel counts for control groups only (bytes read and written, network) is left empty.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use longshore_machine::Timestamp;
use longshore_wire_ecs::host::{ContainerSpec, TaskSpec};
use longshore_wire_ecs::metadata::Network;
use rustix::process::Pid;
use serde_json::{Value, json};

use super::directory::Directory;
use crate::sight::{Sight, labels};

/// Nanoseconds of a tick. Source: the kernel counts for programs in hundredths of a second on all of our platforms.
const TICK_NS: u64 = 10_000_000;

/// What a process group had used at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    at: Timestamp,
    user_ns: u64,
    kernel_ns: u64,
    system_ns: u64,
    threads: u64,
    memory_bytes: u64,
}

/// What is known of a process by its files. Its address is this machine's: it listens here.
pub(super) fn look(directory: &Directory, spec: &TaskSpec, container: &ContainerSpec) -> Sight {
    let time = |file: &str| {
        let modified = fs::metadata(directory.path.join(file)).and_then(|meta| meta.modified());
        modified.ok().map(|at| stamp(at).iso())
    };
    let started_at = time("pid");
    Sight {
        name: directory.runtime_id(),
        image_id: "".into(),
        labels: labels(spec, container),
        networks: vec![Network {
            mode: "host".into(),
            ipv4: vec!["127.0.0.1".into()],
            ipv6: Vec::new(),
        }],
        volumes: Vec::new(),
        created_at: started_at.clone(),
        started_at,
        finished_at: time("exit"),
    }
}

fn stamp(at: SystemTime) -> Timestamp {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Adds up the process group of `pid`; `None` if nobody is left of it.
pub(super) fn sample(pid: Pid) -> Option<Sample> {
    let group = u64::try_from(pid.as_raw_nonzero().get()).ok()?;
    let mut sum = Sample {
        at: stamp(SystemTime::now()),
        user_ns: 0,
        kernel_ns: 0,
        system_ns: system_ns(&fs::read_to_string("/proc/stat").ok()?),
        threads: 0,
        memory_bytes: 0,
    };
    for entry in fs::read_dir("/proc").ok()?.filter_map(Result::ok) {
        let name = entry.file_name();
        if !name.as_encoded_bytes().first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        // Who has ended meanwhile uses nothing.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some(one) = member(&stat).filter(|one| one.group == group) else { continue };
        sum.user_ns += one.user_ns;
        sum.kernel_ns += one.kernel_ns;
        sum.threads += one.threads;
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        sum.memory_bytes += kib(&status, "VmRSS:") * 1024;
    }
    (sum.threads > 0).then_some(sum)
}

/// What `/proc/PID/stat` says of one process.
#[derive(Debug, PartialEq, Eq)]
struct Member {
    group: u64,
    user_ns: u64,
    kernel_ns: u64,
    threads: u64,
}

/// Reads `/proc/PID/stat`. A name may hold anything, so fields are counted from the last parenthesis. Source: proc(5).
fn member(stat: &str) -> Option<Member> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // The first of them is field 3.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    // With what children used that have ended.
    Some(Member {
        group: field(5)?,
        user_ns: (field(14)? + field(16)?) * TICK_NS,
        kernel_ns: (field(15)? + field(17)?) * TICK_NS,
        threads: field(20)?,
    })
}

/// The time of all CPUs, idle or not, from the first line of `/proc/stat`.
fn system_ns(stat: &str) -> u64 {
    let ticks = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
    ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * TICK_NS
}

/// A figure in KiB of a file of `/proc`.
fn kib(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Usage as Docker tells it, with the sample before as `precpu_stats`.
pub(super) fn stats(id: &str, sample: &Sample, before: Option<&Sample>) -> Value {
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    json!({
        "read": sample.at.iso(),
        "preread": before.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |before| before.at.iso()),
        "pids_stats": {"current": sample.threads},
        "blkio_stats": {
            "io_service_bytes_recursive": null, "io_serviced_recursive": null,
            "io_queue_recursive": null, "io_service_time_recursive": null,
            "io_wait_time_recursive": null, "io_merged_recursive": null,
            "io_time_recursive": null, "sectors_recursive": null,
        },
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": cpu(Some(sample), cpus),
        "precpu_stats": cpu(before, cpus),
        "memory_stats": {
            "usage": sample.memory_bytes, "stats": {}, "limit": kib(&memory, "MemTotal:") * 1024,
        },
        "name": format!("/{id}"),
        "id": id,
    })
}

fn cpu(sample: Option<&Sample>, cpus: usize) -> Value {
    let (user, kernel) = sample.map_or((0, 0), |sample| (sample.user_ns, sample.kernel_ns));
    let mut told = json!({
        "cpu_usage": {
            "total_usage": user + kernel, "usage_in_kernelmode": kernel, "usage_in_usermode": user,
        },
        "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
    });
    if let Some(sample) = sample {
        told["system_cpu_usage"] = sample.system_ns.into();
        told["online_cpus"] = cpus.into();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_hides_no_field() {
        let stat = "7 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 3 4 10 20 20 0 5 0 1000 1 2 3";
        let wanted =
            Member { group: 42, user_ns: 13 * TICK_NS, kernel_ns: 24 * TICK_NS, threads: 5 };
        assert_eq!(member(stat), Some(wanted));
        assert_eq!(member("rubbish"), None);
        assert_eq!(member("7 (sh) S 1"), None);
    }

    #[test]
    fn the_time_of_all_cpus_is_their_first_line() {
        assert_eq!(system_ns("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 1\n"), 36 * TICK_NS);
        assert_eq!(system_ns(""), 0);
    }

    #[test]
    fn figures_are_found_by_name() {
        assert_eq!(kib("VmPeak:\t  10 kB\nVmRSS:\t    1234 kB\n", "VmRSS:"), 1234);
        assert_eq!(kib("", "VmRSS:"), 0);
    }

    #[test]
    fn the_first_sample_has_none_before_it() {
        let at = Timestamp::from_millis(1_000);
        let one =
            Sample { at, user_ns: 5, kernel_ns: 6, system_ns: 100, threads: 2, memory_bytes: 4096 };
        let told = stats("process-1-web", &one, None);
        assert_eq!(told["cpu_stats"]["cpu_usage"]["total_usage"], 11);
        assert_eq!(told["precpu_stats"]["cpu_usage"]["total_usage"], 0);
        assert_eq!(told["precpu_stats"].get("system_cpu_usage"), None);
        assert_eq!(told["preread"], "0001-01-01T00:00:00Z");
        assert_eq!(told["memory_stats"]["usage"], 4096);
    }
}
