//! How many connections a port has, and which are closed when there are too many.
//!
//! On each connection it is either our turn (its request is complete and is being answered) or the
//! peer's: it is idle, or sends its request piece by piece. While it is the peer's turn, nothing is
//! lost if the connection is closed: a client whose idle connection was closed opens another. So
//! when a port is full, the connections that have waited longest for their peer are closed, of the
//! peer that has most of them. Sending slowly does not reset the wait: it is counted from its
//! beginning.
//!
//! Invariants: there are never more connections than the limit; a connection whose request is being
//! answered is never closed for another; one address other than loopback never has more than its
//! own limit.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// One in this many of the candidates is closed at a time. Chosen by us: enough that searching for
/// them stays cheap in a flood of connections.
const SHARE: usize = 16;

/// How often a new connection checks whether another one can be closed, while all are being
/// answered. Chosen by us: notifying it would cost every response more than an occasional check.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The limits on connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Total for the port.
    pub(super) all: usize,
    /// From a single address other than loopback.
    pub(super) of_peer: usize,
}

/// Addresses that count as one peer: a single IPv4 address, an IPv6 network of the size given to
/// one customer, or all loopback addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Peer(u128);

impl Peer {
    const LOOPBACK: Self = Self(1);

    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            address if address.is_loopback() => Self::LOOPBACK,
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() >> 64 << 64),
        }
    }
}

/// The connections of a port.
#[derive(Debug)]
pub(super) struct Seats {
    bounds: Bounds,
    table: Mutex<Table>,
    /// Notified whenever there is room again.
    freed: Notify,
    began: Instant,
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    seats: BTreeMap<u64, Arc<Seat>>,
    of_peer: BTreeMap<Peer, usize>,
}

/// The value of [`Seat::since`] while it is our turn.
const OURS: u64 = u64::MAX;

/// One connection.
#[derive(Debug)]
pub(super) struct Seat {
    peer: Peer,
    began: Instant,
    /// Since when it is the peer's turn, in ms, or [`OURS`].
    since: AtomicU64,
    leave: Notify,
}

impl Seat {
    /// Marks that we are waiting for the peer.
    pub(super) fn is_peers_turn(&self) {
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(OURS - 1);
        self.since.store(since, Ordering::Relaxed);
    }

    /// Marks that the request is complete and is being answered.
    pub(super) fn is_our_turn(&self) {
        self.since.store(OURS, Ordering::Relaxed);
    }

    /// Waits until the connection has to be closed for others.
    pub(super) async fn left(&self) {
        self.leave.notified().await;
    }
}

/// A connection that keeps its seat until dropped.
#[derive(Debug)]
pub(super) struct Taken {
    id: u64,
    seats: Arc<Seats>,
    pub(super) seat: Arc<Seat>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.seats.table().remove(self.id);
        self.seats.freed.notify_waiters();
    }
}

impl Table {
    fn remove(&mut self, id: u64) -> Option<Arc<Seat>> {
        let seat = self.seats.remove(&id)?;
        if let Some(count) = self.of_peer.get_mut(&seat.peer) {
            *count -= 1;
            if *count == 0 {
                self.of_peer.remove(&seat.peer);
            }
        }
        Some(seat)
    }

    /// The connections that wait for their peer, of one peer or of all, longest wait first within a
    /// peer.
    fn waiting(&self, of: Option<Peer>) -> Vec<(Peer, u64, u64)> {
        let seats = self.seats.iter().filter(|(_, seat)| of.is_none_or(|of| of == seat.peer));
        let all = seats.map(|(id, seat)| (seat.peer, seat.since.load(Ordering::Relaxed), *id));
        let mut waiting: Vec<_> = all.filter(|(_, since, _)| *since != OURS).collect();
        waiting.sort_unstable();
        waiting
    }

    /// Closes the connections that have waited longest, of that peer or of the one with the most.
    /// Returns false if there are none.
    fn make_room(&mut self, of: Option<Peer>) -> bool {
        let waiting = self.waiting(of);
        let groups = waiting.chunk_by(|(one, ..), (other, ..)| one == other);
        let Some(most) = groups.max_by_key(|group| group.len()) else { return false };
        for (_, _, id) in &most[..most.len().div_ceil(SHARE)] {
            if let Some(seat) = self.remove(*id) {
                seat.leave.notify_one();
            }
        }
        true
    }
}

impl Seats {
    pub(super) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            bounds,
            table: Mutex::default(),
            freed: Notify::new(),
            began: Instant::now(),
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // A panic elsewhere cannot corrupt the table: every change is complete when the lock is
        // released.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for a connection, closing others if necessary; waits while all are being answered.
    /// `None` if its peer has reached its own limit and all of its connections are being answered.
    pub(super) async fn take(self: &Arc<Self>, address: IpAddr) -> Option<Taken> {
        let peer = Peer::of(address);
        loop {
            let freed = self.freed.notified();
            {
                let mut table = self.table();
                let own = table.of_peer.get(&peer).copied().unwrap_or(0);
                let is_over = peer != Peer::LOOPBACK && own >= self.bounds.of_peer;
                if is_over && !table.make_room(Some(peer)) {
                    return None;
                }
                if table.seats.len() < self.bounds.all || table.make_room(None) {
                    return Some(self.seat(&mut table, peer));
                }
            }
            // A connection that becomes idle is not signalled, but can be closed.
            let _ = tokio::time::timeout(LOOK_AGAIN, freed).await;
        }
    }

    fn seat(self: &Arc<Self>, table: &mut Table, peer: Peer) -> Taken {
        table.last += 1;
        let id = table.last;
        let seat =
            Seat { peer, began: self.began, since: AtomicU64::new(OURS), leave: Notify::new() };
        seat.is_peers_turn();
        let seat = Arc::new(seat);
        table.seats.insert(id, seat.clone());
        *table.of_peer.entry(peer).or_insert(0) += 1;
        Taken { id, seats: self.clone(), seat }
    }

    /// Closes some idle connections, because file descriptors have run out.
    pub(super) fn give_back(&self) {
        self.table().make_room(None);
    }
}

#[cfg(test)]
mod tests;
