//! The old endpoints: which page a request asks for, and the page. Source: \[P3\], \[P4\], \[P5\].
//!
//! Source: Mesos is lax here: the method is not looked at, and what a query names but cannot be read is ignored.

mod agents;
mod frameworks;
mod master;
mod query;
mod roles;
mod tasks;

use std::io::{self, Write};

use longshore_bridge::operator::View;
use longshore_machine::Timestamp;

pub(crate) use master::count;
pub use query::{Asked, Order, TaskQuery};
pub(crate) use query::{decoded, form_value, local};
pub(crate) use roles::shown_of;

use crate::metrics;
use crate::sheet::Sheet;

/// One of the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// `/state`
    State,
    /// `/state-summary`
    StateSummary,
    /// `/frameworks`, all or one
    Frameworks(Option<String>),
    /// `/slaves`, all or one
    Agents(Option<String>),
    /// `/tasks`
    Tasks(TaskQuery),
    /// `/roles`
    Roles,
    /// `/flags`
    Flags,
    /// `/version`
    Version,
    /// `/metrics/snapshot`
    Metrics,
    /// `/metrics/prometheus`, which Mesos has not
    Prometheus,
    /// `/weights`
    Weights,
    /// `/quota`
    Quota,
    /// `/maintenance/schedule`
    MaintenanceSchedule,
    /// `/maintenance/status`
    MaintenanceStatus,
}

/// Writes a page, in chunks. `extra` are numbers of the process that serves it, for the metrics: names and values.
///
/// # Errors
/// When the reader has left.
pub fn render(
    view: &View,
    asked: &Asked,
    now: Timestamp,
    extra: &[(String, f64)],
    out: &mut dyn Write,
) -> io::Result<()> {
    if asked.page == Page::Prometheus {
        return metrics::prometheus(view, now, extra, out);
    }
    let mut sheet = Sheet::new(out);
    if let Some(callback) = &asked.jsonp {
        sheet.raw(&format!("{callback}("));
    }
    match &asked.page {
        Page::State => master::state(&mut sheet, view),
        Page::StateSummary => master::summary(&mut sheet, view),
        Page::Frameworks(one) => frameworks::page(&mut sheet, view, one.as_deref()),
        Page::Agents(one) => agents::page(&mut sheet, view, one.as_deref()),
        Page::Tasks(query) => tasks::page(&mut sheet, view, query),
        Page::Roles => roles::page(&mut sheet, view),
        Page::Flags => sheet.object(|sheet| master::flags(sheet, view)),
        Page::Version => master::version(&mut sheet, view),
        Page::Metrics => metrics::object(&mut sheet, view, now, extra),
        Page::Prometheus => {}
        Page::Weights => roles::weights(&mut sheet, view),
        Page::Quota => sheet.message("mesos.v1.quota.QuotaStatus", &crate::v1::quota(view)),
        Page::MaintenanceSchedule => {
            sheet.sorted("mesos.v1.maintenance.Schedule", view.schedule());
        }
        Page::MaintenanceStatus => {
            sheet.sorted("mesos.v1.maintenance.ClusterStatus", view.machines());
        }
    }
    if asked.jsonp.is_some() {
        sheet.raw(")");
    }
    sheet.finish()
}
