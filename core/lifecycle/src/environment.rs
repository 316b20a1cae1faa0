//! The environment of a container: from its definition and from elsewhere.
//!
//! Source: amazon-ecs-agent. Secrets take precedence over `environment`, which takes precedence
//! over environment files; of those the first with a name wins. The agent's own variables override
//! all of them, except for the region, which is left alone if anything else sets it.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::{ContainerSpec, TaskSpec};
use longshore_wire_ecs::shape::shared::KeyValuePair;

/// Variables by name.
pub type Variables = Vec<(Str, Str)>;

/// The variables for the region.
const REGION: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The sources of a container's environment in addition to its definition.
#[derive(Clone, Default)]
pub struct Sources {
    /// Its environment files, in the order of the definition.
    pub files: Vec<Variables>,
    /// Its secrets.
    pub secrets: Variables,
    /// Variables that the agent sets unless the task does.
    pub defaults: Variables,
    /// The region.
    pub region: Str,
    /// Variables that the agent always sets.
    pub agent: Variables,
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Secrets must not be logged.
        f.debug_struct("Sources").field("region", &self.region).finish_non_exhaustive()
    }
}

/// The environment of a container, with each name once.
pub fn whole(container: &ContainerSpec, sources: Sources) -> Vec<KeyValuePair> {
    let Sources { files, secrets, defaults, region, agent } = sources;
    let mut all: BTreeMap<Str, Str> = files.into_iter().rev().flatten().collect();
    for variable in container.environment.iter() {
        if let Some(name) = &variable.name {
            all.insert(name.clone(), variable.value.clone().unwrap_or_default());
        }
    }
    all.extend(secrets);
    for (name, value) in defaults {
        all.entry(name).or_insert(value);
    }
    if !region.is_empty() && REGION.iter().all(|name| !all.contains_key(*name)) {
        all.extend(REGION.map(|name| (name.into(), region.clone())));
    }
    all.extend(agent);
    let pair = |(name, value)| KeyValuePair { name: Some(name), value: Some(value) };
    all.into_iter().map(pair).collect()
}

/// The task with this environment for the container at `index`.
pub fn with(spec: &TaskSpec, index: usize, environment: Vec<KeyValuePair>) -> Arc<TaskSpec> {
    let mut spec = spec.clone();
    Arc::make_mut(&mut spec.containers)[index].environment = Arc::new(environment);
    Arc::new(spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(given: &[(&str, &str)]) -> Variables {
        given.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    /// The environment as space-separated `NAME=value` pairs.
    fn check(own: &[(&str, &str)], sources: Sources) -> String {
        let pair = |(name, value): &(&str, &str)| KeyValuePair {
            name: Some((*name).into()),
            value: Some((*value).into()),
        };
        let environment = Arc::new(own.iter().map(pair).collect());
        let container = ContainerSpec { environment, ..Default::default() };
        let text = |one: KeyValuePair| {
            format!("{}={}", one.name.unwrap_or_default(), one.value.unwrap_or_default())
        };
        whole(&container, sources).into_iter().map(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn environment_wins_over_files_and_the_first_file_over_later_ones() {
        let files =
            vec![variables(&[("A", "1"), ("B", "1")]), variables(&[("B", "2"), ("C", "2")])];
        let sources = Sources { files, ..Default::default() };
        assert_eq!(check(&[("A", "own")], sources), "A=own B=1 C=2");
    }

    #[test]
    fn of_equal_names_the_last_one_wins() {
        assert_eq!(check(&[("A", "1"), ("A", "2")], Sources::default()), "A=2");
    }

    #[test]
    fn secrets_win_over_environment_and_the_agent_over_all() {
        let (secrets, agent) = (variables(&[("A", "s"), ("B", "s")]), variables(&[("B", "agent")]));
        let sources = Sources { secrets, agent, ..Default::default() };
        assert_eq!(check(&[("A", "own"), ("B", "own")], sources), "A=s B=agent");
    }

    #[test]
    fn defaults_give_way() {
        let sources =
            Sources { defaults: variables(&[("A", "d"), ("B", "d")]), ..Default::default() };
        assert_eq!(check(&[("A", "own")], sources), "A=own B=d");
    }

    #[test]
    fn a_region_is_said_only_where_nobody_else_says_one() {
        let sources = Sources { region: "eu-west-1".into(), ..Default::default() };
        let both = "AWS_DEFAULT_REGION=eu-west-1 AWS_REGION=eu-west-1";
        assert_eq!(check(&[], sources.clone()), both);
        let own = [("AWS_DEFAULT_REGION", "us-west-2")];
        assert_eq!(check(&own, sources.clone()), "AWS_DEFAULT_REGION=us-west-2");
        let files = vec![variables(&[("AWS_REGION", "us-west-2")])];
        assert_eq!(check(&[], Sources { files, ..sources }), "AWS_REGION=us-west-2");
    }
}
