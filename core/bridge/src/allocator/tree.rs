//! The tree of roles, with the frameworks in each, and what everyone in it has.
//!
//! `a/b` is below `a`. A role and the roles below it compete, so a role's own frameworks are together below one place beside
//! those roles. What a framework has counts for each place on the way up to the root, where the sum of everything is.
//!
//! Source: \[O24\]; Mesos, the DRF sorter, whose virtual leaves are the places of a role's own frameworks here.
//!
//! Invariant: the rank of a place is that of its share of the cluster as it was when ranks were last refreshed; shares change
//! with each agent that comes or goes, and are refreshed before the next allocation, a slice at a time.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::Str;

use super::order::{Order, Rank, Seat, Walk};
use super::quantities::Quantities;
use crate::amounts::Amounts;
use crate::ids::{FrameworkId, Role};
use crate::limits;

/// A place in the tree, for as long as the allocator lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

/// A framework in a role, by the place of it.
pub(super) type Client = Place;

/// Where everything begins.
const ROOT: Place = Place(0);

/// Which of those who want offers take part in an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Among {
    Everyone,
    /// Those who began to want offers since the last full allocation: for agents that nothing has happened to, and that
    /// everyone else has been asked about.
    Newcomers,
}

/// Whether something counts as offered or as launched. Both count alike for shares and quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    /// On offer, or accepted and being turned into launches.
    Offered,
    Launched,
}

/// What is known of a place.
#[derive(Debug)]
struct Node {
    /// None only for the root.
    parent: Option<Place>,
    name: Str,
    weight: f64,
    children: usize,
    held: Quantities,
    offered: Quantities,
    allocations: u64,
    rank: Rank,
    client: Option<Entry>,
}

/// A framework in a role.
#[derive(Debug)]
struct Entry {
    role: Role,
    framework: FrameworkId,
    /// The top-level role.
    top: Role,
    is_subscribed: bool,
    /// How many launches and offers count for it.
    uses: usize,
}

#[derive(Debug)]
pub(super) struct Tree {
    nodes: BTreeMap<Place, Node>,
    next: u64,
    /// Places of roles, by their paths.
    roles: BTreeMap<Str, Place>,
    clients: BTreeMap<FrameworkId, BTreeMap<Role, Client>>,
    weights: BTreeMap<Role, f64>,
    /// All resources of the cluster.
    total: Quantities,
    /// Places that have anything: the share of others is zero, whatever the total.
    holding: BTreeSet<Place>,
    /// The first place whose rank is not refreshed yet.
    stale_from: Option<Place>,
    everyone: Order,
    newcomers: Order,
}

impl Default for Tree {
    fn default() -> Self {
        let mut tree = Self {
            nodes: BTreeMap::new(),
            next: 0,
            roles: BTreeMap::new(),
            clients: BTreeMap::new(),
            weights: BTreeMap::new(),
            total: Quantities::default(),
            holding: BTreeSet::new(),
            stale_from: None,
            everyone: Order::default(),
            newcomers: Order::default(),
        };
        tree.plant(None, "".into(), None);
        tree
    }
}

/// The paths of a role and of those above it, the top-level role first. What is deeper than the bound is one level, so that
/// the cost of a name is bounded.
fn paths(role: &str) -> impl Iterator<Item = &str> {
    let ends = role.match_indices('/').map(|(at, _)| at).take(limits::ROLE_DEPTH_MAX - 1);
    ends.map(|at| &role[..at]).chain([role])
}

/// The top-level role that a role is or is below of.
pub(super) fn top(role: &str) -> &str {
    role.split('/').next().unwrap_or(role)
}

impl Tree {
    fn plant(&mut self, parent: Option<Place>, name: Str, client: Option<Entry>) -> Place {
        let place = Place(self.next);
        self.next += 1;
        let weight = self.weights.get(&*name).copied().filter(|_| client.is_none());
        let node = Node {
            parent,
            name,
            weight: weight.unwrap_or(1.0),
            children: 0,
            held: Quantities::default(),
            offered: Quantities::default(),
            allocations: 0,
            rank: Rank::default(),
            client,
        };
        self.nodes.insert(place, node);
        if let Some(parent) = parent.and_then(|parent| self.nodes.get_mut(&parent)) {
            parent.children += 1;
        }
        place
    }

    /// The place of a path, made if need be.
    fn place_of(&mut self, parent: Place, path: &str) -> Place {
        if let Some(place) = self.roles.get(path) {
            return *place;
        }
        let name: Str = path.into();
        let place = self.plant(Some(parent), name.clone(), None);
        self.roles.insert(name, place);
        place
    }

    pub(super) fn find(&self, role: &str, framework: &str) -> Option<Client> {
        self.clients.get(framework)?.get(role).copied()
    }

