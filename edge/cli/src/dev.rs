//! `longshore dev`: a local ECS, and the Mesos master API in front of it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use longshore_server::dev::{Config, LocalEcs};
use longshore_server::{Durability, InstanceConfig, Place, RuntimeChoice, bind};
use longshore_wire_ecs::arn::Realm;

use crate::args::{DevArgs, DurabilityArg, RuntimeArg};

/// Runs until Ctrl-C or SIGTERM, or until the disk cannot be written.
pub(crate) async fn run(args: DevArgs, json: bool) -> anyhow::Result<ExitCode> {
    let listener = bind(args.ecs_listen, "the ECS API", "--ecs-listen").await?;
    let ecs_url = format!("http://{}", listener.address());
    let config = config(&args).await?;
    let mut ecs = LocalEcs::start(config, listener).await?;
    let mesos_url = String::new();
    if json {
        println!("{}", serde_json::json!({"ready": true, "ecs": ecs_url, "mesos": mesos_url, "cluster": args.cluster}));
    } else {
        println!("ECS {ecs_url}");
    }
    tokio::select! {
        () = interrupted() => {
            ecs.stop().await;
            Ok(ExitCode::SUCCESS)
        }
        error = ecs.failure() => Err(error.into()),
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                // Without a handler for Ctrl-C the program ends by it anyway.
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

/// What the flags ask for, with every choice made.
pub(crate) async fn config(args: &DevArgs) -> anyhow::Result<Config> {
    let zones = if args.zones.is_empty() {
        ["a", "b", "c"].map(|letter| format!("{}{letter}", args.region)).to_vec()
    } else {
        args.zones.clone()
    };
    let mut instances = Vec::new();
    for number in 1..=args.instances {
        let own = args.instance_runtime.iter().rev().find(|(of, _)| *of == number);
        let index = usize::try_from(number).unwrap_or(0) - 1;
        instances.push(InstanceConfig {
            ec2_instance_id: format!("i-{number:017x}").into(),
            instance_type: "longshore.local".into(),
            zone: zones[index % zones.len()].as_str().into(),
            cpu: args.instance_cpu,
            memory_mib: args.instance_memory,
            attributes: Vec::new(),
            runtime: choose(own.map_or(args.runtime, |(_, runtime)| *runtime)).await,
        });
    }
    let place = if args.in_memory { Place::Memory } else { Place::File(args.data_dir.join("longshore.db")) };
    Ok(Config {
        home: Realm::new(args.region.as_str(), args.account.as_str()),
        cluster: args.cluster.as_str().into(),
        place,
        durability: match args.durability {
            DurabilityArg::Full => Durability::Full,
            DurabilityArg::Normal => Durability::Normal,
        },
        pages_max: args.database_pages,
        keys: args.access_key.iter().cloned().collect(),
        hosts_dir: hosts_dir(args)?,
        instances,
    })
}

fn hosts_dir(args: &DevArgs) -> anyhow::Result<std::path::PathBuf> {
    if args.in_memory {
        return Ok(std::env::temp_dir().join(format!("longshore-{}", std::process::id())));
    }
    let absolute = std::path::absolute(Path::new(&args.data_dir)).context("--data-dir is not a path")?;
    Ok(absolute.join("hosts"))
}

async fn choose(runtime: RuntimeArg) -> RuntimeChoice {
    match runtime {
        RuntimeArg::Docker => RuntimeChoice::Docker,
        RuntimeArg::Process => RuntimeChoice::Process,
        RuntimeArg::Simulated => RuntimeChoice::Simulated,
        RuntimeArg::Auto if longshore_agent::docker::answers().await => RuntimeChoice::Docker,
        RuntimeArg::Auto => RuntimeChoice::Process,
    }
}
