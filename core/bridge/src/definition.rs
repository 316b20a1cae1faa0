//! Task definitions: found by name, or registered once for equal content.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_replica::{Answer, Ask, Definition, Failure};
use longshore_wire_ecs::Str;

use crate::amounts::Amounts;
use crate::launch;
use crate::limits;
use crate::machine::Output;
use crate::mapping::{Plan, cpu_units};
use crate::state::{Bridge, Purpose, Timer};
use crate::work::{self, Job};

/// What is known of task definitions.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    found: BTreeMap<String, (Timestamp, Definition)>,
    /// Launches that wait, by what they wait for.
    waiting: BTreeMap<String, Vec<Str>>,
    /// Launches that look again, since the cluster did not say.
    late: Vec<Str>,
}

/// Looks again for what the cluster did not say.
pub(crate) fn look_again(bridge: &mut Bridge, now: Timestamp, out: &mut Vec<Output>) {
    let late = std::mem::take(&mut bridge.definitions.late);
    work::begin(bridge, now, Job::Prepare(late.into_iter()), out);
}

/// Those who wait for a definition cannot be run.
fn give_up(bridge: &mut Bridge, now: Timestamp, key: &str, why: &Str, out: &mut Vec<Output>) {
    let waiting = bridge.definitions.waiting.remove(key).unwrap_or_default();
    work::begin(bridge, now, Job::Refuse(waiting.into_iter(), why.clone()), out);
}

/// What a launch waits for: a name, or the family of its content.
fn key(bridge: &Bridge, id: &Str) -> Option<(String, Str)> {
    let plan = bridge.launches.get(id)?.plan.as_ref()?;
    if let Some(named) = &plan.named {
        return Some((format!("name {named}"), named.clone()));
    }
    let content = plan.content.as_ref()?;
    Some((format!("content {}", content.family), content.family.clone()))
}

/// The definition of a launch, if it is known; else the launch waits for it.
pub(crate) fn resolve(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    out: &mut Vec<Output>,
) -> Option<Result<Definition, String>> {
    let (key, name) = key(bridge, id)?;
    if let Some((at, found)) = bridge.definitions.found.get(&key)
        && (now.since(*at) < limits::DEFINITION_FRESH_MS || key.starts_with("content "))
    {
        return Some(Ok(found.clone()));
    }
    let waiting = bridge.definitions.waiting.entry(key.clone()).or_default();
    waiting.push(id.clone());
    if waiting.len() == 1 {
        bridge.ask(Purpose::Definition(key), Ask::DescribeDefinition(name), out);
    }
    None
}

/// What came of a look-up or a registration.
pub(crate) fn answered(
    bridge: &mut Bridge,
    now: Timestamp,
    key: &str,
    result: Result<Answer, Failure>,
    out: &mut Vec<Output>,
) {
    match result {
        Ok(Answer::Definition(Some(found)))
            if found.active && matches_content(bridge, key, &found) =>
        {
            bridge.definitions.found.insert(key.to_owned(), (now, found));
            let waiting = bridge.definitions.waiting.remove(key).unwrap_or_default();
            work::begin(bridge, now, Job::Prepare(waiting.into_iter()), out);
        }
        Ok(_) if key.starts_with("content ") => register(bridge, key, out),
        Ok(_) => not_there(bridge, now, key, out),
        Err(Failure::Refused { code, message }) => {
            let why: Str = format!("no task definition: {code}: {message}").into();
            give_up(bridge, now, key, &why, out);
        }
        Err(failure) => {
            out.push(Output::Note(format!("cannot look up {key}, will retry: {failure}")));
            let waiting = bridge.definitions.waiting.remove(key).unwrap_or_default();
            bridge.definitions.late.extend(waiting);
            bridge.at(now + limits::READ_RETRY_MS, Timer::Definitions);
        }
    }
}

/// The plan of a launch that still waits. Those that were killed meanwhile have gone.
fn waiting_plan<'a>(bridge: &'a Bridge, key: &str) -> Option<&'a Plan> {
    let waiting = bridge.definitions.waiting.get(key)?;
    waiting.iter().find_map(|id| bridge.launches.get(id)?.plan.as_deref())
}

/// Whether a definition that was found under the name of a content is of that content.
fn matches_content(bridge: &Bridge, key: &str, found: &Definition) -> bool {
    let plan = waiting_plan(bridge, key);
    let content = plan.filter(|plan| plan.named.is_none()).and_then(|plan| plan.content.as_ref());
    content.is_none_or(|content| found.images.first() == Some(&content.image))
}

fn register(bridge: &mut Bridge, key: &str, out: &mut Vec<Output>) {
    let plan = waiting_plan(bridge, key);
    if let Some(content) = plan.and_then(|plan| plan.content.clone()) {
        bridge.ask(
            Purpose::Definition(key.to_owned()),
            Ask::RegisterDefinition(Box::new(content)),
            out,
        );
    } else {
        // Those who waited have ended meanwhile.
        bridge.definitions.waiting.remove(key);
    }
}

/// A name that no definition has: a command after all, where there is something to run it in.
fn not_there(bridge: &mut Bridge, now: Timestamp, key: &str, out: &mut Vec<Output>) {
    let waiting = bridge.definitions.waiting.remove(key).unwrap_or_default();
    work::begin(bridge, now, Job::Unname(waiting.into_iter()), out);
}

/// There is no definition of the name that a launch waited for.
pub(crate) fn unname(bridge: &mut Bridge, now: Timestamp, id: &Str, out: &mut Vec<Output>) {
    let Some(plan) = bridge.launches.get_mut(id).and_then(|launch| launch.plan.as_mut()) else {
        return;
    };
    if plan.content.is_some() {
        plan.named = None;
        launch::prepare(bridge, now, id, out);
    } else {
        let name = plan.named.clone().unwrap_or_else(|| "".into());
        let why = format!(
            "the command names the task definition {name}, which is not registered or not ACTIVE"
        );
        launch::refuse(bridge, now, id, &why, out);
    }
}

/// Where what a framework claims differs from what the definition reserves.
pub(crate) fn difference(found: &Definition, claim: &Amounts) -> Option<String> {
    let mut differences = Vec::new();
    let claimed = cpu_units(claim);
    if claimed != found.cpu {
        differences.push(format!("{claimed} CPU units claimed, {} reserved", found.cpu));
    }
    let claimed = claim.scalar("mem").div_ceil(1000);
    if claimed != u64::from(found.memory_mib) {
        differences.push(format!("{claimed} MiB claimed, {} reserved", found.memory_mib));
    }
    let unclaimed: Vec<String> = found
        .ports
        .iter()
        .filter(|port| !claim.ports.contains(u64::from(**port)))
        .map(ToString::to_string)
        .collect();
    if !unclaimed.is_empty() {
        differences.push(format!("ports {} reserved and not claimed", unclaimed.join(", ")));
    }
    (!differences.is_empty()).then(|| {
        format!(
            "the claim differs from the task definition {}: {}",
            found.arn,
            differences.join("; ")
        )
    })
}
