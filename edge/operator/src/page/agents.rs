//! Agents, which the old endpoints call slaves.

use longshore_bridge::operator::{AgentEntry, AgentView, DrainView, View};
use longshore_wire_mesos::MESOS_VERSION;

use crate::resources::{self, Form};
use crate::sheet::Sheet;
use crate::v1;

/// `/slaves`
pub(super) fn page(sheet: &mut Sheet<'_>, view: &View, one: Option<&str>) {
    sheet.object(|sheet| {
        sheet.lists("slaves", |sheet| match one {
            Some(id) => view.agent(id).into_iter().for_each(|agent| in_full(sheet, agent)),
            None => view.agents().for_each(|agent| in_full(sheet, agent)),
        });
        sheet.lists("recovered_slaves", |_| {});
    });
}

/// With the lists of resources that only this page has.
fn in_full(sheet: &mut Sheet<'_>, (agent, entry): (&AgentView, &AgentEntry)) {
    if sheet.is_broken() {
        return;
    }
    sheet.object(|sheet| {
        write(sheet, agent, entry);
        let list = |sheet: &mut Sheet<'_>, name: &str, all: Vec<_>| {
            sheet.lists(name, |sheet| {
                for one in &all {
                    sheet.message("mesos.v1.Resource", one);
                }
            });
        };
        let free = Form { role: true, allocated: None };
        sheet.holds("reserved_resources_full", |_| {});
        list(sheet, "unreserved_resources_full", resources::list(&agent.total, free));
        let foreign = resources::list(&agent.foreign, free);
        let used = resources::list_by_role(&resources::used_on(entry));
        list(sheet, "used_resources_full", used.into_iter().chain(foreign).collect());
        let offered = resources::list_by_role(&resources::offered_of(entry));
        list(sheet, "offered_resources_full", offered);
    });
}

/// The members that every page with agents has.
pub(super) fn write(sheet: &mut Sheet<'_>, agent: &AgentView, entry: &AgentEntry) {
    sheet.says("id", &agent.id);
    sheet.says("hostname", &agent.hostname);
    sheet.key("port");
    sheet.whole(agent.port.into());
    // Source: [P7]: text, since clients decode numbers there no more than they must.
    sheet.holds("attributes", |sheet| {
        agent.attributes.iter().for_each(|(name, value)| sheet.says(name, value));
    });
    if let Some(domain) = &agent.domain {
        sheet.key("domain");
        sheet.message("mesos.v1.DomainInfo", domain);
    }
    sheet.says("pid", &v1::pid(agent));
    sheet.measures("registered_time", agent.registered_at.wall().seconds());
    if let Some(at) = agent.reregistered_at {
        sheet.measures("reregistered_time", at.wall().seconds());
    }
    resources::object(sheet, "resources", &agent.total);
    resources::object(sheet, "used_resources", &resources::all_used_on(agent, entry));
    resources::object(sheet, "offered_resources", &resources::sum(&resources::offered_of(entry)));
    sheet.holds("reserved_resources", |_| {});
    resources::object(sheet, "unreserved_resources", &agent.total);
    sheet.flags("active", agent.is_active());
    sheet.flags("deactivated", agent.deactivated);
    sheet.says("version", MESOS_VERSION);
    sheet.lists("capabilities", |sheet| {
        for one in v1::AGENT_CAPABILITIES {
            sheet.text(one.as_str_name());
        }
    });
    if let Some(drain) = &agent.drain {
        draining(sheet, drain);
    }
}

/// Source: here the time has its fraction, in the v1 API it has not.
fn draining(sheet: &mut Sheet<'_>, drain: &DrainView) {
    sheet.key("drain_info");
    sheet.message("mesos.v1.DrainInfo", &v1::drain_info(drain));
    sheet.measures("estimated_drain_start_time_seconds", drain.started_at.wall().seconds());
}
