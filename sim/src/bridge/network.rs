//! Between bridges and the cluster: questions and answers that are late, lost or doubled, events likewise, and what becomes of
//! tasks by themselves.

use longshore_machine::Timestamp;
use longshore_replica::{Answered, Failure, Question, StopCode};
use longshore_wire_ecs::Str;

use super::api::{self, Effect, Lag};
use super::cloud::CloudTask;
use super::master::Sent;
use super::world::{Happens, Turn, World};

/// How far reads may be behind, in ms. Source: ECS is eventually consistent; nothing says how far.
const LAG_MS_MAX: u64 = 2_500;

impl World {
    /// A bridge asks.
    pub(super) fn ask(&mut self, master: usize, question: Question) {
        self.tally.count("asks", api::name(&question));
        self.trace(|| format!("bridge {master} asks {}", api::brief(&question)));
        let now = self.now;
        if let Some((asked, start)) = api::start_of(&question) {
            self.ledger.start(&start.started_by, api::owners(start));
            self.masters[master].starts.insert(asked, start.started_by.clone());
        }
        if let Some((arn, reason)) = api::stop_of(&question) {
            self.check_condemned(arn, reason);
        }
        if let Some(launch) = api::looked_for(&question) {
            self.ledger.looks_for(now, master, launch);
        }
        if let Some((subject, requests)) = api::paced(&question)
            && self.masters[master].bridge.is_recovered()
            && !self.masters[master].promises.reads(now, subject, requests)
        {
            self.ledger.fail("the cluster is read more often than planned".to_owned());
        }
        self.check_stop(master, &question);
        let epoch = self.masters[master].epoch;
        let sent = Sent { master, epoch, question };
        let delay = self.delay();
        if now < self.outage_until && !self.chance.one_in(4) {
            return self.fail_with(&sent, delay, Failure::NotDone("no route".to_owned()));
        }
        let fate = if self.storm { self.chance.below(100) } else { 100 };
        let unsure = || Failure::Unsure("the connection broke".to_owned());
        match fate {
            0 | 1 => self.fail_with(&sent, delay, unsure()),
            2 | 3 => {
                // It is done, early or late, and nobody hears of it.
                let late = if fate == 2 { self.chance.below(20_000) } else { 0 };
                self.later(late, Happens::Asked { sent: sent.clone(), answers: false });
                self.fail_with(&sent, delay, unsure());
            }
            4 => self.fail_with(&sent, delay, Failure::NotDone("refused".to_owned())),
            5 => self.fail_with(&sent, delay, Failure::Throttled),
            6 if self.chance.one_in(4) => {
                let (code, message) = ("ClientException".to_owned(), "it is wrong".to_owned());
                self.fail_with(&sent, delay, Failure::Refused { code, message });
            }
            _ => self.later(delay, Happens::Asked { sent, answers: true }),
        }
    }

    fn fail_with(&mut self, sent: &Sent, delay: u64, failure: Failure) {
        self.tally.count("failures", failure_name(&failure));
        self.answer(sent, delay, sent.question.fails(failure));
    }

    pub(super) fn answer(&mut self, sent: &Sent, delay: u64, answered: Answered) {
        let Sent { master, epoch, .. } = *sent;
        if self.storm && self.chance.one_in(40) {
            let again = Happens::Answered { master, epoch, answered: answered.clone() };
            let later = delay + self.delay();
            self.later(later, again);
        }
        self.later(delay, Happens::Answered { master, epoch, answered });
    }

    fn lag(&mut self) -> Lag {
        let mut one = || match self.chance.below(20) {
            0 => self.chance.below(LAG_MS_MAX),
            1..5 => self.chance.below(300),
            _ => 0,
        };
        if self.storm { Lag { list: one(), describe: one() } } else { Lag::default() }
    }

    /// A question has reached the cluster.
    pub(super) fn asked(&mut self, sent: &Sent, answers: bool) {
        self.trace(|| format!("{} arrives", api::brief(&sent.question)));
        if self.local.is_some() {
            return self.asked_locally(sent, answers);
        }
        let lag = self.lag();
        let answer = api::answer(&mut self.cloud, &mut self.buckets, self.now, lag, &sent.question);
        let (answered, effect) = answer.unwrap_or_else(|| {
            self.tally.count("failures", "a bucket was empty");
            (sent.question.fails(Failure::Throttled), Effect::Nothing)
        });
        match effect {
            Effect::Nothing => {}
            Effect::Started(task) => {
                if let Some(launch) = &task.started_by {
                    self.ledger.accepted(self.now, &self.cloud, &task.arn, launch);
                }
                self.begin(task.arn.clone());
            }
            Effect::Stopping(arn) => {
                let delay = if self.storm { self.chance.below(8_000) } else { 200 };
                self.later(delay, Happens::Task { arn, turn: Turn::Stop });
            }
        }
        self.tell();
        if answers {
            let delay = self.delay();
            self.answer(sent, delay, answered);
        }
    }

