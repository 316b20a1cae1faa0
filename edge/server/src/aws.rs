//! Other services of AWS on the port of the ECS API, each in a room of its own: CloudFormation, EC2, Systems Manager and API Gateway.
//!
//! A request is for the service that its signature is scoped to, as the SDKs send it; without a signature, for the one that its host, the
//! version in its query, or its path names. Signatures, the guard, and the space for bodies are those of the ECS API.

mod apigateway;
mod cloudformation;
mod ec2;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{
    HeaderMap, HeaderValue, Method, Request as HttpRequest, Response, StatusCode, Uri, header,
};
use longshore_machine::Ids;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::query::{Fault, Node};
use longshore_wire_ecs::signature::Credential;
use longshore_wire_ecs::{
    ApiError, ErrorCode, Str, apigateway as api, cloudformation as cf, ec2 as vm, ssm,
};

pub(crate) use self::cloudformation::StackRoom;
use crate::bodies::Whole;
use crate::ecs::{AMZ_JSON, ERROR_TYPE, Front, REQUEST_ID, text};
use crate::events::is_unsigned_page;
use crate::{limits, seed};

/// Where Blox's daemon scheduler listens, once it does.
pub(crate) type BloxAddress = Arc<OnceLock<SocketAddr>>;

const XML: HeaderValue = HeaderValue::from_static("text/xml");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A service that has a room here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    CloudFormation,
    Ec2,
    Ssm,
    ApiGateway,
}

/// What the rooms need.
#[derive(Clone, Debug)]
pub(crate) struct Rooms {
    pub(crate) stacks: StackRoom,
    /// The attribute of instances with the address at which they are reached.
    pub(crate) hostname: Str,
    /// Where API Gateway passes calls on to.
    pub(crate) blox: BloxAddress,
    /// When this program started, in s since the epoch.
    pub(crate) since: f64,
}

/// The service that a request is for; `None` if it has no room here.
pub(crate) fn service_of(uri: &Uri, headers: &HeaderMap) -> Option<Service> {
    if let Some(target) = text(headers, "x-amz-target") {
        return target.starts_with(ssm::TARGET_PREFIX).then_some(Service::Ssm);
    }
    let signed = text(headers, "authorization").and_then(|header| Credential::read(header).ok());
    if let Some(credential) = signed {
        return named(credential.service);
    }
    let host = text(headers, "host").or(uri.host()).unwrap_or_default();
    let by_host = named(host.split('.').next().unwrap_or_default());
    let by_version = || {
        let query = uri.query().unwrap_or_default();
        let version = query.split('&').find_map(|field| field.strip_prefix("Version="));
        match version {
            Some(cf::VERSION) => Some(Service::CloudFormation),
            Some(vm::VERSION) => Some(Service::Ec2),
            _ => None,
        }
    };
    let by_path = || uri.path().starts_with("/restapis").then_some(Service::ApiGateway);
    by_host.or_else(by_version).or_else(by_path)
}

fn named(name: &str) -> Option<Service> {
    match name {
        cf::SERVICE => Some(Service::CloudFormation),
        vm::SERVICE => Some(Service::Ec2),
        ssm::SERVICE => Some(Service::Ssm),
        api::SERVICE => Some(Service::ApiGateway),
        _ => None,
    }
}

/// What is written: a status, a media type, a body, and the name of an error.
struct Written {
    status: u16,
    media: HeaderValue,
    body: String,
    error: Option<&'static str>,
}

/// Answers a request.
pub(crate) async fn respond(
    front: &Front,
    service: Service,
    request: HttpRequest<Body>,
) -> Response<Body> {
    if is_unsigned_page(&request) {
        let why = "An unsigned request with Origin, Referer or Sec-Fetch headers comes from a web page: sign it, or omit these headers.";
        return refuse(service, StatusCode::FORBIDDEN, ApiError::new(ErrorCode::AccessDenied, why));
    }
    let id = Ids::new(seed()).uuid("request");
    let (parts, body) = request.into_parts();
    let written = match admit(front, service, &parts, body).await {
        Ok((realm, body)) => answer(front, service, &parts, (&realm, &body.bytes), &id).await,
        Err(error) => refused(service, error, &id),
    };
    write(written, &id)
}

/// An error in the format of a service, with an explicit HTTP status.
pub(crate) fn refuse(service: Service, status: StatusCode, error: ApiError) -> Response<Body> {
    let id = Ids::new(seed()).uuid("request");
    write(Written { status: status.as_u16(), ..refused(service, error, &id) }, &id)
}

fn refused(service: Service, error: ApiError, id: &str) -> Written {
    match service {
        Service::CloudFormation | Service::Ec2 => query_fault(service, &error.into(), id),
        Service::Ssm => ssm_fault(&error.into()),
        Service::ApiGateway => api_fault(&error.into()),
    }
}

fn ssm_fault(fault: &Fault) -> Written {
    let body = ssm::error(fault);
    Written { status: fault.status, media: AMZ_JSON, body, error: Some(fault.code) }
}

