//! The Mesos master API: each call of the scheduler API with its worst valid bodies, and the
//! operator pages.

mod bodies;
mod town;

use anyhow::{Context as _, Result};
use longshore_bridge::{CallId, Input};
use longshore_wire_mesos::v1::framework_info::Capability;
use longshore_wire_mesos::v1::framework_info::capability::Type as CapabilityType;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::{FrameworkId, FrameworkInfo};

use self::town::{Framework, Longest, TASKS, Town, kind};
use super::Sheet;

pub(crate) fn run(sheet: &mut Sheet) -> Result<()> {
    let mut town = Town::new();
    let (read, _) = town.pass(1_000);
    sheet.note("start, with 100,000 tasks on 10,000 instances", read);
    let owner = subscriptions(sheet, &mut town)?;
    reconciliations(sheet, &mut town, &owner);
    let wide = roles(sheet, &mut town)?;
    offers(sheet, &mut town, &wide);
    launches(sheet, &mut town, &wide)?;
    others(sheet, &mut town, &wide);
    pages(sheet, &mut town);
    let ends = town.call_of(&owner, kind(Type::Teardown));
    note(sheet, &format!("TEARDOWN with {TASKS} tasks"), ends);
    Ok(())
}

fn note(sheet: &mut Sheet, name: &str, longest: Longest) {
    sheet.note(name, longest.call);
    let (after, kind) = longest.after;
    if after > longest.call {
        sheet.note(&format!("{name}, then: {kind}"), after);
    }
}

