//! Bodies of the AWS JSON protocol, for all three services. The first line is like `ecs RunTask`,
//! the rest is the body.
//!
//! A parsed request survives a round trip; a rejected one has a reason.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_fuzz::head_and_rest;
use longshore_wire_ecs::{eventbridge, sqs};
use serde_json::Value;

/// Extracts the body from a request that was serialized with its operation around it.
fn body(written: Value) -> Vec<u8> {
    let Value::Object(members) = written else { panic!("a request is written as an object") };
    let (_, body) = members.into_iter().next().expect("it has the operation as its only member");
    body.to_string().into_bytes()
}

macro_rules! check {
    ($request:ty, $operation:expr, $body:expr) => {
        match <$request>::parse($operation, $body) {
            Ok(request) => {
                assert_eq!(request.operation(), $operation);
                let written = serde_json::to_value(&request).expect("a request is JSON");
                let again = <$request>::parse($operation, &body(written));
                assert_eq!(again.expect("what was written can be read"), request);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    };
}

fuzz_target!(|data: &[u8]| {
    let (head, body_given) = head_and_rest(data);
    let Some((service, operation)) =
        std::str::from_utf8(head).ok().and_then(|head| head.split_once(' '))
    else {
        return;
    };
    match service {
        "ecs" => check!(longshore_wire_ecs::Request, operation, body_given),
        "events" => check!(eventbridge::Request, operation, body_given),
        "sqs" => check!(sqs::Request, operation, body_given),
        _ => {}
    }
});
