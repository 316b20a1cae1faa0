//! What people do: to environments through the scheduler, and to the cluster behind its back.

use longshore_daemon::{Call, Input, Reply, Ticket};
use longshore_replica::StopCode;
use longshore_wire_blox::arn::ClusterRef;
use longshore_wire_blox::route::SchedulerCall;
use longshore_wire_blox::scheduler::{EnvironmentChange, GroupAttribute, NewEnvironment};
use longshore_wire_blox::v1;
use longshore_wire_ecs::Str;

use super::world::{Happens, World};

const NAMES: [&str; 2] = ["one", "two"];
const DEFINITIONS: [&str; 3] = ["d:1", "d:2", "d:3"];

impl World {
    /// Sends a call; its reply, if it has come by now.
    pub(super) fn call(&mut self, call: Call) -> Option<Reply> {
        self.daemon.as_ref()?;
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.waiting.insert(ticket);
        self.input(Input::Called { ticket, call });
        self.replies.remove(&ticket)
    }

    fn scheduler(&mut self, call: SchedulerCall) -> Option<Reply> {
        self.call(Call::Scheduler(call))
    }

    /// The token of an environment, as a client reads it.
    pub(super) fn token(&mut self, name: &str) -> Option<String> {
        match self.scheduler(SchedulerCall::GetEnvironment(name.to_owned()))? {
            Reply::Environment(environment) => Some(environment.deployment_token),
            _ => None,
        }
    }

    fn group(&mut self) -> Vec<GroupAttribute> {
        if self.chance.one_in(2) {
            return Vec::new();
        }
        let value = (*self.chance.pick(&["prod", "test"])).to_owned();
        vec![GroupAttribute { name: "stack".to_owned(), value: Some(value) }]
    }

    pub(super) fn client_acts(&mut self) {
        let name = (*self.chance.pick(&NAMES)).to_owned();
        let definition = (*self.chance.pick(&DEFINITIONS)).to_owned();
        match self.chance.below(15) {
            0..3 => {
                let new = NewEnvironment {
                    name,
                    cluster: ClusterRef::Name("web".to_owned()),
                    task_definition: definition,
                    attributes: self.group(),
                    min_healthy_percent: *self.chance.pick(&[0, 50, 60]),
                };
                self.scheduler(SchedulerCall::CreateEnvironment(Box::new(new)));
            }
            3..8 => {
                if let Some(token) = self.token(&name) {
                    self.scheduler(SchedulerCall::CreateDeployment { name, token });
                }
            }
            8..10 => {
                let attributes = self.chance.one_in(3).then(|| self.group());
                let task_definition = Some(definition);
                let change =
                    EnvironmentChange { task_definition, attributes, min_healthy_percent: None };
                let change = Box::new(change);
                self.scheduler(SchedulerCall::UpdateEnvironment { name, change });
            }
            10 => {
                if let Some(token) = self.token(&name) {
                    self.scheduler(SchedulerCall::Rollback { name, token, to: None });
                }
            }
            11..14 => self.client_of_v1_acts(name, definition),
            _ if self.chance.one_in(3) => {
                let stops_tasks = self.chance.one_in(2);
                self.scheduler(SchedulerCall::DeleteEnvironment { name, stops_tasks });
            }
            _ => {}
        }
    }

    /// The same environments, through the API of v1.0.
    fn client_of_v1_acts(&mut self, name: String, task_definition: String) {
        let cluster = ClusterRef::Name("web".to_owned());
        let environment = v1::EnvironmentRef { cluster, name };
        if self.chance.one_in(3) {
            self.call(Call::V1(v1::Call::Update { environment, task_definition }));
            return;
        }
        let page = v1::Page { most: 100, after: None };
        let known = self.call(Call::V1(v1::Call::Revisions(environment.clone(), page)));
        if let Some(Reply::V1(Ok(v1::Answer::Revisions { revision_ids, .. }))) = known
            && !revision_ids.is_empty()
        {
            let revision = self.chance.pick(&revision_ids).clone();
            self.call(Call::V1(v1::Call::Deploy(environment, revision)));
        }
    }

    pub(super) fn cluster_acts(&mut self) {
        let there: Vec<Str> = self.ecs.instances().map(|one| one.arn.clone()).collect();
        if there.len() < 3 || (there.len() < 25 && self.chance.one_in(4)) {
            let stack = *self.chance.pick(&["prod", "test"]);
            let instance = self.ecs.add_instance(self.now, stack);
            return self.tell_instance(Some(instance));
        }
        let arn = self.chance.pick(&there).clone();
        let now = self.now;
        match self.chance.below(10) {
            0 => {
                let (instance, tasks) = self.ecs.remove_instance(now, &arn);
                self.tell_instance(instance);
                for task in tasks {
                    self.tell_task(Some(task));
                }
            }
            1..3 => {
                let told = self.ecs.change_instance(now, &arn, |one| one.active = !one.active);
                self.tell_instance(told);
            }
            3..5 => {
                let told =
                    self.ecs.change_instance(now, &arn, |one| one.connected = !one.connected);
                self.tell_instance(told);
            }
            5 => {
                let stack: Str = (*self.chance.pick(&["prod", "test"])).into();
                let told = self.ecs.change_instance(now, &arn, |one| {
                    one.attributes.insert("stack".into(), Some(stack));
                });
                self.tell_instance(told);
            }
            6 => {
                let was_full = self.ecs.refusals.remove(&arn).is_some();
                self.ecs.refusals.extend((!was_full).then_some((arn, "RESOURCE:MEMORY")));
            }
            7 => {
                let tasks: Vec<Str> = self.ecs.tasks().map(|task| task.arn.clone()).collect();
                if !tasks.is_empty() {
                    let task = self.chance.pick(&tasks).clone();
                    let stopped = self.ecs.stop(now, &task, StopCode::UserInitiated);
                    self.tell_task(stopped);
                }
            }
            8 => {
                let tasks: Vec<Str> = self.ecs.tasks().map(|task| task.arn.clone()).collect();
                if !tasks.is_empty() {
                    let task = self.chance.pick(&tasks).clone();
                    self.later(0, Happens::Stops(task));
                }
            }
            _ => {}
        }
    }
}
