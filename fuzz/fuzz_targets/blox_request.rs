//! Requests to Blox's two ports: a line with method and target, then the body.
//!
//! A refusal is a status and text; no request is one of both APIs; what a query escapes is read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_wire_blox::arn::is_environment_name;
use longshore_wire_blox::query::{decode, encode};
use longshore_wire_blox::route::{Request, Routed, SchedulerCall, scheduler, state};
use longshore_wire_blox::{Fault, v1};

fn refused(fault: &Fault) {
    assert!((400..600).contains(&fault.status()) && fault.body().ends_with('\n'), "{fault:?}");
}

/// Whether v0.3 has a call for it, also after its redirect.
fn is_v03s(request: Request<'_>) -> bool {
    match scheduler(request) {
        Ok(Routed::Call(_)) => true,
        Ok(Routed::Moved(to)) => {
            assert!(to.starts_with('/') && to.bytes().all(|one| one.is_ascii_graphic()), "{to}");
            let path = to.split_once('?').map_or(&*to, |(path, _)| path);
            matches!(scheduler(Request { path, ..request }), Ok(Routed::Call(_)))
        }
        Err(fault) => {
            refused(&fault);
            fault != Fault::NoRoute
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let cut = data.iter().position(|one| *one == b'\n').unwrap_or(data.len());
    let (head, body) = data.split_at(cut);
    let Ok(head) = std::str::from_utf8(head) else { return };
    assert_eq!(decode(&encode(head), true), head);
    let (method, target) = head.split_once(' ').unwrap_or(("GET", head));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = Request { method, path, query, body: body.get(1..).unwrap_or_default() };
    if let Err(fault) = state(request) {
        refused(&fault);
    }
    if let Ok(Routed::Call(SchedulerCall::CreateEnvironment(new))) = scheduler(request) {
        assert!(is_environment_name(&new.name) && new.min_healthy_percent < 100);
    }
    let is_v03s = is_v03s(request);
    let Some(routed) = v1::route(&request) else { return };
    assert!(!is_v03s, "{head} is of both");
    match routed {
        Ok(v1::Call::Create { environment, .. }) => assert!(is_environment_name(&environment.name)),
        Ok(_) => {}
        Err(fault) => {
            assert!((400..600).contains(&fault.status()), "{fault:?}");
            let body: serde_json::Value =
                serde_json::from_str(&fault.body()).expect("an error is JSON");
            assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        }
    }
});
