//! Records of one kind, by ARN and by cluster.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;

use super::{Entity, Happened, Merged, Via};
use crate::limits;

/// What a record of the view can say of itself.
pub(super) trait Record: Sized {
    fn arn(&self) -> &Str;
    /// ECS's own version.
    fn version(&self) -> i64;
    /// ARN of its cluster.
    fn cluster(&self) -> Option<&Str>;
    /// Whether a reading of the same version differs from what is held.
    fn differs(&self, held: &Self) -> bool;
    /// Takes what an event does not tell from what is held.
    fn complete(&mut self, held: &Self);
    /// Whether nothing about it will change.
    fn is_final(&self) -> bool;
    fn happened(entity: Arc<Entity<Self>>) -> Happened;
}

#[derive(Debug)]
struct Held<T> {
    entity: Arc<Entity<T>>,
    /// When it was told last, whether or not that was news.
    told_at: Timestamp,
}

/// ARNs of what is gone, with the last version that was known, oldest first.
#[derive(Debug, Default)]
struct Gone {
    versions: BTreeMap<Str, i64>,
    order: VecDeque<Str>,
}

impl Gone {
    fn add(&mut self, arn: &Str, version: i64) {
        if self.versions.insert(arn.clone(), version).is_none() {
            self.order.push_back(arn.clone());
        }
        while self.order.len() > limits::GONE_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.versions.remove(&oldest);
            }
        }
    }
}

/// All records of one kind.
#[derive(Debug)]
pub(super) struct Records<T> {
    all: BTreeMap<Str, Held<T>>,
    by_cluster: BTreeMap<Str, BTreeSet<Str>>,
    gone: Gone,
}

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), by_cluster: BTreeMap::new(), gone: Gone::default() }
    }
}

impl<T: Record> Records<T> {
    /// Takes in a record as this version of the view, unless it is old; what that changes.
    pub(super) fn merge(
        &mut self,
        now: Timestamp,
        mut record: T,
        via: Via,
        version: u64,
    ) -> Option<Merged<T>> {
        let (arn, cluster) = (record.arn().clone(), record.cluster()?.clone());
        if let Some(held) = self.all.get_mut(&arn) {
            held.told_at = now;
            let known = &held.entity.record;
            let is_news = record.version() > known.version()
                || (via == Via::Reading
                    && record.version() == known.version()
                    && record.differs(known));
            if !is_news || known.is_final() {
                return None;
            }
            if via == Via::Event {
                record.complete(known);
            }
            let after = Arc::new(Entity { version, record });
            let before = Some(std::mem::replace(&mut held.entity, after.clone()));
            return Some(Merged { before, after });
        }
        // What is gone does not come back by an event that was late.
        if via == Via::Event && self.gone.versions.get(&arn).is_some_and(|v| *v >= record.version())
        {
            return None;
        }
        let after = Arc::new(Entity { version, record });
        self.by_cluster.entry(cluster).or_default().insert(arn.clone());
        self.all.insert(arn, Held { entity: after.clone(), told_at: now });
        Some(Merged { before: None, after })
    }

    /// Removes those of a cluster that do not stay, unless they were told since then or shortly before; what was removed.
    pub(super) fn retain(
        &mut self,
        cluster: &str,
        asked_at: Timestamp,
        stays: impl Fn(&Entity<T>) -> bool,
    ) -> Vec<Arc<Entity<T>>> {
        let Some(arns) = self.by_cluster.get(cluster) else { return Vec::new() };
        let goes = |arn: &&Str| {
            self.all.get(*arn).is_some_and(|held| {
                held.told_at + limits::FRESH_MS < asked_at && !stays(&held.entity)
            })
        };
        let gone: Vec<Str> = arns.iter().filter(goes).cloned().collect();
        gone.iter().filter_map(|arn| self.forget(arn)).collect()
    }

    pub(super) fn forget(&mut self, arn: &str) -> Option<Arc<Entity<T>>> {
        let held = self.all.remove(arn)?;
        let record = &held.entity.record;
        if let Some(cluster) = record.cluster()
            && let Some(arns) = self.by_cluster.get_mut(cluster)
        {
            arns.remove(arn);
            if arns.is_empty() {
                self.by_cluster.remove(cluster);
            }
        }
        self.gone.add(record.arn(), record.version());
        Some(held.entity)
    }

    /// Removes all of a cluster.
    pub(super) fn forget_cluster(&mut self, cluster: &str) {
        let arns: Vec<Str> = self.by_cluster.get(cluster).into_iter().flatten().cloned().collect();
        for arn in arns {
            self.forget(&arn);
        }
    }

    /// Whether it was told shortly before.
    pub(super) fn is_fresh(&self, now: Timestamp, arn: &str) -> bool {
        self.all.get(arn).is_some_and(|held| held.told_at + limits::FRESH_MS >= now)
    }

    pub(super) fn get(&self, arn: &str) -> Option<&Arc<Entity<T>>> {
        self.all.get(arn).map(|held| &held.entity)
    }

    /// Those of a cluster.
    pub(super) fn of(&self, cluster: &str) -> impl Iterator<Item = &Arc<Entity<T>>> {
        let arns = self.by_cluster.get(cluster).into_iter().flatten();
        arns.filter_map(|arn| self.get(arn))
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Entity<T>>> {
        self.all.values().map(|held| &held.entity)
    }

    /// ARNs of the clusters that have some.
    pub(super) fn clusters(&self) -> impl Iterator<Item = &Str> {
        self.by_cluster.keys()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn audit(&self, version: u64) {
        let indexed: usize = self.by_cluster.values().map(BTreeSet::len).sum();
        assert_eq!(indexed, self.all.len(), "the index of clusters has not each record once");
        for (arn, held) in &self.all {
            let record = &held.entity.record;
            assert_eq!(record.arn(), arn, "a record is filed under another ARN");
            let cluster = record.cluster().and_then(|cluster| self.by_cluster.get(cluster));
            assert!(
                cluster.is_some_and(|arns| arns.contains(arn)),
                "a record is not in its cluster"
            );
            assert!(held.entity.version <= version, "a record has a version from the future");
        }
        assert_eq!(
            self.gone.order.len(),
            self.gone.versions.len(),
            "what is gone is counted twice"
        );
    }
}
