//! Who watches reads everything once and in its order, or is closed.

use longshore_bridge::operator::{AgentView, ReadModel};
use longshore_bridge::{Amounts, Input};
use longshore_machine::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::*;

/// A read model, those who watch it, and what the bridge is told.
struct Scene {
    model: ReadModel,
    watchers: Watchers,
    told: UnboundedReceiver<Input>,
    tasks: JoinSet<()>,
}

impl Scene {
    fn new() -> (Self, Teller) {
        let (leave, told) = mpsc::unbounded_channel();
        let (watchers, teller) = Watchers::new(leave);
        (Self { model: ReadModel::default(), watchers, told, tasks: JoinSet::new() }, teller)
    }

    fn running() -> Self {
        let (mut scene, teller) = Self::new();
        scene.tasks.spawn(teller.run());
        scene
    }

    fn join_later(&mut self, media: Media) -> oneshot::Receiver<Answer> {
        let (reply, answer) = oneshot::channel();
        let view = Box::new(self.model.watch());
        self.watchers.join(view, media, reply);
        answer
    }

    async fn join(&mut self, media: Media) -> Watching {
        watching(self.join_later(media)).await
    }

    /// An agent comes, which is one event.
    fn agent(&mut self, id: &str) {
        self.model.put_agent(agent(id));
        self.watchers.tell(self.model.take_changes());
    }

    fn left(&mut self) -> usize {
        std::iter::from_fn(|| self.told.try_recv().ok()).count()
    }
}

async fn watching(answer: oneshot::Receiver<Answer>) -> Watching {
    match answer.await {
        Ok(Answer::Watching(watching)) => *watching,
        _ => panic!("nobody was let in"),
    }
}

fn agent(id: &str) -> AgentView {
    AgentView {
        id: id.into(),
        hostname: "h".into(),
        ip: "127.0.0.1".into(),
        port: 5051,
        process: "slave(1)".into(),
        attributes: Vec::new(),
        domain: None,
        registered_at: Timestamp::from_millis(1),
        reregistered_at: None,
        total: Amounts::default(),
        foreign: Amounts::default(),
        connected: true,
        deactivated: false,
        drain: None,
    }
}

/// The agent that the next event tells of; none if the stream is over.
async fn next(watching: &mut Watching) -> Option<String> {
    let record = watching.follower.next().await?;
    let text = String::from_utf8(record.to_vec()).expect("JSON is text");
    let (length, body) = text.split_once('\n').expect("a record has a length");
    assert_eq!(length.parse(), Ok(body.len()));
    let event: serde_json::Value = serde_json::from_str(body).expect("it is JSON");
    let id = &event["agent_added"]["agent"]["agent_info"]["id"]["value"];
    id.as_str().map(str::to_owned)
}

#[tokio::test]
async fn each_reads_what_happened_after_its_state_once_and_in_order() {
    let mut scene = Scene::running();
    scene.agent("a1");
    let mut first = scene.join(Media::Json).await;
    scene.agent("a2");
    let mut second = scene.join(Media::Json).await;
    scene.agent("a3");
    assert_eq!((first.view.agents().count(), second.view.agents().count()), (1, 2));
    assert_eq!(next(&mut first).await.as_deref(), Some("a2"));
    assert_eq!(next(&mut first).await.as_deref(), Some("a3"));
    assert_eq!(next(&mut second).await.as_deref(), Some("a3"));
    drop(first);
    assert_eq!(scene.left(), 1);
    drop(second);
    assert_eq!(scene.left(), 1);
}

#[tokio::test]
async fn who_joins_while_changes_wait_is_told_only_what_its_state_does_not_show() {
    let (mut scene, teller) = Scene::new();
    let first = scene.join_later(Media::Json);
    scene.agent("a1");
    let second = scene.join_later(Media::Json);
    scene.agent("a2");
    scene.tasks.spawn(teller.run());
    let (mut first, mut second) = (watching(first).await, watching(second).await);
    assert_eq!(next(&mut first).await.as_deref(), Some("a1"));
    assert_eq!(next(&mut second).await.as_deref(), Some("a2"));
}

#[tokio::test]
async fn all_readers_of_an_encoding_take_the_same_bytes() {
    let mut scene = Scene::running();
    let mut readers = [scene.join(Media::Json).await, scene.join(Media::Json).await];
    let mut other = scene.join(Media::Protobuf).await;
    scene.agent("a1");
    let [first, second] = &mut readers;
    let first = first.follower.next().await.expect("it comes");
    let second = second.follower.next().await.expect("it comes");
    assert_eq!(first.as_ptr(), second.as_ptr());
    assert_ne!(other.follower.next().await.expect("it comes"), first);
}

/// \[P1\]
#[tokio::test]
async fn beyond_the_limit_the_oldest_is_closed() {
    let mut scene = Scene::running();
    let mut oldest = scene.join(Media::Protobuf).await;
    let mut others = Vec::new();
    for _ in 0..limits::WATCHERS_MAX {
        others.push(scene.join(Media::Json).await);
    }
    scene.agent("a1");
    assert!(oldest.follower.next().await.is_none());
    for other in &mut others {
        assert_eq!(next(other).await.as_deref(), Some("a1"));
    }
}

#[tokio::test]
async fn who_reads_too_slowly_is_closed_and_others_go_on() {
    let log = Arc::<Log>::default();
    let (mut slow, mut quick) = (log.clone().follow(1), log.clone().follow(2));
    let record = || Bytes::from(vec![b'x'; limits::WATCHED_BYTES_MAX / 4]);
    let mut cut = 0;
    for _ in 0..10 {
        cut += log.push(std::iter::once(record()));
        assert_eq!(quick.next().await, Some(record()));
        assert!(log.sizes().1 <= limits::WATCHED_BYTES_MAX);
    }
    assert_eq!((cut, slow.next().await), (1, None));
    drop(slow);
    log.push(std::iter::once(record()));
    assert_eq!(quick.next().await, Some(record()));
    log.push(std::iter::once(record()));
    assert_eq!(log.sizes().0, 1, "what everybody has read is not kept");
    drop(quick);
    assert_eq!(log.sizes(), (0, 0));
}

#[tokio::test]
async fn changes_that_nobody_encodes_end_the_streams_and_do_not_pile_up() {
    let (mut scene, teller) = Scene::new();
    let early = scene.join_later(Media::Json);
    let gone = |count: usize| vec![Change::AgentRemoved("a".into()); count];
    scene.watchers.tell(gone(limits::CHANGES_WAITING_MAX));
    (0..3).for_each(|_| scene.watchers.tell(gone(1)));
    let between = scene.join_later(Media::Json);
    (0..3).for_each(|_| scene.watchers.tell(gone(1)));
    let late = scene.join_later(Media::Json);
    assert_eq!(scene.watchers.waiting.load(Ordering::Relaxed), limits::CHANGES_WAITING_MAX);
    scene.tasks.spawn(teller.run());
    for missed in [early, between] {
        let mut missed = watching(missed).await;
        while missed.follower.next().await.is_some() {}
    }
    let mut late = watching(late).await;
    while scene.watchers.waiting.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
    scene.agent("a1");
    assert_eq!(next(&mut late).await.as_deref(), Some("a1"));
}
