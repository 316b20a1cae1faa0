//! Headers for browsers that every response carries, whichever front end it comes from.
//!
//! No response is a page: it loads nothing, cannot be framed, and is what its content type says. A
//! success without a body has no content type: a Mesos master sends none with its 202, and mesos-go
//! expects none.

use axum::body::{Body, HttpBody};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const DENY: HeaderValue = HeaderValue::from_static("DENY");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// Nothing may be loaded, framed, submitted or rebased.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
);
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const CROSS_ORIGIN: HeaderValue = HeaderValue::from_static("cross-origin");

/// Adds the headers to a response. `reader` is the origin of another site whose page may read it.
pub(super) fn complete(response: &mut Response<Body>, reader: Option<HeaderValue>) {
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let has_type = is_error || !response.body().is_end_stream();
    let headers = response.headers_mut();
    if has_type && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, TEXT);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(header::X_FRAME_OPTIONS, DENY);
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(RESOURCE_POLICY, if reader.is_some() { CROSS_ORIGIN } else { SAME_ORIGIN });
    if let Some(origin) = reader {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}

/// The response to a preflight request from an allowed origin: its pages may do what programs may.
/// This excludes credentials stored by the browser.
pub(super) fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers
        .insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST"));
    // A star does not cover Authorization. Source: Fetch standard, *CORS non-wildcard
    // request-header name*.
    headers
        .insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*, Authorization"));
    response
}
