//! HTTP: requests become calls, replies become the bytes that clients of Blox know.
//!
//! Source: blox.md 1.2, 1.4, 2.2.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use longshore_daemon::{Call, Input, Reply, Ticket, show_instance, show_task};
use longshore_server::{Bodies, Front, NoBody};
use longshore_wire_blox::route::{self, Routed};
use longshore_wire_blox::scheduler::{Deployment, Environment};
use longshore_wire_blox::state::Items;
use longshore_wire_blox::{Fault, json, limits, v1};
use tokio::sync::{mpsc, watch};

use super::host::Replied;
use super::metrics::{self, Calls, Service};
use super::streams;
use crate::calls::Waiting;

/// Bytes of large bodies that are read at a time. Source: chosen by us: environments are small.
const BODIES_BYTES: usize = 4 * 1024 * 1024;

/// Both front ends.
#[derive(Clone, Debug)]
pub(super) struct Fronts {
    inputs: mpsc::Sender<Input>,
    waiting: Waiting<Replied>,
    bodies: Bodies,
    calls: Arc<Calls>,
    wake: watch::Sender<bool>,
}

impl Fronts {
    pub(super) fn new(
        inputs: mpsc::Sender<Input>,
        waiting: Waiting<Replied>,
        wake: watch::Sender<bool>,
    ) -> Self {
        Self { inputs, waiting, bodies: Bodies::new(BODIES_BYTES), calls: Arc::default(), wake }
    }

    pub(super) fn scheduler(&self) -> Front {
        self.front(Service::Scheduler)
    }

    pub(super) fn state(&self) -> Front {
        self.front(Service::State)
    }

    fn front(&self, service: Service) -> Front {
        let router = Router::new().fallback(answer).with_state((self.clone(), service));
        Front { router, refusal: refused }
    }

    /// What becomes of a request.
    async fn call(
        &self,
        service: Service,
        request: Request<Body>,
    ) -> Result<Response<Body>, Fault> {
        let (head, body) = request.into_parts();
        let read = self.bodies.read(body, limits::BODY_BYTES_MAX).await;
        let unread = read.as_ref().err().map(|why| match why {
            NoBody::TooLarge => Fault::TooLarge(limits::BODY_BYTES_MAX),
            NoBody::Broken => Fault::Unavailable("the request did not arrive whole".to_owned()),
        });
        let request = route::Request {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            body: read.as_ref().map_or(&[][..], |whole| whole.bytes.as_slice()),
        };
        if request.path == metrics::PATH && request.method == "GET" {
            return self.metrics().await;
        }
        if let (Service::Scheduler, Some(routed)) = (service, v1::route(&request)) {
            let unread = unread.map(|fault| v1::Fault::of_v03(fault, ""));
            return Ok(self.call_v1(unread.map_or(routed, Err)).await);
        }
        if let Some(fault) = unread {
            return Err(fault);
        }
        let call = match service {
            Service::Scheduler => match route::scheduler(request)? {
                Routed::Call(call) => Call::Scheduler(call),
                Routed::Moved(to) => return Ok(moved(&to)),
            },
            Service::State => match route::state(request)? {
                Routed::Call(call) => Call::State(call),
                Routed::Moved(to) => return Ok(moved(&to)),
            },
        };
        respond(self.ask(call).await?)
    }

    /// Asks the machine, which wakes it.
    async fn ask(&self, call: Call) -> Result<Replied, Fault> {
        self.wake.send_if_modified(|is_awake| !std::mem::replace(is_awake, true));
        let mut place = self.waiting.add();
        let ending = || Fault::Unavailable("the program is ending".to_owned());
        let input = Input::Called { ticket: Ticket(place.ticket), call };
        self.inputs.send(input).await.map_err(|_| ending())?;
        place.reply().await.ok_or_else(ending)
    }

