//! `DescribeInstanceTypeOfferings`: the types that instances of a local ECS can have, all of them in its region.

use super::{InstanceType, NAMESPACE, knows};
use crate::Str;
use crate::query::xml::{list, text, write};
use crate::query::{Fault, Node};

/// What is asked: a region, and types; all if there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offerings {
    locations: Option<Vec<Str>>,
    types: Option<Vec<Str>>,
}

impl Offerings {
    /// Reads a form.
    ///
    /// # Errors
    /// `UnknownParameter`, `InvalidParameterValue` and `InvalidFilter`.
    pub(super) fn parse(form: &Node) -> Result<Self, Fault> {
        knows(form, "DescribeInstanceTypeOfferings", &["LocationType", "Filter"])?;
        if let Some(other) = form.text("LocationType").filter(|kind| *kind != "region") {
            let why = format!("LocationType must be region here, not {other}.");
            return Err(Fault::new("InvalidParameterValue", why));
        }
        let mut asked = Self::default();
        for filter in form.children.get("Filter").map(Node::entries).unwrap_or_default() {
            let values = filter.children.get("Value").map(Node::entries).unwrap_or_default();
            let values: Vec<Str> =
                values.iter().filter_map(|one| one.value.as_deref().map(Str::from)).collect();
            if values.is_empty() || filter.are_lists(&["Value"]).is_err() {
                let why =
                    "Each Filter must have a Name and a list of values: Filter.1.Value.1, ...";
                return Err(Fault::new("InvalidParameterValue", why));
            }
            match filter.text("Name").unwrap_or_default() {
                "location" => asked.locations = Some(values),
                "instance-type" => asked.types = Some(values),
                other => {
                    let why = format!(
                        "The filter '{other}' is invalid: it must be location or instance-type"
                    );
                    return Err(Fault::new("InvalidFilter", why));
                }
            }
        }
        Ok(asked)
    }

    /// The body of the answer of a region.
    pub fn response(&self, region: &str, request_id: &str) -> String {
        let is = |wanted: &Option<Vec<Str>>, one: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|asked| **asked == *one))
        };
        let mut names = InstanceType::names();
        names.retain(|name| is(&self.locations, region) && is(&self.types, name));
        let offering = |name: String| {
            vec![
                text("instanceType", name),
                text("locationType", "region"),
                text("location", region),
            ]
        };
        let mut xml = format!("<DescribeInstanceTypeOfferingsResponse xmlns=\"{NAMESPACE}\">");
        write(&mut xml, &text("requestId", request_id));
        let all = list("instanceTypeOfferingSet", "item", names.into_iter().map(offering));
        write(&mut xml, &all);
        xml.push_str("</DescribeInstanceTypeOfferingsResponse>");
        xml
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Request, parse};
    use super::*;

    fn read(rest: &str) -> Result<Offerings, Fault> {
        let form = format!("Action=DescribeInstanceTypeOfferings&{rest}");
        match parse(&Node::read(&form).expect("it is a form"))? {
            Request::DescribeInstanceTypeOfferings(asked) => Ok(asked),
            Request::DescribeInstances(_) => panic!("another action"),
        }
    }

    #[test]
    fn the_types_of_a_region_are_those_of_the_local_ecs_and_of_another_none() {
        let asked = read("LocationType=region&Filter.1.Name=location&Filter.1.Value.1=eu-west-1")
            .expect("");
        let here = asked.response("eu-west-1", "id");
        assert!(here.contains("<instanceType>t2.micro</instanceType>"), "{here}");
        assert!(!asked.response("us-east-1", "id").contains("<item>"));
        let one = read("Filter.1.Name=instance-type&Filter.1.Value.1=m5.large").expect("");
        assert_eq!(one.response("us-east-1", "id").matches("<item>").count(), 1);
    }

    #[test]
    fn what_cannot_be_asked_is_named() {
        for (form, code) in [
            ("LocationType=outpost", "InvalidParameterValue"),
            ("Filter.1.Name=hypervisor&Filter.1.Value.1=x", "InvalidFilter"),
            ("Filter.1.Name=location", "InvalidParameterValue"),
            ("MaxResults=5", "UnknownParameter"),
        ] {
            assert_eq!(read(form).expect_err("it is refused").code, code);
        }
    }
}