    /// The place of a framework in a role, made if need be. One that neither is subscribed nor has anything goes again.
    pub(super) fn client(&mut self, role: &Role, framework: &FrameworkId) -> Client {
        if let Some(client) = self.find(role, framework) {
            return client;
        }
        let mut place = ROOT;
        for path in paths(role) {
            place = self.place_of(place, path);
        }
        // No role has a component that is a dot.
        let own = self.place_of(place, &format!("{role}/."));
        let entry = Entry {
            role: role.clone(),
            framework: framework.clone(),
            top: top(role).into(),
            is_subscribed: false,
            uses: 0,
        };
        let client = self.plant(Some(own), framework.text().clone(), Some(entry));
        self.clients.entry(framework.clone()).or_default().insert(role.clone(), client);
        client
    }

    /// Takes a client away if nothing is left of it, and each place above that led to it alone.
    fn prune(&mut self, client: Client) {
        let Some(entry) = self.nodes.get(&client).and_then(|node| node.client.as_ref()) else {
            return;
        };
        if entry.is_subscribed || entry.uses > 0 {
            return;
        }
        let (role, framework) = (entry.role.clone(), entry.framework.clone());
        self.leave(client);
        if let Some(of) = self.clients.get_mut(&framework) {
            of.remove(&role);
            if of.is_empty() {
                self.clients.remove(&framework);
            }
        }
        let mut place = client;
        while self.nodes.get(&place).is_some_and(|node| node.children == 0) && place != ROOT {
            let Some(node) = self.nodes.remove(&place) else { return };
            self.holding.remove(&place);
            if node.client.is_none() {
                self.roles.remove(&node.name);
            }
            place = node.parent.unwrap_or(ROOT);
            if let Some(parent) = self.nodes.get_mut(&place) {
                parent.children -= 1;
            }
        }
    }

    /// A framework subscribes to the role, or does so no more. If it does not, its client may be gone after this.
    pub(super) fn subscribe(&mut self, client: Client, is_subscribed: bool) {
        if let Some(entry) = self.nodes.get_mut(&client).and_then(|node| node.client.as_mut()) {
            entry.is_subscribed = is_subscribed;
        }
        self.prune(client);
    }

    /// Role, framework and top-level role of a client.
    pub(super) fn who(&self, client: Client) -> Option<(&Role, &FrameworkId, &Role)> {
        let entry = self.nodes.get(&client)?.client.as_ref()?;
        Some((&entry.role, &entry.framework, &entry.top))
    }

    pub(super) fn clients_of(&self, framework: &str) -> impl Iterator<Item = (&Role, Client)> {
        let all = self.clients.get(framework).into_iter().flatten();
        all.map(|(role, client)| (role, *client))
    }

    /// What a role and those below it have.
    pub(super) fn held(&self, role: &str) -> Quantities {
        self.node_of(role).map(|node| node.held.clone()).unwrap_or_default()
    }

    /// The same without a copy.
    pub(super) fn held_ref(&self, role: &str) -> Option<&Quantities> {
        self.node_of(role).map(|node| &node.held)
    }

    /// What of that is on offer.
    pub(super) fn offered(&self, role: &str) -> Quantities {
        self.node_of(role).map(|node| node.offered.clone()).unwrap_or_default()
    }

    fn node_of(&self, role: &str) -> Option<&Node> {
        self.roles.get(role).and_then(|place| self.nodes.get(place))
    }

    pub(super) fn total(&self) -> &Quantities {
        &self.total
    }

    pub(super) fn weights(&self) -> &BTreeMap<Role, f64> {
        &self.weights
    }

    fn share(&self, node: &Node) -> f64 {
        node.held.dominant(&self.total) / node.weight
    }

    /// Counts something for a client and for each place above it. Each allocation is counted as one more, and stays counted
    /// when it ends: of those who have equal shares whoever had fewest is the next.
    pub(super) fn charge(&mut self, client: Client, amounts: &Amounts, as_what: As, new: bool) {
        if let Some(entry) = self.nodes.get_mut(&client).and_then(|node| node.client.as_mut()) {
            entry.uses += 1;
        }
        self.each_above(client, |node| {
            node.held.add(amounts);
            node.allocations += u64::from(new);
            if as_what == As::Offered {
                node.offered.add(amounts);
            }
        });
    }

    /// Something that was counted has ended.
    pub(super) fn discharge(&mut self, client: Client, amounts: &Amounts, as_what: As) {
        if let Some(entry) = self.nodes.get_mut(&client).and_then(|node| node.client.as_mut()) {
            entry.uses = entry.uses.saturating_sub(1);
        }
        self.each_above(client, |node| {
            node.held.take(amounts);
            if as_what == As::Offered {
                node.offered.take(amounts);
            }
        });
        self.prune(client);
    }

