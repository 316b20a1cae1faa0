//! The HTTP front of EventBridge and SQS: AWS JSON 1.1 and 1.0, and the Query protocol of older
//! SDKs.
//!
//! Source: EventBridge API reference; SQS API reference; SQS developer guide, *Making Query API
//! requests*.

use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request as HttpRequest, Response, StatusCode, Uri,
    header,
};
use longshore_events::{Answer, Refusal, Request};
use longshore_machine::Ids;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::{ApiError, ErrorCode, Str, eventbridge, sqs};

use super::handle::gone;
use crate::bodies::Whole;
use crate::door::{is_from_allowed_page, is_from_page};
use crate::ecs::{ERROR_TYPE, Front, REQUEST_ID, text};
use crate::{limits, seed};

const JSON_1_0: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const JSON_1_1: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
const XML: HeaderValue = HeaderValue::from_static("text/xml");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// A service, and the protocol of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// EventBridge in JSON.
    EventBridge,
    /// SQS in JSON.
    Sqs,
    /// SQS in the Query protocol: forms and XML.
    SqsQuery,
}

/// The service that a request is for; `None` if it is neither EventBridge nor SQS.
pub(crate) fn service_of(uri: &Uri, headers: &HeaderMap) -> Option<Service> {
    if let Some(target) = text(headers, "x-amz-target") {
        let is = |prefix: &str| target.starts_with(prefix);
        let json = [
            (eventbridge::TARGET_PREFIX, Service::EventBridge),
            (sqs::TARGET_PREFIX, Service::Sqs),
        ];
        return json.into_iter().find(|(prefix, _)| is(prefix)).map(|(_, service)| service);
    }
    let content = text(headers, "content-type").unwrap_or_default();
    let media = content.split(';').next().unwrap_or_default().trim();
    let is_form = media.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    let query = uri.query().unwrap_or_default();
    (is_form || sqs::query::is_query(query)).then_some(Service::SqsQuery)
}

/// Answers a request.
pub(crate) async fn respond(
    front: &Front,
    service: Service,
    request: HttpRequest<Body>,
) -> Response<Body> {
    if service == Service::SqsQuery && is_unsigned_page(&request) {
        let why = "An unsigned request with Origin, Referer or Sec-Fetch headers comes from a web page: sign it, or omit these headers.";
        return refuse(service, StatusCode::FORBIDDEN, ApiError::new(ErrorCode::AccessDenied, why));
    }
    write(service, answer(front, service, request).await)
}

/// Any page can send a form without permission, so an unsigned form is rejected if a browser may
/// have sent it.
pub(crate) fn is_unsigned_page(request: &HttpRequest<Body>) -> bool {
    let headers = request.headers();
    !headers.contains_key(header::AUTHORIZATION)
        && is_from_page(headers)
        && !is_from_allowed_page(request.extensions())
}

/// An error in the format of a service, with an explicit HTTP status.
pub(crate) fn refuse(service: Service, status: StatusCode, error: ApiError) -> Response<Body> {
    let mut response = write(service, Err(refusal(service, error)));
    *response.status_mut() = status;
    response
}

