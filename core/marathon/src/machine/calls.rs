//! What clients call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_marathon::{App, PathId};

use super::changes::Wish;
use super::{Context, Marathon};
use crate::api::{Call, Mode, Reply, TaskView};
use crate::instances::{Instance, Stage, Why};
use crate::plan::Sort;

/// What is said instead of what was wanted.
pub(super) type Refused<T> = Result<T, Reply>;

impl Marathon {
    pub(super) fn called(&mut self, cx: &mut Context, call: Call) -> Reply {
        let done = match call {
            Call::Apps { within } => return self.reads_apps(&within),
            Call::App { id } => return self.reads_app(&id),
            Call::Versions { id } => return self.reads_versions(&id),
            Call::Tasks { within } => return self.reads_tasks(&within),
            Call::Pods { within } => return self.reads_pods(&within),
            Call::Queue => return self.reads_queue(cx.now),
            Call::Deployments => return self.reads_deployments(),
            Call::Put { apps, mode, force } => self.puts(cx, apps, mode, force),
            Call::PutGroup { group, apps, force, is_dry_run } => {
                self.puts_group(cx, &group, apps, force, is_dry_run)
            }
            Call::Delete { id, sort, force } => self.deletes(cx, &id, sort, force),
            Call::Restart { id, force } => self.restarts(cx, &id, force),
            Call::Return { id, version_ms, force } => self.returns(cx, &id, version_ms, force),
            Call::Kill { tasks, scale, wipe, force } => {
                self.kills_asked(cx, &tasks, scale, wipe, force)
            }
            Call::KillInstances { pod, instances, wipe } => {
                self.kills_instances(cx, &pod, &instances, wipe)
            }
            Call::Cancel { deployment, force } => self.cancels(cx, &deployment, force),
            Call::ResetDelay { id } => {
                if self.apps.get(&id).is_none_or(|kept| kept.queued.want == 0) {
                    return Reply::NoApp(id);
                }
                self.forgets_delay(&id);
                self.touched.insert(id);
                Ok(Reply::Ok)
            }
        };
        done.unwrap_or_else(|refused| refused)
    }

    fn puts(
        &mut self,
        cx: &mut Context,
        mut apps: Vec<App>,
        mode: Mode,
        force: bool,
    ) -> Refused<Reply> {
        for app in &mut apps {
            match (mode, self.apps.wanted(&app.id)) {
                (Mode::Create, Some(known)) => {
                    return Err(Reply::Exists(app.id.clone(), Sort::of(known)));
                }
                (Mode::Update, None) => return Err(Reply::NoApp(app.id.clone())),
                // A pod has none of its own: they are those of its groups.
                (_, Some(known)) if app.pod.is_some() => {
                    app.dependencies.clone_from(&known.dependencies);
                }
                _ => {}
            }
        }
        let event = match apps.as_slice() {
            [one] => one.id.clone(),
            _ => PathId::root(),
        };
        let wishes = apps.into_iter().map(|app| (app.id.clone(), Wish::As(Box::new(app))));
        self.deploys(cx, &event, wishes.collect(), force)
    }

    fn puts_group(
        &mut self,
        cx: &mut Context,
        group: &PathId,
        apps: Vec<App>,
        force: bool,
        is_dry_run: bool,
    ) -> Refused<Reply> {
        let gone = self.apps.within(group).filter(|(_, kept)| kept.wanted.is_some());
        let mut wishes: BTreeMap<PathId, Wish> =
            gone.map(|(id, _)| (id.clone(), Wish::Gone)).collect();
        wishes.extend(apps.into_iter().map(|app| (app.id.clone(), Wish::As(Box::new(app)))));
        if is_dry_run {
            return self.plans(cx, wishes);
        }
        self.deploys(cx, group, wishes, force)
    }

    fn the(&self, sort: Sort, id: &PathId) -> Refused<Arc<App>> {
        let known = self.apps.wanted(id).filter(|app| Sort::of(app) == sort);
        known.cloned().ok_or_else(|| Reply::NoApp(id.clone()))
    }

