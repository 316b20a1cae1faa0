//! An explanation as text and as JSON.

use longshore_placement::{Constraint, Explanation, Protocol, Refusal, Refused, Step};
use serde_json::{Value, json};

use super::Question;
use super::scene::{Named, Scene};
use crate::output::{Column, plain, say, table};

const COLUMNS: [Column; 4] = [
    Column::id("INSTANCE", 0),
    Column::whole("ZONE", 1),
    Column::whole("TYPE", 2),
    Column::text("IT WOULD TAKE", 0),
];

/// Maximum number of rejected instances listed. Source: chosen by us: what fits on a screen.
const TOLD_MAX: usize = 12;

/// Prints the explanation as text.
pub(super) fn print(scene: &Scene, question: &Question, explanation: &Explanation) {
    let (placed, wanted) = (explanation.placed.len(), question.count);
    let title = plain(&question.title);
    say!("{title}: {placed} of {wanted} {} would be placed", tasks(wanted));
    let standing = &question.standing;
    if let Some(wrong) = standing.blocked.as_ref().or(standing.note.as_ref()) {
        say!("{}", plain(wrong));
    }
    if standing.blocked.is_some() {
        return;
    }
    say!("");
    let width = explanation.instances.to_string().len().max(3) + 2;
    say!("{:>width$}  container instances", explanation.instances);
    for (step, passed) in &explanation.funnel {
        if let Some(words) = words(step, scene, question) {
            say!("{passed:>width$}  {}", plain(&words));
        }
    }
    if !explanation.placed.is_empty() {
        say!("");
        say!("Placement order");
        let rows = explanation.placed.iter().filter_map(|id| scene.named.get(id)).map(row);
        table(&COLUMNS[..3], &rows.collect::<Vec<_>>());
    }
    if !explanation.refused.is_empty() {
        say!("");
        say!("Why the next task cannot be placed, closest match first");
        let mut rows = Vec::new();
        for refused in explanation.refused.iter().take(TOLD_MAX) {
            let Some(named) = scene.named.get(&refused.instance) else { continue };
            let obstacles = refused.obstacles.iter().map(|one| obstacle(one, scene, question));
            rows.push([row(named), vec![obstacles.collect::<Vec<_>>().join("; ")]].concat());
        }
        table(&COLUMNS, &rows);
        if let more @ 1.. = explanation.refused.len().saturating_sub(TOLD_MAX) {
            say!("and {more} more");
        }
    }
}

/// Each check with the number of instances that passed it, up to the first that none passed, and
/// what the closest match lacks.
pub(super) fn in_short(
    scene: &Scene,
    question: &Question,
    explanation: &Explanation,
) -> (Vec<(usize, String)>, Option<String>) {
    let mut passed = vec![(explanation.instances, "container instances".to_owned())];
    for (step, count) in &explanation.funnel {
        passed.extend(words(step, scene, question).map(|words| (*count, words)));
        if *count == 0 {
            break;
        }
    }
    let nearest = explanation.refused.first().map(|refused| {
        let obstacles = refused.obstacles.iter().map(|one| obstacle(one, scene, question));
        obstacles.collect::<Vec<_>>().join("; ")
    });
    (passed, nearest)
}

fn tasks(count: u32) -> &'static str {
    if count == 1 { "task" } else { "tasks" }
}

fn row(named: &Named) -> Vec<String> {
    vec![named.id.clone(), named.zone.to_string(), named.kind.to_string()]
}

/// What the remaining instances have passed; `None` for checks without a requirement.
fn words(step: &Step, scene: &Scene, question: &Question) -> Option<String> {
    let needs = &scene.needs;
    Some(match step {
        Step::Active => "are ACTIVE".to_owned(),
        Step::Connected => "have a connected agent".to_owned(),
        Step::Attributes if needs.attributes.is_empty() => return None,
        Step::Attributes => "have the attributes that the task definition requires".to_owned(),
        Step::Cpu => format!("have {} CPU units free", needs.cpu),
        Step::Memory => format!("have {} MiB free", needs.memory_mib),
        Step::Ports if needs.ports.is_empty() => return None,
        Step::Ports => {
            let ports: Vec<String> = needs.ports.iter().map(|port| self::port(*port)).collect();
            format!("have {} free", ports.join(", "))
        }
        Step::Gpus => format!("have {} GPUs free", needs.gpus),
        Step::Constraint(number) => match question.rules.constraints.get(*number)? {
            Constraint::DistinctInstance => format!("have no task of {}", question.group),
            Constraint::MemberOf(expression) => format!("are {expression}"),
        },
    })
}