fn info(name: &str, roles: Vec<String>) -> FrameworkInfo {
    let multi_role = Capability { r#type: Some(CapabilityType::MultiRole.into()) };
    FrameworkInfo {
        name: name.to_owned(),
        id: Some(FrameworkId { value: name.to_owned() }),
        failover_timeout: Some(1e6),
        capabilities: vec![multi_role],
        roles,
        ..Default::default()
    }
}

/// Subscribes the framework that owns all tasks, which wants no offers.
fn subscriptions(sheet: &mut Sheet, town: &mut Town) -> Result<Framework> {
    let owner = || info("large", vec!["*".to_owned()]);
    let (longest, _) = town.subscribe(owner(), vec!["*".to_owned()]);
    note(sheet, &format!("SUBSCRIBE with {TASKS} updates to repeat"), longest);
    let (longest, framework) = town.subscribe(owner(), vec!["*".to_owned()]);
    note(sheet, "SUBSCRIBE again, from another place", longest);
    for number in 0..200 {
        let name = format!("small-{number}");
        town.subscribe(info(&name, vec![name.clone()]), vec![name.clone()]);
    }
    framework.context("a framework of our own cannot subscribe")
}

fn reconciliations(sheet: &mut Sheet, town: &mut Town, owner: &Framework) {
    let (updates, spent) = (town.updates, town.spent);
    let longest = town.call_of(owner, bodies::reconcile(0));
    let (answers, took) = (town.updates - updates, town.spent.saturating_sub(spent));
    note(sheet, &format!("RECONCILE of all {answers} tasks"), longest);
    sheet.total(&format!("RECONCILE of all {answers} tasks, all steps"), took, "250 ms");
    note(sheet, "RECONCILE of 1,000,000 names", town.call_of(owner, bodies::reconcile(1_000_000)));
    let longest = town.call_of(owner, bodies::reconcile_operations(500_000));
    note(sheet, "RECONCILE_OPERATIONS of 500,000", longest);
}

/// Frameworks with the maximum number of roles; returns the one that keeps them.
fn roles(sheet: &mut Sheet, town: &mut Town) -> Result<Framework> {
    let names = |count: usize| (0..count).map(|number| format!("role/{number:06}")).collect();
    let (longest, none) = town.subscribe(info("greedy", names(100_000)), Vec::new());
    note(sheet, "SUBSCRIBE with 100,000 roles, refused", longest);
    anyhow::ensure!(none.is_none(), "100,000 roles are taken");
    let (longest, _) = town.subscribe(info("wide", names(10_000)), names(9_999));
    note(sheet, "SUBSCRIBE with 10,000 roles, 9,999 of them suppressed", longest);
    let (longest, wide) = town.subscribe(info("wide", names(10_000)), Vec::new());
    note(sheet, "SUBSCRIBE with 10,000 roles", longest);
    let wide = wide.context("10,000 roles are not taken")?;
    note(sheet, "SUPPRESS of 10,000 roles", town.call_of(&wide, bodies::suppress(names(10_000))));
    note(
        sheet,
        "SUPPRESS of 1,000,000 roles",
        town.call_of(&wide, bodies::suppress(names(1_000_000))),
    );
    note(sheet, "REVIVE of 10,000 roles", town.call_of(&wide, bodies::revive(names(10_000))));
    Ok(wide)
}

/// The ids of all offers that a framework gets within a minute, since readings of so many agents
/// are paced.
fn held(town: &mut Town, framework: &Framework) -> Vec<String> {
    town.pass(60_000);
    let held = town.offers.remove(&framework.stream).unwrap_or_default();
    held.into_iter().map(|offer| offer.id.value).collect()
}

fn offers(sheet: &mut Sheet, town: &mut Town, wide: &Framework) {
    let ids = held(town, wide);
    let name = format!("DECLINE of {} offers", ids.len());
    note(sheet, &name, town.call_of(wide, bodies::decline(ids, 3.0)));
    town.pass(5_000);
    let roles = (0..10_000).map(|number| format!("role/{number:06}")).collect();
    note(sheet, "REVIVE once all is declined", town.call_of(wide, bodies::revive(roles)));
    let made_up = |count: usize| (0..count).map(|number| format!("offer-{number}")).collect();
    note(
        sheet,
        "DECLINE of 1,000,000 names",
        town.call_of(wide, bodies::decline(made_up(1_000_000), 5.0)),
    );
    let ids = held(town, wide);
    let name = format!("ACCEPT of {} offers of as many agents", ids.len());
    note(sheet, &name, town.call_of(wide, bodies::accept(ids, Vec::new())));
    let accept = bodies::accept(made_up(1_000_000), Vec::new());
    note(sheet, "ACCEPT of 1,000,000 names", town.call_of(wide, accept));
}

/// The next offer of a framework, from the agent with fragmented ports or from another.
fn offer(
    town: &mut Town,
    framework: &Framework,
    fragmented: bool,
) -> Result<longshore_wire_mesos::v1::Offer> {
    town.pass(60_000);
    let held = town.offers.entry(framework.stream).or_default();
    let is_right = |id: &str| id.trim_start_matches('0').is_empty() == fragmented;
    let at = held.iter().position(|offer| is_right(&offer.agent_id.value));
    Ok(held.swap_remove(at.context("no such offer")?))
}

fn launches(sheet: &mut Sheet, town: &mut Town, wide: &Framework) -> Result<()> {
    type Tasks = fn(&longshore_wire_mesos::v1::Offer) -> Vec<longshore_wire_mesos::v1::TaskInfo>;
    let cases: [(&str, bool, Tasks); 6] = [
        ("ACCEPT that launches 90,000 small tasks", false, bodies::small_tasks),
        ("ACCEPT that launches 100,000 tasks that are wrong", false, bodies::wrong_tasks),
        ("ACCEPT that launches 120 tasks of 256 KiB", false, bodies::large_tasks),
        (
            "ACCEPT that launches 10,000 tasks with a port each of 16,000 ranges",
            true,
            bodies::port_tasks,
        ),
        ("ACCEPT that launches a task with 16,000 ranges of ports", true, bodies::range_task),
        ("ACCEPT that launches 2,000 tasks that ask for too much", true, bodies::huge_tasks),
    ];
    for (name, fragmented, tasks) in cases {
        let offer = offer(town, wide, fragmented)?;
        let accept = bodies::accept(vec![offer.id.value.clone()], tasks(&offer));
        note(sheet, name, town.call_of(wide, accept));
    }
    Ok(())
}

fn others(sheet: &mut Sheet, town: &mut Town, wide: &Framework) {
    note(sheet, "MESSAGE of 32 MB", town.call_of(wide, bodies::message(32_000_000)));
    note(sheet, "REQUEST of 1,000,000", town.call_of(wide, bodies::request(1_000_000)));
    note(sheet, "KILL of a name of 1 MB", town.call_of(wide, bodies::kill("x".repeat(1_000_000))));
    let narrow = info("wide", vec!["another".to_owned()]);
    let update = bodies::update_framework(narrow);
    note(sheet, "UPDATE_FRAMEWORK that drops 10,000 roles", town.call_of(wide, update));
    note(sheet, "the end of a stream with all offers", town.input(Input::StreamEnded(wide.stream)));
}

fn pages(sheet: &mut Sheet, town: &mut Town) {
    note(sheet, "a view for operators", town.input(Input::Inspected(CallId(0))));
}
