//! The Query protocol of older SDKs: a form whose keys are paths, such as `Attribute.1.Name`.
//!
//! A form becomes the JSON that a newer SDK would have sent, and that is read as any other: there is one place where
//! requests are understood. Source: SQS developer guide, *Making Query API requests*.

use serde_json::{Map, Value};

use super::{Error, ErrorCode, Request};
use crate::query::Node;

/// Members that are numbers in JSON; a form has only text.
const NUMBERS: [&str; 6] = [
    "DelaySeconds",
    "MaxNumberOfMessages",
    "MaxNumberOfMessagesPerSecond",
    "MaxResults",
    "VisibilityTimeout",
    "WaitTimeSeconds",
];

/// Lists: what each entry is called in a form, and the member in JSON.
const LISTS: [(&str, &str); 9] = [
    ("AWSAccountId", "AWSAccountIds"),
    ("ActionName", "Actions"),
    ("AttributeName", "AttributeNames"),
    ("MessageAttributeName", "MessageAttributeNames"),
    ("MessageSystemAttributeName", "MessageSystemAttributeNames"),
    ("TagKey", "TagKeys"),
    ("SendMessageBatchRequestEntry", "Entries"),
    ("DeleteMessageBatchRequestEntry", "Entries"),
    ("ChangeMessageVisibilityBatchRequestEntry", "Entries"),
];

/// Maps: what each entry is called in a form, the member in JSON, and what name the key has.
const MAPS: [(&str, &str, &str); 4] = [
    ("Attribute", "Attributes", "Name"),
    ("MessageAttribute", "MessageAttributes", "Name"),
    ("MessageSystemAttribute", "MessageSystemAttributes", "Name"),
    ("Tag", "Tags", "Key"),
];

/// Whether a form is one of the Query protocol.
pub fn is_query(form: &str) -> bool {
    form.split('&').any(|field| field.starts_with("Action="))
}

/// Reads a form. `queue_url` is the address that it was sent to, which names the queue if no field does.
///
/// # Errors
/// As [`Request::parse`], and `MissingParameter` when there is no action.
pub fn parse(form: &str, queue_url: Option<&str>) -> Result<Request, Error> {
    let root = Node::read(form).map_err(|error| malformed(error.0))?;
    let Some(action) = root.text("Action").map(str::to_owned) else {
        return Err(Error::new(
            ErrorCode::MissingParameter,
            "The request must contain the parameter Action.",
        ));
    };
    let Value::Object(mut body) = object(&root, action == "CreateQueue")? else {
        return Err(malformed("the form has no fields"));
    };
    if let Some(url) = queue_url
        && !body.contains_key("QueueUrl")
    {
        body.insert("QueueUrl".to_owned(), url.into());
    }
    Request::parse(&action, Value::Object(body).to_string().as_bytes())
}

fn malformed(what: &str) -> Error {
    Error::new(
        ErrorCode::Shared(crate::ErrorCode::Serialization),
        format!("Cannot read the request: {what}."),
    )
}

fn object(node: &Node, creates_queue: bool) -> Result<Value, Error> {
    let mut members = Map::new();
    for (name, child) in &node.children {
        // A list without entries comes as a field without a value, under either name.
        let is_list = |(entry, member): &&(&str, &str)| {
            entry == name || (member == name && child.value.is_some())
        };
        if let Some((_, member)) = LISTS.iter().find(is_list) {
            let single = child.value.as_ref().filter(|text| !text.is_empty()).map(|_| child);
            let entries = child.entries().into_iter().chain(single);
            let entries: Result<Vec<_>, _> =
                entries.map(|entry| leaf_or_object(name, entry)).collect();
            members.insert((*member).to_owned(), Value::Array(entries?));
        } else if let Some((_, member, key)) = MAPS.iter().find(|(entry, _, _)| entry == name) {
            // The one member of SQS whose name begins with a small letter.
            let member = if *member == "Tags" && creates_queue { "tags" } else { *member };
            members.insert(member.to_owned(), map(child, key)?);
        } else {
            members.insert(name.clone(), leaf_or_object(name, child)?);
        }
    }
    Ok(Value::Object(members))
}

fn map(node: &Node, key: &str) -> Result<Value, Error> {
    // A single attribute may come without a number.
    let single = node.text(key).map(|_| node);
    let mut members = Map::new();
    for entry in node.entries().into_iter().chain(single) {
        let name = entry.text(key).unwrap_or_default().to_owned();
        let value = match entry.children.get("Value") {
            Some(value) => leaf_or_object("Value", value)?,
            None => Value::Null,
        };
        members.insert(name, value);
    }
    Ok(Value::Object(members))
}