fn port(port: longshore_placement::Port) -> String {
    let protocol = if port.protocol == Protocol::Udp { "udp" } else { "tcp" };
    format!("port {}/{protocol}", port.number)
}

/// What would have to change for a check to pass.
fn obstacle(refusal: &Refusal, scene: &Scene, question: &Question) -> String {
    let needs = &scene.needs;
    match refusal {
        Refusal::NotActive => "status ACTIVE".to_owned(),
        Refusal::NotConnected => "a connected agent".to_owned(),
        Refusal::Attribute(name) => {
            let wanted = needs.attributes.iter().find(|one| one.name == *name);
            match wanted.and_then(|one| one.value.as_ref()) {
                Some(value) => format!("attribute {name} = {value}"),
                None => format!("attribute {name}"),
            }
        }
        Refusal::Cpu(free) => {
            format!("{} more CPU units ({free} of {} free)", needs.cpu - free, needs.cpu)
        }
        Refusal::Memory(free) => {
            let wanted = needs.memory_mib;
            format!("{} more MiB ({free} of {wanted} free)", wanted - free)
        }
        Refusal::Port(one) => format!("{} free", port(*one)),
        Refusal::MachinePort(one) => {
            format!("{} free on its machine, which other instances share", port(*one))
        }
        Refusal::Gpu(free) => {
            let wanted = needs.gpus;
            format!("{} more GPUs ({free} of {wanted} free)", wanted - free)
        }
        Refusal::DistinctInstance => format!("no task of {}", question.group),
        Refusal::MemberOf(number) => match question.rules.constraints.get(*number) {
            Some(Constraint::MemberOf(expression)) => format!("to be {expression}"),
            _ => "another constraint".to_owned(),
        },
    }
}

/// The same as one JSON document.
pub(super) fn json(scene: &Scene, question: &Question, explanation: &Explanation) -> Value {
    let instance = |named: &Named| json!({"containerInstanceArn": named.arn, "availabilityZone": &*named.zone, "instanceType": &*named.kind});
    let refused = |one: &Refused| {
        let named = scene.named.get(&one.instance)?;
        let obstacles = one.obstacles.iter().map(
            |one| json!({"reason": reason(one), "itWouldTake": obstacle(one, scene, question)}),
        );
        let mut refused = instance(named);
        refused["obstacles"] = obstacles.collect();
        Some(refused)
    };
    let step = |(step, passed): &(Step, usize)| {
        words(step, scene, question).map(|words| json!({"check": words, "passed": passed}))
    };
    let placed = explanation.placed.iter().filter_map(|id| scene.named.get(id)).map(instance);
    let mut document = json!({
        "taskDefinition": scene.definition,
        "group": &*question.group,
        "count": question.count,
        "containerInstances": explanation.instances,
        "funnel": explanation.funnel.iter().filter_map(step).collect::<Vec<_>>(),
        "placed": placed.collect::<Vec<_>>(),
        "refused": explanation.refused.iter().filter_map(refused).collect::<Vec<_>>(),
    });
    for (member, text) in
        [("blocked", &question.standing.blocked), ("note", &question.standing.note)]
    {
        if let Some(text) = text {
            document[member] = json!(text);
        }
    }
    document
}

/// The failure reason that `RunTask` would give.
fn reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NotActive => "INACTIVE",
        Refusal::NotConnected => "AGENT",
        Refusal::Attribute(_) => "ATTRIBUTE",
        Refusal::Cpu(_) => "RESOURCE:CPU",
        Refusal::Memory(_) => "RESOURCE:MEMORY",
        Refusal::Port(port) | Refusal::MachinePort(port) => match port.protocol {
            Protocol::Udp => "RESOURCE:PORTS_UDP",
            Protocol::Tcp => "RESOURCE:PORTS",
        },
        Refusal::Gpu(_) => "RESOURCE:GPU",
        Refusal::DistinctInstance => "DistinctInstance placement constraint unsatisfied.",
        Refusal::MemberOf(_) => "MemberOf placement constraint unsatisfied.",
    }
}
