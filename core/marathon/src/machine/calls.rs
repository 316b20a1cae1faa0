//! What clients call.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_wire_marathon::{App, PathId};

use super::changes::Wish;
use super::{Context, Marathon};
use crate::api::{Call, Mode, Reply, TaskView};
use crate::instances::{Stage, Why};

/// What is said instead of what was wanted.
pub(super) type Refused<T> = Result<T, Reply>;

impl Marathon {
    pub(super) fn called(&mut self, cx: &mut Context, call: Call) -> Reply {
        let done = match call {
            Call::Apps { within } => return self.reads_apps(&within),
            Call::App { id } => return self.reads_app(&id),
            Call::Versions { id } => return self.reads_versions(&id),
            Call::Tasks { within } => return self.reads_tasks(&within),
            Call::Queue => return self.reads_queue(cx.now),
            Call::Deployments => return self.reads_deployments(),
            Call::Put { apps, mode, force } => self.puts(cx, apps, mode, force),
            Call::PutGroup { group, apps, force, is_dry_run } => {
                self.puts_group(cx, &group, apps, force, is_dry_run)
            }
            Call::Delete { id, force } => self.deletes(cx, &id, force),
            Call::Restart { id, force } => self.restarts(cx, &id, force),
            Call::Return { id, version_ms, force } => self.returns(cx, &id, version_ms, force),
            Call::Kill { tasks, scale, wipe, force } => {
                self.kills_asked(cx, &tasks, scale, wipe, force)
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
        apps: Vec<App>,
        mode: Mode,
        force: bool,
    ) -> Refused<Reply> {
        for app in &apps {
            match (mode, self.apps.wanted(&app.id)) {
                (Mode::Create, Some(_)) => return Err(Reply::Exists(app.id.clone())),
                (Mode::Update, None) => return Err(Reply::NoApp(app.id.clone())),
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

    fn the_app(&self, id: &PathId) -> Refused<Arc<App>> {
        self.apps.wanted(id).cloned().ok_or_else(|| Reply::NoApp(id.clone()))
    }

    fn deletes(&mut self, cx: &mut Context, id: &PathId, force: bool) -> Refused<Reply> {
        self.the_app(id)?;
        self.deploys(cx, id, BTreeMap::from([(id.clone(), Wish::Gone)]), force)
    }

    fn restarts(&mut self, cx: &mut Context, id: &PathId, force: bool) -> Refused<Reply> {
        self.the_app(id)?;
        self.deploys(cx, id, BTreeMap::from([(id.clone(), Wish::Anew)]), force)
    }

    fn returns(
        &mut self,
        cx: &mut Context,
        id: &PathId,
        version_ms: u64,
        force: bool,
    ) -> Refused<Reply> {
        self.the_app(id)?;
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
        let mut ids: Vec<Arc<str>> =
            tasks.iter().filter_map(|task| self.instances.key(task)).collect();
        ids.sort_unstable();
        ids.dedup();
        let view = |id: &Arc<str>| {
            let instance = self.instances.get(id)?.clone();
            Some(TaskView { id: id.clone(), instance })
        };
        let views: Vec<TaskView> = ids.iter().filter_map(view).collect();
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
        for id in &ids {
            let stage = self.instances.get(id).map(|one| one.stage);
            let is_away = matches!(stage, Some(Stage::Unreachable { .. }));
            // Those out of reach come back, if they do, unless they are wiped.
            if wipe || scale || !is_away {
                self.kills(cx, id, Why::Asked);
            }
        }
        Ok(reply)
    }
}
