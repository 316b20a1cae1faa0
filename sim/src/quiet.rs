//! After the storm: everything broken is repaired, there is room for everything, and time passes.
//! Then nothing may be left undone, nothing may go on forever, and what was removed must leave
//! nothing behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_control::{
    Control, LastStatus, RolloutState, Scheduling, Service, ServiceStatus, Task,
};
use longshore_machine::Machine;
use serde_json::json;

use crate::clients::{CLUSTERS, Purpose};
use crate::definitions::{FAMILIES, Fate, family};
use crate::world::World;

const MINUTE_MS: u64 = 60_000;
/// How long a task may take to start or stop when nothing is in its way, in ms.
const PROMPT_MS: u64 = 60_000;

impl World {
    /// Runs a storm and the quiet after it. With `clear`, everything is removed at the end.
    pub fn season(&mut self, steps: u64, clear: bool) {
        self.storm(steps);
        self.mend();
        self.pass(50 * MINUTE_MS);
        self.check_quiet();
        self.rest();
        self.tally.count("reached", "quiet");
        if clear {
            self.clear();
        } else {
            // Make room scarce again.
            self.remove_instances(|cpu| cpu > 60_000);
        }
    }

    /// Repairs what was broken and makes room.
    fn mend(&mut self) {
        self.pass(5 * MINUTE_MS);
        for cluster in CLUSTERS {
            self.call("CreateCluster", &json!({"clusterName": cluster}), Purpose::Must);
        }
        let instances: Vec<_> = self.disk.instances().cloned().collect();
        for instance in instances.iter().filter(|one| one.deregistered_at.is_none()) {
            let (cluster, id) = (&instance.cluster, instance.id.to_string());
            if self.hosts.contains_key(&instance.id) {
                let body =
                    json!({"cluster": cluster, "containerInstances": [id], "status": "ACTIVE"});
                self.call("UpdateContainerInstancesState", &body, Purpose::Must);
            } else {
                // Its registration was stored, but the machine was never told.
                self.tally.count("reached", "a machine that never knew it had joined");
                let body = json!({"cluster": cluster, "containerInstance": id, "force": true});
                self.call("DeregisterContainerInstance", &body, Purpose::Must);
            }
        }
        let number = |name: &str| json!({"name": name, "integerValue": 64_000});
        for cluster in CLUSTERS {
            for rack in ["a", "b", "c"] {
                for _ in 0..8 {
                    self.register_on(cluster, rack, number("CPU"), number("MEMORY"));
                }
            }
        }
    }

    fn check_quiet(&mut self) {
        self.check_tasks();
        self.check_hosts();
        let services: Vec<Arc<Service>> = self.disk.services().cloned().collect();
        for service in services {
            let end = self.end_of(&service);
            self.tally.count("services when quiet", end);
        }
    }

    fn check_tasks(&self) {
        let late = |at: longshore_machine::Timestamp| self.now.since(at) > PROMPT_MS;
        for task in self.disk.tasks().filter(|task| task.holds_resources()) {
            let stopping = !task.desired_running && task.stopping_at.is_some_and(late);
            assert!(!stopping, "{} was to stop long ago", task.arn);
            let pending = task.last_status == LastStatus::Pending && late(task.created_at);
            assert!(!pending, "{} was to run long ago", task.arn);
        }
    }

    /// Checks that running tasks are recorded, and that tasks recorded as RUNNING are running.
    fn check_hosts(&self) {
        for (id, host) in &self.hosts {
            let running: BTreeSet<_> = host.running().collect();
            for task in &running {
                let known = self.disk.task(*task).filter(|known| known.instance == *id);
                assert!(
                    known.is_some_and(|known| known.holds_resources()),
                    "{task} runs on {id}, and nobody knows"
                );
            }
            let told = self.disk.tasks().filter(|task| task.instance == *id);
            for task in
                told.filter(|task| task.last_status == LastStatus::Running && task.desired_running)
            {
                let steady = family(&task.template.definition.family).fate == Fate::Steady;
                assert!(!steady || running.contains(&task.id), "{} does not run", task.arn);
            }
        }
    }

