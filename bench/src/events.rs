//! Event delivery: from task changes into a queue, and from the queue to consumers over HTTP, with
//! durable storage.
//!
//! Each task that is run causes two events, PENDING and RUNNING. Events are counted where they
//! arrive: in the queue, and at the consumers, each of which deletes what it has received, as real
//! consumers do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::api::rate;
use crate::http::Connection;
use crate::program::Program;
use crate::report;

const INSTANCES: u32 = 1000;
const CONSUMERS: usize = 8;
const SECONDS: u64 = 4;

/// Creates a queue and a rule that sends all task events to it; returns its URL.
fn follow(connection: &mut Connection) -> Result<String> {
    let created = connection.call_for("AmazonSQS.CreateQueue", &json!({"QueueName": "bench"}))?;
    let url = created["QueueUrl"].as_str().context("a queue has a URL")?.to_owned();
    let ask = json!({"QueueUrl": url, "AttributeNames": ["QueueArn"]});
    let found = connection.call_for("AmazonSQS.GetQueueAttributes", &ask)?;
    let pattern = r#"{"source":["aws.ecs"],"detail-type":["ECS Task State Change"]}"#;
    let rule = json!({"Name": "bench", "EventPattern": pattern});
    connection.call_for("AWSEvents.PutRule", &rule)?;
    let target = json!({"Id": "bench", "Arn": found["Attributes"]["QueueArn"]});
    connection.call_for("AWSEvents.PutTargets", &json!({"Rule": "bench", "Targets": [target]}))?;
    Ok(url)
}

/// Number of messages in the queue, received or not.
fn held(connection: &mut Connection, url: &str) -> Result<u64> {
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let ask = json!({"QueueUrl": url, "AttributeNames": names});
    let found = connection.call_for("AmazonSQS.GetQueueAttributes", &ask)?;
    let number = |name: &str| found["Attributes"][name].as_str().and_then(|text| text.parse().ok());
    let numbers = names.map(|name| number(name).unwrap_or(0));
    Ok(numbers.iter().sum())
}

/// Receives and deletes messages until stopped; counts what it has received.
fn consume(host: &str, url: &str, stop: &AtomicBool, received: &AtomicU64) -> Result<()> {
    let mut connection = Connection::open(host)?;
    let ask = json!({"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1});
    let ask = connection.prepare_for("AmazonSQS.ReceiveMessage", &ask.to_string());
    while !stop.load(Ordering::Relaxed) {
        let answer: Value = serde_json::from_slice(&connection.send(&ask)?)?;
        let messages = answer["Messages"].as_array().map_or(&[][..], Vec::as_slice);
        let entry = |(number, message): (usize, &Value)| json!({"Id": number.to_string(), "ReceiptHandle": message["ReceiptHandle"]});
        let entries: Vec<Value> = messages.iter().enumerate().map(entry).collect();
        if !entries.is_empty() {
            let body = json!({"QueueUrl": url, "Entries": entries});
            connection.call_for("AmazonSQS.DeleteMessageBatch", &body)?;
        }
        received.fetch_add(messages.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}

/// Runs consumers during `meanwhile`; returns its result, and the number of events received per
/// second.
fn consumed<T>(host: &str, url: &str, meanwhile: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let stop = Arc::new(AtomicBool::new(false));
    let received = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let consumers: Vec<_> = (0..CONSUMERS)
        .map(|_| {
            let (stop, received, host, url) =
                (stop.clone(), received.clone(), host.to_owned(), url.to_owned());
            std::thread::spawn(move || consume(&host, &url, &stop, &received))
        })
        .collect();
    let done = meanwhile()?;
    let rate = per_second(received.load(Ordering::Relaxed), began.elapsed());
    stop.store(true, Ordering::Relaxed);
    for consumer in consumers {
        consumer.join().map_err(|_| anyhow::anyhow!("a consumer panicked"))??;
    }
    Ok((done, rate))
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

pub(crate) fn run() -> Result<()> {
    let program = Program::start(INSTANCES, "simulated")?;
    let host = &program.ecs;
    let mut connection = Connection::open(host)?;
    let definition = r#"{"family":"bench","containerDefinitions":[{"name":"main","image":"x","cpu":10,"memory":10}]}"#;
    connection.call("RegisterTaskDefinition", definition)?;
    let url = follow(&mut connection)?;
    let run = || vec![r#"{"taskDefinition":"bench","count":10}"#.to_owned()];

    let began = Instant::now();
    rate(host, "RunTask", run())?;
    let arrived = per_second(held(&mut connection, &url)?, began.elapsed());
    report("events of tasks into a queue, events/s", &format!("{arrived:.0}"), "20000");

    let wait = || {
        std::thread::sleep(Duration::from_secs(SECONDS));
        Ok(())
    };
    let ((), received) = consumed(host, &url, wait)?;
    report("received and deleted over HTTP, events/s", &format!("{received:.0}"), "");

    connection.call_for("AmazonSQS.PurgeQueue", &json!({"QueueUrl": url}))?;
    let (tasks, received) = consumed(host, &url, || rate(host, "RunTask", run()))?;
    report("  both at once: tasks run, tasks/s", &format!("{:.0}", tasks * 10.0), "");
    report("  both at once: received, events/s", &format!("{received:.0}"), "");
    report("  left in the queue", &held(&mut connection, &url)?.to_string(), "");
    Ok(())
}