    /// Changes a client and each place above it, and puts each where it belongs now.
    fn each_above(&mut self, client: Client, change: impl Fn(&mut Node)) {
        let mut next = Some(client);
        while let Some(place) = next {
            let Some(node) = self.nodes.get_mut(&place) else { return };
            change(node);
            if node.held.is_empty() {
                self.holding.remove(&place);
            } else {
                self.holding.insert(place);
            }
            next = node.parent;
            self.rerank(place);
        }
    }

    fn seat(&self, place: Place) -> Option<(Place, Seat)> {
        let node = self.nodes.get(&place)?;
        Some((node.parent?, Seat { rank: node.rank, name: node.name.clone(), place }))
    }

    fn rerank(&mut self, place: Place) {
        let Some(node) = self.nodes.get(&place) else { return };
        let rank = Rank::new(self.share(node), node.allocations);
        if rank == node.rank {
            return;
        }
        if let Some((parent, seat)) = self.seat(place) {
            self.everyone.rerank(parent, seat.clone(), rank);
            self.newcomers.rerank(parent, seat, rank);
        }
        if let Some(node) = self.nodes.get_mut(&place) {
            node.rank = rank;
        }
    }

    /// The cluster has other resources now.
    pub(super) fn set_total(&mut self, change: impl FnOnce(&mut Quantities)) {
        change(&mut self.total);
        self.stale_from = Some(ROOT);
    }

    /// Refreshes ranks after the cluster has changed, as far as there are units; true when none is left to refresh.
    pub(super) fn refresh(&mut self, units: &mut usize) -> bool {
        while let Some(from) = self.stale_from {
            if *units == 0 {
                return false;
            }
            let some: Vec<Place> = self.holding.range(from..).take(64).copied().collect();
            *units = units.saturating_sub(some.len() / 2 + 1);
            self.stale_from = (some.len() == 64).then(|| Place(some[63].0 + 1));
            for place in some {
                self.rerank(place);
            }
        }
        true
    }

    pub(super) fn is_stale(&self) -> bool {
        self.stale_from.is_some()
    }

    /// Sets the weight of a role. Source: \[O26\]: it is above zero, which the caller has made sure of.
    pub(super) fn set_weight(&mut self, role: &Role, weight: f64) {
        self.weights.insert(role.clone(), weight);
        if let Some(place) = self.roles.get(&**role).copied() {
            if let Some(node) = self.nodes.get_mut(&place) {
                node.weight = weight;
            }
            self.rerank(place);
        }
    }

    pub(super) fn order(&self, among: Among) -> &Order {
        match among {
            Among::Everyone => &self.everyone,
            Among::Newcomers => &self.newcomers,
        }
    }

    fn order_mut(&mut self, among: Among) -> &mut Order {
        match among {
            Among::Everyone => &mut self.everyone,
            Among::Newcomers => &mut self.newcomers,
        }
    }

    /// Everyone who takes part, the first to be offered something first.
    pub(super) fn walk(&self, among: Among) -> Walk<'_> {
        self.order(among).walk(ROOT)
    }

    /// The same within a role and those below it.
    pub(super) fn walk_role(&self, among: Among, role: &str) -> Option<Walk<'_>> {
        let place = self.roles.get(role)?;
        let order = self.order(among);
        order.leads_on(*place).then(|| order.walk(*place))
    }

    /// The rank of a role among its siblings.
    pub(super) fn rank(&self, role: &str) -> Option<Rank> {
        self.node_of(role).map(|node| node.rank)
    }

    /// A client takes part from now on.
    pub(super) fn join(&mut self, client: Client, among: Among) {
        let mut place = client;
        while let Some((parent, seat)) = self.seat(place) {
            if !self.order_mut(among).insert(parent, seat) {
                return;
            }
            place = parent;
        }
    }

    /// A client takes part no more, neither among everyone nor among newcomers.
    pub(super) fn leave(&mut self, client: Client) {
        for among in [Among::Everyone, Among::Newcomers] {
            let mut place = client;
            while let Some((parent, seat)) = self.seat(place) {
                if !self.order_mut(among).remove(parent, &seat) {
                    break;
                }
                place = parent;
            }
        }
    }

    pub(super) fn takes_part(&self, client: Client) -> bool {
        self.seat(client).is_some_and(|(parent, seat)| self.everyone.has(parent, &seat))
    }

    /// Nobody is new any more.
    pub(super) fn forget_newcomers(&mut self) {
        self.newcomers.clear();
    }
}

#[path = "tree_audit.rs"]
mod audit;
pub(super) use audit::Uses;

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