    /// A bridge is answered.
    pub(super) fn answered(&mut self, master: usize, answered: Answered) {
        if let Some((asked, is_not_done)) = api::is_not_done(&answered)
            && let Some(launch) = self.masters[master].starts.remove(&asked)
            && is_not_done
        {
            self.ledger.not_done(&launch);
        }
        self.trace(|| format!("bridge {master} hears of {}", api::brief_answer(&answered)));
        let out = self.masters[master].answered(self.now, answered);
        self.perform(master, out);
    }

    /// What becomes of a task that was accepted.
    pub(super) fn begin(&mut self, arn: Str) {
        let fails = self.storm && self.chance.one_in(12);
        let turn = if fails { Turn::FailToStart } else { Turn::Run };
        let delay = if self.storm { 50 + self.chance.delay_ms() / 4 } else { 300 };
        self.later(delay, Happens::Task { arn, turn });
    }

    /// A task goes on, if its agent can say so.
    pub(super) fn turn(&mut self, arn: Str, turn: Turn) {
        let instance = self.cloud.tasks.get(&arn).map(|task| task.instance.clone());
        let reports = instance
            .and_then(|instance| self.cloud.instance(&instance).map(|instance| instance.connected));
        if reports == Some(false) {
            return self.later(1_000, Happens::Task { arn, turn });
        }
        let now = self.now;
        self.trace(|| format!("task {arn}: {turn:?}"));
        match turn {
            Turn::Run => {
                if self.cloud.run(now, &arn) {
                    self.ran(&arn);
                }
            }
            Turn::FailToStart => {
                let reason = "CannotPullContainerError";
                self.cloud.stop(now, &arn, StopCode::FailedToStart, None, reason);
            }
            Turn::Exit(code) => {
                let task = self.cloud.tasks.get(&arn);
                let is_wanted = task.is_some_and(CloudTask::is_wanted);
                let is_group = task.is_some_and(CloudTask::is_group);
                if is_group && self.storm && !self.chance.one_in(6) {
                    let container = 1 + usize::from(self.chance.one_in(2));
                    self.tally.count("reached", "a task of a group ended by itself");
                    self.cloud.exit(now, &arn, container, code);
                } else if is_wanted && self.storm {
                    let reason = "Essential container in task exited";
                    let code_of = StopCode::EssentialContainerExited;
                    self.cloud.stop(now, &arn, code_of, Some(code), reason);
                }
            }
            Turn::Stop => {
                self.cloud.stop(now, &arn, StopCode::UserInitiated, Some(143), "stopped");
            }
            Turn::Sicken(is_sick) => self.sicken(&arn, is_sick),
            Turn::Judge(healthy) => {
                let is_versioned = self.chance.one_in(2);
                self.cloud.judge(now, &arn, healthy, is_versioned);
            }
        }
        self.tell();
    }

    fn ran(&mut self, arn: &Str) {
        self.tally.count("reached", "a task ran");
        let is_group = self.cloud.tasks.get(arn).is_some_and(CloudTask::is_group);
        if is_group {
            self.tally.count("reached", "a group ran");
        }
        for _ in 0..=u32::from(is_group) {
            if !self.storm || !self.chance.one_in(2) {
                continue;
            }
            let code = *self.chance.pick(&[0, 0, 1, 137]);
            let after = self.chance.below(90_000);
            self.later(after, Happens::Task { arn: arn.clone(), turn: Turn::Exit(code) });
        }
        self.may_sicken(arn);
        for _ in 0..self.chance.below(3) {
            let (after, healthy) = (self.chance.below(60_000), self.chance.one_in(2));
            self.later(after, Happens::Task { arn: arn.clone(), turn: Turn::Judge(healthy) });
        }
    }

    /// Events of what happened are on their way to whoever listens: at least once as a rule, and in any order.
    pub(super) fn tell(&mut self) {
        let events = std::mem::take(&mut self.cloud.events);
        for news in events {
            for master in 0..self.masters.len() {
                let epoch = self.masters[master].epoch;
                let copies = match self.chance.below(60) {
                    0 if self.storm => 0,
                    1 | 2 if self.storm => 2,
                    _ => 1,
                };
                for _ in 0..copies {
                    let delay = self.delay();
                    self.later(delay, Happens::Told { master, epoch, news: news.clone() });
                }
            }
        }
    }

    /// Whether the cluster can be reached again.
    pub(super) fn end_outage(&mut self) {
        self.outage_until = Timestamp::default();
    }
}

fn failure_name(failure: &Failure) -> &'static str {
    match failure {
        Failure::Unsure(_) => "Unsure",
        Failure::NotDone(_) => "NotDone",
        Failure::Throttled => "Throttled",
        Failure::Refused { .. } => "Refused",
    }
}
