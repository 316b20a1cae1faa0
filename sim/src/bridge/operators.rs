//! What operators do: they set weights and quota, take agents out of use, plan maintenance, look, and go on watching.

use longshore_bridge::operator::{AgentWish, Change, Command, QuotaView};
use longshore_bridge::{CallId, Response};
use longshore_wire_mesos::v1::maintenance::{Schedule, Window};
use longshore_wire_mesos::v1::{MachineId, TimeInfo, Unavailability};

use super::describe::ROLES;
use super::watch::{self, Watch};
use super::world::World;

/// Roles that may have quota: only those at the top.
pub(super) const TOPS: [&str; 3] = ["*", "a", "b"];

impl World {
    /// An operator looks, or decides something anew.
    pub(super) fn operator_acts(&mut self) {
        let Some(master) = self.chance.index(self.masters.len()) else { return };
        let command = match self.chance.below(10) {
            0 => return self.look(master),
            1..4 => self.agent_wish(),
            4 | 5 => self.maintain(),
            6 => {
                let role = *self.chance.pick(&ROLES);
                let weight = *self.chance.pick(&[0.1, 0.5, 1.0, 2.0, 10.0]);
                Some(Command::Weights(vec![(role.into(), weight)]))
            }
            _ => {
                let role = *self.chance.pick(&TOPS);
                let view = self.quota();
                let force = self.chance.one_in(2);
                Some(Command::Quota { force, quota: vec![(role.into(), view)] })
            }
        };
        if let Some(command) = command {
            self.command(master, command);
        }
    }

    /// Something about an agent.
    fn agent_wish(&mut self) -> Option<Command> {
        let registered = self.cloud.registered();
        let index = self.chance.index(registered.len())?;
        let agent = registered[index].rsplit('/').next()?.into();
        let wish = match self.chance.below(12) {
            0..3 => AgentWish::Deactivate,
            3..6 => AgentWish::Drain {
                max_grace_ms: None,
                mark_gone: self.chance.one_in(4) && registered.len() > 1,
            },
            6 if registered.len() > 1 => AgentWish::MarkGone,
            _ => AgentWish::Reactivate,
        };
        Some(Command::Agent(agent, wish))
    }

    /// Something about machines.
    fn maintain(&mut self) -> Option<Command> {
        let registered = self.cloud.registered();
        let index = self.chance.index(registered.len())?;
        let hostname = self.cloud.host_of(&registered[index])?;
        let machines = vec![MachineId { hostname: Some(hostname), ip: None }];
        // Only what is planned can be taken down.
        let planned = self.planned.clone().unwrap_or_else(|| machines.clone());
        Some(match self.chance.below(4) {
            0 => Command::MachinesDown(planned),
            1 => Command::MachinesUp(planned),
            _ => {
                self.planned = Some(machines.clone());
                let start = TimeInfo { nanoseconds: 1_900_000_000_000_000_000 };
                let unavailability = Unavailability { start, duration: None };
                let window = Window { machine_ids: machines, unavailability };
                Command::Maintenance(Schedule { windows: vec![window] })
            }
        })
    }

    fn quota(&mut self) -> QuotaView {
        let mut quota = QuotaView::default();
        for (name, unit) in [("cpus", 1.0), ("mem", 1024.0)] {
            let (least, most) = (self.chance.below(4), self.chance.below(8));
            let amount = |number: u64| unit * f64::from(u32::try_from(number).unwrap_or(0)) / 2.0;
            if least > 0 {
                quota.guarantees.insert(name.to_owned(), amount(least));
            }
            if most > 3 {
                quota.limits.insert(name.to_owned(), amount(most));
            }
        }
        quota
    }

    pub(super) fn command(&mut self, master: usize, command: Command) {
        if !self.masters[master].up {
            return;
        }
        self.trace(|| format!("an operator of bridge {master}: {command:?}"));
        if let Command::Agent(agent, AgentWish::Reactivate) = &command {
            // Whoever starts after this finds what was said last, whichever bridge it was said to.
            for one in &mut self.masters {
                one.closed.remove(&**agent);
                // What is still on its way was decided before, and is overruled when it arrives, but for what cannot be undone.
                for before in one.of_operators.values_mut() {
                    if matches!(before, Some(Command::Agent(of, wish)) if of == agent && *wish != AgentWish::MarkGone)
                    {
                        *before = None;
                    }
                }
            }
        }
        let out = self.masters[master].commanded(self.now, command);
        self.perform(master, out);
    }

