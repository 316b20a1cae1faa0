//! Authentication for the Mesos master: HTTP Basic, against a list of credentials in the format of
//! a Mesos master.
//!
//! Source: Apache Mesos, `docs/authentication.md` and `docs/configuration/master.md`
//! (`--credentials`), and the realms and responses of its master: reads of the cluster are one
//! realm, the scheduler API another; `/health`, `/version` and `/redirect` need no credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::MethodRouter;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::door::Callers;

/// Principals and their secrets. If empty, no authentication is required.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Digests of equal length, so that a comparison reveals nothing about the secret.
    secrets: BTreeMap<String, [u8; 32]>,
}

/// Secrets stay out of logs.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.secrets.keys()).finish()
    }
}

/// Why a list of credentials is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// It starts like JSON but does not have this form.
    #[error(
        "not JSON of the form {{\"credentials\": [{{\"principal\": \"...\", \"secret\": \"...\"}}]}}: {0}"
    )]
    Json(String),
    /// A malformed line.
    #[error("line {0} is not a principal and a secret separated by a space")]
    Line(usize),
    /// An invalid principal.
    #[error("the principal {0:?} is empty or contains a colon, which HTTP Basic does not allow")]
    Principal(String),
    /// A secret that is easy to guess.
    #[error("the secret of {0:?} is empty")]
    Secret(String),
    /// Two secrets for one principal.
    #[error("the principal {0:?} is given twice")]
    Twice(String),
    /// It is empty.
    #[error("the file contains no credentials")]
    Empty,
}

#[derive(Deserialize)]
struct List {
    credentials: Vec<Credential>,
}

#[derive(Deserialize)]
struct Credential {
    principal: String,
    secret: String,
}

impl Credentials {
    /// Parses a list: Mesos's JSON, or its older format of a principal and a secret per line.
    ///
    /// # Errors
    /// What is wrong, without revealing a secret.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        let list = if text.trim_start().starts_with('{') {
            // The message could quote part of the text.
            let bad = |error: serde_json::Error| {
                CredentialsError::Json(format!("line {}, column {}", error.line(), error.column()))
            };
            serde_json::from_str::<List>(text).map_err(bad)?.credentials
        } else {
            lines(text)?
        };
        let mut secrets = BTreeMap::new();
        for Credential { principal, secret } in list {
            if principal.is_empty() || principal.contains(':') {
                return Err(CredentialsError::Principal(principal));
            }
            if secret.is_empty() {
                return Err(CredentialsError::Secret(principal));
            }
            if secrets.insert(principal.clone(), digest(&secret)).is_some() {
                return Err(CredentialsError::Twice(principal));
            }
        }
        if secrets.is_empty() { Err(CredentialsError::Empty) } else { Ok(Self { secrets }) }
    }

    /// Whether no authentication is required.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// How callers are authenticated.
    pub fn callers(&self) -> Callers {
        if self.is_empty() { Callers::Anybody } else { Callers::Proven }
    }

    /// The principal authenticated by an `Authorization` header.
    fn proved(&self, header: &str) -> Option<String> {
        let (scheme, rest) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Basic") {
            return None;
        }
        let decoded = String::from_utf8(BASE64.decode(rest.trim()).ok()?).ok()?;
        // The first colon ends the name. Source: RFC 7617, section 2. (A Mesos master accepts no
        // secret with a colon at all.)
        let (principal, secret) = decoded.split_once(':')?;
        let known = self.secrets.get(principal);
        let is_same = same(known.unwrap_or(&[0; 32]), &digest(secret));
        (is_same && known.is_some()).then(|| principal.to_owned())
    }
}

fn lines(text: &str) -> Result<Vec<Credential>, CredentialsError> {
    let mut list = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [] => {}
            [principal, secret] => {
                list.push(Credential {
                    principal: principal.to_owned(),
                    secret: secret.to_owned(),
                });
            }
            _ => return Err(CredentialsError::Line(index + 1)),
        }
    }
    Ok(list)
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Compares in constant time.
fn same(left: &[u8; 32], right: &[u8; 32]) -> bool {
    left.iter().zip(right).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
}

/// The authentication realm of a path, as named in a 401 response. Source: Apache Mesos,
/// `master/constants.hpp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Realm {
    /// Pages about the cluster.
    ReadOnly,
    /// The operator API, and the endpoints that change something.
    ReadWrite,
    /// The scheduler API.
    Scheduler,
    /// Pages of an agent.
    Agent,
    /// The API of one of our own schedulers.
    Ours(&'static str),
}

