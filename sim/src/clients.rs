//! Clients that ask for anything and remember what they were told.

use std::collections::BTreeMap;

use longshore_wire_ecs::ApiError;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::MACHINE_ATTRIBUTE;
use serde_json::{Value, json};

use crate::definitions::FAMILIES;
use crate::world::World;

/// Names of clusters.
pub(crate) const CLUSTERS: [&str; 2] = ["east", "west"];
/// Names of services.
pub(crate) const SERVICES: [&str; 5] = ["web", "api", "log", "job", "mail"];
const RACKS: [&str; 3] = ["a", "b", "c"];
/// Maximum number of machines in a cluster; no more register beyond it.
const MACHINES_MAX: usize = 9;

/// Why a call was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To register a machine.
    Join,
    /// `RunTask` with a client token, and whether its parameters are those that belong to the
    /// token.
    Token(String, bool),
    /// A bridge asked, in a call of this number.
    Bridge(u64),
    /// The call must succeed.
    Must,
    /// The result does not matter.
    Any,
}

/// What clients were told.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// For each client token, which of two sets of parameters it was first used with, and its
    /// tasks.
    tokens: BTreeMap<String, (bool, Vec<String>)>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The id at the end of an ARN.
pub(crate) fn id(arn: &str) -> ResourceId {
    arn.rsplit('/').next().and_then(ResourceId::parse).expect("ARNs end with an id")
}

impl World {
    /// Registers a machine in a cluster.
    pub(crate) fn register(&mut self, cluster: &str, cpu: u32, memory: u32) {
        let number = |name: &str, value: u32| json!({"name": name, "integerValue": value});
        let rack = *self.chance.pick(&RACKS);
        self.register_on(cluster, rack, number("CPU", cpu), number("MEMORY", memory));
    }

    pub(crate) fn register_on(&mut self, cluster: &str, rack: &str, cpu: Value, memory: Value) {
        let zone = format!("us-east-1{}", self.chance.pick(&RACKS));
        let mut attributes = json!([
                {"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"},
                {"name": "ecs.capability.container-health-check"},
                {"name": "ecs.capability.container-ordering"},
                {"name": "rack", "value": rack},
                {"name": "ecs.availability-zone", "value": zone},
        ]);
        // Some share a machine and thus its ports.
        if self.chance.one_in(2)
            && let Some(attributes) = attributes.as_array_mut()
        {
            let machine = format!("m{}", self.chance.below(2));
            attributes.push(json!({"name": MACHINE_ATTRIBUTE, "value": machine}));
        }
        let body = json!({
            "cluster": cluster, "totalResources": [cpu, memory], "attributes": attributes,
        });
        self.call("RegisterContainerInstance", &body, Purpose::Join);
    }