    /// An operator looks.
    pub(super) fn look(&mut self, master: usize) {
        if self.masters[master].up {
            let out = self.masters[master].inspected(self.now);
            self.perform(master, out);
        }
    }

    /// An operator watches a bridge that has just started.
    pub(super) fn watch(&mut self, master: usize) {
        let out = self.masters[master].watched(self.now);
        self.perform(master, out);
    }

    /// An operator is answered.
    pub(super) fn operator_hears(&mut self, master: usize, id: CallId, response: Response) {
        let one = &mut self.masters[master];
        let Some(command) = one.of_operators.remove(&id) else { return };
        match (command, response) {
            (_, Response::Watched(view)) => one.watch = Some(Watch::new(&view)),
            (_, Response::View(view)) => {
                let differs = one.watch.as_ref().and_then(|watch| watch.differs(&view));
                let wrong = differs.or_else(|| watch::wrong_offers(&view, &one.promises));
                one.seen = Some(view);
                self.tally.count("operators", "looked");
                self.ledger.violations.extend(wrong);
            }
            (Some(command), response) => self.has_commanded(master, command, &response),
            (None, _) => self.tally.count("operators", "refused"),
        }
    }

    fn has_commanded(&mut self, master: usize, command: Command, response: &Response) {
        self.trace(|| format!("bridge {master} answers an operator {response:?}"));
        let is_refused = matches!(response, Response::Refused(..));
        let end = if is_refused { "refused" } else { "done" };
        self.tally.count("operators", format!("{} {end}", name(&command)));
        if !is_refused {
            let cloud = &self.cloud;
            self.masters[master].done(command, |hostname| cloud.agent_of_host(hostname));
        }
    }

    /// Whoever watches is told of changes.
    pub(super) fn has_changed(&mut self, master: usize, changes: &[Change]) {
        let one = &mut self.masters[master];
        let Some(watch) = &mut one.watch else { return };
        for change in changes {
            if let Some(agent) = watch.apply(change) {
                one.policy.is_gone(agent.text());
            }
        }
    }

    /// No weights and no quota from now on.
    pub(super) fn end_policies(&mut self) {
        let quota = TOPS.map(|role| (role.into(), QuotaView::default()));
        let weights = ROLES.map(|role| (role.into(), 1.0));
        for master in 0..self.masters.len() {
            self.command(master, Command::Quota { force: true, quota: quota.to_vec() });
            self.command(master, Command::Weights(weights.to_vec()));
        }
    }

    /// All agents are in use from now on that can be, and no machine is under maintenance.
    pub(super) fn end_decisions(&mut self) {
        for arn in self.cloud.registered() {
            let Some(agent) = arn.rsplit('/').next() else { continue };
            let machine = MachineId { hostname: self.cloud.host_of(&arn), ip: None };
            for master in 0..self.masters.len() {
                self.command(master, Command::MachinesUp(vec![machine.clone()]));
                let wish = AgentWish::Reactivate;
                self.command(master, Command::Agent(agent.into(), wish));
            }
        }
        for master in 0..self.masters.len() {
            self.command(master, Command::Maintenance(Schedule::default()));
        }
    }
}

fn name(command: &Command) -> &'static str {
    match command {
        Command::Agent(_, AgentWish::Deactivate) => "deactivate",
        Command::Agent(_, AgentWish::Drain { .. }) => "drain",
        Command::Agent(_, AgentWish::Reactivate) => "reactivate",
        Command::Agent(_, AgentWish::MarkGone) => "mark gone",
        Command::Maintenance(_) => "schedule",
        Command::MachinesDown(_) => "down",
        Command::MachinesUp(_) => "up",
        Command::Weights(_) => "weights",
        Command::Quota { .. } => "quota",
        Command::Teardown(_) => "teardown",
    }
}
