//! What follows from what came of probes, one after another.

use longshore_machine::Ids;

use super::*;
use crate::agenda::Agenda;
use crate::context::Asking;

fn dial(means: Means) -> Dial {
    Dial { port: 80, ipv6: false, means, delay_ms: 1_000, interval_ms: 2_000, timeout_ms: 500 }
}

fn health(grace_ms: u64, failures: u32) -> Watches {
    let of = HealthDial { dial: dial(Means::Tcp), grace_ms, failures };
    Watches { health: Some(of), check: None }
}

/// Checks, and the time that they are made at.
struct Bench {
    checks: Checks,
    agenda: Agenda,
    ids: Ids,
    now: Timestamp,
}

impl Bench {
    fn new(watches: &Watches, ran_before: bool) -> Self {
        let (checks, agenda, ids) = (Checks::default(), Agenda::default(), Ids::new(1));
        let mut bench = Self { checks, agenda, ids, now: Timestamp::from_millis(1_000_000) };
        bench.with(|checks, cx| checks.begin(cx, &id(), watches, ran_before));
        bench
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Checks, &mut Context<'_>) -> T) -> T {
        let (mut asking, mut out) = (Asking::default(), Vec::new());
        let Self { checks, agenda, ids, now } = self;
        let mut cx = Context { now: *now, ids, agenda, asking: &mut asking, out: &mut out };
        let given = act(checks, &mut cx);
        assert_eq!(checks.audit(|known| *known == id()), Vec::<String>::new());
        given
    }

    /// The next probe of the health check comes to this, once it is due.
    fn comes_to(&mut self, probed: &Probed) -> News {
        self.now = self.agenda.next_at().expect("it is due at some time");
        let due = self.agenda.pop_due(self.now);
        assert_eq!(due, Some(Timer::Probe(id(), Which::Health)));
        assert!(self.checks.due(self.now, &id(), Which::Health).is_some());
        let probe = self.with(|checks, _| checks.asks(&id(), Which::Health));
        assert_eq!(self.checks.answered(probe), Some((id(), Which::Health)));
        assert_eq!(self.checks.answered(probe), None, "an answer counts once");
        self.with(|checks, cx| checks.came_of(cx, &id(), Which::Health, probed))
    }
}

fn id() -> LaunchId {
    LaunchId::from("ls-1")
}

fn refused() -> Probed {
    Probed::Failed("refused".to_owned())
}

const TOLD: News = News::Health { ends: false };
const ENDS: News = News::Health { ends: true };

/// \[A10\]
#[test]
fn only_failures_in_a_row_end_a_task_and_only_changes_and_failures_are_told() {
    let mut bench = Bench::new(&health(0, 2), false);
    let unreached = Probed::Unreached("no route".to_owned());
    for (probed, news, verdict) in [
        (&unreached, News::Nothing, None),
        (&Probed::Connected, TOLD, Some(true)),
        (&Probed::Connected, News::Nothing, Some(true)),
        (&refused(), TOLD, Some(false)),
        (&unreached, News::Nothing, Some(false)),
        (&Probed::Connected, TOLD, Some(true)),
        (&Probed::TimedOut, TOLD, Some(false)),
        (&unreached, News::Nothing, Some(false)),
        (&refused(), ENDS, Some(false)),
        (&refused(), ENDS, Some(false)),
    ] {
        assert_eq!(bench.comes_to(probed), news, "{probed:?}");
        assert_eq!(bench.checks.healthy(&id()), verdict, "{probed:?}");
    }
}

/// \[A10\]
#[test]
fn the_grace_period_begins_with_the_task_and_ends_with_the_first_success() {
    let mut bench = Bench::new(&health(3_000, 1), false);
    assert_eq!(bench.comes_to(&refused()), News::Nothing, "after 1 s");
    assert_eq!(bench.comes_to(&refused()), News::Nothing, "after 3 s");
    assert_eq!(bench.comes_to(&refused()), ENDS, "after 5 s");
    let mut bench = Bench::new(&health(60_000, 1), false);
    assert_eq!(bench.comes_to(&Probed::Connected), TOLD);
    assert_eq!(bench.comes_to(&refused()), ENDS);
    let mut bench = Bench::new(&health(0, 0), false);
    assert_eq!(bench.comes_to(&refused()), ENDS, "none is given");
}

/// \[A10\]
#[test]
fn a_status_from_200_to_399_is_healthy_and_any_other_is_not() {
    let mut watches = health(0, 100);
    let of = watches.health.as_mut().expect("it has one");
    of.dial.means = Means::Http { tls: false, path: "/".into() };
    for (status, healthy) in [(200, true), (302, true), (399, true), (400, false), (199, false)] {
        let mut bench = Bench::new(&watches, false);
        assert_eq!(bench.comes_to(&Probed::Status(status)), TOLD);
        assert_eq!(bench.checks.healthy(&id()), Some(healthy), "{status}");
    }
}

#[test]
fn a_task_that_ran_before_is_probed_within_an_interval_and_one_that_ends_never() {
    let mut bench = Bench::new(&health(0, 1), true);
    let first = bench.agenda.next_at().expect("it is due");
    assert!(first < bench.now + 2_000);
    bench.with(|checks, cx| checks.pause(cx, &id()));
    assert_eq!((bench.agenda.len(), bench.checks.sizes()), (0, [1, 0]));
    assert!(bench.checks.due(first, &id(), Which::Health).is_none());
    let mut bench = Bench::new(&health(0, 1), false);
    let probe = bench.with(|checks, _| checks.asks(&id(), Which::Health));
    bench.with(|checks, cx| checks.pause(cx, &id()));
    assert_eq!(bench.checks.answered(probe), None, "nobody waits for it any more");
    bench.with(|checks, _| checks.forget(&id()));
    assert_eq!(bench.checks.sizes(), [0, 0]);
}
