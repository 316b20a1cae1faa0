//! Writes the answer to a call that reads.
//!
//! Source: Mesos writes the large answers by hand, with all their lists even if they are empty, and the small ones from a message.
//! In protobuf the large ones are built whole: whoever asks for protobuf is a program that does so as well.

use std::io::{self, Write};

use longshore_bridge::operator::{FrameworkEntry, TaskView, View};
use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::master::response::{
    GetAgents, GetExecutors, GetFrameworks, GetState, GetTasks,
};
use longshore_wire_mesos::v1::master::{Event, Response, event};
use longshore_wire_mesos::{Media, Message};

use super::{message, small};
use crate::HEARTBEAT_SECONDS;
use crate::call::Read;
use crate::sheet::Sheet;

const RESPONSE: &str = "mesos.v1.master.Response";

/// Writes the answer, in chunks. `extra` are numbers of the process that serves it, for the metrics: names and values.
///
/// # Errors
/// When the reader has left.
pub fn answer(
    view: &View,
    call: Read,
    media: Media,
    now: Timestamp,
    extra: &[(String, f64)],
    out: &mut dyn Write,
) -> io::Result<()> {
    if media == Media::Protobuf {
        return out.write_all(&whole(view, call, now, extra).encode_to_vec());
    }
    let mut sheet = Sheet::new(out);
    if let Some(small) = small::answer(view, call, now, extra) {
        sheet.message(RESPONSE, &small);
        return sheet.finish();
    }
    sheet.object(|sheet| {
        sheet.says("type", call.answer_type().as_str_name());
        match call {
            Read::Agents => agents(sheet, view),
            Read::Frameworks => frameworks(sheet, view),
            Read::Executors => executors(sheet, view),
            Read::Tasks => tasks(sheet, view),
            _ => state(sheet, view),
        }
    });
    sheet.finish()
}

/// Writes the first record of a stream of events: the state.
///
/// The length of a record stands before it, so this is called twice: with a writer that counts, and with the one that sends.
///
/// # Errors
/// When the reader has left.
pub fn subscribed(view: &View, media: Media, out: &mut dyn Write) -> io::Result<()> {
    if media == Media::Protobuf {
        let subscribed = event::Subscribed {
            get_state: Some(whole_state(view)),
            heartbeat_interval_seconds: Some(HEARTBEAT_SECONDS),
        };
        let event = Event {
            r#type: Some(event::Type::Subscribed.into()),
            subscribed: Some(subscribed),
            ..Event::default()
        };
        return out.write_all(&event.encode_to_vec());
    }
    let mut sheet = Sheet::new(out);
    sheet.object(|sheet| {
        sheet.says("type", "SUBSCRIBED");
        sheet.holds("subscribed", |sheet| {
            state(sheet, view);
            sheet.measures("heartbeat_interval_seconds", HEARTBEAT_SECONDS);
        });
    });
    sheet.finish()
}

fn state(sheet: &mut Sheet<'_>, view: &View) {
    sheet.holds("get_state", |sheet| {
        tasks(sheet, view);
        executors(sheet, view);
        frameworks(sheet, view);
        agents(sheet, view);
    });
}

fn tasks(sheet: &mut Sheet<'_>, view: &View) {
    sheet.holds("get_tasks", |sheet| {
        for (name, tasks) in lists(view) {
            sheet.lists(name, |sheet| {
                for task in tasks {
                    if sheet.is_broken() {
                        return;
                    }
                    sheet.message("mesos.v1.Task", &message::task(task));
                }
            });
        }
    });
}

type Tasks<'a> = Box<dyn Iterator<Item = &'a TaskView> + 'a>;

/// Source: tasks of frameworks that are gone are among the completed ones.
fn lists(view: &View) -> [(&'static str, Tasks<'_>); 3] {
    let live = |is_lost: bool| -> Tasks<'_> {
        let all = view.shown().flat_map(FrameworkEntry::tasks);
        Box::new(all.filter(move |task| message::is_unreachable(task) == is_lost))
    };
    let frameworks = view.shown().chain(view.completed());
    [
        ("tasks", live(false)),
        ("unreachable_tasks", live(true)),
        ("completed_tasks", Box::new(frameworks.flat_map(FrameworkEntry::ended))),
    ]
}

