//! Event patterns. The first line is a pattern, the rest the detail of an event.
//!
//! A parsed pattern matches exactly the events that the reference matches; a rejected one has a
//! reason.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_events::{Event, Filter};
use longshore_fuzz::{event_pattern, head_and_rest};
use longshore_machine::Timestamp;
use longshore_wire_ecs::arn::Realm;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let (pattern, detail) = head_and_rest(data);
    let Ok(pattern) = std::str::from_utf8(pattern) else { return };
    let realm = Realm::new("us-east-1", "000000000000");
    let filter = match Filter::new(&realm, Some(pattern), None) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let detail = serde_json::from_slice::<Value>(detail).ok().filter(Value::is_object);
    let event = Event {
        id: "1".into(),
        source: "aws.ecs".into(),
        detail_type: "ECS Task State Change".into(),
        time: Timestamp::from_millis(0),
        resources: vec!["arn:a".into(), "arn:b".into()],
        detail: detail.unwrap_or_else(|| serde_json::json!({})).to_string().into(),
    };
    let envelope = serde_json::from_str(&event.envelope(&realm)).expect("an envelope is JSON");
    let Ok(Value::Object(fields)) = serde_json::from_str(pattern) else {
        panic!("a pattern is an object")
    };
    if let Some(expected) = event_pattern::matches(&fields, &envelope) {
        assert_eq!(filter.wants(&realm, &event), expected);
    }
});
