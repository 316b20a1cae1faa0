//! The view of a Mesos framework, with events and with polling alone: the time from ACCEPT to
//! `TASK_RUNNING` and from a freed resource to its offer, and how often the cluster is read.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use longshore_wire_mesos::recordio::Reader;
use serde_json::{Value, json};

use crate::program::Program;
use crate::report;

const LAUNCHES: usize = 40;
/// How long each simulated task runs.
const RUN_MS: u64 = 400;

/// A minimal framework.
pub(crate) struct Framework {
    master: String,
    stream: BufReader<TcpStream>,
    stream_id: String,
    id: Value,
    records: Reader,
    /// Offers that arrived while waiting for something else.
    offers: VecDeque<Value>,
}

impl Framework {
    pub(crate) fn subscribe(master: &str) -> Result<Self> {
        let info = json!({"user": "root", "name": "bench", "failover_timeout": 0.0});
        let call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}});
        // The master answers 503 until it has read its cluster.
        let patience = Instant::now() + Duration::from_secs(5);
        let (stream, stream_id) = loop {
            match post(master, &call, None) {
                Err(_) if Instant::now() < patience => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                answer => break answer?,
            }
        };
        let stream_id = stream_id.context("a stream has an id")?;
        let mut framework = Self {
            master: master.to_owned(),
            stream,
            stream_id,
            id: Value::Null,
            records: Reader::default(),
            offers: VecDeque::new(),
        };
        framework.id = framework.wait("SUBSCRIBED")?["subscribed"]["framework_id"].clone();
        Ok(framework)
    }

    fn next(&mut self) -> Result<Value> {
        loop {
            if let Some(record) = self.records.next_record()? {
                return Ok(serde_json::from_slice(&record)?);
            }
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16)
                .with_context(|| format!("a chunk, not {line:?}"))?;
            let mut chunk = vec![0; length + 2];
            self.stream.read_exact(&mut chunk)?;
            self.records.push(&chunk[..length]);
        }
    }

    fn wait(&mut self, kind: &str) -> Result<Value> {
        loop {
            let event = self.next()?;
            if event["type"] == kind {
                return Ok(event);
            }
            if event["type"] == "OFFERS" {
                self.offers.push_back(event["offers"]["offers"][0].clone());
            }
            if event["type"] == "ERROR" {
                bail!("{event}");
            }
        }
    }

    pub(crate) fn offer(&mut self) -> Result<Value> {
        match self.offers.pop_front() {
            Some(offer) => Ok(offer),
            None => Ok(self.wait("OFFERS")?["offers"]["offers"][0].clone()),
        }
    }

    /// Waits for a state of any task, acknowledging updates that require it.
    pub(crate) fn wait_state(&mut self, state: &str) -> Result<()> {
        loop {
            let status = self.wait("UPDATE")?["update"]["status"].clone();
            if status.get("uuid").is_some() {
                let parts = json!({"agent_id": status["agent_id"], "task_id": status["task_id"], "uuid": status["uuid"]});
                self.call(json!({"type": "ACKNOWLEDGE", "acknowledge": parts}))?;
            }
            if status["state"] == state {
                return Ok(());
            }
        }
    }

    pub(crate) fn call(&self, mut call: Value) -> Result<()> {
        call["framework_id"] = self.id.clone();
        post(&self.master, &call, Some(&self.stream_id)).map(drop)
    }
}

pub(crate) fn post(
    master: &str,
    call: &Value,
    stream_id: Option<&str>,
) -> Result<(BufReader<TcpStream>, Option<String>)> {
    let mut stream = TcpStream::connect(master)?;
    stream.set_nodelay(true)?;
    let body = call.to_string();
    let header = stream_id.map_or_else(String::new, |id| format!("Mesos-Stream-Id: {id}\r\n"));
    let request = format!(
        "POST /api/v1/scheduler HTTP/1.1\r\nHost: {master}\r\nContent-Type: application/json\r\nAccept: \
         application/json\r\n{header}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    let mut reader = BufReader::new(stream);
    let (mut line, mut given) = (String::new(), None);
    reader.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 20") {
        bail!("{}", line.trim());
    }
    while !line.trim().is_empty() {
        line.clear();
        reader.read_line(&mut line)?;
        if let Some(("mesos-stream-id", value)) = line.split_once(": ") {
            given = Some(value.trim().to_owned());
        }
    }
    Ok((reader, given))
}

fn launch(offer: &Value, number: usize) -> Value {
    launch_for(offer, number, RUN_MS, 3600.0)
}

