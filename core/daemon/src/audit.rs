//! Everything that must be true of a daemon scheduler between two steps, checked the slow way.

use crate::machine::Daemon;

impl Daemon {
    /// Checks all invariants.
    ///
    /// # Panics
    /// Which one does not hold.
    pub fn audit(&self) {
        self.view.audit();
        self.clusters.audit();
        self.environments.audit();
        assert!(self.marked.is_empty(), "a step ended before what was told was acted on");
        for starting in self.starts.values() {
            let Some(environment) = self.environments.any(&starting.environment) else { continue };
            // It may be another of the same name.
            let Some(deployment) = environment.deployment(&starting.deployment) else { continue };
            assert!(deployment.is_open, "a start is out that no row tells of");
            for instance in &starting.instances {
                let attempt = environment.roster.slot(instance).and_then(|slot| slot.attempt());
                assert!(
                    attempt.is_some_and(|one| one.deployment == starting.deployment),
                    "a start is out that its slot does not know"
                );
            }
        }
        for environment in self.environments.list(None) {
            for deployment in environment.deployments() {
                let unsure = environment.roster.unsure(&deployment.id);
                assert!(
                    unsure.is_empty() || self.settling.has(&deployment.id),
                    "a lost reply is looked for by nobody"
                );
            }
        }
    }
}
