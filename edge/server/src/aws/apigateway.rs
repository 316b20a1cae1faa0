//! API Gateway's room: `TestInvokeMethod`, passed on to Blox's daemon scheduler.
//!
//! There is one address that calls can reach, and it comes from the command line. Nothing of a call but a checked path, one of four methods
//! and a body is passed on: no header, no host. Redirects are not followed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use axum::body::Body;
use axum::http::{Request, Response, header};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use longshore_wire_ecs::apigateway::{Fault, Invocation, Invoked, parse};
use longshore_wire_ecs::arn::Realm;
use tokio::net::TcpStream;

use crate::ecs::Front;
use crate::limits;

/// Answers a call, in JSON.
pub(super) async fn call(
    front: &Front,
    realm: &Realm,
    path: &str,
    body: &[u8],
) -> Result<String, Fault> {
    let home = &front.access.home;
    if realm != home {
        let (region, account) = (&home.region, &home.account);
        return Err(Fault::not_found(format!(
            "The REST API of this local ECS is in region {region} of account {account}, but the request is signed for another."
        )));
    }
    let invocation = parse(path, body)?;
    let Some(&scheduler) = front.aws.blox.get() else {
        return Err(Fault::bad(
            "No daemon scheduler of Blox runs beside this local ECS: start `longshore dev` without --without-schedulers and with its ports free.",
        ));
    };
    let began = Instant::now();
    let asked = tokio::time::timeout(limits::INVOKED_WAIT, pass_on(front, scheduler, invocation));
    let asked = asked.await.unwrap_or_else(|_| Err("it did not answer in time".to_owned()));
    let latency = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let log = match &asked {
        Ok((status, ..)) => {
            format!("Passed on to {scheduler}, which answered with {status} in {latency} ms")
        }
        Err(why) => format!("The daemon scheduler at {scheduler} cannot be reached: {why}"),
    };
    let (status, media, body) =
        asked.unwrap_or_else(|_| (502, "text/plain".to_owned(), format!("{log}\n")));
    let invoked = Invoked {
        status,
        body,
        headers: BTreeMap::from([("Content-Type", media.clone())]),
        multi_value_headers: BTreeMap::from([("Content-Type", vec![media])]),
        log: log.into(),
        latency,
    };
    serde_json::to_string(&invoked).map_err(|error| Fault::bad(error.to_string()))
}

/// Passes a request on: the status, the media type and the body of the answer.
async fn pass_on(
    front: &Front,
    to: SocketAddr,
    Invocation { method, target, body }: Invocation,
) -> Result<(u16, String, String), String> {
    let failed = |error: &dyn std::error::Error| error.to_string();
    let socket = TcpStream::connect(to).await.map_err(|error| failed(&error))?;
    let connected = handshake::<_, Body>(TokioIo::new(socket)).await;
    let (mut sender, connection) = connected.map_err(|error| failed(&error))?;
    let mut request =
        Request::builder().method(method).uri(target).header(header::HOST, to.to_string());
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let request = request.body(Body::from(body)).map_err(|error| failed(&error))?;
    let asked = async {
        let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
        let answer = read(front, response).await;
        drop(sender);
        answer
    };
    let (answer, _) = tokio::join!(asked, connection);
    answer
}

async fn read(
    front: &Front,
    response: Response<Incoming>,
) -> Result<(u16, String, String), String> {
    let (parts, body) = response.into_parts();
    let media = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.unwrap_or_default().to_owned();
    let max = limits::INVOKED_BYTES_MAX;
    let body = front.bodies.read(Body::new(body), max).await;
    let body =
        body.map_err(|_| format!("its answer is broken off, or has more than {max} bytes"))?;
    Ok((parts.status.as_u16(), media, String::from_utf8_lossy(&body.bytes).into_owned()))
}
