//! Resources of Mesos, as tables and documents show them.

use std::collections::BTreeMap;

use longshore_wire_mesos::v1::Resource;
use serde_json::{Value, json};

/// How much there is of each resource: numbers by name, and ports.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Amounts {
    scalars: BTreeMap<String, f64>,
    ports: Vec<(u64, u64)>,
}

impl Amounts {
    pub(super) fn of(resources: &[Resource]) -> Self {
        let mut amounts = Self::default();
        for resource in resources {
            if let Some(scalar) = &resource.scalar {
                *amounts.scalars.entry(resource.name.clone()).or_default() += scalar.value;
            }
            if let Some(ranges) = resource.ranges.as_ref().filter(|_| resource.name == "ports") {
                amounts.ports.extend(ranges.range.iter().map(|range| (range.begin, range.end)));
            }
        }
        amounts.ports.sort_unstable();
        amounts
    }

    fn number(&self, name: &str) -> f64 {
        self.scalars.get(name).copied().unwrap_or_default()
    }

    /// How much there is of one.
    pub(super) fn cell(&self, name: &str) -> String {
        number(self.number(name))
    }

    /// How much is not used, and how much there is.
    pub(super) fn left(&self, name: &str, used: &Self) -> String {
        format!("{}/{}", number((self.number(name) - used.number(name)).max(0.0)), self.cell(name))
    }

    /// `80, 1024-2047`
    pub(super) fn ports(&self) -> String {
        let range = |(begin, end): &(u64, u64)| {
            if begin == end { begin.to_string() } else { format!("{begin}-{end}") }
        };
        self.ports.iter().map(range).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn document(&self) -> Value {
        let mut document = json!(self.scalars);
        if !self.ports.is_empty() {
            document["ports"] = self.ports().into();
        }
        document
    }
}

/// As few digits as tell it to a thousandth, which is as fine as Mesos counts.
pub(super) fn number(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use longshore_wire_mesos::v1::value;

    use super::*;

    fn scalar(name: &str, value: f64) -> Resource {
        let scalar = Some(value::Scalar { value });
        Resource { name: name.to_owned(), scalar, ..Resource::default() }
    }

    #[test]
    fn amounts_of_several_roles_are_added() {
        let range = |begin, end| value::Range { begin, end };
        let ranges = Some(value::Ranges { range: vec![range(1024, 2047), range(80, 80)] });
        let ports = Resource { name: "ports".to_owned(), ranges, ..Resource::default() };
        let all = Amounts::of(&[scalar("cpus", 0.1), scalar("cpus", 0.2), ports]);
        assert_eq!((all.cell("cpus"), all.ports()), ("0.3".to_owned(), "80, 1024-2047".to_owned()));
        let used = Amounts::of(&[scalar("cpus", 0.25)]);
        assert_eq!(all.left("cpus", &used), "0.05/0.3");
        assert_eq!(
            (number(10.0), number(0.0), number(1_024.5)),
            ("10".into(), "0".into(), "1024.5".into())
        );
    }
}
