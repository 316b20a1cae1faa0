//! Environments and their deployments: what is wanted, who may change it, and what of it is stored.
//!
//! v0.3 gave an environment one token for ever, and so one deployment. Here the token changes when a deployment completes and
//! when the environment is changed: what a client of v0.3 does is answered as ever, and a second deployment is possible.
//!
//! Source: blox.md 2.2 to 2.6, and 7.2, 6.

mod revisions;
mod show;
mod show_v1;
pub(crate) mod stored;

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_replica::Instance;
use longshore_wire_blox::arn::ClusterRef;
use longshore_wire_blox::scheduler::{DeploymentStatus, GroupAttribute};
use longshore_wire_blox::{Fault, arn};
use longshore_wire_ecs::Str;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::roster::{Current, Roster};

pub(crate) use revisions::{OfV1, Revision};

/// A deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deployment {
    /// A UUID: the `startedBy` of its tasks.
    pub(crate) id: Str,
    pub(crate) environment: Str,
    /// Its place among those of the environment.
    pub(crate) number: u64,
    pub(crate) token: String,
    /// ARN.
    pub(crate) definition: Str,
    /// Id of the revision that it deploys.
    #[serde(default)]
    pub(crate) revision: Str,
    /// Id of the revision that was deployed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<Str>,
    pub(crate) status: DeploymentStatus,
    /// Whether tasks of its definition that another one started may stay: it goes back.
    pub(crate) adopts: bool,
    /// Whether starts may be under way whose outcome nobody wrote down.
    pub(crate) is_open: bool,
    /// Instances that could not have their task when it completed, or was taken over from.
    pub(crate) failed: Vec<Str>,
    pub(crate) began_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
}

/// An environment.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) settings: Settings,
    /// By number; the last one counts.
    deployments: BTreeMap<u64, Deployment>,
    pub(crate) roster: Roster,
}

/// What is stored of an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    pub(crate) name: Str,
    /// ARN.
    pub(crate) cluster: Str,
    /// ARN.
    pub(crate) definition: Str,
    pub(crate) attributes: Vec<GroupAttribute>,
    pub(crate) min_healthy_percent: u8,
    pub(crate) token: String,
    /// Whether it ends, once its tasks have.
    pub(crate) is_ending: bool,
    /// Oldest first.
    #[serde(default)]
    pub(crate) revisions: Vec<Revision>,
    /// If v1.0 made it. Then v0.3 does not see it, and `name` has its cluster's before its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) of_v1: Option<OfV1>,
}

impl Settings {
    /// Whether an instance belongs to the group.
    pub(crate) fn takes(&self, instance: &Instance) -> bool {
        let has = |wanted: &GroupAttribute| {
            let there = instance.attributes.get(wanted.name.as_str());
            there.is_some_and(|value| {
                wanted.value.as_deref().is_none_or(|wanted| value.as_deref() == Some(wanted))
            })
        };
        instance.active && !self.is_ending && self.attributes.iter().all(has)
    }
}