    /// What becomes of a request of v1.0.
    async fn call_v1(&self, routed: Result<v1::Call, v1::Fault>) -> Response<Body> {
        let result = match routed {
            Err(fault) => Err(fault),
            Ok(call) => match self.ask(Call::V1(call)).await.map(|replied| replied.reply) {
                Ok(Reply::V1(result)) => result,
                Ok(_) => Err(v1::Fault::Server),
                Err(fault) => Err(v1::Fault::of_v03(fault, "")),
            },
        };
        let (status, text) = match result {
            Ok(answer) => match serde_json::to_string(&answer) {
                Ok(text) => (200, text),
                Err(_) => (500, v1::Fault::Server.body()),
            },
            Err(fault) => (fault.status(), fault.body()),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        typed(status, "application/json", Body::from(text))
    }

    /// The page for Prometheus, which both ports have.
    async fn metrics(&self) -> Result<Response<Body>, Fault> {
        match self.ask(Call::Gauges).await?.reply {
            Reply::Gauges(gauges) => {
                let text = metrics::page(&gauges, &self.calls);
                Ok(typed(StatusCode::OK, metrics::MEDIA, Body::from(text)))
            }
            _ => Err(Fault::Server),
        }
    }
}

async fn answer(
    State((fronts, service)): State<(Fronts, Service)>,
    request: Request<Body>,
) -> Response<Body> {
    let response = fronts.call(service, request).await.unwrap_or_else(|fault| failed(&fault));
    fronts.calls.answered(service, response.status());
    response
}

fn typed(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn failed(fault: &Fault) -> Response<Body> {
    let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    typed(status, json::ERROR_CONTENT_TYPE, Body::from(fault.body()))
}

/// What the guard rejects, as text like every error here.
fn refused(_: &Uri, _: &HeaderMap, status: StatusCode, why: &str) -> Response<Body> {
    typed(status, json::ERROR_CONTENT_TYPE, Body::from(format!("{why}\n")))
}

/// Another path is right.
fn moved(to: &str) -> Response<Body> {
    let mut response = typed(
        StatusCode::MOVED_PERMANENTLY,
        json::ERROR_CONTENT_TYPE,
        Body::from("Moved Permanently\n"),
    );
    if let Ok(to) = HeaderValue::try_from(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

fn shown<T: serde::Serialize>(value: &T) -> Result<Response<Body>, Fault> {
    let text = json::line(value).map_err(|_| Fault::Server)?;
    Ok(typed(StatusCode::OK, json::CONTENT_TYPE, Body::from(text)))
}

/// A list: entries that have no place in the JSON of Blox are left out.
fn list<T: serde::Serialize>(
    items: impl Iterator<Item = Option<T>>,
) -> Result<Response<Body>, Fault> {
    shown(&Items { items: items.flatten().collect() })
}

fn respond(replied: Replied) -> Result<Response<Body>, Fault> {
    match replied.reply {
        Reply::Tasks(all) => list(all.iter().map(|one| show_task(one))),
        Reply::Instances(all) => list(all.iter().map(|one| show_instance(one))),
        Reply::Task(one) => shown(&show_task(&one).ok_or(Fault::TaskNotFound)?),
        Reply::Instance(one) => shown(&show_instance(&one).ok_or(Fault::InstanceNotFound)?),
        Reply::Follow(which, before) => {
            let following = replied.following.ok_or(Fault::Server)?;
            let body = streams::body(which, before, following);
            Ok(typed(StatusCode::OK, json::STREAM_CONTENT_TYPE, body))
        }
        Reply::Environment(one) => shown::<Environment>(&one),
        Reply::Environments(all) => list(all.into_iter().map(Some)),
        Reply::Deployment(one) => shown::<Deployment>(&one),
        Reply::Deployments(all) => list(all.into_iter().map(Some)),
        Reply::Done => Ok(typed(StatusCode::OK, json::CONTENT_TYPE, Body::empty())),
        Reply::Refused(fault) => Err(fault),
        // Neither is asked for here.
        Reply::V1(_) | Reply::Gauges(_) => Err(Fault::Server),
    }
}
