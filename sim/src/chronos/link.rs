//! The subscription: how it is made, breaks, and ends for good.

use longshore_chronos::Input;
use longshore_driver_machine::Callback;
use longshore_wire_mesos::v1::FrameworkId;

use super::world::{Event, World};

impl World {
    pub(super) fn connects(&mut self, after_ms: u64) {
        self.session += 1;
        self.is_open = false;
        let session = self.session;
        self.at(self.now + after_ms, Event::Subscribes(session));
    }

    /// The subscription ends, and what is on its way by it is lost.
    pub(super) fn leaves(&mut self) {
        self.session += 1;
        self.is_open = false;
    }

    /// The scheduler wants a driver for a framework that it has an id of, or for a new one.
    pub(super) fn wants_driver(&mut self, framework: Option<String>) {
        self.tally.count("reached", "a driver was started");
        self.framework = framework;
        self.connects(10);
    }

    /// An operator tears the framework down: all its tasks end, and nobody is told of them.
    pub(super) fn tears_down(&mut self) {
        if !self.is_open {
            return;
        }
        self.tally.count("reached", "the framework was removed");
        self.master.tears_down();
        self.refuses();
    }

    /// The subscription ends with an error, after which the driver does nothing any more.
    fn refuses(&mut self) {
        self.leaves();
        self.steps(Input::Heard(Callback::Error("Framework has been removed".to_owned())));
    }

    /// The connection breaks, and is made again.
    pub(super) fn disconnects(&mut self) {
        if self.is_open {
            self.tally.count("reached", "a connection broke");
            let after_ms = self.delay_ms();
            self.connects(after_ms);
            self.steps(Input::Heard(Callback::Disconnected));
        }
    }

    pub(super) fn subscribes(&mut self) {
        let Some(id) = self.master.registers(self.framework.as_deref()) else {
            return self.refuses();
        };
        self.is_open = true;
        self.master.subscribed();
        self.framework = Some(id.clone());
        let id = FrameworkId { value: id };
        self.tells(Callback::Registered(id, Box::default()));
        for status in self.master.all_told() {
            self.updates(status);
        }
    }
}
