//! What is asked of the cluster about launches, and what comes of it.

use std::collections::{BTreeMap, BTreeSet};

use longshore_replica::{
    Asked, Definition, DefinitionAsk, Failure, Outcome, Question, StartTask, StopTask, Task, Tasks,
    TasksAsk,
};
use longshore_wire_ecs::Str;

use super::definitions::{container, difference, is_of};
use super::launch::Refusal;
use super::mapping::sandbox::FETCH_MEMORY_MIB;
use super::mapping::{MemorySaid, Plan, cpu_units, gpus, memory_mib};
use super::{Key, Launches, Phase, Resolved};
use crate::agenda::Timer;
use crate::context::Context;
use crate::ids::LaunchId;
use crate::limits;

/// What is out.
#[derive(Debug, Default)]
pub(super) struct Questions {
    starts: BTreeMap<Asked<Outcome>, LaunchId>,
    finds: BTreeMap<Asked<Tasks>, LaunchId>,
    stops: BTreeMap<Asked<Task>, LaunchId>,
    stops_out: BTreeSet<LaunchId>,
}

impl Questions {
    pub(super) fn len(&self) -> usize {
        self.starts.len() + self.finds.len() + self.stops.len()
    }

    /// What does not hold of it.
    pub(super) fn audit(&self) -> Option<String> {
        let out: BTreeSet<LaunchId> = self.stops.values().cloned().collect();
        (out != self.stops_out)
            .then(|| format!("stops are said to be out for {:?}", self.stops_out))
    }
}

/// What came of a look for a task definition.
#[derive(Clone, Debug)]
pub(crate) enum DefinitionNews {
    /// These launches can go on.
    GoOn(Vec<LaunchId>),
    /// These cannot, and why.
    Refuse(Vec<LaunchId>, Str),
    /// There is no definition of the name that these have in common.
    Unnamed(Vec<LaunchId>),
    /// There is nothing to do now.
    Nothing,
}

impl Launches {
    /// Looks up the definition of a launch; `None` if it has no plan any more.
    pub(crate) fn resolve(&mut self, cx: &mut Context<'_>, id: &LaunchId) -> Option<Resolved> {
        let key = Key::of(self.all.get(id)?.plan()?)?;
        let resolved = self.definitions.resolve(cx.now, id, key);
        if let Resolved::LookUp(key) = &resolved {
            let name = key.name().clone();
            let asked = cx.ask(|asked| Question::Definition(asked, DefinitionAsk::Describe(name)));
            self.definitions.asks(asked, key.clone(), false);
        }
        Some(resolved)
    }

    /// What came of a look for a definition, or of its registration.
    pub(crate) fn definition_answered(
        &mut self,
        cx: &mut Context<'_>,
        asked: Asked<Option<Definition>>,
        result: Result<Option<Definition>, Failure>,
    ) -> DefinitionNews {
        let Some((key, registered)) = self.definitions.answered(asked) else {
            return DefinitionNews::Nothing;
        };
        // What was registered just now is what it is, even if an endpoint does not show all of it: registering it again
        // and again would not change that.
        let is_right = |found: &Definition| registered || self.matches(&key, found);
        match result {
            Ok(Some(found)) if found.active && is_right(&found) => {
                DefinitionNews::GoOn(self.definitions.found(cx.now, key, found))
            }
            Ok(_) => match key {
                Key::Content(_) => self.register(cx, key),
                Key::Name(_) => DefinitionNews::Unnamed(self.definitions.take_waiting(&key)),
            },
            Err(Failure::Refused { code, message }) => {
                let why = format!("no task definition: {code}: {message}");
                DefinitionNews::Refuse(self.definitions.take_waiting(&key), why.into())
            }
            Err(failure) => {
                let name = key.name();
                cx.note(format!(
                    "cannot look up the task definition {name}, will retry: {failure}"
                ));
                self.definitions.is_late(&key);
                cx.after(limits::READ_RETRY_MS, Timer::Definitions);
                DefinitionNews::Nothing
            }
        }
    }

    /// The plan of a launch that still waits. Those that were killed meanwhile have gone.
    fn waiting_plan(&self, key: &Key) -> Option<&Plan> {
        self.definitions.waiting(key).iter().find_map(|id| self.all.get(id)?.plan())
    }

