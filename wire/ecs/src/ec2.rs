//! Amazon EC2, as much of it as `ecs-cli` calls: `DescribeInstances` by id for `ps`, and `DescribeInstanceTypeOfferings` for `up`.
//!
//! Source: Amazon EC2 API Reference, version 2016-11-15.

mod offerings;
mod types;

pub use offerings::Offerings;
pub use types::InstanceType;

use crate::Str;
use crate::query::xml::{Element, list, members, text, write};
use crate::query::{Fault, Node};

/// The version of the API.
pub const VERSION: &str = "2016-11-15";
/// What signatures are scoped to, and what the name of its hosts begins with.
pub const SERVICE: &str = "ec2";

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// An instance. Times are ISO 8601.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// `i-` and hexadecimal digits.
    pub id: Str,
    /// Whether it runs; else it was terminated.
    pub runs: bool,
    /// Its type.
    pub kind: Str,
    /// The address at which it is reached.
    pub address: Str,
    /// Its availability zone.
    pub zone: Str,
    /// `x86_64` or `arm64`.
    pub architecture: Str,
    /// When it was started.
    pub launched: String,
    /// The cluster that it is in.
    pub cluster: Str,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Instances by their ids; without one, all.
    DescribeInstances(Vec<Str>),
    /// Which types of instances can be had.
    DescribeInstanceTypeOfferings(Offerings),
}

/// Reads a form.
///
/// # Errors
/// `InvalidAction`, `UnknownParameter` and `InvalidInstanceID.Malformed`, in the words of EC2 as far as it has some.
pub fn parse(form: &Node) -> Result<Request, Fault> {
    match form.text("Action").unwrap_or_default() {
        "DescribeInstances" => {
            knows(form, "DescribeInstances", &["InstanceId"])?;
            instance_ids(form).map(Request::DescribeInstances)
        }
        "DescribeInstanceTypeOfferings" => {
            Offerings::parse(form).map(Request::DescribeInstanceTypeOfferings)
        }
        action => Err(Fault::new(
            "InvalidAction",
            format!(
                "The action {action} of EC2 is not served here. Served are DescribeInstances, for the container instances of the local ECS, and DescribeInstanceTypeOfferings."
            ),
        )),
    }
}

/// Refuses what an action does not take.
fn knows(form: &Node, action: &str, parameters: &[&str]) -> Result<(), Fault> {
    let of_protocol = ["Action", "Version"];
    let is_known =
        |name: &String| of_protocol.contains(&name.as_str()) || parameters.contains(&name.as_str());
    if let Some(name) = form.children.keys().find(|name| !is_known(name)) {
        let takes = parameters.join(", ");
        let why = format!("The parameter {name} is not served here: {action} takes {takes}.");
        return Err(Fault::new("UnknownParameter", why));
    }
    let wrong = |why: String| Fault::new("InvalidParameterValue", why);
    form.are_texts(&["Action", "Version", "LocationType"])
        .map_err(|name| wrong(format!("{name} must be one text, without members.")))?;
    form.are_lists(&["InstanceId", "Filter"])
        .map_err(|name| wrong(format!("{name} must be a list: {name}.1, {name}.2, ...")))?;
    match form.text("Version") {
        None | Some(VERSION) => Ok(()),
        Some(other) => Err(wrong(format!("Version must be {VERSION}, not {other}."))),
    }
}

fn instance_ids(form: &Node) -> Result<Vec<Str>, Fault> {
    let entries = form.children.get("InstanceId").map(Node::entries).unwrap_or_default();
    let mut ids: Vec<Str> = Vec::with_capacity(entries.len());
    for entry in entries {
        let id = entry.value.as_deref().unwrap_or_default();
        let digits = id.strip_prefix("i-").unwrap_or_default();
        if !(8..=17).contains(&digits.len()) || !digits.bytes().all(|one| one.is_ascii_hexdigit()) {
            let why = format!("Invalid id: \"{id}\" (expecting \"i-...\")");
            return Err(Fault::new("InvalidInstanceID.Malformed", why));
        }
        if !ids.iter().any(|before| **before == *id) {
            ids.push(id.into());
        }
    }
    Ok(ids)
}

