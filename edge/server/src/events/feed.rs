//! The feed of events: for each realm that somebody follows, the latest events, and where each reader is among them.
//!
//! The writer puts events in once their commit is on disk, and never waits for a reader. A reader that falls behind by more than
//! is kept goes on with the oldest event that is there, and learns how many it has missed.
//!
//! Invariants: a realm has a ring while it has readers, and no longer; the bus is told of the first reader before that reader
//! is answered, so that what it causes afterwards is told to it; with the last reader the bus is told to build no more events.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_control::Input;
use longshore_events::Event;
use longshore_wire_ecs::arn::Realm;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::limits;

/// The latest events of all realms that somebody follows.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    rings: Arc<Mutex<BTreeMap<Realm, Ring>>>,
    seats: Arc<Semaphore>,
    /// The way to the bus. A weak one: the control plane ends when nobody holds a strong one.
    inputs: mpsc::WeakSender<Input>,
}

/// The latest events of a realm.
#[derive(Debug)]
struct Ring {
    kept: VecDeque<Arc<Event>>,
    bytes: usize,
    /// The number of the next event; those that are kept have the numbers just below it.
    next: u64,
    readers: usize,
    /// Tells readers that wait.
    news: watch::Sender<u64>,
}

impl Ring {
    fn new() -> Self {
        let (news, _) = watch::channel(0);
        Self { kept: VecDeque::new(), bytes: 0, next: 0, readers: 0, news }
    }

    fn push(&mut self, event: Arc<Event>) {
        self.bytes += event.bytes();
        self.kept.push_back(event);
        self.next += 1;
        let over = |ring: &Self| {
            ring.kept.len() > limits::FEED_EVENTS_MAX || ring.bytes > limits::FEED_BYTES_MAX
        };
        // The latest event stays, however large it is.
        while over(self) && self.kept.len() > 1 {
            let oldest = self.kept.pop_front();
            self.bytes -= oldest.map_or(0, |event| event.bytes());
        }
        self.news.send_replace(self.next);
    }

    /// The number of the oldest event that is kept.
    fn oldest(&self) -> u64 {
        self.next - self.kept.len() as u64
    }
}

/// Why nobody more can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// There are as many readers as there may be.
    Full,
    /// The control plane is ending.
    Ending,
}

impl Feed {
    pub(crate) fn new(inputs: mpsc::WeakSender<Input>) -> Self {
        let seats = Arc::new(Semaphore::new(limits::FEED_READERS_MAX));
        Self { rings: Arc::default(), seats, inputs }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Realm, Ring>> {
        // Each change is made by a few lines that cannot panic: a panic elsewhere leaves no half of it.
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more reader. It is told all events of calls that are made from now on.
    pub(crate) async fn follow(&self, realm: Realm) -> Result<Reader, NoSeat> {
        let seat = self.seats.clone().try_acquire_owned().map_err(|_| NoSeat::Full)?;
        let inputs = self.inputs.upgrade().ok_or(NoSeat::Ending)?;
        // The place in the mailbox first: what is said under the lock is said in that order.
        let place = inputs.reserve().await.map_err(|_| NoSeat::Ending)?;
        let mut rings = self.lock();
        let ring = rings.entry(realm.clone()).or_insert_with(Ring::new);
        ring.readers += 1;
        let (at, news) = (ring.next, ring.news.subscribe());
        place.send(followed(realm.clone(), true));
        drop(rings);
        Ok(Reader { feed: self.clone(), realm, at, news, _seat: seat })
    }

    /// Tells an event that is on disk.
    pub(crate) fn tell(&self, realm: &Realm, event: Arc<Event>) {
        let mut rings = self.lock();
        match rings.get_mut(realm) {
            Some(ring) => ring.push(event),
            // On its way when the last reader left, or the bus could not be told that it did.
            None => self.nobody_follows(realm.clone()),
        }
    }

    /// Tells the bus, if its mailbox has room; if not, the next event says so again. Under the lock, so that it is not said
    /// after a new reader has come.
    fn nobody_follows(&self, realm: Realm) {
        if let Some(inputs) = self.inputs.upgrade() {
            drop(inputs.try_send(followed(realm, false)));
        }
    }

    fn leave(&self, realm: &Realm) {
        let mut rings = self.lock();
        let Some(ring) = rings.get_mut(realm) else { return };
        ring.readers -= 1;
        if ring.readers == 0 {
            rings.remove(realm);
            self.nobody_follows(realm.clone());
        }
    }
}

fn followed(realm: Realm, followed: bool) -> Input {
    Input::Bus(longshore_events::Input::Followed { realm, followed })
}

/// What a reader has before it.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Events that it was too slow for.
    pub(crate) missed: u64,
    /// Events, oldest first.
    pub(crate) events: Vec<Arc<Event>>,
}

/// Where somebody is among the events of a realm.
#[derive(Debug)]
pub(crate) struct Reader {
    feed: Feed,
    realm: Realm,
    /// The number of the next event to read.
    at: u64,
    news: watch::Receiver<u64>,
    _seat: OwnedSemaphorePermit,
}

impl Reader {
    pub(crate) fn realm(&self) -> &Realm {
        &self.realm
    }

    /// Waits until there is something to read.
    pub(crate) async fn next(&mut self) -> News {
        loop {
            let news = self.take();
            if !news.events.is_empty() {
                return news;
            }
            if self.news.changed().await.is_err() {
                unreachable!("a ring is there while it has a reader");
            }
        }
    }

