//! Amounts of resources, in whole thousandths.
//!
//! Source: Mesos keeps scalars in fixed point with three decimals, so that 0.1 + 0.2 is 0.3.

use std::collections::BTreeMap;

use longshore_wire_mesos::v1::{Resource, resource, value};

use crate::ranges::Ranges;
use crate::words::shortened;

/// Thousandths of one.
pub(crate) const MILLI: u64 = 1_000;
/// Below this only root may listen. Source: Linux, `ip_unprivileged_port_start`.
const OPEN_PORT_MIN: u64 = 1_024;
/// CPU units of one CPU. Source: Amazon ECS.
pub(crate) const UNITS_PER_CPU: u64 = 1_024;
/// The most of any scalar, in thousandths. Source: Mesos: 10^12 of anything.
const SCALAR_MAX: f64 = 1e12;

/// Amounts of resources: scalars by name in thousandths, and ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    pub(crate) scalars: BTreeMap<String, u64>,
    pub(crate) ports: Ranges,
}

impl Amounts {
    /// Of the usual three, in thousandths, and ports.
    pub fn of(cpus: u64, mem: u64, disk: u64, ports: Ranges) -> Self {
        let scalars = [("cpus", cpus), ("mem", mem), ("disk", disk)];
        let scalars = scalars.into_iter().filter(|(_, amount)| *amount > 0);
        Self { scalars: scalars.map(|(name, amount)| (name.to_owned(), amount)).collect(), ports }
    }

    /// With so many whole GPUs.
    #[must_use]
    pub fn with_gpus(mut self, gpus: u64) -> Self {
        if gpus > 0 {
            self.scalars.insert("gpus".to_owned(), gpus * MILLI);
        }
        self
    }

    /// Leaves only those of its ports that are among these.
    pub(crate) fn limit_ports(&mut self, among: &Ranges) {
        self.ports = self.ports.minus(&self.ports.minus(among));
    }

    /// Scalars by name, as numbers.
    pub fn scalars(&self) -> impl Iterator<Item = (&str, f64)> {
        self.scalars.iter().map(|(name, amount)| (&**name, to_number(*amount)))
    }

    /// Ports.
    pub fn ports(&self) -> &Ranges {
        &self.ports
    }

    /// Thousandths of a scalar.
    pub fn scalar(&self, name: &str) -> u64 {
        self.scalars.get(name).copied().unwrap_or(0)
    }

    /// Whether there is nothing of anything.
    pub fn is_empty(&self) -> bool {
        self.scalars.is_empty() && self.ports.is_empty()
    }

