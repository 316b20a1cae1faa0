//! Pages, written piece by piece: a large one takes many steps, and others are served in between.
//!
//! A page is a snapshot of each of its parts as it is written, not of all at one moment. A page is written once at a time:
//! whoever asks meanwhile gets the next one, together with all others who do.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use serde_json::{Value, json};

use super::metrics::Sums;
use super::{completed_task, framework, metrics, offer, resources, slave, state, task};
use crate::amounts::Amounts;
use crate::framework::Framework;
use crate::machine::{CallId, Output, Page, Response};
use crate::state::Bridge;
use crate::work::{self, Job, Slice, Units};

/// Bytes of one piece of a page, about.
const PIECE_BYTES: usize = 256 * 1024;

/// A page that is being written.
#[derive(Debug)]
pub(crate) struct Rendering {
    page: Page,
    calls: Vec<CallId>,
    /// Pieces that are done: one that grew would be copied again and again.
    done: Vec<Vec<u8>>,
    body: Vec<u8>,
    parts: VecDeque<Part>,
    /// What the framework at hand uses.
    used: Amounts,
    /// What is offered to it.
    offered: Amounts,
    sums: Sums,
}

/// Which frameworks.
#[derive(Clone, Copy, Debug)]
enum Of {
    Known,
    Completed,
}

/// What is still to be written. Lists go on behind what was written of them.
#[derive(Debug)]
enum Part {
    Text(&'static str),
    State,
    Agents(Option<Str>),
    Frameworks(Of, std::vec::IntoIter<Str>),
    /// Live tasks of a framework, up to this one.
    Tasks(Str, Option<String>),
    /// Tasks of a framework that ended, up to this one.
    Ended(Of, Str, usize),
    Offers(std::vec::IntoIter<Str>),
    /// The end of a framework: what it has together.
    Sums,
    /// Tasks of frameworks alone.
    AllTasks(Of, std::vec::IntoIter<Str>),
    /// Adds up launches.
    CountTasks(Option<Str>),
    /// Adds up agents.
    CountAgents(Option<Str>),
    Metrics,
}

/// Asks for a page.
pub(crate) fn ask(
    bridge: &mut Bridge,
    now: Timestamp,
    call: CallId,
    page: Page,
    out: &mut Vec<Output>,
) {
    if let Some(waiting) = bridge.pages.get_mut(&page) {
        waiting.push(call);
        return;
    }
    bridge.pages.insert(page, Vec::new());
    begin(bridge, now, page, vec![call], out);
}

fn begin(
    bridge: &mut Bridge,
    now: Timestamp,
    page: Page,
    calls: Vec<CallId>,
    out: &mut Vec<Output>,
) {
    let rendering = Rendering {
        page,
        calls,
        done: Vec::new(),
        body: Vec::with_capacity(PIECE_BYTES),
        parts: parts(bridge, page).into(),
        used: Amounts::default(),
        offered: Amounts::default(),
        sums: Sums::default(),
    };
    work::begin(bridge, now, Job::Page(Box::new(rendering)), out);
}

fn parts(bridge: &Bridge, page: Page) -> Vec<Part> {
    let known = || bridge.frameworks.keys().cloned().collect::<Vec<Str>>().into_iter();
    let completed = bridge.completed.iter().map(|framework| framework.id.clone());
    let completed = completed.collect::<Vec<Str>>().into_iter();
    let frameworks = vec![
        Part::Text("\"frameworks\":["),
        Part::Frameworks(Of::Known, known()),
        Part::Text("],\"completed_frameworks\":["),
        Part::Frameworks(Of::Completed, completed.clone()),
        Part::Text("],\"unregistered_frameworks\":[]}"),
    ];
    let mut parts = match page {
        Page::State => vec![
            Part::State,
            Part::Text(",\"slaves\":["),
            Part::Agents(None),
            Part::Text("],\"recovered_slaves\":[],\"orphan_tasks\":[],"),
        ],
        Page::Slaves => vec![
            Part::Text("{\"slaves\":["),
            Part::Agents(None),
            Part::Text("],\"recovered_slaves\":[]}"),
        ],
        Page::Tasks => vec![
            Part::Text("{\"tasks\":["),
            Part::AllTasks(Of::Known, known()),
            Part::AllTasks(Of::Completed, completed),
            Part::Text("]}"),
        ],
        Page::Frameworks => vec![Part::Text("{")],
        Page::Metrics => vec![Part::CountTasks(None), Part::CountAgents(None), Part::Metrics],
    };
    if matches!(page, Page::State | Page::Frameworks) {
        parts.extend(frameworks);
    }
    parts
}

fn find<'a>(bridge: &'a Bridge, of: Of, id: &Str) -> Option<&'a Framework> {
    match of {
        Of::Known => bridge.frameworks.get(id),
        Of::Completed => bridge.completed.iter().find(|framework| framework.id == *id),
    }
}

