//! Reads calls. What is sent and not served is refused by name: nothing is left unread.

use super::{Create, Request, Update, VERSION, invalid};
use crate::Str;
use crate::query::{Fault, Node};

/// What every call of the Query protocol may hold.
const OF_PROTOCOL: [&str; 2] = ["Action", "Version"];
/// What a stack can be at. Source: API reference, `ListStacks`.
const STATUSES: [&str; 23] = [
    "CREATE_IN_PROGRESS",
    "CREATE_FAILED",
    "CREATE_COMPLETE",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_FAILED",
    "ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
    "DELETE_COMPLETE",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_COMPLETE",
];
/// Characters of a stack's name or ARN. Source: chosen by us; names have at most 128.
const STACK_CHARS_MAX: usize = 512;

/// Reads a form.
///
/// # Errors
/// `InvalidAction` for an operation that is not served, and `ValidationError` for what is missing or not served of one that is.
pub fn parse(form: &Node) -> Result<Request, Fault> {
    let action = form.text("Action").unwrap_or_default();
    let (optional, required): (&[&str], &[&str]) = match action {
        "DescribeStacks" => (&["StackName"], &[]),
        "DescribeStackResource" => (&[], &["StackName", "LogicalResourceId"]),
        "DescribeStackResources" => (&["LogicalResourceId"], &["StackName"]),
        "ListStacks" => (&["StackStatusFilter"], &[]),
        "UpdateStack" => (&["Parameters", "Capabilities"], &["StackName", "UsePreviousTemplate"]),
        "CreateStack" => (&["Parameters", "Capabilities"], &["StackName", "TemplateBody"]),
        "DescribeStackEvents" | "DeleteStack" => (&[], &["StackName"]),
        _ => return Err(not_served(action)),
    };
    let is_known = |name: &String| {
        [&OF_PROTOCOL[..], optional, required].iter().any(|names| names.contains(&name.as_str()))
    };
    if let Some(name) = form.children.keys().find(|name| !is_known(name)) {
        let served = [required, optional].concat().join(", ");
        return Err(invalid(format!(
            "The parameter {name} of {action} is not served here, where stacks are those of ecs-cli and of Blox: {action} takes {served}."
        )));
    }
    if let Some(name) = required.iter().find(|name| form.text(name).is_none_or(str::is_empty)) {
        return Err(invalid(format!("The parameter {name} of {action} is required.")));
    }
    is_formed(form)?;
    let stack = form.text("StackName").map(Str::from);
    if stack.as_ref().is_some_and(|stack| stack.len() > STACK_CHARS_MAX) {
        let why = format!("StackName must have at most {STACK_CHARS_MAX} characters.");
        return Err(invalid(why));
    }
    let resource = form.text("LogicalResourceId").map(Str::from);
    let named = stack.clone().unwrap_or_default();
    Ok(match action {
        "DescribeStacks" => Request::DescribeStacks(stack),
        "DescribeStackEvents" => Request::DescribeStackEvents(named),
        "DescribeStackResource" => {
            Request::DescribeStackResource(named, resource.unwrap_or_default())
        }
        "DescribeStackResources" => Request::DescribeStackResources(named, resource),
        "ListStacks" => Request::ListStacks(statuses(form)?),
        "DeleteStack" => Request::DeleteStack(named),
        "CreateStack" => Request::CreateStack(create(form, named)?),
        _ => Request::UpdateStack(update(form, named)?),
    })
}

fn not_served(action: &str) -> Fault {
    Fault::new(
        "InvalidAction",
        format!(
            "The action {action} of CloudFormation is not served here. Served are DescribeStacks, DescribeStackEvents, DescribeStackResource, \
             DescribeStackResources, ListStacks, CreateStack, UpdateStack and DeleteStack, for the stacks of ecs-cli and of Blox."
        ),
    )
}

