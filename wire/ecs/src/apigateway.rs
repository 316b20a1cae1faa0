//! Amazon API Gateway, the one call of it that Blox's scripts make: `TestInvokeMethod`.
//!
//! It is passed on to one service, so nothing in it may choose another, or add a line to what is passed on. Source: Amazon API Gateway V1
//! API Reference; blox.md, 3.1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Str;

/// What signatures are scoped to, and what the name of its hosts begins with.
pub const SERVICE: &str = "apigateway";
/// The id of the REST API of the stack `Blox`. Chosen by us, in the form of AWS.
pub const REST_API: &str = "bloxrestv1";
/// The id of its only resource. Chosen by us, in the form of AWS.
pub const RESOURCE: &str = "bloxproxy1";
/// Bytes of a path with its query. Source: chosen by us; Blox's own are much shorter.
pub const PATH_BYTES_MAX: usize = 4_096;

/// Methods that Blox's scheduler knows.
const METHODS: [&str; 4] = ["DELETE", "GET", "POST", "PUT"];

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    /// The name of the error.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Fault {
    /// A request that cannot be carried out.
    pub fn bad(message: impl Into<String>) -> Self {
        Self { code: "BadRequestException", status: 400, message: message.into() }
    }

    /// Something that is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { code: "NotFoundException", status: 404, message: message.into() }
    }

    /// The body, as JSON.
    pub fn to_json(&self) -> String {
        serde_json::json!({"message": self.message}).to_string()
    }
}

/// What every service of AWS may answer.
impl From<crate::ApiError> for Fault {
    fn from(error: crate::ApiError) -> Self {
        let (code, status) = (error.code.name(), error.code.http_status());
        Self { code, status, message: error.message }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    path_with_query_string: Option<String>,
    body: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    stage_variables: Option<BTreeMap<String, String>>,
    client_certificate_id: Option<String>,
}

/// A request to pass on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// One of four methods.
    pub method: &'static str,
    /// The path, below `/v1/`, with its query: visible ASCII.
    pub target: String,
    /// The body.
    pub body: String,
}

/// What came of it, as API Gateway tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoked {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// The headers that matter: the content type.
    pub headers: BTreeMap<&'static str, String>,
    /// The same, as lists.
    pub multi_value_headers: BTreeMap<&'static str, Vec<String>>,
    /// For people.
    pub log: Str,
    /// How long it took, in ms.
    pub latency: u64,
}

/// Reads a call by its path and body.
///
/// # Errors
/// `NotFoundException` for what is not the REST API of Blox, `BadRequestException` for what is not passed on.
pub fn parse(path: &str, body: &[u8]) -> Result<Invocation, Fault> {
    let parts: Vec<&str> = path.split('/').collect();
    let ["", "restapis", api, "resources", resource, "methods", method] = parts[..] else {
        return Err(Fault::not_found(format!(
            "API Gateway's only call here is POST /restapis/{REST_API}/resources/{RESOURCE}/methods/METHOD (TestInvokeMethod)."
        )));
    };
    if api != REST_API {
        return Err(Fault::not_found("Invalid API identifier specified"));
    }
    if resource != RESOURCE {
        return Err(Fault::not_found("Invalid Resource identifier specified"));
    }
    let Some(method) = METHODS.into_iter().find(|known| *known == method) else {
        let why = format!("The method must be one of {}.", METHODS.join(", "));
        return Err(Fault::not_found(why));
    };
    let body = if body.is_empty() { b"{}" } else { body };
    let body: Asked = serde_json::from_slice(body)
        .map_err(|error| Fault::bad(format!("The body cannot be read: {error}.")))?;
    let given = [
        ("headers", body.headers.is_some_and(|all| !all.is_empty())),
        ("multiValueHeaders", body.multi_value_headers.is_some_and(|all| !all.is_empty())),
        ("stageVariables", body.stage_variables.is_some_and(|all| !all.is_empty())),
        ("clientCertificateId", body.client_certificate_id.is_some()),
    ];
    if let Some((name, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
        return Err(Fault::bad(format!("{name} is not passed on: leave it out, or empty.")));
    }
    let target = body.path_with_query_string.unwrap_or_default();
    check(&target)?;
    Ok(Invocation { method, target, body: body.body.unwrap_or_default() })
}

/// Checks that a path stays below `/v1/`, and cannot be taken for more than a path.
fn check(target: &str) -> Result<(), Fault> {
    let path = target.split('?').next().unwrap_or_default();
    if !path.starts_with("/v1/") || target.len() > PATH_BYTES_MAX {
        let why = format!(
            "pathWithQueryString must begin with /v1/ and have at most {PATH_BYTES_MAX} bytes."
        );
        return Err(Fault::bad(why));
    }
    // Source: RFC 3986, 2: what need not be escaped, and the percent sign.
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=%".contains(&byte);
    if !target.bytes().all(is_plain) {
        let why = "pathWithQueryString must be encoded: letters, digits, and of the others -._~:/?@!$&'()*+,;=% only.";
        return Err(Fault::bad(why));
    }
    let lower = path.to_ascii_lowercase().replace("%2e", ".");
    if lower.split('/').any(|part| part == "." || part == "..") {
        return Err(Fault::bad(
            "pathWithQueryString must not have the parts . and .. in its path.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Invocation, Fault> {
        parse("/restapis/bloxrestv1/resources/bloxproxy1/methods/POST", body.as_bytes())
    }

    #[test]
    fn a_call_is_read_as_the_scripts_send_it() {
        let body = r#"{"pathWithQueryString": "/v1/environments?cluster=a%2Fb", "body": "{}", "headers": {}}"#;
        let target = "/v1/environments?cluster=a%2Fb".to_owned();
        assert_eq!(read(body), Ok(Invocation { method: "POST", target, body: "{}".to_owned() }));
    }

    #[test]
    fn nothing_else_can_be_reached_and_no_line_can_be_added() {
        for path in [
            "",
            "/",
            "/v1",
            "/v2/x",
            "v1/x",
            "http://h/v1/x",
            "//h/v1/x",
            "/v1/../x",
            "/v1/%2e%2E/x",
            "/v1/./x",
            "/v1/{a}",
            "/v1/a|b",
            "/v1/a^",
            "/v1/`a`",
            "/v1/a b",
            "/v1/a HTTP/1.1\\r\\nX: y",
            "/v1/a\\u0000",
            "/v1/ä",
            "/v1/a#b",
            "@h/v1/",
            "/v1/a\\\\b",
        ] {
            let fault = read(&format!("{{\"pathWithQueryString\": \"{path}\"}}")).expect_err(path);
            assert_eq!(fault.code, "BadRequestException", "{path}");
        }
        let long = format!("{{\"pathWithQueryString\": \"/v1/{}\"}}", "a".repeat(PATH_BYTES_MAX));
        assert!(read(&long).is_err());
        for more in [r#""headers": {"Host": "h"}"#, r#""stageVariables": {"a": "b"}"#, r#""x": 1"#]
        {
            assert!(read(&format!("{{\"pathWithQueryString\": \"/v1/a\", {more}}}")).is_err());
        }
    }

    #[test]
    fn other_ids_methods_and_paths_are_not_there() {
        for path in [
            "/restapis",
            "/restapis/x/resources/bloxproxy1/methods/GET",
            "/restapis/bloxrestv1/resources/x/methods/GET",
            "/restapis/bloxrestv1/resources/bloxproxy1/methods/CONNECT",
            "/restapis/bloxrestv1/resources/bloxproxy1/methods/GET/x",
        ] {
            assert_eq!(parse(path, b"{}").expect_err(path).status, 404);
        }
    }
}
