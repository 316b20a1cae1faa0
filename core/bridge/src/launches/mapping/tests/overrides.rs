//! What does not fit into the overrides of a launch.

use longshore_wire_ecs::fetch::SANDBOX_VARIABLES;
use longshore_wire_ecs::limits::OVERRIDES_CHARS_MAX;
use serde_json::json;

use super::*;

fn with_environment(command: CommandInfo, variables: &[(&str, &str)]) -> TaskInfo {
    task(CommandInfo { environment: Some(environment(variables)), ..command })
}

/// What of a task's environment is in its content, where the sandbox always is.
fn moved(content: &DefinitionContent) -> Vec<&str> {
    let names = content.environment.keys().map(|name| &**name);
    names.filter(|name| !SANDBOX_VARIABLES.contains(name)).collect()
}

/// As the request has them.
fn chars(plan: &Plan) -> usize {
    let pairs = plan.environment.iter();
    let pairs: Vec<_> = pairs.map(|(name, value)| json!({"name": name, "value": value})).collect();
    let mut one = json!({"name": "task", "environment": pairs, "cpu": 2_147_483_647, "memory": 2_147_483_647});
    if let Some(command) = &plan.command {
        one["command"] = json!(command);
    }
    let fetch = plan.fetch.iter().map(|order| {
        json!({"name": "fetch", "environment": [{"name": "LONGSHORE_FETCH", "value": order}]})
    });
    let all: Vec<_> = std::iter::once(one).chain(fetch).collect();
    json!({"containerOverrides": all}).to_string().len()
}

#[test]
fn what_is_largest_goes_into_the_definition_and_what_is_small_stays() {
    let large = "x".repeat(8_000);
    let plan = planned(&with_environment(shell("sleep 1"), &[("LARGE", &large), ("ID", "1")]));
    let content = plan.content.clone().expect("nothing is named");
    assert_eq!(moved(&content), ["LARGE"]);
    assert_eq!(&*content.environment["LARGE"], large);
    assert_eq!((variable(&plan, "ID").as_deref(), variable(&plan, "LARGE")), (Some("1"), None));
    assert_eq!((content.command, plan.command.clone()), (None, words(&["sleep 1"])));
    let other = planned(&with_environment(shell("sleep 2"), &[("LARGE", &large), ("ID", "2")]));
    assert_eq!(other.content.expect("unnamed").family, content.family, "what is large is equal");
}

#[test]
fn a_command_that_is_too_large_goes_into_the_definition() {
    let large = "x ".repeat(10_000);
    let plan = planned(&with_environment(shell(&large), &[("A", "1")]));
    assert_eq!(
        (plan.content.clone().expect("unnamed").command, plan.command.clone()),
        (words(&[&large]), None)
    );
    assert_eq!(variable(&plan, "A").as_deref(), Some("1"));
}

#[test]
fn whatever_a_task_brings_the_overrides_fit_and_tell_the_task() {
    for (count, each) in [(1, 7_900), (100, 70), (100, 100), (400, 40), (3, 9_000), (1, 60_000)] {
        // Quotes and line ends take two characters each.
        let value = "\"\n".repeat(each / 4);
        let names: Vec<String> = (0..count).map(|number| format!("V{number}")).collect();
        let variables: Vec<(&str, &str)> = names.iter().map(|name| (&**name, &*value)).collect();
        let plan = planned(&with_environment(shell(&value), &variables));
        assert!(chars(&plan) <= OVERRIDES_CHARS_MAX, "{count} of {each}: {}", chars(&plan));
        for ours in
            ["MESOS_TASK_ID", "MESOS_FRAMEWORK_ID", "MESOS_ALLOCATION_ROLE", "LONGSHORE_CLAIM"]
        {
            assert!(variable(&plan, ours).is_some(), "{ours}");
        }
        let content = plan.content.expect("nothing is named");
        assert_eq!(moved(&content).len() + plan.environment.len(), count + 4);
    }
}

#[test]
fn what_fits_stays_as_it_is() {
    let value = "x".repeat(7_500);
    let plan = planned(&with_environment(shell("sleep 1"), &[("A", &value)]));
    assert!(moved(&plan.content.expect("nothing is named")).is_empty());
}

#[test]
fn what_cannot_go_into_a_definition_is_refused() {
    let large = "x".repeat(9_000);
    let named = with_environment(shell("web:3"), &[("LARGE", &large)]);
    let refused = try_plan(&named).expect_err("the definition is not ours");
    assert!(refused.contains("8192"), "{refused}");
    let ports = Ranges::of((0..2_000).map(|number| 10_000 + number * 2));
    let refused = try_plan_of(&task(shell("sleep 1")), &Amounts::of(1, 1, 0, ports))
        .expect_err("recovery reads the claim there");
    assert!(refused.contains("claim"), "{refused}");
}

#[test]
fn what_neither_overrides_nor_a_definition_can_hold_is_refused_at_once() {
    let why = try_plan(&task(shell(&"x".repeat(80_000)))).expect_err("ECS takes no such command");
    assert!(why.contains("80000 bytes") && why.contains("at most 73728"), "{why}");
}
