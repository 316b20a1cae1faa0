//! Signatures for requests without an SDK operation: what a local ECS serves besides the ECS API.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningError, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;

use crate::{Client, causes};

/// The service that requests are signed for: the port is that of the ECS API.
const SERVICE: &str = "ecs";

/// Why a request cannot be signed.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign the request: {0}")]
pub struct SignError(String);

impl Client {
    /// The headers that sign a request with this client's credentials, for its region. `host` is
    /// the value of the `Host` header; `path` is encoded and includes the query.
    ///
    /// # Errors
    /// If there are no credentials, or host and path do not form a URL.
    pub async fn sign(
        &self,
        method: &str,
        (host, path): (&str, &str),
        body: &[u8],
    ) -> Result<Vec<(String, String)>, SignError> {
        let credentials = self.credentials().await?;
        let to = Scope { service: SERVICE, region: self.region(), scheme: "http" };
        headers(&credentials, to, SystemTime::now(), method, (host, path), body)
    }

    /// The region that the SDK is configured with.
    pub(crate) fn region(&self) -> &str {
        self.shared.region().map_or("", |region| region.as_ref())
    }

    /// As [`Client::sign`], for another service, and for `https` too.
    pub(crate) async fn sign_for(
        &self,
        (service, scheme): (&str, &str),
        method: &str,
        to: (&str, &str),
        body: &[u8],
    ) -> Result<Vec<(String, String)>, SignError> {
        let credentials = self.credentials().await?;
        let scope = Scope { service, region: self.region(), scheme };
        headers(&credentials, scope, SystemTime::now(), method, to, body)
    }

    async fn credentials(&self) -> Result<Credentials, SignError> {
        let provider = self.shared.credentials_provider();
        let provider = provider.ok_or_else(|| SignError("no credentials".to_owned()))?;
        let found = provider.provide_credentials().await;
        found.map_err(|error| SignError(causes(&error)))
    }
}

/// What a signature is for.
#[derive(Clone, Copy)]
struct Scope<'a> {
    service: &'a str,
    region: &'a str,
    scheme: &'a str,
}

fn headers(
    credentials: &Credentials,
    scope: Scope<'_>,
    at: SystemTime,
    method: &str,
    (host, path): (&str, &str),
    body: &[u8],
) -> Result<Vec<(String, String)>, SignError> {
    let failed = |error: &dyn std::error::Error| SignError(causes(error));
    let identity = credentials.clone().into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(at)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| failed(&error))?;
    let (url, sent) = (format!("{}://{host}{path}", scope.scheme), std::iter::once(("host", host)));
    let request = SignableRequest::new(method, url, sent, SignableBody::Bytes(body));
    let request = request.map_err(|error| failed(&error))?;
    signed(request, params).map_err(|error| failed(&error))
}

/// The headers that sign a request.
///
/// # Errors
/// That it cannot be signed.
pub(crate) fn signed(
    request: SignableRequest<'_>,
    params: SigningParams<'_, SigningSettings>,
) -> Result<Vec<(String, String)>, SigningError> {
    let (instructions, _) = sign(request, &params.into())?.into_parts();
    let pairs = instructions.headers();
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use longshore_wire_ecs::signature::{Credential, Signed, verify};

    use super::*;

    #[test]
    fn what_is_signed_here_verifies_at_a_local_ecs() {
        let credentials =
            Credentials::new("AKID", "secret", Some("token".to_owned()), None, "test");
        let at = UNIX_EPOCH + Duration::from_secs(1_440_938_161);
        for (method, path, query, body) in [
            (
                "GET",
                "/longshore/v1/events",
                "pattern=%7B%22a%22%3A%20%5B%5D%7D&cluster=b",
                &b""[..],
            ),
            ("GET", "/longshore/v1/tasks/0123/logs/a%20b", "", b""),
            ("POST", "/longshore/v1/instances", "", b"{}"),
        ] {
            let whole = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
            // A default port is signed too if it is sent.
            let host = "127.0.0.1:80";
            let to = (host, &*whole);
            let scope = Scope { service: SERVICE, region: "us-east-1", scheme: "http" };
            let headers = headers(&credentials, scope, at, method, to, body).expect("signed");
            let get = |name: &str| match name {
                "host" => Some(host),
                _ => headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str()),
            };
            let credential = Credential::read(get("authorization").expect("it is there"));
            let credential = credential.expect("it can be read");
            assert_eq!((credential.access_key, credential.service), ("AKID", "ecs"));
            let amz_date = get("x-amz-date").expect("it is there");
            let signed = Signed { method, path, query, body, amz_date };
            let sent = || headers.iter().map(|(name, _)| name.as_str());
            assert_eq!(verify(signed, &credential, "secret", sent(), get), Ok(()), "{whole}");
            assert!(verify(signed, &credential, "other", sent(), get).is_err(), "{whole}");
        }
    }
}
