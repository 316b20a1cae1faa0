//! A Mesos framework over the v1 scheduler API, in JSON.

use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use serde_json::{Value, json};

use crate::http::{self, Reply, Stream};
use crate::server::{DEADLINE, until};

const PATH: &str = "/api/v1/scheduler";
const JSON: &[(&str, &str)] =
    &[("Content-Type", "application/json"), ("Accept", "application/json")];

/// The call that subscribes a framework. If `suppressed` it gets no offers.
pub(crate) fn subscription(info: &Value, suppressed: bool) -> Value {
    let mut info = info.clone();
    info["user"] = json!("root");
    info["roles"] = json!(["*"]);
    info["capabilities"] = json!([{"type": "MULTI_ROLE"}]);
    let roles = if suppressed { json!(["*"]) } else { json!([]) };
    let mut call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info, "suppressed_roles": roles}});
    if let Some(id) = info.get("id") {
        call["framework_id"] = id.clone();
    }
    call
}

/// POSTs a call.
pub(crate) fn call(mesos: &str, media: &str, body: &[u8]) -> Reply {
    let headers = [("Content-Type", media), ("Accept", "application/json")];
    http::post(mesos, PATH, &headers, body).expect("the master answers")
}

/// Opens the stream of a subscription. Like Mesos before it has recovered, a master that has just
/// started answers 503 until it has read its cluster, so schedulers retry.
fn open(mesos: &str, call: &Value) -> Stream {
    let body = call.to_string();
    until("a scheduler can subscribe", || match Stream::open(mesos, PATH, JSON, body.as_bytes()) {
        Ok(stream) => Some(stream),
        Err(status) => {
            assert_eq!(status, 503, "{call}");
            None
        }
    })
}

/// Subscribes and leaves the connection unread. The master must have recovered.
pub(crate) fn subscribe_and_never_read(mesos: &str, info: &Value) -> TcpStream {
    let call = subscription(info, true);
    http::send(mesos, PATH, JSON, call.to_string().as_bytes()).expect("the port is listened on")
}

/// An unread stream in protobuf, of a framework with its own id.
pub(crate) fn subscribe_in_protobuf(mesos: &str, info: &Value) -> Stream {
    let call = subscription(info, true).to_string();
    let headers = [("Content-Type", "application/json"), ("Accept", "application/x-protobuf")];
    until("a scheduler can subscribe", || Stream::open(mesos, PATH, &headers, call.as_bytes()).ok())
}

/// A stream of which only the first event has been read, and the id of its framework.
pub(crate) fn subscribe_and_stop_reading(mesos: &str, info: &Value) -> (Stream, Value) {
    let call = subscription(info, true);
    let mut stream = open(mesos, &call);
    let record = stream.record().expect("the first event comes at once");
    let event: Value = serde_json::from_slice(&record).expect("events are JSON");
    assert_eq!(event["type"], "SUBSCRIBED", "{event}");
    (stream, event["subscribed"]["framework_id"].clone())
}

/// The id of a task that does not exist.
pub(crate) fn unknown(number: usize) -> String {
    format!("{number:0200}")
}

/// Reconciles unknown tasks: each is answered with an event.
pub(crate) fn reconcile_unknown(mesos: &str, stream: &Stream, id: &Value, count: usize) -> u16 {
    let unknown = |number: usize| json!({"task_id": {"value": unknown(number)}});
    let tasks: Vec<Value> = (0..count).map(unknown).collect();
    let call = json!({"type": "RECONCILE", "framework_id": id, "reconcile": {"tasks": tasks}});
    let headers = [JSON, &[("Mesos-Stream-Id", stream.id.as_str())]].concat();
    http::post(mesos, PATH, &headers, call.to_string().as_bytes())
        .expect("the master answers")
        .status
}

/// A subscribed framework.
#[derive(Debug)]
pub(crate) struct Framework {
    mesos: String,
    /// Its assigned id.
    pub(crate) id: String,
    stream_id: String,
    socket: TcpStream,
    incoming: Receiver<Value>,
    /// All events so far.
    events: Vec<Value>,
    /// Offers currently held.
    offers: Vec<Value>,
    /// Whether status updates are acknowledged immediately.
    pub(crate) acknowledges: bool,
}

impl Framework {
    /// Subscribes for the first time, or again if `info` has an `id`.
    pub(crate) fn subscribe(mesos: &str, info: &Value) -> Self {
        let call = subscription(info, false);
        let mut stream = open(mesos, &call);
        let (stream_id, socket) = (stream.id.clone(), stream.socket());
        let (tell, incoming) = mpsc::channel();
        std::thread::spawn(move || {
            while let Some(record) = stream.record() {
                let event = serde_json::from_slice(&record).expect("events are JSON");
                if tell.send(event).is_err() {
                    return;
                }
            }
        });
        let mut framework = Self {
            mesos: mesos.to_owned(),
            id: String::new(),
            stream_id,
            socket,
            incoming,
            events: Vec::new(),
            offers: Vec::new(),
            acknowledges: true,
        };
        let first = framework.wait("the first event", 0, |event| Some(event.clone()));
        let id = first["subscribed"]["framework_id"]["value"].as_str();
        id.unwrap_or_else(|| panic!("{first}")).clone_into(&mut framework.id);
        framework
    }

