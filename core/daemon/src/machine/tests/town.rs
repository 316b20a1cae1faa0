//! A small ECS: it answers at once, and tells events if that is wanted.

use std::collections::{BTreeMap, VecDeque};

use longshore_replica::{
    Cluster, Failure, InstanceDetail, InstancesAsk, LastStatus, NotStarted, StartOn, Starts,
    StopCode, TaskDetail, Tasks, TasksAsk,
};
use longshore_replica::{DefinitionAsk, Instance};
use longshore_wire_blox::route::{Request, Routed, scheduler, state};
use longshore_wire_blox::scheduler::{Deployment, DeploymentStatus, Environment};
use longshore_wire_blox::{Fault, v1};

use super::super::*;

pub(super) const WEB: &str = "arn:aws:ecs:ap-southeast-1:123456789012:cluster/WebCluster";

/// What becomes of starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// They are done and answered.
    Done,
    /// They are done, and the answer is lost.
    Lost,
    /// They are not done, and there is no answer.
    Vanished,
    /// Nothing is answered at all.
    Silent,
}

pub(super) struct Town {
    pub(super) daemon: Daemon,
    pub(super) now: u64,
    pub(super) instances: BTreeMap<Str, Instance>,
    pub(super) tasks: BTreeMap<Str, Task>,
    pub(super) rows: BTreeMap<(String, String), String>,
    pub(super) starts: Vec<StartOn>,
    pub(super) fate: Fate,
    /// Reasons why instances take no task, by ARN.
    pub(super) refusals: BTreeMap<Str, Str>,
    /// Whether events are told.
    pub(super) tells: bool,
    /// Whether tasks run at once.
    pub(super) runs: bool,
    /// Whether starts are answered without details.
    pub(super) is_terse: bool,
    /// Whether everything is checked after each step.
    pub(super) is_audited: bool,
    replies: BTreeMap<Ticket, Reply>,
    pub(super) happened: Vec<Happened>,
    tickets: u64,
    number: u64,
}

impl Town {
    pub(super) fn new(instances: usize) -> Self {
        let config = Config { clusters: Vec::new(), watches_all: true };
        let mut town = Self {
            daemon: Daemon::new(config, &[], 7).expect("there are no rows"),
            now: 1_000_000,
            instances: BTreeMap::new(),
            tasks: BTreeMap::new(),
            rows: BTreeMap::new(),
            starts: Vec::new(),
            fate: Fate::Done,
            refusals: BTreeMap::new(),
            tells: true,
            runs: true,
            is_terse: false,
            is_audited: instances < 1_000,
            replies: BTreeMap::new(),
            happened: Vec::new(),
            tickets: 0,
            number: 0,
        };
        for _ in 0..instances {
            town.add_instance();
        }
        town.pass(0);
        town.take(Input::FeedUp);
        town
    }

    /// The program ends and begins again, with what it has stored.
    pub(super) fn restart(&mut self) {
        let row = |((kind, id), body): (&(String, String), &String)| Row {
            kind: kind.clone(),
            id: id.clone(),
            body: body.clone(),
        };
        let rows: Vec<Row> = self.rows.iter().map(row).collect();
        let config = Config { clusters: Vec::new(), watches_all: true };
        self.daemon = Daemon::new(config, &rows, u128::from(self.now)).expect("its own rows");
        self.pass(0);
        self.take(Input::FeedUp);
    }

    pub(super) fn add_instance(&mut self) -> Str {
        self.number += 1;
        let arn: Str =
            format!("arn:aws:ecs:r:123456789012:container-instance/i{}", self.number).into();
        let detail = InstanceDetail {
            cluster_arn: WEB.into(),
            status: "ACTIVE".into(),
            ..InstanceDetail::default()
        };
        let instance = Instance {
            arn: arn.clone(),
            active: true,
            connected: true,
            version: 1,
            detail: Some(detail.into()),
            ..Instance::default()
        };
        self.instances.insert(arn.clone(), instance);
        arn
    }

