//! Runs a few commands as Mesos tasks: `hello-framework 127.0.0.1:5050`, or `hello-framework ecs://default` without a master,
//! or `hello-framework local`, which starts an ECS.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program prints")]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use longshore_driver::v1::TaskState;
use longshore_driver::{Status, driver};
use longshore_examples::hello::{Hello, Job, News};

fn main() -> anyhow::Result<ExitCode> {
    longshore_examples::log();
    let master = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5050".to_owned());
    let jobs = (1..=5).map(|number| Job {
        name: format!("hello-{number}"),
        command: format!("echo hello from task {number}; sleep 1"),
        is_definition: false,
        cpus: 0.1,
        mem: 32.0,
        kill: false,
    });
    let is_well = Arc::new(AtomicBool::new(true));
    let noticed = is_well.clone();
    let hello = Hello::new(jobs.collect(), move |news| {
        println!("{}", told(&news));
        if matches!(news, News::Update(_, TaskState::TaskError | TaskState::TaskFailed, _)) {
            noticed.store(false, Ordering::SeqCst);
        }
    });
    let ended = driver(hello, Hello::info("hello-framework"), &master)?.run();
    let is_well = ended == Status::Stopped && is_well.load(Ordering::SeqCst);
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What happened, for people.
fn told(news: &News) -> String {
    match news {
        News::Subscribed(id) => format!("subscribed as {id}"),
        News::Offers(count, cpus) => format!("{count} offers with {cpus:.1} cores"),
        News::Launched(task, host) => format!("{task} is launched on {host}"),
        News::Update(task, state, why) if why.is_empty() => {
            format!("{task} is {}", state.as_str_name())
        }
        News::Update(task, state, why) => format!("{task} is {}: {why}", state.as_str_name()),
        News::Failed(why) => format!("failed: {why}"),
        News::Done => "all tasks have ended".to_owned(),
    }
}
