//! Clusters are changed, and name capacity providers.

use longshore_wire_ecs::ErrorCode;
use serde_json::json;

use super::World;

#[test]
fn settings_and_configuration_of_a_cluster_change_by_name() {
    let mut world = World::new();
    let setting = |value: &str| json!([{"name": "containerInsights", "value": value}]);
    for (operation, value) in [("UpdateClusterSettings", "enabled"), ("UpdateCluster", "disabled")]
    {
        let body = json!({"cluster": "default", "settings": setting(value)});
        assert_eq!(world.ok(operation, &body)["cluster"]["settings"], setting(value));
    }
    let configuration = json!({"executeCommandConfiguration": {"logging": "NONE"}});
    let body = json!({"cluster": "default", "configuration": configuration});
    let reply = world.ok("UpdateCluster", &body);
    assert_eq!(reply["cluster"]["configuration"], configuration);
    assert_eq!(reply["cluster"]["settings"], setting("disabled"));
    let refusal = world.refused("UpdateCluster", &json!({"cluster": "none"}));
    assert_eq!(refusal.code, ErrorCode::ClusterNotFound);
    assert_eq!(world.refused("UpdateCluster", &json!({})).code, ErrorCode::InvalidParameter);
}

#[test]
fn a_cluster_names_the_capacity_providers_that_every_account_has() {
    let mut world = World::new();
    let strategy = json!([{"capacityProvider": "FARGATE", "weight": 1, "base": 1}]);
    let body = json!({"cluster": "default", "capacityProviders": ["FARGATE", "FARGATE_SPOT"], "defaultCapacityProviderStrategy": strategy});
    world.ok("PutClusterCapacityProviders", &body);
    let shown = world.ok("DescribeClusters", &json!({}))["clusters"][0].take();
    assert_eq!(shown["capacityProviders"], json!(["FARGATE", "FARGATE_SPOT"]));
    assert_eq!(shown["defaultCapacityProviderStrategy"], strategy);
    for body in [
        json!({"cluster": "default", "capacityProviders": ["mine"], "defaultCapacityProviderStrategy": []}),
        json!({"cluster": "default", "capacityProviders": [], "defaultCapacityProviderStrategy": strategy}),
        json!({"cluster": "default", "capacityProviders": []}),
    ] {
        let refusal = world.refused("PutClusterCapacityProviders", &body);
        assert_eq!(refusal.code, ErrorCode::InvalidParameter);
    }
}

#[test]
fn the_built_in_capacity_providers_are_described() {
    let mut world = World::new();
    let all = world.ok("DescribeCapacityProviders", &json!({}));
    assert_eq!(all["capacityProviders"].as_array().map(Vec::len), Some(2));
    let first = world.ok("DescribeCapacityProviders", &json!({"maxResults": 1}));
    let rest = json!({"maxResults": 1, "nextToken": first["nextToken"]});
    let rest = world.ok("DescribeCapacityProviders", &rest);
    assert_eq!(rest["capacityProviders"][0]["name"], "FARGATE_SPOT");
    let some = json!({"capacityProviders": ["FARGATE", "mine"]});
    let some = world.ok("DescribeCapacityProviders", &some);
    assert_eq!(some["capacityProviders"][0]["status"], "ACTIVE");
    assert_eq!(some["failures"][0]["reason"], "MISSING");
}
