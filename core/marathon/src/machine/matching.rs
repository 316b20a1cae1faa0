//! Launches that wait, and offers. Each offer is used at once, by as many as fit and may.
//!
//! Apps that need the same amounts are looked at together: an offer that has too little for one has too little for all. Within them
//! whoever got an instance last is asked last.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_driver_machine::Command;
use longshore_wire_marathon::{App, PathId};
use longshore_wire_mesos::v1::offer::operation::LaunchGroup;
use longshore_wire_mesos::v1::{Filters, Offer, TaskInfo};

use super::{Context, Marathon};
use crate::instances::{Instance, Stage};
use crate::members::Member;
use crate::place::{Free, Need, Taken, Unfit};
use crate::rules::{domain, text};
use crate::timers::Due;
use crate::{limits, task};

impl Marathon {
    /// Launches on offers.
    pub(super) fn matches(&mut self, cx: &mut Context) {
        let mut room = limits::LAUNCHES_PER_STEP_MAX;
        let mut useless = Vec::new();
        for _ in 0..limits::OFFERS_PER_STEP_MAX {
            if room == 0 {
                break;
            }
            let Some(offer) = self.offers.pop() else { break };
            let most = room.min(self.config.launches_per_offer);
            let launched = self.uses(cx, &offer, most);
            if launched.len() == 0 {
                useless.push(offer.id);
                continue;
            }
            room -= launched.len();
            let Launched { tasks, groups } = launched;
            // What is left of it is wanted at once if something waits.
            let filters = Filters { refuse_seconds: Some(0.0) };
            cx.say(Command::launch_all(vec![offer.id], tasks, groups, filters));
        }
        if !useless.is_empty() {
            let is_waiting = self.apps.waiting() > 0;
            let seconds =
                if is_waiting { limits::REFUSE_WAITING_SECONDS } else { limits::REFUSE_SECONDS };
            let refuse_seconds = Some(seconds);
            cx.say(Command::Decline(useless, Filters { refuse_seconds }));
        }
    }

    fn uses(&mut self, cx: &mut Context, offer: &Offer, most: usize) -> Launched {
        let mut launched = Launched::default();
        if self.apps.waiting() == 0 || self.instances.len() >= limits::INSTANCES_MAX {
            return launched;
        }
        let mut free = Free::of(offer);
        let mut tries = limits::TRIES_PER_OFFER_MAX;
        // The largest first: what is left suits the smaller.
        let needs: Vec<Need> = self.apps.needs.keys().rev().copied().collect();
        for need in needs {
            let lacking = if offer.unavailability.is_some() {
                Some(Unfit::Maintenance)
            } else {
                free.lacks(need)
            };
            if let Some(why) = lacking {
                if let Some(waiting) = self.apps.needs.get_mut(&need) {
                    waiting.tally.unused(why);
                    waiting.last_unused_ms = Some(cx.wall_ms);
                }
                continue;
            }
            let Some(waiting) = self.apps.needs.get(&need) else { continue };
            let ids: Vec<PathId> = waiting.apps.values().take(tries).cloned().collect();
            for id in ids {
                tries -= 1;
                while launched.len() < most && self.tries(cx, &id, offer, &mut free, &mut launched)
                {
                    if self.apps.get(&id).is_none_or(|kept| kept.queued.want == 0) {
                        break;
                    }
                }
                if launched.len() >= most || tries == 0 {
                    return launched;
                }
            }
        }
        launched
    }

    /// Launches an instance of an app, stored in this step, if the offer suits it.
    fn tries(
        &mut self,
        cx: &mut Context,
        id: &PathId,
        offer: &Offer,
        free: &mut Free,
        launched: &mut Launched,
    ) -> bool {
        let kept = self.apps.get(id).filter(|kept| kept.queued.want > 0);
        let Some(app) = kept.and_then(|kept| kept.effective.clone()) else { return false };
        let taken = if let Some(why) = self.allows(id, &app, offer) {
            Err(why)
        } else {
            let framework = [self.config.role.clone(), "*".to_owned()];
            let own = app.role.as_ref().map(|role| [role.clone(), "*".to_owned()]);
            let own = own.unwrap_or(framework);
            let roles = app.accepted_resource_roles.as_deref().unwrap_or(&own);
            let accepts = |role: &str| roles.iter().any(|one| one == role);
            if free.is_of(accepts) { free.take(&app, accepts) } else { Err(Unfit::Role) }
        };
        let wall_ms = cx.wall_ms;
        let Some(queued) = self.apps.queued(id) else { return false };
        let taken = match taken {
            Ok(taken) => taken,
            Err(why) => {
                queued.tally.unused(why);
                queued.last_unused_ms = Some(wall_ms);
                return false;
            }
        };
        queued.tally.used();
        queued.last_used_ms = Some(wall_ms);
        queued.want -= 1;
        self.launches(cx, app, offer, taken, launched);
        let left = self.apps.queued(id).map_or(0, |queued| queued.want);
        if left == 0 {
            self.apps.asks(id, 0, false, wall_ms);
        } else {
            self.apps.yields(id);
        }
        true
    }