    /// Checks that a follower of the events has seen the latest version of everything.
    fn check_events(&self) {
        // The others never settle.
        let still =
            |task: &&Arc<Task>| family(&task.template.definition.family).fate == Fate::Steady;
        for task in self.disk.tasks().filter(still) {
            assert_eq!(self.follower.version(&task.arn), Some(task.version), "{}", task.arn);
        }
        for instance in self.control.iter().flat_map(Control::instances) {
            let seen = self.follower.version(&instance.arn);
            assert_eq!(seen, Some(instance.version), "{}", instance.arn);
        }
    }

    /// The state that a service ended up in, which must be an expected one.
    fn end_of(&self, service: &Service) -> &'static str {
        let said = |text: &str| service.events.iter().any(|event| event.message.contains(text));
        if service.status != ServiceStatus::Active {
            assert_eq!(service.status, ServiceStatus::Inactive, "{} is not gone", service.arn);
            return "gone";
        }
        let primary = service.deployments.first().expect("an ACTIVE service has deployments");
        if primary.rollout == RolloutState::Failed {
            return "given up";
        }
        if self.is_steady(service) {
            return "steady";
        }
        let fate = family(&primary.family).fate;
        if fate == Fate::Restless {
            return "restless";
        }
        let percent = |percent: u32| u64::from(service.desired_count) * u64::from(percent);
        let desired = u64::from(service.desired_count);
        let no_way = percent(service.maximum_percent) / 100 <= desired
            && percent(service.minimum_healthy_percent).div_ceil(100) >= desired;
        if no_way && said("because of the service deployment configuration") {
            return "without a way to deploy";
        }
        let racked = primary.family.as_ref() == "racked"
            && service.constraints.iter().any(|one| one.expression.is_some());
        // A DAEMON lacks its task on machines that are too small or full.
        let daemon = service.scheduling == Scheduling::Daemon;
        let waits = said("was unable to place a task");
        assert!(
            waits && (fate == Fate::Waiting || racked || daemon),
            "{} is neither steady nor is there a reason: {service:#?}, {:#?}",
            service.arn,
            self.tasks_of(service)
                .map(|task| (
                    task.id,
                    &task.template.started_by,
                    task.last_status,
                    task.desired_running,
                    task.instance
                ))
                .collect::<Vec<_>>(),
        );
        "waiting for room"
    }

    fn tasks_of<'a>(&'a self, service: &'a Service) -> impl Iterator<Item = &'a Arc<Task>> {
        let of = |task: &&Arc<Task>| {
            task.service() == Some(&service.name) && task.template.cluster == service.cluster
        };
        self.disk.tasks().filter(move |task| of(task) && task.holds_resources())
    }

    fn is_steady(&self, service: &Service) -> bool {
        let tasks: Vec<_> = self.tasks_of(service).collect();
        let primary = &service.deployments[0];
        let right = tasks.iter().all(|task| {
            task.last_status == LastStatus::Running
                && task.template.started_by.as_ref() == Some(&primary.id)
        });
        let steady = service
            .events
            .front()
            .is_some_and(|one| one.message.ends_with("has reached a steady state."));
        right
            && steady
            && service.deployments.len() == 1
            && primary.rollout == RolloutState::Completed
            && u32::try_from(tasks.len()) == Ok(service.desired_count)
    }

    /// Removes what never settles; after that the control plane only wakes to forget.
    fn rest(&mut self) {
        let services: Vec<Arc<Service>> = self.disk.services().cloned().collect();
        for service in services.iter().filter(|one| one.status == ServiceStatus::Active) {
            let restless = family(&service.deployments[0].family).fate == Fate::Restless;
            if restless || service.deployments.len() > 1 {
                let body =
                    json!({"cluster": service.cluster, "service": service.name, "force": true});
                self.call("DeleteService", &body, Purpose::Must);
            }
        }
        let tasks: Vec<Arc<Task>> = self.disk.tasks().cloned().collect();
        for task in tasks.iter().filter(|task| task.desired_running) {
            if family(&task.template.definition.family).fate == Fate::Restless {
                let body = json!({"cluster": task.template.cluster, "task": task.arn});
                self.call("StopTask", &body, Purpose::Must);
            }
        }
        self.pass(62 * MINUTE_MS);
        self.drain_queue();
        self.check_events();
        let forgotten = self.disk.tasks().count() + self.disk.messages();
        let before = self.tally.of("inputs", "the control plane wakes");
        self.pass(60 * MINUTE_MS);
        let woken = self.tally.of("inputs", "the control plane wakes") - before;
        self.tally.most("wakes of a control plane at rest in an hour", woken);
        let forgotten = u64::try_from(forgotten).unwrap_or(u64::MAX);
        assert!(woken <= forgotten + 200, "at rest it woke {woken} times for {forgotten} records");
    }

    fn remove_instances(&mut self, which: impl Fn(u32) -> bool) {
        let instances: Vec<_> = self.disk.instances().cloned().collect();
        for instance in instances.iter().filter(|one| one.deregistered_at.is_none()) {
            if which(instance.registered.cpu) {
                let body = json!({"cluster": instance.cluster, "containerInstance": instance.id.to_string(), "force": true});
                self.call("DeregisterContainerInstance", &body, Purpose::Must);
            }
        }
    }

    /// Removes everything and checks that nothing is left.
    fn clear(&mut self) {
        let services: Vec<Arc<Service>> = self.disk.services().cloned().collect();
        for service in services.iter().filter(|one| one.status == ServiceStatus::Active) {
            let body = json!({"cluster": service.cluster, "service": service.name, "force": true});
            self.call("DeleteService", &body, Purpose::Must);
        }
        self.pass(MINUTE_MS);
        let tasks: Vec<Arc<Task>> = self.disk.tasks().cloned().collect();
        for task in tasks.iter().filter(|task| task.desired_running) {
            self.call(
                "StopTask",
                &json!({"cluster": task.template.cluster, "task": task.arn}),
                Purpose::Must,
            );
        }
        self.pass(2 * MINUTE_MS);
        assert!(
            self.hosts.values().all(|host| host.running().next().is_none()),
            "something still runs"
        );
        assert!(self.hosts.values().all(crate::host::Host::is_empty), "a host keeps what is over");
        self.remove_instances(|_| true);
        self.pass(10_000);
        for cluster in CLUSTERS {
            self.call("DeleteCluster", &json!({"cluster": cluster}), Purpose::Must);
        }
        self.drain_queue();
        self.pass(150 * MINUTE_MS);
        let left = (
            self.disk.tasks().count(),
            self.disk.services().count(),
            self.disk.instances().count(),
            self.disk.tokens(),
            self.disk.clusters(),
        );
        assert_eq!(
            left,
            (0, 0, 0, 0, 0),
            "tasks, services, instances, tokens or clusters are left"
        );
        self.drain_queue();
        self.pass(5 * MINUTE_MS);
        assert_eq!(self.disk.messages(), 0, "messages are left");
        let wake = self.control.as_ref().and_then(Machine::wake_at);
        assert_eq!(wake, None, "there is nothing to wake for");
        self.hosts.clear();
        self.tally.count("reached", "an empty cluster");
        self.populate();
    }

    /// Creates clusters with a few machines, and task definitions.
    fn populate(&mut self) {
        for cluster in CLUSTERS {
            self.call("CreateCluster", &json!({"clusterName": cluster}), Purpose::Must);
            for _ in 0..3 {
                self.register(cluster, 4_096, 4_096);
            }
        }
        for family in FAMILIES {
            self.call("RegisterTaskDefinition", &family.body(), Purpose::Must);
        }
        self.pass(MINUTE_MS);
    }

    /// Creates what the storm starts from.
    pub(crate) fn prepare(&mut self) {
        self.follow();
        self.populate();
    }
}
