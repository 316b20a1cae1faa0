//! Runs that wait, and offers: a run takes the first offer that fits, and those of high priority are asked first.
//!
//! One offer is used at once, by as many runs as fit. Source: frameworks.md 4.4.

use std::collections::BTreeSet;

use longshore_driver_machine::Command;
use longshore_wire_mesos::v1::{Filters, Offer, TaskInfo};

use super::{Chronos, Context};
use crate::limits;
use crate::place::Claim;
use crate::runs::{Run, Stage, TaskId};
use crate::task;

impl Chronos {
    /// Launches runs on offers.
    pub(super) fn matches(&mut self, cx: &mut Context) {
        let mut room = limits::LAUNCHES_PER_STEP_MAX;
        let mut useless = Vec::new();
        while room > 0 {
            let Some(offer) = self.offers.pop() else { break };
            let chosen = self.chosen(&offer, room);
            if chosen.is_empty() {
                if self.runs.ready() > 0 {
                    self.useless = Some((offer.hostname.clone(), Claim::offered(&offer)));
                }
                useless.push(offer.id);
                continue;
            }
            room -= chosen.len();
            let tasks = chosen.iter().filter_map(|id| self.launches(cx, id, &offer)).collect();
            // What is left of it is wanted at once if runs wait.
            let filters = Filters { refuse_seconds: Some(0.0) };
            cx.say(Command::launch(vec![offer.id], tasks, filters));
        }
        if !useless.is_empty() {
            let refuse_seconds = Some(limits::REFUSE_SECONDS);
            cx.say(Command::Decline(useless, Filters { refuse_seconds }));
        }
    }

    /// The runs that fit an offer together.
    fn chosen(&self, offer: &Offer, room: usize) -> Vec<TaskId> {
        let mut free = Claim::offered(offer);
        let mut chosen = Vec::new();
        // What does not fit once does not fit a second time.
        let mut too_large: BTreeSet<Claim> = BTreeSet::new();
        let mut not_here: BTreeSet<&str> = BTreeSet::new();
        for id in self.runs.queue().take(limits::TRIES_PER_OFFER_MAX) {
            if chosen.len() == room {
                break;
            }
            let Some(run) = self.runs.get(id) else { continue };
            let Some(job) = self.jobs.get(&run.job) else { continue };
            let claim = Claim::of(&job.definition);
            if too_large.contains(&claim) || not_here.contains(run.job.as_str()) {
                continue;
            }
            let Some(left) = free.less(claim) else {
                too_large.insert(claim);
                continue;
            };
            if !job.rules().iter().all(|rule| rule.allows(offer)) {
                not_here.insert(&run.job);
                continue;
            }
            free = left;
            chosen.push(id.clone());
        }
        chosen
    }

    /// A run that is stored as launched in this step.
    fn launches(&mut self, cx: &mut Context, id: &TaskId, offer: &Offer) -> Option<TaskInfo> {
        let wall_ms = cx.wall_ms;
        self.runs.edit(id, |run| {
            run.stage = Stage::Launched;
            run.agent.clone_from(&offer.agent_id.value);
            run.launched_ms = Some(wall_ms);
        });
        self.tally.launched += 1;
        let run = self.runs.get(id)?;
        let job = self.jobs.get(&run.job)?;
        Some(task::task(id, run, &job.definition, offer))
    }

    /// Why a run waits.
    pub(super) fn why_waits(&self, run: &Run) -> String {
        let Some(job) = self.jobs.get(&run.job) else { return String::new() };
        let claim = Claim::of(&job.definition);
        match &self.useless {
            _ if !self.session.is_open() => {
                "waits for the cluster, which is not reached".to_owned()
            }
            None => format!("waits for an offer with {claim}"),
            Some((host, had)) if had.less(claim).is_some() => {
                format!("waits for an offer that meets its constraints: that of {host} does not")
            }
            Some((host, had)) => {
                format!("waits for an offer with {claim}: that of {host} had {had}")
            }
        }
    }
}
