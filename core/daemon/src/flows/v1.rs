//! Calls of v1.0, on the environments that v0.3 sees too: an environment is found by its cluster and its name there.
//!
//! Source: blox.md 4.1 and 4.2. What v1.0 left as stubs (lists, paging, deployments that are remembered) is done.

use longshore_wire_blox::arn::{self, ClusterRef};
use longshore_wire_blox::v1::{Answer, Call, EnvironmentRef, Fault, Kind, Page};
use longshore_wire_ecs::Str;

use crate::call::{Reply, Ticket};
use crate::environments::Environment;
use crate::machine::Daemon;

/// The key of an environment that v1.0 makes: no name of v0.3 has a slash.
pub(super) fn key(cluster: &str, name: &str) -> Str {
    format!("{}/{name}", arn::cluster_of_arn(cluster).unwrap_or_default()).into()
}

fn absent(of: &EnvironmentRef) -> Fault {
    Fault::NotFound(Kind::Environment, of.name.clone())
}

/// The entries of a page, and what the next one begins after. `all` has no entry twice.
fn paged(all: Vec<String>, page: &Page) -> Result<(Vec<String>, Option<String>), Fault> {
    let from = match &page.after {
        None => 0,
        Some(after) => {
            let unknown =
                || Fault::Invalid("nextToken is of no list, or of one that has changed".to_owned());
            all.iter().position(|one| one == after).ok_or_else(unknown)? + 1
        }
    };
    let is_more = all.len() > from + page.most;
    let shown: Vec<String> = all.into_iter().skip(from).take(page.most).collect();
    let next = shown.last().cloned().filter(|_| is_more);
    Ok((shown, next))
}

impl Daemon {
    /// A client of v1.0 asks.
    pub(crate) fn call_v1(&mut self, ticket: Ticket, call: Call) {
        let answer = match call {
            Call::Create { environment, new } => {
                return self.create_environment_v1(ticket, environment, *new);
            }
            Call::Update { environment, task_definition } => {
                match self.find_v1(&environment).map(|found| found.settings.name.clone()) {
                    Ok(key) => return self.update_environment_v1(ticket, key, task_definition),
                    Err(fault) => Err(fault),
                }
            }
            Call::Environments { cluster, prefix, page } => {
                self.environments_v1(&cluster, &prefix, &page)
            }
            Call::Describe(of) => self.find_v1(&of).map(Environment::show_v1),
            Call::Delete { environment, stops_tasks } => self.delete_v1(&environment, stops_tasks),
            Call::Revisions(of, page) => self.revisions(&of, &page),
            Call::Revision(of, id) => self.revision(&of, id),
            Call::Deployments(of, page) => self.deployments_v1(&of, &page),
            Call::Deploy(of, revision) => self.deploy_v1(&of, revision),
            Call::Deployment(of, id) => self.deployment_v1(&of, id),
        };
        self.cx.reply(ticket, Reply::V1(answer));
    }

    fn find_v1(&self, of: &EnvironmentRef) -> Result<&Environment, Fault> {
        let mut all = self.environments.list(Some(&of.cluster));
        all.find(|one| one.name_v1() == of.name).ok_or_else(|| absent(of))
    }

    fn environments_v1(
        &self,
        cluster: &ClusterRef,
        prefix: &str,
        page: &Page,
    ) -> Result<Answer, Fault> {
        let all = self.environments.list(Some(cluster)).map(|one| one.name_v1().to_owned());
        let mut names: Vec<String> = all.filter(|name| name.starts_with(prefix)).collect();
        names.sort_unstable();
        let (environment_names, next_token) = paged(names, page)?;
        Ok(Answer::Environments { environment_names, next_token })
    }

    fn delete_v1(&mut self, of: &EnvironmentRef, stops_tasks: bool) -> Result<Answer, Fault> {
        let found = self.find_v1(of)?;
        let (shown, key) = (found.show_v1(), found.settings.name.clone());
        self.delete_environment(&key, stops_tasks);
        Ok(shown)
    }

    fn revisions(&self, of: &EnvironmentRef, page: &Page) -> Result<Answer, Fault> {
        let all = self.find_v1(of)?.settings.revisions.iter().rev();
        let (revision_ids, next_token) = paged(all.map(|one| one.id.to_string()).collect(), page)?;
        Ok(Answer::Revisions { revision_ids, next_token })
    }

    fn revision(&self, of: &EnvironmentRef, id: String) -> Result<Answer, Fault> {
        let found = self.find_v1(of)?;
        let revision = found.settings.revision(&id);
        let revision = revision.ok_or(Fault::NotFound(Kind::EnvironmentRevision, id))?;
        Ok(found.show_revision(revision))
    }

    fn deployments_v1(&self, of: &EnvironmentRef, page: &Page) -> Result<Answer, Fault> {
        let all = self.find_v1(of)?.deployments().map(|one| one.id.to_string()).collect();
        let (deployment_ids, next_token) = paged(all, page)?;
        Ok(Answer::Deployments { deployment_ids, next_token })
    }

    fn deployment_v1(&self, of: &EnvironmentRef, id: String) -> Result<Answer, Fault> {
        let found = self.find_v1(of)?;
        let deployment = found.deployment(&id).ok_or(Fault::NotFound(Kind::Deployment, id))?;
        Ok(found.show_deployment_v1(deployment))
    }

    /// Deploys a revision, also while another deployment is under way, which is over then. Tasks that run its definition may stay.
    /// Whoever holds a token of v0.3 has not seen this, so the token changes.
    fn deploy_v1(&mut self, of: &EnvironmentRef, id: String) -> Result<Answer, Fault> {
        let found = self.find_v1(of)?;
        let key = found.settings.name.clone();
        let revision = found.settings.revision(&id).cloned();
        let revision = revision.ok_or(Fault::NotFound(Kind::EnvironmentRevision, id))?;
        let (next, own) = (self.cx.ids.uuid("token"), self.cx.ids.uuid("token"));
        if let Some(environment) = self.environments.get_mut(&key) {
            environment.settings.token = next;
            environment.settings.definition = revision.definition.clone();
            environment.settings.attributes.clone_from(&revision.attributes);
            self.cx.store(environment.put());
        }
        self.place_all(&key);
        let deployed = self.deploy(&key, &own, &revision, true);
        Ok(Answer::NewDeployment { deployment_id: deployed.id })
    }
}
