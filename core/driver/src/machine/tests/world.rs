//! A driver, and all that it talks to.

use longshore_machine::{Machine, Timestamp};
use longshore_wire_mesos::v1::scheduler::call::Type as CallType;
use longshore_wire_mesos::v1::scheduler::event::{self, Type};
use longshore_wire_mesos::v1::scheduler::{Call, Event};
use longshore_wire_mesos::v1::{
    AgentId, Filters, FrameworkId, FrameworkInfo, MasterInfo, OfferId, TaskId, TaskInfo, TaskState,
    TaskStatus,
};

use crate::audit;
use crate::machine::{Config, Driver, Input, Output};
use crate::{Answer, Attempt, CallNumber, Callback, Command, Detection, Ending, Leader, Status};

/// A call that was sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) number: CallNumber,
    pub(super) address: String,
    pub(super) stream_id: Option<String>,
    pub(super) call: Call,
}

pub(super) struct World {
    pub(super) driver: Driver,
    pub(super) now: Timestamp,
    pub(super) subscribes: Vec<(Attempt, String, Call)>,
    pub(super) sent: Vec<Sent>,
    pub(super) hung_up: Vec<Attempt>,
    pub(super) notes: Vec<String>,
    pub(super) detects: usize,
    pub(super) finished: usize,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Config {
            framework: framework(),
            implicit_acknowledgements: true,
            ..Config::default()
        })
    }

    pub(super) fn with(config: Config) -> Self {
        Self {
            driver: Driver::new(config, 1),
            now: Timestamp::from_millis(1_000_000),
            subscribes: Vec::new(),
            sent: Vec::new(),
            hung_up: Vec::new(),
            notes: Vec::new(),
            detects: 0,
            finished: 0,
        }
    }

    /// A driver whose framework is subscribed, and whose `registered` has returned.
    pub(super) fn subscribed() -> Self {
        let mut world = Self::new();
        world.subscribe();
        world
    }

    pub(super) fn subscribe(&mut self) {
        assert_eq!(self.command(Command::Start), Status::Running);
        self.leads("one:5050");
        self.accepted();
        assert!(matches!(self.callbacks()[..], [Callback::Registered(..)]));
    }

    /// The last SUBSCRIBE is accepted.
    pub(super) fn accepted(&mut self) {
        let attempt = self.attempt();
        self.input(Input::Opened(attempt, Some("stream".to_owned())));
        self.hear(subscribed_event());
    }

    pub(super) fn leads(&mut self, address: &str) {
        let leader = Leader { address: address.to_owned(), info: None };
        self.input(Input::Detected(Detection::Leader(leader)));
    }

    pub(super) fn attempt(&self) -> Attempt {
        self.subscribes.last().expect("a SUBSCRIBE was sent").0
    }

    pub(super) fn hear(&mut self, event: Event) {
        let attempt = self.attempt();
        self.input(Input::Heard(attempt, Box::new(event)));
    }

    pub(super) fn ends(&mut self, ending: Ending) {
        let attempt = self.attempt();
        self.input(Input::Ended(attempt, ending));
    }

    pub(super) fn breaks(&mut self) {
        self.ends(Ending::Broken("reset by peer".to_owned()));
    }

    pub(super) fn refused(&mut self, status: u16, text: &str) {
        self.ends(Ending::Refused { status, text: text.to_owned() });
    }

    pub(super) fn command(&mut self, command: Command) -> Status {
        let mut out = Vec::new();
        let status = self.driver.command(self.now, command, &mut out);
        self.perform(out);
        status
    }

    pub(super) fn input(&mut self, input: Input) {
        let mut out = Vec::new();
        self.driver.step(self.now, input, &mut out);
        self.perform(out);
    }

    fn perform(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Detect => self.detects += 1,
                Output::Subscribe { attempt, address, call } => {
                    self.subscribes.push((attempt, address, *call));
                }
                Output::HangUp(attempt) => self.hung_up.push(attempt),
                Output::Send { number, address, stream_id, call } => {
                    self.sent.push(Sent { number, address, stream_id, call: (*call).clone() });
                }
                Output::CallBack => {}
                Output::Note(text) => self.notes.push(text),
                Output::Finished => self.finished += 1,
            }
        }
        assert_eq!(audit(&self.driver), []);
    }

    /// Lets time pass, and what is due happen when it is due.
    pub(super) fn run_for(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some(at) = self.driver.wake_at().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let mut out = Vec::new();
            self.driver.tick(self.now, &mut out);
            self.perform(out);
        }
        self.now = end;
    }

    /// The callbacks that wait, each of which returns at once.
    pub(super) fn callbacks(&mut self) -> Vec<Callback> {
        let mut all = Vec::new();
        while let Some(callback) = self.driver.next_callback() {
            all.push(callback);
            self.input(Input::Returned(Ok(())));
        }
        all
    }

    /// The states that callbacks tell, by task.
    pub(super) fn told(&mut self) -> Vec<(String, TaskState, String)> {
        let all = self.callbacks().into_iter().filter_map(|callback| match callback {
            Callback::StatusUpdate(status) => Some((
                status.task_id.value.clone(),
                status.state(),
                status.message.clone().unwrap_or_default(),
            )),
            _ => None,
        });
        all.collect()
    }

    /// The calls that were sent and are not answered.
    pub(super) fn kinds(&self) -> Vec<CallType> {
        self.sent.iter().map(|sent| sent.call.r#type()).collect()
    }

    /// Answers the first call that is out.
    pub(super) fn answer(&mut self, answer: Answer) -> Sent {
        let sent = self.sent.remove(0);
        self.input(Input::Answered(sent.number, answer));
        sent
    }
}

pub(super) fn framework() -> FrameworkInfo {
    FrameworkInfo { user: "root".to_owned(), name: "test".to_owned(), ..FrameworkInfo::default() }
}

pub(super) fn of(kind: Type) -> Event {
    Event { r#type: Some(kind.into()), ..Event::default() }
}

pub(super) fn subscribed_event() -> Event {
    let subscribed = event::Subscribed {
        framework_id: FrameworkId { value: "f-1".to_owned() },
        heartbeat_interval_seconds: Some(15.0),
        master_info: Some(MasterInfo {
            id: "m".to_owned(),
            ip: 1,
            port: 5050,
            ..MasterInfo::default()
        }),
    };
    Event { subscribed: Some(subscribed), ..of(Type::Subscribed) }
}

pub(super) fn update(task: &str, state: TaskState, uuid: &[u8]) -> Event {
    let status = TaskStatus {
        task_id: TaskId { value: task.to_owned() },
        agent_id: Some(AgentId { value: "a".to_owned() }),
        state: state.into(),
        uuid: Some(uuid.to_vec()).filter(|uuid| !uuid.is_empty()),
        ..TaskStatus::default()
    };
    Event { update: Some(event::Update { status }), ..of(Type::Update) }
}

pub(super) fn launch(task: &str) -> Command {
    let info = TaskInfo {
        name: task.to_owned(),
        task_id: TaskId { value: task.to_owned() },
        agent_id: AgentId { value: "a".to_owned() },
        ..TaskInfo::default()
    };
    Command::launch(vec![OfferId { value: "o".to_owned() }], vec![info], Filters::default())
}

pub(super) fn kill(task: &str) -> Command {
    Command::Kill(TaskId { value: task.to_owned() })
}