    fn deletes(
        &mut self,
        cx: &mut Context,
        id: &PathId,
        sort: Sort,
        force: bool,
    ) -> Refused<Reply> {
        self.the(sort, id)?;
        self.deploys(cx, id, BTreeMap::from([(id.clone(), Wish::Gone)]), force)
    }

    fn restarts(&mut self, cx: &mut Context, id: &PathId, force: bool) -> Refused<Reply> {
        self.the(Sort::App, id)?;
        self.deploys(cx, id, BTreeMap::from([(id.clone(), Wish::Anew)]), force)
    }

    fn returns(
        &mut self,
        cx: &mut Context,
        id: &PathId,
        version_ms: u64,
        force: bool,
    ) -> Refused<Reply> {
        self.the(Sort::App, id)?;
        let known = self.apps.get(id).and_then(|kept| {
            kept.versions.iter().find(|app| app.version_ms == version_ms).cloned()
        });
        let Some(app) = known else { return Err(Reply::NoVersion(id.clone(), version_ms)) };
        let wish = Wish::As(Box::new(App::clone(&app)));
        self.deploys(cx, id, BTreeMap::from([(id.clone(), wish)]), force)
    }

    /// Source: frameworks.md 3.2: with `scale` there are fewer from now on, by a deployment; otherwise they are replaced.
    fn kills_asked(
        &mut self,
        cx: &mut Context,
        tasks: &[String],
        scale: bool,
        wipe: bool,
        force: bool,
    ) -> Refused<Reply> {
        let views = self.named(tasks, |one| one.members.is_empty());
        let mut reply = Reply::Killed(views.clone());
        if scale {
            let mut fewer: BTreeMap<PathId, u32> = BTreeMap::new();
            for one in views.iter().filter(|one| one.instance.is_kept()) {
                *fewer.entry(one.instance.app.clone()).or_default() += 1;
            }
            let mut wishes = BTreeMap::new();
            for (id, many) in fewer {
                let Some(app) = self.apps.wanted(&id) else { continue };
                let instances = app.instances.saturating_sub(many);
                let app = App { instances, ..App::clone(app) };
                wishes.insert(id, Wish::As(Box::new(app)));
            }
            let first = wishes.keys().next().cloned();
            let event = first.filter(|_| wishes.len() == 1).unwrap_or_else(PathId::root);
            reply = self.deploys(cx, &event, wishes, force)?;
        }
        self.kills_all(cx, &views, wipe || scale);
        Ok(reply)
    }

    fn kills_instances(
        &mut self,
        cx: &mut Context,
        pod: &PathId,
        instances: &[String],
        wipe: bool,
    ) -> Refused<Reply> {
        self.the(Sort::Pod, pod)?;
        let views = self.named(instances, |one| one.app == *pod);
        self.kills_all(cx, &views, wipe);
        Ok(Reply::Killed(views))
    }

    /// The instances with these ids that are right, each once.
    fn named(&self, ids: &[String], is_right: impl Fn(&Instance) -> bool) -> Vec<TaskView> {
        let ids: BTreeSet<Arc<str>> = ids.iter().filter_map(|id| self.instances.key(id)).collect();
        let view = |id: Arc<str>| {
            let instance = self.instances.get(&id).filter(|one| is_right(one))?.clone();
            Some(TaskView { id, instance })
        };
        ids.into_iter().filter_map(view).collect()
    }

    /// Ends instances that a client named.
    fn kills_all(&mut self, cx: &mut Context, views: &[TaskView], even_away: bool) {
        for TaskView { id, .. } in views {
            let stage = self.instances.get(id).map(|one| one.stage);
            let is_away = matches!(stage, Some(Stage::Unreachable { .. }));
            // Those out of reach come back, if they do, unless they are wiped.
            if even_away || !is_away {
                self.kills(cx, id, Why::Asked);
            }
        }
    }
}
