//! A scheduler that goes on from its rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_driver_machine::framework::{Offers, Subscription};
use longshore_machine::{Ids, Timestamp, Unreadable};
use longshore_wire_marathon::{App, PathId};

use super::{Config, Context, Marathon};
use crate::apps::{Apps, Kept};
use crate::deployments::{Deployment, Deployments};
use crate::instances::{Instance, Instances, Stage};
use crate::places::Places;
use crate::rows::{self, APP, AppRow, DEPLOYMENT, FRAMEWORK, INSTANCE, VERSION};
use crate::rules::Rule;
use crate::timers::{Due, Timers};

/// What rows say.
#[derive(Default)]
struct Read {
    apps: Vec<(PathId, AppRow)>,
    versions: Vec<Arc<App>>,
    instances: Vec<(Arc<str>, Instance)>,
    deployments: Vec<(Arc<str>, Deployment)>,
    framework: Option<String>,
}

impl Marathon {
    /// A scheduler that knows what is in its rows, each a kind, an id and a body.
    ///
    /// # Errors
    /// The row that cannot be read.
    pub fn restore<'r>(
        config: Config,
        now: Timestamp,
        rows: impl IntoIterator<Item = (&'r str, &'r str, &'r str)>,
    ) -> Result<Self, Unreadable> {
        let mut read = Read::default();
        for (kind, id, body) in rows {
            let wrong = |why: String| Unreadable { kind: kind.to_owned(), id: id.to_owned(), why };
            match kind {
                APP => read.apps.push((PathId::kept(id), rows::read(body).map_err(wrong)?)),
                VERSION => read.versions.push(Arc::new(rows::read(body).map_err(wrong)?)),
                INSTANCE => read.instances.push((id.into(), rows::read(body).map_err(wrong)?)),
                DEPLOYMENT => {
                    read.deployments.push((id.into(), rows::read(body).map_err(wrong)?));
                }
                FRAMEWORK => read.framework = Some(rows::read(body).map_err(wrong)?),
                _ => return Err(wrong("rows of this kind are not known".to_owned())),
            }
        }
        let mut marathon = Self {
            ids: Ids::new(config.seed),
            config,
            newest_ms: 0,
            apps: Apps::default(),
            instances: Instances::default(),
            deployments: Deployments::default(),
            timers: Timers::default(),
            kills: Places::default(),
            asked: BTreeSet::new(),
            offers: Offers::default(),
            session: Subscription::of(read.framework.take()),
            touched: BTreeSet::new(),
        };
        marathon.takes(&Context::new(now), read);
        Ok(marathon)
    }

    fn takes(&mut self, cx: &Context, mut read: Read) {
        read.versions.sort_by_key(|app| app.version_ms);
        let of_versions = read.versions.iter().map(|app| app.version_ms);
        let of_deployments = read.deployments.iter().map(|(_, one)| one.version_ms);
        self.newest_ms = of_versions.chain(of_deployments).max().unwrap_or(0);
        for (id, row) in read.apps {
            let effective = row.effective.map(Arc::new);
            let rules = effective.as_ref().map(|app| Rule::all(&app.constraints));
            let kept = Kept {
                wanted: row.wanted.map(Arc::new),
                effective,
                rules: rules.and_then(Result::ok).unwrap_or_default(),
                failure: row.failure,
                ends: row.ends,
                ..Kept::default()
            };
            self.touched.insert(id.clone());
            self.apps.place(id, kept);
        }
        for version in read.versions {
            self.apps.place_version(version);
        }
        for (id, deployment) in read.deployments {
            self.deployments.place(id, deployment);
        }
        for (id, instance) in read.instances {
            self.takes_instance(cx, id, instance);
        }
    }

    fn takes_instance(&mut self, cx: &Context, id: Arc<str>, mut instance: Instance) {
        let kept = self.apps.get(&instance.app);
        instance.specified(kept.and_then(|kept| kept.version(instance.version_ms)).cloned());
        let (stage, staged_ms) = (instance.stage, instance.staged_ms);
        let is_killed = instance.killing.is_some();
        self.instances.place(id.clone(), instance);
        match stage {
            Stage::Staging | Stage::Starting => {
                let at = Self::timer(cx, staged_ms.saturating_add(self.config.launch_ms));
                self.timers.set(Due::Launch(id.clone()), at);
            }
            Stage::Running => self.watches(&mut Context::new(cx.now), &id),
            Stage::Unreachable { .. } => self.timers.set(Due::Unreachable(id.clone()), cx.now),
        }
        if is_killed {
            // It may have been lost.
            self.kills.waits(&id);
        }
    }
}
