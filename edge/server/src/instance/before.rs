//! What instances ran before: a detected runtime gives way to the one that the instance had.
//!
//! Without `--runtime`, an instance gets Docker if a daemon responds, and processes otherwise. But
//! tasks of an earlier run can only be found by the runtime that started them: switching because
//! the daemon has gone, or has appeared, would lose them.

use std::collections::BTreeMap;

use longshore_control::ContainerInstance;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::host::MACHINE_ATTRIBUTE;

use super::{InstanceConfig, RuntimeChoice};

/// A capability that only instances with Docker have.
const DOCKERS_OWN: &str = "com.amazonaws.ecs.capability.privileged-container";

/// An instance that registered in an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Before {
    pub(crate) arn: Str,
    /// Its runtime, if that can be determined.
    pub(crate) runtime: Option<RuntimeChoice>,
    /// CPU units and MiB of memory.
    pub(crate) size: (u32, u32),
}

/// The instances of earlier runs, by EC2 id.
pub(crate) type Known = BTreeMap<Str, Before>;

impl Before {
    pub(crate) fn of(instance: &ContainerInstance) -> Self {
        let runtime = if instance.attributes.contains_key(DOCKERS_OWN) {
            Some(RuntimeChoice::Docker)
        } else {
            let is_here = instance.attributes.contains_key(MACHINE_ATTRIBUTE);
            is_here.then_some(RuntimeChoice::Process)
        };
        let size = (instance.registered.cpu, instance.registered.memory_mib);
        Self { arn: instance.arn.clone(), runtime, size }
    }
}

/// The instances that a cluster had before.
///
/// # Errors
/// If there are none here but some in another account or region, where this data directory was
/// started before. Says what can be done about it.
pub(crate) fn known<'a>(
    instances: impl Iterator<Item = &'a ContainerInstance>,
    home: &Realm,
    cluster: &str,
) -> Result<Known, String> {
    let mut known = Known::new();
    let mut elsewhere = None;
    for instance in instances.filter(|one| *one.cluster == *cluster) {
        if instance.realm != *home {
            elsewhere = Some(&instance.realm);
        } else if let Some(id) = &instance.ec2_instance_id {
            known.insert(id.clone(), Before::of(instance));
        }
    }
    match elsewhere.filter(|_| known.is_empty()) {
        None => Ok(known),
        Some(Realm { region, account }) => Err(format!(
            "the instances of the cluster {cluster} in this data directory are in region {region} and account {account}. To keep \
             using them, start with --region {region} --account {account}; to start afresh, choose another directory with --data-dir"
        )),
    }
}

/// Checks that instances from an earlier run have the same size, since their tasks were placed by
/// it.
///
/// # Errors
/// The first that differs. Says what can be done about it.
pub(crate) fn check_sizes(known: &Known, configs: &[InstanceConfig]) -> Result<(), String> {
    for config in configs {
        let before = known.get(&config.ec2_instance_id).map(|before| before.size);
        if let Some((cpu, memory)) = before.filter(|size| *size != (config.cpu, config.memory_mib))
        {
            let InstanceConfig {
                ec2_instance_id: id, cpu: new_cpu, memory_mib: new_memory, ..
            } = config;
            return Err(format!(
                "{id} has {cpu} CPU units and {memory} MiB in this data directory, not {new_cpu} and {new_memory}. Start with the \
                 same flags (--instances, or --instance-cpu {cpu} --instance-memory {memory}), or choose another directory with --data-dir"
            ));
        }
    }
    Ok(())
}

/// Replaces the detected runtime of each instance by its previous one.
///
/// # Errors
/// If it had Docker, and no daemon answers. Says what can be done about it.
pub(crate) fn keep_runtimes(known: &Known, configs: &mut [InstanceConfig]) -> Result<(), String> {
    for config in configs.iter_mut().filter(|config| config.runtime_is_guessed) {
        let before = known.get(&config.ec2_instance_id).and_then(|before| before.runtime);
        match (before, config.runtime) {
            (Some(RuntimeChoice::Docker), RuntimeChoice::Process) => {
                return Err(format!(
                    "{} ran Docker containers before, but no Docker daemon responds now. Start Docker, or abandon \
                     those containers with --runtime process",
                    config.ec2_instance_id
                ));
            }
            (Some(RuntimeChoice::Process), RuntimeChoice::Docker) => {
                config.runtime = RuntimeChoice::Process;
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(
        before: Option<RuntimeChoice>,
        runtime: RuntimeChoice,
        runtime_is_guessed: bool,
    ) -> Result<RuntimeChoice, String> {
        let id: Str = "i-1".into();
        let known = Known::from([(
            id.clone(),
            Before { arn: "arn".into(), runtime: before, size: (1, 1) },
        )]);
        let mut configs = [InstanceConfig {
            ec2_instance_id: id,
            instance_type: "longshore.local".into(),
            zone: "".into(),
            cpu: 1,
            memory_mib: 1,
            gpus: 0,
            architecture: None,
            attributes: Vec::new(),
            runtime,
            runtime_is_guessed,
        }];
        keep_runtimes(&known, &mut configs).map(|()| configs[0].runtime)
    }

    #[test]
    fn a_guess_gives_way_to_what_ran_before_and_a_word_does_not() {
        use RuntimeChoice::{Docker, Process};
        assert_eq!(kept(Some(Process), Docker, true), Ok(Process));
        assert_eq!(kept(Some(Process), Docker, false), Ok(Docker));
        assert_eq!(kept(Some(Docker), Process, false), Ok(Process));
        assert_eq!(kept(Some(Docker), Docker, true), Ok(Docker));
        assert_eq!(kept(None, Docker, true), Ok(Docker));
        assert_eq!(kept(None, Process, true), Ok(Process));
        let refused = kept(Some(Docker), Process, true).expect_err("its tasks would be lost");
        assert!(refused.contains("i-1 ran Docker containers"), "{refused}");
    }
}
