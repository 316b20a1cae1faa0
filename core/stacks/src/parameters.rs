//! The parameters of ecs-cli's template: which of them have an effect here, and what they may be.
//!
//! Three have: the cluster, the type of its instances, and how many there are. The others are about machines, networks and roles of Amazon,
//! in whose place is this machine: they are kept and shown, and the events of the stack say that they have no effect. Source: the template
//! of amazon-ecs-cli 1.21.

use longshore_wire_ecs::Str;
use longshore_wire_ecs::cloudformation::{Create, Parameter, Update, invalid};
use longshore_wire_ecs::ec2::InstanceType;
use longshore_wire_ecs::query::Fault;

use crate::Fleet;
use crate::limits::{CLUSTER_CHARS_MAX, SIZE_MAX};
use crate::stack::{Known, PREFIX};

/// The cluster.
pub(crate) const CLUSTER: &str = "EcsCluster";
/// The type of its instances.
pub(crate) const TYPE: &str = "EcsInstanceType";
/// The number of its instances.
pub(crate) const SIZE: &str = "AsgMaxSize";
/// Whether there are to be no instances.
const FARGATE: &str = "IsFargate";
/// Those that have no effect here.
const REPLACED: [&str; 13] = [
    "EcsAmiId",
    "SpotPrice",
    "KeyName",
    "VpcId",
    "SubnetIds",
    "SecurityGroupIds",
    "SourceCidr",
    "EcsPort",
    "VpcAvailabilityZones",
    "AssociatePublicIpAddress",
    "InstanceRole",
    "IsIMDSv2",
    "UserData",
];

/// What a new stack is to be.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) cluster: Str,
    pub(crate) size: u32,
    pub(crate) instance_type: Option<Str>,
    /// What has no effect.
    pub(crate) kept: Vec<Parameter>,
}

/// Reads the parameters of a new stack.
pub(crate) fn of_new(create: &Create) -> Result<Wanted, Fault> {
    let Some(cluster) = create.name.strip_prefix(PREFIX).filter(|name| !name.is_empty()) else {
        let (name, why) = (&create.name, "and the name of a cluster");
        return Err(invalid(format!("StackName must be {PREFIX} {why} here, not {name}.")));
    };
    // Source: API reference, CreateCluster; stacks of AWS have no underscore in their names, clusters may.
    let is_part = |one: char| one.is_ascii_alphanumeric() || one == '-' || one == '_';
    if cluster.chars().count() > CLUSTER_CHARS_MAX || !cluster.chars().all(is_part) {
        return Err(invalid(format!(
            "StackName must be {PREFIX} and the name of a cluster: up to {CLUSTER_CHARS_MAX} letters, numbers, underscores and hyphens, and no ARN."
        )));
    }
    let mut wanted =
        Wanted { cluster: cluster.into(), size: 1, instance_type: None, kept: Vec::new() };
    for (key, value) in &create.parameters {
        match &**key {
            CLUSTER if **value == *cluster => {}
            CLUSTER => {
                let name = &create.name;
                let why = format!("{CLUSTER} must be {cluster} for the stack {name}, not {value}.");
                return Err(invalid(why));
            }
            TYPE if value.is_empty() => {}
            TYPE => wanted.instance_type = Some(instance_type(value)?),
            SIZE => wanted.size = size(value)?,
            FARGATE if **value == *"false" => {}
            FARGATE => {
                return Err(invalid(format!(
                    "{FARGATE} must be false here, not {value}: no VPC is made for tasks of Fargate."
                )));
            }
            other => {
                if !REPLACED.contains(&other) {
                    let why = format!("Parameters: [{other}] do not exist in the template");
                    return Err(invalid(why));
                }
                wanted.kept.push(Parameter { key: key.clone(), value: value.to_string() });
            }
        }
    }
    Ok(wanted)
}

fn instance_type(name: &str) -> Result<Str, Fault> {
    InstanceType::find(name).map(|found| found.name).ok_or_else(|| {
        let families = InstanceType::families().join(" ");
        invalid(format!("{TYPE} must be a known type, not {name}; families are {families}."))
    })
}

fn size(value: &str) -> Result<u32, Fault> {
    let number = value.parse().ok();
    let number = number.filter(|number: &u32| *number <= SIZE_MAX && number.to_string() == value);
    number.ok_or_else(|| {
        invalid(format!("Parameter {SIZE} must be a number from 0 to {SIZE_MAX}, not {value}."))
    })
}

/// What a new stack comes to, for its events.
pub(crate) fn told(size: u32, instance_type: Option<&Str>, kept: &[Parameter]) -> String {
    let noun = if size == 1 { "instance" } else { "instances" };
    let kind = instance_type.map(|name| format!(" of {name}")).unwrap_or_default();
    let keys: Vec<&str> = kept.iter().map(|one| &*one.key).collect();
    let replaced = match &keys[..] {
        [] => String::new(),
        [one] => format!("; {one} has no effect"),
        more => format!("; {} have no effect", more.join(", ")),
    };
    format!("{size} {noun}{kind} on this machine{replaced}")
}

/// The size that an update wants, which can change nothing else.
pub(crate) fn of_update(update: &Update, stack: &Known, fleet: &Fleet) -> Result<u32, Fault> {
    let known = stack.parameters(fleet);
    let mut wanted = fleet.size;
    for (key, value) in &update.parameters {
        let Some(parameter) = known.iter().find(|one| one.key == *key) else {
            let why = format!("Parameters: [{key}] do not exist in the template");
            return Err(invalid(why));
        };
        let Some(value) = value.as_deref().filter(|value| *value != parameter.value) else {
            continue;
        };
        if &*parameter.key != SIZE {
            return Err(invalid(format!(
                "{key} cannot be changed here, only {SIZE}: leave it at {}.",
                parameter.value
            )));
        }
        wanted = size(value)?;
    }
    Ok(wanted)
}
