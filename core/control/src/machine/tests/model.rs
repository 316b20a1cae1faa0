//! Checks the implementation against the model of the ECS API: no request member is silently
//! dropped, and no answer has an error or member that its operation does not declare.

mod samples;
mod schema;

use std::collections::BTreeSet;

use longshore_wire_ecs::operation;
use serde_json::{Value, json};

use self::samples::Town;
use self::schema::{Member, Schema};
use super::World;
use crate::machine::Change;

const OFF: &str = "turning it on is refused, and while it is off ECS does nothing with this either";

/// Members that have no effect, in one operation or in all, including everything nested in them,
/// each with the reason.
const WITHOUT_EFFECT: [(&str, &str); 19] = [
    ("deploymentConfiguration.earlySuccessCriteria.healthyPercent", OFF),
    ("deploymentConfiguration.earlySuccessCriteria.sourceServiceRevisionCleanup", OFF),
    ("serviceConnectConfiguration.accessLogConfiguration", OFF),
    ("serviceConnectConfiguration.containerConfigurations", OFF),
    ("serviceConnectConfiguration.logConfiguration", OFF),
    ("serviceConnectConfiguration.namespace", OFF),
    ("serviceConnectConfiguration.services", OFF),
    ("DescribeCapacityProviders.include", "the built-in capacity providers have no tags"),
    ("ListServicesByNamespace.namespace", "no namespace has services"),
    ("ListServicesByNamespace.maxResults", "as before"),
    (
        "RegisterContainerInstance.attributes.targetId",
        "they are those of the instance that registers",
    ),
    ("RegisterContainerInstance.attributes.targetType", "as before"),
    (
        "RegisterContainerInstance.instanceIdentityDocumentSignature",
        "the certificate of AWS that would prove it is not known here",
    ),
    ("RegisterContainerInstance.totalResources.doubleValue", "CPU and memory are integers"),
    ("RegisterContainerInstance.totalResources.longValue", "as before"),
    ("RegisterContainerInstance.totalResources.stringSetValue", "as before"),
    ("RegisterContainerInstance.totalResources.type", "the name says which it is"),
    (
        "RunTask.referenceId",
        "the reference says that customers have no use for it; no answer of ECS shows it",
    ),
    ("StartTask.referenceId", "as before"),
];

const NONE: &str = "Longshore has no such thing, and the refusal names it";

/// Members that are always rejected, in one operation or in all.
const REFUSED: [(&str, &str); 18] = [
    ("capacityProviderStrategy", "tasks run on instances, whatever provides these"),
    ("containerDefinitions.resourceRequirements.sharingStrategy", NONE),
    ("deploymentConfiguration.canaryConfiguration", NONE),
    ("deploymentConfiguration.lifecycleHooks", NONE),
    ("deploymentConfiguration.linearConfiguration", NONE),
    ("ephemeralStorage", "with Fargate alone; tests of Fargate have it"),
    ("gatewayConnectors", NONE),
    ("inferenceAccelerators", "ECS refuses it too"),
    ("loadBalancers", NONE),
    ("monitoring.metricConfigurations", NONE),
    ("networkConfiguration", "with network mode awsvpc alone, which no instance has here"),
    ("overrides.containerOverrides.environmentFiles", NONE),
    ("overrides.containerOverrides.resourceRequirements", NONE),
    ("proxyConfiguration", "with network mode awsvpc alone"),
    ("serviceRegistries", NONE),
    ("trustedExecutionConfiguration", NONE),
    ("volumeConfigurations", NONE),
    ("vpcLatticeConfigurations", NONE),
];

/// The outcome of a request: the answer, what was stored, and what hosts were told.
#[derive(Debug, PartialEq)]
struct Outcome {
    answer: Result<Value, String>,
    stored: String,
    tokens: usize,
    ordered: String,
}

/// Makes a request and checks that the model allows the answer.
fn ask(schema: &Schema, world: &mut World, name: &str, body: &Value) -> Outcome {
    let model = &schema.operations[name];
    let answer = world.call(name, body);
    match &answer {
        Ok(reply) => {
            let foreign = schema.unmodelled(reply, model.response);
            assert_eq!(foreign, None, "{name} {body}");
        }
        Err(error) => {
            let code = error.code.name();
            assert!(model.errors.contains(&code), "{name} does not declare {code}: {body}");
        }
    }
    let changes = std::mem::take(&mut world.changes);
    // A token is stored with the whole request, which says nothing about its effect.
    let (tokens, stored): (Vec<_>, Vec<_>) =
        changes.into_iter().partition(|change| matches!(change, Change::Token { .. }));
    Outcome {
        answer: answer.map_err(|error| error.to_string()),
        stored: format!("{stored:?}"),
        tokens: tokens.len(),
        ordered: format!("{:?}", world.orders),
    }
}

/// Walks the members of a request.
struct Walk<'a> {
    schema: &'a Schema,
    town: &'a Town,
    operation: &'static str,
    /// Members without effect.
    dropped: BTreeSet<String>,
    /// Members that are always rejected.
    refused: BTreeSet<String>,
}

