//! Forms of the Query protocol, and the XML of their errors.
//!
//! A parsed form equals the request of its JSON form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_wire_ecs::sqs::{Request, query, xml};
use serde_json::Value;

fuzz_target!(|form: &str| {
    match query::parse(form, Some("http://127.0.0.1/000000000000/q")) {
        Ok(request) => {
            let Ok(Value::Object(members)) = serde_json::to_value(&request) else {
                panic!("a request is written as an object")
            };
            let (operation, body) = members.into_iter().next().expect("it has one member");
            let again = Request::parse(&operation, body.to_string().as_bytes());
            assert_eq!(again.expect("what was written can be read"), request);
        }
        Err(error) => {
            let xml = xml::error(&error, "id");
            let allowed =
                |c: char| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || "\t\n\r".contains(c);
            assert!(xml.chars().all(allowed), "XML cannot carry this: {xml:?}");
            assert_eq!(xml.matches('<').count(), xml.matches('>').count(), "{xml}");
        }
    }
});
