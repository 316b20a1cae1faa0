//! The JSON of the daemon scheduler, and what a new environment must be.
//!
//! Members beyond v0.3 (attributes of an instance group, `minHealthyPercent`) are written only where a client has set them, so
//! that clients of v0.3 see what they always saw.
//!
//! Source: blox.md 2.2 and 2.3.

use serde::{Deserialize, Serialize};

use crate::arn::{ClusterRef, is_environment_name};
use crate::{Fault, limits};

/// What a new environment is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnvironment {
    /// Its name: unique over all clusters.
    pub name: String,
    /// Its cluster.
    pub cluster: ClusterRef,
    /// Whatever `DescribeTaskDefinition` takes.
    pub task_definition: String,
    /// What instances must have to belong to it.
    pub attributes: Vec<GroupAttribute>,
    /// Percentage of its instances, 0 to 99, that keep a healthy task while others are replaced.
    pub min_healthy_percent: u8,
}

/// What about an environment is to change. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentChange {
    /// Whatever `DescribeTaskDefinition` takes.
    pub task_definition: Option<String>,
    /// What instances must have to belong to it.
    pub attributes: Option<Vec<GroupAttribute>>,
    /// Percentage of its instances, 0 to 99, that keep a healthy task while others are replaced.
    pub min_healthy_percent: Option<u8>,
}

/// An attribute that instances of a group have.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupAttribute {
    /// Its name.
    pub name: String,
    /// Its value; any, if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

#[derive(Default, Deserialize)]
struct GroupBody {
    #[serde(default)]
    cluster: Option<String>,
    #[serde(default)]
    attributes: Option<Vec<GroupAttribute>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    instance_group: Option<GroupBody>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    task_definition: Option<String>,
    #[serde(default)]
    min_healthy_percent: Option<i64>,
}

/// Reads a body. One that is no JSON counts as empty, so that the answer names what is missing: so Blox does.
fn body(bytes: &[u8]) -> Result<Body, Fault> {
    if bytes.len() > limits::BODY_BYTES_MAX {
        return Err(Fault::TooLarge(limits::BODY_BYTES_MAX));
    }
    Ok(serde_json::from_slice(bytes).unwrap_or_default())
}

fn percent(given: Option<i64>, wrong: &mut Vec<String>) -> Option<u8> {
    let max = limits::MIN_HEALTHY_PERCENT_MAX;
    let number = given?;
    let percent = u8::try_from(number).ok().filter(|percent| *percent <= max);
    if percent.is_none() {
        wrong.push(format!("minHealthyPercent in body should be from 0 to {max}"));
    }
    percent
}

/// Checks the attributes of a group, and names what of them cannot be.
pub(crate) fn check_attributes(given: &[GroupAttribute], wrong: &mut Vec<String>) {
    let path = "instanceGroup.attributes";
    if given.len() > limits::ATTRIBUTES_MAX {
        wrong.push(format!("{path} in body should have at most {} items", limits::ATTRIBUTES_MAX));
    }
    let is_long =
        |text: &str| text.is_empty() || text.chars().count() > limits::ATTRIBUTE_CHARS_MAX;
    if given.iter().any(|one| is_long(&one.name) || one.value.as_deref().is_some_and(is_long)) {
        let max = limits::ATTRIBUTE_CHARS_MAX;
        wrong.push(format!("{path} in body should have names and values of 1 to {max} characters"));
    }
    let mut names: Vec<&str> = given.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        wrong.push(format!("{path} in body shouldn't contain duplicates"));
    }
}

fn definition(given: &str, wrong: &mut Vec<String>) {
    if given.len() > limits::ARN_CHARS_MAX {
        let max = limits::ARN_CHARS_MAX;
        wrong.push(format!("taskDefinition in body should be at most {max} chars long"));
    }
}

