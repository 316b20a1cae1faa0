//! What the bridge is told of its operator, and what is launched: a task by itself, or a group.

use longshore_bridge::{CheckMode, Config, DefaultImage, Fetching, Secrets, parse_ranges};
use longshore_wire_mesos::v1::offer::{Operation, operation};
use longshore_wire_mesos::v1::{
    ExecutorId, ExecutorInfo, Resource, TaskGroupInfo, TaskId, TaskInfo, executor_info, value,
};
use proptest::prelude::*;

/// How a task is launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Plain,
    WithPort,
    /// With another, in a group.
    Group,
}

pub(crate) fn how() -> impl Strategy<Value = How> {
    prop_oneof![4 => Just(How::Plain), 4 => Just(How::WithPort), 3 => Just(How::Group)]
}

pub(crate) fn scalar(name: &str, value: f64) -> Resource {
    Resource {
        name: name.to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value }),
        ..Resource::default()
    }
}

pub(crate) fn launch(info: TaskInfo) -> Operation {
    Operation {
        r#type: Some(operation::Type::Launch.into()),
        launch: Some(operation::Launch { task_infos: vec![info] }),
        ..Operation::default()
    }
}

/// The task together with another.
pub(crate) fn launch_group(info: TaskInfo) -> Operation {
    let id = &info.task_id.value;
    let task_id = TaskId { value: format!("{id}x") };
    let executor = ExecutorInfo {
        r#type: Some(executor_info::Type::Default.into()),
        executor_id: ExecutorId { value: format!("executor of {id}") },
        resources: vec![scalar("cpus", 0.1), scalar("mem", 32.0), scalar("disk", 1.0)],
        ..ExecutorInfo::default()
    };
    let tasks = vec![TaskInfo { task_id, ..info.clone() }, info];
    let group = operation::LaunchGroup { executor, task_group: TaskGroupInfo { tasks } };
    Operation {
        r#type: Some(operation::Type::LaunchGroup.into()),
        launch_group: Some(group),
        ..Operation::default()
    }
}

pub(crate) fn config() -> Config {
    Config {
        hostname: "master".into(),
        ip: [10, 0, 0, 1],
        port: 5050,
        region: "us-east-1".into(),
        cluster: "default".into(),
        ports: parse_ranges("31000-31009").unwrap_or_default(),
        disk_mb: 1_000,
        hostname_attribute: "hostname".into(),
        default_image: DefaultImage::Image("alpine".into()),
        fetching: Fetching::default(),
        secrets: Secrets::default(),
        offer_timeout_ms: Some(30_000),
        agent_away_ms: 20_000,
        kill_grace_s: 3,
        needs_credentials: false,
        checks: CheckMode::Auto,
        started_at_ms: 0,
    }
}