    /// An instance changes, and the event is told if any are.
    pub(super) fn change_instance(&mut self, arn: &Str, change: impl FnOnce(&mut Instance)) {
        let instance = self.instances.get_mut(arn).expect("it is there");
        change(instance);
        instance.version += 1;
        self.tell_instance(arn);
    }

    pub(super) fn tell_instance(&mut self, arn: &Str) {
        if self.tells {
            let told = self.instances[arn].clone();
            self.take(Input::Told(vec![News::Instance(told, self.now)]));
        }
    }

    pub(super) fn change_task(&mut self, arn: &Str, change: impl FnOnce(&mut Task)) {
        let task = self.tasks.get_mut(arn).expect("it is there");
        change(task);
        task.version += 1;
        if self.tells {
            let told = task.clone();
            self.take(Input::Told(vec![News::Task(told)]));
        }
    }

    /// A task stops.
    pub(super) fn stop(&mut self, arn: &Str, code: StopCode) {
        self.change_task(arn, |task| {
            task.last_status = LastStatus::Stopped;
            task.desired_running = false;
            task.stop_code = Some(code);
        });
    }

    /// Tasks that have not stopped, by instance.
    pub(super) fn live(&self) -> Vec<(String, String)> {
        let live = self.tasks.values().filter(|task| task.last_status != LastStatus::Stopped);
        let short = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        let mut live: Vec<(String, String)> = live
            .map(|task| {
                (short(task.instance_arn.as_deref().unwrap_or("")), short(&task.definition_arn))
            })
            .collect();
        live.sort();
        live
    }

    pub(super) fn take(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut out = Vec::new();
            self.daemon.step(Timestamp::from_millis(self.now), input, &mut out);
            self.audit();
            self.perform(out, &mut inputs);
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        loop {
            let wake = self.daemon.wake_at().map_or(u64::MAX, Timestamp::millis);
            if wake > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(wake);
            let (mut out, mut inputs) = (Vec::new(), VecDeque::new());
            self.daemon.tick(Timestamp::from_millis(self.now), &mut out);
            self.audit();
            self.perform(out, &mut inputs);
            while let Some(input) = inputs.pop_front() {
                self.take(input);
            }
        }
    }

    fn audit(&self) {
        if self.is_audited {
            self.daemon.audit();
        }
    }

    fn perform(&mut self, out: Vec<Output>, inputs: &mut VecDeque<Input>) {
        let store = out.iter().position(|one| matches!(one, Output::Store(_)));
        assert!(store.is_none_or(|at| at == 0), "something is done before it is stored");
        for output in out {
            match output {
                Output::Store(changes) => self.store(changes),
                Output::Reply { ticket, reply } => {
                    assert!(self.replies.insert(ticket, reply).is_none(), "replied to twice");
                }
                Output::Ask { question, .. } => self.answer(question, inputs),
                Output::AskFleet(question) => self.answer_fleet(question, inputs),
                Output::Happened(happened) => self.happened.push(happened),
                Output::Note(_) => {}
            }
        }
    }