/// Reads the body of a new environment.
///
/// # Errors
/// What is missing or cannot be, in the words of Blox; that the cluster is blank or no cluster's name.
pub fn new_environment(bytes: &[u8]) -> Result<NewEnvironment, Fault> {
    let given = body(bytes)?;
    let mut wrong = Vec::new();
    if given.instance_group.is_none() {
        wrong.push("instanceGroup in body is required".to_owned());
    }
    match &given.name {
        None => wrong.push("name in body is required".to_owned()),
        Some(name) if !is_environment_name(name) => {
            wrong.push("name in body should match '^[a-zA-Z0-9-_]{1,30}$'".to_owned());
        }
        Some(_) => {}
    }
    match &given.task_definition {
        None => wrong.push("taskDefinition in body is required".to_owned()),
        Some(name) => definition(name, &mut wrong),
    }
    let percent = percent(given.min_healthy_percent, &mut wrong).unwrap_or(0);
    let group = given.instance_group.unwrap_or_default();
    let wanted = group.attributes.unwrap_or_default();
    check_attributes(&wanted, &mut wrong);
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    let cluster = group.cluster.unwrap_or_default();
    if cluster.trim().is_empty() {
        return Err(Fault::NotInEcs("Clusters can not be blank".to_owned()));
    }
    let cluster = ClusterRef::parse(&cluster)
        .ok_or_else(|| Fault::NotInEcs(format!("Cluster {cluster} does not exist")))?;
    Ok(NewEnvironment {
        name: given.name.unwrap_or_default(),
        cluster,
        task_definition: given.task_definition.unwrap_or_default(),
        attributes: wanted,
        min_healthy_percent: percent,
    })
}

/// Reads what is to change about an environment.
///
/// # Errors
/// What cannot be, and that nothing is to change.
pub fn environment_change(bytes: &[u8]) -> Result<EnvironmentChange, Fault> {
    let given = body(bytes)?;
    let mut wrong = Vec::new();
    let group = given.instance_group.unwrap_or_default();
    if group.cluster.is_some() {
        wrong.push("instanceGroup.cluster in body cannot be changed".to_owned());
    }
    if let Some(name) = &given.task_definition {
        definition(name, &mut wrong);
    }
    if let Some(wanted) = &group.attributes {
        check_attributes(wanted, &mut wrong);
    }
    let change = EnvironmentChange {
        task_definition: given.task_definition,
        attributes: group.attributes,
        min_healthy_percent: percent(given.min_healthy_percent, &mut wrong),
    };
    if wrong.is_empty() && change == EnvironmentChange::default() {
        wrong.push(
            "taskDefinition, instanceGroup.attributes or minHealthyPercent in body is required"
                .to_owned(),
        );
    }
    if wrong.is_empty() { Ok(change) } else { Err(Fault::Invalid(wrong)) }
}

/// An environment.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// What the next deployment must be made with.
    pub deployment_token: String,
    /// Whether its latest deployment has no failed instances.
    pub health: Health,
    /// Where it is.
    pub instance_group: InstanceGroup,
    /// Percentage of its instances that keep a healthy task while others are replaced; left out if it is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_healthy_percent: Option<u8>,
    /// Its name.
    pub name: String,
    /// The full ARN.
    pub task_definition: String,
}

/// Whether an environment is as it should be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// No failed instances.
    Healthy,
    /// Some failed instances.
    Unhealthy,
}

/// Which instances.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct InstanceGroup {
    /// What they have; left out if any will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<GroupAttribute>,
    /// Always the ARN.
    pub cluster: String,
}

/// A deployment.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Its environment.
    pub environment_name: String,
    /// ARNs of instances whose task cannot be started.
    pub failed_instances: Vec<String>,
    /// A UUID. It is the `startedBy` of its tasks.
    pub id: String,
    /// How far it is.
    pub status: DeploymentStatus,
    /// The full ARN.
    pub task_definition: String,
}

