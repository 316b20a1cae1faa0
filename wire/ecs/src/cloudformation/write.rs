//! Writes answers, in XML.

use super::{Event, Request, Resource, Response, Stack};
use crate::query::Fault;
use crate::query::xml::{Element, list, members, text, write};

const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

/// The body of an answer to a request.
pub fn response(request: &Request, response: &Response, request_id: &str) -> String {
    let operation = request.operation();
    let mut xml = format!("<{operation}Response xmlns=\"{NAMESPACE}\">");
    if let Some(result) = result(response) {
        xml.push_str(&format!("<{operation}Result>"));
        write(&mut xml, &result);
        xml.push_str(&format!("</{operation}Result>"));
    }
    write(&mut xml, &members("ResponseMetadata", vec![text("RequestId", request_id)]));
    xml.push_str(&format!("</{operation}Response>"));
    xml
}

/// The body of an error.
pub fn error(fault: &Fault, request_id: &str) -> String {
    let mut xml = format!("<ErrorResponse xmlns=\"{NAMESPACE}\">");
    let whose = if fault.status < 500 { "Sender" } else { "Receiver" };
    let told = [("Type", whose), ("Code", fault.code), ("Message", &fault.message)];
    let told = told.into_iter().map(|(name, value)| text(name, value)).collect();
    write(&mut xml, &members("Error", told));
    write(&mut xml, &text("RequestId", request_id));
    xml.push_str("</ErrorResponse>");
    xml
}

fn result(response: &Response) -> Option<Element> {
    Some(match response {
        Response::Stacks(stacks) => list("Stacks", "member", stacks.iter().map(stack)),
        Response::Summaries(stacks) => list("StackSummaries", "member", stacks.iter().map(summary)),
        Response::Events(events) => list("StackEvents", "member", events.iter().map(event)),
        Response::Resource(one) => {
            members("StackResourceDetail", resource(one, "LastUpdatedTimestamp"))
        }
        Response::Resources(all) => {
            list("StackResources", "member", all.iter().map(|one| resource(one, "Timestamp")))
        }
        Response::Creating(id) | Response::Updating(id) => text("StackId", &**id),
        Response::Deleting => return None,
    })
}

fn summary(stack: &Stack) -> Vec<Element> {
    let mut all = vec![
        text("StackId", &*stack.id),
        text("StackName", &*stack.name),
        text("TemplateDescription", stack.description),
        text("CreationTime", &*stack.created),
        text("StackStatus", stack.status.name()),
    ];
    all.extend(stack.updated.iter().map(|at| text("LastUpdatedTime", &**at)));
    all.extend(stack.deleted.iter().map(|at| text("DeletionTime", &**at)));
    all.extend(stack.reason.iter().map(|why| text("StackStatusReason", &**why)));
    all
}

fn stack(stack: &Stack) -> Vec<Element> {
    let mut all = summary(stack);
    for (name, _) in &mut all {
        if *name == "TemplateDescription" {
            *name = "Description";
        }
    }
    let parameters = stack
        .parameters
        .iter()
        .map(|one| vec![text("ParameterKey", &*one.key), text("ParameterValue", &*one.value)]);
    all.push(list("Parameters", "member", parameters));
    let capability = vec![text("member", "CAPABILITY_IAM")];
    all.push(members("Capabilities", capability));
    all.push(text("DisableRollback", "true"));
    all
}

fn resource(one: &Resource, time: &'static str) -> Vec<Element> {
    vec![
        text("StackName", &*one.stack.0),
        text("StackId", &*one.stack.1),
        text("LogicalResourceId", one.logical),
        text("PhysicalResourceId", &*one.physical),
        text("ResourceType", one.kind),
        text(time, &*one.at),
        text("ResourceStatus", one.status.name()),
    ]
}

fn event(event: &Event) -> Vec<Element> {
    let mut all = vec![text("EventId", &*event.id)];
    all.extend(resource(&event.resource, "Timestamp"));
    all.extend(event.reason.iter().map(|why| text("ResourceStatusReason", &**why)));
    all
}

#[cfg(test)]
mod tests {
    use super::super::{Status, invalid};
    use super::*;

    #[test]
    fn what_a_resource_is_called_is_where_the_scripts_of_blox_look_for_it() {
        let one = Resource {
            stack: ("Blox".into(), "arn".into()),
            logical: "RestApi",
            physical: "abc".into(),
            kind: "AWS::ApiGateway::RestApi",
            at: "2026-01-01T00:00:00Z".to_owned(),
            status: Status::CreateComplete,
        };
        let request = Request::DescribeStackResource("Blox".into(), "RestApi".into());
        let xml = response(&request, &Response::Resource(one), "id");
        let begin = "<DescribeStackResourceResult><StackResourceDetail><StackName>Blox</StackName>";
        assert!(xml.contains(begin), "{xml}");
        assert!(xml.contains("<PhysicalResourceId>abc</PhysicalResourceId>"), "{xml}");
        assert!(xml.contains("<LastUpdatedTimestamp>2026-01-01T00:00:00Z<"), "{xml}");
    }

    #[test]
    fn an_error_has_code_and_message_and_nothing_of_it_is_markup() {
        let xml = error(&invalid("Stack with id <x> does not exist"), "id");
        let told = "<Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id &lt;x&gt; does not exist</Message></Error>";
        assert!(xml.contains(told), "{xml}");
    }
}
