//! What happens to the local ECS besides the questions of bridges: machines, agents and the control plane fail, and others use the
//! cluster as well.

use longshore_wire_ecs::Str;
use serde_json::{Value, json};

use super::{CLUSTER, Local};
use crate::bridge::world::World;
use crate::clients::{Purpose, id};

/// Definitions that somebody registered: family, CPU units, MiB and a host port.
pub(super) const FAMILIES: [(&str, u32, u32, Option<u16>); 3] =
    [("web", 128, 128, None), ("large", 700, 900, None), ("port", 64, 64, Some(31_005))];

impl Local {
    fn any(&mut self, operation: &str, body: &Value) {
        self.ecs.call(operation, body, Purpose::Any);
    }

    pub(super) fn define(&mut self, family: (&str, u32, u32, Option<u16>)) {
        let (name, cpu, memory, port) = family;
        let mut app = json!({"name": "app", "image": "web:1", "cpu": cpu, "memory": memory, "stopTimeout": 5});
        if let Some(port) = port {
            app["portMappings"] = json!([{"containerPort": 80, "hostPort": port}]);
        }
        self.any("RegisterTaskDefinition", &json!({"family": name, "containerDefinitions": [app]}));
    }

    fn set_status(&mut self, arn: &str, status: &str) {
        let body = json!({"cluster": CLUSTER, "containerInstances": [arn], "status": status});
        self.any("UpdateContainerInstancesState", &body);
    }

    fn deregister(&mut self, arn: &str) {
        let body = json!({"cluster": CLUSTER, "containerInstance": arn, "force": true});
        self.any("DeregisterContainerInstance", &body);
    }
}

impl World {
    /// What becomes of a task by itself, as its containers read it from their environment.
    pub(in crate::bridge) fn local_fate(&mut self) -> Vec<(&'static str, String)> {
        let mut fate = Vec::new();
        let mut say = |name, value: String| fate.push((name, value));
        if self.chance.one_in(2) {
            say("RUN_MS", self.chance.below(90_000).to_string());
            say("CODE", self.chance.pick(&[0, 0, 1, 137]).to_string());
        }
        match self.chance.below(12) {
            0 => say("START_ERROR", "no such image".to_owned()),
            1 | 2 => say("START_MS", self.chance.below(9_000).to_string()),
            3 => say("DEAF", "1".to_owned()),
            4 => say("STOP_MS", self.chance.below(6_000).to_string()),
            5 => say("HEALTH", "never".to_owned()),
            _ => {}
        }
        fate
    }

    /// A machine joins the cluster.
    pub(in crate::bridge) fn join_local(&mut self, cpu: u32, memory_mib: u32, rack: &str) {
        let number = |name: &str, value: u32| json!({"name": name, "integerValue": value});
        self.with_local(|local| {
            let (cpu, memory) = (number("CPU", cpu), number("MEMORY", memory_mib));
            local.ecs.register_on(CLUSTER, rack, cpu, memory);
        });
    }

    /// Something becomes of a machine, of its agent, or of the cluster's idea of it.
    pub(in crate::bridge) fn local_instance_changes(&mut self, arn: &Str) {
        let (fate, is_only) = (self.chance.below(12), self.cloud.registered().len() < 2);
        let machine = id(arn);
        self.with_local(|local| match fate {
            0..3 => local.ecs.disconnect(machine),
            3..5 => local.ecs.restart_agent(machine),
            5 => local.ecs.crash_host(machine),
            6 => local.set_status(arn, "DRAINING"),
            7..9 => local.set_status(arn, "ACTIVE"),
            9 if !is_only => local.deregister(arn),
            _ => {}
        });
    }

    /// The control plane crashes, or a definition is deregistered and another revision is there.
    pub(in crate::bridge) fn local_changes(&mut self) {
        let (mut fate, family) = (self.chance.below(4), *self.chance.pick(&FAMILIES));
        if self.cloud.instances.is_empty() {
            // Its cluster may not be on disk yet, and would be gone for good.
            fate = 1;
        }
        let revision = 1 + self.chance.below(4);
        if fate == 0 {
            self.tally.count("reached", "the control plane crashed");
        }
        self.with_local(|local| {
            if fate == 0 {
                return local.ecs.crash();
            }
            let body = json!({"taskDefinition": format!("{}:{revision}", family.0)});
            local.any("DeregisterTaskDefinition", &body);
            if fate > 1 {
                local.define(family);
            }
        });
    }

    /// Others start a task, or stop one, whosever it is.
    pub(in crate::bridge) fn others_act_locally(&mut self) {
        let (stops, count) = (self.chance.one_in(3), 1 + self.chance.below(2));
        let live = self.cloud.tasks.iter().filter(|(_, task)| task.is_live());
        let live: Vec<Str> = live.map(|(arn, _)| arn.clone()).collect();
        let stopped = self.chance.index(live.len()).map(|at| live[at].clone());
        let family = self.chance.pick(&FAMILIES).0;
        self.with_local(|local| {
            if let Some(task) = stopped.filter(|_| stops) {
                let reason = "stopped by an operator";
                return local
                    .any("StopTask", &json!({"cluster": CLUSTER, "task": task, "reason": reason}));
            }
            let body = json!({
                "cluster": CLUSTER, "taskDefinition": family, "count": count, "startedBy": "others",
            });
            local.any("RunTask", &body);
        });
    }

    /// All that was broken is mended: machines that exist are used, and those that never knew that they had joined are not.
    pub(in crate::bridge) fn mend_local(&mut self) {
        let registered = self.cloud.registered();
        self.with_local(|local| {
            local.ecs.stormy = false;
            for arn in registered {
                if local.ecs.hosts.contains_key(&id(&arn)) {
                    local.set_status(&arn, "ACTIVE");
                } else {
                    local.deregister(&arn);
                }
            }
            for family in FAMILIES {
                local.define(family);
            }
        });
    }
}
