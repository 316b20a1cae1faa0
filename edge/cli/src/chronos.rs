//! `longshore chronos`: jobs at set times and after one another, with Chronos's REST API.

use std::net::SocketAddr;
use std::process::ExitCode;

use longshore_chronos::Config;
use longshore_schedulers::chronos::{ChronosApi, ChronosOptions};
use longshore_server::{Port, bind};
use longshore_wire_chronos::{Amount, Defaults};

use crate::args::scheduler::{SchedulerArgs, until_over};

/// The rules of jobs. The names are those of Chronos's own flags.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ChronosRules {
    /// For how many seconds after it was due a run may still start, for jobs that do not say it.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=315_360_000))]
    task_epsilon: u64,
    /// Milliseconds from a failure to the next attempt.
    #[arg(long, default_value_t = 60_000, value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=86_400_000))]
    failure_retry: u64,
    /// Disable a job after so many failures without a success; 0 means never.
    #[arg(long, default_value_t = 0, value_name = "N")]
    disable_after_failures: u64,
    /// CPUs of jobs that do not say it.
    #[arg(long, default_value = "0.1", value_name = "CPUS", value_parser = amount)]
    mesos_task_cpu: Amount,
    /// MiB of memory of jobs that do not say it.
    #[arg(long, default_value = "128", value_name = "MIB", value_parser = amount)]
    mesos_task_mem: Amount,
    /// MiB of disk of jobs that do not say it.
    #[arg(long, default_value = "256", value_name = "MIB", value_parser = amount)]
    mesos_task_disk: Amount,
}

impl ChronosRules {
    fn config(&self) -> Config {
        Config {
            defaults: Defaults {
                cpus: self.mesos_task_cpu,
                mem: self.mesos_task_mem,
                disk: self.mesos_task_disk,
                epsilon_ms: self.task_epsilon * 1_000,
            },
            retry_ms: self.failure_retry,
            disable_after_failures: self.disable_after_failures,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ChronosArgs {
    /// Listen address of Chronos's API. Port 0 picks a free port.
    #[arg(long, default_value = "127.0.0.1:4400")]
    chronos_listen: SocketAddr,
    /// Name of the framework.
    #[arg(long, default_value = "chronos", value_name = "NAME")]
    mesos_framework_name: String,
    /// Role whose resources are used.
    #[arg(long, default_value = "*", value_name = "ROLE")]
    mesos_role: String,
    /// User that the framework says its tasks run as.
    #[arg(long, default_value = "root")]
    user: String,
    #[command(flatten)]
    rules: ChronosRules,
    #[command(flatten)]
    scheduler: SchedulerArgs,
}

/// Runs until Ctrl-C or SIGTERM, or until it cannot go on.
pub(crate) async fn run(args: ChronosArgs, json: bool) -> anyhow::Result<ExitCode> {
    let ChronosArgs { chronos_listen, mesos_framework_name, mesos_role, user, rules, scheduler } =
        args;
    let options = ChronosOptions {
        config: rules.config(),
        name: mesos_framework_name,
        user,
        role: mesos_role,
        credentials: scheduler.credentials()?,
        ..ChronosOptions::new(scheduler.cluster()?)
    };
    let (keep, callers) = (scheduler.keep()?, options.credentials.callers());
    let listener = bind(Port::Chronos, chronos_listen, callers, &scheduler.rules()).await?;
    let url = format!("http://{}", listener.address());
    let service = ChronosApi::start(options, &keep, listener).await?;
    until_over(service, ("Chronos's API", "chronos"), &url, &scheduler.master, json).await
}

/// A number above 0, to three decimals.
fn amount(text: &str) -> Result<Amount, String> {
    let wanted = || format!("a number of 0.001 to 1000000 is needed, not {text:?}");
    let number: f64 = text.parse().map_err(|_| wanted())?;
    if !(0.001..=1_000_000.0).contains(&number) {
        return Err(wanted());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was compared")]
    let thousandths = (number * 1000.0).round() as u64;
    Ok(Amount(thousandths))
}