    /// Whether there is at least as much of everything as in `other`.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        other.scalars.iter().all(|(name, amount)| self.scalar(name) >= *amount)
            && self.ports.contains_all(&other.ports)
    }

    /// Both together.
    pub fn plus(&self, other: &Self) -> Self {
        Self::sum([self, other])
    }

    /// All of them together.
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut scalars = BTreeMap::new();
        let mut ports = Vec::new();
        for one in all {
            for (name, amount) in &one.scalars {
                add(&mut scalars, name, *amount);
            }
            if !one.ports.is_empty() {
                ports.push(&one.ports);
            }
        }
        Self { scalars, ports: Ranges::union_of(ports) }
    }

    /// Adds in place.
    pub fn add(&mut self, other: &Self) {
        for (name, amount) in &other.scalars {
            add(&mut self.scalars, name, *amount);
        }
        if !other.ports.is_empty() {
            self.ports = self.ports.union(&other.ports);
        }
    }

    /// Takes away; nothing goes below zero.
    pub(crate) fn take(&mut self, other: &Self) {
        for (name, amount) in &other.scalars {
            if let Some(left) = self.scalars.get_mut(name) {
                *left = left.saturating_sub(*amount);
                if *left == 0 {
                    self.scalars.remove(name);
                }
            }
        }
        self.ports.remove(&other.ports);
    }

    /// As it is printed, cut where it is long: for messages, each of which would be as long as all ports.
    pub(crate) fn shortened(&self) -> String {
        const PORTS: usize = 16;
        const SCALARS: usize = 16;
        let shown = |ranges: &[(u64, u64)]| Self {
            scalars: self
                .scalars
                .iter()
                .take(SCALARS)
                .map(|(name, n)| (shortened(name), *n))
                .collect(),
            ports: Ranges::new(ranges.to_vec()).unwrap_or_default(),
        };
        let ranges = self.ports.as_slice();
        if ranges.len() <= PORTS && self.scalars.len() <= SCALARS {
            return shown(ranges).to_string();
        }
        format!("{} and more", shown(&ranges[..ranges.len().min(PORTS)]))
    }

    /// What is left; nothing goes below zero.
    pub fn minus(&self, other: &Self) -> Self {
        let left = self
            .scalars
            .iter()
            .map(|(name, amount)| (name, amount.saturating_sub(other.scalar(name))));
        Self {
            scalars: left
                .filter(|(_, amount)| *amount > 0)
                .map(|(name, amount)| (name.clone(), amount))
                .collect(),
            ports: self.ports.minus(&other.ports),
        }
    }

    /// Reads resources as a framework wrote them. Zeros are dropped.
    ///
    /// # Errors
    /// Says what is malformed, or is of a kind that is never offered.
    pub(crate) fn read(resources: &[Resource]) -> Result<Self, String> {
        let mut scalars = BTreeMap::new();
        let mut ports = Vec::new();
        for resource in resources {
            match read_one(resource)
                .map_err(|why| format!("Resource '{}' is invalid: {why}", print(resource)))?
            {
                Part::Scalar(0) | Part::Nothing => {}
                Part::Scalar(milli) => add(&mut scalars, &resource.name, milli),
                Part::Ports(ranges) => ports.extend_from_slice(ranges.as_slice()),
            }
        }
        let named = Ranges::new(ports);
        let twice = "Resource 'ports' is invalid: the same port is named twice";
        let ports = named.map_err(|_| twice.to_owned())?;
        Ok(Self { scalars, ports })
    }

    /// Writes resources in the form that a framework understands.
    pub(crate) fn write(&self, form: &Form) -> Vec<Resource> {
        let scalars = self.scalars.iter().map(|(name, amount)| Resource {
            name: name.clone(),
            r#type: value::Type::Scalar.into(),
            scalar: Some(value::Scalar { value: to_number(*amount) }),
            ..form.blank()
        });
        // Frameworks take ports from the front.
        let open = Ranges::new(vec![(OPEN_PORT_MIN, u64::MAX)]).unwrap_or_default();
        let low = self.ports.minus(&open);
        let high = self.ports.minus(&low);
        let ranges = high.as_slice().iter().chain(low.as_slice());
        let range = ranges.map(|(begin, end)| value::Range { begin: *begin, end: *end }).collect();
        let ports = Resource {
            name: "ports".to_owned(),
            r#type: value::Type::Ranges.into(),
            ranges: Some(value::Ranges { range }),
            ..form.blank()
        };
        scalars.chain((!self.ports.is_empty()).then_some(ports)).collect()
    }
}

/// `cpus:0.5; mem:64; ports:[31000-31001]`, as Mesos writes amounts.
impl std::fmt::Display for Amounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scalars =
            self.scalars.iter().map(|(name, amount)| format!("{name}:{}", to_number(*amount)));
        let ports = (!self.ports.is_empty()).then(|| format!("ports:{}", self.ports));
        f.write_str(&scalars.chain(ports).collect::<Vec<_>>().join("; "))
    }
}

/// Reads what [`Amounts`] prints.
pub(crate) fn parse(text: &str) -> Option<Amounts> {
    let mut amounts = Amounts::default();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once(':')?;
        if name == "ports" {
            amounts.ports = crate::ranges::parse_ranges(value).ok()?;
        } else {
            amounts.scalars.insert(name.to_owned(), to_milli(value.parse().ok()?).ok()?);
        }
    }
    Some(amounts)
}

/// In which form resources are written. Source: \[O3\], \[O4\].
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// The role that they are allocated to, for frameworks with `MULTI_ROLE`.
    pub(crate) allocated_to: Option<String>,
    /// Whether the framework knows refined reservations.
    pub(crate) refined: bool,
}

