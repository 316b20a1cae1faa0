//! What a local ECS answers beside the ECS API, below `/longshore`.

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::args::AnyCluster;

type Sender = SendRequest<Full<Bytes>>;
type Wire = Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// A connection of one's own; gives the host, too.
async fn connect(endpoint: &str) -> anyhow::Result<(&str, Sender, Wire)> {
    let host = endpoint
        .strip_prefix("http://")
        .context("this is had over plain http:// from a local ECS only")?;
    let host = host.trim_end_matches('/');
    let socket = TcpStream::connect(host)
        .await
        .with_context(|| format!("cannot reach {host} (is `longshore dev` running?)"))?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    Ok((host, sender, connection))
}

/// One request on a connection of its own; with a body it is a POST of JSON.
pub(crate) async fn ask(
    endpoint: &str,
    path: &str,
    body: Option<&serde_json::Value>,
) -> anyhow::Result<(StatusCode, Bytes)> {
    let (host, mut sender, connection) = connect(endpoint).await?;
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

/// A GET whose answer `read` takes piece by piece; it is made in the account and region that other commands would use.
pub(crate) async fn stream<T>(
    cluster: &AnyCluster,
    path: &str,
    read: impl AsyncFnOnce(Response<Incoming>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (host, mut sender, connection) = connect(&cluster.endpoint).await?;
    let request = Request::builder()
        .uri(path)
        .header("host", host)
        .header("authorization", realm(cluster))
        .body(Full::default())?;
    let asked = async {
        let response = sender.send_request(request).await.context("the local ECS hung up")?;
        read(response).await
    };
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        answer = asked.as_mut() => answer,
        // The connection is over; what it brought is still to be read.
        _ = connection => asked.await,
    }
}

/// Says account and region as a signature would. It is none, and a local ECS that checks signatures refuses it.
fn realm(cluster: &AnyCluster) -> String {
    let key = std::env::var("AWS_ACCESS_KEY_ID").unwrap_or_else(|_| "longshore".to_owned());
    let region = cluster.region.as_deref().unwrap_or("us-east-1");
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/19700101/{region}/ecs/aws4_request, SignedHeaders=host, Signature=none"
    )
}

/// A value as it can stand in a query.
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