    fn store(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put { kind, id, body } => {
                    self.rows.insert((kind.to_owned(), id), body);
                }
                Change::Delete { kind, id } => {
                    self.rows.remove(&(kind.to_owned(), id));
                }
            }
        }
    }

    fn answer(&mut self, question: Question, inputs: &mut VecDeque<Input>) {
        let found = |tasks: Vec<Task>| Tasks { found: tasks, missing: Vec::new() };
        let answered = match question {
            Question::Instances(asked, InstancesAsk::List) => {
                let there = self.instances.values().cloned().collect();
                Answered::Instances(asked, Ok(there))
            }
            Question::Tasks(asked, ask) => {
                let all = self.tasks.values();
                let tasks = match ask {
                    TasksAsk::List { desired_running, except } => {
                        let fits = |task: &&Task| {
                            task.desired_running == desired_running && !except.contains(&task.arn)
                        };
                        all.filter(fits).cloned().collect()
                    }
                    TasksAsk::Describe(arns) => {
                        all.filter(|task| arns.contains(&task.arn)).cloned().collect()
                    }
                    TasksAsk::Find(by) => {
                        all.filter(|task| task.started_by.as_ref() == Some(&by)).cloned().collect()
                    }
                };
                Answered::Tasks(asked, Ok(found(tasks)))
            }
            Question::Definition(asked, DefinitionAsk::Describe(name)) => {
                let arn = if name.starts_with("arn:") {
                    name.clone()
                } else {
                    format!("arn:aws:ecs:r:123456789012:task-definition/{name}").into()
                };
                let active = !name.contains("old");
                let found = Definition { arn, active, ..Definition::default() };
                Answered::Definition(asked, Ok((!name.contains("missing")).then_some(found)))
            }
            Question::Stop(asked, stop) => {
                let task = self.tasks.get_mut(&stop.task).expect("only what is there is stopped");
                task.desired_running = false;
                task.version += 1;
                let told = task.clone();
                inputs.push_back(Input::Answered(Answered::Stop(asked, Ok(Box::new(told)))));
                if self.runs {
                    task.last_status = LastStatus::Stopped;
                    task.stop_code = Some(StopCode::UserInitiated);
                    task.version += 1;
                    let told = task.clone();
                    if self.tells {
                        inputs.push_back(Input::Told(vec![News::Task(told)]));
                    }
                }
                return;
            }
            other => panic!("not asked by a daemon scheduler: {other:?}"),
        };
        inputs.push_back(Input::Answered(answered));
    }

    fn answer_fleet(&mut self, question: FleetQuestion, inputs: &mut VecDeque<Input>) {
        let web = Cluster { arn: WEB.into(), active: true };
        let answered = match question {
            FleetQuestion::Clusters(asked) => FleetAnswered::Clusters(asked, Ok(vec![web])),
            FleetQuestion::Cluster(asked, name) => {
                let found = match &*name {
                    "WebCluster" | WEB => Some(web),
                    "Gone" => Some(Cluster { active: false, ..web }),
                    _ => None,
                };
                FleetAnswered::Cluster(asked, Ok(found))
            }
            FleetQuestion::Start(asked, start) => {
                self.starts.push((*start).clone());
                let lost = Err(Failure::Unsure("no response in time".to_owned()));
                match self.fate {
                    Fate::Silent => return,
                    Fate::Vanished => FleetAnswered::Start(asked, lost),
                    Fate::Lost => {
                        self.start(&start);
                        FleetAnswered::Start(asked, lost)
                    }
                    Fate::Done => {
                        let mut starts = self.start(&start);
                        if self.is_terse {
                            starts.started.iter_mut().for_each(|task| task.detail = None);
                        }
                        FleetAnswered::Start(asked, Ok(starts))
                    }
                }
            }
        };
        inputs.push_back(Input::FleetAnswered(answered));
        if self.runs && self.fate == Fate::Done {
            for task in self.tasks.values_mut() {
                if task.last_status == LastStatus::Pending && task.desired_running {
                    task.last_status = LastStatus::Running;
                    task.version += 1;
                    if self.tells {
                        inputs.push_back(Input::Told(vec![News::Task(task.clone())]));
                    }
                }
            }
        }
    }

    pub(super) fn start(&mut self, start: &StartOn) -> Starts {
        let mut starts = Starts::default();
        for instance in &start.instances {
            if let Some(reason) = self.refusals.get(instance) {
                let (instance, reason) = (instance.clone(), reason.clone());
                starts.refused.push(NotStarted { instance, reason });
                continue;
            }
            self.number += 1;
            let arn: Str = format!("arn:aws:ecs:r:123456789012:task/t{}", self.number).into();
            let detail = TaskDetail {
                cluster_arn: start.cluster.clone(),
                last_status: "PENDING".into(),
                ..TaskDetail::default()
            };
            let task = Task {
                arn: arn.clone(),
                definition_arn: start.definition.clone(),
                instance_arn: Some(instance.clone()),
                last_status: LastStatus::Pending,
                desired_running: true,
                started_by: Some(start.started_by.clone()),
                created_at_ms: self.now,
                version: 1,
                detail: Some(detail.into()),
                ..Task::default()
            };
            self.tasks.insert(arn, task.clone());
            starts.started.push(task);
        }
        starts
    }

    /// Sends a request to the scheduler, as it travels.
    pub(super) fn ask(&mut self, method: &str, target: &str, body: &str) -> Result<Reply, Fault> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let routed = scheduler(Request { method, path, query, body: body.as_bytes() })?;
        let Routed::Call(call) = routed else { panic!("moved") };
        self.call(Call::Scheduler(call))
    }

    /// Sends a request to the cluster state service, as it travels.
    pub(super) fn get(&mut self, target: &str) -> Result<Reply, Fault> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Routed::Call(call) = state(Request { method: "GET", path, query, body: b"" })? else {
            panic!("moved")
        };
        self.call(Call::State(call))
    }

    /// Sends a request of v1.0 to the scheduler, as it travels.
    pub(super) fn ask_v1(
        &mut self,
        method: &str,
        target: &str,
        body: &str,
    ) -> Result<serde_json::Value, (u16, serde_json::Value)> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request = Request { method, path, query, body: body.as_bytes() };
        let told = |fault: v1::Fault| {
            let body = serde_json::from_str(&fault.body()).expect("an error is JSON");
            (fault.status(), body)
        };
        let call = v1::route(&request).expect("it is v1.0's").map_err(told)?;
        match self.call(Call::V1(call)) {
            Ok(Reply::V1(Ok(answer))) => Ok(serde_json::to_value(answer).expect("it is JSON")),
            Ok(Reply::V1(Err(fault))) => Err(told(fault)),
            other => panic!("not an answer of v1.0: {other:?}"),
        }
    }

    fn call(&mut self, call: Call) -> Result<Reply, Fault> {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.take(Input::Called { ticket, call });
        match self.replies.remove(&ticket).expect("a reply") {
            Reply::Refused(fault) => Err(fault),
            reply => Ok(reply),
        }
    }

    pub(super) fn environment(&mut self, name: &str) -> Environment {
        match self.ask("GET", &format!("/v1/environments/{name}"), "") {
            Ok(Reply::Environment(environment)) => environment,
            other => panic!("not an environment: {other:?}"),
        }
    }

    pub(super) fn create(&mut self, name: &str, definition: &str, more: &str) -> Environment {
        let body = format!(
            r#"{{"name":"{name}","instanceGroup":{{"cluster":"WebCluster"}},"taskDefinition":"{definition}"{more}}}"#
        );
        match self.ask("POST", "/v1/environments", &body) {
            Ok(Reply::Environment(environment)) => environment,
            other => panic!("not an environment: {other:?}"),
        }
    }

    /// Deploys with the token that the environment has.
    pub(super) fn deploy(&mut self, name: &str) -> Result<Deployment, Fault> {
        let token = self.environment(name).deployment_token;
        self.deploy_with(name, &token)
    }

    pub(super) fn deploy_with(&mut self, name: &str, token: &str) -> Result<Deployment, Fault> {
        let target = format!("/v1/environments/{name}/deployments?deploymentToken={token}");
        match self.ask("POST", &target, "")? {
            Reply::Deployment(deployment) => Ok(deployment),
            other => panic!("not a deployment: {other:?}"),
        }
    }

    pub(super) fn deployments(&mut self, name: &str) -> Vec<Deployment> {
        match self.ask("GET", &format!("/v1/environments/{name}/deployments"), "") {
            Ok(Reply::Deployments(deployments)) => deployments,
            other => panic!("not deployments: {other:?}"),
        }
    }

    pub(super) fn status(&mut self, name: &str) -> DeploymentStatus {
        self.deployments(name)[0].status
    }
}