    /// Handles the reply to a call.
    pub(crate) fn answered(&mut self, purpose: Purpose, reply: Result<Value, ApiError>) {
        if let Purpose::Bridge(number) = purpose {
            return self.replied(number, reply);
        }
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => {
                let code = format!("{:?}", error.code);
                assert!(code != "Server", "{error:?}");
                assert!(purpose != Purpose::Must, "{error:?}");
                if let Purpose::Token(token, same) = purpose
                    && code == "Conflict"
                {
                    let (first, known) = self.known_of(&token);
                    let agrees = known.is_empty() || first != Some(same);
                    assert!(agrees, "{token} was used with these parameters");
                }
                return self.tally.count("refusals", code);
            }
        };
        let failures = reply["failures"].as_array().into_iter().flatten();
        for reason in failures.map(|failure| text(&failure["reason"])).collect::<Vec<_>>() {
            self.tally.count("failures", reason);
        }
        match purpose {
            Purpose::Join => {
                self.join(id(&text(&reply["containerInstance"]["containerInstanceArn"])));
            }
            Purpose::Token(token, same) => self.token_answered(token, same, &reply),
            Purpose::Bridge(_) | Purpose::Must | Purpose::Any => {}
        }
    }

    /// As long as any task of a client token is known, the token stands for what it first launched.
    fn token_answered(&mut self, token: String, same: bool, reply: &Value) {
        let told = reply["tasks"].as_array().into_iter().flatten();
        let told: Vec<String> = told.map(|task| text(&task["taskArn"])).collect();
        let (first, known) = self.known_of(&token);
        if known.is_empty() {
            self.clients.tokens.insert(token, (same, told));
        } else {
            assert_eq!(first, Some(same), "{token} was used with other parameters");
            assert_eq!(told, known, "{token} stands for something else now");
            self.tally.count("reached", "a client token was replayed");
        }
    }

    /// How a token was first used, and its tasks that are still known.
    fn known_of(&self, token: &str) -> (Option<bool>, Vec<String>) {
        let Some((first, held)) = self.clients.tokens.get(token) else {
            return (None, Vec::new());
        };
        let known = held.iter().filter(|arn| self.disk.task(id(arn)).is_some());
        (Some(*first), known.cloned().collect())
    }

    pub(crate) fn some_task(&mut self) -> Option<(String, String)> {
        let index = self.chance.index(self.disk.tasks().count())?;
        let task = self.disk.tasks().nth(index)?;
        Some((task.template.cluster.to_string(), task.arn.to_string()))
    }

    pub(crate) fn some_instance(&mut self) -> Option<(String, ResourceId)> {
        let index = self.chance.index(self.disk.instances().count())?;
        let instance = self.disk.instances().nth(index)?;
        Some((instance.cluster.to_string(), instance.id))
    }

    /// Performs one action of the storm.
    pub(crate) fn rage(&mut self) {
        match self.chance.below(100) {
            0..6 => self.join_some(),
            6..11 => self.trouble(),
            11..17 => self.instance_call(),
            17..35 => self.launch(),
            35..43 => self.stop(),
            43..53 => self.create_service(),
            53..69 => self.update_service(),
            69..74 => self.delete_service(),
            74..78 => self.protect(),
            78..82 => self.definition_call(),
            82..85 => self.cluster_call(),
            85..99 => self.receive(),
            _ if self.chance.one_in(4) => {
                self.tally.count("faults", "the control plane crashes");
                self.crash();
            }
            _ => self.read(),
        }
    }

    fn join_some(&mut self) {
        let cluster = *self.chance.pick(&CLUSTERS);
        let active = self
            .disk
            .instances()
            .filter(|one| &*one.cluster == cluster && one.deregistered_at.is_none());
        if active.count() < MACHINES_MAX {
            let cpu = *self.chance.pick(&[1_024, 2_048, 8_192]);
            let memory = *self.chance.pick(&[1_024, 4_096]);
            self.register(cluster, cpu, memory);
        }
    }

    fn trouble(&mut self) {
        let Some(index) = self.chance.index(self.hosts.len()) else { return };
        let Some(id) = self.hosts.keys().nth(index).copied() else { return };
        match self.chance.below(10) {
            0..6 => {
                self.tally.count("faults", "a connection breaks");
                self.disconnect(id);
            }
            6..8 => {
                self.tally.count("faults", "an agent restarts");
                self.restart_agent(id);
            }
            _ => {
                self.tally.count("faults", "a machine dies");
                self.crash_host(id);
            }
        }
    }

    fn instance_call(&mut self) {
        let Some((cluster, id)) = self.some_instance() else { return };
        let instance = id.to_string();
        let force = self.chance.one_in(2);
        match self.chance.below(6) {
            0..2 => {
                let body = json!({"cluster": cluster, "containerInstances": [instance], "status": "DRAINING"});
                self.call("UpdateContainerInstancesState", &body, Purpose::Any);
            }
            2..4 => {
                let body = json!({"cluster": cluster, "containerInstances": [instance], "status": "ACTIVE"});
                self.call("UpdateContainerInstancesState", &body, Purpose::Any);
            }
            4 => {
                let body =
                    json!({"cluster": cluster, "containerInstance": instance, "force": force});
                self.call("DeregisterContainerInstance", &body, Purpose::Any);
            }
            _ => {
                let rack = *self.chance.pick(&RACKS);
                let attribute = json!({"name": "rack", "value": rack, "targetId": instance, "targetType": "container-instance"});
                let operation =
                    if self.chance.one_in(4) { "DeleteAttributes" } else { "PutAttributes" };
                self.call(
                    operation,
                    &json!({"cluster": cluster, "attributes": [attribute]}),
                    Purpose::Any,
                );
            }
        }
    }

    fn launch(&mut self) {
        let cluster = *self.chance.pick(&CLUSTERS);
        let family = self.chance.pick(&FAMILIES).name;
        if self.chance.one_in(4) {
            let Some((cluster, instance)) = self.some_instance() else { return };
            let body = json!({"cluster": cluster, "taskDefinition": family, "startedBy": "direct", "containerInstances": [instance.to_string()]});
            return self.call("StartTask", &body, Purpose::Any);
        }
        if self.chance.one_in(4) {
            // The parameters follow from the token, except for clients that mix them up.
            let (number, same) = (self.chance.below(40), !self.chance.one_in(8));
            let (token, count) = (format!("token-{number}"), number % 3 + 1 + u64::from(!same));
            let cluster = CLUSTERS[usize::from(number.is_multiple_of(2))];
            let body = json!({"cluster": cluster, "taskDefinition": "plain", "count": count, "clientToken": token, "startedBy": "token"});
            return self.call("RunTask", &body, Purpose::Token(token, same));
        }
        let mut body = json!({"cluster": cluster, "taskDefinition": family, "count": self.chance.below(5) + 1});
        self.add_rules(&mut body);
        if self.chance.one_in(3) {
            body["group"] = json!(format!("group-{}", self.chance.below(3)));
        }
        self.call("RunTask", &body, Purpose::Any);
    }

    fn stop(&mut self) {
        let Some((cluster, task)) = self.some_task() else { return };
        let body = json!({"cluster": cluster, "task": task, "reason": "storm"});
        self.call("StopTask", &body, Purpose::Any);
    }

    fn read(&mut self) {
        let Some((cluster, task)) = self.some_task() else { return };
        self.call("DescribeTasks", &json!({"cluster": cluster, "tasks": [task]}), Purpose::Must);
        self.call(
            "DescribeServices",
            &json!({"cluster": cluster, "services": SERVICES}),
            Purpose::Any,
        );
    }

    fn protect(&mut self) {
        let Some((cluster, task)) = self.some_task() else { return };
        let minutes = self.chance.below(30) + 1;
        let enabled = !self.chance.one_in(4);
        let body = json!({"cluster": cluster, "tasks": [task], "protectionEnabled": enabled, "expiresInMinutes": minutes});
        self.call("UpdateTaskProtection", &body, Purpose::Any);
    }

    fn definition_call(&mut self) {
        let family = self.chance.pick(&FAMILIES);
        if self.chance.one_in(2) {
            return self.call("RegisterTaskDefinition", &family.body(), Purpose::Must);
        }
        let revision = self.chance.below(6) + 1;
        let body = json!({"taskDefinition": format!("{}:{revision}", family.name)});
        self.call("DeregisterTaskDefinition", &body, Purpose::Any);
        if self.chance.one_in(2) {
            // The family must keep a revision that can be launched.
            self.call("RegisterTaskDefinition", &family.body(), Purpose::Must);
        }
    }

    /// Chooses the form of ARNs of what is made from now on.
    fn choose_arns(&mut self) {
        let name = *self.chance.pick(&[
            "containerInstanceLongArnFormat",
            "serviceLongArnFormat",
            "taskLongArnFormat",
        ]);
        let value = if self.chance.one_in(2) { "disabled" } else { "enabled" };
        self.tally.count("reached", format!("{name} is {value}"));
        let body = json!({"name": name, "value": value});
        self.call("PutAccountSetting", &body, Purpose::Must);
    }

    fn cluster_call(&mut self) {
        let cluster = *self.chance.pick(&CLUSTERS);
        match self.chance.below(6) {
            0 => self.call("DeleteCluster", &json!({"cluster": cluster}), Purpose::Any),
            1 | 2 => self.call("CreateCluster", &json!({"clusterName": cluster}), Purpose::Any),
            3 => {
                let settings = json!([{"name": "containerInsights", "value": "disabled"}]);
                self.call(
                    "UpdateCluster",
                    &json!({"cluster": cluster, "settings": settings}),
                    Purpose::Any,
                );
            }
            4 => self.choose_arns(),
            _ => {
                let body = json!({"cluster": cluster, "capacityProviders": [], "defaultCapacityProviderStrategy": []});
                self.call("PutClusterCapacityProviders", &body, Purpose::Any);
            }
        }
    }
}
