//! AWS Systems Manager, as much of it as `ecs-cli up` calls: `GetParameter` of the image that Amazon recommends for container instances.
//!
//! There are no images here: instances are on this machine, and register with [`IMAGE`]. Source: AWS Systems Manager API Reference; Amazon
//! ECS developer guide, *Retrieving Amazon ECS-optimized Linux AMI metadata*.

use serde::Deserialize;
use serde_json::json;

use crate::Str;
use crate::arn::Realm;
use crate::query::Fault;

/// What the target of a call begins with.
pub const TARGET_PREFIX: &str = "AmazonSSM.";
/// What signatures are scoped to, and what the name of its hosts begins with.
pub const SERVICE: &str = "ssm";
/// The image that instances on this machine have.
pub const IMAGE: &str = "ami-00000000000000000";

/// Names of the parameters that are there. Source: as above; those of Linux.
const PARAMETERS: [&str; 5] = [
    "/aws/service/ecs/optimized-ami/amazon-linux-2/recommended",
    "/aws/service/ecs/optimized-ami/amazon-linux-2/arm64/recommended",
    "/aws/service/ecs/optimized-ami/amazon-linux-2/gpu/recommended",
    "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended",
    "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended",
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetParameter {
    name: Str,
    #[serde(default)]
    with_decryption: Option<bool>,
}

/// A parameter that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter(&'static str);

/// Reads a call, whose target is `action`: the parameter that is asked for.
///
/// # Errors
/// `UnknownOperationException`, `ValidationException` and `ParameterNotFound`, which name what is served.
pub fn parse(action: &str, body: &[u8]) -> Result<Parameter, Fault> {
    if action != "GetParameter" {
        let why = format!(
            "The action {action} of Systems Manager is not served here. Served is GetParameter, of the recommended images of container instances."
        );
        return Err(Fault::new("UnknownOperationException", why));
    }
    let asked: GetParameter = serde_json::from_slice(body).map_err(|error| {
        let why = format!("GetParameter takes Name and WithDecryption: {error}.");
        Fault::new("ValidationException", why)
    })?;
    // There is nothing secret in it to decrypt.
    let _ = asked.with_decryption;
    PARAMETERS.into_iter().find(|name| **name == *asked.name).map(Parameter).ok_or_else(|| {
        let (name, all) = (&asked.name, PARAMETERS.join(", "));
        let why = format!("There is no parameter {name}. There are: {all}");
        Fault::new("ParameterNotFound", why)
    })
}

impl Parameter {
    /// The body of the answer: the image, and the version of the agent. `since` is when the parameter was made, in s since the epoch.
    pub fn response(self, realm: &Realm, agent: &str, since: f64) -> String {
        let (Self(name), region) = (self, &realm.region);
        let value = json!({
            "schema_version": 1, "image_name": "longshore", "image_id": IMAGE, "os": "local",
            "ecs_agent_version": agent, "ecs_runtime_version": "local runtimes",
        });
        let parameter = json!({
            "Name": name, "Type": "String", "Value": value.to_string(), "Version": 1,
            "DataType": "text", "LastModifiedDate": since,
            "ARN": format!("arn:aws:ssm:{region}::parameter{name}"),
        });
        json!({ "Parameter": parameter }).to_string()
    }
}

/// The body of an error.
pub fn error(fault: &Fault) -> String {
    json!({"__type": fault.code, "message": fault.message}).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_recommended_image_is_the_one_that_instances_have() {
        let body = json!({"Name": PARAMETERS[0]}).to_string();
        let parameter = parse("GetParameter", body.as_bytes()).expect("it is there");
        let answer = parameter.response(&Realm::new("us-east-1", "000000000000"), "1.0", 0.0);
        let answer: Value = serde_json::from_str(&answer).expect("it is JSON");
        let value = answer["Parameter"]["Value"].as_str().expect("a text");
        let value: Value = serde_json::from_str(value).expect("it is JSON");
        assert_eq!(value["image_id"], IMAGE);
    }

    #[test]
    fn whatever_else_is_asked_is_refused_by_name() {
        for (action, body, code, word) in [
            ("PutParameter", "{}", "UnknownOperationException", "PutParameter"),
            ("GetParameter", "{}", "ValidationException", "Name"),
            ("GetParameter", "{\"Name\":\"/a\",\"X\":1}", "ValidationException", "X"),
            ("GetParameter", "[", "ValidationException", "Name"),
            ("GetParameter", "{\"Name\":\"/db/password\"}", "ParameterNotFound", "/db/password"),
        ] {
            let fault = parse(action, body.as_bytes()).expect_err("it is refused");
            assert_eq!(fault.code, code, "{body}");
            assert!(fault.message.contains(word), "{}", fault.message);
        }
    }
}
