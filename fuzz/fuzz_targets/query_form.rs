//! Forms of the Query protocol, and the XML of their errors: SQS, CloudFormation, EC2.
//!
//! A parsed form of SQS equals the request of its JSON form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_wire_ecs::query::Node;
use longshore_wire_ecs::sqs::{Request, query, xml};
use longshore_wire_ecs::{cloudformation, ec2};
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
        Err(error) => is_xml(&xml::error(&error, "id")),
    }
    if let Ok(node) = Node::read(form) {
        if let Err(fault) = cloudformation::parse(&node) {
            is_xml(&cloudformation::error(&fault, "id"));
        }
        if let Err(fault) = ec2::parse(&node) {
            is_xml(&ec2::error(&fault, "id"));
        }
    }
});

fn is_xml(xml: &str) {
    let allowed =
        |c: char| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || "\t\n\r".contains(c);
    assert!(xml.chars().all(allowed), "XML cannot carry this: {xml:?}");
    assert_eq!(xml.matches('<').count(), xml.matches('>').count(), "{xml}");
}
