//! Rejects what no front end should see: requests for a host name that is not ours, and requests
//! from pages of other origins.
//!
//! A browser says which page a request comes from: in `Origin`, in `Sec-Fetch-Site`, in `Referer`.
//! Programs send none of these, so a request without them comes from a program. A page's request is
//! rejected before anything is read or done, whatever it asks for.
//!
//! Host names are checked because a page can be served from our own address under a name of its
//! own: the browser then treats it as same-origin, and only `Host` reveals it. An IP address in
//! `Host` is safe, since only its owner can answer under it.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::uri::Authority;
use axum::http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri,
    Version, header,
};

use super::names::{HostName, Origin};
use super::{Callers, Rules};

/// Formats a rejection in the front end's own format, from a status and a reason.
pub type Refusal = fn(&Uri, &HeaderMap, StatusCode, &str) -> Response<Body>;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Marks a request from a page of an allowed origin.
#[derive(Clone, Copy, Debug)]
struct AllowedPage;

/// Whether a page sent the request, as far as browsers tell.
pub(crate) fn is_from_page(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN)
        || headers.contains_key(header::REFERER)
        || headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"))
}

/// Whether the request comes from a page that the operator has allowed.
pub(crate) fn is_from_allowed_page(extensions: &Extensions) -> bool {
    extensions.get::<AllowedPage>().is_some()
}

/// Checks requests before the front end sees them.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    rules: Rules,
    /// Whether the port is reachable only from this machine.
    is_loopback: bool,
    /// Whether any host name is accepted: callers from other machines are authenticated, and the
    /// names they use are unknown here.
    any_name: bool,
}

/// Why a request is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) why: String,
}

fn refused(status: StatusCode, why: impl Into<String>) -> Refused {
    Refused { status, why: why.into() }
}

/// The page that sent a request, according to its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Page {
    /// None: the request comes from a program, or a person typed the address.
    None,
    /// A page from the called address itself.
    Own,
    /// A page of another origin, if that is known.
    Foreign(Option<Origin>),
}

impl Guard {
    pub(super) fn new(address: SocketAddr, callers: Callers, rules: Rules) -> Self {
        let is_loopback = address.ip().to_canonical().is_loopback();
        Self { rules, is_loopback, any_name: !is_loopback && callers == Callers::Proven }
    }

    /// Checks a request; returns the origin of the other site whose page may read the response, if
    /// any.
    ///
    /// # Errors
    /// Why the request is rejected, and which flag would allow it.
    pub(super) fn check<B>(
        &self,
        request: &mut Request<B>,
    ) -> Result<Option<HeaderValue>, Refused> {
        let host = self.host(request)?;
        match page(request.headers(), &host) {
            Page::None | Page::Own => Ok(None),
            Page::Foreign(Some(origin)) if self.rules.allow_origins.contains(&origin) => {
                request.extensions_mut().insert(AllowedPage);
                Ok(HeaderValue::try_from(origin.to_string()).ok())
            }
            Page::Foreign(Some(origin)) => Err(refused(
                StatusCode::FORBIDDEN,
                format!(
                    "The request comes from a web page of another origin, {origin}. Use --allow-origin {origin} to allow it."
                ),
            )),
            Page::Foreign(None) => Err(refused(
                StatusCode::FORBIDDEN,
                "The request comes from a web page of another origin, which it does not name. --allow-origin only works for pages that do.",
            )),
        }
    }

    /// The host that the request names, which must be one of ours. Source: RFC 9112, section 3.2:
    /// HTTP/1.1 requires exactly one `Host`, and a target with an authority takes precedence.
    fn host<B>(&self, request: &Request<B>) -> Result<String, Refused> {
        let mut sent = request.headers().get_all(header::HOST).iter();
        let (first, second) = (sent.next(), sent.next());
        let authority = request.uri().authority().map(without_user);
        let bad = |why: &str| Err(refused(StatusCode::BAD_REQUEST, why));
        if second.is_some() {
            return bad("The request has more than one Host header.");
        }
        let Some(first) = first else {
            return match authority {
                Some(authority) => self.known(authority).map(|()| authority.to_owned()),
                // Not a browser: those use newer versions.
                None if request.version() == Version::HTTP_10 => Ok(String::new()),
                None => bad("The request has no Host header."),
            };
        };
        let Ok(first) = first.to_str() else { return bad("The Host header is not text.") };
        self.known(first)?;
        if let Some(authority) = authority {
            self.known(authority)?;
            return Ok(authority.to_owned());
        }
        Ok(first.to_owned())
    }

    fn known(&self, sent: &str) -> Result<(), Refused> {
        let Some(host) = HostName::of_authority(sent) else {
            return Err(refused(
                StatusCode::BAD_REQUEST,
                "The Host header is not a host with an optional port.",
            ));
        };
        let is_address = matches!(host, HostName::Address(_));
        let is_ours = host.is_loopback() || self.any_name || (is_address && !self.is_loopback);
        if is_ours || self.rules.allow_hosts.contains(&host) {
            return Ok(());
        }
        let ours = if self.is_loopback {
            "localhost, loopback addresses and hosts given with --allow-host"
        } else {
            "localhost, IP addresses and hosts given with --allow-host"
        };
        Err(refused(
            StatusCode::FORBIDDEN,
            format!(
                "The request is for the host {host}, but this port answers only to {ours}. Use --allow-host {host} to allow it."
            ),
        ))
    }
}

/// Host and port of a target. Singularity's client leaves its name and secret in there; who calls is read from headers only.
fn without_user(authority: &Authority) -> &str {
    let sent = authority.as_str();
    sent.rsplit_once('@').map_or(sent, |(_, host)| host)
}

/// Determines the page that sent a request. Contradictory headers count as foreign.
fn page(headers: &HeaderMap, host: &str) -> Page {
    let mut is_own = false;
    let mut origins = headers.get_all(header::ORIGIN).iter().peekable();
    if origins.peek().is_some() {
        for origin in origins {
            let origin = origin.to_str().ok().and_then(Origin::of_url);
            if !origin.as_ref().is_some_and(|origin| origin.is_of(host)) {
                return Page::Foreign(origin);
            }
        }
        is_own = true;
    }
    // If there are several, which no browser sends, the first foreign one counts.
    let origins = || {
        let each = headers.get_all(header::REFERER).iter();
        each.map(|referer| referer.to_str().ok().and_then(Origin::of_url))
    };
    let is_ours = |origin: &Option<Origin>| origin.as_ref().is_some_and(|one| one.is_of(host));
    let referer = || origins().find(|one| !is_ours(one)).or_else(|| origins().next())?;
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter().peekable();
    if sites.peek().is_some() {
        // Source: Fetch Metadata Request Headers, section 2.3: `none` means initiated by the user.
        return match sites.find(|site| *site != "none" && *site != "same-origin") {
            Some(_) => Page::Foreign(referer().filter(|origin| !is_own && !origin.is_of(host))),
            None => Page::Own,
        };
    }
    if !is_own && headers.contains_key(header::REFERER) {
        let origin = referer();
        return match origin {
            Some(origin) if origin.is_of(host) => Page::Own,
            other => Page::Foreign(other),
        };
    }
    if is_own { Page::Own } else { Page::None }
}

/// Whether this is a preflight request of a page of another origin. Source: Fetch standard,
/// *CORS-preflight request*.
pub(super) fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

#[cfg(test)]
mod tests;
