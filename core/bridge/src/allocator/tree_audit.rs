//! What a tree of roles keeps and could compute: checked against each other.

use std::collections::BTreeMap;

use super::super::quantities::Quantities;
use super::{Among, Client, Node, Order, Place, ROOT, Rank, Seat, Tree};

/// What each client has: all of it, what is on offer, and how many launches and offers that is.
pub(in crate::allocator) type Uses = BTreeMap<Client, (Quantities, Quantities, usize)>;

impl Tree {
    /// What is kept and is not so, given what each client has.
    pub(in crate::allocator) fn audit(&self, uses: &Uses) -> Vec<String> {
        let mut wrong = self.audit_shape();
        wrong.extend(self.audit_sums(uses));
        for among in [Among::Everyone, Among::Newcomers] {
            let again = self.order_again(among);
            if again != *self.order(among) {
                wrong.push(format!("the order of {among:?} is not that of the ranks"));
            }
        }
        let newcomers = self.walk(Among::Newcomers);
        wrong.extend(
            newcomers
                .filter(|client| !self.takes_part(*client))
                .map(|client| format!("{client:?} is a newcomer and does not take part")),
        );
        wrong
    }

    fn audit_shape(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut children: BTreeMap<Place, usize> = BTreeMap::new();
        for (place, node) in &self.nodes {
            if let Some(parent) = node.parent {
                *children.entry(parent).or_default() += 1;
            }
            match &node.client {
                Some(entry) if self.find(&entry.role, &entry.framework) != Some(*place) => {
                    wrong.push(format!("{place:?} is not where its framework is found"));
                }
                None if *place != ROOT && self.roles.get(&node.name) != Some(place) => {
                    wrong.push(format!("{place:?} is not where {} is found", node.name));
                }
                _ => {}
            }
        }
        for (place, node) in &self.nodes {
            let count = children.get(place).copied().unwrap_or(0);
            if count != node.children {
                wrong.push(format!("{} has {count} children, not {}", node.name, node.children));
            }
            if count == 0 && node.client.is_none() && *place != ROOT {
                wrong.push(format!("{} leads nowhere", node.name));
            }
        }
        let found = self.clients.values().map(BTreeMap::len).sum::<usize>() + self.roles.len() + 1;
        if found != self.nodes.len() {
            wrong.push(format!("{found} places are found, of {}", self.nodes.len()));
        }
        wrong
    }

    fn audit_sums(&self, uses: &Uses) -> Vec<String> {
        let mut held: BTreeMap<Place, (Quantities, Quantities)> = BTreeMap::new();
        for (client, (all, offered, _)) in uses {
            let mut next = Some(*client);
            while let Some(place) = next {
                let sums = held.entry(place).or_default();
                sums.0.add_all(all);
                sums.1.add_all(offered);
                next = self.nodes.get(&place).and_then(|node| node.parent);
            }
        }
        let mut wrong = Vec::new();
        for (place, node) in &self.nodes {
            let (all, offered) = held.remove(place).unwrap_or_default();
            if all != node.held || offered != node.offered {
                wrong.push(format!("{} has {all}, not {}", node.name, node.held));
            }
            if node.held.is_empty() == self.holding.contains(place) {
                wrong.push(format!("{} is wrongly among those that have something", node.name));
            }
            if let Some(entry) = &node.client {
                let count = uses.get(place).map_or(0, |(_, _, count)| *count);
                if entry.uses != count || count == 0 && !entry.is_subscribed {
                    wrong.push(format!("{} has {count} uses, not {}", node.name, entry.uses));
                }
            }
            if !self.is_stale() && node.rank != self.rank_again(node) {
                wrong.push(format!("the rank of {} is old", node.name));
            }
        }
        wrong.extend(held.keys().map(|place| format!("{place:?} is gone and has something")));
        wrong
    }

    fn rank_again(&self, node: &Node) -> Rank {
        Rank::new(self.share(node), node.allocations)
    }

    /// An order with the same clients.
    fn order_again(&self, among: Among) -> Order {
        let mut again = Order::default();
        for client in self.walk(among) {
            let mut place = client;
            while let Some(node) = self.nodes.get(&place)
                && let Some(parent) = node.parent
            {
                let seat = Seat { rank: node.rank, name: node.name.clone(), place };
                if !again.insert(parent, seat) {
                    break;
                }
                place = parent;
            }
        }
        again
    }
}
