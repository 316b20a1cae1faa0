//! Client calls on services.

use serde_json::{Value, json};

use crate::clients::{CLUSTERS, Purpose, SERVICES};
use crate::definitions::FAMILIES;
use crate::world::World;

/// Minimum and maximum percentages; some leave no way to deploy.
const PERCENTS: [(u32, u32); 7] =
    [(100, 200), (100, 200), (0, 100), (50, 100), (50, 150), (0, 200), (100, 100)];

impl World {
    /// Adds constraints and strategies, or neither.
    pub(crate) fn add_rules(&mut self, body: &mut Value) {
        if self.chance.one_in(4) {
            body["placementConstraints"] = match self.chance.below(3) {
                0 => json!([{"type": "distinctInstance"}]),
                1 => json!([{"type": "memberOf", "expression": "attribute:rack == b"}]),
                _ => json!([]),
            };
        }
        if self.chance.one_in(3) {
            let zone = json!({"type": "spread", "field": "attribute:ecs.availability-zone"});
            body["placementStrategy"] = match self.chance.below(4) {
                0 => json!([zone, {"type": "binpack", "field": "memory"}]),
                1 => json!([{"type": "binpack", "field": "cpu"}]),
                2 => json!([{"type": "random"}]),
                _ => json!([{"type": "spread", "field": "instanceId"}]),
            };
        }
    }

    fn deployment_configuration(&mut self, daemon: bool) -> Value {
        let (minimum, maximum) = *self.chance.pick(&PERCENTS);
        let threshold = match self.chance.below(4) {
            0 => json!({"type": "COUNT", "value": self.chance.below(6) + 1}),
            1 => json!({"type": "UNBOUNDED_PERCENT", "value": 50}),
            _ => Value::Null,
        };
        let circuit = json!({
            "enable": self.chance.one_in(2), "rollback": self.chance.one_in(2), "thresholdConfiguration": threshold
        });
        let (minimum, maximum) = if daemon { (minimum.min(50), 100) } else { (minimum, maximum) };
        json!({"minimumHealthyPercent": minimum, "maximumPercent": maximum, "deploymentCircuitBreaker": circuit})
    }

    /// Usually picks what works, so that there is something to lose.
    fn family_of_service(&mut self) -> &'static str {
        let all = if self.chance.one_in(3) { &FAMILIES[..] } else { &FAMILIES[..7] };
        self.chance.pick(all).name
    }

    pub(crate) fn create_service(&mut self) {
        let (cluster, name) = (*self.chance.pick(&CLUSTERS), *self.chance.pick(&SERVICES));
        let daemon = self.chance.one_in(5);
        let mut body = json!({
            "cluster": cluster, "serviceName": name, "taskDefinition": self.family_of_service(),
            "deploymentConfiguration": self.deployment_configuration(daemon),
        });
        self.add_rules(&mut body);
        if daemon {
            body["schedulingStrategy"] = json!("DAEMON");
            body["placementStrategy"] = Value::Null;
            if body["placementConstraints"][0]["type"] == "distinctInstance" {
                body["placementConstraints"] = Value::Null;
            }
        } else {
            body["desiredCount"] = json!(self.chance.below(7));
        }
        if self.chance.one_in(3) {
            body["clientToken"] = json!(format!("create-{}", self.chance.below(3)));
        }
        if self.chance.one_in(4) {
            body["healthCheckGracePeriodSeconds"] = json!(self.chance.below(30));
        }
        self.call("CreateService", &body, Purpose::Any);
    }

    pub(crate) fn update_service(&mut self) {
        let (cluster, name) = (*self.chance.pick(&CLUSTERS), *self.chance.pick(&SERVICES));
        let mut body = json!({"cluster": cluster, "service": name});
        let held = self.disk.service(&self.realm, cluster, name);
        let daemon = held.is_some_and(|held| held.scheduling.word() == "DAEMON");
        if self.chance.one_in(2) && !daemon {
            body["desiredCount"] = json!(self.chance.below(7));
        }
        if self.chance.one_in(2) {
            body["taskDefinition"] = json!(self.family_of_service());
        }
        if self.chance.one_in(4) {
            body["forceNewDeployment"] = json!(true);
        }
        if self.chance.one_in(4) {
            body["deploymentConfiguration"] = self.deployment_configuration(daemon);
        }
        if self.chance.one_in(4) {
            self.add_rules(&mut body);
        }
        if self.chance.one_in(6) {
            body["availabilityZoneRebalancing"] =
                json!(*self.chance.pick(&["ENABLED", "DISABLED"]));
        }
        self.call("UpdateService", &body, Purpose::Any);
    }

    pub(crate) fn delete_service(&mut self) {
        let (cluster, name) = (*self.chance.pick(&CLUSTERS), *self.chance.pick(&SERVICES));
        let body = json!({"cluster": cluster, "service": name, "force": !self.chance.one_in(4)});
        self.call("DeleteService", &body, Purpose::Any);
    }
}
