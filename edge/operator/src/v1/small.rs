//! Answers that are small: they are built whole, and written in either encoding.

use std::collections::BTreeMap;

use longshore_bridge::Role;
use longshore_bridge::operator::{BuildView, RoleEntry, View};
use longshore_machine::Timestamp;
use longshore_wire_mesos::MESOS_VERSION;
use longshore_wire_mesos::v1::master::Response;
use longshore_wire_mesos::v1::master::response::{self, Type};
use longshore_wire_mesos::v1::quota::{QuotaConfig, QuotaInfo, QuotaStatus};
use longshore_wire_mesos::v1::{
    self, Flag, FrameworkId, Metric, Resource, VersionInfo, WeightInfo, value,
};

use crate::call::Read;
use crate::metrics;
use crate::page::shown_of;

/// The answer to a call, if it is one of the small ones.
pub(super) fn answer(
    view: &View,
    call: Read,
    now: Timestamp,
    extra: &[(String, f64)],
) -> Option<Response> {
    let mut answer = Response { r#type: Some(call.answer_type().into()), ..Response::default() };
    match call {
        Read::Health => answer.get_health = Some(response::GetHealth { healthy: true }),
        Read::Flags => answer.get_flags = Some(flags(view)),
        Read::Version => {
            let version_info = version(&view.master().build);
            answer.get_version = Some(response::GetVersion { version_info });
        }
        Read::Metrics => {
            let mut metrics = Vec::new();
            metrics::each(view, now, extra, &mut |name, value| {
                metrics.push(Metric { name: name.to_owned(), value: Some(value) });
            });
            answer.get_metrics = Some(response::GetMetrics { metrics });
        }
        Read::LoggingLevel => {
            let level = view.master().logging_level;
            answer.get_logging_level = Some(response::GetLoggingLevel { level });
        }
        Read::Operations => answer.get_operations = Some(response::GetOperations {}),
        Read::Roles => answer.get_roles = Some(roles(view)),
        Read::Weights => answer.get_weights = weight_infos(view),
        Read::Master => answer.get_master = Some(master(view)),
        Read::Quota => answer.get_quota = Some(response::GetQuota { status: quota(view) }),
        Read::MaintenanceStatus => {
            let status = view.machines().clone();
            answer.get_maintenance_status = Some(response::GetMaintenanceStatus { status });
        }
        Read::MaintenanceSchedule => {
            let schedule = view.schedule().clone();
            answer.get_maintenance_schedule = Some(response::GetMaintenanceSchedule { schedule });
        }
        Read::State | Read::Agents | Read::Frameworks | Read::Executors | Read::Tasks => {
            return None;
        }
    }
    Some(answer)
}

fn flags(view: &View) -> response::GetFlags {
    let flag = |(name, value): &(longshore_wire_ecs::Str, longshore_wire_ecs::Str)| Flag {
        name: name.to_string(),
        value: Some(value.to_string()),
    };
    response::GetFlags { flags: view.flags().iter().map(flag).collect() }
}

fn version(build: &BuildView) -> VersionInfo {
    let known = |text: &Option<longshore_wire_ecs::Str>| text.as_ref().map(ToString::to_string);
    VersionInfo {
        version: MESOS_VERSION.to_owned(),
        build_date: Some(build.date.to_string()),
        build_time: Some(build.time),
        build_user: Some(build.user.to_string()),
        git_sha: known(&build.git_sha),
        git_branch: known(&build.git_branch),
        git_tag: known(&build.git_tag),
    }
}

fn master(view: &View) -> response::GetMaster {
    response::GetMaster {
        master_info: Some(view.master().master.clone()),
        start_time: Some(view.master().started_at.wall().seconds()),
        elected_time: Some(view.master().elected_at.wall().seconds()),
    }
}

fn roles(view: &View) -> response::GetRoles {
    let one = |(role, entry): (&Role, &RoleEntry)| {
        let mut sum = entry.allocated().clone();
        sum.add_all(entry.offered());
        v1::Role {
            name: role.to_string(),
            weight: entry.view().and_then(|set| set.weight).unwrap_or(1.0),
            frameworks: shown_of(view, entry)
                .map(|id| FrameworkId { value: id.to_string() })
                .collect(),
            // Source: quantities, so without ports.
            resources: sum.iter().filter(|(name, _)| *name != "ports").map(scalar).collect(),
        }
    };
    response::GetRoles { roles: view.roles().map(one).collect() }
}

fn scalar((name, amount): (&str, f64)) -> Resource {
    Resource {
        name: name.to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value: amount }),
        ..Default::default()
    }
}

/// Weights that were set.
pub(crate) fn weights(view: &View) -> impl Iterator<Item = (&Role, f64)> {
    view.roles().filter_map(|(role, entry)| Some((role, entry.view()?.weight?)))
}

/// Source: without any weight even the member is left out.
fn weight_infos(view: &View) -> Option<response::GetWeights> {
    let weight_infos: Vec<WeightInfo> = weights(view)
        .map(|(role, weight)| WeightInfo { weight, role: Some(role.to_string()) })
        .collect();
    (!weight_infos.is_empty()).then_some(response::GetWeights { weight_infos })
}

/// Quota of all roles that have some, in the old form and the new one.
pub(crate) fn quota(view: &View) -> QuotaStatus {
    let mut status = QuotaStatus::default();
    let scalars = |amounts: &BTreeMap<String, f64>| {
        amounts
            .iter()
            .map(|(name, value)| (name.clone(), value::Scalar { value: *value }))
            .collect()
    };
    for (role, entry) in view.roles() {
        let Some(quota) = entry.view().and_then(|set| set.quota.as_ref()) else { continue };
        let guarantee =
            quota.guarantees.iter().map(|(name, amount)| scalar((name, *amount))).collect();
        status.infos.push(QuotaInfo { role: Some(role.to_string()), principal: None, guarantee });
        status.configs.push(QuotaConfig {
            role: role.to_string(),
            guarantees: scalars(&quota.guarantees),
            limits: scalars(&quota.limits),
        });
    }
    status
}

impl Read {
    /// The type of the answer.
    pub(crate) fn answer_type(self) -> Type {
        match self {
            Self::Health => Type::GetHealth,
            Self::Flags => Type::GetFlags,
            Self::Version => Type::GetVersion,
            Self::Metrics => Type::GetMetrics,
            Self::LoggingLevel => Type::GetLoggingLevel,
            Self::State => Type::GetState,
            Self::Agents => Type::GetAgents,
            Self::Frameworks => Type::GetFrameworks,
            Self::Executors => Type::GetExecutors,
            Self::Operations => Type::GetOperations,
            Self::Tasks => Type::GetTasks,
            Self::Roles => Type::GetRoles,
            Self::Weights => Type::GetWeights,
            Self::Master => Type::GetMaster,
            Self::Quota => Type::GetQuota,
            Self::MaintenanceStatus => Type::GetMaintenanceStatus,
            Self::MaintenanceSchedule => Type::GetMaintenanceSchedule,
        }
    }
}
