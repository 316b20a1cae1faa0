//! Machines and agents, and what frameworks answer.

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::maintenance::Window;
use longshore_wire_mesos::v1::{DurationInfo, TimeInfo};

use super::*;
use crate::ids::FrameworkId;

fn machine(hostname: &str, ip: &str) -> MachineId {
    let set = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    MachineId { hostname: set(hostname), ip: set(ip) }
}

fn schedule(machines: &[MachineId]) -> Schedule {
    let unavailability = Unavailability {
        start: TimeInfo { nanoseconds: 1_900_000_000_000_000_000 },
        duration: Some(DurationInfo { nanoseconds: 1 }),
    };
    let window = Window { machine_ids: machines.to_vec(), unavailability };
    Schedule { windows: vec![window] }
}

fn planned(machines: &[MachineId]) -> Maintenance {
    let mut maintenance = Maintenance::default();
    maintenance.plan(schedule(machines)).expect("nothing is down");
    maintenance
}

/// \[O28\]
#[test]
fn an_agent_is_on_the_machine_whose_name_and_address_it_has() {
    for (on, hostname, ip, is_on) in [
        (machine("h", "10.0.0.1"), "H", "10.0.0.1", true),
        (machine("h", "10.0.0.1"), "h", "10.0.0.2", false),
        // ECS does not say which address it has.
        (machine("h", "10.0.0.1"), "h", "0.0.0.0", true),
        (machine("h", ""), "h", "10.0.0.9", true),
        (machine("", "10.0.0.1"), "other", "10.0.0.1", true),
        (machine("", "10.0.0.1"), "other", "0.0.0.0", false),
        (machine("h", ""), "h2", "0.0.0.0", false),
    ] {
        let mut maintenance = planned(std::slice::from_ref(&on));
        assert_eq!(maintenance.place(&"a".into(), hostname, ip), is_on, "{on:?} {hostname} {ip}");
        assert!(!maintenance.place(&"a".into(), hostname, ip), "it is no news twice");
        assert_eq!(maintenance.unavailability("a").is_some(), is_on);
    }
}

#[test]
fn a_machine_that_is_down_stays_on_the_schedule_until_it_is_up() {
    let (one, two) = (machine("m1.example", "10.0.0.1"), machine("m2.example", ""));
    let mut maintenance = planned(&[one.clone(), two.clone()]);
    let name = r#"Machine '{"hostname":"m1.example","ip":"10.0.0.1"}'"#;
    assert_eq!(
        maintenance.bring_up(std::slice::from_ref(&one)),
        Err(format!("{name} is not in DOWN mode and cannot be brought up"))
    );
    maintenance.take_down(std::slice::from_ref(&one)).expect("it is planned");
    assert_eq!(
        maintenance.take_down(std::slice::from_ref(&one)),
        Err(format!("{name} is not in DRAINING mode and cannot be brought down"))
    );
    assert_eq!(
        maintenance.plan(Schedule::default()),
        Err(format!("{name} is deactivated and cannot be removed from the schedule"))
    );
    let (_, status) = maintenance.take_news().expect("there is news");
    assert_eq!(status.down_machines, std::slice::from_ref(&one));
    assert_eq!(status.draining_machines[0].id, two);
    maintenance.bring_up(std::slice::from_ref(&one)).expect("it is down");
    let (left, _) = maintenance.take_news().expect("there is news");
    assert_eq!(left, schedule(&[two]));
    let unknown = maintenance.take_down(&[machine("nosuch", "")]).expect_err("it is not planned");
    assert_eq!(unknown, r#"Machine '{"hostname":"nosuch"}' is not part of a maintenance schedule"#);
}

/// \[C38\]
#[test]
fn an_answer_keeps_the_next_request_away_for_as_long_as_it_says() {
    let mut maintenance = planned(&[machine("h", "")]);
    let (agent, framework) = (AgentId::from("a"), FrameworkId::from("f"));
    maintenance.place(&agent, "h", "0.0.0.0");
    let now = Timestamp::from_millis(1_000);
    let inverse = &mut maintenance.inverse;
    assert!(inverse.may_ask(now, &agent, &framework));
    inverse.insert("o1".into(), &agent, &framework);
    assert!(!inverse.may_ask(now, &agent, &framework), "one is out");
    assert_eq!(inverse.answer(now, &framework, "o2", true, 5.0), None);
    assert_eq!(inverse.answer(now, &"g".into(), "o1", true, 5.0), None, "it is another's");
    let until = now + 5_000;
    assert_eq!(inverse.answer(now, &framework, "o1", true, 5.0), Some((agent.clone(), until)));
    assert!(inverse.may_ask(until, &agent, &framework));
    let (_, status) = maintenance.take_news().expect("there is news");
    let statuses = &status.draining_machines[0].statuses;
    assert_eq!(statuses.len(), 1);
    assert_eq!(maintenance.inverse.revive(&framework), [(agent.clone(), until)]);
    assert!(maintenance.inverse.may_ask(now, &agent, &framework));
    assert_eq!(maintenance.audit(), Vec::<String>::new());
}
