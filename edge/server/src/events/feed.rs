//! The feed of events: for each realm that is being followed, the events that some reader has not
//! read yet, and the position of each reader among them.
//!
//! The writer adds events once their commit is on disk, and never waits for a reader. Waiting
//! events are limited in bytes, not in number. A reader that falls further behind continues with
//! the oldest remaining event and is told how many it has missed; one that reads nothing at all is
//! dropped with its connection (see [`crate::progress`]).
//!
//! Invariants: events that every reader has read are not kept; a realm has a ring only while it has
//! readers; the bus is told about the first reader before that reader gets a response, so that it
//! sees everything it causes afterwards; when the last reader leaves, the bus is told to build no
//! more events.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_control::Input;
use longshore_events::Event;
use longshore_wire_ecs::arn::Realm;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::limits;

/// The latest events of all followed realms.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    rings: Arc<Mutex<Rings>>,
    seats: Arc<Semaphore>,
    /// A weak sender to the bus: the control plane ends when the last strong one is dropped.
    inputs: mpsc::WeakSender<Input>,
}

#[derive(Debug, Default)]
struct Rings {
    by_realm: BTreeMap<Realm, Ring>,
    /// Total bytes of these events.
    bytes: usize,
    readers_made: u64,
}

impl Rings {
    fn push(&mut self, realm: &Realm, event: Arc<Event>) -> Option<()> {
        let ring = self.by_realm.get_mut(realm)?;
        self.bytes += event.bytes();
        ring.bytes += event.bytes();
        ring.kept.push_back(event);
        ring.next += 1;
        // The latest event is kept, however large it is.
        while ring.kept.len() > 1
            && (ring.bytes > limits::FEED_BYTES_MAX || self.bytes > limits::FEED_BYTES_MAX_ALL)
        {
            self.bytes -= ring.forget_oldest();
        }
        ring.news.send_replace(ring.next);
        Some(())
    }

    /// Drops what every reader of a realm has taken.
    fn forget_taken(&mut self, realm: &Realm) {
        let Some(ring) = self.by_realm.get_mut(realm) else { return };
        let taken = ring.readers.values().copied().min().unwrap_or(ring.next);
        while ring.oldest() < taken {
            self.bytes -= ring.forget_oldest();
        }
    }
}

/// The latest events of a realm.
#[derive(Debug)]
struct Ring {
    kept: VecDeque<Arc<Event>>,
    bytes: usize,
    /// The number of the next event; the kept events have the numbers just below it.
    next: u64,
    /// For each reader, the number of its next event.
    readers: BTreeMap<u64, u64>,
    /// Notifies waiting readers.
    news: watch::Sender<u64>,
}

impl Ring {
    fn new() -> Self {
        let (news, _) = watch::channel(0);
        Self { kept: VecDeque::new(), bytes: 0, next: 0, readers: BTreeMap::new(), news }
    }

    /// Drops the oldest event; returns its bytes.
    fn forget_oldest(&mut self) -> usize {
        let bytes = self.kept.pop_front().map_or(0, |event| event.bytes());
        self.bytes -= bytes;
        bytes
    }

    /// The number of the oldest event kept.
    fn oldest(&self) -> u64 {
        self.next - self.kept.len() as u64
    }
}

/// Why no further reader is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// The maximum number of readers is reached.
    Full,
    /// The control plane is shutting down.
    Ending,
}

impl Feed {
    pub(crate) fn new(inputs: mpsc::WeakSender<Input>) -> Self {
        let seats = Arc::new(Semaphore::new(limits::FEED_READERS_MAX));
        Self { rings: Arc::default(), seats, inputs }
    }

    fn lock(&self) -> MutexGuard<'_, Rings> {
        // Each change consists of a few lines that cannot panic, so a panic elsewhere cannot leave
        // it half done.
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a reader. It gets all events of calls made from now on.
    pub(crate) async fn follow(&self, realm: Realm) -> Result<Reader, NoSeat> {
        let seat = self.seats.clone().try_acquire_owned().map_err(|_| NoSeat::Full)?;
        let inputs = self.inputs.upgrade().ok_or(NoSeat::Ending)?;
        // Reserve the place in the mailbox first, so that messages are sent in the order of the
        // lock.
        let place = inputs.reserve().await.map_err(|_| NoSeat::Ending)?;
        let mut rings = self.lock();
        rings.readers_made += 1;
        let id = rings.readers_made;
        let ring = rings.by_realm.entry(realm.clone()).or_insert_with(Ring::new);
        ring.readers.insert(id, ring.next);
        let news = ring.news.subscribe();
        place.send(followed(realm.clone(), true));
        drop(rings);
        Ok(Reader { feed: self.clone(), realm, id, news, _seat: seat })
    }

    /// Passes on an event that is on disk.
    pub(crate) fn tell(&self, realm: &Realm, event: Arc<Event>) {
        let mut rings = self.lock();
        if rings.push(realm, event).is_none() {
            // It was on its way when the last reader left, or the bus could not be notified.
            self.nobody_follows(realm.clone());
        }
    }

