//! The part of the demo that uses ECS alone: a service that rolls to a new revision, a bad revision
//! that is rolled back, and a task that fits on no instance.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, bail};
use aws_sdk_ecs::types::{
    ContainerDefinition, DeploymentCircuitBreaker, DeploymentConfiguration, DeploymentRolloutState,
    Service,
};
use clap::Parser;
use longshore_client::Client;

use super::told::Told;
use crate::args::{Args, Command};
use crate::output::short;

/// The name of the service, and the family of its task definitions.
const SERVICE: &str = "web";
/// Number of tasks of the service.
const COUNT: i32 = 2;
/// Interval between queries of the service.
const PAUSE: Duration = Duration::from_millis(50);
/// Timeout of a deployment.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client, and the screen for its results.
pub(super) struct Stage<'a> {
    pub(super) client: &'a Client,
    pub(super) ecs: &'a str,
    pub(super) image: &'a str,
    pub(super) tell: &'a mut dyn FnMut(Told),
}

impl Stage<'_> {
    /// Registers a task definition with one container that runs this command; returns
    /// `family:revision`.
    pub(super) async fn register(
        &self,
        family: &str,
        words: &[&str],
        cpu: i32,
    ) -> anyhow::Result<String> {
        let container = ContainerDefinition::builder()
            .name("main")
            .image(self.image)
            .cpu(cpu)
            .memory(64)
            .essential(true)
            .set_entry_point(Some(words.iter().map(|word| (*word).to_owned()).collect()))
            .build();
        let request = self.client.sdk().register_task_definition().family(family);
        let reply = request.container_definitions(container).send().await;
        let reply = reply.with_context(|| format!("cannot register {family}"))?;
        let arn = reply.task_definition().and_then(|definition| definition.task_definition_arn());
        Ok(short(arn.context("the response contains no task definition")?))
    }

    fn say(&mut self, message: String) {
        (self.tell)(Told::Service { service: SERVICE, message });
    }

    /// Creates the service, updates it, and lets a bad revision fail. Returns whether it ended as
    /// expected.
    pub(super) async fn roll(&mut self) -> anyhow::Result<bool> {
        let runs = ["sh", "-c", "exec sleep 3600"];
        let first = self.register(SERVICE, &runs, 128).await?;
        let breaker = DeploymentCircuitBreaker::builder().enable(true).rollback(true).build();
        let configuration =
            DeploymentConfiguration::builder().deployment_circuit_breaker(breaker).build();
        let create = self.client.sdk().create_service().cluster("default").service_name(SERVICE);
        let create = create.task_definition(&first).desired_count(COUNT);
        create
            .deployment_configuration(configuration)
            .send()
            .await
            .context("cannot create the service")?;
        self.say(format!("CreateService with {COUNT} tasks of {first}"));
        let mut log = Log::default();
        self.follow(&mut log).await?;

        let second = self.register(SERVICE, &runs, 128).await?;
        self.update(&second, "a new revision").await?;
        self.follow(&mut log).await?;

        let bad = self.register(SERVICE, &["no-such-program"], 128).await?;
        self.update(&bad, "whose program is missing").await?;
        let ended_with = self.follow(&mut log).await?;
        Ok(ended_with == second)
    }

    async fn update(&mut self, definition: &str, what: &str) -> anyhow::Result<()> {
        let update = self.client.sdk().update_service().cluster("default").service(SERVICE);
        let updated = update.task_definition(definition).send().await;
        updated.context("cannot update the service")?;
        self.say(format!("UpdateService to {definition}, {what}"));
        Ok(())
    }

    /// Prints the service's events until one deployment is complete and no other is left; returns
    /// its definition.
    async fn follow(&mut self, log: &mut Log) -> anyhow::Result<String> {
        let end = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < end {
            let service = self.describe().await?;
            for message in log.news(&service) {
                self.say(message);
            }
            if let [only] = service.deployments()
                && only.rollout_state() == Some(&DeploymentRolloutState::Completed)
                && only.running_count() == COUNT
            {
                return Ok(short(only.task_definition().unwrap_or_default()));
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("the service did not reach a steady state within {PATIENCE:?}")
    }

    async fn describe(&self) -> anyhow::Result<Service> {
        let request = self.client.sdk().describe_services().cluster("default").services(SERVICE);
        let reply = request.send().await.context("cannot describe the service")?;
        reply.services.unwrap_or_default().pop().context("the service is gone")
    }

    /// Requests a task that is larger than every instance, and explains why it is not placed.
    /// Returns whether it was refused.
    pub(super) async fn refuse(&mut self) -> anyhow::Result<bool> {
        let definition = self.register("large", &["sh", "-c", "true"], 8192).await?;
        let request = self.client.sdk().run_task().cluster("default").task_definition(&definition);
        let reply = request.send().await.context("cannot run the large task")?;
        let reason = reply.failures().first().and_then(|failure| failure.reason());
        let words =
            ["longshore", "explain", "--task-definition", &definition, "--endpoint", self.ecs];
        let Command::Explain(mut args) = Args::try_parse_from(words)?.command else {
            bail!("`longshore explain` was parsed as another command");
        };
        "default".clone_into(&mut args.cluster.cluster);
        let (passed, nearest) = crate::explain::in_short(&args).await?;
        let reason = reason.unwrap_or_default().to_owned();
        let was_refused = !reason.is_empty() && reply.tasks().is_empty();
        (self.tell)(Told::Refused { definition, reason, passed, nearest });
        Ok(was_refused)
    }
}

/// What has been printed about a service so far.
#[derive(Default)]
struct Log {
    /// The ids of its events.
    heard: BTreeSet<String>,
    /// The definitions of its deployments, by id.
    definitions: BTreeMap<String, String>,
}

impl Log {
    /// The events not printed before, oldest first, in the words of ECS without the ids.
    fn news(&mut self, service: &Service) -> Vec<String> {
        for deployment in service.deployments() {
            let id = deployment.id().unwrap_or_default().to_owned();
            self.definitions.insert(id, short(deployment.task_definition().unwrap_or_default()));
        }
        let mut news = Vec::new();
        for event in service.events().iter().rev() {
            if self.heard.insert(event.id().unwrap_or_default().to_owned()) {
                news.push(self.plain(event.message().unwrap_or_default()));
            }
        }
        news
    }

    fn plain(&self, message: &str) -> String {
        let message = message.trim_start_matches(&format!("(service {SERVICE}) "));
        let mut plain = message.split(": (task ").next().unwrap_or(message).to_owned();
        for (id, definition) in &self.definitions {
            plain = plain.replace(
                &format!("(deployment {id}) deployment"),
                &format!("deployment of {definition}"),
            );
            plain = plain.replace(&format!("deployment {id}"), definition);
        }
        plain.trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_without_ids() {
        let definitions = [("ecs-svc/12".to_owned(), "web:3".to_owned())].into();
        let log = Log { heard: BTreeSet::new(), definitions };
        for (message, wanted) in [
            ("(service web) has started 2 tasks: (task a1) (task b2).", "has started 2 tasks"),
            ("(service web) has reached a steady state.", "has reached a steady state"),
            (
                "(service web) (deployment ecs-svc/12) deployment completed.",
                "deployment of web:3 completed",
            ),
            ("(service web) rolling back to deployment ecs-svc/12.", "rolling back to web:3"),
        ] {
            assert_eq!(log.plain(message), wanted);
        }
    }
}