impl Form {
    fn blank(&self) -> Resource {
        Resource {
            role: (!self.refined).then(|| "*".to_owned()),
            allocation_info: self
                .allocated_to
                .clone()
                .map(|role| resource::AllocationInfo { role: Some(role) }),
            ..Default::default()
        }
    }
}

pub(crate) fn to_number(milli: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "bounded by SCALAR_MAX, which is exact")]
    let milli = milli as f64;
    milli / 1000.0
}

/// Rounds to thousandths.
///
/// # Errors
/// When it is negative, not a number, or above the maximum.
pub(crate) fn to_milli(number: f64) -> Result<u64, String> {
    if number < 0.0 {
        return Err("Invalid scalar resource: value <= 0".to_owned());
    }
    if !number.is_finite() {
        return Err(format!("{number} is not a valid amount"));
    }
    if number > SCALAR_MAX {
        return Err(format!("{number} exceeds the maximum of {SCALAR_MAX}"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked just above"
    )]
    let milli = (number * 1000.0).round() as u64;
    if milli == 0 && number > 0.0 { Err(format!("{number} rounds to zero")) } else { Ok(milli) }
}

fn add(scalars: &mut BTreeMap<String, u64>, name: &str, amount: u64) {
    match scalars.get_mut(name) {
        Some(sum) => *sum = sum.saturating_add(amount),
        None => drop(scalars.insert(name.to_owned(), amount)),
    }
}

/// A resource as Mesos prints it, without what it is a list of.
fn print(resource: &Resource) -> String {
    let name = shortened(&resource.name);
    let role = resource.allocation_info.as_ref().and_then(|allocated| allocated.role.as_deref());
    let role = role.map(|role| format!("(allocated: {})", shortened(role))).unwrap_or_default();
    let amount = resource.scalar.as_ref().map(|scalar| format!(":{}", scalar.value));
    format!("{name}{role}{}", amount.unwrap_or_default())
}

/// What one resource adds.
enum Part {
    Nothing,
    Scalar(u64),
    Ports(Ranges),
}

fn read_one(resource: &Resource) -> Result<Part, String> {
    let reserved = !resource.reservations.is_empty()
        || resource.reservation.is_some()
        || resource.role.as_deref().is_some_and(|role| role != "*");
    if reserved {
        return Err("reserved resources are not offered, so they cannot be used".to_owned());
    }
    if resource.disk.is_some() || resource.revocable.is_some() || resource.shared.is_some() {
        return Err(
            "persistent, revocable and shared resources are not offered, so they cannot be used"
                .to_owned(),
        );
    }
    match resource.r#type() {
        value::Type::Scalar => {
            let scalar = resource.scalar.as_ref().ok_or("a scalar has no value")?;
            to_milli(scalar.value).map(Part::Scalar)
        }
        value::Type::Ranges => {
            let ranges = resource.ranges.as_ref().map(|ranges| &*ranges.range).unwrap_or_default();
            let ranges =
                Ranges::new(ranges.iter().map(|range| (range.begin, range.end)).collect())?;
            if resource.name != "ports" && !ranges.is_empty() {
                return Err("no such ranges are offered".to_owned());
            }
            Ok(Part::Ports(ranges))
        }
        value::Type::Set => match &resource.set {
            Some(set) if !set.item.is_empty() => Err("no such set is offered".to_owned()),
            _ => Ok(Part::Nothing),
        },
        value::Type::Text => Err("resources are scalars, ranges or sets".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(name: &str, value: f64) -> Resource {
        Resource {
            name: name.to_owned(),
            r#type: value::Type::Scalar.into(),
            scalar: Some(value::Scalar { value }),
            ..Default::default()
        }
    }

    #[test]
    fn ports_that_only_root_may_listen_on_are_written_last() {
        let ports = crate::ranges::parse_ranges("80,443,1000-2000,3000").expect("good ranges");
        let written =
            Amounts::of(0, 0, 0, ports).write(&Form { allocated_to: None, refined: false });
        let ranges = written.iter().flat_map(|one| &one.ranges).flat_map(|ranges| &ranges.range);
        let ranges: Vec<_> = ranges.map(|range| (range.begin, range.end)).collect();
        assert_eq!(ranges, [(1024, 2000), (3000, 3000), (80, 80), (443, 443), (1000, 1023)]);
    }

    /// \[O18\]
    #[test]
    fn a_tenth_and_two_tenths_are_three_tenths() {
        let sum = Amounts::read(&[scalar("cpus", 0.1), scalar("cpus", 0.2)]).expect("good");
        assert_eq!(sum, Amounts::read(&[scalar("cpus", 0.3)]).expect("good"));
    }

    /// \[O18\]
    #[test]
    fn zeros_are_dropped_and_what_is_no_amount_is_refused() {
        assert!(Amounts::read(&[scalar("gpus", 0.0)]).expect("good").is_empty());
        for value in [-1.0, f64::NAN, f64::INFINITY, 0.0001, 1e13] {
            assert!(Amounts::read(&[scalar("cpus", value)]).is_err(), "{value}");
        }
        let reserved = Resource { role: Some("web".to_owned()), ..scalar("cpus", 1.0) };
        assert!(Amounts::read(&[reserved]).is_err());
    }

    /// \[O5\]
    #[test]
    fn both_forms_of_a_resource_are_taken_and_reserved_ones_in_neither() {
        let old = Resource { role: Some("*".to_owned()), ..scalar("cpus", 1.0) };
        assert_eq!(Amounts::read(&[old]), Amounts::read(&[scalar("cpus", 1.0)]));
        let refined = Resource {
            reservations: vec![resource::ReservationInfo::default()],
            ..scalar("cpus", 1.0)
        };
        let old = Resource { role: Some("web".to_owned()), ..scalar("cpus", 1.0) };
        for reserved in [refined, old] {
            let why = Amounts::read(&[reserved]).expect_err("it is reserved");
            assert!(why.contains("reserved resources are not offered"), "{why}");
        }
    }

    #[test]
    fn no_number_of_resources_overflows() {
        let amounts = Amounts::read(&vec![scalar("cpus", 1e12); 20_000]).expect("good");
        assert_eq!(amounts.scalar("cpus"), u64::MAX);
    }

    #[test]
    fn the_same_port_twice_is_refused_whichever_resources_name_it() {
        let ports = |begin, end| Resource {
            name: "ports".to_owned(),
            r#type: value::Type::Ranges.into(),
            ranges: Some(value::Ranges { range: vec![value::Range { begin, end }] }),
            ..Default::default()
        };
        let read = Amounts::read(&[ports(10, 20), ports(21, 30)]).expect("good");
        assert_eq!(read.ports.to_string(), "[10-30]");
        for again in [(10, 10), (15, 16), (20, 40), (1, 100)] {
            assert!(Amounts::read(&[ports(10, 20), ports(again.0, again.1)]).is_err(), "{again:?}");
        }
    }

    #[test]
    fn a_message_names_some_of_many_ports() {
        let many = Amounts::of(1_500, 0, 0, Ranges::of((0..1_000).map(|port| port * 2)));
        let text = many.shortened();
        assert!(
            text.starts_with("cpus:1.5; ports:[0-0, 2-2,") && text.ends_with("and more"),
            "{text}"
        );
        assert!(text.len() < 200, "{text}");
        let few = Amounts::of(1_500, 0, 0, Ranges::of([80]));
        assert_eq!(few.shortened(), few.to_string());
    }

    #[test]
    fn what_is_printed_reads_back() {
        let amounts = Amounts::of(1_500, 64_000, 0, Ranges::of([80, 81]));
        assert_eq!(amounts.to_string(), "cpus:1.5; mem:64; ports:[80-81]");
        assert_eq!(parse(&amounts.to_string()), Some(amounts));
    }

    #[test]
    fn minus_takes_away_and_contains_compares() {
        let all = Amounts::of(2_000, 64_000, 0, Ranges::of([80, 81]));
        let part = Amounts::of(2_000, 32_000, 0, Ranges::of([80]));
        assert!(all.contains(&part) && !part.contains(&all));
        assert_eq!(all.minus(&part), Amounts::of(0, 32_000, 0, Ranges::of([81])));
    }
}