    /// Closes the connection abruptly.
    pub(crate) fn hang_up(self) {
        // The other side may have closed it.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Makes a call, which must be accepted. `body` is the content of the call's own member.
    pub(crate) fn must(&self, kind: &str, body: Value) {
        let mut call = json!({"type": kind, "framework_id": {"value": self.id}});
        if !body.is_null() {
            call[kind.to_ascii_lowercase()] = body;
        }
        let headers = [JSON, &[("Mesos-Stream-Id", self.stream_id.as_str())]].concat();
        let reply = http::post(&self.mesos, PATH, &headers, call.to_string().as_bytes())
            .expect("the master answers");
        assert_eq!(reply.status, 202, "{kind}: {}", reply.text());
    }

    /// Waits for an event, from index `since` on, that `pick` accepts.
    pub(crate) fn wait<T>(
        &mut self,
        what: &str,
        since: usize,
        pick: impl Fn(&Value) -> Option<T>,
    ) -> T {
        let end = Instant::now() + DEADLINE;
        let mut next = since;
        loop {
            while next < self.events.len() {
                if let Some(found) = pick(&self.events[next]) {
                    return found;
                }
                next += 1;
            }
            let left = end.saturating_duration_since(Instant::now());
            let Ok(event) = self.incoming.recv_timeout(left) else {
                panic!(
                    "never came: {what}; last events: {:#?}",
                    self.events.iter().rev().take(5).collect::<Vec<_>>()
                )
            };
            self.take(event);
        }
    }

    fn take(&mut self, event: Value) {
        match event["type"].as_str() {
            Some("OFFERS") => self
                .offers
                .extend(event["offers"]["offers"].as_array().into_iter().flatten().cloned()),
            Some("RESCIND") => {
                self.offers.retain(|offer| offer["id"] != event["rescind"]["offer_id"]);
            }
            Some("UPDATE") if self.acknowledges => self.acknowledge(&event["update"]["status"]),
            _ => {}
        }
        self.events.push(event);
    }

    fn acknowledge(&self, status: &Value) {
        // Updates generated by the master are not acknowledged.
        if status.get("uuid").is_some() {
            let (agent, task, uuid) = (&status["agent_id"], &status["task_id"], &status["uuid"]);
            self.must("ACKNOWLEDGE", json!({"agent_id": agent, "task_id": task, "uuid": uuid}));
        }
    }

    /// Takes one of the held offers, or waits for one.
    pub(crate) fn offer(&mut self) -> Value {
        while self.offers.is_empty() {
            let since = self.events.len();
            self.wait("an offer", since, |event| (event["type"] == "OFFERS").then_some(()));
        }
        self.offers.remove(0)
    }

    /// Declines every held offer, and suppresses further ones.
    pub(crate) fn suppress(&mut self) {
        self.must("SUPPRESS", Value::Null);
        let ids: Vec<Value> = self.offers.drain(..).map(|offer| offer["id"].clone()).collect();
        if !ids.is_empty() {
            self.must("DECLINE", json!({"offer_ids": ids}));
        }
    }

    /// Launches a shell command on an offer; the rest of the offer may be offered again at once.
    pub(crate) fn launch(&mut self, task: &str, script: &str) {
        let offer = self.offer();
        self.accept(&offer, task, script);
    }

    /// Like [`Self::launch`], with the given offer.
    pub(crate) fn accept(&self, offer: &Value, task: &str, script: &str) {
        let scalar = |name: &str, value: f64| json!({"name": name, "type": "SCALAR", "scalar": {"value": value}});
        let info = json!({
            "name": task,
            "task_id": {"value": task},
            "agent_id": offer["agent_id"],
            "resources": [scalar("cpus", 0.1), scalar("mem", 32.0)],
            "command": {"value": script},
        });
        let launch = json!({"type": "LAUNCH", "launch": {"task_infos": [info]}});
        let accept = json!({"offer_ids": [offer["id"]], "operations": [launch], "filters": {"refuse_seconds": 0.0}});
        self.must("ACCEPT", accept);
    }

    /// Waits for a state of a task, and returns the status. Fails if the task ends in another
    /// state.
    pub(crate) fn state(&mut self, task: &str, state: &str) -> Value {
        self.state_since(0, task, state)
    }

    /// Like [`Self::state`], for events from index `since` on.
    pub(crate) fn state_since(&mut self, since: usize, task: &str, state: &str) -> Value {
        let status = self.wait(&format!("{task} is {state}"), since, |event| {
            let status = &event["update"]["status"];
            let is_over = !matches!(
                status["state"].as_str(),
                Some("TASK_STAGING" | "TASK_STARTING" | "TASK_RUNNING" | "TASK_KILLING")
            );
            (status["task_id"]["value"] == task && (status["state"] == state || is_over))
                .then(|| status.clone())
        });
        assert_eq!(status["state"], state, "{status}");
        status
    }

    /// Waits for any final state of a task, and returns the status.
    pub(crate) fn ended(&mut self, task: &str) -> Value {
        self.wait(&format!("{task} ends"), 0, |event| {
            let status = &event["update"]["status"];
            let goes_on = matches!(
                status["state"].as_str(),
                None | Some("TASK_STAGING" | "TASK_STARTING" | "TASK_RUNNING" | "TASK_KILLING")
            );
            (status["task_id"]["value"] == task && !goes_on).then(|| status.clone())
        })
    }

    /// All events so far.
    pub(crate) fn events(&self) -> &[Value] {
        &self.events
    }

    /// The index of the next event.
    pub(crate) fn mark(&self) -> usize {
        self.events.len()
    }
}
