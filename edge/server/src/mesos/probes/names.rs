//! The addresses of host names.
//!
//! The system's resolver holds a thread until it answers, which may be long after the probe that asked has given up. So the place of a lookup
//! is given back by the lookup and not by the probe: with a resolver that is silent, probes of names wait in vain, and the rest of the program
//! still has threads. Agents whose host names are addresses need no lookup.
//!
//! Invariant: there are never more lookups than places, whatever became of who asked.

use std::io::{Error, Result};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::limits::PROBE_LOOKUPS_MAX;

/// Looks up the addresses of a host; blocks.
type Resolve = fn(&str, u16) -> Result<Vec<SocketAddr>>;

/// Lookups that are under way.
#[derive(Clone, Debug)]
pub(super) struct Names {
    places: Arc<Semaphore>,
    resolve: Resolve,
}

impl Default for Names {
    fn default() -> Self {
        Self::with(|host, port| Ok((host, port).to_socket_addrs()?.collect()))
    }
}

impl Names {
    fn with(resolve: Resolve) -> Self {
        Self { places: Arc::new(Semaphore::new(PROBE_LOOKUPS_MAX)), resolve }
    }

    /// The addresses of a host. Waits while too many lookups are under way.
    ///
    /// # Errors
    /// If it has none.
    pub(super) async fn find(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        let place = self.places.clone().acquire_owned().await.map_err(Error::other)?;
        let (host, resolve) = (host.to_owned(), self.resolve);
        let found = tokio::task::spawn_blocking(move || {
            let _place = place;
            resolve(&host, port)
        });
        found.await?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex};
    use std::time::Duration;

    use super::*;

    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static ANSWERS: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

    /// A resolver that is silent until it answers.
    fn silent(_: &str, port: u16) -> Result<Vec<SocketAddr>> {
        ASKED.fetch_add(1, Ordering::Relaxed);
        let (answers, told) = &ANSWERS;
        let mut answers = answers.lock().expect("nobody panicked");
        while !*answers {
            answers = told.wait(answers).expect("nobody panicked");
        }
        ("127.0.0.1", port).to_socket_addrs().map(Iterator::collect)
    }

    #[tokio::test]
    async fn a_resolver_that_never_answers_does_not_take_all_threads() {
        let names = Names::with(silent);
        for _ in 0..3 * PROBE_LOOKUPS_MAX {
            let asked = names.find("agent.example", 1);
            tokio::time::timeout(Duration::from_millis(5), asked).await.expect_err("it is silent");
        }
        let asked = ASKED.load(Ordering::Relaxed);
        let (answers, told) = &ANSWERS;
        *answers.lock().expect("nobody panicked") = true;
        told.notify_all();
        assert!(asked <= PROBE_LOOKUPS_MAX, "{asked} threads are held");
        let found = names.find("agent.example", 1).await.expect("it answers again");
        assert_eq!(found, [SocketAddr::from(([127, 0, 0, 1], 1))]);
    }
}
