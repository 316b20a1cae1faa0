//! What an instance takes of an offer: amounts from the roles that it may use, and ports.

use longshore_wire_marathon::{App, Network};
use longshore_wire_mesos::v1::value::{Range, Ranges, Scalar};
use longshore_wire_mesos::v1::{Offer, Resource};

/// Why an offer was not used for an app. Source: frameworks.md 3.2, `rejectSummaryLastOffers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfit {
    /// The offer is for another role.
    Role,
    /// A constraint does not hold, or the agent is in another region.
    Constraint,
    /// Too little CPU.
    Cpus,
    /// Too little memory.
    Mem,
    /// Too little disk.
    Disk,
    /// Too few GPUs.
    Gpus,
    /// A port is not there, or too few.
    Ports,
    /// The agent is going to leave.
    Maintenance,
}

impl Unfit {
    /// All of them, in the order of Marathon's summaries.
    pub const ALL: [Self; crate::limits::REASONS] = [
        Self::Role,
        Self::Constraint,
        Self::Maintenance,
        Self::Cpus,
        Self::Mem,
        Self::Disk,
        Self::Gpus,
        Self::Ports,
    ];

    /// As summaries write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Role => "UnfulfilledRole",
            Self::Constraint => "UnfulfilledConstraint",
            Self::Maintenance => "AgentMaintenance",
            Self::Cpus => "InsufficientCpus",
            Self::Mem => "InsufficientMemory",
            Self::Disk => "InsufficientDisk",
            Self::Gpus => "InsufficientGpus",
            Self::Ports => "InsufficientPorts",
        }
    }
}

/// Amounts, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    pub(crate) cpus: u64,
    pub(crate) mem: u64,
    pub(crate) disk: u64,
    pub(crate) gpus: u64,
}

impl Need {
    pub(crate) fn of(app: &App) -> Self {
        Self {
            cpus: app.cpus_milli,
            mem: app.mem_milli,
            disk: app.disk_milli,
            gpus: u64::from(app.gpus) * 1_000,
        }
    }

    fn each(self) -> [(&'static str, u64, Unfit); 4] {
        [
            ("cpus", self.cpus, Unfit::Cpus),
            ("mem", self.mem, Unfit::Mem),
            ("disk", self.disk, Unfit::Disk),
            ("gpus", self.gpus, Unfit::Gpus),
        ]
    }
}

/// A resource of an offer, and how much of it is left.
#[derive(Debug)]
struct Item {
    of: Resource,
    role: String,
    milli: u64,
    /// Free ports, ordered and apart.
    ports: Vec<(u64, u64)>,
}

/// What is left of an offer.
#[derive(Debug)]
pub(crate) struct Free(Vec<Item>);

/// A port that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Fixed(u16),
    Any,
    None,
}

/// The ports of the host that an app wants, by their index.
pub(crate) fn wanted_ports(app: &App) -> Vec<Want> {
    if let Some(pod) = &app.pod {
        let want = |port: u16| if port > 0 { Want::Fixed(port) } else { Want::Any };
        return pod.endpoints().map(|one| want(one.host_port)).collect();
    }
    let is_bridged = app.networks.contains(&Network::Bridge);
    if !app.port_mappings.is_empty() {
        let want = |port: Option<u16>| match port {
            Some(0) => Want::Any,
            Some(port) => Want::Fixed(port),
            None if is_bridged => Want::Any,
            None => Want::None,
        };
        return app.port_mappings.iter().map(|one| want(one.host_port)).collect();
    }
    let want =
        |port: u16| if app.require_ports && port > 0 { Want::Fixed(port) } else { Want::Any };
    app.port_definitions.iter().map(|one| want(one.port)).collect()
}

/// What an instance gets.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) resources: Vec<Resource>,
    pub(crate) ports: Vec<u16>,
    pub(crate) role: String,
}

impl Free {
    /// All of an offer that may be used: no volumes, and nothing that may be taken back.
    pub(crate) fn of(offer: &Offer) -> Self {
        let usable = |one: &&Resource| one.disk.is_none() && one.revocable.is_none();
        let mut items: Vec<Item> = offer.resources.iter().filter(usable).map(item).collect();
        // What is reserved is of use to fewer, so it goes first.
        items.sort_by_key(|one| one.role == "*");
        Self(items)
    }

    /// What of a need is not there, over all roles.
    pub(crate) fn lacks(&self, need: Need) -> Option<Unfit> {
        let missing = |(name, wanted, unfit): (&str, u64, Unfit)| {
            let of = self.0.iter().filter(|one| one.of.name == name);
            let there: u64 = of.map(|one| one.milli).sum();
            (there < wanted).then_some(unfit)
        };
        need.each().into_iter().find_map(missing)
    }

    /// Whether anything of it is of these roles.
    pub(crate) fn is_of(&self, accepts: impl Fn(&str) -> bool) -> bool {
        self.0.iter().any(|item| accepts(&item.role))
    }

