//! The scheduler: what it is told, what it asks for, and what a step does.

mod calls;
mod due;
mod endings;
mod hearing;
mod matching;
mod post;
mod restore;
mod show;

use longshore_driver_machine::framework::{Offers, Subscription};
use longshore_driver_machine::{Callback, Command};
use longshore_machine::{Change, Machine, Timestamp};
use longshore_wire_chronos::answer::{JobStat, Summaries, Timing};
use longshore_wire_chronos::{Defaults, Posted};

use crate::jobs::{Jobs, Shown};
use crate::place::Claim;
use crate::runs::Runs;
use crate::{limits, rows};

/// What a scheduler is told at its start.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// What jobs have that do not say it.
    pub defaults: Defaults,
    /// From a failure to the next attempt, in ms.
    pub retry_ms: u64,
    /// After how many failures without a success a job is disabled; 0 means never.
    pub disable_after_failures: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            defaults: Defaults::default(),
            retry_ms: limits::RETRY_MS,
            disable_after_failures: 0,
        }
    }
}

/// Who waits for a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What a scheduler may be told.
#[derive(Debug)]
pub enum Input {
    /// Its driver calls back.
    Heard(Callback),
    /// A client calls.
    Called {
        /// For the reply.
        ticket: Ticket,
        /// What it wants.
        call: Call,
    },
    /// The wall clock is so many ms ahead of the time of machines, and negative if it is behind.
    Clock {
        /// In ms.
        ahead_ms: i64,
    },
}

impl From<Callback> for Input {
    fn from(callback: Callback) -> Self {
        Self::Heard(callback)
    }
}

/// Which jobs are searched for. Texts that are empty are not looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// In the name.
    pub name: String,
    /// In the command.
    pub command: String,
    /// In either.
    pub any: String,
    /// How many are wanted.
    pub limit: usize,
    /// How many are left out first.
    pub offset: usize,
}

/// What a client may want.
#[derive(Clone, Debug)]
pub enum Call {
    /// A job is to be as posted.
    Post(Box<Posted>),
    /// A run at once.
    Run {
        /// The job.
        name: String,
        /// Words after its command, this time.
        arguments: String,
    },
    /// A job is to count as successful.
    Succeed {
        /// The job.
        name: String,
    },
    /// A job is to be gone.
    Delete {
        /// The job.
        name: String,
    },
    /// The tasks of a job are to end.
    Kill {
        /// The job.
        name: String,
    },
    /// A task has processed more elements.
    Progress {
        /// The job.
        name: String,
        /// The task.
        task: String,
        /// How many more.
        elements: u64,
    },
    /// All jobs.
    Jobs,
    /// A job.
    Job {
        /// Which.
        name: String,
    },
    /// Some jobs.
    Search(Search),
    /// What all jobs do.
    Summary,
    /// The runs of a job.
    Stat {
        /// The job.
        name: String,
    },
    /// How long jobs take: `median`, `mean`, `99thPercentile` and so on.
    Timings {
        /// Which of them.
        of: String,
    },
    /// The graph of jobs, for Graphviz.
    Dot,
    /// The graph of jobs, as lines.
    Csv,
    /// Numbers.
    Gauges,
}

/// A call that is refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

/// What a client is told.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It is done.
    Done,
    /// It is not.
    Refused(Refusal),
    /// A text.
    Text(String),
    /// A job.
    Job(Shown),
    /// Jobs.
    Jobs(Vec<Shown>),
    /// What jobs do.
    Summaries(Summaries),
    /// Runs.
    Stat(Box<JobStat>),
    /// How long jobs take.
    Timings(Vec<Timing>),
    /// Numbers.
    Gauges(Box<Gauges>),
}

/// What a scheduler may ask for.
#[derive(Debug)]
pub enum Output {
    /// Changes to commit, all or none, before anything else of this step is done.
    Store(Vec<Change>),
    /// A driver is wanted, since there is something to do: for the first time, or since the one before has given up.
    Connect {
        /// The framework's id, if it had one.
        framework: Option<String>,
    },
    /// Something for the driver.
    Say(Command),
    /// A reply.
    Reply {
        /// Whose.
        ticket: Ticket,
        /// What.
        reply: Reply,
    },
    /// Something that whoever runs the scheduler may want to know.
    Note(String),
    /// The driver has given up, for this reason.
    Failed(String),
}

