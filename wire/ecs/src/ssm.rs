//! AWS Systems Manager, as much of it as `ecs-cli up` calls: `GetParameter` of the image that Amazon recommends for container instances.
//!
//! There are no images here: instances are on this machine, and register with [`IMAGE`]. Source: AWS Systems Manager API Reference; Amazon
//! ECS developer guide, *Retrieving Amazon ECS-optimized Linux AMI metadata*.

use serde::Deserialize;
use serde_json::{Value, json};

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

/// Answers a call, whose target is `action`: its body in JSON.
///
/// # Errors
/// `UnknownOperationException`, `ValidationException` and `ParameterNotFound`, which name what is served.
pub fn answer(
    action: &str,
    body: &[u8],
    realm: &Realm,
    agent: &str,
    since: f64,
) -> Result<Value, Fault> {
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
    let Some(name) = PARAMETERS.into_iter().find(|name| **name == *asked.name) else {
        let why =
            format!("There is no parameter {}. There are: {}", asked.name, PARAMETERS.join(", "));
        return Err(Fault::new("ParameterNotFound", why));
    };
    let value = json!({
        "schema_version": 1, "image_name": "longshore", "image_id": IMAGE, "os": "local",
        "ecs_agent_version": agent, "ecs_runtime_version": "local runtimes",
    });
    Ok(json!({"Parameter": {
        "Name": name, "Type": "String", "Value": value.to_string(), "Version": 1, "DataType": "text",
        "LastModifiedDate": since, "ARN": format!("arn:aws:ssm:{}::parameter{name}", realm.region),
    }}))
}

/// The body of an error.
pub fn error(fault: &Fault) -> String {
    json!({"__type": fault.code, "message": fault.message}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(action: &str, body: &str) -> Result<Value, Fault> {
        let realm = Realm::new("us-east-1", "000000000000");
        answer(action, body.as_bytes(), &realm, "1.0", 0.0)
    }

    #[test]
    fn the_recommended_image_is_the_one_that_instances_have() {
        let body = json!({"Name": PARAMETERS[0]}).to_string();
        let answer = ask("GetParameter", &body).expect("it is there");
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
            let fault = ask(action, body).expect_err("it is refused");
            assert_eq!(fault.code, code, "{body}");
            assert!(fault.message.contains(word), "{}", fault.message);
        }
    }
}