impl Realm {
    fn challenge(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::ReadOnly => "Basic realm=\"mesos-master-readonly\"",
            Self::ReadWrite => "Basic realm=\"mesos-master-readwrite\"",
            Self::Scheduler => "Basic realm=\"mesos-master-scheduler\"",
            Self::Agent => "Basic realm=\"mesos-agent-readonly\"",
            Self::Ours(challenge) => challenge,
        })
    }
}

/// The authenticated principal of a request.
#[derive(Clone, Debug)]
pub(super) struct Principal(pub(super) String);

/// The authentication required by a path.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) credentials: Arc<Credentials>,
    pub(super) realm: Realm,
}

/// Passes a request if it is authenticated or needs no authentication.
pub(super) async fn check(
    State(check): State<Check>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    if check.credentials.is_empty() {
        return next.run(request).await;
    }
    let header =
        request.headers().get(header::AUTHORIZATION).and_then(|header| header.to_str().ok());
    if let Some(principal) = header.and_then(|header| check.credentials.proved(header)) {
        request.extensions_mut().insert(Principal(principal));
        return next.run(request).await;
    }
    // Row 0. The body is that of a Mesos master.
    let mut response = super::front::text(StatusCode::UNAUTHORIZED, "401 Unauthorized.");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, check.realm.challenge());
    response
}

/// A route of an agent that only those reach whom the master would answer too.
pub(crate) fn authenticated<S: Clone + Send + Sync + 'static>(
    credentials: &Arc<Credentials>,
    route: MethodRouter<S>,
) -> MethodRouter<S> {
    let asked = Check { credentials: credentials.clone(), realm: Realm::Agent };
    route.layer(from_fn_with_state(asked, check))
}

/// A router that only those reach who have one of the credentials. `challenge` is what a 401 says in `WWW-Authenticate`, for
/// example `Basic realm="marathon"`.
pub fn challenged(
    credentials: Credentials,
    challenge: &'static str,
    router: axum::Router,
) -> axum::Router {
    let asked = Check { credentials: Arc::new(credentials), realm: Realm::Ours(challenge) };
    router.layer(from_fn_with_state(asked, check))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"credentials": [{"principal": "alice", "secret": "a:b c"}, {"principal": "bob", "secret": "x"}]}"#;

    fn read(text: &str) -> Credentials {
        Credentials::parse(text).expect("it can be read")
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", BASE64.encode(pair))
    }

    /// \[H7\]: the secret of alice has a colon.
    #[test]
    fn both_forms_of_mesos_are_read() {
        let json = read(JSON);
        assert_eq!(json.proved(&basic("alice:a:b c")).as_deref(), Some("alice"));
        assert_eq!(json.proved(&basic("bob:x")).as_deref(), Some("bob"));
        let lines = read("alice  secret1\n\nbob\tsecret2");
        assert_eq!(lines.proved(&basic("alice:secret1")).as_deref(), Some("alice"));
        assert_eq!(lines.proved(&basic("bob:secret2")).as_deref(), Some("bob"));
    }

    #[test]
    fn nothing_else_proves_anything() {
        let credentials = read(JSON);
        for header in [
            "",
            "Basic",
            "Basic ",
            "Basic !",
            "Bearer YWxpY2U6YTpiIGM=",
            &basic("alice"),
            &basic("alice:"),
            &basic("alice:a"),
            &basic("alice:a:b"),
            &basic("alice:a:b cd"),
            &basic("carol:x"),
            &basic(":x"),
            &basic("bob:x\0"),
        ] {
            assert_eq!(credentials.proved(header), None, "{header}");
        }
        assert_eq!(
            credentials.proved(&basic("bob:x").replace("Basic", "basic")).as_deref(),
            Some("bob")
        );
    }

    #[test]
    fn a_list_that_cannot_be_right_is_refused_without_its_secrets() {
        use CredentialsError as E;
        let error = |text: &str| Credentials::parse(text).expect_err("it is refused");
        assert_eq!(error(""), E::Empty);
        assert_eq!(error("{\"credentials\": []}"), E::Empty);
        assert_eq!(error("alice secret\nbob"), E::Line(2));
        assert_eq!(error("alice hush hush"), E::Line(1));
        assert_eq!(error("a:b c"), E::Principal("a:b".to_owned()));
        assert_eq!(error("a b\na b"), E::Twice("a".to_owned()));
        let empty = r#"{"credentials": [{"principal": "a", "secret": ""}]}"#;
        assert_eq!(error(empty), E::Secret("a".to_owned()));
        let short = r#"{"credentials": [{"principal": "a", "secret": hush}]}"#;
        let said = error(short).to_string();
        assert!(said.contains("line 1") && !said.contains("hush"), "{said}");
        assert!(!format!("{:?}", read("alice hush")).contains("hush"));
    }
}
