//! The metadata of a process, for itself to read: names, times, and the resource usage of it and
//! its descendants.
//!
//! Usage has the format in which Docker reports it for a container, so that the same programs can
//! read it. What the kernel counts only per control group (bytes read and written, network) is left
//! empty.

use std::time::{SystemTime, UNIX_EPOCH};

use longshore_machine::Timestamp;
use longshore_wire_ecs::host::{ContainerSpec, TaskSpec};
use longshore_wire_ecs::metadata::Network;
use rustix::process::Pid;
use serde_json::{Value, json};

use super::directory::Directory;
use super::proc;
use crate::sight::{Sight, labels};

/// Nanoseconds per tick. Source: the kernel reports hundredths of a second on all of our platforms.
const TICK_NS: u64 = 10_000_000;

/// The resource usage of a container's processes at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    at: Timestamp,
    user_ns: u64,
    kernel_ns: u64,
    system_ns: u64,
    threads: u64,
    memory_bytes: u64,
}

/// The metadata of a process from its files. Its address is that of this machine, where it listens.
pub(super) fn look(directory: &Directory, spec: &TaskSpec, container: &ContainerSpec) -> Sight {
    let (began, ended) = directory.times();
    let time = |millis: Option<u64>| millis.map(|millis| Timestamp::from_millis(millis).iso());
    let started_at = time(began);
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
        finished_at: time(ended),
    }
}

fn stamp(at: SystemTime) -> Timestamp {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Sums up all processes below a supervisor; `None` if none is left.
pub(super) fn sample(supervisor: Pid) -> Option<Sample> {
    let mut sum = Sample {
        at: stamp(SystemTime::now()),
        user_ns: 0,
        kernel_ns: 0,
        system_ns: system_ns(&proc::text("/proc/stat")),
        threads: 0,
        memory_bytes: 0,
    };
    for pid in proc::below(supervisor) {
        // Processes that ended in the meantime use nothing.
        let Some(one) = proc::stat(pid).filter(|one| !one.is_over()) else { continue };
        sum.user_ns += one.user_ns;
        sum.kernel_ns += one.kernel_ns;
        sum.threads += one.threads;
        let status = proc::file(pid, "status");
        sum.memory_bytes += kib(&String::from_utf8_lossy(&status), "VmRSS:") * 1024;
    }
    (sum.threads > 0).then_some(sum)
}

/// The time of all CPUs, idle or not, from the first line of `/proc/stat`.
fn system_ns(stat: &str) -> u64 {
    let ticks = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
    ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * TICK_NS
}

/// A value in KiB from a file of `/proc`.
fn kib(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Usage in Docker's format, with the previous sample as `precpu_stats`.
pub(super) fn stats(id: &str, sample: &Sample, before: Option<&Sample>) -> Value {
    let memory = proc::text("/proc/meminfo");
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