/// That what is a text and what is a list is one, in the version of the API that is served.
fn is_formed(form: &Node) -> Result<(), Fault> {
    let texts = [
        "Action",
        "Version",
        "StackName",
        "LogicalResourceId",
        "TemplateBody",
        "UsePreviousTemplate",
    ];
    let no_text = |name| invalid(format!("{name} must be one text, without members."));
    form.are_texts(&texts).map_err(no_text)?;
    let lists = ["Parameters", "Capabilities", "StackStatusFilter"];
    let no_list =
        |name| invalid(format!("{name} must be a list: {name}.member.1, {name}.member.2, ..."));
    form.are_lists(&lists).map_err(no_list)?;
    match form.text("Version") {
        None | Some(VERSION) => Ok(()),
        Some(other) => Err(invalid(format!("Version must be {VERSION}, not {other}."))),
    }
}

fn statuses(form: &Node) -> Result<Vec<Str>, Fault> {
    let entries = form.children.get("StackStatusFilter").map(Node::entries).unwrap_or_default();
    let status = |entry: &Node| {
        let name = entry.value.as_deref().unwrap_or_default();
        if STATUSES.contains(&name) {
            return Ok(Str::from(name));
        }
        let known = STATUSES.join(", ");
        Err(invalid(format!("StackStatusFilter must have some of {known}, not '{name}'.")))
    };
    entries.into_iter().map(status).collect()
}

fn flag(node: &Node, name: &str) -> Result<bool, Fault> {
    match node.text(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(invalid(format!("{name} must be true or false, not {other}."))),
    }
}

/// A word that only the template of ecs-cli has: the name of its group of instances. Source: amazon-ecs-cli 1.21.
const OF_TEMPLATE: &str = "\"EcsInstanceAsg\"";

/// The template is not read: it must be that of ecs-cli, and is replaced by what it is for.
fn create(form: &Node, name: Str) -> Result<Create, Fault> {
    if !form.text("TemplateBody").unwrap_or_default().contains(OF_TEMPLATE) {
        return Err(invalid(
            "TemplateBody must be the template of ecs-cli, which makes container instances for a cluster: other templates are not served here.",
        ));
    }
    let each = parameters(form)?.into_iter().map(|(key, value)| match value {
        Some(value) => Ok((key, value)),
        None => Err(invalid(format!("The parameter {key} of a new stack has no previous value."))),
    });
    Ok(Create { name, parameters: each.collect::<Result<_, _>>()? })
}

fn update(form: &Node, stack: Str) -> Result<Update, Fault> {
    if !flag(form, "UsePreviousTemplate")? {
        return Err(invalid(
            "UsePreviousTemplate must be true: the template of a stack here cannot be changed.",
        ));
    }
    Ok(Update { stack, parameters: parameters(form)? })
}

