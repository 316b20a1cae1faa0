//! What is remembered of agents, and how it is written.

use super::*;

fn drain(max_grace_ms: Option<u64>, mark_gone: bool) -> Standing {
    let started_at = Timestamp::from_millis(1_700_000_000_123);
    Standing::Draining(Drain { is_done: false, max_grace_ms, mark_gone, started_at })
}

fn drained(max_grace_ms: Option<u64>) -> Standing {
    let started_at = Timestamp::from_millis(1_700_000_000_123);
    Standing::Draining(Drain { is_done: true, max_grace_ms, mark_gone: false, started_at })
}

#[test]
fn what_was_decided_is_read_again_as_it_was_written() {
    let all = [
        None,
        Some(Standing::Deactivated),
        Some(Standing::Gone),
        Some(drain(None, false)),
        Some(drain(Some(0), true)),
        Some(drain(Some(u64::MAX), true)),
        Some(drained(Some(7))),
    ];
    for standing in all {
        let mark = Mark { standing, version: u64::MAX };
        let text = mark.text();
        assert_eq!(Mark::parse(&text), Some(mark), "{text}");
        let is_allowed = |one: char| one.is_ascii_alphanumeric() || "-_.@/\\: ".contains(one);
        assert!(text.len() <= 128 && text.chars().all(is_allowed), "{text}");
    }
}

#[test]
fn what_others_wrote_says_nothing() {
    for text in [
        "",
        "x",
        "x:1",
        "gone",
        "gone:x",
        "gone:1:2",
        "draining:1",
        "draining:1:2:3",
        "draining:x:-:keep:1",
        "draining:1:-:y:1",
    ] {
        assert_eq!(Mark::parse(text), None, "{text}");
    }
}

#[test]
fn the_last_decision_about_an_agent_counts_whatever_is_read_later() {
    let (agent, mut agents) = (AgentId::from("a"), Agents::default());
    let now = Timestamp::from_millis(1_000);
    let text = |standing: Option<Standing>, version| Mark { standing, version }.text();
    assert_eq!(agents.see(now, &agent, None), Shown::Known);
    assert_eq!(agents.see(now, &agent, Some("not ours")), Shown::Known);
    let in_a_year = text(Some(Standing::Gone), 31_536_000_000);
    assert_eq!(agents.see(now, &agent, Some(&in_a_year)), Shown::Known, "no clock is so far ahead");
    let later = Mark { standing: Some(Standing::Deactivated), version: 5 };
    assert_eq!(agents.see(now, &agent, Some(&later.text())), Shown::Later(later));
    agents.follows(&agent, 5);
    assert_eq!(agents.see(now, &agent, Some(&text(None, 4))), Shown::Doubtful);
    assert_eq!(agents.see(now, &agent, None), Shown::Doubtful);
    // A clock that stands still makes no version twice.
    assert_eq!(agents.decides(Timestamp::from_millis(3), &agent), 6);
    assert_eq!(agents.decides(Timestamp::from_millis(9), &agent), 9);
    agents.stands(&agent, Some(Standing::Gone));
    assert_eq!(agents.see(now, &agent, Some(&text(None, 99))), Shown::Doubtful);
    assert_eq!(agents.see(now, &agent, Some(&text(Some(Standing::Gone), 1))), Shown::Known);
}

/// \[R8\]
#[test]
fn so_many_agents_that_are_gone_are_remembered_and_no_more() {
    let mut agents = Agents::default();
    for number in 0..=limits::GONE_AGENTS_MAX {
        agents.stands(&format!("{number}").into(), Some(Standing::Gone));
    }
    assert!(!agents.is_gone("0") && agents.is_gone("1"));
    assert_eq!(agents.audit(), Vec::<String>::new());
}

/// \[T32\]
#[test]
fn an_agent_is_unreachable_only_after_so_long_and_only_once() {
    let mut agents = Agents::default();
    let (agent, begin) = (AgentId::from("a"), Timestamp::from_millis(1_000));
    assert_eq!(agents.leaves(begin, &agent, 75_000), Some(begin + 75_000));
    assert_eq!(agents.leaves(begin + 10, &agent, 75_000), None);
    assert!(!agents.is_overdue(begin + 74_999, &agent, 75_000));
    assert!(!agents.is_back(&agent), "it was not unreachable yet");
    agents.leaves(begin, &agent, 75_000);
    assert!(agents.is_overdue(begin + 75_000, &agent, 75_000));
    assert!(!agents.is_overdue(begin + 80_000, &agent, 75_000));
    assert_eq!(agents.unreachable_since(&agent), Some(begin + 75_000));
    assert!(agents.is_back(&agent) && !agents.is_back(&agent));
}
