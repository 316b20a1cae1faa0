//! `longshore demo`: runs a Mesos framework's tasks and an ECS service on a local ECS, in one
//! process and without any setup.

mod board;
mod screen;
mod service;
mod told;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use longshore_client::{Client, Options};
use longshore_driver::{HttpSchedulerDriver, SchedulerDriver};
use longshore_examples::hello::{Hello, Job, News};
use tokio::sync::mpsc;

use self::screen::Screen;
use self::service::Stage;
use self::told::Told;
use crate::args::{Args, Command, DemoArgs, DevArgs};
use crate::dev::{Local, interrupted};

/// Runs the demo and ends with a summary, or stays up with `--keep`.
pub(crate) async fn run(args: DemoArgs, json: bool) -> anyhow::Result<ExitCode> {
    let mut local = Local::start(&dev_args(&args)?).await?;
    let mesos = local.mesos_url.clone().context("the demo has a Mesos master")?;
    let ecs = local.ecs_url.clone();
    let jobs = jobs();
    let mut screen = Screen::new(&jobs, json);
    screen.tell(Told::Started { ecs: ecs.clone(), mesos: mesos.clone(), instances: 3 });
    let shown = tokio::select! {
        shown = show(&args, &ecs, &mesos, jobs, &mut screen) => shown,
        error = local.ecs.failure() => Err(error.into()),
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    if !json && shown.is_ok() {
        crate::output::say!("");
        if args.keep {
            crate::output::say!("{}", crate::hints::text(&ecs, &mesos, "us-east-1"));
            crate::output::say!("Running until Ctrl-C.");
        } else {
            crate::output::say!("Nothing is left running.");
            crate::output::say!("To keep it up:  longshore demo --keep");
            crate::output::say!("To keep state:  longshore dev");
        }
    }
    if shown.is_ok() && args.keep {
        interrupted().await;
    }
    local.stop().await;
    let well = shown?;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The equivalent flags of `dev`, without persistent state.
fn dev_args(args: &DemoArgs) -> anyhow::Result<DevArgs> {
    let Command::Dev(mut dev) = Args::try_parse_from(["longshore", "dev", "--in-memory"])?.command
    else {
        anyhow::bail!("`longshore dev` was parsed as another command");
    };
    "default".clone_into(&mut dev.cluster);
    dev.schedulers.without_schedulers = true;
    dev.runtime = args.runtime;
    dev.ecs_listen = args.ecs_listen;
    dev.master.mesos_listen = args.mesos_listen;
    dev.door = args.door.clone();
    dev.keys.ignores_environment = true;
    dev.master.default_image = Some(args.image.clone());
    Ok(*dev)
}

/// Runs the framework, then the service, then requests something impossible. Returns whether
/// everything went as expected.
async fn show(
    args: &DemoArgs,
    ecs: &str,
    mesos: &str,
    jobs: Vec<Job>,
    screen: &mut Screen,
) -> anyhow::Result<bool> {
    let client = Client::new(Options {
        cluster: "default".to_owned(),
        endpoint: Some(ecs.to_owned()),
        region: Some("us-east-1".to_owned()),
        keys: Some(("longshore".to_owned(), "longshore".to_owned())),
        budget: false,
    })
    .await?;
    screen.tell(Told::Part("A Mesos framework launches six tasks"));
    let image = args.image.as_str();
    let mut stage = Stage { client: &client, ecs, image, tell: &mut |told| screen.tell(told) };
    stage.register("hello", &["sh", "-c", "echo hello from ECS; sleep 2"], 256).await?;
    stage.register("sleep360", &["sh", "-c", "sleep 360"], 256).await?;
    run_framework(mesos, jobs, stage.tell).await?;
    (stage.tell)(Told::Part("An ECS service rolls to a new revision, and back from a bad one"));
    let rolled = stage.roll().await?;
    (stage.tell)(Told::Part("A task that is too large for every instance"));
    let refused = stage.refuse().await?;
    Ok(screen.finish(rolled && refused).is_well())
}

async fn run_framework(
    mesos: &str,
    jobs: Vec<Job>,
    tell: &mut dyn FnMut(Told),
) -> anyhow::Result<()> {
    let (news, mut heard) = mpsc::channel(256);
    let master = mesos.trim_start_matches("http://");
    // Nothing is lost if nobody listens any more.
    let hello = Hello::new(jobs, move |told| drop(news.blocking_send(told)));
    let driver = HttpSchedulerDriver::new(hello, Hello::info("hello-framework"), master)?;
    let driver = Arc::new(driver);
    driver.start();
    while let Some(news) = heard.recv().await {
        match news {
            News::Failed(why) => anyhow::bail!("the sample framework failed: {why}"),
            News::Done => {
                tell(Told::Framework(news));
                break;
            }
            news => tell(Told::Framework(news)),
        }
    }
    // The master has to hear that it ends.
    tokio::task::spawn_blocking(move || driver.join()).await?;
    Ok(())
}

/// Jobs that name a registered definition, as under the predecessor, and jobs with a plain command.
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