fn leaf_or_object(name: &str, node: &Node) -> Result<Value, Error> {
    match &node.value {
        Some(text) if NUMBERS.contains(&name) => {
            let number: i64 = text.trim().parse().map_err(|_| {
                Error::invalid(format!("Value {text} for parameter {name} is invalid."))
            })?;
            Ok(number.into())
        }
        Some(text) => Ok(text.as_str().into()),
        None => object(node, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_with_attributes_is_read() {
        let form = "Action=SendMessage&Version=2012-11-05&MessageBody=a%2Bb+c&DelaySeconds=3\
            &MessageAttribute.1.Name=k&MessageAttribute.1.Value.DataType=String\
            &MessageAttribute.1.Value.StringValue=v";
        let Ok(Request::SendMessage(request)) = parse(form, Some("http://h/1/q")) else {
            panic!("this parses")
        };
        assert_eq!(request.message_body.as_deref(), Some("a+b c"));
        assert_eq!(request.queue_url.as_deref(), Some("http://h/1/q"));
        assert_eq!(request.delay_seconds, Some(3));
        let attributes = request.message_attributes.expect("it has one");
        assert_eq!(attributes["k"].string_value.as_deref(), Some("v"));
    }

    #[test]
    fn lists_come_with_and_without_member_and_in_the_order_of_their_numbers() {
        for list in ["AttributeName", "AttributeName.member"] {
            let form = format!("Action=GetQueueAttributes&{list}.10=c&{list}.2=b&{list}.1=a");
            let Ok(Request::GetQueueAttributes(request)) = parse(&form, None) else {
                panic!("this parses")
            };
            let names = request.attribute_names.expect("there are some");
            assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["a", "b", "c"]);
        }
    }

    #[test]
    fn a_list_without_entries_is_empty() {
        for field in ["MessageAttributeName=", "MessageAttributeNames=", "AttributeName="] {
            let form = format!("Action=ReceiveMessage&QueueUrl=q&{field}");
            let Ok(Request::ReceiveMessage(request)) = parse(&form, None) else {
                panic!("{field} parses")
            };
            let names = request.attribute_names.or(request.message_attribute_names);
            assert_eq!(names.map(|names| names.len()), Some(0), "{field}");
        }
    }

    #[test]
    fn a_permission_is_read() {
        let form = "Action=AddPermission&Label=l&AWSAccountId.1=1&ActionName.1=SendMessage\
            &ActionName.2=ReceiveMessage";
        let Ok(Request::AddPermission(request)) = parse(form, Some("q")) else {
            panic!("this parses")
        };
        assert_eq!(request.aws_account_ids.map(|ids| ids.len()), Some(1));
        assert_eq!(request.actions.map(|actions| actions.len()), Some(2));
    }

    #[test]
    fn a_queue_is_created_with_attributes_and_tags() {
        let form = "Action=CreateQueue&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5\
            &Tag.1.Key=team&Tag.1.Value=blue";
        let Ok(Request::CreateQueue(request)) = parse(form, None) else { panic!("this parses") };
        assert_eq!(&*request.attributes.expect("one")["DelaySeconds"], "5");
        assert_eq!(&*request.tags.expect("one")["team"], "blue");
    }

    #[test]
    fn a_batch_is_read_entry_by_entry() {
        let form = "Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=a\
            &SendMessageBatchRequestEntry.1.MessageBody=x&SendMessageBatchRequestEntry.2.Id=b\
            &SendMessageBatchRequestEntry.2.MessageBody=y&SendMessageBatchRequestEntry.2.DelaySeconds=1";
        let Ok(Request::SendMessageBatch(request)) = parse(form, None) else {
            panic!("this parses")
        };
        let entries = request.entries.expect("two");
        assert_eq!((entries.len(), entries[1].delay_seconds), (2, Some(1)));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for form in ["", "Version=1", "Action=SendMessage&MessageBody=%zz", "Action=Nope"] {
            assert!(parse(form, None).is_err(), "{form}");
        }
        let long = "A.".repeat(5_000);
        assert!(parse(&format!("Action=ListQueues&{long}=1"), None).is_err());
        assert!(parse("Action=SendMessage&DelaySeconds=soon", None).is_err());
    }
}