    /// Notifies the bus, if its mailbox has room; otherwise the next event triggers this again.
    /// Called under the lock, so that it cannot overtake a new reader.
    fn nobody_follows(&self, realm: Realm) {
        if let Some(inputs) = self.inputs.upgrade() {
            drop(inputs.try_send(followed(realm, false)));
        }
    }

    fn leave(&self, realm: &Realm, id: u64) {
        let mut rings = self.lock();
        let Some(ring) = rings.by_realm.get_mut(realm) else { return };
        ring.readers.remove(&id);
        let is_last = ring.readers.is_empty();
        rings.forget_taken(realm);
        if is_last {
            rings.by_realm.remove(realm);
            self.nobody_follows(realm.clone());
        }
    }
}

fn followed(realm: Realm, followed: bool) -> Input {
    Input::Bus(longshore_events::Input::Followed { realm, followed })
}

/// What is available to a reader.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Number of events missed because the reader was too slow.
    pub(crate) missed: u64,
    /// Events, oldest first.
    pub(crate) events: Vec<Arc<Event>>,
}

/// A reader's position in the events of a realm.
#[derive(Debug)]
pub(crate) struct Reader {
    feed: Feed,
    realm: Realm,
    id: u64,
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

    fn take(&self) -> News {
        let mut rings = self.feed.lock();
        let Some(ring) = rings.by_realm.get_mut(&self.realm) else { return News::default() };
        let oldest = ring.oldest();
        let Some(at) = ring.readers.get_mut(&self.id) else { return News::default() };
        let missed = oldest.saturating_sub(*at);
        *at += missed;
        let skip = usize::try_from(*at - oldest).unwrap_or(usize::MAX);
        let (mut events, mut bytes) = (Vec::new(), 0);
        for event in ring.kept.iter().skip(skip).take(limits::FEED_BATCH_MAX) {
            bytes += event.bytes();
            events.push(event.clone());
            if bytes >= limits::FEED_BATCH_BYTES_MAX {
                break;
            }
        }
        *at += events.len() as u64;
        rings.forget_taken(&self.realm);
        News { missed, events }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.feed.leave(&self.realm, self.id);
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

    /// What the bus was told since the last call.
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
        let kept = limits::FEED_BYTES_MAX / event(10_000, 10_000).bytes();
        let mut seen = 0;
        for number in 0..kept + 10 {
            feed.tell(&realm(), event(number + 10_000, 10_000));
            let news = quick.next().await;
            assert_eq!(news.missed, 0);
            seen += news.events.len();
        }
        assert_eq!(seen, kept + 10);
        let news = slow.next().await;
        assert_eq!((news.missed, &*news.events[0].id), (10, "10010"));
        let mut left = news.events.len();
        while left < kept {
            let news = slow.next().await;
            assert_eq!(news.missed, 0);
            left += news.events.len();
        }
        assert_eq!(feed.lock().bytes, 0, "what both have taken is not kept");
    }

    /// A burst of small events is limited only by bytes.
    #[tokio::test]
    async fn a_reader_that_is_busy_for_a_while_misses_none_of_many_small_events() {
        let (inputs, _inbox) = mpsc::channel(8);
        let feed = Feed::new(inputs.downgrade());
        let mut busy = feed.follow(realm()).await.expect("there is a seat");
        for number in 0..20_000 {
            feed.tell(&realm(), event(number, 100));
        }
        let mut read = 0;
        while read < 20_000 {
            let news = busy.next().await;
            assert_eq!(news.missed, 0);
            read += news.events.len();
        }
    }

    #[tokio::test]
    async fn what_is_kept_of_all_realms_is_bounded_together() {
        let (inputs, _inbox) = mpsc::channel(64);
        let feed = Feed::new(inputs.downgrade());
        let mut readers = Vec::new();
        for number in 0..8 {
            let realm = Realm::new("us-east-1", format!("{number:012}"));
            readers.push(feed.follow(realm.clone()).await.expect("there is a seat"));
            for _ in 0..8 {
                feed.tell(&realm, event(number, limits::FEED_BYTES_MAX / 8));
            }
        }
        let rings = feed.lock();
        let kept: usize = rings.by_realm.values().map(|ring| ring.bytes).sum();
        let latest = event(0, limits::FEED_BYTES_MAX / 8).bytes();
        assert_eq!(kept, rings.bytes);
        assert!(kept <= limits::FEED_BYTES_MAX_ALL + readers.len() * latest, "{kept}");
        drop(rings);
        drop(readers);
        assert_eq!(feed.lock().bytes, 0);
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
        assert_eq!((news.missed, news.events.len()), (13, 1), "large ones are taken one by one");
        for _ in 0..6 {
            assert_eq!(reader.next().await.missed, 0);
        }
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
        assert!(feed.lock().by_realm.is_empty());
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
