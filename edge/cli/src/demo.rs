//! `longshore demo`: a Mesos framework's tasks run on a local ECS, from nothing, in one process.

mod board;

use std::process::ExitCode;

use anyhow::Context;
use aws_sdk_ecs::types::ContainerDefinition;
use clap::Parser;
use longshore_client::{Client, Options};
use longshore_examples::hello::{self, Job, News};
use tokio::sync::mpsc;

use self::board::Board;
use crate::args::{Args, Command, DemoArgs, DevArgs};
use crate::dev::{Local, interrupted};

/// Runs the sample framework and ends with a summary, or stays up with `--keep`.
pub(crate) async fn run(args: DemoArgs, json: bool) -> anyhow::Result<ExitCode> {
    let mut local = Local::start(&dev_args(&args)?).await?;
    let (ecs, mesos) = (local.ecs_url.clone(), local.mesos_url.clone());
    if !json {
        crate::output::say!("A local ECS with three container instances in three zones: {ecs}");
        crate::output::say!("A Mesos master in front of it: {mesos}");
        crate::output::say!("");
    }
    let shown = tokio::select! {
        shown = show(&args, &ecs, &mesos, json) => shown,
        error = local.ecs.failure() => Err(error.into()),
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    if !json {
        crate::output::say!("");
        crate::output::say!("{}", crate::hints::text(&ecs, &mesos, "us-east-1"));
    }
    if shown.is_ok() && args.keep {
        if !json {
            crate::output::say!("It stays up. Ctrl-C ends it.");
        }
        interrupted().await;
    }
    local.stop().await;
    let well = shown?;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What `dev` would be started with: nothing is kept.
fn dev_args(args: &DemoArgs) -> anyhow::Result<DevArgs> {
    let Command::Dev(mut dev) = Args::try_parse_from(["longshore", "dev", "--in-memory"])?.command
    else {
        anyhow::bail!("`dev` parses as something else");
    };
    "default".clone_into(&mut dev.cluster);
    dev.runtime = args.runtime;
    dev.ecs_listen = args.ecs_listen;
    dev.master.mesos_listen = args.mesos_listen;
    dev.master.default_image = Some(args.image.clone());
    Ok(*dev)
}

/// Registers two task definitions, runs the framework, and shows what happens. True if all went as it should.
async fn show(args: &DemoArgs, ecs: &str, mesos: &str, json: bool) -> anyhow::Result<bool> {
    let client = Client::new(Options {
        cluster: "default".to_owned(),
        endpoint: Some(ecs.to_owned()),
        region: Some("us-east-1".to_owned()),
        keys: Some(("longshore".to_owned(), "longshore".to_owned())),
        budget: false,
    })
    .await?;
    register(&client, "hello", "echo hello from ECS; sleep 2", &args.image).await?;
    register(&client, "sleep360", "sleep 360", &args.image).await?;
    let (news, mut heard) = mpsc::channel(256);
    let jobs = jobs();
    let mut board = Board::new(&jobs, json);
    let master = mesos.trim_start_matches("http://").to_owned();
    let framework = hello::run(&master, "hello-framework", jobs, news);
    let watch = async {
        while let Some(news) = heard.recv().await {
            let done = matches!(news, News::Done);
            board.show(news);
            if done {
                break;
            }
        }
    };
    let (ran, ()) = tokio::join!(framework, watch);
    ran.context("the sample framework did not get through")?;
    Ok(board.summary())
}

async fn register(client: &Client, family: &str, command: &str, image: &str) -> anyhow::Result<()> {
    let container = ContainerDefinition::builder()
        .name("main")
        .image(image)
        .cpu(256)
        .memory(64)
        .essential(true)
        .entry_point("sh")
        .entry_point("-c")
        .command(command)
        .build();
    let request =
        client.sdk().register_task_definition().family(family).container_definitions(container);
    request.send().await.with_context(|| format!("cannot register {family}"))?;
    Ok(())
}

/// Definitions by name as the ancestor ran them, and plain commands beside them.
fn jobs() -> Vec<Job> {
    let job = |name: &str, command: &str, is_definition: bool| Job {
        name: name.to_owned(),
        command: command.to_owned(),
        is_definition,
        cpus: 0.25,
        mem: 64.0,
        kill: false,
    };
    vec![
        job("hello-1", "hello:1", true),
        job("hello-2", "hello:1", true),
        job("hello-3", "hello", true),
        job("count", "for i in 1 2 3; do echo $i; sleep 1; done", false),
        job("fails", "sleep 1; echo this task fails; exit 3", false),
        Job { kill: true, ..job("sleeper", "sleep360:1", true) },
    ]
}
