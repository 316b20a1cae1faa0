//! Tasks, alone and as part of their framework.

use longshore_bridge::operator::{FrameworkEntry, StatusView, TaskDetail, TaskView, View};
use longshore_wire_mesos::v1::{ContainerStatus, Labels};

use super::query::{Order, TaskQuery};
use crate::resources;
use crate::sheet::Sheet;

/// `/tasks`. Source: Mesos, `Master::Http::tasks`: those that ended are among them, and those of frameworks that did.
pub(super) fn page(sheet: &mut Sheet<'_>, view: &View, query: &TaskQuery) {
    let all = view.shown().chain(view.completed());
    let frameworks = all
        .filter(|framework| query.framework.as_ref().is_none_or(|id| **id == *framework.view().id));
    let mut tasks: Vec<&TaskView> = frameworks
        .flat_map(|framework| framework.tasks().chain(framework.ended()))
        .filter(|task| query.task.as_ref().is_none_or(|id| **id == *task.id))
        .collect();
    // Source: a task without a status is older than any other.
    let began = |task: &TaskView| task.statuses.first().map_or(f64::MIN, |first| first.timestamp);
    tasks.sort_by(|one, other| match query.order {
        Order::Ascending => began(one).total_cmp(&began(other)),
        Order::Descending => began(other).total_cmp(&began(one)),
    });
    sheet.object(|sheet| {
        sheet.lists("tasks", |sheet| {
            for task in tasks.into_iter().skip(query.offset).take(query.limit) {
                write(sheet, task);
            }
        });
    });
}

/// The three lists that a framework has. Source: those out of reach stand apart from the others.
pub(super) fn lists(sheet: &mut Sheet<'_>, framework: &FrameworkEntry) {
    let lost = |task: &&TaskView| crate::v1::is_unreachable(task);
    sheet.lists("tasks", |sheet| {
        framework.tasks().filter(|task| !lost(task)).for_each(|task| write(sheet, task));
    });
    sheet.lists("unreachable_tasks", |sheet| {
        framework.tasks().filter(lost).for_each(|task| write(sheet, task));
    });
    sheet.lists("completed_tasks", |sheet| {
        framework.ended().for_each(|task| write(sheet, task));
    });
}

/// One task.
fn write(sheet: &mut Sheet<'_>, task: &TaskView) {
    if sheet.is_broken() {
        return;
    }
    sheet.object(|sheet| {
        sheet.says("id", &task.id);
        sheet.says("name", &task.name);
        sheet.says("framework_id", &task.framework);
        // Source: a command task has no executor that its framework gave.
        sheet.says("executor_id", task.executor.as_deref().unwrap_or_default());
        sheet.says("slave_id", &task.agent);
        sheet.says("state", task.state.as_str_name());
        resources::object(sheet, "resources", &task.resources);
        let detail = task.detail.as_deref();
        if let Some(detail) = detail.filter(|detail| !detail.limits.is_empty()) {
            sheet.holds("limits", |sheet| {
                detail.limits.iter().for_each(|(name, amount)| sheet.measures(name, *amount));
            });
        }
        sheet.says("role", &task.role);
        sheet.lists("statuses", |sheet| {
            task.statuses.iter().for_each(|one| status(sheet, one));
        });
        if let Some(detail) = detail {
            asked_for(sheet, detail);
        }
    });
}

/// What a task was asked for with.
fn asked_for(sheet: &mut Sheet<'_>, detail: &TaskDetail) {
    if let Some(user) = &detail.user {
        sheet.says("user", user);
    }
    if let Some(all) = &detail.labels {
        labels(sheet, all);
    }
    if let Some(discovery) = &detail.discovery {
        sheet.key("discovery");
        sheet.message("mesos.v1.DiscoveryInfo", &**discovery);
    }
    if let Some(container) = &detail.container {
        sheet.key("container");
        sheet.message("mesos.v1.ContainerInfo", &**container);
    }
    if let Some(check) = &detail.health_check {
        sheet.key("health_check");
        sheet.message("mesos.v1.HealthCheck", &**check);
    }
}

/// Labels as a plain list. Source: the pages leave the wrapper away.
pub(super) fn labels(sheet: &mut Sheet<'_>, labels: &Labels) {
    sheet.lists("labels", |sheet| {
        for label in &labels.labels {
            sheet.object(|sheet| {
                sheet.says("key", &label.key);
                if let Some(value) = &label.value {
                    sheet.says("value", value);
                }
            });
        }
    });
}

fn status(sheet: &mut Sheet<'_>, status: &StatusView) {
    sheet.object(|sheet| {
        sheet.says("state", status.state.as_str_name());
        sheet.measures("timestamp", status.timestamp);
        if let Some(all) = &status.labels {
            labels(sheet, all);
        }
        if let Some(container) = &status.container {
            container_status(sheet, container);
        }
        if let Some(healthy) = status.healthy {
            sheet.flags("healthy", healthy);
        }
    });
}

/// Source: Mesos, `json(JSON::ObjectWriter*, const ContainerStatus&)`: without the executor's process.
fn container_status(sheet: &mut Sheet<'_>, status: &ContainerStatus) {
    sheet.holds("container_status", |sheet| {
        if let Some(id) = &status.container_id {
            sheet.key("container_id");
            sheet.message("mesos.v1.ContainerID", id);
        }
        if !status.network_infos.is_empty() {
            sheet.lists("network_infos", |sheet| {
                for network in &status.network_infos {
                    sheet.message("mesos.v1.NetworkInfo", network);
                }
            });
        }
        if let Some(groups) = &status.cgroup_info {
            sheet.key("cgroup_info");
            sheet.message("mesos.v1.CgroupInfo", groups);
        }
    });
}
