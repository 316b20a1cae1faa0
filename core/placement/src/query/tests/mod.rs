//! Tests of the language, with an instance to query.

mod bounds;
mod canonical;
mod cases;
mod messages;
mod prop;
mod values;

use std::collections::BTreeMap;

use super::{Expression, Facts};

/// The facts about a fictitious instance.
#[derive(Clone, Debug, Default)]
struct Instance {
    attributes: BTreeMap<String, Option<String>>,
    agent_connected: Option<bool>,
    agent_version: Option<String>,
    ec2_instance_id: Option<String>,
    registered_at: Option<i64>,
    running_tasks: Option<u32>,
    groups: Vec<String>,
}

impl Facts for Instance {
    fn attribute(&self, name: &str) -> Option<Option<&str>> {
        self.attributes.get(name).map(Option::as_deref)
    }

    fn agent_connected(&self) -> Option<bool> {
        self.agent_connected
    }

    fn agent_version(&self) -> Option<&str> {
        self.agent_version.as_deref()
    }

    fn ec2_instance_id(&self) -> Option<&str> {
        self.ec2_instance_id.as_deref()
    }

    fn registered_at(&self) -> Option<i64> {
        self.registered_at
    }

    fn running_tasks(&self) -> Option<u32> {
        self.running_tasks
    }

    fn any_group(&self, satisfies: &mut dyn FnMut(&str) -> bool) -> bool {
        self.groups.iter().any(|group| satisfies(group))
    }
}

/// An instance whose attribute `x` has that value.
fn with_x(value: &str) -> Instance {
    let attributes = [("x".to_owned(), Some(value.to_owned()))];
    Instance { attributes: attributes.into(), ..Instance::default() }
}

fn parsed(text: &str) -> Expression {
    Expression::parse(text).unwrap_or_else(|error| panic!("{error}\n{}", error.picture(text)))
}

#[test]
fn an_expression_knows_whether_it_reads_tasks() {
    for text in [
        "task:group == web",
        "runningTasksCount > 1",
        "not (attribute:x exists or task:group exists)",
    ] {
        assert!(parsed(text).reads_tasks(), "{text}");
    }
    assert!(!parsed("attribute:x exists and agentConnected == true").reads_tasks());
}

#[test]
fn an_expression_knows_whether_it_reads_the_agent() {
    for text in [
        "agentConnected == true",
        "agentVersion > 1.14",
        "attribute:x exists or ec2InstanceId =~ i-.*",
        "not registeredAt < 2018-02-13",
    ] {
        assert!(parsed(text).reads_agent(), "{text}");
    }
    assert!(!parsed("attribute:x exists and task:group == web").reads_agent());
}

#[test]
fn an_expression_names_its_attributes_sorted_and_once() {
    let expression = parsed("attribute:b == 1 and (attribute:a exists or not attribute:b > 2)");
    assert_eq!(expression.attributes().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(parsed("agentConnected == true").attributes().count(), 0);
}