impl Environment {
    /// The deployment that counts.
    pub(crate) fn last(&self) -> Option<&Deployment> {
        self.deployments.values().next_back()
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut Deployment> {
        self.deployments.values_mut().next_back()
    }

    /// A deployment by its id.
    pub(crate) fn deployment(&self, id: &str) -> Option<&Deployment> {
        self.deployments.values().find(|one| *one.id == *id)
    }

    pub(crate) fn deployment_mut(&mut self, id: &str) -> Option<&mut Deployment> {
        self.deployments.values_mut().find(|one| *one.id == *id)
    }

    /// The deployments, newest first.
    pub(crate) fn deployments(&self) -> impl Iterator<Item = &Deployment> {
        self.deployments.values().rev()
    }

    /// The deployment that is under way.
    pub(crate) fn in_progress(&self) -> Option<&Deployment> {
        self.last().filter(|last| last.status != DeploymentStatus::Completed)
    }

    /// Whether its latest deployment has no failed instances.
    pub(crate) fn is_healthy(&self) -> bool {
        self.last().is_none() || self.roster.counts().failed == 0
    }

    /// What its slots are to be.
    fn current(&self) -> Option<Current> {
        let last = self.last()?;
        Some(Current {
            deployment: last.id.clone(),
            definition: last.definition.clone(),
            adopts: last.adopts,
        })
    }

    /// Whether the token is the one that it has now.
    fn check_token(&self, token: &str) -> Result<(), Fault> {
        if self.settings.token == token {
            return Ok(());
        }
        Err(Fault::OldToken { given: token.to_owned(), current: self.settings.token.clone() })
    }

    /// Whether it can be deployed with this token.
    ///
    /// Source: blox.md 2.3, order of the checks.
    pub(crate) fn check_deployment(&self, token: &str) -> Result<(), Fault> {
        self.check_token(token)?;
        if self.deployments.values().any(|one| one.token == token) {
            return Err(Fault::UsedToken(token.to_owned()));
        }
        match self.in_progress() {
            Some(one) => Err(Fault::InProgress(one.id.to_string())),
            None => Ok(()),
        }
    }

    /// The definition that a roll-back brings back: that of the deployment it names, or of the last completed one that was
    /// another than the present one.
    pub(crate) fn check_rollback(&self, token: &str, to: Option<&str>) -> Result<Str, Fault> {
        self.check_token(token)?;
        let name = || self.settings.name.to_string();
        if let Some(id) = to {
            let absent = || Fault::NoDeployment { id: id.to_owned(), environment: name() };
            return self.deployment(id).map(|one| one.definition.clone()).ok_or_else(absent);
        }
        let present = self.last().map(|last| last.definition.clone());
        let mut earlier = self.deployments().skip(1);
        let found = earlier.find(|one| {
            one.status == DeploymentStatus::Completed && Some(&one.definition) != present.as_ref()
        });
        found.map(|one| one.definition.clone()).ok_or_else(|| Fault::NothingBefore(name()))
    }

    /// A deployment that counts from now on. The one before, if it is under way, is over. Ids of those that are forgotten.
    pub(crate) fn deploy(&mut self, now: Timestamp, mut deployment: Deployment) -> Vec<Str> {
        let failed: Vec<Str> = self.roster.failed().map(|(arn, _)| arn.clone()).collect();
        if let Some(last) = self.last_mut()
            && last.status != DeploymentStatus::Completed
        {
            last.status = DeploymentStatus::Completed;
            last.failed = failed;
            last.ended_at = Some(now);
        }
        deployment.number = self.last().map_or(1, |last| last.number + 1);
        self.deployments.insert(deployment.number, deployment);
        self.roster.deploy(self.current());
        let excess = self.deployments.len().saturating_sub(limits::DEPLOYMENTS_MAX);
        let is_over = |one: &&Deployment| !one.is_open && !self.roster.has_task_of(&one.id);
        let old = self.deployments.values().take(excess).filter(is_over);
        let old: Vec<(u64, Str)> = old.map(|one| (one.number, one.id.clone())).collect();
        for (number, _) in &old {
            self.deployments.remove(number);
        }
        old.into_iter().map(|(_, id)| id).collect()
    }
}

/// All environments.
#[derive(Debug, Default)]
pub(crate) struct Environments {
    all: BTreeMap<Str, Environment>,
    /// The environment of each deployment, by its id.
    owners: BTreeMap<Str, Str>,
    /// Names of the environments of each cluster, by its ARN.
    by_cluster: BTreeMap<Str, std::collections::BTreeSet<Str>>,
}

impl Environments {
    /// Whatever is known of it, also while it ends.
    pub(crate) fn any(&self, name: &str) -> Option<&Environment> {
        self.all.get(name)
    }

    pub(crate) fn any_mut(&mut self, name: &str) -> Option<&mut Environment> {
        self.all.get_mut(name)
    }

