//! The master itself, and the two pages with everything.

use longshore_bridge::operator::{Counts, View};
use longshore_wire_mesos::MESOS_VERSION;

use super::{agents, frameworks};
use crate::sheet::Sheet;

/// What a 1.11 master can do, by name. Source: the v1 API cannot name the last.
const CAPABILITIES: [&str; 3] = ["AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2"];

/// `/state`. Source: \[P4\].
pub(super) fn state(sheet: &mut Sheet<'_>, view: &View) {
    sheet.object(|sheet| {
        about(sheet, view);
        sheet.lists("slaves", |sheet| {
            for (agent, entry) in view.agents() {
                if sheet.is_broken() {
                    return;
                }
                sheet.object(|sheet| agents::write(sheet, agent, entry));
            }
        });
        sheet.lists("recovered_slaves", |_| {});
        frameworks::lists(sheet, view, None);
        sheet.lists("orphan_tasks", |_| {});
        sheet.lists("unregistered_frameworks", |_| {});
    });
}

fn about(sheet: &mut Sheet<'_>, view: &View) {
    let master = view.master();
    sheet.says("version", MESOS_VERSION);
    commit(sheet, view);
    sheet.says("build_date", &master.build.date);
    sheet.measures("build_time", master.build.time);
    sheet.says("build_user", &master.build.user);
    sheet.measures("start_time", master.started_at.wall().seconds());
    sheet.measures("elected_time", master.elected_at.wall().seconds());
    sheet.says("id", &master.master.id);
    let pid = master.master.pid.as_deref().unwrap_or_default();
    sheet.says("pid", pid);
    let hostname = master.master.hostname.as_deref().unwrap_or_default();
    sheet.says("hostname", hostname);
    sheet.lists("capabilities", |sheet| CAPABILITIES.iter().for_each(|one| sheet.text(one)));
    let active = view.agents().filter(|(agent, _)| agent.is_active()).count();
    let all = view.agents().count();
    sheet.measures("activated_slaves", count(active));
    sheet.measures("deactivated_slaves", count(all - active));
    sheet.measures("unreachable_slaves", view.number("slaves_unreachable").unwrap_or(0.0));
    let domain = |sheet: &mut Sheet<'_>| {
        if let Some(domain) = &master.master.domain {
            sheet.key("domain");
            sheet.message("mesos.v1.DomainInfo", domain);
        }
    };
    domain(sheet);
    // Source: [P7]: tools compare this with an address.
    sheet.says("leader", pid);
    sheet.holds("leader_info", |sheet| {
        sheet.says("id", &master.master.id);
        sheet.says("pid", pid);
        sheet.key("port");
        sheet.whole(master.master.port.into());
        sheet.says("hostname", hostname);
        domain(sheet);
    });
    if let Some(cluster) = &master.cluster {
        sheet.says("cluster", cluster);
    }
    flags(sheet, view);
}

/// How many, as Mesos writes numbers of agents.
#[expect(clippy::cast_precision_loss, reason = "nothing is counted up to 2^53")]
pub(crate) fn count(number: usize) -> f64 {
    number as f64
}

fn commit(sheet: &mut Sheet<'_>, view: &View) {
    let build = &view.master().build;
    let known = [
        ("git_sha", &build.git_sha),
        ("git_branch", &build.git_branch),
        ("git_tag", &build.git_tag),
    ];
    for (name, value) in known {
        if let Some(value) = value {
            sheet.says(name, value);
        }
    }
}

/// The settings, as a member. Source: all of them are text.
pub(super) fn flags(sheet: &mut Sheet<'_>, view: &View) {
    sheet.holds("flags", |sheet| {
        view.flags().iter().for_each(|(name, value)| sheet.says(name, value));
    });
}

/// `/version`. Source: here the members are sorted by name.
pub(super) fn version(sheet: &mut Sheet<'_>, view: &View) {
    let build = &view.master().build;
    sheet.object(|sheet| {
        sheet.says("build_date", &build.date);
        sheet.measures("build_time", build.time);
        sheet.says("build_user", &build.user);
        for (name, value) in [
            ("git_branch", &build.git_branch),
            ("git_sha", &build.git_sha),
            ("git_tag", &build.git_tag),
        ] {
            if let Some(value) = value {
                sheet.says(name, value);
            }
        }
        sheet.says("version", MESOS_VERSION);
    });
}

/// `/state-summary`
pub(super) fn summary(sheet: &mut Sheet<'_>, view: &View) {
    sheet.object(|sheet| {
        sheet.says("hostname", view.master().master.hostname.as_deref().unwrap_or_default());
        if let Some(cluster) = &view.master().cluster {
            sheet.says("cluster", cluster);
        }
        sheet.lists("slaves", |sheet| {
            for (agent, entry) in view.agents() {
                sheet.object(|sheet| {
                    agents::write(sheet, agent, entry);
                    counters(sheet, &entry.counts());
                    sheet.lists("framework_ids", |sheet| {
                        entry.frameworks().for_each(|id| sheet.text(id));
                    });
                });
            }
        });
        sheet.lists("frameworks", |sheet| {
            for entry in view.shown() {
                sheet.object(|sheet| {
                    frameworks::short(sheet, entry);
                    counters(sheet, &entry.counts());
                    sheet.lists("slave_ids", |sheet| entry.agents().for_each(|id| sheet.text(id)));
                });
            }
        });
    });
}

/// Source: whole numbers, unlike those of `/state`.
fn counters(sheet: &mut Sheet<'_>, counts: &Counts) {
    for (state, tasks) in counts.iter() {
        sheet.key(state.as_str_name());
        sheet.whole(tasks.into());
    }
}
