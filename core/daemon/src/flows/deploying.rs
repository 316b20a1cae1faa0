//! How a deployment begins, goes on and completes, and how an environment ends.
//!
//! Source: blox.md 2.4 and 2.6.

use longshore_wire_blox::Fault;
use longshore_wire_blox::scheduler as wire;
use longshore_wire_blox::scheduler::DeploymentStatus;
use longshore_wire_ecs::Str;

use crate::environments::stored::delete_deployment;
use crate::environments::{Deployment, Environment, Revision};
use crate::machine::Daemon;

impl Daemon {
    /// Deploys what the environment says.
    pub(super) fn create_deployment(
        &mut self,
        name: &str,
        token: &str,
    ) -> Result<wire::Deployment, Fault> {
        let environment = self.environments.get(name);
        let environment = environment.ok_or_else(|| Fault::NothingToDeployTo(name.to_owned()))?;
        environment.check_deployment(token)?;
        let definition = environment.settings.definition.clone();
        let revision = self.revision_for(name, &definition)?;
        Ok(self.deploy(name, token, &revision, false))
    }

    /// The revision of an environment to deploy for a definition, which is then what the environment is to be.
    fn revision_for(&mut self, name: &str, definition: &Str) -> Result<Revision, Fault> {
        let id: Str = self.cx.ids.uuid("revision").into();
        let environment = self.environments.get_mut(name);
        let environment = environment.ok_or_else(|| Fault::NothingToDeployTo(name.to_owned()))?;
        let revision = environment.revision_for(definition, id.clone());
        if revision.id == id {
            self.cx.store(environment.put());
        }
        Ok(revision)
    }

    /// Deploys what an earlier deployment did, also while one is under way, which is over then.
    pub(super) fn roll_back(
        &mut self,
        name: &str,
        token: &str,
        to: Option<&str>,
    ) -> Result<wire::Deployment, Fault> {
        let environment = self.environments.get(name);
        let environment = environment.ok_or_else(|| Fault::NothingToDeployTo(name.to_owned()))?;
        let definition = environment.check_rollback(token, to)?;
        // The same request once more is refused: it would roll back further.
        let next = self.cx.ids.uuid("token");
        let revision = self.revision_for(name, &definition)?;
        if let Some(environment) = self.environments.get_mut(name) {
            environment.settings.token = next;
            self.cx.store(environment.put());
        }
        Ok(self.deploy(name, token, &revision, true))
    }

    pub(super) fn deploy(
        &mut self,
        name: &str,
        token: &str,
        revision: &Revision,
        adopts: bool,
    ) -> wire::Deployment {
        let id: Str = self.cx.ids.uuid("deployment").into();
        let replaces = self.environments.get(name).and_then(Environment::active).cloned();
        let deployment = Deployment {
            id: id.clone(),
            environment: name.into(),
            number: 0,
            token: token.to_owned(),
            definition: revision.definition.clone(),
            revision: revision.id.clone(),
            replaces,
            status: DeploymentStatus::Pending,
            adopts,
            is_open: false,
            failed: Vec::new(),
            began_at: self.cx.now,
            ended_at: None,
        };
        let before = self.environments.get(name).and_then(Environment::last);
        let before = before.map(|last| last.id.clone());
        for forgotten in self.environments.deploy(self.cx.now, deployment) {
            self.cx.store(delete_deployment(&forgotten));
        }
        if let Some(environment) = self.environments.get(name) {
            let changed = before.iter().chain([&id]).filter_map(|id| environment.deployment(id));
            for one in changed {
                self.cx.store(one.put());
            }
        }
        self.marked.insert(name.into());
        wire::Deployment {
            environment_name: name.to_owned(),
            failed_instances: Vec::new(),
            id: id.to_string(),
            status: DeploymentStatus::Pending,
            task_definition: revision.definition.to_string(),
        }
    }

    /// Ends an environment. Its tasks are stopped first if that is wanted; one that is not there has ended.
    pub(super) fn delete_environment(&mut self, name: &str, stops_tasks: bool) {
        let Some(environment) = self.environments.get_mut(name) else { return };
        if !stops_tasks {
            self.remove_environment(name);
            return;
        }
        environment.settings.is_ending = true;
        self.cx.store(environment.put());
        self.place_all(&name.into());
    }

    pub(super) fn remove_environment(&mut self, name: &str) {
        let Some(environment) = self.environments.remove(name) else { return };
        for change in environment.delete() {
            self.cx.store(change);
        }
        for deployment in environment.deployments() {
            self.settling.end(&deployment.id);
        }
        self.marked.remove(name);
        self.noted.remove(format!("held back: {name}").as_str());
    }

    fn note_if_held_back(&mut self, name: &str) {
        let Some(environment) = self.environments.get(name) else { return };
        let percent = environment.settings.min_healthy_percent;
        if environment.roster.is_held_back(percent) {
            let members = environment.roster.counts().members;
            let text = format!(
                "the deployment of {name} waits: with minHealthyPercent {percent} no task of its {members} instances may be stopped now"
            );
            self.note_once(&format!("held back: {name}").into(), &text);
        }
    }

    /// What follows for the deployment that counts from how the slots stand.
    pub(super) fn progress(&mut self, name: &str) {
        let token = self.cx.ids.uuid("token");
        let now = self.cx.now;
        let Some(environment) = self.environments.any_mut(name) else { return };
        let counts = environment.roster.counts();
        if environment.settings.is_ending {
            if counts.occupied == 0 && counts.attempts == 0 {
                self.remove_environment(name);
            }
            return;
        }
        let is_settled = counts.unsettled == 0 && !environment.roster.is_dirty();
        let completes = is_settled && environment.in_progress().is_some();
        let failed: Vec<Str> = if completes {
            environment.roster.failed().map(|(arn, _)| arn.clone()).collect()
        } else {
            Vec::new()
        };
        let Some(last) = environment.last_mut() else { return };
        let was = last.status;
        if completes {
            last.status = DeploymentStatus::Completed;
            last.ended_at = Some(now);
            last.failed = failed;
        } else if was == DeploymentStatus::Pending {
            last.status = DeploymentStatus::Running;
        }
        if last.status == was {
            return self.note_if_held_back(name);
        }
        self.cx.store(last.put());
        let (is_over, used) = (last.status == DeploymentStatus::Completed, last.token.clone());
        if is_over && used == environment.settings.token {
            environment.settings.token = token;
            self.cx.store(environment.put());
        }
    }
}
