//! Keeps copies of a task definition on the instances that it likes best, over the ECS API: `keeper nginx:2 3 stack=prod`.
//! The cluster is `AWS_ECS_CLUSTER`, at `AWS_ECS_ENDPOINT` if that is set. Runs until it is killed; started again, it goes on.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command line program prints")]

use std::env::var;
use std::time::{Duration, Instant};

use anyhow::Context;
use longshore_client::{Client, Options};
use longshore_examples::keeper::{Keeper, Wish};
use longshore_machine::{Machine, Timestamp};
use longshore_replica::Question;
use tokio::task::JoinSet;
use tokio::time::sleep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let mut word = || words.next().context("keeper FAMILY:REVISION COPIES ATTRIBUTE=VALUE");
    let (definition, copies, likes) = (word()?, word()?.parse().context("COPIES")?, word()?);
    let (name, value) = likes.split_once('=').context("ATTRIBUTE=VALUE")?;
    let likes = (name.into(), value.into());
    let wish = Wish { name: "keeper".into(), definition: definition.into(), copies, likes };
    let cluster = var("AWS_ECS_CLUSTER").unwrap_or_else(|_| "default".to_owned());
    let endpoint = var("AWS_ECS_ENDPOINT").ok();
    let options = Options { cluster, endpoint, budget: true, ..Options::default() };
    runs(Client::new(options).await?, Keeper::new(wish)).await
}

/// Carries questions to ECS, and answers back.
async fn runs(client: Client, mut keeper: Keeper) -> anyhow::Result<()> {
    let (began, mut out, mut asked) = (Instant::now(), Vec::new(), JoinSet::new());
    let ms = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let now = || Timestamp::from_millis(ms());
    loop {
        let wait = keeper.wake_at().map(|at| Duration::from_millis(at.since(now())));
        tokio::select! {
            Some(answered) = asked.join_next() => keeper.step(now(), answered?, &mut out),
            () = sleep(wait.unwrap_or(Duration::MAX)) => keeper.tick(now(), &mut out),
        }
        for question in out.drain(..) {
            match &question {
                Question::Start(_, start) => println!("start one on {}", start.instance),
                Question::Stop(_, stop) => println!("stop {}", stop.task),
                _ => {}
            }
            let client = client.clone();
            asked.spawn(async move {
                let answered = client.ask(question).await;
                // It is tried again: what did not work need only be said.
                if let Some(why) = answered.failure() {
                    eprintln!("{why}");
                }
                answered
            });
        }
    }
}
