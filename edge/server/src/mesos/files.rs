//! What a genuine master serves beside its own endpoints: its files. This one has none.
//!
//! Source: Mesos, `src/files/files.cpp`; answers of a genuine master to paths that it does not know.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, Uri, header};

use super::front::text;

/// No path is known, but one has to be asked for.
pub(super) async fn file(uri: Uri) -> Response<Body> {
    let query = uri.query().unwrap_or_default();
    let mut paths = query.split('&').filter_map(|one| one.strip_prefix("path="));
    if !paths.any(|path| !path.is_empty()) {
        return text(StatusCode::BAD_REQUEST, "Expecting 'path=value' in query.\n");
    }
    let mut response = text(StatusCode::NOT_FOUND, "");
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// All paths that are known: none.
pub(super) async fn all() -> Response<Body> {
    let mut response = Response::new(Body::from("{}"));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