/// How far a deployment is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum DeploymentStatus {
    /// Nothing has been started.
    Pending,
    /// Tasks are being started and replaced.
    Running,
    /// Every instance has its task, or cannot have it.
    Completed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn the_environment_of_the_slides_is_written_in_the_order_of_the_wire() {
        let mut environment = Environment {
            deployment_token: "17248257-08ec-4438-888f-e0ac28397653".to_owned(),
            health: Health::Healthy,
            instance_group: InstanceGroup { attributes: Vec::new(), cluster: "arn:c".to_owned() },
            min_healthy_percent: None,
            name: "WebEnvironment".to_owned(),
            task_definition: "arn:d".to_owned(),
        };
        let wanted = concat!(
            r#"{"deploymentToken":"17248257-08ec-4438-888f-e0ac28397653","health":"healthy","#,
            r#""instanceGroup":{"cluster":"arn:c"},"name":"WebEnvironment","taskDefinition":"arn:d"}"#,
            "\n"
        );
        assert_eq!(json::line(&environment).ok().as_deref(), Some(wanted));
        environment.min_healthy_percent = Some(60);
        let wanted = GroupAttribute { name: "stack".to_owned(), value: Some("prod".to_owned()) };
        environment.instance_group.attributes = vec![wanted];
        let written = serde_json::to_string(&environment).expect("it can be written");
        assert!(
            written.contains(r#""instanceGroup":{"attributes":[{"name":"stack","value":"prod"}],"#)
        );
        assert!(written.contains(r#""minHealthyPercent":60"#), "{written}");
    }

    #[test]
    fn the_deployment_of_the_slides_is_written_in_the_order_of_the_wire() {
        let deployment = Deployment {
            environment_name: "WebEnvironment".to_owned(),
            failed_instances: Vec::new(),
            id: "7a05ea99-27a9-4339-a7a6-f4120065aea3".to_owned(),
            status: DeploymentStatus::Pending,
            task_definition: "arn:d".to_owned(),
        };
        let wanted = concat!(
            r#"{"environmentName":"WebEnvironment","failedInstances":[],"#,
            r#""id":"7a05ea99-27a9-4339-a7a6-f4120065aea3","status":"pending","taskDefinition":"arn:d"}"#,
            "\n"
        );
        assert_eq!(json::line(&deployment).ok().as_deref(), Some(wanted));
    }

    /// Source: blox.md 2.3, #170: unreadable JSON is an empty request.
    #[test]
    fn each_missing_member_is_named() {
        let all = "validation failure list:\ninstanceGroup in body is required\nname in body is required\n\
                   taskDefinition in body is required\n";
        for body in ["", "{", "{}", "[1]"] {
            let fault = new_environment(body.as_bytes()).expect_err("it lacks everything");
            assert_eq!((fault.status(), fault.body()), (400, all.to_owned()), "{body}");
        }
        let blank = r#"{"instanceGroup":{"cluster":"c"},"name":"","taskDefinition":"d"}"#;
        let fault = new_environment(blank.as_bytes()).expect_err("the name is blank");
        let text = "validation failure list:\nname in body should match '^[a-zA-Z0-9-_]{1,30}$'\n";
        assert_eq!((fault.status(), fault.body()), (400, text.to_owned()));
        let blank = r#"{"instanceGroup":{},"name":"n","taskDefinition":"d"}"#;
        let fault = new_environment(blank.as_bytes()).expect_err("the cluster is blank");
        assert_eq!((fault.status(), fault.body()), (404, "Clusters can not be blank\n".to_owned()));
    }

    #[test]
    fn a_new_environment_has_what_v03_asks_for_and_more_if_it_is_given() {
        let body = r#"{"name":"n","instanceGroup":{"cluster":"c"},"taskDefinition":"d:1"}"#;
        let given = new_environment(body.as_bytes()).expect("it is whole");
        assert_eq!((given.min_healthy_percent, given.attributes.len()), (0, 0));
        let body = r#"{"name":"n","instanceGroup":{"cluster":"c","attributes":[{"name":"a"}]},
            "taskDefinition":"d:1","minHealthyPercent":60}"#;
        let given = new_environment(body.as_bytes()).expect("it is whole");
        assert_eq!((given.min_healthy_percent, given.attributes.len()), (60, 1));
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        let with = |extra: &str, group: &str| {
            let body = format!(
                r#"{{"name":"n","instanceGroup":{{"cluster":"c"{group}}},"taskDefinition":"d"{extra}}}"#
            );
            new_environment(body.as_bytes()).expect_err("it cannot be").to_string()
        };
        for percent in ["100", "-1", "1e3"] {
            let text = with(&format!(r#","minHealthyPercent":{percent}"#), "");
            assert!(text.contains("from 0 to 99") || text.contains("is required"), "{text}");
        }
        let twice = r#","attributes":[{"name":"a"},{"name":"a"}]"#;
        assert!(with("", twice).contains("duplicates"));
        let many: Vec<String> = (0..11).map(|one| format!(r#"{{"name":"{one}"}}"#)).collect();
        let many = format!(r#","attributes":[{}]"#, many.join(","));
        assert!(with("", &many).contains("at most 10 items"));
        let long = format!(r#","attributes":[{{"name":"{}"}}]"#, "a".repeat(129));
        assert!(with("", &long).contains("1 to 128 characters"));
        let fault = new_environment(&vec![b' '; limits::BODY_BYTES_MAX + 1]);
        assert_eq!(fault.expect_err("it is too large").status(), 413);
    }

    #[test]
    fn a_change_that_changes_nothing_is_refused() {
        let fault = environment_change(b"{}").expect_err("it changes nothing");
        assert!(fault.to_string().contains("is required"));
        let change = environment_change(br#"{"taskDefinition":"d:2"}"#).expect("it changes one");
        assert_eq!(change.task_definition.as_deref(), Some("d:2"));
        let fault = environment_change(br#"{"instanceGroup":{"cluster":"x"}}"#);
        assert!(fault.expect_err("it stays").to_string().contains("cannot be changed"));
    }
}
