//! What the view takes for news, keeps, and tells again.

use super::*;
use longshore_replica::{InstanceDetail, TaskDetail};
use longshore_wire_blox::route::{InstanceFilter, TaskFilter};

const WEB: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/web";
const OTHER: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/other";

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn instance(arn: &str, version: i64) -> Instance {
    let detail =
        InstanceDetail { cluster_arn: WEB.into(), status: "ACTIVE".into(), ..Default::default() };
    Instance {
        arn: arn.into(),
        version,
        active: true,
        connected: true,
        detail: Some(detail.into()),
        ..Default::default()
    }
}

fn task(arn: &str, cluster: &str, status: &str, version: i64) -> Task {
    let detail = TaskDetail {
        cluster_arn: cluster.into(),
        last_status: status.into(),
        ..Default::default()
    };
    Task {
        arn: arn.into(),
        version,
        instance_arn: Some("i".into()),
        last_status: LastStatus::parse(status),
        detail: Some(detail.into()),
        ..Default::default()
    }
}

/// Source: blox.md 1.6.
#[test]
fn only_a_strictly_newer_version_is_news() {
    let mut view = View::new(0);
    view.reserve();
    for (version, is_news) in [(3, true), (3, false), (2, false), (4, true)] {
        let merged = view.merge_instance(at(1), instance("i", version), Via::Event);
        assert_eq!(merged.is_some(), is_news, "{version}");
    }
    assert_eq!(view.version(), 2);
    let lost = Instance { connected: false, ..instance("i", 4) };
    assert!(view.merge_instance(at(1), lost.clone(), Via::Event).is_none());
    assert!(view.merge_instance(at(1), lost, Via::Reading).is_some());
    view.audit();
}

#[test]
fn a_late_event_does_not_bring_back_what_is_gone_and_a_reading_does() {
    let mut view = View::new(0);
    view.reserve();
    view.merge_instance(at(1), instance("i", 3), Via::Reading);
    let gone = view.retain_instances(&WEB.into(), &BTreeSet::new(), at(2 + limits::FRESH_MS));
    assert_eq!(gone.len(), 1);
    assert!(view.merge_instance(at(3), instance("i", 3), Via::Event).is_none());
    assert!(view.merge_instance(at(3), instance("i", 3), Via::Reading).is_some());
    view.audit();
}

/// Source: blox.md 1.7: the snapshot is taken before the calls.
#[test]
fn what_was_told_after_a_reading_was_asked_for_or_shortly_before_is_not_removed_by_it() {
    let mut view = View::new(0);
    view.reserve();
    view.merge_instance(at(5), instance("i", 3), Via::Event);
    let mut removed = |ms| view.retain_instances(&WEB.into(), &BTreeSet::new(), at(ms)).len();
    assert_eq!(
        (removed(5), removed(5 + limits::FRESH_MS), removed(6 + limits::FRESH_MS)),
        (0, 0, 1)
    );
}

#[test]
fn a_stopped_task_stays_until_it_is_forgotten() {
    let mut view = View::new(0);
    view.reserve();
    view.merge_task(at(1), task("t", WEB, "STOPPED", 5), Via::Event);
    assert!(view.retain_tasks(&WEB.into(), &BTreeSet::new(), at(99_999)).is_empty());
    assert!(view.merge_task(at(9), task("t", WEB, "RUNNING", 6), Via::Reading).is_none());
    assert!(view.forget_task("t").is_some() && view.task("t").is_none());
}

/// Source: blox.md 1.9: replay includes the version itself; what is older than the log or to come is out of range.
#[test]
fn a_stream_goes_on_where_it_ended() {
    let mut view = View::new(100);
    view.reserve();
    view.merge_task(at(1), task("t", WEB, "PENDING", 1), Via::Event);
    view.merge_instance(at(1), instance("i", 1), Via::Event);
    view.merge_task(at(1), task("t", WEB, "RUNNING", 2), Via::Event);
    let versions = |stream, from| {
        let since = view.since(stream, from);
        since.map(|all| all.iter().map(Happened::version).collect::<Vec<_>>())
    };
    assert_eq!(versions(Stream::Tasks, 101), Ok(vec![101, 103]));
    assert_eq!(versions(Stream::Tasks, 102), Ok(vec![103]));
    assert_eq!(versions(Stream::Instances, 101), Ok(vec![102]));
    assert_eq!(versions(Stream::Instances, 103), Ok(vec![]));
    assert_eq!(versions(Stream::Tasks, 0), Ok(vec![]));
    for out in [1, 100, 104] {
        assert_eq!(versions(Stream::Tasks, out), Err(Fault::OutOfRange), "{out}");
    }
}

#[test]
fn versions_grow_over_restarts() {
    let mut view = View::new(0);
    assert_eq!(view.reserve(), Some(limits::VERSIONS_RESERVED));
    assert_eq!(view.reserve(), None);
    let mut next = View::new(limits::VERSIONS_RESERVED);
    next.reserve();
    next.merge_instance(at(1), instance("i", 1), Via::Event);
    assert_eq!(next.version(), limits::VERSIONS_RESERVED + 1);
}

#[test]
fn the_log_is_bounded_and_tells_where_it_begins() {
    let mut view = View::new(0);
    view.reserve();
    for version in 1..=i64::try_from(limits::LOG_CHANGES_MAX).unwrap_or(0) + 1 {
        view.merge_instance(at(1), instance("i", version), Via::Event);
    }
    assert_eq!(view.since(Stream::Instances, 1), Err(Fault::OutOfRange));
    let all = view.since(Stream::Instances, 2).expect("it is kept");
    assert_eq!(all.len(), limits::LOG_CHANGES_MAX);
    view.audit();
}

/// Source: blox.md 1.3: all filters are combined; the cluster counts by its name.
#[test]
fn lists_are_filtered() {
    let mut view = View::new(0);
    view.reserve();
    let mine = Task { started_by: Some("me".into()), ..task("a", WEB, "RUNNING", 1) };
    let fargate = Task { instance_arn: None, ..task("f", WEB, "RUNNING", 1) };
    for one in [mine, task("b", WEB, "PENDING", 1), task("c", OTHER, "RUNNING", 1), fargate] {
        view.merge_task(at(1), one, Via::Event);
    }
    let found = |status, cluster: Option<&str>, who: Option<&str>| -> String {
        let filter = TaskFilter {
            status,
            cluster: cluster.map(str::to_owned),
            started_by: who.map(str::to_owned),
        };
        view.find_tasks(&filter).iter().map(|one| one.record.arn.to_string()).collect()
    };
    assert_eq!(found(None, None, None), "abc");
    assert_eq!(found(Some("RUNNING"), Some("web"), None), "a");
    assert_eq!(found(Some("RUNNING"), Some("nobody"), None), "");
    assert_eq!(found(None, None, Some("me")), "a");
    assert!(view.get_task("web", "a").is_some() && view.get_task("other", "a").is_none());
    assert!(view.get_task("web", "f").is_none());
    view.merge_instance(at(1), instance("i", 1), Via::Event);
    let filter = InstanceFilter { status: Some("INACTIVE"), cluster: None };
    assert!(view.find_instances(&filter).is_empty());
    assert_eq!(view.find_instances(&InstanceFilter::default()).len(), 1);
}
