//! Jobs as Chronos's REST API has them, their schedules among them.
//!
//! A job that is read is read again as it is shown; one that is not has a reason.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_wire_chronos::{Defaults, Posted, Schedule, TaskName};

fuzz_target!(|data: &[u8]| {
    let defaults = Defaults::default();
    match Posted::parse(data, &defaults) {
        Ok(posted) => {
            let shown = posted.definition.json(&posted.counters, None);
            assert_eq!(Posted::read(shown, &defaults), Ok(posted));
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(schedule) = Schedule::parse(text) {
        assert_eq!(Schedule::parse(&schedule.to_string()), Ok(schedule));
    }
    if let Some(name) = TaskName::parse(text) {
        let id = name.to_string();
        assert!(TaskName::parse(&id).is_some_and(|again| again.due_ms == name.due_ms));
    }
});
