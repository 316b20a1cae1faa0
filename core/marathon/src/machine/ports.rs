//! Service ports while apps are changed. Source: frameworks.md 3.1: unique over all apps, drawn where 0 is written, kept on update.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_marathon::{App, PathId};

use crate::api::Problem;
use crate::apps::{Apps, service_ports};

/// Who has which service port.
#[derive(Debug)]
pub(super) struct Ports<'a> {
    apps: &'a Apps,
    /// Of apps that are changed.
    freed: BTreeSet<u16>,
    taken: BTreeMap<u16, PathId>,
    next: u16,
    last: u16,
}

impl<'a> Ports<'a> {
    pub(super) fn new<T>(
        apps: &'a Apps,
        (next, last): (u16, u16),
        changed: &BTreeMap<PathId, T>,
    ) -> Self {
        let before = changed.keys().filter_map(|id| apps.wanted(id));
        let freed = before.flat_map(|app| service_ports(app)).collect();
        Self { apps, freed, taken: BTreeMap::new(), next, last }
    }

    fn holder(&self, port: u16) -> Option<&PathId> {
        let before = self.apps.ports.get(&port).filter(|_| !self.freed.contains(&port));
        self.taken.get(&port).or(before)
    }

    /// Nobody else draws the ports of an app, as far as they are free.
    pub(super) fn keeps(&mut self, app: &App) {
        for port in service_ports(app) {
            if self.holder(port).is_none() {
                self.taken.insert(port, app.id.clone());
            }
        }
    }

    /// An app as it was: others may have its ports by now, and then it is given new ones.
    pub(super) fn returns(&mut self, mut app: App, problems: &mut Vec<Problem>) -> App {
        if !app.require_ports {
            let id = app.id.clone();
            let mapped = app.port_mappings.iter_mut().map(|one| &mut one.service_port);
            let all = mapped.chain(app.port_definitions.iter_mut().map(|one| &mut one.port));
            for port in all.filter(|port| self.is_of_another(**port, &id)) {
                *port = 0;
            }
        }
        self.draws(app, None, problems)
    }

    fn is_of_another(&self, port: u16, id: &PathId) -> bool {
        self.holder(port).is_some_and(|holder| holder != id)
    }

    /// Gives an app its service ports.
    pub(super) fn draws(
        &mut self,
        mut app: App,
        before: Option<&App>,
        problems: &mut Vec<Problem>,
    ) -> App {
        let id = app.id.clone();
        let had: Vec<u16> = before.map_or_else(Vec::new, |app| {
            let mapped = app.port_mappings.iter().map(|one| one.service_port);
            mapped.chain(app.port_definitions.iter().map(|one| one.port)).collect()
        });
        let mapped = app
            .port_mappings
            .iter_mut()
            .map(|one| (&mut one.service_port, "/container/portMappings", "servicePort"));
        // Those that are required are what they are on the host: there 0 is any.
        let is_fixed = app.require_ports;
        let defined =
            app.port_definitions.iter_mut().map(|one| (&mut one.port, "/portDefinitions", "port"));
        for (at, (port, list, member)) in mapped.chain(defined).enumerate() {
            if *port == 0 {
                if is_fixed {
                    continue;
                }
                let kept = had.get(at).copied().filter(|one| *one > 0);
                let kept = kept.filter(|one| !self.is_of_another(*one, &id));
                match kept.or_else(|| self.free()) {
                    Some(drawn) => *port = drawn,
                    None => problems.push(Problem {
                        app: id.clone(),
                        path: list.to_owned(),
                        text: "there is no free service port left: name one, or delete apps"
                            .to_owned(),
                    }),
                }
            } else if let Some(holder) = self.holder(*port).filter(|holder| **holder != id) {
                problems.push(Problem {
                    app: id.clone(),
                    path: format!("{list}({at})/{member}"),
                    text: format!("service port {port} is taken by {holder}: name another, or 0"),
                });
            }
            self.taken.insert(*port, id.clone());
        }
        app
    }

    fn free(&mut self) -> Option<u16> {
        while self.next <= self.last {
            let port = self.next;
            self.next = self.next.checked_add(1)?;
            if self.holder(port).is_none() {
                return Some(port);
            }
        }
        None
    }
}