    /// One that clients see.
    pub(crate) fn get(&self, name: &str) -> Option<&Environment> {
        self.all.get(name).filter(|one| !one.settings.is_ending)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Environment> {
        self.all.get_mut(name).filter(|one| !one.settings.is_ending)
    }

    /// Those that clients see, of one cluster if it is given: an ARN must be equal, a name must be its end.
    ///
    /// Source: blox.md 2.3.
    pub(crate) fn list(&self, cluster: Option<&ClusterRef>) -> impl Iterator<Item = &Environment> {
        let is_there = move |one: &Environment| match cluster {
            None => true,
            Some(ClusterRef::Arn(arn)) => *one.settings.cluster == **arn,
            Some(ClusterRef::Name(name)) => {
                arn::cluster_of_arn(&one.settings.cluster) == Some(name.as_str())
            }
        };
        self.all.values().filter(move |one| !one.settings.is_ending && is_there(one))
    }

    /// The name of the environment that a task belongs to, by who started it.
    pub(crate) fn owner(&self, started_by: &str) -> Option<&Str> {
        self.owners.get(started_by)
    }

    /// Names of the environments of a cluster.
    pub(crate) fn of_cluster(&self, cluster: &str) -> Vec<Str> {
        self.by_cluster.get(cluster).into_iter().flatten().cloned().collect()
    }

    /// ARNs of the clusters that have environments.
    pub(crate) fn clusters(&self) -> impl Iterator<Item = &Str> {
        self.by_cluster.keys()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// A new one, or one that was stored.
    pub(crate) fn add(&mut self, settings: Settings) {
        let (name, cluster) = (settings.name.clone(), settings.cluster.clone());
        self.by_cluster.entry(cluster).or_default().insert(name.clone());
        let environment =
            Environment { settings, deployments: BTreeMap::new(), roster: Roster::default() };
        self.all.insert(name, environment);
    }

    /// A deployment that was stored. One whose environment is not there is not taken.
    pub(crate) fn restore(&mut self, deployment: Deployment) -> bool {
        let Some(environment) = self.all.get_mut(&deployment.environment) else { return false };
        self.owners.insert(deployment.id.clone(), deployment.environment.clone());
        environment.deployments.insert(deployment.number, deployment);
        environment.roster.deploy(environment.current());
        true
    }

    /// A deployment that counts from now on; ids of those that are forgotten.
    pub(crate) fn deploy(&mut self, now: Timestamp, deployment: Deployment) -> Vec<Str> {
        let name = deployment.environment.clone();
        let Some(environment) = self.all.get_mut(&name) else { return Vec::new() };
        self.owners.insert(deployment.id.clone(), name);
        let forgotten = environment.deploy(now, deployment);
        for id in &forgotten {
            self.owners.remove(id);
        }
        forgotten
    }

    /// An environment is not there any more.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Environment> {
        let environment = self.all.remove(name)?;
        for deployment in environment.deployments.values() {
            self.owners.remove(&deployment.id);
        }
        if let Some(names) = self.by_cluster.get_mut(&environment.settings.cluster) {
            names.remove(name);
            if names.is_empty() {
                self.by_cluster.remove(&environment.settings.cluster);
            }
        }
        Some(environment)
    }

    /// Checks everything that must be true of them.
    pub(crate) fn audit(&self) {
        let mut owned = 0;
        for (name, environment) in &self.all {
            assert_eq!(
                *name, environment.settings.name,
                "an environment is filed under another name"
            );
            let names = self.by_cluster.get(&environment.settings.cluster);
            assert!(names.is_some_and(|names| names.contains(name)), "it is not in its cluster");
            environment.roster.audit();
            let settings = &environment.settings;
            assert!(!settings.revisions.is_empty(), "an environment has no revision");
            let active = environment.active().filter(|_| !settings.is_ending);
            assert!(
                active.is_none_or(|id| settings.revision(id).is_some()),
                "a revision that is deployed is forgotten"
            );
            for deployment in environment.deployments.values() {
                assert_eq!(
                    self.owner(&deployment.id),
                    Some(name),
                    "a deployment has another owner"
                );
                owned += 1;
            }
            let under_way = environment.deployments().skip(1);
            let mut under_way = under_way.filter(|one| one.status != DeploymentStatus::Completed);
            assert!(under_way.next().is_none(), "an older deployment is under way");
            let counts = environment.roster.counts();
            let is_open = environment.deployments.values().any(|one| one.is_open);
            assert!(counts.attempts == 0 || is_open, "starts are under way, and no row says so");
        }
        assert_eq!(owned, self.owners.len(), "a deployment of no environment has an owner");
    }
}
