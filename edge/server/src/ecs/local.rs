//! Access to the endpoints below `/longshore`: signatures are read and checked like those of the
//! ECS API.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::middleware::Next;
use longshore_wire_ecs::arn::Realm;

use super::Front;
use crate::bodies::Whole;
use crate::limits;

fn refused(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{why}\n")));
    *response.status_mut() = status;
    response
}

/// Passes a request if its signature is valid, where signatures are required; adds its [`Realm`].
pub(super) async fn signed(
    State(front): State<Front>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let max = limits::LOCAL_CALL_BYTES_MAX;
    let Ok(Whole { bytes, room }) = front.bodies.read(body, max).await else {
        let why = format!("the body must be complete and have at most {max} bytes");
        return refused(StatusCode::PAYLOAD_TOO_LARGE, &why);
    };
    match front.access.admit(&parts, &bytes) {
        Ok(realm) => parts.extensions.insert(realm),
        Err(error) => return refused(StatusCode::FORBIDDEN, &error.to_string()),
    };
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    drop(room);
    response
}

/// Passes a request if it is signed for the account and region of the machines here.
pub(super) async fn at_home(
    State(front): State<Front>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let home = &front.access.home;
    if request.extensions().get::<Realm>() == Some(home) {
        return next.run(request).await;
    }
    let (account, region) = (&home.account, &home.region);
    let why = format!(
        "the instances of this local ECS are in region {region} of account {account}, but the request is signed for another"
    );
    refused(StatusCode::FORBIDDEN, &why)
}
