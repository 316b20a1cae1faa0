//! Runs a few commands as Mesos tasks: `hello-framework 127.0.0.1:5050`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program prints")]

use longshore_examples::hello::{self, Job};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let master = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5050".to_owned());
    let jobs = (1..=5).map(|number| Job {
        name: format!("hello-{number}"),
        command: format!("echo hello from task {number}; sleep 1"),
        is_definition: false,
        cpus: 0.1,
        mem: 32.0,
        kill: false,
    });
    let (news, mut heard) = mpsc::channel(64);
    let (ran, ()) =
        tokio::join!(hello::run(&master, "hello-framework", jobs.collect(), news), async {
            while let Some(news) = heard.recv().await {
                println!("{news:?}");
            }
        });
    ran
}
