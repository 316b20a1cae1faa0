//! The in-memory state of a service: its record and the index of its tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use super::census::{Census, Standing};
use super::plan::{Plan, Why, count};
use super::show::Counts;
use super::{Bounds, Matter, Scheduling, Service, ServiceStatus};
use crate::cluster_state::{ClusterState, Condition};
use crate::expiry::retire_service;
use crate::state::State;

/// How the last plan of a service relates to its bounds, for the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// The bounds that the plan was made for.
    pub(crate) bounds: Bounds,
    /// Tasks that were not STOPPED, and tasks that the plan started.
    pub(crate) live: u32,
    pub(crate) started: u32,
    /// Healthy tasks, and those of them that the plan stopped to deploy or drain; a DAEMON drains
    /// at once.
    pub(crate) healthy: u32,
    pub(crate) replaced: u32,
}

impl Ledger {
    /// Compares a plan with its bounds.
    pub(crate) fn of(census: &Census, plan: &Plan, bounds: Bounds, daemon: bool) -> Self {
        let healthy = census.members.iter().filter(|one| one.standing == Standing::Healthy);
        let healthy: BTreeSet<ResourceId> = healthy.map(|one| one.id).collect();
        let replaced = plan.stop.iter().filter(|(id, why)| {
            let bounded = *why == Why::Replaced || (*why == Why::Draining && !daemon);
            bounded && healthy.contains(id)
        });
        Self {
            bounds,
            live: count(census.members.iter()) + census.stopping,
            started: plan.start,
            healthy: count(healthy.iter()),
            replaced: count(replaced),
        }
    }

    /// Whether the plan broke a bound that held before.
    pub(crate) fn is_broken(&self) -> bool {
        let above = self.started > 0 && self.live + self.started > self.bounds.upper;
        let below = self.replaced > 0 && self.healthy - self.replaced < self.bounds.lower;
        above || below
    }
}

/// A service and its tasks.
#[derive(Clone, Debug)]
pub(crate) struct ServiceState {
    pub(crate) record: Arc<Service>,
    /// Its tasks that are not STOPPED.
    pub(crate) live: BTreeSet<ResourceId>,
    /// Its tasks that should run, counted by the deployment that started them.
    pub(crate) counts: BTreeMap<Str, Counts>,
    /// How the last plan relates to the bounds.
    pub(crate) ledger: Option<Ledger>,
}

impl ServiceState {
    /// Updates the counts for a task of a deployment whose condition changed; `None` means the task
    /// is not known.
    pub(crate) fn count(
        &mut self,
        deployment: Option<&Str>,
        before: Option<Condition>,
        after: Option<Condition>,
    ) {
        let Some(deployment) = deployment else { return };
        let counted = |condition: Option<Condition>| {
            condition.filter(|one| one.desired_running).map(|one| one.last_status)
        };
        let (before, after) = (counted(before), counted(after));
        if before == after {
            return;
        }
        if !self.counts.contains_key(deployment) {
            self.counts.insert(deployment.clone(), Counts::default());
        }
        let Some(counts) = self.counts.get_mut(deployment) else { return };
        counts.add(before, -1);
        counts.add(after, 1);
        if *counts == Counts::default() {
            self.counts.remove(deployment);
        }
    }
}

impl ClusterState {
    /// Adds a service, replacing an INACTIVE one of the same name.
    pub(crate) fn put_service(&mut self, service: Service) {
        let name = service.name.clone();
        if service.scheduling == Scheduling::Daemon && service.status != ServiceStatus::Inactive {
            self.daemons.insert(name.clone());
        } else {
            self.daemons.remove(&name);
        }
        self.changed_services.insert(name.clone());
        self.dirty_services.insert(name.clone());
        let before = self.services.get(&name).map(|known| &known.record);
        if let Some(at) = before.and_then(|before| before.inactive_at) {
            self.gone_services.remove(&(at, name.clone()));
        }
        self.count_services(before.map(|before| before.status), service.status);
        let record = Arc::new(service);
        if let Some(known) = self.services.get_mut(&name) {
            known.record = record;
        } else {
            let (live, counts) = (BTreeSet::new(), BTreeMap::new());
            self.services.insert(name, ServiceState { record, live, counts, ledger: None });
        }
    }

    /// Makes a deleted service without tasks INACTIVE. Returns whether that is new.
    pub(crate) fn end_service(&mut self, name: &Str, now: Timestamp) -> bool {
        let Some(service) = self.service_mut(name) else { return false };
        let before = std::mem::replace(&mut service.status, ServiceStatus::Inactive);
        service.inactive_at = Some(now);
        service.deployments.clear();
        self.daemons.remove(name);
        self.count_services(Some(before), ServiceStatus::Inactive);
        before != ServiceStatus::Inactive
    }

    fn count_services(&mut self, before: Option<ServiceStatus>, after: ServiceStatus) {
        match before {
            Some(ServiceStatus::Active) => self.active_services -= 1,
            Some(ServiceStatus::Draining) => self.draining_services -= 1,
            Some(ServiceStatus::Inactive) | None => {}
        }
        match after {
            ServiceStatus::Active => self.active_services += 1,
            ServiceStatus::Draining => self.draining_services += 1,
            ServiceStatus::Inactive => {}
        }
    }

    /// The record of a service, to be changed and then stored.
    pub(crate) fn service_mut(&mut self, name: &str) -> Option<&mut Service> {
        let known = self.services.get_mut(name)?;
        self.changed_services.insert(known.record.name.clone());
        Some(Arc::make_mut(&mut known.record))
    }
}

/// Loads stored services and schedules a pass over each.
///
/// # Errors
/// Names the service whose cluster is missing.
pub(crate) fn load(state: &mut State, services: Vec<Service>) -> Result<(), String> {
    for service in services {
        let (realm, cluster) = (service.realm.clone(), service.cluster.clone());
        let name = service.name.clone();
        let inactive_at = service.inactive_at;
        let home = state
            .cluster_mut(&realm, &cluster)
            .ok_or_else(|| format!("{} has no cluster", service.arn))?;
        home.put_service(service);
        home.changed_services.clear();
        home.dirty_services.clear();
        if let Some(at) = inactive_at {
            retire_service(state, &realm, &cluster, &name, at);
        }
        state.agenda.schedule(Matter::Service(realm, cluster, name), Timestamp::default());
    }
    Ok(())
}