/// Keys, and their values unless they keep those that they have.
fn parameters(form: &Node) -> Result<Vec<(Str, Option<Str>)>, Fault> {
    let entries = form.children.get("Parameters").map(Node::entries).unwrap_or_default();
    let mut parameters: Vec<(Str, Option<Str>)> = Vec::with_capacity(entries.len());
    for entry in entries {
        let known = ["ParameterKey", "ParameterValue", "UsePreviousValue"];
        if let Some(name) = entry.children.keys().find(|name| !known.contains(&name.as_str())) {
            let why = format!("A parameter has the members {}, not {name}.", known.join(", "));
            return Err(invalid(why));
        }
        let Some(key) = entry.text("ParameterKey").filter(|key| !key.is_empty()) else {
            return Err(invalid("Each of Parameters must have a ParameterKey."));
        };
        let (value, keeps) = (entry.text("ParameterValue"), flag(entry, "UsePreviousValue")?);
        // Source: API reference, *Parameter*: not both. Programs send an empty value beside the flag.
        let has_both = keeps && value.is_some_and(|value| !value.is_empty());
        if has_both || (!keeps && value.is_none()) {
            let why =
                format!("The parameter {key} must have either ParameterValue or UsePreviousValue.");
            return Err(invalid(why));
        }
        if parameters.iter().any(|(before, _)| **before == *key) {
            return Err(invalid(format!("The parameter {key} is given twice.")));
        }
        parameters.push((key.into(), value.filter(|_| !keeps).map(Str::from)));
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Result<Request, Fault> {
        parse(&Node::read(form).expect("it is a form"))
    }

    #[test]
    fn an_update_is_read_as_ecs_cli_sends_it() {
        let form = "Action=UpdateStack&Version=2010-05-15&StackName=s&UsePreviousTemplate=true\
            &Capabilities.member.1=CAPABILITY_IAM\
            &Parameters.member.1.ParameterKey=EcsCluster&Parameters.member.1.UsePreviousValue=true\
            &Parameters.member.2.ParameterKey=AsgMaxSize&Parameters.member.2.ParameterValue=4\
            &Parameters.member.2.UsePreviousValue=false";
        let parameters = vec![("EcsCluster".into(), None), ("AsgMaxSize".into(), Some("4".into()))];
        assert_eq!(read(form), Ok(Request::UpdateStack(Update { stack: "s".into(), parameters })));
    }

    #[test]
    fn a_new_stack_is_read_as_ecs_cli_sends_it_and_only_with_its_template() {
        let begin = "Action=CreateStack&StackName=s&Capabilities.member.1=CAPABILITY_IAM";
        let template = "TemplateBody=%7B%22EcsInstanceAsg%22%3A%7B%7D%7D";
        let size = "Parameters.member.1.ParameterKey=AsgMaxSize";
        let form = format!("{begin}&{template}&{size}&Parameters.member.1.ParameterValue=3");
        let parameters = vec![("AsgMaxSize".into(), "3".into())];
        assert_eq!(read(&form), Ok(Request::CreateStack(Create { name: "s".into(), parameters })));
        for (rest, word) in [
            ("TemplateBody=%7B%7D".to_owned(), "template of ecs-cli"),
            (format!("TemplateURL=x&{template}"), "TemplateURL"),
            (format!("{template}&{size}"), "either ParameterValue or"),
            (format!("{template}&{size}&Parameters.member.1.UsePreviousValue=true"), "no previous"),
        ] {
            let fault = read(&format!("{begin}&{rest}")).expect_err("it is refused");
            assert!(fault.message.contains(word), "{}", fault.message);
        }
    }

    #[test]
    fn what_is_not_served_is_refused_by_name() {
        let begin = "Action=UpdateStack&StackName=s&UsePreviousTemplate=true";
        for (form, code, word) in [
            ("Action=CreateStackSet", "InvalidAction", "CreateStackSet"),
            ("Version=2010-05-15", "InvalidAction", "DescribeStacks"),
            ("Action=DescribeStackEvents", "ValidationError", "StackName"),
            ("Action=DescribeStacks&StackName.x=s", "ValidationError", "StackName"),
            ("Action=DescribeStacks&Version=1999-01-01", "ValidationError", "2010-05-15"),
            ("Action=ListStacks&StackStatusFilter=X", "ValidationError", "StackStatusFilter"),
            ("Action=ListStacks&StackStatusFilter.1=X", "ValidationError", "'X'"),
            (&format!("{begin}&Parameters.member.x.ParameterKey=a"), "ValidationError", "a list"),
            ("Action=DeleteStack&StackName=s&RoleARN=r", "ValidationError", "RoleARN"),
            ("Action=UpdateStack&StackName=s", "ValidationError", "UsePreviousTemplate"),
            (&format!("{begin}&TemplateBody=x"), "ValidationError", "TemplateBody"),
            (&format!("{begin}&Parameters.member.1.ParameterKey=a"), "ValidationError", "a must"),
            (&format!("{begin}&Parameters.member.1.UsePreviousValue=1"), "ValidationError", "Key"),
        ] {
            let fault = read(form).expect_err("it is not served");
            assert_eq!(fault.code, code, "{form}");
            assert!(fault.message.contains(word), "{}", fault.message);
        }
    }
}
