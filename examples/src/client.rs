//! A client of the v1 scheduler API: one connection for events, and one per call.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use longshore_wire_mesos::v1::FrameworkId;
use longshore_wire_mesos::v1::scheduler::{Call, Event};
use longshore_wire_mesos::{Media, recordio};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Number of attempts if the master is not ready.
const TRIES: u32 = 50;
/// Delay between attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// The master answered 503: it has not read its cluster yet.
#[derive(Debug)]
struct NotReady;

impl std::fmt::Display for NotReady {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the master is not ready")
    }
}

impl std::error::Error for NotReady {}

/// A framework's subscription.
#[derive(Debug)]
pub struct Subscription {
    master: String,
    stream_id: String,
    /// Assigned by the master with the first event.
    framework_id: Option<FrameworkId>,
    body: Incoming,
    reader: recordio::Reader,
    /// Drives the connection.
    connections: JoinSet<()>,
}

impl Subscription {
    /// Sends SUBSCRIBE to `master`, a `host:port`, and retries while the master has not read its
    /// cluster yet.
    ///
    /// # Errors
    /// If the master cannot be reached or rejects the subscription.
    pub async fn open(master: &str, subscribe: &Call) -> Result<Self> {
        let mut connections = JoinSet::new();
        let mut tries = 0;
        let response = loop {
            match post(master, subscribe, None, &mut connections).await {
                Err(error) if tries < TRIES && error.downcast_ref::<NotReady>().is_some() => {
                    tries += 1;
                }
                answer => break answer?,
            }
            tokio::time::sleep(PAUSE).await;
        };
        let stream_id = response
            .headers()
            .get("mesos-stream-id")
            .context("the response has no Mesos-Stream-Id")?;
        let stream_id = stream_id.to_str()?.to_owned();
        let (master, reader) = (master.to_owned(), recordio::Reader::default());
        Ok(Self {
            master,
            stream_id,
            framework_id: None,
            body: response.into_body(),
            reader,
            connections,
        })
    }

    /// The next event; `None` when the stream has ended.
    ///
    /// # Errors
    /// If the stream breaks or is malformed.
    pub async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(record) = self.reader.next_record()? {
                let event: Event = Media::Protobuf.decode("mesos.v1.scheduler.Event", &record)?;
                if let Some(subscribed) = &event.subscribed {
                    self.framework_id = Some(subscribed.framework_id.clone());
                }
                return Ok(Some(event));
            }
            match self.body.frame().await {
                Some(frame) => {
                    if let Ok(bytes) = frame?.into_data() {
                        self.reader.push(&bytes);
                    }
                }
                None => return Ok(None),
            }
        }
    }

    /// Sends a call, after adding the framework's id.
    ///
    /// # Errors
    /// If the master cannot be reached or rejects the call.
    pub async fn call(&mut self, call: Call) -> Result<()> {
        let call = Call { framework_id: self.framework_id.clone(), ..call };
        post(&self.master, &call, Some(&self.stream_id), &mut self.connections).await?;
        while self.connections.try_join_next().is_some() {}
        Ok(())
    }
}

async fn post(
    master: &str,
    call: &Call,
    stream_id: Option<&str>,
    connections: &mut JoinSet<()>,
) -> Result<Response<Incoming>> {
    let socket =
        TcpStream::connect(master).await.with_context(|| format!("cannot reach {master}"))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    connections.spawn(async move {
        // Connection errors show up in the requests.
        let _ = connection.await;
    });
    let media = Media::Protobuf;
    let mut request = Request::post("/api/v1/scheduler")
        .header("host", master)
        .header("content-type", media.name())
        .header("accept", media.name());
    if let Some(id) = stream_id {
        request = request.header("mesos-stream-id", id);
    }
    let body = Full::new(Bytes::from(media.encode("mesos.v1.scheduler.Call", call)));
    let response = sender.send_request(request.body(body)?).await?;
    match response.status() {
        StatusCode::OK | StatusCode::ACCEPTED => Ok(response),
        StatusCode::SERVICE_UNAVAILABLE => Err(NotReady.into()),
        status => {
            let why = response.into_body().collect().await?.to_bytes();
            bail!("{status}: {}", String::from_utf8_lossy(&why))
        }
    }
}
