//! What an operator may have done.

use longshore_wire_mesos::v1::maintenance::Schedule;

use super::record::QuotaView;
use crate::ids::{FrameworkId, Role};

/// What an operator may have done. Its form has been checked; whether it can be done is for the bridge to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// These roles have these weights from now on.
    Weights(Vec<(Role, f64)>),
    /// These roles have this quota from now on; one that says nothing is none.
    Quota {
        /// Whether it may guarantee more than there is, or allow less than is launched.
        force: bool,
        /// By role.
        quota: Vec<(Role, QuotaView)>,
    },
    /// A framework ends, and all its tasks.
    Teardown(FrameworkId),
    /// When machines are to be away; takes the place of the last schedule.
    Maintenance(Schedule),
}