fn query_fault(service: Service, fault: &Fault, id: &str) -> Written {
    let body = match service {
        Service::Ec2 => vm::error(fault, id),
        _ => cf::error(fault, id),
    };
    Written { status: fault.status, media: XML, body, error: Some(fault.code) }
}

fn api_fault(fault: &api::Fault) -> Written {
    Written { status: fault.status, media: JSON, body: fault.to_json(), error: Some(fault.code) }
}

fn write(written: Written, id: &str) -> Response<Body> {
    let Written { status, media, body, error } = written;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media);
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(error) = error {
        headers.insert(ERROR_TYPE, HeaderValue::from_static(error));
        tracing::debug!(request_id = id, error, "refused");
    }
    response
}

/// Authenticates the caller, and reads the body.
async fn admit(
    front: &Front,
    service: Service,
    parts: &Parts,
    body: Body,
) -> Result<(Realm, Whole), ApiError> {
    let is_query = matches!(service, Service::CloudFormation | Service::Ec2);
    let is_method = parts.method == Method::POST || (is_query && parts.method == Method::GET);
    if !is_method || (is_query && parts.uri.path() != "/") {
        let asked = format!("{} {}", parts.method, parts.uri.path());
        let right = if is_query { "POST / and GET /" } else { "POST" };
        let why = format!("This API accepts only {right}, not {asked}.");
        return Err(ApiError::new(ErrorCode::UnknownOperation, why));
    }
    front.admit(parts, body, limits::AWS_CALL_BYTES_MAX).await
}

async fn answer(
    front: &Front,
    service: Service,
    parts: &Parts,
    (realm, body): (&Realm, &[u8]),
    id: &str,
) -> Written {
    let xml = |body: Result<String, Fault>| match body {
        Ok(body) => Written { status: 200, media: XML, body, error: None },
        Err(fault) => query_fault(service, &fault, id),
    };
    match service {
        Service::CloudFormation => {
            let called = form(parts, body).and_then(|form| {
                front.aws.stacks.call(realm, &form, parts.method == Method::POST, id)
            });
            xml(called)
        }
        Service::Ec2 => match form(parts, body) {
            Ok(form) => xml(ec2::call(front, realm, &form, id).await),
            Err(fault) => xml(Err(fault)),
        },
        Service::Ssm => {
            let target = text(&parts.headers, "x-amz-target").unwrap_or_default();
            let action = target.strip_prefix(ssm::TARGET_PREFIX).unwrap_or_default();
            match ssm::parse(action, body) {
                Ok(parameter) => {
                    let agent = env!("CARGO_PKG_VERSION");
                    let body = parameter.response(realm, agent, front.aws.since);
                    Written { status: 200, media: AMZ_JSON, body, error: None }
                }
                Err(fault) => ssm_fault(&fault),
            }
        }
        Service::ApiGateway => match apigateway::call(front, realm, parts.uri.path(), body).await {
            Ok(body) => Written { status: 200, media: JSON, body, error: None },
            Err(fault) => api_fault(&fault),
        },
    }
}

fn form(parts: &Parts, body: &[u8]) -> Result<Node, Fault> {
    let query = parts.uri.query().unwrap_or_default();
    let wrong =
        |why: &str| Fault::new("MalformedInput", format!("Cannot read the request: {why}."));
    let body = std::str::from_utf8(body).map_err(|_| wrong("it is not UTF-8"))?;
    Node::read(&format!("{query}&{body}")).map_err(|why| wrong(why.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(uri: &str, headers: &[(&str, &str)]) -> Option<Service> {
        let mut request = HttpRequest::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a request");
        service_of(request.uri(), request.headers())
    }

    #[test]
    fn a_signature_tells_the_service_before_anything_else_does() {
        let signed = |service: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
            )
        };
        for (name, wanted) in [
            ("cloudformation", Some(Service::CloudFormation)),
            ("ec2", Some(Service::Ec2)),
            ("apigateway", Some(Service::ApiGateway)),
            ("sqs", None),
            ("ecs", None),
        ] {
            let header = signed(name);
            let uri = "/?Action=DescribeStacks&Version=2010-05-15";
            assert_eq!(service(uri, &[("authorization", &header)]), wanted, "{name}");
        }
    }

    #[test]
    fn without_a_signature_host_version_and_path_tell() {
        let host = [("host", "cloudformation.us-east-1.amazonaws.com")];
        assert_eq!(service("/", &host), Some(Service::CloudFormation));
        let broken = (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKID/20260101//cloudformation/aws4_request",
        );
        assert_eq!(service("/", &[broken, host[0]]), Some(Service::CloudFormation));
        assert_eq!(service("/?Action=A&Version=2016-11-15", &[]), Some(Service::Ec2));
        assert_eq!(service("/restapis/a", &[]), Some(Service::ApiGateway));
        assert_eq!(service("/?Action=ListQueues&Version=2012-11-05", &[]), None);
        assert_eq!(service("/", &[("x-amz-target", "AmazonSQS.ListQueues")]), None);
        let target = [("x-amz-target", "AmazonSSM.GetParameter")];
        assert_eq!(service("/", &target), Some(Service::Ssm));
    }
}
