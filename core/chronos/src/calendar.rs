//! Which moments a repeating interval means.
//!
//! The n-th run is due at the start plus n periods: months, then days, are added to the wall clock of the schedule's time zone, and
//! the rest is time that passes. So a daily job keeps its hour when clocks change, and a monthly one that starts on the 31st runs on
//! the last day of shorter months *and on the 31st again after them*. (Chronos adds one period to the run before, and stays on the
//! 28th for ever after the first February.)
//!
//! A time that a change of clocks leaves out is as much later as is left out; of a time that comes twice, the first is meant.
//!
//! Zones are those that are built in: results do not depend on the computer. Source: frameworks.md 4.3.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp};
use longshore_wire_chronos::{Malformed, Schedule, Start};

/// The first moment that a schedule may start. Source: frameworks.md 4.3.
const START_MS_MIN: u64 = 1_000;

/// A repeating interval in a time zone.
#[derive(Clone, Debug)]
pub(crate) struct Recurrence {
    /// The start on the wall clock of the zone, as it was written: it may be left out by a change of clocks.
    civil: DateTime,
    zone: TimeZone,
    start_ms: u64,
    months: u64,
    days: u64,
    ms: u64,
    period: String,
}

impl Recurrence {
    /// What a schedule means; `now_ms` is the start of one that has none.
    pub(crate) fn new(
        schedule: &Schedule,
        time_zone: &str,
        now_ms: u64,
    ) -> Result<Self, Malformed> {
        let wrong = |why: &str| Malformed::new("schedule", why);
        let zone = zone(time_zone, schedule.start.as_ref())?;
        let civil = match &schedule.start {
            Some(start) => civil(start),
            None => Timestamp::from_millisecond(i64::try_from(now_ms).unwrap_or(i64::MAX))
                .ok()
                .map(|now| zone.to_datetime(now)),
        };
        let civil = civil.ok_or_else(|| wrong("the start is beyond the calendar"))?;
        let start_ms = moment(&zone, civil).filter(|start| *start >= START_MS_MIN);
        let early = "the start is before 1970-01-01T00:00:01Z: give one after it";
        // What has no start is now exactly: of an hour that comes twice it may be the second.
        let start_ms = if schedule.start.is_none() { Some(now_ms) } else { start_ms };
        Ok(Self {
            civil,
            zone,
            start_ms: start_ms.ok_or_else(|| wrong(early))?,
            months: schedule.period.months(),
            days: schedule.period.days(),
            ms: schedule.period.ms(),
            period: schedule.period.text().to_owned(),
        })
    }

    /// When the run of a number is due, in ms since the epoch; `None` beyond the calendar.
    pub(crate) fn due_ms(&self, number: u64) -> Option<u64> {
        if number == 0 {
            return Some(self.start_ms);
        }
        let passed = self.ms.checked_mul(number)?;
        if self.months == 0 && self.days == 0 {
            let due = self.start_ms.checked_add(passed)?;
            return Timestamp::from_millisecond(i64::try_from(due).ok()?).ok().map(|_| due);
        }
        let times = |count: u64| i64::try_from(count.checked_mul(number)?).ok();
        let span = Span::new().try_months(times(self.months)?).ok()?;
        let span = span.try_days(times(self.days)?).ok()?;
        let civil = self.civil.checked_add(span).ok()?;
        moment(&self.zone, civil)?.checked_add(passed)
    }

    /// The first number, not below `from`, whose run is due at `ms` or later; `None` if the calendar ends before.
    pub(crate) fn at_or_after(&self, from: u64, ms: u64) -> Option<u64> {
        let is_early = |number| self.due_ms(number).is_some_and(|due| due < ms);
        if !is_early(from) {
            return self.due_ms(from).map(|_| from);
        }
        // Due times never decrease.
        let (mut early, mut step) = (from, 1_u64);
        while is_early(early.saturating_add(step)) {
            early = early.saturating_add(step);
            step = step.saturating_mul(2);
        }
        let mut late = early.saturating_add(step);
        while late - early > 1 {
            let middle = early + (late - early) / 2;
            if is_early(middle) {
                early = middle;
            } else {
                late = middle;
            }
        }
        self.due_ms(late).map(|_| late)
    }

    /// The schedule as Chronos shows it: with the runs that are left, from the next one on.
    pub(crate) fn shown(&self, left: Option<u64>, number: u64) -> String {
        let left = left.map(|left| left.to_string()).unwrap_or_default();
        let start = self.due_ms(number).and_then(|due| self.written(due)).unwrap_or_default();
        format!("R{left}/{start}/{}", self.period)
    }

    fn written(&self, due_ms: u64) -> Option<String> {
        let moment = Timestamp::from_millisecond(i64::try_from(due_ms).ok()?).ok()?;
        let civil = self.zone.to_datetime(moment);
        let (date, time) = (civil.date(), civil.time());
        let start = Start {
            year: date.year().try_into().ok()?,
            month: date.month().try_into().ok()?,
            day: date.day().try_into().ok()?,
            hour: time.hour().try_into().ok()?,
            minute: time.minute().try_into().ok()?,
            second: time.second().try_into().ok()?,
            ms: time.millisecond().try_into().ok()?,
            offset_minutes: i16::try_from(self.zone.to_offset(moment).seconds() / 60).ok(),
        };
        Some(start.to_string())
    }
}

/// Source: frameworks.md 4.3: `scheduleTimeZone` re-reads what is on the wall clock.
fn zone(name: &str, start: Option<&Start>) -> Result<TimeZone, Malformed> {
    if !name.is_empty() {
        let found = TimeZoneDatabase::bundled().get(name).ok();
        return found.ok_or_else(|| {
            let wanted = format!(
                "{name:?} is no time zone that is known: give a name of the IANA database like Europe/Vienna or UTC"
            );
            Malformed::new("scheduleTimeZone", wanted)
        });
    }
    let minutes = start.and_then(|start| start.offset_minutes).unwrap_or(0);
    let offset = Offset::from_seconds(i32::from(minutes) * 60);
    Ok(offset.map_or(TimeZone::UTC, TimeZone::fixed))
}

fn civil(start: &Start) -> Option<DateTime> {
    let narrow = |number: u8| i8::try_from(number).ok();
    DateTime::new(
        i16::try_from(start.year).ok()?,
        narrow(start.month)?,
        narrow(start.day)?,
        narrow(start.hour)?,
        narrow(start.minute)?,
        narrow(start.second)?,
        i32::from(start.ms) * 1_000_000,
    )
    .ok()
}

fn moment(zone: &TimeZone, civil: DateTime) -> Option<u64> {
    let moment = zone.to_ambiguous_timestamp(civil).compatible().ok()?;
    u64::try_from(moment.as_millisecond()).ok()
}

#[cfg(test)]
mod tests;