    fn matches(&self, key: &Key, found: &Definition) -> bool {
        let content = match key {
            Key::Name(_) => None,
            Key::Content(_) => self.waiting_plan(key).and_then(|plan| plan.content.as_ref()),
        };
        content.is_none_or(|content| is_of(found, content))
    }

    fn register(&mut self, cx: &mut Context<'_>, key: Key) -> DefinitionNews {
        let content = self.waiting_plan(&key).and_then(|plan| plan.content.clone());
        if let Some(content) = content {
            let register = DefinitionAsk::Register(Box::new(content));
            let asked = cx.ask(|asked| Question::Definition(asked, register));
            self.definitions.asks(asked, key, true);
        } else {
            // Those who waited have ended meanwhile.
            self.definitions.take_waiting(&key);
        }
        DefinitionNews::Nothing
    }

    /// Launches that look for their definitions again.
    pub(crate) fn take_late(&mut self) -> Vec<LaunchId> {
        self.definitions.take_late()
    }

    /// There is no definition of the name that a launch gave: it is a command, where there is something to run it in.
    ///
    /// # Errors
    /// That there is not.
    pub(crate) fn unname(&mut self, id: &LaunchId) -> Result<(), String> {
        let Some(launch) = self.all.get_mut(id) else { return Ok(()) };
        let Some(plan) = launch.plan.as_mut() else { return Ok(()) };
        if plan.content.is_some() {
            plan.named = None;
            if let Some(terms) = plan.terms_unnamed.take() {
                terms.write(&mut plan.environment);
                launch.origin.terms = terms.clone();
                plan.terms = terms;
            }
            return Ok(());
        }
        let name = plan.named.clone().unwrap_or_else(|| "".into());
        Err(format!(
            "the command names the task definition {name}, which is not registered or not ACTIVE"
        ))
    }