/// What happened since the start, and what is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Jobs.
    pub jobs: u64,
    /// Runs that wait for an offer.
    pub queued: u64,
    /// Runs whose tasks are out.
    pub running: u64,
    /// Whether there is a subscription.
    pub is_subscribed: bool,
    /// Runs that schedules made.
    pub due: u64,
    /// Runs of schedules that were skipped because they were due too long ago.
    pub skipped_late: u64,
    /// Runs that were skipped because their job was running.
    pub skipped_busy: u64,
    /// Tasks launched.
    pub launched: u64,
    /// Tasks whose launch did nothing.
    pub not_launched: u64,
    /// Tasks that succeeded.
    pub finished: u64,
    /// Tasks that failed or were lost.
    pub failed: u64,
    /// Tasks that were killed.
    pub killed: u64,
}

/// A step, while it is taken.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) now: Timestamp,
    /// The wall clock, in ms since the epoch.
    pub(crate) wall_ms: u64,
    said: Vec<Output>,
    /// Whether the framework's id has changed.
    framework: bool,
}

impl Context {
    fn say(&mut self, command: Command) {
        self.said.push(Output::Say(command));
    }

    fn note(&mut self, text: String) {
        self.said.push(Output::Note(text));
    }
}

/// A scheduler.
#[derive(Debug)]
pub struct Chronos {
    config: Config,
    ahead_ms: i64,
    jobs: Jobs,
    runs: Runs,
    offers: Offers,
    session: Subscription,
    tally: Gauges,
    /// The last offer that was of no use, for whoever asks why a run waits: its host, and what it had.
    useless: Option<(String, Claim)>,
}

impl Chronos {
    pub(crate) fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    pub(crate) fn runs(&self) -> &Runs {
        &self.runs
    }

    /// The framework's id, once a master gave one.
    pub fn framework(&self) -> Option<&str> {
        self.session.framework()
    }

    /// What jobs have that do not say it.
    pub fn defaults(&self) -> Defaults {
        self.config.defaults
    }

    fn context(&self, now: Timestamp) -> Context {
        let wall_ms = now.millis().saturating_add_signed(self.ahead_ms);
        Context { now, wall_ms, said: Vec::new(), framework: false }
    }

    /// When a time of the wall clock is for machines, as clocks are now.
    fn timer(&self, wall_ms: u64) -> Timestamp {
        Timestamp::from_millis(wall_ms.saturating_add_signed(self.ahead_ms.saturating_neg()))
    }

    /// Whether there is anything to do at a master: also the tasks of jobs that are gone are to end.
    fn has_work(&self) -> bool {
        self.jobs.len() > 0 || self.runs.unended() > 0
    }

    /// Does what is due, and gives out what is to be done: changes first.
    fn settles(&mut self, mut cx: Context, out: &mut Vec<Output>) {
        self.expires(&mut cx);
        self.fires(&mut cx);
        self.matches(&mut cx);
        self.reconciles(&mut cx);
        let runs_wait = self.runs.ready() > 0;
        if let Some(command) = self.session.wants(cx.now, runs_wait) {
            cx.say(command);
        }
        let jobs = self.jobs.take_dirty();
        let runs = self.runs.take_dirty();
        let jobs = jobs.iter().map(|name| rows::job(name, self.jobs.get(name)));
        let runs = runs.iter().map(|id| rows::run(id, self.runs.get(id)));
        let mut changes: Vec<Change> = jobs.chain(runs).collect();
        if cx.framework {
            changes.push(rows::framework(self.session.framework()));
        }
        if !changes.is_empty() {
            out.push(Output::Store(changes));
        }
        if self.session.connects(self.has_work()) {
            let framework = self.session.framework().map(str::to_owned);
            out.push(Output::Connect { framework });
        }
        out.append(&mut cx.said);
    }
}

impl Machine for Chronos {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        if let Input::Clock { ahead_ms } = input {
            self.ahead_ms = ahead_ms;
        }
        let mut cx = self.context(now);
        match input {
            Input::Clock { .. } => {}
            Input::Heard(callback) => self.hears(&mut cx, callback),
            Input::Called { ticket, call } => {
                let reply = self.called(&mut cx, call);
                cx.said.push(Output::Reply { ticket, reply });
            }
        }
        self.settles(cx, out);
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let cx = self.context(now);
        self.settles(cx, out);
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let due = self.jobs.next_due_ms().map(|due| self.timer(due));
        // What a step had no room for goes on at once.
        let rest = !self.offers.is_empty() || self.session.is_missed(self.has_work());
        let rest = rest.then(Timestamp::default);
        [due, rest, self.runs.wake_at(), self.session.wake_at()].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
