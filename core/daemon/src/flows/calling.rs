//! What clients ask, as far as it can be answered at once.

use longshore_wire_blox::Fault;
use longshore_wire_blox::route::{SchedulerCall, StateCall};
use longshore_wire_blox::scheduler as wire;

use crate::call::{Reply, Stream, Ticket};
use crate::machine::Daemon;

impl Daemon {
    /// A client of the cluster state service asks.
    ///
    /// Blox opened its port only once it had read everything. Here a client is told to wait.
    pub(crate) fn call_state(&mut self, ticket: Ticket, call: StateCall) {
        let reply = if self.clusters.all_tried() {
            self.state(call).unwrap_or_else(Reply::Refused)
        } else {
            let why = "the clusters are being read: try again in a moment";
            Reply::Refused(Fault::Unavailable(why.to_owned()))
        };
        self.cx.reply(ticket, reply);
    }

    fn state(&self, call: StateCall) -> Result<Reply, Fault> {
        let follow =
            |stream, from| self.view.since(stream, from).map(|old| Reply::Follow(stream, old));
        match call {
            StateCall::Tasks(filter) => Ok(Reply::Tasks(self.view.find_tasks(&filter))),
            StateCall::Instances(filter) => Ok(Reply::Instances(self.view.find_instances(&filter))),
            StateCall::Task { cluster, arn } => {
                let found = self.view.get_task(&cluster, &arn);
                found.map(Reply::Task).ok_or(Fault::TaskNotFound)
            }
            StateCall::Instance { cluster, arn } => {
                let found = self.view.get_instance(&cluster, &arn);
                found.map(Reply::Instance).ok_or(Fault::InstanceNotFound)
            }
            StateCall::TaskStream(from) => follow(Stream::Tasks, from),
            StateCall::InstanceStream(from) => follow(Stream::Instances, from),
        }
    }

    /// A client of the scheduler asks.
    pub(crate) fn call_scheduler(&mut self, ticket: Ticket, call: SchedulerCall) {
        let result = match call {
            SchedulerCall::CreateEnvironment(new) => return self.create_environment(ticket, new),
            SchedulerCall::UpdateEnvironment { name, change } => {
                return self.update_environment(ticket, name, change);
            }
            SchedulerCall::Ping => Ok(Reply::Done),
            SchedulerCall::ListEnvironments(cluster) => {
                let all = self.environments.list(cluster.as_ref());
                let all = all.filter(|one| one.settings.of_v1.is_none());
                Ok(Reply::Environments(all.map(crate::environments::Environment::show).collect()))
            }
            SchedulerCall::GetEnvironment(name) => {
                let found = self.environments.get(&name);
                found.map(|one| Reply::Environment(one.show())).ok_or(Fault::NoEnvironment(name))
            }
            SchedulerCall::DeleteEnvironment { name, stops_tasks } => {
                self.delete_environment(&name, stops_tasks);
                Ok(Reply::Done)
            }
            SchedulerCall::CreateDeployment { name, token } => {
                self.create_deployment(&name, &token).map(Reply::Deployment)
            }
            SchedulerCall::Rollback { name, token, to } => {
                self.roll_back(&name, &token, to.as_deref()).map(Reply::Deployment)
            }
            SchedulerCall::ListDeployments(name) => self.deployments(&name).map(Reply::Deployments),
            SchedulerCall::GetDeployment { name, id } => {
                self.deployment(&name, &id).map(Reply::Deployment)
            }
        };
        self.cx.reply(ticket, result.unwrap_or_else(Reply::Refused));
    }

    fn deployments(&self, name: &str) -> Result<Vec<wire::Deployment>, Fault> {
        let environment = self.environments.get(name);
        let environment = environment.ok_or_else(|| Fault::NoEnvironment(name.to_owned()))?;
        Ok(environment.deployments().map(|one| environment.show_deployment(one)).collect())
    }

    fn deployment(&self, name: &str, id: &str) -> Result<wire::Deployment, Fault> {
        let environment = self.environments.get(name);
        let environment = environment.ok_or_else(|| Fault::NoEnvironment(name.to_owned()))?;
        let absent = || Fault::NoDeployment { id: id.to_owned(), environment: name.to_owned() };
        let found = environment.deployment(id).ok_or_else(absent)?;
        Ok(environment.show_deployment(found))
    }
}
