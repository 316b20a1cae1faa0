//! Numbers of each framework. There may be many, so they are never together in memory.

use std::io;

use longshore_bridge::operator::{FrameworkEntry, View};
use longshore_wire_mesos::v1::TaskState;

use super::names::{ACTIVE, CALLS, EVENTS, FRAMEWORK_OPERATIONS, OFFERS, TERMINAL};

/// A number of a framework: its name behind the framework's, and where it comes from.
type Number = (String, Box<dyn Fn(&FrameworkEntry) -> f64>);

/// The numbers that each framework has, but for those of its roles, sorted by name.
fn numbers() -> Vec<Number> {
    let mut all: Vec<Number> = Vec::new();
    let mut group = |name: &'static str, parts: &'static [&'static str], has_sum: bool| {
        for part in parts {
            let key = format!("{name}/{part}");
            all.push((key.clone(), Box::new(move |entry| count(entry.number(&key)))));
        }
        if has_sum {
            let sum = move |entry: &FrameworkEntry| {
                parts.iter().map(|part| count(entry.number(&format!("{name}/{part}")))).sum()
            };
            all.push((name.to_owned(), Box::new(sum)));
        }
    };
    group("calls", &CALLS, true);
    group("events", &EVENTS, true);
    group("offers", &OFFERS, false);
    group("operations", &FRAMEWORK_OPERATIONS, true);
    group("tasks/terminal", &TERMINAL, false);
    for state in ACTIVE {
        let of = TaskState::from_str_name(&state.to_uppercase()).unwrap_or_default();
        all.push((
            format!("tasks/active/{state}"),
            Box::new(move |entry| f64::from(entry.counts().of(of))),
        ));
    }
    all.push((
        "subscribed".to_owned(),
        Box::new(|entry| if entry.view().connected { 1.0 } else { 0.0 }),
    ));
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

#[expect(clippy::cast_precision_loss, reason = "nothing is counted up to 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}

fn suppressed(entry: &FrameworkEntry) -> impl Iterator<Item = (&longshore_bridge::Role, f64)> {
    let framework = entry.view();
    framework
        .roles
        .iter()
        .map(move |role| (role, if framework.suppressed.contains(role) { 1.0 } else { 0.0 }))
}

/// Calls back with each number of each framework, in the order of keys.
pub(super) fn each(view: &View, then: &mut dyn FnMut(&str, f64)) {
    let numbers = numbers();
    let mut frameworks: Vec<(String, &FrameworkEntry)> = view
        .shown()
        .map(|entry| {
            let framework = entry.view();
            (format!("master/frameworks/{}/{}", encoded(&framework.info.name), framework.id), entry)
        })
        .collect();
    frameworks.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (prefix, entry) in frameworks {
        let (before, after) =
            numbers.split_at(numbers.partition_point(|(name, _)| &**name < "roles/"));
        for (name, value) in before {
            then(&format!("{prefix}/{name}"), value(entry));
        }
        for (role, value) in suppressed(entry) {
            then(&format!("{prefix}/roles/{role}/suppressed"), value);
        }
        for (name, value) in after {
            then(&format!("{prefix}/{name}"), value(entry));
        }
    }
}

type Line<'a> = dyn FnMut(&str, &[(&'static str, String)], f64) -> io::Result<()> + 'a;

/// Calls back with the same numbers, all frameworks of one name after another, and labels for the framework.
pub(super) fn each_family(view: &View, then: &mut Line<'_>) -> io::Result<()> {
    let labels = |entry: &FrameworkEntry| {
        let framework = entry.view();
        vec![("framework", framework.info.name.clone()), ("framework_id", framework.id.to_string())]
    };
    for (name, value) in numbers() {
        let family = super::named(&format!("master/framework/{name}"));
        for entry in view.shown() {
            then(&family, &labels(entry), value(entry))?;
        }
    }
    for entry in view.shown() {
        for (role, value) in suppressed(entry) {
            let mut labels = labels(entry);
            labels.push(("role", role.to_string()));
            then("mesos_master_framework_role_suppressed", &labels, value)?;
        }
    }
    Ok(())
}

/// Source: Mesos, `http::encode`: names are part of a path.
fn encoded(name: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let one =
        |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(one).collect()
}