fn behind<T: ?Sized>(last: Option<&T>) -> (Bound<&T>, Bound<&T>) {
    (last.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

impl Rendering {
    /// The next slice.
    pub(crate) fn go_on(
        &mut self,
        bridge: &mut Bridge,
        now: Timestamp,
        units: &mut Units,
        out: &mut Vec<Output>,
    ) -> Slice {
        while let Some(part) = self.parts.pop_front() {
            if !units.take(1) {
                self.parts.push_front(part);
                return Slice::Open;
            }
            self.part(bridge, now, part, units);
            // The last byte tells whether a list has begun, so it stays.
            if self.body.len() > PIECE_BYTES - PIECE_BYTES / 8
                && let Some(last) = self.body.pop()
            {
                let mut next = Vec::with_capacity(PIECE_BYTES);
                next.push(last);
                self.done.push(std::mem::replace(&mut self.body, next));
            }
        }
        self.done.push(std::mem::take(&mut self.body));
        let body: Arc<[Vec<u8>]> = std::mem::take(&mut self.done).into();
        for call in self.calls.drain(..) {
            out.push(Output::Respond(call, Response::Json(body.clone())));
        }
        let waiting = bridge.pages.get_mut(&self.page).map(std::mem::take).unwrap_or_default();
        if waiting.is_empty() {
            bridge.pages.remove(&self.page);
        } else {
            begin(bridge, now, self.page, waiting, out);
        }
        Slice::Done
    }

    /// One more element of the list at hand.
    fn element(&mut self, value: &Value) {
        if !self.body.ends_with(b"[") {
            self.body.push(b',');
        }
        self.value(value);
    }

    fn value(&mut self, value: &Value) {
        serde_json::to_writer(&mut self.body, value).expect("JSON values can be written");
    }

    /// An object that goes on.
    fn open(&mut self, value: &Value) {
        self.value(value);
        self.body.pop();
    }

    /// Writes one part, or the next piece of it.
    fn part(&mut self, bridge: &Bridge, now: Timestamp, part: Part, units: &mut Units) {
        match part {
            Part::Text(text) => self.body.extend_from_slice(text.as_bytes()),
            Part::State => self.open(&state(bridge)),
            Part::Agents(last) => self.agent(bridge, last.as_ref(), units),
            Part::Frameworks(of, mut ids) => {
                let Some(id) = ids.next() else { return };
                self.parts.push_front(Part::Frameworks(of, ids));
                self.framework(bridge, of, &id, units);
            }
            Part::AllTasks(of, mut ids) => {
                let Some(id) = ids.next() else { return };
                self.parts.push_front(Part::AllTasks(of, ids));
                self.parts.push_front(Part::Ended(of, id.clone(), 0));
                self.parts.push_front(Part::Tasks(id, None));
            }
            Part::Tasks(id, last) => self.task(bridge, id, last.as_deref(), units),
            Part::Ended(of, id, at) => self.ended(bridge, of, id, at, units),
            Part::Offers(ids) => self.offer(bridge, ids, units),
            Part::Sums => self.sums(),
            Part::CountTasks(last) => self.count_task(bridge, last.as_ref(), units),
            Part::CountAgents(last) => self.count_agent(bridge, last.as_ref(), units),
            Part::Metrics => self.value(&metrics::snapshot(bridge, now, &self.sums)),
        }
    }

    fn agent(&mut self, bridge: &Bridge, last: Option<&Str>, units: &mut Units) {
        let next = bridge.replica.instances().range::<Str, _>(behind(last)).next();
        let Some((arn, instance)) = next else { return };
        units.take(40 + bridge.port_holders(arn) / 8);
        self.element(&slave(bridge, instance));
        self.parts.push_front(Part::Agents(Some(arn.clone())));
    }

    fn framework(&mut self, bridge: &Bridge, of: Of, id: &Str, units: &mut Units) {
        let Some(known) = find(bridge, of, id) else { return };
        units.take(20 + known.roles.len() / 8);
        if !self.body.ends_with(b"[") {
            self.body.push(b',');
        }
        self.open(&framework(known));
        let offers: Vec<Str> = match of {
            Of::Known => bridge.offers.of_framework(id).map(|(id, _)| id.clone()).collect(),
            Of::Completed => Vec::new(),
        };
        let parts = [
            Part::Text(",\"tasks\":["),
            Part::Tasks(id.clone(), None),
            Part::Text("],\"completed_tasks\":["),
            Part::Ended(of, id.clone(), 0),
            Part::Text("],\"offers\":["),
            Part::Offers(offers.into_iter()),
            Part::Text("],"),
            Part::Sums,
        ];
        for part in parts.into_iter().rev() {
            self.parts.push_front(part);
        }
    }

    fn task(&mut self, bridge: &Bridge, id: Str, last: Option<&str>, units: &mut Units) {
        let Some(framework) = bridge.frameworks.get(&id) else { return };
        let next = framework.tasks.range::<str, _>(behind(last)).next();
        let Some((name, launch)) = next else { return };
        units.take(25);
        if let Some(launch) = bridge.launches.get(launch) {
            if launch.holds() {
                self.used.add(&launch.claim);
            }
            self.element(&task(launch));
        }
        self.parts.push_front(Part::Tasks(id, Some(name.clone())));
    }

    fn ended(&mut self, bridge: &Bridge, of: Of, id: Str, at: usize, units: &mut Units) {
        let Some(framework) = find(bridge, of, &id) else { return };
        let Some(task) = framework.completed.get(at) else { return };
        units.take(25);
        self.element(&completed_task(framework, task));
        self.parts.push_front(Part::Ended(of, id, at + 1));
    }

    fn offer(&mut self, bridge: &Bridge, mut ids: std::vec::IntoIter<Str>, units: &mut Units) {
        let Some(id) = ids.next() else { return };
        units.take(10);
        if let Some(offered) = bridge.offers.get(&id) {
            self.offered.add(&offered.amounts);
            self.element(&offer(&id, offered));
        }
        self.parts.push_front(Part::Offers(ids));
    }

    fn sums(&mut self) {
        let (used, offered) = (std::mem::take(&mut self.used), std::mem::take(&mut self.offered));
        let sums = json!({
            "used_resources": resources(&used), "offered_resources": resources(&offered),
            "resources": resources(&used.plus(&offered)),
        });
        let text = sums.to_string();
        // Members of an object that is open already.
        self.body.extend_from_slice(text.trim_start_matches('{').as_bytes());
    }

    fn count_task(&mut self, bridge: &Bridge, last: Option<&Str>, units: &mut Units) {
        let next = bridge.launches.range::<Str, _>(behind(last)).next();
        let Some((id, launch)) = next else { return };
        units.take(1);
        self.sums.task(launch);
        self.parts.push_front(Part::CountTasks(Some(id.clone())));
    }

    fn count_agent(&mut self, bridge: &Bridge, last: Option<&Str>, units: &mut Units) {
        let next = bridge.replica.instances().range::<Str, _>(behind(last)).next();
        let Some((arn, instance)) = next else { return };
        units.take(10 + bridge.port_holders(arn) / 8);
        self.sums.agent(bridge, instance);
        self.parts.push_front(Part::CountAgents(Some(arn.clone())));
    }
}
