//! The way to the cluster, which is taken once the machine wants it, and anew when a driver has given up.

use longshore_driver::v1::{FrameworkId, FrameworkInfo};
use longshore_driver::{Callback, Command};
use tokio::sync::mpsc;

use super::{Cluster, Framework, FrameworkError};

/// A framework that may have no driver yet.
#[derive(Debug)]
pub(crate) struct Link<I> {
    cluster: Cluster,
    info: FrameworkInfo,
    inputs: mpsc::Sender<I>,
    framework: Option<Framework>,
}

impl<I: From<Callback> + Send + 'static> Link<I> {
    /// One without a driver.
    pub(crate) fn new(cluster: Cluster, info: FrameworkInfo, inputs: mpsc::Sender<I>) -> Self {
        Self { cluster, info, inputs, framework: None }
    }

    /// Starts a driver for the framework with this id, or for a new one. The one before has given up, and is left behind.
    ///
    /// # Errors
    /// That the master's name is none, or that threads cannot be had.
    pub(crate) async fn connect(&mut self, id: Option<String>) -> Result<(), FrameworkError> {
        self.end().await;
        let info = FrameworkInfo { id: id.map(|value| FrameworkId { value }), ..self.info.clone() };
        self.framework = Some(Framework::start(self.cluster.clone(), info, self.inputs.clone())?);
        Ok(())
    }

    /// Makes a call once those before it are made. Without a driver there is no subscription, and nothing that a call would change.
    pub(crate) async fn say(&self, command: Command) {
        if let Some(framework) = &self.framework {
            framework.say(command).await;
        }
    }

    /// Leaves the tasks to whoever comes with the framework's id.
    pub(crate) async fn leave(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        if let Some(framework) = self.framework.take() {
            framework.leave().await;
        }
    }
}