fn write(service: Service, answer: Result<Answer, Refusal>) -> Response<Body> {
    let id = Ids::new(seed()).uuid("request");
    if let Err(refusal) = &answer {
        let error: &dyn std::error::Error = match refusal {
            Refusal::EventBridge(error) => error,
            Refusal::Sqs(error) => error,
        };
        tracing::debug!(request_id = id, error = %error, "refused");
    }
    let mut headers = HeaderMap::new();
    let (status, body) = match service {
        Service::SqsQuery => xml(answer, &id, &mut headers),
        Service::EventBridge | Service::Sqs => json(answer, &mut headers),
    };
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

fn json(answer: Result<Answer, Refusal>, headers: &mut HeaderMap) -> (u16, Vec<u8>) {
    let is_sqs = matches!(answer, Ok(Answer::Sqs(_)) | Err(Refusal::Sqs(_)));
    headers.insert(header::CONTENT_TYPE, if is_sqs { JSON_1_0 } else { JSON_1_1 });
    match answer {
        Ok(Answer::EventBridge(answer)) => (200, answer.to_json()),
        Ok(Answer::Sqs(answer)) => (200, answer.to_json()),
        Err(Refusal::EventBridge(error)) => {
            headers.insert(ERROR_TYPE, HeaderValue::from_static(error.code.name()));
            (error.code.http_status(), error.to_json().into_bytes())
        }
        Err(Refusal::Sqs(error)) => {
            if let Ok(value) = HeaderValue::from_str(&error.query_header()) {
                headers.insert(QUERY_ERROR, value);
            }
            (error.code.http_status(), error.to_json().into_bytes())
        }
    }
}

fn xml(answer: Result<Answer, Refusal>, id: &str, headers: &mut HeaderMap) -> (u16, Vec<u8>) {
    headers.insert(header::CONTENT_TYPE, XML);
    match answer {
        Ok(Answer::Sqs(answer)) => (200, sqs::xml::response(&answer, id).into_bytes()),
        Err(Refusal::Sqs(error)) => {
            (error.code.query_status(), sqs::xml::error(&error, id).into_bytes())
        }
        Ok(Answer::EventBridge(_)) | Err(Refusal::EventBridge(_)) => {
            unreachable!("EventBridge has no Query protocol here")
        }
    }
}

/// An error in the words of a service.
fn refusal(service: Service, error: ApiError) -> Refusal {
    match service {
        Service::EventBridge => Refusal::EventBridge(error.into()),
        Service::Sqs | Service::SqsQuery => Refusal::Sqs(error.into()),
    }
}

async fn answer(
    front: &Front,
    service: Service,
    request: HttpRequest<Body>,
) -> Result<Answer, Refusal> {
    let (parts, body) = request.into_parts();
    let (realm, body) =
        admit(front, service, &parts, body).await.map_err(|error| refusal(service, error))?;
    // The space is kept until the call is answered.
    let request = read(service, &parts, &body.bytes)?;
    let patience = Duration::from_millis(limits::CALL_MS_MAX);
    match tokio::time::timeout(patience, front.control.bus().call(realm, request)).await {
        Ok(Some(answer)) => answer,
        Ok(None) => Err(refusal(service, gone())),
        Err(_) => Err(refusal(
            service,
            ApiError::new(ErrorCode::Server, "The event bus did not answer in time."),
        )),
    }
}

/// Authenticates the caller, and reads the body. A queue URL is an address, too: older SDKs send
/// their requests there.
async fn admit(
    front: &Front,
    service: Service,
    parts: &Parts,
    body: Body,
) -> Result<(Realm, Whole), ApiError> {
    let is_query = service == Service::SqsQuery;
    let method = parts.method == Method::POST || (is_query && parts.method == Method::GET);
    if !method || (service == Service::EventBridge && parts.uri.path() != "/") {
        let asked = format!("{} {}", parts.method, parts.uri.path());
        return Err(ApiError::new(
            ErrorCode::UnknownOperation,
            format!("This API accepts only POST /, not {asked}."),
        ));
    }
    front.admit(parts, body, limits::EVENTS_CALL_BYTES_MAX).await
}

fn read(service: Service, parts: &Parts, body: &[u8]) -> Result<Request, Refusal> {
    let target = text(&parts.headers, "x-amz-target").unwrap_or_default();
    let operation = target.split_once('.').map_or("", |(_, operation)| operation);
    let request = match service {
        Service::EventBridge => {
            let request = eventbridge::Request::parse(operation, body);
            return request.map(Request::EventBridge).map_err(Refusal::EventBridge);
        }
        Service::Sqs => sqs::Request::parse(operation, body),
        Service::SqsQuery => read_form(parts, body),
    };
    let request = request.map_err(Refusal::Sqs)?;
    if parts.method == Method::GET && !request.is_read() {
        let operation = request.operation();
        let why = format!("The action {operation} changes state: it must be sent by POST.");
        let error = sqs::Error::new(sqs::ErrorCode::MethodNotAllowed, why);
        return Err(Refusal::Sqs(error));
    }
    Ok(Request::Sqs { origin: origin(parts), request })
}

fn read_form(parts: &Parts, body: &[u8]) -> Result<sqs::Request, sqs::Error> {
    let form = std::str::from_utf8(body).map_err(|_| {
        let why = "The request must be UTF-8.";
        sqs::Error::new(sqs::ErrorCode::InvalidParameterValue, why)
    })?;
    let query = parts.uri.query().unwrap_or_default();
    let path = parts.uri.path();
    sqs::query::parse(&format!("{query}&{form}"), Some(path).filter(|path| *path != "/"))
}

/// Prefix of queue URLs: the address at which the caller reaches us.
fn origin(parts: &Parts) -> Str {
    let host = text(&parts.headers, "host")
        .or(parts.uri.authority().map(axum::http::uri::Authority::as_str));
    format!("http://{}", host.unwrap_or("localhost")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(target: Option<&str>, content: &str, uri: &str) -> Option<Service> {
        let mut request = HttpRequest::builder().uri(uri).header("content-type", content);
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        let request = request.body(()).expect("a request");
        service_of(request.uri(), request.headers())
    }

    #[test]
    fn services_are_told_apart_by_target_and_form() {
        let json = "application/x-amz-json-1.0";
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(service(Some("AWSEvents.PutRule"), json, "/"), Some(Service::EventBridge));
        assert_eq!(service(Some("AmazonSQS.SendMessage"), json, "/"), Some(Service::Sqs));
        let ecs = "AmazonEC2ContainerServiceV20141113.RunTask";
        assert_eq!(service(Some(ecs), json, "/"), None);
        assert_eq!(service(None, form, "/123456789012/q"), Some(Service::SqsQuery));
        assert_eq!(service(None, "", "/?Action=ListQueues"), Some(Service::SqsQuery));
        assert_eq!(service(None, "", "/"), None);
    }
}