/// Source: those of command tasks are not shown.
fn executors(sheet: &mut Sheet<'_>, view: &View) {
    sheet.holds("get_executors", |sheet| {
        sheet.lists("executors", |sheet| {
            for executor in view.shown().flat_map(FrameworkEntry::executors) {
                if sheet.is_broken() {
                    return;
                }
                let message = message::executor(executor);
                sheet.message("mesos.v1.master.Response.GetExecutors.Executor", &message);
            }
        });
    });
}

fn frameworks(sheet: &mut Sheet<'_>, view: &View) {
    let write = |sheet: &mut Sheet<'_>, entry: &FrameworkEntry| {
        if !sheet.is_broken() {
            let message = message::framework(view, entry);
            sheet.message("mesos.v1.master.Response.GetFrameworks.Framework", &message);
        }
    };
    sheet.holds("get_frameworks", |sheet| {
        sheet.lists("frameworks", |sheet| view.shown().for_each(|one| write(sheet, one)));
        sheet.lists("completed_frameworks", |sheet| {
            view.completed().for_each(|one| write(sheet, one));
        });
    });
}

fn agents(sheet: &mut Sheet<'_>, view: &View) {
    sheet.holds("get_agents", |sheet| {
        sheet.lists("agents", |sheet| {
            for (agent, entry) in view.agents() {
                if sheet.is_broken() {
                    return;
                }
                let message = message::agent(agent, entry, true);
                sheet.message("mesos.v1.master.Response.GetAgents.Agent", &message);
            }
        });
        sheet.lists("recovered_agents", |_| {});
    });
}

/// The answer as one message.
pub fn whole(view: &View, call: Read, now: Timestamp, extra: &[(String, f64)]) -> Response {
    if let Some(small) = small::answer(view, call, now, extra) {
        return small;
    }
    let mut answer = Response { r#type: Some(call.answer_type().into()), ..Response::default() };
    match call {
        Read::Agents => answer.get_agents = Some(whole_agents(view)),
        Read::Frameworks => answer.get_frameworks = Some(whole_frameworks(view)),
        Read::Executors => answer.get_executors = Some(whole_executors(view)),
        Read::Tasks => answer.get_tasks = Some(whole_tasks(view)),
        _ => answer.get_state = Some(whole_state(view)),
    }
    answer
}

fn whole_state(view: &View) -> GetState {
    GetState {
        get_tasks: Some(whole_tasks(view)),
        get_executors: Some(whole_executors(view)),
        get_frameworks: Some(whole_frameworks(view)),
        get_agents: Some(whole_agents(view)),
    }
}

fn whole_tasks(view: &View) -> GetTasks {
    let [tasks, unreachable_tasks, completed_tasks] =
        lists(view).map(|(_, tasks)| tasks.map(message::task).collect());
    GetTasks { tasks, unreachable_tasks, completed_tasks, ..GetTasks::default() }
}

fn whole_executors(view: &View) -> GetExecutors {
    let executors = view.shown().flat_map(FrameworkEntry::executors);
    GetExecutors {
        executors: executors.map(message::executor).collect(),
        ..GetExecutors::default()
    }
}

fn whole_frameworks(view: &View) -> GetFrameworks {
    let message = |entry| message::framework(view, entry);
    GetFrameworks {
        frameworks: view.shown().map(message).collect(),
        completed_frameworks: view.completed().map(message).collect(),
        recovered_frameworks: Vec::new(),
    }
}

fn whole_agents(view: &View) -> GetAgents {
    let message = |(agent, entry)| message::agent(agent, entry, true);
    GetAgents { agents: view.agents().map(message).collect(), recovered_agents: Vec::new() }
}
