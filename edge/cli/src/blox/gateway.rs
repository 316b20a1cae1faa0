//! Calls to the scheduler through API Gateway, as Blox's scripts make them with `--apigateway --stack NAME`.
//!
//! The stack says which API it is (CloudFormation's `DescribeStackResource`), and API Gateway passes the request on (`TestInvokeMethod`). What
//! is printed is what the scripts print: an answer that is no JSON is shown with all that API Gateway says of it. Source: blox.md 3.1.

use std::process::ExitCode;

use longshore_client::{Aside, Client, Options};
use longshore_wire_blox::query::encode;
use serde_json::{Value, json};

use super::options::Gateway;
use crate::cluster::local_keys;
use crate::output::say;

/// Makes a request (its method, its path with query, its body), and prints what came of it.
pub(super) async fn call(
    gateway: &Gateway,
    (method, target, body): (&str, String, &str),
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let client = client(gateway).await?;
    let mut ids = Vec::new();
    for logical in ["RestApi", "ApiResource"] {
        match resource(&client, &gateway.stack, logical).await? {
            Ok(id) => ids.push(id),
            Err(why) => return Ok(failed("cloudformation describe-stack-resource", &why)),
        }
    }
    let [api, resource] = &ids[..] else { anyhow::bail!("the stack has too few resources") };
    let path = format!("/restapis/{}/resources/{}/methods/{method}", encode(api), encode(resource));
    let asked = json!({"pathWithQueryString": target, "body": body, "headers": {}});
    let aside = Aside {
        service: "apigateway",
        path: &path,
        media: "application/json",
        body: asked.to_string(),
    };
    let (status, answer) = client.aside(aside).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    match serde_json::from_str::<Value>(&answer) {
        Ok(invoked) if status < 300 => show(&invoked, method, as_json),
        _ => Ok(failed("apigateway test-invoke-method", &format!("HTTP {status}: {answer}"))),
    }
}

/// A client that is configured as the SDK, or for a local ECS.
async fn client(gateway: &Gateway) -> anyhow::Result<Client> {
    // The SDK's own variable, which the AWS CLI knows, too.
    let of_sdk = || std::env::var("AWS_ENDPOINT_URL").ok().filter(|url| !url.is_empty());
    let endpoint = gateway.endpoint.clone().or_else(of_sdk);
    let is_local = endpoint.is_some();
    let keys = if is_local { local_keys().await } else { None };
    let options = Options {
        cluster: String::new(),
        endpoint,
        region: gateway.region.clone().or_else(|| is_local.then(|| "us-east-1".to_owned())),
        keys,
        budget: false,
    };
    Ok(Client::new(options).await?)
}

/// What a resource of the stack is called, or what CloudFormation says.
async fn resource(
    client: &Client,
    stack: &str,
    logical: &str,
) -> anyhow::Result<Result<String, String>> {
    let body = format!(
        "Action=DescribeStackResource&Version=2010-05-15&StackName={}&LogicalResourceId={logical}",
        encode(stack)
    );
    let media = "application/x-www-form-urlencoded; charset=utf-8";
    let aside = Aside { service: "cloudformation", path: "/", media, body };
    let (status, answer) = client.aside(aside).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let found = (status == 200).then(|| between(&answer, "PhysicalResourceId")).flatten();
    Ok(found.ok_or_else(|| {
        let said = between(&answer, "Message").unwrap_or(answer);
        format!("HTTP {status}: {said}")
    }))
}

/// The text of the first element of that name. Ids have no characters that XML must escape; of messages it is shown as it is.
fn between(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.to_owned())
}

/// As the scripts say that a command of the AWS CLI failed.
fn failed(command: &str, why: &str) -> ExitCode {
    say!("Error: Command [aws {command}] failed.");
    say!("{why}");
    ExitCode::FAILURE
}

/// Prints what API Gateway was answered with.
fn show(invoked: &Value, method: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let status = invoked["status"].as_u64().unwrap_or_default();
    if !as_json {
        say!("HTTP Response Code: {status}");
    }
    let body = invoked["body"].as_str().unwrap_or_default();
    if body.is_empty() && method == "DELETE" && status < 300 {
        return Ok(ExitCode::SUCCESS);
    }
    match serde_json::from_str::<Value>(body) {
        Ok(value) if as_json => say!("{value}"),
        Ok(value) => say!("{}", serde_json::to_string_pretty(&value)?),
        Err(error) => {
            say!("Error: Could not parse response - {error}");
            say!("{}", serde_json::to_string_pretty(invoked)?);
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_element_of_a_name_is_found() {
        let xml = "<A><PhysicalResourceId>x1</PhysicalResourceId><PhysicalResourceId>y</PhysicalResourceId></A>";
        assert_eq!(between(xml, "PhysicalResourceId").as_deref(), Some("x1"));
        assert_eq!(between(xml, "Message"), None);
    }
}