    /// Takes what an app needs, from these roles.
    pub(crate) fn take(
        &mut self,
        app: &App,
        is_role: impl Fn(&str) -> bool,
    ) -> Result<Taken, Unfit> {
        let amounts = self.amounts(Need::of(app), &is_role)?;
        let ports = self.ports(&wanted_ports(app), &is_role).ok_or(Unfit::Ports)?;
        let mut resources = Vec::new();
        for (at, milli) in amounts {
            let item = &mut self.0[at];
            item.milli -= milli;
            let scalar = Some(Scalar { value: whole(milli) });
            resources.push(Resource { scalar, ..item.of.clone() });
        }
        let mut given: Vec<(usize, u16)> = ports.iter().copied().flatten().collect();
        given.sort_unstable();
        for (at, port) in &given {
            remove(&mut self.0[*at].ports, u64::from(*port));
        }
        for run in given.chunk_by(|one, other| one.0 == other.0) {
            let ranges = Some(Ranges { range: joined(run) });
            resources.push(Resource { ranges, ..self.0[run[0].0].of.clone() });
        }
        let role = resources.first().map_or_else(|| "*".to_owned(), role_of);
        let ports = ports.iter().map(|one| one.map_or(0, |(_, port)| port)).collect();
        Ok(Taken { resources, ports, role })
    }

    /// How much of which item. An amount may come from several roles.
    fn amounts(
        &self,
        need: Need,
        is_role: impl Fn(&str) -> bool,
    ) -> Result<Vec<(usize, u64)>, Unfit> {
        let mut amounts = Vec::new();
        for (name, wanted, unfit) in need.each() {
            let mut left = wanted;
            for (at, item) in self.0.iter().enumerate() {
                if left > 0 && item.of.name == name && is_role(&item.role) {
                    let taken = item.milli.min(left);
                    left -= taken;
                    if taken > 0 {
                        amounts.push((at, taken));
                    }
                }
            }
            if left > 0 {
                return Err(unfit);
            }
        }
        Ok(amounts)
    }

    /// Which port of which item, for each that is wanted.
    fn ports(
        &self,
        wanted: &[Want],
        is_role: impl Fn(&str) -> bool,
    ) -> Option<Vec<Option<(usize, u16)>>> {
        let mut given: Vec<Option<(usize, u16)>> = vec![None; wanted.len()];
        let mut used: Vec<u16> = Vec::new();
        let items = || self.0.iter().enumerate().filter(|(_, one)| is_role(&one.role));
        for (want, place) in wanted.iter().zip(&mut given) {
            let Want::Fixed(port) = want else { continue };
            let number = u64::from(*port);
            let has = |item: &Item| item.ports.iter().any(|(a, b)| (*a..=*b).contains(&number));
            let (at, _) = items().find(|(_, item)| has(item))?;
            if used.contains(port) {
                return None;
            }
            used.push(*port);
            *place = Some((at, *port));
        }
        let all = || {
            items().flat_map(|(at, item)| {
                let ports = item.ports.iter().flat_map(|(a, b)| *a..=*b);
                ports.filter_map(move |port| Some((at, u16::try_from(port).ok()?)))
            })
        };
        // Whoever takes any does not take those that servers are known by.
        let is_high = |(_, port): &(usize, u16)| *port >= crate::limits::UNPRIVILEGED_PORT_MIN;
        let low = all().filter(|one| !is_high(one) && one.1 > 0);
        let mut free = all().filter(is_high).chain(low);
        for (want, place) in wanted.iter().zip(&mut given) {
            if *want == Want::Any {
                *place = Some(free.find(|(_, port)| !used.contains(port))?);
            }
        }
        Some(given)
    }
}

fn role_of(resource: &Resource) -> String {
    let reserved = resource.reservations.last().and_then(|one| one.role.clone());
    reserved.or_else(|| resource.role.clone()).unwrap_or_else(|| "*".to_owned())
}

fn item(of: &Resource) -> Item {
    let milli = of.scalar.as_ref().map_or(0, |one| thousandths(one.value));
    let ranges = of.ranges.iter().filter(|_| of.name == "ports").flat_map(|one| &one.range);
    let mut ports: Vec<_> = ranges.map(|one| (one.begin, one.end)).collect();
    ports.sort_unstable();
    Item { of: of.clone(), role: role_of(of), milli, ports }
}

fn remove(ports: &mut Vec<(u64, u64)>, port: u64) {
    let Some(at) = ports.iter().position(|(a, b)| (*a..=*b).contains(&port)) else { return };
    let (first, last) = ports.remove(at);
    if port < last {
        ports.insert(at, (port + 1, last));
    }
    if port > first {
        ports.insert(at, (first, port - 1));
    }
}

/// Ports of one item, as ranges.
fn joined(ports: &[(usize, u16)]) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for port in ports.iter().map(|(_, port)| u64::from(*port)) {
        match ranges.last_mut() {
            Some(last) if last.end + 1 == port => last.end = port,
            _ => ranges.push(Range { begin: port, end: port }),
        }
    }
    ranges
}

/// An amount in thousandths.
pub(crate) fn thousandths(amount: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and offers are not negative"
    )]
    let thousandths = (amount * 1000.0).round() as u64;
    thousandths
}

/// An amount as Mesos writes it.
pub(crate) fn whole(milli: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    let milli = milli as f64;
    milli / 1000.0
}
