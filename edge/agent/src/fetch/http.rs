//! Gets a file over HTTP.

use std::fs::File;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HeaderMap, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;
use url::Url;

use super::address::{Allowed, Resolver};
use super::limits::{CONNECT_MAX, REDIRECTS_MAX, STALL_MAX};
use super::room::Room;

/// A client that asks only addresses that may be asked.
#[derive(Clone)]
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Empty<Bytes>>,
    allowed: Allowed,
}

impl Http {
    /// # Errors
    /// That the machine has no roots of trust.
    pub(super) fn new(allowed: Allowed) -> Result<Self, String> {
        let mut connector = HttpConnector::new_with_resolver(Resolver(allowed));
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_MAX));
        let tls = hyper_rustls::HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| format!("cannot read the certificates of this machine: {error}"))?;
        let connector = tls.https_or_http().enable_http1().wrap_connector(connector);
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), allowed })
    }

    /// Asks once. The answer may be a redirect or an error.
    ///
    /// # Errors
    /// That there is no answer.
    pub(super) async fn ask(
        &self,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<Response<hyper::body::Incoming>, String> {
        self.allowed.check_host(url.host())?;
        let mut request = Request::get(url.as_str()).header(USER_AGENT, "longshore");
        if let Some(all) = request.headers_mut() {
            all.extend(headers.clone());
        }
        let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
        let answer = timeout(CONNECT_MAX + STALL_MAX, self.client.request(request));
        let answer = answer.await.map_err(|_| "the server does not answer".to_owned())?;
        answer.map_err(|error| causes(&error))
    }

    /// Writes a file down, following redirects.
    ///
    /// # Errors
    /// What went wrong.
    pub(super) async fn get(
        &self,
        url: Url,
        into: &mut File,
        room: &mut Room,
    ) -> Result<(), String> {
        let (mut url, authorization) = bare(url)?;
        let mut headers = HeaderMap::new();
        headers.extend(authorization.map(|value| (AUTHORIZATION, value)));
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.ask(&url, &headers).await?;
            if !is_redirect(answer.status()) {
                return save(answer, into, room).await;
            }
            let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let next =
                to.and_then(|to| url.join(to).ok()).ok_or("the server redirects to nowhere")?;
            if !matches!(next.scheme(), "http" | "https") {
                return Err(format!(
                    "the server redirects to {}, which is not HTTP",
                    next.scheme()
                ));
            }
            if (url.scheme(), next.scheme()) == ("https", "http") {
                return Err("the server redirects from HTTPS to HTTP".to_owned());
            }
            if next.origin() != url.origin() {
                headers.remove(AUTHORIZATION);
            }
            url = next;
        }
        Err(format!("the server redirects more than {REDIRECTS_MAX} times"))
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// A URL without user and password, and what says them.
fn bare(mut url: Url) -> Result<(Url, Option<hyper::header::HeaderValue>), String> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok((url, None));
    }
    let text = format!("{}:{}", url.username(), url.password().unwrap_or_default());
    let value = format!("Basic {}", BASE64.encode(text));
    let wrong = |()| "it cannot have a user".to_owned();
    url.set_username("").map_err(wrong)?;
    url.set_password(None).map_err(wrong)?;
    Ok((url, value.parse().ok()))
}

/// Writes an answer down, if it is one.
///
/// # Errors
/// What went wrong.
pub(super) async fn save(
    answer: Response<hyper::body::Incoming>,
    into: &mut File,
    room: &mut Room,
) -> Result<(), String> {
    if !answer.status().is_success() {
        return Err(format!("the server answers {}", answer.status()));
    }
    let mut body = answer.into_body();
    loop {
        let wait = STALL_MAX.min(room.left());
        let frame = timeout(wait, body.frame()).await.map_err(|_| "the server has stalled")?;
        let Some(frame) = frame else { return Ok(()) };
        let frame = frame.map_err(|error| format!("the connection broke: {}", causes(&error)))?;
        let Some(data) = frame.data_ref() else { continue };
        room.take(data.len(), into).map_err(|error| error.to_string())?;
        into.write_all(data).map_err(|error| format!("cannot be written: {error}"))?;
    }
}

/// An error with its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
