//! The v1 scheduler API as a client speaks it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use longshore_client::causes;
use longshore_driver_machine::{Answer, Detection, Ending};
use longshore_wire_mesos::v1::scheduler::{Call, Event};
use longshore_wire_mesos::{Media, recordio};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Credential;
use super::detector::Detector;
use crate::network::{Events, Transport};

const CALL: &str = "mesos.v1.scheduler.Call";
const EVENT: &str = "mesos.v1.scheduler.Event";
const STREAM_ID: HeaderName = HeaderName::from_static("mesos-stream-id");
/// How long a connection may take. Source: chosen by us.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a call may wait for its answer. Source: chosen by us: a master answers before it does what it was told.
const ANSWER: Duration = Duration::from_secs(10);
/// Bytes of an answer that says why. Source: chosen by us.
const REASON_BYTES_MAX: usize = 64 * 1024;

/// How a master is reached over HTTP.
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    scheme: &'static str,
    authorization: Option<HeaderValue>,
    detector: Detector,
}

impl Http {
    pub(super) fn new(
        detector: Detector,
        is_secure: bool,
        credential: Option<&Credential>,
    ) -> std::io::Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let builder = HttpsConnectorBuilder::new();
        // Certificates are read only where they are of use, which takes longer than all else.
        let builder = if is_secure {
            builder.with_native_roots()?
        } else {
            builder.with_tls_config(no_tls()?)
        };
        let connector = builder.https_or_http().enable_http1().wrap_connector(connector);
        let authorization = credential.map(basic).transpose()?;
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            scheme: if is_secure { "https" } else { "http" },
            authorization,
            detector,
        })
    }

    async fn post(
        &self,
        address: &str,
        stream_id: Option<&str>,
        call: &Call,
    ) -> Result<Response<Incoming>, Failed> {
        let unsent = |why: String| Failed { is_sent: false, why };
        let uri: Uri = format!("{}://{address}/api/v1/scheduler", self.scheme)
            .parse()
            .map_err(|_| unsent(format!("{address} is no address")))?;
        let media = Media::Protobuf;
        let mut request = Request::post(uri)
            .header(header::CONTENT_TYPE, media.name())
            .header(header::ACCEPT, media.name());
        if let Some(id) = stream_id {
            request = request.header(STREAM_ID, id);
        }
        if let Some(basic) = &self.authorization {
            request = request.header(header::AUTHORIZATION, basic.clone());
        }
        let body = Full::new(Bytes::from(media.encode(CALL, call)));
        let request = request.body(body).map_err(|why| unsent(why.to_string()))?;
        let sent = tokio::time::timeout(ANSWER, self.client.request(request)).await;
        let sent = sent.map_err(|_| Failed { is_sent: true, why: "no answer".to_owned() })?;
        sent.map_err(|why| Failed { is_sent: !why.is_connect(), why: causes(&why) })
    }
}

/// Why there is no answer.
struct Failed {
    /// Whether the master may have got the call.
    is_sent: bool,
    why: String,
}

/// What a credential is sent as.
fn basic(credential: &Credential) -> std::io::Result<HeaderValue> {
    let pair = STANDARD.encode(format!("{}:{}", credential.principal, credential.secret));
    let mut value =
        HeaderValue::try_from(format!("Basic {pair}")).map_err(std::io::Error::other)?;
    value.set_sensitive(true);
    Ok(value)
}

/// TLS that trusts nobody, for a master that is reached without.
fn no_tls() -> std::io::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(std::io::Error::other)?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

async fn reason(response: Response<Incoming>) -> String {
    let body = Limited::new(response.into_body(), REASON_BYTES_MAX).collect();
    let bytes = match tokio::time::timeout(ANSWER, body).await {
        Ok(Ok(whole)) => whole.to_bytes(),
        _ => Bytes::new(),
    };
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// The address of the master that a redirect names. Source: Mesos: `//host:port/path`, without a scheme.
fn elsewhere(response: &Response<Incoming>) -> Option<String> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    authority(location)
}

fn authority(location: &str) -> Option<String> {
    let (_, rest) = location.split_once("//")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = authority.rsplit_once(':')?;
    (!host.is_empty() && port.parse::<u16>().is_ok()).then(|| authority.to_owned())
}

impl Transport for Http {
    type Events = Stream;

    async fn detect(&self, tell: impl Fn(Detection) + Send + Sync) {
        self.detector.run(tell).await;
    }

    async fn subscribe(
        &self,
        address: String,
        call: Call,
    ) -> Result<(Option<String>, Stream), Ending> {
        let response = self.post(&address, None, &call).await;
        let response = response.map_err(|failed| Ending::Broken(failed.why))?;
        let status = response.status();
        if status == StatusCode::OK {
            let id = response.headers().get(STREAM_ID).and_then(|id| id.to_str().ok());
            let id = id.map(str::to_owned);
            let body = response.into_body();
            return Ok((id, Stream { body, reader: recordio::Reader::default() }));
        }
        if status.is_redirection()
            && let Some(address) = elsewhere(&response)
        {
            return Err(Ending::Elsewhere(address));
        }
        Err(Ending::Refused { status: status.as_u16(), text: reason(response).await })
    }

    async fn send(&self, address: String, stream_id: Option<String>, call: Arc<Call>) -> Answer {
        let response = match self.post(&address, stream_id.as_deref(), &call).await {
            Ok(response) => response,
            Err(Failed { is_sent: false, why }) => return Answer::Busy(why),
            Err(Failed { is_sent: true, why }) => return Answer::Unsure(why),
        };
        match response.status() {
            status if status.is_success() => {
                // Read to its end, so that the connection is of use again.
                reason(response).await;
                Answer::Done
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                Answer::Busy(reason(response).await)
            }
            status => Answer::Refused { status: status.as_u16(), text: reason(response).await },
        }
    }
}

/// The events of a subscription.
pub(crate) struct Stream {
    body: Incoming,
    reader: recordio::Reader,
}

impl Events for Stream {
    async fn next(&mut self) -> Result<Option<Box<Event>>, String> {
        loop {
            let record = self.reader.next_record().map_err(|why| why.to_string())?;
            if let Some(record) = record {
                let event = Media::Protobuf.decode(EVENT, &record);
                return event.map(|event| Some(Box::new(event))).map_err(|why| why.to_string());
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(bytes) = frame.map_err(|why| causes(&why))?.into_data() {
                        self.reader.push(&bytes);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_names_another_master_in_any_form() {
        for (location, address) in [
            ("//10.0.0.1:5050/api/v1/scheduler", Some("10.0.0.1:5050")),
            ("http://host:5050", Some("host:5050")),
            ("//[::1]:5050/x", Some("[::1]:5050")),
            ("/api/v1/scheduler", None),
            ("//host/x", None),
            ("//:5050/x", None),
        ] {
            assert_eq!(authority(location).as_deref(), address, "{location}");
        }
    }
}
