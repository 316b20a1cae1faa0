//! Texts of schedules, good and bad.

use super::*;

fn schedule(text: &str) -> Schedule {
    Schedule::parse(text).unwrap()
}

#[test]
fn a_schedule_is_a_number_a_start_and_a_period() {
    let read = schedule("R5/2026-01-31T02:30:00.250Z/P1M2DT3H");
    assert_eq!(read.repeats, Some(5));
    assert_eq!((read.period.months(), read.period.days(), read.period.ms()), (1, 2, 10_800_000));
    assert_eq!(read.to_string(), "R5/2026-01-31T02:30:00.250Z/P1M2DT3H");
}

#[test]
fn no_number_is_for_ever_and_no_start_is_now() {
    let read = schedule("R//PT1.5S");
    assert_eq!((read.repeats, read.start, read.period.ms()), (None, None, 1_500));
    assert_eq!(read.to_string(), "R//PT1.5S");
}

#[test]
fn years_and_weeks_are_months_and_days() {
    let read = schedule("R/2026-01-01/P1Y1M2W1D").period;
    assert_eq!((read.months(), read.days()), (13, 15));
}

#[test]
fn starts_may_be_written_in_several_ways() {
    for (text, shown) in [
        ("2026-02-28", "2026-02-28T00:00:00.000"),
        ("2026-02-28T07", "2026-02-28T07:00:00.000"),
        ("2026-02-28T07:05Z", "2026-02-28T07:05:00.000Z"),
        ("2026-02-28T07:05:09,5+0130", "2026-02-28T07:05:09.500+01:30"),
        ("2024-02-29T07:05:09-08:00", "2024-02-29T07:05:09.000-08:00"),
    ] {
        assert_eq!(Start::parse(text).unwrap().to_string(), shown);
    }
}

#[test]
fn bad_schedules_are_refused_with_what_would_be_right() {
    for (text, said) in [
        ("", "three parts"),
        ("R/PT1H", "three parts"),
        ("5//PT1H", "begin with R"),
        ("R-1//PT1H", "R is followed by"),
        ("R+1//PT1H", "R is followed by"),
        ("R999999999999999999999//PT1H", "R is followed by"),
        ("R//1D", "begins with P"),
        ("R//P", "no number"),
        ("R//PT", "a time follows T"),
        ("R//P1H", "H is not one of its units"),
        ("R//PT1D", "D is not one of its units"),
        ("R//P1D1Y", "Y is not one of its units"),
        ("R//P-1D", "whole"),
        ("R//P1.5D", "only seconds"),
        ("R//PT1.5M", "only seconds"),
        ("R//P99999999999D", "whole"),
        ("R//PT0S", "too short"),
        ("R//PT0.5S", "too short"),
        ("R/2026-13-01/P1D", "month"),
        ("R/2026-02-29/P1D", "01 to 28"),
        ("R/26-02-01/P1D", "four digits"),
        ("R/2026-02-01T24:00:00Z/P1D", "hh:mm:ss"),
        ("R/2026-02-01T10:61Z/P1D", "hh:mm:ss"),
        ("R/2026-02-01T10:00:00:00Z/P1D", "hh:mm:ss"),
        ("R/2026-02-01T10:00:00+99:00/P1D", "offset"),
        ("R/yesterday/P1D", "YYYY-MM-DD"),
    ] {
        let refused = Schedule::parse(text).unwrap_err();
        assert!(refused.contains(said), "{text}: {refused}");
    }
}

#[test]
fn one_run_needs_no_period() {
    assert_eq!(schedule("R1//PT0S").period.ms(), 0);
}

#[test]
fn an_epsilon_has_a_fixed_length() {
    assert_eq!((epsilon("PT60S"), epsilon("P1DT1M")), (Ok(60_000), Ok(86_460_000)));
    for text in ["P1M", "PT", "60", "P4000D"] {
        assert!(epsilon(text).is_err(), "{text}");
    }
}

#[test]
fn moments_are_counted_from_1970() {
    assert_eq!(instant("2026-11-21T11:42:55.980Z"), Ok(1_795_261_375_980));
    assert_eq!(instant("1970-01-01T01:00:00.000+01:00"), Ok(0));
    assert_eq!(instant("2000-02-29T00:00:00.000Z"), Ok(951_782_400_000));
    assert!(
        instant("1969-12-31T00:00:00.000Z").is_err() && instant("2026-01-01T00:00:00").is_err()
    );
}
