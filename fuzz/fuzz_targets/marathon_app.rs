//! Apps and pods as Marathon's REST API has them, and what its queries have.
//!
//! An app or a pod that is read is written and read again as the same; one that is not has a path and a reason. A time that is read is
//! written as the same moment.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_wire_marathon::form::{self, Refusal, Selector};
use longshore_wire_marathon::{App, read_time, time};
use serde_json::{Map, Value};

fuzz_target!(|data: &[u8]| {
    match form::read_json(data) {
        Ok(Value::Object(said)) => {
            pod(said.clone());
            app(said);
        }
        Ok(_) => {}
        Err(refusal) => assert_eq!(refusal.status, 400),
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(ms) = read_time(text) {
        assert_eq!(read_time(&time(ms)), Some(ms));
    }
    match Selector::read(text) {
        Ok(selector) => drop(selector.selects(&[("a".to_owned(), "b".to_owned())].into())),
        Err(why) => assert!(!why.is_empty()),
    }
});

fn app(said: Map<String, Value>) {
    match form::read(said.clone()) {
        Ok(read) => {
            let app = App::of(read);
            let written = serde_json::to_value(app.form()).expect("it is JSON");
            let Value::Object(written) = written else { panic!("an app is an object") };
            assert_eq!(form::read(written).map(App::of).as_ref(), Ok(&app));
            let nothing = form::overlay(&app.form(), Map::new());
            assert_eq!(form::read(nothing).map(App::of).as_ref(), Ok(&app));
            drop(form::read(form::overlay(&app.form(), said)));
        }
        Err(refusal) => is_told(&refusal),
    }
}

fn pod(said: Map<String, Value>) {
    match form::read_pod(said) {
        Ok(read) => {
            let pod = App::of_pod(read);
            let written = serde_json::to_value(pod.pod_form()).expect("it is JSON");
            let Value::Object(written) = written else { panic!("a pod is an object") };
            assert_eq!(form::read_pod(written).map(App::of_pod).as_ref(), Ok(&pod));
        }
        Err(refusal) => is_told(&refusal),
    }
}

fn is_told(refusal: &Refusal) {
    assert!([400, 422].contains(&refusal.status), "{refusal:?}");
    assert!(refusal.body["details"].as_array().is_some_and(|all| !all.is_empty()));
}
