//! What a follower of the bus wants to see: events that match a pattern, events about one cluster,
//! or all.

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Arn, Realm};
use serde::Deserialize;

use crate::event::Event;
use crate::limits;
use crate::pattern::{Pattern, Pins, Work};

/// Selects events of a realm.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pattern: Option<(Pattern, Pins)>,
    /// The name of a cluster.
    cluster: Option<Str>,
}

/// Why a filter is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    /// The pattern is invalid.
    #[error("the event pattern is not valid: {0}")]
    Pattern(String),
    /// Not a valid cluster name or ARN.
    #[error("{0:?} is neither the name of a cluster (up to {max} letters, digits, '-' and '_') nor its ARN", max = limits::CLUSTER_CHARS_MAX)]
    Cluster(String),
    /// The cluster belongs to another account or region.
    #[error("the cluster {0} belongs to another account or region")]
    Elsewhere(String),
}

impl Filter {
    /// A filter for the events of `realm` that match `pattern` and are about `cluster` (a name or
    /// an ARN), where given.
    ///
    /// # Errors
    /// When the pattern or the cluster is invalid.
    pub fn new(
        realm: &Realm,
        pattern: Option<&str>,
        cluster: Option<&str>,
    ) -> Result<Self, BadFilter> {
        let pattern = pattern.map(Pattern::parse).transpose().map_err(BadFilter::Pattern)?;
        let pattern = pattern.map(|pattern| {
            let pins = pattern.pins();
            (pattern, pins)
        });
        Ok(Self { pattern, cluster: cluster.map(|text| name_of(realm, text)).transpose()? })
    }

    /// Whether an event is wanted. Parses the event only if source, type and resources do not
    /// decide.
    pub fn wants(&self, realm: &Realm, event: &Event) -> bool {
        if !self.cluster.as_ref().is_none_or(|name| is_about(event, name)) {
            return false;
        }
        let Some((pattern, pins)) = &self.pattern else { return true };
        pins.allow(&event.source, &event.detail_type)
            && (pins.complete || {
                // A single pattern costs no more than a few passes over the event.
                pattern.matches(&event.json(realm).canonical(), &mut Work::unbounded())
            })
    }
}

/// Whether an event is about a cluster: by the ARNs of its resources or, where those are short, by its detail. Deployments of a
/// service with a short ARN tell neither.
fn is_about(event: &Event, name: &str) -> bool {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Detail {
        cluster_arn: Option<String>,
    }
    let named = event.resources.iter().any(|arn| cluster_of(arn) == Some(name));
    let is_short = |arn: &Str| Arn::parse(arn).is_some_and(|_| cluster_of(arn).is_none());
    named
        || (event.resources.iter().any(is_short) && {
            let detail: Detail = serde_json::from_str(&event.detail).unwrap_or_default();
            detail.cluster_arn.as_deref().and_then(cluster_of) == Some(name)
        })
}

/// The cluster that a resource of an event belongs to.
fn cluster_of(arn: &str) -> Option<&str> {
    let arn = Arn::parse(arn)?;
    if arn.kind == "cluster" { Some(arn.rest) } else { arn.cluster() }
}

fn name_of(realm: &Realm, text: &str) -> Result<Str, BadFilter> {
    let bad = || BadFilter::Cluster(text.to_owned());
    let name = match Arn::parse(text) {
        Some(arn) if arn.kind != "cluster" => return Err(bad()),
        Some(arn) if !arn.is_in(realm) => return Err(BadFilter::Elsewhere(text.to_owned())),
        Some(arn) => arn.rest,
        None => text,
    };
    let valid = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    let length = 1..=limits::CLUSTER_CHARS_MAX;
    if length.contains(&name.len()) && name.chars().all(valid) {
        Ok(name.into())
    } else {
        Err(bad())
    }
}

#[cfg(test)]
mod tests {
    use longshore_machine::Timestamp;

    use super::*;

    fn realm() -> Realm {
        Realm::new("us-east-1", "123456789012")
    }

    fn event(resource: &str, status: &str) -> Event {
        Event {
            id: "1".into(),
            source: "aws.ecs".into(),
            detail_type: "ECS Task State Change".into(),
            time: Timestamp::from_millis(0),
            resources: vec![realm().arn(format_args!("{resource}"))],
            detail: format!("{{\"lastStatus\":\"{status}\"}}").into(),
        }
    }

    fn wants(pattern: Option<&str>, cluster: Option<&str>, event: &Event) -> bool {
        Filter::new(&realm(), pattern, cluster).expect("it is a filter").wants(&realm(), event)
    }

    #[test]
    fn a_filter_without_conditions_wants_everything() {
        assert!(wants(None, None, &event("task/a/1", "RUNNING")));
        assert!(Filter::default().wants(&realm(), &event("task/a/1", "RUNNING")));
    }

    #[test]
    fn a_pattern_decides_by_what_is_pinned_or_by_the_detail() {
        let running = event("task/a/1", "RUNNING");
        for (pattern, wanted) in [
            (r#"{"source":["aws.ecs"]}"#, true),
            (r#"{"source":["my.app"]}"#, false),
            (r#"{"detail-type":["ECS Service Action"]}"#, false),
            (r#"{"source":["my.app"],"detail":{"lastStatus":["RUNNING"]}}"#, false),
            (r#"{"detail":{"lastStatus":["RUNNING"]}}"#, true),
            (r#"{"detail":{"lastStatus":["STOPPED"]}}"#, false),
        ] {
            assert_eq!(wants(Some(pattern), None, &running), wanted, "{pattern}");
        }
    }

    #[test]
    fn a_cluster_is_named_by_the_resources_of_its_events() {
        let arn = "arn:aws:ecs:us-east-1:123456789012:cluster/a";
        for resource in ["task/a/1", "container-instance/a/1", "service/a/web", "cluster/a"] {
            assert!(wants(None, Some("a"), &event(resource, "x")), "{resource}");
            assert!(wants(None, Some(arn), &event(resource, "x")), "{resource}");
            assert!(!wants(None, Some("b"), &event(resource, "x")), "{resource}");
        }
        for cluster in ["a", "b"] {
            let short = Event {
                detail: format!(
                    "{{\"clusterArn\":\"arn:aws:ecs:us-east-1:123456789012:cluster/{cluster}\"}}"
                )
                .into(),
                ..event("task/00112233-4455-6677-8899-aabbccddeeff", "x")
            };
            assert_eq!(wants(None, Some("a"), &short), cluster == "a");
        }
        let foreign = Event { resources: vec!["a".into()], ..event("task/a/1", "x") };
        assert!(!wants(None, Some("a"), &foreign));
    }

    #[test]
    fn what_is_no_filter_is_refused_with_the_reason() {
        let said = |pattern: Option<&str>, cluster: Option<&str>| {
            Filter::new(&realm(), pattern, cluster).expect_err("it is none").to_string()
        };
        assert!(said(Some("{"), None).starts_with("the event pattern is not valid: "));
        let task = "arn:aws:ecs:us-east-1:123456789012:task/a/1";
        for name in ["", "a b", "a/b", task, &"x".repeat(256)] {
            assert!(said(None, Some(name)).contains("neither the name"), "{name}");
        }
        for realm in ["eu-west-1:123456789012", "us-east-1:1"] {
            let arn = format!("arn:aws:ecs:{realm}:cluster/a");
            assert!(said(None, Some(&arn)).contains("another account or region"), "{arn}");
        }
    }
}
