//! A signed request to another service of AWS, for the few calls that are not worth an SDK of their own.
//!
//! It is sent once, to the client's endpoint if it has one, and else to the service in the client's region. Invariant: an answer is bounded in
//! size and time.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Limited};

use crate::{Client, SignError, causes};

/// How long an answer may take. Source: chosen by us: longer than API Gateway waits for an integration, which is 29 s.
const PATIENCE: Duration = Duration::from_secs(45);
/// Bytes of an answer. Source: chosen by us: API Gateway passes on 10 MB, which JSON escapes may treble.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A request.
#[derive(Clone, Debug)]
pub struct Aside<'a> {
    /// The service, as signatures and host names have it.
    pub service: &'a str,
    /// Encoded, with its query.
    pub path: &'a str,
    /// The media type of the body.
    pub media: &'static str,
    /// The body of a POST.
    pub body: String,
}

/// An answer: its status and its body.
pub type AsideAnswer = (u16, Vec<u8>);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AsideError {
    /// The request cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Nobody answers, or not wholly or in time.
    #[error("no answer from {0}: {1}")]
    Silent(String, String),
}

impl Client {
    /// Where a service is: scheme and host.
    fn place(&self, service: &str) -> (String, String) {
        if let Some(endpoint) = &self.endpoint {
            let (scheme, host) = endpoint.split_once("://").unwrap_or(("http", endpoint));
            return (scheme.to_owned(), host.trim_end_matches('/').to_owned());
        }
        let region = self.region();
        let end = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        ("https".to_owned(), format!("{service}.{region}.{end}"))
    }

    /// Sends a POST to another service, and waits for its answer.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn aside(&self, aside: Aside<'_>) -> Result<AsideAnswer, AsideError> {
        let (scheme, host) = self.place(aside.service);
        let body = aside.body.as_bytes();
        let to = (&*host, aside.path);
        let signature = self.sign_for((aside.service, &scheme), "POST", to, body).await?;
        let url = format!("{scheme}://{host}{}", aside.path);
        let silent = |why: String| AsideError::Silent(host.clone(), why);
        let mut request = HttpRequest::new(SdkBody::from(aside.body));
        request.set_method("POST").map_err(|error| silent(causes(&error)))?;
        request.set_uri(url).map_err(|error| silent(causes(&error)))?;
        request.headers_mut().insert("content-type", aside.media);
        for (name, value) in signature {
            request.headers_mut().insert(name, value);
        }
        let answer = tokio::time::timeout(PATIENCE, send(request)).await;
        answer.unwrap_or_else(|_| Err("it did not answer in time".to_owned())).map_err(silent)
    }
}

async fn send(request: HttpRequest) -> Result<AsideAnswer, String> {
    let mut builder = Connector::builder();
    builder.set_proxy_config(Some(ProxyConfig::from_env()));
    let response = if request.uri().starts_with("https:") {
        let connector = builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        connector.call(request).await
    } else {
        builder.build_http().call(request).await
    };
    let response = response.map_err(|error| causes(&error))?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| format!("its answer is not whole: {error}"))?;
    Ok((status, body.to_bytes().to_vec()))
}
