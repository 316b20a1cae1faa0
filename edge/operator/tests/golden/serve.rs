//! Answers a request of a form file as a server would that has this crate and a state.

use longshore_bridge::operator::{AgentView, DrainView, QuotaView, ReadModel, RoleView, View};
use longshore_operator::{Asked, Call, OperatorCall, Refusal, Request, event, legacy, page, v1};
use longshore_wire_mesos::Media;
use longshore_wire_mesos::v1::master::Event;
use longshore_wire_mesos::v1::{DrainState, TaskState};

use crate::apply::apply;
use crate::case::Case;
use crate::fixture::{self, BUSY, FRAMEWORK, NOW};
use crate::tree::Tree;

/// What a client sees.
#[derive(Default)]
pub(crate) struct Served {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) allow: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) records: Vec<(String, Tree)>,
}

impl Served {
    fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            content_type: Some("text/plain; charset=utf-8".to_owned()),
            body: text.as_bytes().to_vec(),
            ..Self::default()
        }
    }

    fn refused(refusal: &Refusal) -> Self {
        let allow = refusal.allow.map(str::to_owned);
        Self { allow, ..Self::text(refusal.status, &refusal.text) }
    }

    /// The body as JSON.
    pub(crate) fn tree(&self, is_jsonp: bool) -> Result<Tree, String> {
        let text = String::from_utf8_lossy(&self.body);
        let inner = text.strip_prefix("cb(").and_then(|rest| rest.strip_suffix(')'));
        let json = if is_jsonp { inner.ok_or("no call")? } else { &text };
        serde_json::from_str(json).map_err(|error| error.to_string())
    }
}

pub(crate) fn serve(model: &mut ReadModel, case: &Case) -> Served {
    let (path, query) =
        case.path.split_once('?').map_or((&*case.path, None), |(path, query)| (path, Some(query)));
    if path.starts_with("/master/api/v1") {
        return operator(model, case);
    }
    match legacy::write(&case.method, path, case.body.as_bytes()) {
        Err(refusal) => return Served::refused(&refusal),
        Ok(Some(call)) => return written(model, call),
        Ok(None) => {}
    }
    match Asked::of(path, query) {
        Err(refusal) => Served::refused(&refusal),
        Ok(None) => Served::text(404, "404 Not Found."),
        Ok(Some(asked)) => {
            let mut body = Vec::new();
            page::render(&model.snapshot(), &asked, NOW, &process(), &mut body)
                .expect("it is written");
            let content_type = Some(asked.content_type().to_owned());
            Served { status: 200, content_type, body, ..Served::default() }
        }
    }
}

/// Numbers that the process which serves pages knows.
fn process() -> Vec<(String, f64)> {
    let names =
        ["cpus_total", "load_15min", "load_1min", "load_5min", "mem_free_bytes", "mem_total_bytes"];
    names.iter().map(|name| (format!("system/{name}"), 1.0)).collect()
}

fn operator(model: &mut ReadModel, case: &Case) -> Served {
    let (content, accept) = (case.content_type.as_deref(), case.accept.as_deref());
    let request = match Request::read(&case.method, content, accept, case.body.as_bytes()) {
        Ok(request) => request,
        Err(refusal) => return Served::refused(&refusal),
    };
    let mut body = Vec::new();
    match request.call {
        Call::Read(call) => {
            let view = model.snapshot();
            v1::answer(&view, call, request.media, NOW, &process(), &mut body)
                .expect("it is written");
            let content_type = Some(request.media.name().to_owned());
            Served { status: 200, content_type, body, ..Served::default() }
        }
        Call::Write(call) => written(model, call),
        Call::Files(_) => Served::text(404, ""),
        Call::Subscribe => Served { status: 200, records: records(model), ..Served::default() },
    }
}

fn written(model: &mut ReadModel, call: OperatorCall) -> Served {
    if let Err(refusal) = call.check(&model.snapshot()) {
        return Served::refused(&refusal);
    }
    apply(model, call);
    Served { status: 200, ..Served::default() }
}

