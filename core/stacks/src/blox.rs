//! The stack `Blox`: where its scripts find the API that they call. It is there from the start, and does not change.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::apigateway::{RESOURCE, REST_API};
use longshore_wire_ecs::cloudformation::{Resource, Stack, Status};

/// Its name, on the slides that show it.
pub(crate) const NAME: &str = "Blox";

/// The stack.
pub(crate) fn stack(id: &Str, since: Timestamp) -> Stack {
    Stack {
        id: id.clone(),
        name: NAME.into(),
        description: "The API of Blox's daemon scheduler, served by Longshore",
        parameters: Vec::new(),
        created: since.wall().iso(),
        updated: None,
        deleted: None,
        status: Status::CreateComplete,
        reason: None,
    }
}

/// Its resources, by whose logical ids the scripts ask. Source: blox.md 3.1.
pub(crate) fn resources(id: &Str, since: Timestamp) -> Vec<Resource> {
    let all = [
        ("RestApi", REST_API, "AWS::ApiGateway::RestApi"),
        ("ApiResource", RESOURCE, "AWS::ApiGateway::Resource"),
    ];
    let one = |(logical, physical, kind): (&'static str, &str, &'static str)| Resource {
        stack: (NAME.into(), id.clone()),
        logical,
        physical: physical.into(),
        kind,
        at: since.wall().iso(),
        status: Status::CreateComplete,
    };
    all.into_iter().map(one).collect()
}