    /// Launches an instance with what was taken of an offer for it.
    fn launches(
        &mut self,
        cx: &mut Context,
        app: Arc<App>,
        offer: &Offer,
        taken: Taken,
        launched: &mut Launched,
    ) {
        let uuid = self.ids.uuid("instance");
        let key: Arc<str> = if app.pod.is_some() {
            let key = task::instance_id(&app.id, &uuid);
            launched.groups.extend(task::group(
                &key,
                &app,
                self.session.framework(),
                offer,
                &taken,
            ));
            key.into()
        } else {
            let key = task::task_id(&app.id, &uuid);
            launched.tasks.push(task::task(&key, &app, offer, &taken));
            key.into()
        };
        let mut instance =
            Instance { role: taken.role, ports: taken.ports, ..placed(&app, offer, cx.wall_ms) };
        instance.specified(Some(app));
        self.instances.insert(key.clone(), instance);
        self.timers.set(Due::Launch(key), cx.now + self.config.launch_ms);
    }

    /// Why an offer's agent does not suit an app.
    fn allows(&self, id: &PathId, app: &App, offer: &Offer) -> Option<Unfit> {
        let role = app.role.as_ref().unwrap_or(&self.config.role);
        let allocated = offer.allocation_info.as_ref().and_then(|one| one.role.as_ref());
        if allocated.is_some_and(|allocated| allocated != role) {
            return Some(Unfit::Role);
        }
        let kept = self.apps.get(id)?;
        let is_elsewhere = domain(offer)
            .0
            .is_some_and(|region| self.session.region().is_some_and(|ours| ours != region));
        if is_elsewhere && !kept.rules.iter().any(crate::rules::Rule::is_of_domain) {
            return Some(Unfit::Constraint);
        }
        if kept.rules.is_empty() {
            return None;
        }
        let is_counted = |one: &Instance| one.config_ms == app.config_version_ms;
        let all = self.instances.of(id).map(|(_, one)| one);
        let beside: Vec<&Instance> = all.filter(|one| is_counted(one)).collect();
        let fits = kept.rules.iter().all(|rule| rule.allows(offer, &beside, app.instances));
        (!fits).then_some(Unfit::Constraint)
    }
}

/// What is launched on an offer.
#[derive(Debug, Default)]
struct Launched {
    tasks: Vec<TaskInfo>,
    groups: Vec<LaunchGroup>,
}

impl Launched {
    /// How many instances.
    fn len(&self) -> usize {
        self.tasks.len() + self.groups.len()
    }
}

fn placed(app: &App, offer: &Offer, wall_ms: u64) -> Instance {
    let (region, zone) = domain(offer);
    let attributes = offer.attributes.iter().take(limits::ATTRIBUTES_MAX);
    let attributes: BTreeMap<String, String> =
        attributes.map(|one| (one.name.clone(), text(one))).collect();
    Instance {
        app: app.id.clone(),
        version_ms: app.version_ms,
        config_ms: app.config_version_ms,
        agent: offer.agent_id.value.clone(),
        host: offer.hostname.clone(),
        region,
        zone,
        attributes,
        role: String::new(),
        ports: Vec::new(),
        addresses: Vec::new(),
        stage: Stage::Staging,
        staged_ms: wall_ms,
        started_ms: None,
        killing: None,
        members: app
            .pod
            .iter()
            .flat_map(|pod| &pod.containers)
            .map(|one| Member::launched(&one.name, wall_ms))
            .collect(),
        spec: None,
        checks: Vec::new(),
        is_ready: false,
        last_status: None,
    }
}
