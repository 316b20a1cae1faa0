//! The table against the model, from which it was written.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The operations of `schema/ecs/api.txt`, with the errors that they declare.
fn modelled() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let lines = include_str!("../../../../schema/ecs/api.txt").lines();
    let operations = lines.filter_map(|line| line.strip_prefix("operation "));
    operations
        .map(|line| {
            let mut words = line.split(' ');
            let name = words.next().expect("an operation has a name");
            (name, words.skip(2).collect())
        })
        .collect()
}

#[test]
fn the_table_has_the_operations_and_errors_of_the_model() {
    let table: BTreeMap<&str, BTreeSet<&str>> = ALL
        .iter()
        .map(|operation| (operation.name, operation.errors().map(ErrorCode::name).collect()))
        .collect();
    assert_eq!(table, modelled());
}

#[test]
fn an_operation_of_ecs_that_is_not_served_answers_with_its_modelled_error() {
    assert_eq!(refuse("CreateTaskSet").code, UnsupportedFeature);
    assert_eq!(refuse("ExecuteCommand").code, Client);
    for operation in ALL.iter().filter(|operation| !operation.served) {
        assert!(operation.declares(refuse(operation.name).code), "{}", operation.name);
    }
}

#[test]
fn gateways_are_refused_by_name() {
    for operation in ALL.iter().filter(|operation| operation.group == "gateway") {
        let refusal = refuse(operation.name);
        assert_eq!(refusal.code, UnsupportedFeature);
        assert!(refusal.message.starts_with(operation.name), "{}", refusal.message);
    }
    assert!(info("CreateGateway").is_some());
}

#[test]
fn an_operation_that_ecs_does_not_have_is_unknown() {
    assert_eq!(refuse("MakeCoffee").code, UnknownOperation);
}

#[test]
fn what_the_table_calls_served_is_what_parses() {
    for operation in &ALL {
        let parsed = crate::Request::parse(operation.name, b"{}");
        assert_eq!(parsed.is_ok(), operation.served, "{}", operation.name);
    }
}
