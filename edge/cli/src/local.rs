//! The endpoints under `/longshore` that a local ECS serves in addition to the ECS API.
//!
//! Requests are signed like those of the ECS API, with the same credentials: the signature names
//! the account and region, and a local ECS with access keys verifies it.

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::cluster::Cluster;

type Sender = SendRequest<Full<Bytes>>;
type Wire = Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// Opens a connection; also returns the host.
async fn connect(endpoint: &str) -> anyhow::Result<(&str, Sender, Wire)> {
    let host = endpoint
        .strip_prefix("http://")
        .context("this is only available from a local ECS, over plain http://")?;
    let host = host.trim_end_matches('/');
    let socket = TcpStream::connect(host)
        .await
        .with_context(|| format!("cannot reach {host} (is `longshore dev` running?)"))?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    Ok((host, sender, connection))
}

/// Builds a request, signed for the account and region that other commands would use; with a body
/// it is a POST of JSON.
async fn request(
    cluster: &Cluster<'_>,
    host: &str,
    path: &str,
    body: Option<&serde_json::Value>,
) -> anyhow::Result<Request<Full<Bytes>>> {
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let body = body.map(ToString::to_string).unwrap_or_default();
    let signature = cluster.sign(method.as_str(), (host, path), body.as_bytes()).await?;
    let mut request = Request::builder().method(method).uri(path).header("host", host);
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in &signature {
        request = request.header(name, value);
    }
    Ok(request.body(Full::new(Bytes::from(body)))?)
}

/// Sends one request on its own connection; with a body it is a POST of JSON.
pub(crate) async fn ask(
    cluster: &Cluster<'_>,
    path: &str,
    body: Option<&serde_json::Value>,
) -> anyhow::Result<(StatusCode, Bytes)> {
    let (host, mut sender, connection) = connect(cluster.endpoint()).await?;
    let request = request(cluster, host, path, body).await?;
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

/// Sends a GET whose response `read` consumes piece by piece.
pub(crate) async fn stream<T>(
    cluster: &Cluster<'_>,
    path: &str,
    read: impl AsyncFnOnce(Response<Incoming>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (host, mut sender, connection) = connect(cluster.endpoint()).await?;
    let request = request(cluster, host, path, None).await?;
    let asked = async {
        let response =
            sender.send_request(request).await.context("the local ECS closed the connection")?;
        read(response).await
    };
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        answer = asked.as_mut() => answer,
        // The connection is closed; data that has arrived is still to be read.
        _ = connection => asked.await,
    }
}

/// Encodes a value for a query string.
pub(crate) fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    value.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_means_something_in_a_query_is_encoded() {
        assert_eq!(super::encoded("a-1._~"), "a-1._~");
        assert_eq!(super::encoded("{\"a\": é&"), "%7B%22a%22%3A%20%C3%A9%26");
    }
}
