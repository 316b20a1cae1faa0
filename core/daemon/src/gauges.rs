//! Numbers about all of it, for whoever watches: what there is now, and what has happened since the program began.

use longshore_wire_blox::scheduler::DeploymentStatus;

use crate::machine::Daemon;

/// What has happened since the beginning. It only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that events told of.
    pub told: u64,
    /// Readings of clusters that failed.
    pub readings_failed: u64,
    /// Tasks that ECS said it has started.
    pub started: u64,
    /// Tasks that an instance did not take.
    pub not_started: u64,
    /// Starts whose reply was lost.
    pub lost: u64,
    /// Tasks that were told to stop.
    pub stopped: u64,
}

/// Numbers about all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Clusters that are watched.
    pub clusters: usize,
    /// Those of them that were read.
    pub clusters_ready: usize,
    /// Whether events arrive.
    pub hears: bool,
    /// Tasks in the view.
    pub tasks: usize,
    /// Instances in the view.
    pub instances: usize,
    /// The latest version of the view.
    pub version: u64,
    /// Environments.
    pub environments: usize,
    /// Those of them with failed instances.
    pub unhealthy: usize,
    /// Deployments that are kept: pending, running, completed.
    pub deployments: [usize; 3],
    /// Instances that belong to an environment, each as often as it does.
    pub members: usize,
    /// Those that cannot have their task now.
    pub failed: usize,
    /// Starts of tasks that are under way.
    pub attempts: usize,
    /// What has happened.
    pub tally: Tally,
}

impl Daemon {
    /// Numbers as they are now.
    pub fn gauges(&self) -> Gauges {
        let (tasks, instances) = self.view.sizes();
        let (clusters, clusters_ready, hears) = self.clusters.sizes();
        let mut gauges = Gauges {
            clusters,
            clusters_ready,
            hears,
            tasks,
            instances,
            version: self.view.version(),
            tally: self.tally,
            ..Gauges::default()
        };
        for environment in self.environments.list(None) {
            let counts = environment.roster.counts();
            gauges.environments += 1;
            gauges.unhealthy += usize::from(!environment.is_healthy());
            gauges.members += counts.members;
            gauges.failed += counts.failed;
            gauges.attempts += counts.attempts;
            for deployment in environment.deployments() {
                let at = match deployment.status {
                    DeploymentStatus::Pending => 0,
                    DeploymentStatus::Running => 1,
                    DeploymentStatus::Completed => 2,
                };
                gauges.deployments[at] += 1;
            }
        }
        gauges
    }
}