    fn take(&mut self) -> News {
        let rings = self.feed.lock();
        let Some(ring) = rings.get(&self.realm) else { return News::default() };
        let missed = ring.oldest().saturating_sub(self.at);
        self.at += missed;
        let skip = usize::try_from(self.at - ring.oldest()).unwrap_or(usize::MAX);
        let events: Vec<_> =
            ring.kept.iter().skip(skip).take(limits::FEED_BATCH_MAX).cloned().collect();
        self.at += events.len() as u64;
        News { missed, events }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.feed.leave(&self.realm);
    }
}

#[cfg(test)]
mod tests {
    use longshore_machine::Timestamp;

    use super::*;

    fn realm() -> Realm {
        Realm::new("us-east-1", "123456789012")
    }

    fn event(number: usize, bytes: usize) -> Arc<Event> {
        Arc::new(Event {
            id: number.to_string().into(),
            source: "my.app".into(),
            detail_type: "Hello".into(),
            time: Timestamp::from_millis(0),
            resources: Vec::new(),
            detail: "x".repeat(bytes).into(),
        })
    }

    fn ids(news: &News) -> Vec<String> {
        news.events.iter().map(|event| event.id.to_string()).collect()
    }

    /// What the bus was told since the last look.
    fn said(inbox: &mut mpsc::Receiver<Input>) -> Vec<bool> {
        let mut said = Vec::new();
        while let Ok(input) = inbox.try_recv() {
            let Input::Bus(longshore_events::Input::Followed { followed, .. }) = input else {
                panic!("{input:?}")
            };
            said.push(followed);
        }
        said
    }

    #[tokio::test]
    async fn a_reader_is_told_what_comes_after_it_in_order_and_once() {
        let (inputs, _inbox) = mpsc::channel(8);
        let feed = Feed::new(inputs.downgrade());
        feed.tell(&realm(), event(0, 1));
        let mut reader = feed.follow(realm()).await.expect("there is a seat");
        feed.tell(&realm(), event(1, 1));
        feed.tell(&Realm::new("eu-west-1", "1"), event(9, 1));
        feed.tell(&realm(), event(2, 1));
        let news = reader.next().await;
        assert_eq!((ids(&news), news.missed), (vec!["1".to_owned(), "2".to_owned()], 0));
        feed.tell(&realm(), event(3, 1));
        assert_eq!(ids(&reader.next().await), ["3"]);
    }

    #[tokio::test]
    async fn a_reader_that_lags_learns_what_it_missed_and_others_do_not() {
        let (inputs, _inbox) = mpsc::channel(8);
        let feed = Feed::new(inputs.downgrade());
        let mut slow = feed.follow(realm()).await.expect("there is a seat");
        let mut quick = feed.follow(realm()).await.expect("there is a seat");
        let mut seen = 0;
        for number in 0..limits::FEED_EVENTS_MAX + 10 {
            feed.tell(&realm(), event(number, 1));
            let news = quick.next().await;
            assert_eq!(news.missed, 0);
            seen += news.events.len();
        }
        assert_eq!(seen, limits::FEED_EVENTS_MAX + 10);
        let news = slow.next().await;
        assert_eq!((news.missed, &*news.events[0].id), (10, "10"));
        let mut left = news.events.len();
        while left < limits::FEED_EVENTS_MAX {
            let news = slow.next().await;
            assert_eq!(news.missed, 0);
            left += news.events.len();
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_by_bytes_too() {
        let (inputs, _inbox) = mpsc::channel(8);
        let feed = Feed::new(inputs.downgrade());
        let mut reader = feed.follow(realm()).await.expect("there is a seat");
        for number in 0..20 {
            feed.tell(&realm(), event(number, limits::FEED_BYTES_MAX / 8));
        }
        let news = reader.next().await;
        assert_eq!((news.missed, news.events.len()), (13, 7));
        feed.tell(&realm(), event(20, 2 * limits::FEED_BYTES_MAX));
        assert_eq!(ids(&reader.next().await), ["20"]);
    }

    #[tokio::test]
    async fn the_bus_is_told_of_the_first_reader_and_of_the_last_that_leaves() {
        let (inputs, mut inbox) = mpsc::channel(8);
        let feed = Feed::new(inputs.downgrade());
        let one = feed.follow(realm()).await.expect("there is a seat");
        let other = feed.follow(realm()).await.expect("there is a seat");
        assert_eq!(said(&mut inbox), [true, true]);
        drop(one);
        assert!(said(&mut inbox).is_empty());
        drop(other);
        assert_eq!(said(&mut inbox), [false]);
        assert!(feed.lock().is_empty());
        feed.tell(&realm(), event(1, 1));
        assert_eq!(said(&mut inbox), [false], "an event that nobody follows says so again");
    }

    #[tokio::test]
    async fn there_are_so_many_seats_and_none_when_the_bus_is_gone() {
        let (inputs, mut inbox) = mpsc::channel(2 * limits::FEED_READERS_MAX);
        let feed = Feed::new(inputs.downgrade());
        let mut readers = Vec::new();
        for _ in 0..limits::FEED_READERS_MAX {
            readers.push(feed.follow(realm()).await.expect("there is a seat"));
        }
        assert_eq!(feed.follow(realm()).await.expect_err("it is full"), NoSeat::Full);
        readers.pop();
        readers.push(feed.follow(realm()).await.expect("there is a seat again"));
        readers.clear();
        drop(said(&mut inbox));
        drop(inputs);
        assert_eq!(feed.follow(realm()).await.expect_err("nobody is there"), NoSeat::Ending);
    }
}