/// Those of `all` that are asked for.
///
/// # Errors
/// `InvalidInstanceID.NotFound`.
pub fn find(all: Vec<Instance>, asked: &[Str]) -> Result<Vec<Instance>, Fault> {
    let is_there = |id: &&Str| all.iter().any(|one| one.id == **id);
    let missing: Vec<&str> = asked.iter().filter(|id| !is_there(id)).map(|id| &**id).collect();
    let why = match &missing[..] {
        [] => {
            let is_asked = |one: &Instance| asked.is_empty() || asked.contains(&one.id);
            return Ok(all.into_iter().filter(is_asked).collect());
        }
        [one] => format!("The instance ID '{one}' does not exist"),
        more => format!("The instance IDs '{}' do not exist", more.join(", ")),
    };
    Err(Fault::new("InvalidInstanceID.NotFound", why))
}

/// The body of an answer to `DescribeInstances`. Each instance is a reservation of its own.
pub fn response(account: &str, instances: &[Instance], request_id: &str) -> String {
    let mut xml = format!("<DescribeInstancesResponse xmlns=\"{NAMESPACE}\">");
    write(&mut xml, &text("requestId", request_id));
    let reservations = instances.iter().map(|one| {
        vec![
            text("reservationId", one.id.replacen("i-", "r-", 1)),
            text("ownerId", account),
            members("groupSet", Vec::new()),
            list("instancesSet", "item", [instance(one)]),
        ]
    });
    write(&mut xml, &list("reservationSet", "item", reservations));
    xml.push_str("</DescribeInstancesResponse>");
    xml
}

fn instance(one: &Instance) -> Vec<Element> {
    let (code, name) = if one.runs { ("16", "running") } else { ("48", "terminated") };
    let state = vec![text("code", code), text("name", name)];
    let tags = [("Name", format!("ECS Instance - amazon-ecs-cli-setup-{}", one.cluster))];
    let tags = tags.map(|(key, value)| vec![text("key", key), text("value", value)]);
    vec![
        text("instanceId", &*one.id),
        text("imageId", crate::ssm::IMAGE),
        members("instanceState", state),
        text("privateDnsName", ""),
        text("dnsName", ""),
        text("amiLaunchIndex", "0"),
        text("instanceType", &*one.kind),
        text("launchTime", &*one.launched),
        members("placement", vec![text("availabilityZone", &*one.zone)]),
        text("privateIpAddress", &*one.address),
        text("architecture", &*one.architecture),
        list("tagSet", "item", tags),
    ]
}

/// The body of an error.
pub fn error(fault: &Fault, request_id: &str) -> String {
    let mut xml = String::from("<Response>");
    let told = vec![text("Code", fault.code), text("Message", &*fault.message)];
    write(&mut xml, &list("Errors", "Error", [told]));
    write(&mut xml, &text("RequestID", request_id));
    xml.push_str("</Response>");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Result<Request, Fault> {
        parse(&Node::read(form).expect("it is a form"))
    }

    #[test]
    fn ids_are_read_once_each_and_must_look_like_ids() {
        let form = "Action=DescribeInstances&InstanceId.1=i-00000001&InstanceId.2=i-00000001";
        assert_eq!(read(form), Ok(Request::DescribeInstances(vec!["i-00000001".into()])));
        for (form, code) in [
            ("Action=RunInstances", "InvalidAction"),
            ("Action=DescribeInstances&InstanceId=i-00000001", "InvalidParameterValue"),
            ("Action=DescribeInstances&InstanceId.x=i-00000001", "InvalidParameterValue"),
            ("Action=DescribeInstances&Version=2010-05-15", "InvalidParameterValue"),
            ("Action=DescribeInstances&Filter.1.Name=x", "UnknownParameter"),
            ("Action=DescribeInstances&InstanceId.1=x", "InvalidInstanceID.Malformed"),
        ] {
            assert_eq!(read(form).expect_err("it is refused").code, code);
        }
    }

    #[test]
    fn an_id_that_no_instance_has_is_refused() {
        let all = || vec![Instance { id: "i-00000001".into(), ..Default::default() }];
        assert_eq!(find(all(), &[]).map(|found| found.len()), Ok(1));
        assert_eq!(find(all(), &["i-00000001".into()]).map(|found| found.len()), Ok(1));
        let fault = find(all(), &["i-00000002".into()]).expect_err("it is not there");
        assert_eq!(fault.code, "InvalidInstanceID.NotFound");
    }
}
