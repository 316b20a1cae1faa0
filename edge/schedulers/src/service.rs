//! A scheduler that runs: its doors, the loop of its machine, and its end.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use longshore_machine::Machine;
use longshore_server::{Front, Host, Listener, drive, serve};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Inputs that may wait for a machine. Source: chosen by us; the master's mailbox has as many.
pub(crate) const INPUTS_MAX: usize = 1_024;
/// How long calls that are under way may take when the program ends. Source: chosen by us.
const LAST_CALLS: Duration = Duration::from_millis(500);
/// How long the end may take in all. Source: chosen by us.
const END_MAX: Duration = Duration::from_secs(4);

/// A host that has something to do at the end.
pub(crate) trait Leave {
    /// Leaves what runs to the next start.
    fn leave(self) -> impl Future<Output = ()> + Send;
}

/// A scheduler that runs. It ends with this value; its tasks keep running.
#[derive(Debug)]
pub struct Service<E> {
    tasks: JoinSet<()>,
    close: watch::Sender<bool>,
    failed: watch::Sender<Option<Arc<E>>>,
}

impl<E: Display + Send + Sync + 'static> Service<E> {
    pub(crate) fn new() -> Self {
        let (close, failed) = (watch::Sender::new(false), watch::Sender::new(None));
        Self { tasks: JoinSet::new(), close, failed }
    }

    /// Becomes true when it is to end.
    pub(crate) fn closed(&self) -> watch::Receiver<bool> {
        self.close.subscribe()
    }

    /// Answers on a port.
    pub(crate) fn serve(&mut self, listener: Listener, front: Front) {
        let closed = self.closed();
        self.tasks.spawn(serve(listener, front, closed));
    }

    /// Does something besides, until the end.
    pub(crate) fn besides(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let mut closed = self.closed();
        self.tasks.spawn(async move {
            tokio::select! {
                () = task => {}
                () = closing(&mut closed) => {}
            }
        });
    }

    /// Drives a machine from when it is wanted until the end, or until its host fails. `name` is for the log.
    pub(crate) fn drive<M, H>(
        &mut self,
        name: &'static str,
        wanted: impl Future<Output = ()> + Send + 'static,
        machine: M,
        mut host: H,
        inbox: mpsc::Receiver<M::Input>,
    ) where
        M: Machine + Send + 'static,
        M::Input: Send,
        M::Output: Send,
        H: Host<M, Error = E> + Leave + 'static,
    {
        let (mut closed, failed) = (self.closed(), self.failed.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = wanted => {}
                () = closing(&mut closed) => return host.leave().await,
            }
            let driven = {
                let unwatched = &mut ();
                let driven = drive(machine, &mut host, unwatched, inbox);
                tokio::pin!(driven);
                tokio::select! {
                    driven = &mut driven => Some(driven),
                    () = closing(&mut closed) => {
                        // Calls that are under way are answered.
                        tokio::time::timeout(LAST_CALLS, driven).await.ok()
                    }
                }
            };
            if let Some(Err(why)) = driven {
                tracing::error!("{name} ends: {why}");
                failed.send_replace(Some(Arc::new(why)));
            }
            host.leave().await;
        });
    }

    /// Waits until it cannot go on, and says why.
    pub async fn failure(&self) -> Arc<E> {
        let mut failed = self.failed.subscribe();
        let why = failed.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        match why {
            Some(why) => why,
            // Whoever could say so is this value, which is still there.
            None => std::future::pending().await,
        }
    }

    /// Ends it; its tasks keep running, and are found again at the next start.
    pub async fn stop(mut self) {
        self.close.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(END_MAX, ended).await;
        self.tasks.shutdown().await;
    }
}

/// Waits until it is to end.
async fn closing(closed: &mut watch::Receiver<bool>) {
    // An error means that nobody can say so any more.
    let _ = closed.wait_for(|closed| *closed).await;
}
