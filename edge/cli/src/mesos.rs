//! Asks a Mesos master over its v1 operator API, as its operators do.

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::handshake;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use longshore_wire_mesos::Message;
use longshore_wire_mesos::v1::master::Response;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::args::AnyMaster;

/// Bytes of an answer. Chosen by us: the offers of a cluster of tens of thousands of instances.
const ANSWER_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// The port of a Mesos master. Source: Mesos, `MasterInfo.port`.
const PORT: u16 = 5050;

/// A master, and who asks it.
pub(crate) struct Master {
    host: String,
    authorization: Option<String>,
}

impl Master {
    /// The master that the flags name.
    pub(crate) fn of(args: &AnyMaster) -> anyhow::Result<Self> {
        let credential = args.credential()?;
        let authorization = credential.map(|text| format!("Basic {}", BASE64.encode(text)));
        Ok(Self { host: host(&args.master)?, authorization })
    }

    /// The answer to a call that reads.
    pub(crate) async fn read(&self, of: &str) -> anyhow::Result<Response> {
        let body = self.call(&json!({"type": of})).await?;
        Response::decode(body).with_context(|| format!("{of}: the answer is not protobuf"))
    }

    /// The answer of an old endpoint.
    pub(crate) async fn page(&self, path: &str) -> anyhow::Result<Value> {
        let body = self.ask(Request::get(path), String::new()).await?;
        serde_json::from_slice(&body).with_context(|| format!("{path}: the answer is not JSON"))
    }

    /// Makes a call.
    pub(crate) async fn call(&self, call: &Value) -> anyhow::Result<Bytes> {
        let request = Request::post("/api/v1")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/x-protobuf");
        self.ask(request, call.to_string()).await
    }

    /// One request on a connection of its own.
    async fn ask(
        &self,
        request: hyper::http::request::Builder,
        body: String,
    ) -> anyhow::Result<Bytes> {
        let mut request = request.header(header::HOST, &self.host);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let socket = TcpStream::connect(&self.host).await.with_context(|| {
            format!("cannot reach a Mesos master at {} (is Longshore running there?)", self.host)
        })?;
        let (mut sender, connection) = handshake(TokioIo::new(socket)).await?;
        let asked = async {
            let response = sender.send_request(request).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            drop(sender);
            let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
            anyhow::Ok((parts, body))
        };
        let (answer, _) = tokio::join!(asked, connection);
        let (parts, body) = answer.with_context(|| format!("the Mesos master at {}", self.host))?;
        match parts.status {
            StatusCode::OK => Ok(body),
            StatusCode::UNAUTHORIZED => {
                bail!(
                    "the Mesos master at {} requires authentication: give --credentials with a principal and secret that it knows",
                    self.host
                )
            }
            StatusCode::TEMPORARY_REDIRECT => {
                let leader = parts.headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
                bail!(
                    "{} is not the leading Mesos master: give --master with {}",
                    self.host,
                    leader.unwrap_or("that one")
                )
            }
            status => {
                let why = String::from_utf8_lossy(&body);
                bail!("the Mesos master at {} answered {status}: {}", self.host, why.trim())
            }
        }
    }
}

/// `host:port` of an URL, or of what stands there without `http://`.
fn host(url: &str) -> anyhow::Result<String> {
    let host = url.strip_prefix("http://").unwrap_or(url);
    let host = host.trim_end_matches('/');
    if host.is_empty() || host.contains(['/', '@', ' ']) {
        bail!("--master {url}: write http://HOST:PORT");
    }
    // Not within an IPv6 address, which stands in brackets.
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    Ok(if has_port { host.to_owned() } else { format!("{host}:{PORT}") })
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn a_master_is_named_by_its_url_or_its_host() {
        for (url, wanted) in [
            ("http://127.0.0.1:5050", "127.0.0.1:5050"),
            ("http://master.example/", "master.example:5050"),
            ("master:80", "master:80"),
            ("http://[::1]", "[::1]:5050"),
            ("http://[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(host(url).expect("it is one"), wanted);
        }
        for bad in ["", "https://master", "http://master/api", "http://a@b"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }
}
