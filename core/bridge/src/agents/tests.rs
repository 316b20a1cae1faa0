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
fn how_far_an_agent_was_drained_is_the_same_decision_and_anything_else_is_not() {
    assert!(
        drain(None, false).is_same(&drained(None)) && drained(None).is_same(&drain(None, false))
    );
    for other in [drain(Some(1), false), drain(None, true), Standing::Deactivated] {
        assert!(!drained(None).is_same(&other), "{other:?}");
    }
}

#[test]
fn what_was_decided_is_read_again_as_it_was_written() {
    let all = [
        Standing::Deactivated,
        Standing::Gone,
        drain(None, false),
        drain(Some(0), true),
        drain(Some(u64::MAX), true),
        drained(Some(7)),
    ];
    for standing in all {
        let text = standing.text();
        assert_eq!(Standing::parse(&text), Some(standing), "{text}");
        let is_allowed = |one: char| one.is_ascii_alphanumeric() || "-_.@/\\: ".contains(one);
        assert!(text.len() <= 128 && text.chars().all(is_allowed), "{text}");
    }
}

#[test]
fn what_others_wrote_says_nothing() {
    for text in
        ["", "x", "gone:1", "draining", "draining:1:2", "draining:x:-:keep", "draining:1:-:y"]
    {
        assert_eq!(Standing::parse(text), None, "{text}");
    }
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