/// The records of a stream: the state at its begin, and what happened when the golden ones were recorded.
fn records(model: &ReadModel) -> Vec<(String, Tree)> {
    let mut first = Vec::new();
    v1::subscribed(&model.snapshot(), Media::Json, &mut first).expect("it is written");
    let mut events = happened();
    if model.snapshot().agents().next().is_none() {
        // This stream saw agents come, and nothing else.
        events.retain(|event| {
            event.agent_added.is_some() || event.r#type() == event_type("HEARTBEAT")
        });
    }
    let bodies = events.iter().map(|event| event::encode(event, Media::Json));
    std::iter::once(first)
        .chain(bodies)
        .map(|body| {
            let tree: Tree = serde_json::from_slice(&body).expect("it is JSON");
            let of = tree.get("type").and_then(Tree::text).expect("a type").to_owned();
            (of, tree)
        })
        .collect()
}

fn event_type(name: &str) -> longshore_wire_mesos::v1::master::event::Type {
    longshore_wire_mesos::v1::master::event::Type::from_str_name(name).expect("it is one")
}

fn happened() -> Vec<Event> {
    let mut events = vec![event::heartbeat()];
    let mut model = fixture::empty();
    for (id, name) in [(FRAMEWORK, "golden"), ("<master-id>-0001", "second")] {
        model.put_framework(fixture::framework(id, name));
    }
    let view = model.snapshot();
    for framework in view.frameworks() {
        events.push(event::framework_added(framework.view()));
        events.push(event::framework_removed(framework.view()));
    }
    events.extend(view.agents().map(|(agent, entry)| event::agent_added(agent, entry)));
    events.extend(["run1", "run2", "ok"].map(|id| event::task_added(&fixture::task(id))));
    let states = [
        (TaskState::TaskRunning, None, None),
        (TaskState::TaskFailed, Some("Command exited with status 3"), None),
        (
            TaskState::TaskKilled,
            None,
            Some(longshore_wire_mesos::v1::task_status::Reason::AgentDraining),
        ),
    ];
    for (state, message, reason) in states {
        let mut task = fixture::task("run1");
        task.state = state;
        let mut status = fixture::status(state, 1.0, message);
        status.reason = reason;
        task.statuses = Box::new([status]);
        events.extend(event::task_updated(&task));
    }
    events
}

/// Nothing runs, and nothing is offered of the busy agent.
pub(crate) fn idle() -> ReadModel {
    fixture::empty()
}

/// Without anything that operators set.
pub(crate) fn nothing_set() -> ReadModel {
    fixture::empty()
}

/// The busy agent has been drained, and the other one is on offer.
pub(crate) fn drained() -> ReadModel {
    let mut model = fixture::tasks();
    let view: View = model.snapshot();
    for id in ["run1", "run2"] {
        model.put_status(FRAMEWORK, id, fixture::status(TaskState::TaskKilled, 9.0, None));
        model.end_task(FRAMEWORK, &id.into());
    }
    model.remove_executor(FRAMEWORK, &BUSY.into(), &fixture::EXECUTOR.into());
    model.remove_offer(&"<master-id>-O4".into());
    let (agent, _) = view.agent(BUSY).expect("it is there");
    let drain = DrainView {
        state: DrainState::Drained,
        has_grace_period: false,
        mark_gone: false,
        started_at: NOW,
    };
    model.put_agent(AgentView { deactivated: true, drain: Some(drain), ..agent.clone() });
    model
}

/// One agent was drained and marked gone, the other one drained before.
pub(crate) fn marked_gone() -> ReadModel {
    let mut model = fixture::empty();
    model.remove_agent(&BUSY.into());
    let drain = DrainView {
        state: DrainState::Drained,
        has_grace_period: true,
        mark_gone: false,
        started_at: NOW,
    };
    let agent = fixture::agent("<master-id>-S0", "slave(2)");
    model.put_agent(AgentView { deactivated: true, drain: Some(drain), ..agent });
    model
}

/// Both frameworks are there.
pub(crate) fn two_frameworks() -> ReadModel {
    let mut model = fixture::tasks();
    model.put_framework(fixture::framework("<master-id>-0001", "second"));
    model
}

/// One framework has gone before the other is torn down.
pub(crate) fn second_torn_down() -> ReadModel {
    let mut model = fixture::tasks();
    model.put_role(RoleView { role: "q".into(), weight: None, quota: Some(QuotaView::default()) });
    model.put_framework(fixture::framework("<master-id>-0001", "second"));
    model.remove_framework(&"<master-id>-0001".into(), NOW);
    model
}
