//! Frameworks, with all that they have.

use longshore_bridge::operator::{ExecutorView, FrameworkEntry, FrameworkView, OfferView, View};
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;

use super::tasks;
use crate::resources;
use crate::sheet::Sheet;

/// `/frameworks`
pub(super) fn page(sheet: &mut Sheet<'_>, view: &View, one: Option<&str>) {
    sheet.object(|sheet| {
        lists(sheet, view, one);
        sheet.lists("unregistered_frameworks", |_| {});
    });
}

/// The two lists that `/frameworks` and `/state` have.
pub(super) fn lists(sheet: &mut Sheet<'_>, view: &View, one: Option<&str>) {
    let wanted = |entry: &&FrameworkEntry| one.is_none_or(|id| *id == *entry.view().id);
    sheet.lists("frameworks", |sheet| {
        view.shown().filter(wanted).for_each(|entry| write(sheet, entry));
    });
    sheet.lists("completed_frameworks", |sheet| {
        view.completed().filter(wanted).for_each(|entry| write(sheet, entry));
    });
}

fn write(sheet: &mut Sheet<'_>, entry: &FrameworkEntry) {
    if sheet.is_broken() {
        return;
    }
    sheet.object(|sheet| {
        let (used, offered) = short(sheet, entry);
        settings(sheet, entry.view());
        resources::object(sheet, "resources", &used.plus(&offered));
        roles(sheet, entry.view());
        tasks::lists(sheet, entry);
        sheet.lists("offers", |sheet| entry.offers().for_each(|one| offer(sheet, one)));
        // Source: those of command tasks are not shown.
        sheet.lists("executors", |sheet| entry.executors().for_each(|one| executor(sheet, one)));
        if let Some(labels) = &entry.view().info.labels {
            tasks::labels(sheet, labels);
        }
        sheet.key("offer_constraints");
        match &entry.view().offer_constraints {
            Some(constraints) => {
                sheet.message("mesos.v1.scheduler.OfferConstraints", constraints);
            }
            None => sheet.object(|_| {}),
        }
    });
}

/// What `/state-summary` has, too. Gives what is used and what is offered.
pub(super) fn short(
    sheet: &mut Sheet<'_>,
    entry: &FrameworkEntry,
) -> (longshore_bridge::Amounts, longshore_bridge::Amounts) {
    let framework = entry.view();
    sheet.says("id", &framework.id);
    sheet.says("name", &framework.info.name);
    if let Some(pid) = &framework.pid {
        sheet.says("pid", pid);
    }
    // Source: a framework that is gone has nothing.
    let is_gone = framework.unregistered_at.is_some();
    let used = if is_gone { Vec::new() } else { entry.used() };
    let (used, offered) = (resources::sum(&used), resources::sum(&resources::offered_to(entry)));
    resources::object(sheet, "used_resources", &used);
    resources::object(sheet, "offered_resources", &offered);
    sheet.lists("capabilities", |sheet| {
        for capability in &framework.info.capabilities {
            sheet.text(capability.r#type().as_str_name());
        }
    });
    sheet.says("hostname", framework.info.hostname.as_deref().unwrap_or_default());
    sheet.says("webui_url", framework.info.webui_url.as_deref().unwrap_or_default());
    sheet.flags("active", framework.active);
    sheet.flags("connected", framework.connected);
    sheet.flags("recovered", framework.recovered);
    (used, offered)
}

fn settings(sheet: &mut Sheet<'_>, framework: &FrameworkView) {
    let info = &framework.info;
    sheet.says("user", &info.user);
    sheet.measures("failover_timeout", info.failover_timeout());
    sheet.flags("checkpoint", info.checkpoint());
    sheet.measures("registered_time", framework.registered_at.wall().seconds());
    let unregistered = framework.unregistered_at.map_or(0.0, |at| at.wall().seconds());
    sheet.measures("unregistered_time", unregistered);
    // Source: said only once it differs.
    if framework.reregistered_at != framework.registered_at {
        sheet.measures("reregistered_time", framework.reregistered_at.wall().seconds());
    }
    if let Some(principal) = &info.principal {
        sheet.says("principal", principal);
    }
}

/// Source: one role or several, by what the framework says that it knows.
fn roles(sheet: &mut Sheet<'_>, framework: &FrameworkView) {
    let has_many = framework
        .info
        .capabilities
        .iter()
        .any(|one| one.r#type == Some(Capability::MultiRole.into()));
    if has_many {
        sheet.lists("roles", |sheet| framework.info.roles.iter().for_each(|role| sheet.text(role)));
    } else {
        sheet.says("role", framework.info.role());
    }
}

/// Source: Mesos, `json(JSON::ObjectWriter*, const ExecutorInfo&)`: the command is there even if it is not, as that of a default executor.
fn executor(sheet: &mut Sheet<'_>, executor: &ExecutorView) {
    let info = &executor.info;
    sheet.object(|sheet| {
        sheet.says("executor_id", &executor.id);
        sheet.says("name", info.name());
        sheet.says("framework_id", &executor.framework);
        sheet.holds("command", |sheet| {
            sheet.lists("argv", |_| {});
            sheet.lists("uris", |_| {});
        });
        resources::object(sheet, "resources", &executor.resources);
        sheet.says("role", &executor.role);
        if let Some(labels) = &info.labels {
            tasks::labels(sheet, labels);
        }
        sheet.says("type", info.r#type().as_str_name());
        sheet.says("slave_id", &executor.agent);
    });
}

fn offer(sheet: &mut Sheet<'_>, offer: &OfferView) {
    sheet.object(|sheet| {
        sheet.says("id", &offer.id);
        sheet.says("framework_id", &offer.framework);
        sheet.holds("allocation_info", |sheet| sheet.says("role", &offer.role));
        sheet.says("slave_id", &offer.agent);
        resources::object(sheet, "resources", &offer.resources);
    });
}
