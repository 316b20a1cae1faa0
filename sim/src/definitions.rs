//! The task definitions of a run and the behaviour of their tasks.

use serde_json::{Value, json};

/// What a service of a definition ends up as when left alone with enough room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It becomes steady.
    Steady,
    /// Its tasks never stay running: it fails, or retries with increasing delays.
    Restless,
    /// It fits nowhere, or only by luck: it waits and says so.
    Waiting,
}

/// A family.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) fate: Fate,
    cpu: u32,
    memory: u32,
    host_port: u16,
    /// `NAME=VALUE` pairs separated by spaces.
    environment: &'static str,
    health: bool,
    sidecar: bool,
    /// Whether the sidecar is essential and exits before it is ever healthy.
    stillborn: bool,
    member_of: Option<&'static str>,
}

const PLAIN: Family = Family {
    name: "plain",
    fate: Fate::Steady,
    cpu: 100,
    memory: 128,
    host_port: 0,
    environment: "",
    health: false,
    sidecar: false,
    stillborn: false,
    member_of: None,
};

/// All families.
pub(crate) const FAMILIES: [Family; 16] = [
    PLAIN,
    Family { name: "large", cpu: 1_200, memory: 900, environment: "START_MS=400", ..PLAIN },
    Family { name: "slow", environment: "START_MS=9000 STOP_MS=12000", ..PLAIN },
    Family { name: "deaf", environment: "DEAF=1", ..PLAIN },
    Family { name: "checked", health: true, ..PLAIN },
    Family { name: "pair", sidecar: true, health: true, ..PLAIN },
    Family { name: "racked", member_of: Some("attribute:rack == a"), ..PLAIN },
    Family { name: "port", host_port: 8_080, fate: Fate::Waiting, ..PLAIN },
    Family { name: "batch", environment: "RUN_MS=40000", fate: Fate::Restless, ..PLAIN },
    Family { name: "crash", environment: "RUN_MS=20000 CODE=1", fate: Fate::Restless, ..PLAIN },
    Family { name: "broken", environment: "START_ERROR=no", fate: Fate::Restless, ..PLAIN },
    Family {
        name: "ill",
        environment: "HEALTH=never",
        health: true,
        fate: Fate::Restless,
        ..PLAIN
    },
    Family {
        name: "flaky",
        environment: "HEALTH=flaky",
        health: true,
        fate: Fate::Restless,
        ..PLAIN
    },
    Family { name: "huge", cpu: 900_000, fate: Fate::Waiting, ..PLAIN },
    Family {
        name: "nowhere",
        member_of: Some("attribute:rack == z"),
        fate: Fate::Waiting,
        ..PLAIN
    },
    Family {
        name: "stillborn",
        health: true,
        sidecar: true,
        stillborn: true,
        fate: Fate::Restless,
        ..PLAIN
    },
];

/// The family with this name.
pub(crate) fn family(name: &str) -> &'static Family {
    FAMILIES.iter().find(|one| one.name == name).expect("only these are registered")
}

impl Family {
    /// The body of `RegisterTaskDefinition`.
    pub(crate) fn body(&self) -> Value {
        let environment: Vec<Value> = self
            .environment
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        let check =
            json!({"command": ["CMD", "true"], "interval": 30, "retries": 2, "startPeriod": 0});
        let mut main = json!({
            "name": "main", "image": "x", "cpu": self.cpu, "memory": self.memory, "environment": environment, "stopTimeout": 5
        });
        if self.host_port > 0 {
            main["portMappings"] = json!([{"containerPort": 80, "hostPort": self.host_port}]);
        }
        if self.health {
            main["healthCheck"] = check.clone();
        }
        let mut containers = vec![main];
        if self.sidecar {
            containers[0]["dependsOn"] = json!([{"containerName": "side", "condition": "HEALTHY"}]);
            let mut side = json!({"name": "side", "image": "x", "memory": 32, "essential": false, "healthCheck": check});
            if self.stillborn {
                let setting = |name: &str, value: &str| json!({"name": name, "value": value});
                let dies = [setting("RUN_MS", "300"), setting("CODE", "1")];
                side["environment"] = json!(dies);
                side["essential"] = json!(true);
            }
            containers.push(side);
        }
        let mut body = json!({"family": self.name, "containerDefinitions": containers});
        if let Some(expression) = self.member_of {
            body["placementConstraints"] = json!([{"type": "memberOf", "expression": expression}]);
        }
        body
    }
}
