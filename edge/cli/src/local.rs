//! What a local ECS answers beside the ECS API, below `/longshore`.

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;

/// One request on a connection of its own; with a body it is a POST of JSON.
pub(crate) async fn ask(
    endpoint: &str,
    path: &str,
    body: Option<&serde_json::Value>,
) -> anyhow::Result<(StatusCode, Bytes)> {
    let host = endpoint
        .strip_prefix("http://")
        .context("this is had over plain http:// from a local ECS only")?;
    let host = host.trim_end_matches('/');
    let socket = tokio::net::TcpStream::connect(host)
        .await
        .with_context(|| format!("cannot reach {host} (is `longshore dev` running?)"))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", host)
        .header("content-type", "application/json");
    let body = body.map(ToString::to_string).unwrap_or_default();
    let request = request.body(Full::new(Bytes::from(body)))?;
    let asked = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        drop(sender);
        anyhow::Ok((status, body))
    };
    let (answer, _) = tokio::join!(asked, connection);
    answer
}
