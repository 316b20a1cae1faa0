//! Process metrics from the kernel, under the names that every Prometheus client uses.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{measured, registered};

#[derive(Debug)]
pub(super) struct Process {
    cpu: Counter<f64, AtomicU64>,
    memory: Gauge,
    files: Gauge,
}

impl Process {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let cpu = measured(registry, "process_cpu", "Processor time used", Counter::default());
        let memory = registered(
            registry,
            "process_resident_memory_bytes",
            "Memory in use",
            Gauge::default(),
        );
        let files = registered(registry, "process_open_fds", "Open files", Gauge::default());
        let what = "When the process started, since the epoch";
        let started: Gauge = measured(registry, "process_start_time", what, Gauge::default());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        started.set(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        Self { cpu, memory, files }
    }

    /// Updates the values from the kernel.
    pub(super) fn look(&self) {
        let (cpu, memory, files) = process();
        self.cpu.inner().store(cpu.to_bits(), Ordering::Relaxed);
        self.memory.set(memory);
        self.files.set(files);
    }
}

/// CPU time in seconds, memory in bytes, and the number of open files; 0 if unavailable.
fn process() -> (f64, i64, i64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // A name may contain anything, so fields are counted from the last parenthesis. Source:
    // proc(5).
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field = |number: usize| {
        fields.get(number - 3).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0)
    };
    let pages = i64::from(field(24));
    let page = i64::try_from(rustix::param::page_size()).unwrap_or(4096);
    let files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    // The kernel reports hundredths of a second.
    let cpu = f64::from(field(14) + field(15)) / 100.0;
    (cpu, pages * page, i64::try_from(files).unwrap_or(0))
}

/// What the kernel knows about this machine, under the names that a Mesos master has for it: names and values.
pub(crate) fn machine() -> Vec<(String, f64)> {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut all = Vec::new();
    for (name, word) in ["1min", "5min", "15min"].into_iter().zip(load.split_whitespace()) {
        all.extend(word.parse().map(|load| (format!("system/load_{name}"), load)));
    }
    #[expect(clippy::cast_precision_loss, reason = "no machine has so many processors")]
    let cpus = std::thread::available_parallelism().map_or(1.0, |cpus| cpus.get() as f64);
    all.push(("system/cpus_total".to_owned(), cpus));
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    for (name, key) in [("mem_total_bytes", "MemTotal:"), ("mem_free_bytes", "MemFree:")] {
        let line = memory.lines().find_map(|line| line.strip_prefix(key));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        all.extend(kib.map(|kib| (format!("system/{name}"), kib * 1024.0)));
    }
    all
}