/// An ACCEPT of one task that runs so long, and for how many seconds the rest is not wanted.
pub(crate) fn launch_for(offer: &Value, number: usize, run_ms: u64, refuse_seconds: f64) -> Value {
    let scalar = |name: &str, value: f64| json!({"name": name, "type": "SCALAR", "scalar": {"value": value}});
    let variables = json!([{"name": "LONGSHORE_SIM_RUN_MS", "value": run_ms.to_string()}]);
    let task = json!({
        "name": "bench", "task_id": {"value": format!("bench-{number}")}, "agent_id": offer["agent_id"],
        "command": {"value": "simulated", "shell": true, "environment": {"variables": variables}},
        "resources": [scalar("cpus", 1.0), scalar("mem", 32.0)],
        "container": {"type": "DOCKER", "docker": {"image": "x", "network": "BRIDGE"}},
    });
    json!({"type": "ACCEPT", "accept": {
        "offer_ids": [offer["id"]], "filters": {"refuse_seconds": refuse_seconds},
        "operations": [{"type": "LAUNCH", "launch": {"task_infos": [task]}}],
    }})
}

pub(crate) fn run() -> Result<()> {
    let budgets = [("20 ms", "50 ms", "under 1"), ("250 ms", "300 ms", "under 20")];
    for (flags, (freed, running, reads)) in
        [&[][..], &["--without-events"]].into_iter().zip(budgets)
    {
        let how = if flags.is_empty() { "by events" } else { "by reads" };
        let program = Program::start_with(1, "simulated", flags)?;
        let mut framework = Framework::subscribe(&program.mesos)?;
        let offer = framework.offer()?;
        if flags.is_empty() {
            wait_for_events(&program)?;
        }
        let before = metric(&program, "longshore/ecs_reads")?;
        let began = Instant::now();
        let (launches, frees) = launch_in_turn(&mut framework, offer)?;
        let asked = metric(&program, "longshore/ecs_reads")? - before;
        report(&format!("ACCEPT to TASK_RUNNING, median, {how}"), &ms(median(launches)), running);
        report(&format!("freed resource to offer, median, {how}"), &ms(median(frees)), freed);
        let rate = asked / began.elapsed().as_secs_f64();
        report(&format!("readings a second meanwhile, {how}"), &format!("{rate:.1}"), reads);
        quiet(&program, how)?;
    }
    Ok(())
}

/// Launches tasks one after another; returns for each the time until it ran, and the maximum time
/// until its resources were offered again.
fn launch_in_turn(
    framework: &mut Framework,
    mut offer: Value,
) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let (mut launches, mut frees) = (Vec::new(), Vec::new());
    let run = Duration::from_millis(RUN_MS);
    for number in 0..LAUNCHES {
        let began = Instant::now();
        framework.call(launch(&offer, number))?;
        framework.wait_state("TASK_RUNNING")?;
        launches.push(began.elapsed());
        framework.wait_state("TASK_FINISHED")?;
        offer = framework.offer()?;
        // The task started some time after ACCEPT and ended RUN_MS later, so this is an upper bound
        // for the offer.
        frees.push(began.elapsed().saturating_sub(run));
    }
    Ok((launches, frees))
}

fn wait_for_events(program: &Program) -> Result<()> {
    let patience = Instant::now() + Duration::from_secs(5);
    while metric(program, "longshore/events_arrive")? < 1.0 {
        if Instant::now() > patience {
            bail!("events do not arrive");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

fn ms(duration: Duration) -> String {
    format!("{:.0} ms", duration.as_secs_f64() * 1000.0)
}

fn metric(program: &Program, name: &str) -> Result<f64> {
    let (mut reader, _) = get(&program.mesos, "/metrics/snapshot")?;
    let mut body = String::new();
    reader.read_to_string(&mut body)?;
    let metrics: Value = serde_json::from_str(&body)?;
    metrics[name].as_f64().with_context(|| format!("{name} is counted"))
}

/// Counts the bridge's own requests while nothing is going on.
fn quiet(program: &Program, how: &str) -> Result<()> {
    std::thread::sleep(Duration::from_secs(3));
    let before = metric(program, "longshore/ecs_reads")?;
    std::thread::sleep(Duration::from_secs(20));
    let rate = (metric(program, "longshore/ecs_reads")? - before) / 20.0;
    report(
        &format!("readings of a quiet cluster a second, {how}"),
        &format!("{rate:.2}"),
        "under 1",
    );
    Ok(())
}

fn get(host: &str, path: &str) -> Result<(BufReader<TcpStream>, String)> {
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.clone();
    while !line.trim().is_empty() {
        line.clear();
        reader.read_line(&mut line)?;
    }
    Ok((reader, status))
}
