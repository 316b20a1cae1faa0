//! One request to Blox.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::handshake;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Bytes of an answer. Source: chosen by us: the tasks of tens of thousands of instances.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How long an answer may take. Source: blox.md 3.1.
const PATIENCE: Duration = Duration::from_mins(1);

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
}

/// Sends a request to `host:port`, and waits for its answer.
///
/// # Errors
/// Why there is none.
pub(super) async fn call(
    host: &str,
    method: &str,
    target: &str,
    body: &str,
) -> anyhow::Result<Answer> {
    let asked = tokio::time::timeout(PATIENCE, send(host, method, target, body)).await;
    asked.unwrap_or_else(|_| Err(anyhow::anyhow!("timed out")))
}

async fn send(host: &str, method: &str, target: &str, body: &str) -> anyhow::Result<Answer> {
    let socket = TcpStream::connect(host).await?;
    let (mut sender, connection) = handshake(TokioIo::new(socket)).await?;
    let request = Request::builder().method(method).uri(target).header(header::HOST, host);
    let request = if body.is_empty() {
        request
    } else {
        request.header(header::CONTENT_TYPE, "application/json")
    };
    let request = request.body(Full::new(Bytes::from(body.to_owned())))?;
    let asked = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        drop(sender);
        let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
        anyhow::Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
    };
    let (answer, _) = tokio::join!(asked, connection);
    answer
}
