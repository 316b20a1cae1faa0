//! `longshore events`: what happens in a cluster, one line per event.
//!
//! With `--follow` it prints the feed of the local ECS from now on. Past events are not stored, so
//! without `--follow` the history is derived from what describe calls still return; that works on
//! AWS, too.

mod line;
mod past;
mod seen;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Response, StatusCode};
use longshore_wire_ecs::feed::{self, Frame};
use serde_json::Value;

use self::seen::Seen;
use crate::args::EventsArgs;
use crate::cluster::Cluster;
use crate::local;

/// How long the feed may be silent: three times the heartbeat interval.
const SILENCE: Duration = Duration::from_secs(45);

/// Prints new or past events.
pub(crate) async fn run(args: EventsArgs, json: bool) -> anyhow::Result<ExitCode> {
    if !args.follow {
        return past::run(&args.cluster, json).await;
    }
    if args.cluster.aws {
        bail!(
            "Amazon ECS has no feed to follow: create an EventBridge rule that sends its events to an SQS queue"
        );
    }
    let path = path(&args);
    let cluster = Cluster::of(&args.cluster).await?;
    let followed = local::stream(&cluster, &path, async |response| follow(response, json).await);
    tokio::select! {
        done = followed => done?,
        () = crate::dev::interrupted() => return Ok(ExitCode::SUCCESS),
    }
    bail!("the feed has ended: the local ECS at {} has stopped", args.cluster.endpoint)
}

fn path(args: &EventsArgs) -> String {
    let cluster = (!args.all_clusters).then_some(("cluster", &args.cluster.cluster));
    let pattern = args.pattern.as_ref().map(|pattern| ("pattern", pattern));
    let query: Vec<String> = cluster
        .into_iter()
        .chain(pattern)
        .map(|(name, value)| format!("{name}={}", local::encoded(value)))
        .collect();
    format!("/longshore/v1/events?{}", query.join("&"))
}

/// Prints events until the feed ends.
async fn follow(response: Response<Incoming>, json: bool) -> anyhow::Result<()> {
    let status = response.status();
    let mut body = response.into_body();
    if status != StatusCode::OK {
        let said = body.collect().await?.to_bytes();
        bail!("{}", String::from_utf8_lossy(&said).trim());
    }
    let mut reader = feed::Reader::default();
    let mut seen = Seen::default();
    loop {
        let piece = tokio::time::timeout(SILENCE, body.frame()).await;
        let piece = piece.context("the feed has gone silent")?;
        // A broken connection counts as the end.
        let Some(Ok(piece)) = piece else { return Ok(()) };
        reader.push(piece.data_ref().map_or(b"", |bytes| bytes));
        while let Some(frame) = reader.next_frame()? {
            print(&frame, json, &mut seen)?;
        }
    }
}

fn print(frame: &Frame, json: bool, seen: &mut Seen) -> anyhow::Result<()> {
    if json {
        crate::output::say!("{}", frame.data);
        return Ok(());
    }
    let told: Value = serde_json::from_str(&frame.data).context("an event is not valid JSON")?;
    if frame.kind == feed::MISSED {
        eprintln!(
            "longshore: {} events were missed: they arrived faster than they were read",
            told["missed"]
        );
    } else if let Some(line) = seen.line(&told) {
        crate::output::say!("{line}");
    }
    Ok(())
}
