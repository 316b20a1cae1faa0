//! When runs are due: changes of clocks, ends of months, and what is refused.

use longshore_wire_chronos::answer;
use proptest::prelude::*;

use super::*;

fn recurrence(schedule: &str, time_zone: &str) -> Recurrence {
    Recurrence::new(&Schedule::parse(schedule).unwrap(), time_zone, 1_795_261_375_980).unwrap()
}

fn dues(schedule: &str, time_zone: &str, many: u64) -> Vec<String> {
    let recurrence = recurrence(schedule, time_zone);
    (0..many).map(|number| answer::moment(recurrence.due_ms(number).unwrap())).collect()
}

#[test]
fn a_daily_job_keeps_its_hour_when_clocks_change() {
    // Source: frameworks.md 4.3. Vienna: +1 until 2026-03-29, then +2.
    let dues = dues("R/2026-03-28T12:00:00Z/P1D", "Europe/Vienna", 3);
    assert_eq!(
        dues,
        ["2026-03-28T11:00:00.000Z", "2026-03-29T10:00:00.000Z", "2026-03-30T10:00:00.000Z"]
    );
}

#[test]
fn an_hourly_job_runs_every_hour_that_passes() {
    let dues = dues("R/2026-03-29T00:30:00/PT1H", "Europe/Vienna", 4);
    assert_eq!(
        dues,
        [
            "2026-03-28T23:30:00.000Z",
            "2026-03-29T00:30:00.000Z",
            "2026-03-29T01:30:00.000Z",
            "2026-03-29T02:30:00.000Z"
        ]
    );
}

#[test]
fn a_time_that_is_left_out_comes_later_and_the_next_day_is_right_again() {
    let dues = dues("R/2026-03-28T02:30:00/P1D", "Europe/Vienna", 3);
    assert_eq!(
        dues,
        ["2026-03-28T01:30:00.000Z", "2026-03-29T01:30:00.000Z", "2026-03-30T00:30:00.000Z"]
    );
}

#[test]
fn a_time_that_comes_twice_runs_once() {
    // 02:30 is at 00:30Z and at 01:30Z on 2026-10-25.
    let dues = dues("R/2026-10-24T02:30:00/P1D", "Europe/Vienna", 3);
    assert_eq!(
        dues,
        ["2026-10-24T00:30:00.000Z", "2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"]
    );
}

#[test]
fn a_monthly_job_runs_on_the_last_day_of_shorter_months() {
    let dues = dues("R/2028-01-31T06:00:00Z/P1M", "", 4);
    assert_eq!(
        dues,
        [
            "2028-01-31T06:00:00.000Z",
            "2028-02-29T06:00:00.000Z",
            "2028-03-31T06:00:00.000Z",
            "2028-04-30T06:00:00.000Z"
        ]
    );
}

#[test]
fn a_leap_day_comes_back_every_fourth_year() {
    let dues = dues("R/2028-02-29T00:00:00Z/P1Y", "", 5);
    assert_eq!((&dues[1][..10], &dues[4][..10]), ("2029-02-28", "2032-02-29"));
}

#[test]
fn without_a_zone_the_offset_of_the_start_holds() {
    let dues = dues("R/2026-03-28T12:00:00-05:00/P1D", "", 2);
    assert_eq!(dues, ["2026-03-28T17:00:00.000Z", "2026-03-29T17:00:00.000Z"]);
}

#[test]
fn the_zone_reads_the_fields_again_whatever_offset_they_have() {
    let dues = dues("R/2026-07-01T00:00:00Z/P1D", "America/New_York", 1);
    assert_eq!(dues, ["2026-07-01T04:00:00.000Z"]);
}

#[test]
fn no_start_is_now() {
    let recurrence = recurrence("R//PT1H", "Europe/Vienna");
    assert_eq!(recurrence.due_ms(0), Some(1_795_261_375_980));
    assert_eq!(recurrence.due_ms(1), Some(1_795_264_975_980));
}

#[test]
fn a_day_that_a_zone_leaves_out_has_no_run_of_its_own() {
    // Samoa went from 2011-12-29 to 2011-12-31.
    let recurrence = recurrence("R/2011-12-29T12:00:00/P1D", "Pacific/Apia");
    let [left_out, next] = [1, 2].map(|number| recurrence.due_ms(number).unwrap());
    assert_eq!(left_out, next);
    assert_eq!(recurrence.at_or_after(1, left_out + 1), Some(3));
}

#[test]
fn the_year_9999_is_the_end() {
    let recurrence = recurrence("R/9998-06-01T00:00:00Z/P1Y", "");
    assert!(recurrence.due_ms(1).is_some() && recurrence.due_ms(2).is_none());
    assert_eq!(recurrence.at_or_after(0, u64::MAX), None);
}

#[test]
fn a_start_before_1970_and_an_unknown_zone_are_refused() {
    let refused = |schedule: &str, zone: &str| {
        let schedule = Schedule::parse(schedule).unwrap();
        Recurrence::new(&schedule, zone, 0).unwrap_err()
    };
    assert_eq!(refused("R/1970-01-01T00:00:00Z/P1D", "").field, "schedule");
    assert_eq!(refused("R/1969-12-31T23:59:59Z/P1D", "").field, "schedule");
    assert_eq!(refused("R/2026-01-01/P1D", "Europe/Wien").field, "scheduleTimeZone");
    let late = Schedule::parse("R/1970-01-01T00:00:01Z/P1D").unwrap();
    assert!(Recurrence::new(&late, "", 0).is_ok());
}

#[test]
fn what_is_shown_is_the_rest_and_means_the_same() {
    let of = recurrence("R5/2026-03-28T12:00:00/P1D", "Europe/Vienna");
    assert_eq!(of.shown(Some(3), 2), "R3/2026-03-30T12:00:00.000+02:00/P1D");
    let again = recurrence(&of.shown(Some(3), 2), "Europe/Vienna");
    assert_eq!(again.due_ms(0), of.due_ms(2));
}

proptest! {
    #[test]
    fn due_times_never_decrease_and_are_found_again(
        zone in prop::sample::select(vec!["", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe"]),
        period in prop::sample::select(vec!["P1D", "P1M", "PT7M", "P1Y", "P1DT1H", "P1M1D", "P1W"]),
        from in 0_u64..3_000, many in 0_u64..5_000_000_000_000,
    ) {
        let of = recurrence(&format!("R/1999-10-31T02:15:00/{period}"), zone);
        if let (Some(first), Some(second)) = (of.due_ms(from), of.due_ms(from + 1)) {
            prop_assert!(first <= second);
        }
        let ms = of.due_ms(0).unwrap() + many;
        if let Some(found) = of.at_or_after(0, ms) {
            prop_assert!(of.due_ms(found).unwrap() >= ms);
            prop_assert!(found == 0 || of.due_ms(found - 1).unwrap() < ms);
        }
    }
}
