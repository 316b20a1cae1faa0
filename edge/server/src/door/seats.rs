//! How many connections a port has, and which are closed when there are too many.
//!
//! On each connection it is either our turn (its request is complete and is being answered) or the peer's: it is idle, or sends its
//! request piece by piece. While it is the peer's turn, nothing is lost if the connection is closed: a client whose idle connection
//! was closed opens another. So when a port is full, the connections that have waited longest for their peer are closed, of the peer
//! that has most of them. Sending slowly does not reset the wait: it is counted from its beginning.
//!
//! Invariants: there are never more connections than the limit; a connection whose request is being answered is never closed for
//! another; one address other than loopback never has more than its own limit.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Of the connections that could go, the share that goes at a time. Chosen by us: enough that looking for them costs a flood of
/// newcomers little.
const SHARE: usize = 16;

/// How often a newcomer looks whether a connection has been answered, while all were being answered. Chosen by us: telling it
/// would cost every answer more than looking costs now and then.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The most connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// To the port.
    pub(super) all: usize,
    /// From one address that is not loopback.
    pub(super) of_peer: usize,
}

/// Those who count as one: an address, for IPv6 the network that one customer gets, and all of this machine.
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
    /// Told whenever there is room again.
    freed: Notify,
    began: Instant,
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    seats: BTreeMap<u64, Arc<Seat>>,
    of_peer: BTreeMap<Peer, usize>,
}

/// When it is our turn, there is no time since which the peer is waited for.
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
    /// The peer is waited for from now on.
    pub(super) fn is_peers_turn(&self) {
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(OURS - 1);
        self.since.store(since, Ordering::Relaxed);
    }

    /// The request is whole: the next to be heard is us.
    pub(super) fn is_our_turn(&self) {
        self.since.store(OURS, Ordering::Relaxed);
    }

    /// Waits until the connection is to end for others.
    pub(super) async fn left(&self) {
        self.leave.notified().await;
    }
}

/// A connection that has its place until this is dropped.
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

    /// Those whose peer is waited for, of one peer or of all, by how long.
    fn waiting(&self, of: Option<Peer>) -> Vec<(Peer, u64, u64)> {
        let seats = self.seats.iter().filter(|(_, seat)| of.is_none_or(|of| of == seat.peer));
        let all = seats.map(|(id, seat)| (seat.peer, seat.since.load(Ordering::Relaxed), *id));
        let mut waiting: Vec<_> = all.filter(|(_, since, _)| *since != OURS).collect();
        waiting.sort_unstable();
        waiting
    }

    /// Ends the connections that have waited longest, of that peer or of the one that has most. False if there are none.
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
        // A panic elsewhere does not make the table wrong: every change to it is whole when its lock is given back.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection, for which others may have to go; waits while all are being answered. `None` if its peer has as
    /// many as one may have, and all of them are being answered.
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
            // One that has been answered frees nothing and tells nobody, but may go.
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

    /// Ends some connections that wait for their peer, since files have run out.
    pub(super) fn give_back(&self) {
        self.table().make_room(None);
    }
}

#[cfg(test)]
mod tests;
