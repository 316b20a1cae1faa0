//! Pulls images, each at most once at a time.
//!
//! Tasks of one service start together and want the same image: the first one pulls, the others
//! wait for the result. If the registry is unreachable, a local image is used, unless the policy is
//! [`PullPolicy::Always`].

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;
use longshore_wire_ecs::Str;
use tokio::sync::OnceCell;

use super::failure::{CALL, Failure, bounded};

/// How long a pull may make no progress. Source: the agent's `ECS_IMAGE_PULL_INACTIVITY_TIMEOUT`.
const SILENCE: Duration = Duration::from_mins(1);

/// Timeout of a pull. Source: the agent's `ECS_IMAGE_PULL_TIMEOUT`.
const PULL: Duration = Duration::from_hours(2);

/// When images are pulled. Source: `ECS_IMAGE_PULL_BEHAVIOR` of the real container agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PullPolicy {
    /// Before every start; if that fails, the local image is used.
    #[default]
    Default,
    /// Before every start, without falling back to a local image.
    Always,
    /// Before the first start seen by this agent; later only if the image is gone.
    Once,
    /// Only if there is no local image.
    PreferCached,
}

/// The result of a pull, shared by all who wait for it.
type Shared = Arc<OnceCell<Result<(), Str>>>;

/// Pulls in progress, and their results.
#[derive(Debug)]
pub(super) struct Pulls {
    policy: PullPolicy,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    under_way: BTreeMap<Str, Shared>,
    /// Images pulled since the agent started.
    pulled: BTreeSet<Str>,
}

impl Pulls {
    pub(super) fn new(policy: PullPolicy) -> Self {
        Self { policy, table: Mutex::default() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // A panic elsewhere cannot corrupt the table: every change is a single insertion or
        // removal.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ensures that an image is present, according to the policy.
    ///
    /// # Errors
    /// The reason, as `ErrorName: text`.
    pub(super) async fn provide(
        &self,
        daemon: &bollard::Docker,
        image: &str,
    ) -> Result<(), String> {
        let may_skip = match self.policy {
            PullPolicy::Default | PullPolicy::Always => false,
            PullPolicy::Once => self.table().pulled.contains(image),
            PullPolicy::PreferCached => true,
        };
        if may_skip && is_here(daemon, image).await {
            return Ok(());
        }
        let Err(reason) = self.join(daemon, image).await else {
            return Ok(());
        };
        if self.policy != PullPolicy::Always && is_here(daemon, image).await {
            tracing::info!(image, %reason, "not pulled: using the local image");
            return Ok(());
        }
        Err(reason.to_string())
    }

    /// Pulls, or waits for a pull of the same image in progress.
    async fn join(&self, daemon: &bollard::Docker, image: &str) -> Result<(), Str> {
        let shared = self.table().under_way.entry(image.into()).or_default().clone();
        let result = shared.get_or_init(|| pull(daemon, image)).await.clone();
        let mut table = self.table();
        if table.under_way.get(image).is_some_and(|current| Arc::ptr_eq(current, &shared)) {
            table.under_way.remove(image);
        }
        if result.is_ok() {
            table.pulled.insert(image.into());
        }
        result
    }
}

async fn is_here(daemon: &bollard::Docker, image: &str) -> bool {
    bounded(CALL, daemon.inspect_image(image)).await.is_ok()
}

async fn pull(daemon: &bollard::Docker, image: &str) -> Result<(), Str> {
    let (name, tag) = reference(image);
    let options = CreateImageOptionsBuilder::new().from_image(name).tag(tag).build();
    let mut progress = pin!(daemon.create_image(Some(options), None, None));
    let pulled = async {
        loop {
            match tokio::time::timeout(SILENCE, progress.next()).await {
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => return Err(Failure::Refused(error)),
                Ok(None) => return Ok(()),
                Err(_) => return Err(Failure::TimedOut(SILENCE)),
            }
        }
    };
    let pulled = tokio::time::timeout(PULL, pulled).await.unwrap_or(Err(Failure::TimedOut(PULL)));
    pulled.map_err(|failure| failure.reason("CannotPullContainerError", "pulled").into())
}

/// Splits an image into its name and its digest or tag. Without a tag the daemon would pull every
/// tag.
fn reference(image: &str) -> (&str, &str) {
    let (name, digest) =
        image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match name[last..].find(':') {
        Some(colon) => (&name[..last + colon], &name[last + colon + 1..]),
        None => (name, "latest"),
    };
    (name, digest.unwrap_or(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_fall_into_name_and_tag_or_digest() {
        assert_eq!(reference("busybox"), ("busybox", "latest"));
        assert_eq!(reference("busybox:1.36"), ("busybox", "1.36"));
        assert_eq!(reference("localhost:5000/a/b"), ("localhost:5000/a/b", "latest"));
        assert_eq!(reference("localhost:5000/a/b:2"), ("localhost:5000/a/b", "2"));
        assert_eq!(reference("a@sha256:00"), ("a", "sha256:00"));
        assert_eq!(reference("r.io/a:1@sha256:00"), ("r.io/a", "sha256:00"));
    }
}
