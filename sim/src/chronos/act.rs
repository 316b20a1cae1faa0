//! What happens in a storm, and how it ends.

use longshore_chronos::{Call, Reply};
use longshore_wire_chronos::{Posted, answer};
use serde_json::{Value, json};

use super::master::AGENTS;
use super::world::World;

const JOBS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

impl World {
    /// One thing happens, and a while passes.
    pub(super) fn acts(&mut self) {
        match self.chance.below(24) {
            0..4 => self.posts(),
            4 => self.deletes(),
            5 => self.wants_run(),
            6 => self.wants_success(),
            7 => {
                let name = self.name();
                let _ = self.calls(Call::Kill { name });
            }
            8 => self.crashes(),
            9..11 => self.disconnects(),
            11 => self.sets_time(),
            12..14 => {
                let agent = self.chance.index(AGENTS).unwrap_or(0);
                self.agent(agent);
            }
            14 => self.looks(),
            15 => self.rescinds(),
            16 if self.chance.one_in(4) => self.tears_down(),
            _ => {}
        }
        let ms = self.chance.below(30_000);
        self.passes(ms);
    }

    fn name(&mut self) -> String {
        (*self.chance.pick(&JOBS)).to_owned()
    }

    fn posts(&mut self) {
        let name = self.name();
        let has_parent = self.chance.one_in(3);
        let trigger = if has_parent { self.parents() } else { self.schedule() };
        let mut job = json!({
            "name": name, "command": "run", "cpus": 1, "mem": 10, "disk": 10,
            "retries": self.chance.below(3),
            "epsilon": format!("PT{}S", self.chance.below(200)),
            "concurrent": self.chance.one_in(5),
            "softError": self.chance.one_in(8),
            "highPriority": self.chance.one_in(4),
            "disabled": self.chance.one_in(10),
        });
        if let (Value::Object(job), Value::Object(trigger)) = (&mut job, trigger) {
            job.extend(trigger);
        }
        let Ok(posted) = Posted::read(job, &longshore_wire_chronos::Defaults::default()) else {
            return;
        };
        let kind = match self.calls(Call::Post(Box::new(posted))) {
            Some(Reply::Done) => "a job was posted",
            Some(_) => "a job was refused",
            None => "a crash while a job was posted",
        };
        self.tally.count("reached", kind);
    }

    fn parents(&mut self) -> Value {
        let mut parents = vec![self.name()];
        if self.chance.one_in(3) {
            parents.push(self.name());
        }
        json!({"parents": parents})
    }

    fn schedule(&mut self) -> Value {
        let repeats = match self.chance.below(3) {
            0 => String::new(),
            _ => (1 + self.chance.below(20)).to_string(),
        };
        let start = match self.chance.below(3) {
            0 => String::new(),
            // Some time ago, or later.
            _ => answer::moment((self.now - 300_000 + self.chance.below(400_000)).millis()),
        };
        json!({"schedule": format!("R{repeats}/{start}/PT{}S", 5 + self.chance.below(300))})
    }

    fn deletes(&mut self) {
        let name = self.name();
        let _ = self.calls(Call::Delete { name });
    }

    fn wants_run(&mut self) {
        let name = self.name();
        let _ = self.calls(Call::Run { name, arguments: String::new() });
    }

    fn wants_success(&mut self) {
        let name = self.name();
        let _ = self.calls(Call::Succeed { name });
    }

    fn sets_time(&mut self) {
        let far = if self.chance.one_in(4) { 86_400_000 } else { 200_000 };
        let by = i64::try_from(self.chance.below(2 * far)).unwrap_or(0);
        self.sets_clock(by - i64::try_from(far).unwrap_or(0));
    }

    /// Reads change nothing.
    fn looks(&mut self) {
        for call in [Call::Jobs, Call::Summary, Call::Csv, Call::Dot, Call::Gauges] {
            let _ = self.calls(call);
        }
    }

    fn rescinds(&mut self) {
        if let Some(offer) = self.master.rescinds(&mut self.chance) {
            self.rescinded(offer);
        }
    }

    /// Everything goes well from now on; nothing new is due, and what is there comes to its end.
    pub(super) fn quiet(&mut self) {
        self.is_quiet = true;
        for agent in 0..AGENTS {
            if self.master.away[agent] {
                self.agent(agent);
            }
        }
        // Jobs with parents keep their last runs; those with a schedule have none any more.
        for name in JOBS {
            self.disables(name);
        }
        self.passes(3_600_000);
        let rows = std::mem::take(&mut self.rows);
        self.checker.rests(&rows);
        self.rows = rows;
        self.tally.count("reached", "the end");
    }

    fn disables(&mut self, name: &str) {
        let Some(Reply::Job(job)) = self.calls(Call::Job { name: name.to_owned() }) else { return };
        let mut definition = (*job.definition).clone();
        definition.disabled = true;
        let posted = Posted { definition, counters: job.counters };
        let _ = self.calls(Call::Post(Box::new(posted)));
    }
}