    /// Starts a launch, once.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub(crate) fn start(
        &mut self,
        cx: &mut Context<'_>,
        id: &LaunchId,
        found: &Definition,
    ) -> Result<(), String> {
        let Some(launch) = self.all.get(id) else { return Ok(()) };
        let Some(plan) = launch.plan.clone() else { return Ok(()) };
        let Some(container) = container(found, launch.name()).cloned() else {
            return Err("the task definition has no container".to_owned());
        };
        let named = plan.is_named();
        if let Some(why) = plan.unless_named.as_ref().filter(|_| named) {
            return Err(why.clone());
        }
        if named {
            let note = difference(found, launch.claim());
            self.resize(id, found.cpu, found.memory_mib, found.gpus, note);
        }
        let sizes = self.change(id, |launch| {
            launch.phase = Phase::Starting;
            launch.definition = Some(found.arn.clone());
            let content = plan.content.as_ref().filter(|_| !named);
            launch.grace_s = content.and_then(|content| content.stop_timeout_s);
            if !named {
                launch.note.clone_from(&plan.note);
            }
            let (claim, instance) = (launch.claim(), launch.origin.instance.clone());
            (cpu_units(claim), memory_mib(claim), gpus(claim), instance)
        });
        let Some((cpu_units, memory_mib, gpus, instance)) = sizes else { return Ok(()) };
        let fetches = plan.content.as_ref().is_some_and(|content| content.fetch.is_some());
        let fetcher_mib = if fetches { FETCH_MEMORY_MIB } else { 0 };
        let own_mib = memory_mib.saturating_sub(fetcher_mib);
        let memory = if named { MemorySaid::default() } else { plan.memory.said(own_mib) };
        let start = StartTask {
            instance,
            definition: found.arn.clone(),
            started_by: id.text().clone(),
            group: None,
            container,
            command: if named { None } else { plan.command.clone() },
            environment: plan.environment.clone(),
            cpu: (!named).then_some(cpu_units),
            memory_mib: memory.most_mib,
            memory_reservation_mib: memory.reserved_mib,
            gpus: (!named && gpus > 0).then_some(gpus),
            fetch: plan.fetch.clone().filter(|_| !named),
            others: plan.others.iter().map(|other| other.start.clone()).collect(),
        };
        let asked = cx.ask(|asked| Question::Start(asked, Box::new(start)));
        self.questions.starts.insert(asked, id.clone());
        Ok(())
    }

    /// A launch reserves what its task definition says, and not what it was thought to.
    fn resize(
        &mut self,
        id: &LaunchId,
        cpu_units: u32,
        memory_mib: u32,
        gpus: u32,
        note: Option<String>,
    ) {
        let Some(launch) = self.all.get_mut(id) else { return };
        if let Some(on) = self.on.get_mut(launch.agent()) {
            on.resize(launch, cpu_units, memory_mib, gpus);
        }
        (launch.cpu_units, launch.memory_mib, launch.gpus) = (cpu_units, memory_mib, gpus);
        launch.note = note;
        self.changes.touch(launch);
    }

    /// The launch that an answer to `StartTask` is about.
    pub(crate) fn started(&mut self, asked: Asked<Outcome>) -> Option<LaunchId> {
        let id = self.questions.starts.remove(&asked)?;
        self.all.contains_key(&id).then_some(id)
    }

    /// Nothing was done: the launch may be started again.
    pub(crate) fn starts_again(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        self.change(id, |launch| launch.phase = Phase::Preparing);
        cx.after(limits::SETTLE_MS, Timer::Settle(id.clone()));
    }

    /// The reply was lost, or a look found nothing; this is how often it has been looked for.
    pub(crate) fn is_unsure(&mut self, cx: &mut Context<'_>, id: &LaunchId, looks: u32) {
        self.change(id, |launch| launch.phase = Phase::Unsure(looks));
        cx.after(limits::SETTLE_MS, Timer::Settle(id.clone()));
    }

    /// ECS refuses to start a launch. Its definition may have been found long ago and be another by now, so it is looked up again, once;
    /// whether it is.
    pub(crate) fn doubt_definition(&mut self, id: &LaunchId, why: &str) -> bool {
        let Some(launch) = self.all.get(id).filter(|one| one.refusal.is_none()) else {
            return false;
        };
        let Some(definition) = launch.definition.clone() else { return false };
        let Some(key) = launch.plan().and_then(Key::of) else { return false };
        if !launch.is_executor() {
            let claim = launch.claim();
            let (cpu_units, memory_mib, gpus) = (cpu_units(claim), memory_mib(claim), gpus(claim));
            self.resize(id, cpu_units, memory_mib, gpus, None);
        }
        self.definitions.doubt(&key);
        let refusal = Refusal { definition, why: why.to_owned() };
        self.change(id, |launch| {
            launch.phase = Phase::Preparing;
            launch.refusal = Some(refusal);
        });
        true
    }

    /// Why ECS refused to start a launch with a definition, if it did.
    pub(crate) fn refused_with(&self, id: &LaunchId, definition: &str) -> Option<String> {
        let refusal = self.all.get(id)?.refusal.as_ref()?;
        (*refusal.definition == *definition).then(|| refusal.why.clone())
    }

    /// Looks for the task of a launch.
    pub(crate) fn find(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        let started_by = id.text().clone();
        let asked = cx.ask(|asked| Question::Tasks(asked, TasksAsk::Find(started_by)));
        self.questions.finds.insert(asked, id.clone());
    }

    /// The launch that was looked for, if it was.
    pub(crate) fn looked_for(&mut self, asked: Asked<Tasks>) -> Option<LaunchId> {
        self.questions.finds.remove(&asked)
    }

    /// Asks for the end of a launch that ECS has and that is to end.
    pub(crate) fn stop(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        let ends = self
            .all
            .get(id)
            .and_then(|launch| Some((launch.arn.clone()?, launch.end?.text_for(launch.culprit()))));
        let Some((task, why)) = ends else { return };
        self.stop_task(cx, id, task, &why);
    }

    /// Asks for the end of a task that a launch turned out to have.
    pub(crate) fn stop_task(
        &mut self,
        cx: &mut Context<'_>,
        id: &LaunchId,
        task: Str,
        reason: &str,
    ) {
        if self.questions.stops_out.insert(id.clone()) {
            let stop = StopTask { task, reason: reason.into() };
            let asked = cx.ask(|asked| Question::Stop(asked, stop));
            self.questions.stops.insert(asked, id.clone());
        }
    }

    /// The launch that an answer to `StopTask` is about.
    pub(crate) fn stopped(&mut self, asked: Asked<Task>) -> Option<LaunchId> {
        let id = self.questions.stops.remove(&asked)?;
        self.questions.stops_out.remove(&id);
        Some(id)
    }
}