impl Walk<'_> {
    fn outcome(&self, body: &Value) -> Outcome {
        ask(self.schema, &mut self.town.copy(), self.operation, body)
    }

    /// Tries each member of a structure, which `put` turns into a whole request, and returns
    /// whether any has an effect.
    fn structure(
        &mut self,
        path: &str,
        name: &'static str,
        value: &Value,
        put: &dyn Fn(Value) -> Value,
    ) -> bool {
        let mut any = false;
        for member in &self.schema.structures[name] {
            any |= self.member(&format!("{path}.{}", member.name), *member, value, put);
        }
        any
    }

    fn member(
        &mut self,
        path: &str,
        member: Member,
        value: &Value,
        put: &dyn Fn(Value) -> Value,
    ) -> bool {
        let mut without = value.clone();
        if !member.required {
            without.as_object_mut().expect("a structure").remove(member.name);
        }
        let before = self.outcome(&put(without));
        let with = |one: Value| {
            let mut with = value.clone();
            with[member.name] = one;
            put(with)
        };
        let samples = self.schema.samples(member.kind);
        let mut tried: Vec<Outcome> =
            samples.iter().map(|one| self.outcome(&with(one.clone()))).collect();
        let refused = before.answer.is_ok() && tried.iter().all(|after| after.answer.is_err());
        tried.push(self.outcome(&put(value.clone())));
        let mut has_effect = tried.iter().any(|after| *after != before);
        let Some(inside) = self.schema.inside(member.kind) else {
            if !has_effect {
                self.dropped.insert(path.to_owned());
            }
            return has_effect;
        };
        if refused && value.get(member.name).is_none() {
            self.refused.insert(path.to_owned());
        } else {
            has_effect |= self.inside(path, member, inside, value, &with);
        }
        if !has_effect {
            self.dropped.insert(path.to_owned());
        }
        has_effect
    }

    /// Walks a member that is a structure or contains structures.
    fn inside(
        &mut self,
        path: &str,
        member: Member,
        inside: &'static str,
        value: &Value,
        with: &dyn Fn(Value) -> Value,
    ) -> bool {
        let held = value.get(member.name).cloned();
        let (is_list, is_map) = (member.kind.starts_with('['), member.kind.starts_with('{'));
        let (first, rest) = match held {
            Some(Value::Array(mut list)) if !list.is_empty() => (Some(list.remove(0)), list),
            held => (held.filter(Value::is_object).filter(|_| !is_map), Vec::new()),
        };
        let sample = first.unwrap_or_else(|| self.schema.sample(inside));
        self.structure(path, inside, &sample, &|one| {
            with(if is_list {
                [one].into_iter().chain(rest.iter().cloned()).collect()
            } else if is_map {
                json!({"k": one})
            } else {
                one
            })
        })
    }
}

/// The entries of `found` that `known` does not cover, directly or through a parent.
fn unknown<'a>(found: &'a BTreeSet<String>, known: &[(&str, &str)]) -> Vec<&'a String> {
    let begins = |path: &str, one: &str| {
        path.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let covers = |path: &str, one: &str| {
        begins(path, one) || path.split_once('.').is_some_and(|(_, path)| begins(path, one))
    };
    found.iter().filter(|path| !known.iter().any(|(one, _)| covers(path, one))).collect()
}

#[test]
fn no_member_of_a_request_is_dropped_in_silence() {
    let (schema, town) = (Schema::read(), Town::new());
    let (mut dropped, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for operation in operation::ALL.iter().filter(|operation| operation.served) {
        let name = operation.name;
        let mut walk = Walk { schema: &schema, town: &town, operation: name, dropped, refused };
        let base = town.base(name);
        let granted = walk.outcome(&base);
        assert!(granted.answer.is_ok(), "{name} {base}: {:?}", granted.answer);
        walk.structure(name, schema.operations[name].request, &base, &|whole| whole);
        (dropped, refused) = (walk.dropped, walk.refused);
    }
    for (found, known, what) in [
        (dropped, &WITHOUT_EFFECT[..], "change nothing"),
        (refused, &REFUSED, "are always refused"),
    ] {
        let news = unknown(&found, known);
        assert!(news.is_empty(), "these {what}, and nothing says why: {news:#?}");
        let stale = known.iter().filter(|one| unknown(&found, &[**one]).len() == found.len());
        let stale: Vec<_> = stale.collect();
        assert!(stale.is_empty(), "it is said that these {what}, and they do not: {stale:#?}");
    }
}

#[test]
fn whatever_is_asked_the_answer_is_one_that_the_operation_declares() {
    let (schema, town) = (Schema::read(), Town::new());
    let mut refusals = 0;
    for operation in operation::ALL.iter().filter(|operation| operation.served) {
        let name = operation.name;
        let base = town.base(name);
        for member in &schema.structures[schema.operations[name].request] {
            let mut bodies: Vec<Value> = schema
                .hostile(member.kind)
                .into_iter()
                .map(|one| {
                    let mut body = base.clone();
                    body[member.name] = one;
                    body
                })
                .collect();
            let mut without = base.clone();
            without.as_object_mut().expect("a request is an object").remove(member.name);
            bodies.push(without);
            for body in bodies {
                let outcome = ask(&schema, &mut town.copy(), name, &body);
                refusals += usize::from(outcome.answer.is_err());
            }
        }
    }
    assert!(refusals > 1_000, "only {refusals} of these were refused");
}
