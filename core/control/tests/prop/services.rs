//! Random services over random instances: whatever happens, the books balance and no plan breaks
//! its bounds. Once everything is quiet and there is room, every service reaches its desired state.

use super::*;

/// Names of services.
const NAMES: [&str; 3] = ["a", "b", "c"];
/// Percentages that allow any number of tasks to be deployed.
const PERCENTS: [(u32, u32); 4] = [(100, 200), (0, 100), (50, 200), (0, 200)];

/// An action on services. Some are rejected, which is fine.
#[derive(Clone, Debug)]
enum Act {
    Other(Step),
    Create { name: usize, family: usize, count: u8, percents: usize, daemon: bool, breaker: bool },
    Scale { name: usize, count: u8 },
    Deploy { name: usize, family: usize, force: bool },
    Delete { name: usize, force: bool },
    Protect { task: usize, minutes: u16 },
    Run { ms: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    let name = || 0..NAMES.len();
    // Ports are left to standalone tasks, since whether they fit is a separate question.
    let family = || 0..2_usize;
    prop_oneof![
        16 => step().prop_map(Act::Other),
        6 => (name(), family(), 0..=6_u8, 0..PERCENTS.len(), prop::bool::weighted(0.2), any::<bool>()).prop_map(
            |(name, family, count, percents, daemon, breaker)| Act::Create { name, family, count, percents, daemon, breaker }
        ),
        4 => (name(), 0..=6_u8).prop_map(|(name, count)| Act::Scale { name, count }),
        4 => (name(), family(), any::<bool>()).prop_map(|(name, family, force)| Act::Deploy { name, family, force }),
        2 => (name(), any::<bool>()).prop_map(|(name, force)| Act::Delete { name, force }),
        1 => (0..64_usize, 1..10_u16).prop_map(|(task, minutes)| Act::Protect { task, minutes }),
        12 => (0..20_000_u64).prop_map(|ms| Act::Run { ms }),
    ]
}

impl World {
    fn do_act(&mut self, act: &Act) -> Option<()> {
        match act {
            Act::Other(step) => self.act(step)?,
            Act::Create { name, family, count, percents, daemon, breaker } => {
                let (family, ..) = FAMILIES[*family];
                let (minimum, maximum) = PERCENTS[*percents];
                let circuit = json!({"enable": breaker, "rollback": count % 2 == 0});
                let body = if *daemon {
                    json!({"serviceName": NAMES[*name], "taskDefinition": family, "schedulingStrategy": "DAEMON"})
                } else {
                    json!({"serviceName": NAMES[*name], "taskDefinition": family, "desiredCount": count, "deploymentConfiguration": {
                        "minimumHealthyPercent": minimum, "maximumPercent": maximum, "deploymentCircuitBreaker": circuit
                    }})
                };
                self.call("CreateService", &body).ok()?;
            }
            Act::Scale { name, count } => {
                let body = json!({"service": NAMES[*name], "desiredCount": count});
                self.call("UpdateService", &body).ok()?;
            }
            Act::Deploy { name, family, force } => {
                let (family, ..) = FAMILIES[*family];
                let body = json!({"service": NAMES[*name], "taskDefinition": family, "forceNewDeployment": force});
                self.call("UpdateService", &body).ok()?;
            }
            Act::Delete { name, force } => {
                let body = json!({"service": NAMES[*name], "force": force});
                self.call("DeleteService", &body).ok()?;
            }
            Act::Protect { task, minutes } => {
                let (task, _) = self.task(*task)?;
                let body = json!({"cluster": "default", "tasks": [task], "protectionEnabled": true, "expiresInMinutes": minutes});
                self.call("UpdateTaskProtection", &body).ok()?;
            }
            Act::Run { ms } => self.run(*ms),
        }
        Some(())
    }

    /// Advances time tick by tick.
    fn run(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some(at) = self.control.wake_at().filter(|at| *at <= end) {
            self.pass(at.since(self.now));
            self.audited();
        }
        self.pass(end.since(self.now));
    }

    fn audited(&self) {
        let violations = audit(self.control.state());
        assert!(violations.is_empty(), "{violations:?}");
    }

    /// Hosts start and stop tasks as they should. Returns whether there was anything to do.
    fn obey(&mut self) -> bool {
        let mut any = false;
        for task in self.described_tasks() {
            let status = match (task["desiredStatus"].as_str(), task["lastStatus"].as_str()) {
                (Some("RUNNING"), Some("PENDING")) => Reported::Running,
                (Some("STOPPED"), Some("PENDING" | "RUNNING")) => Reported::Stopped,
                _ => continue,
            };
            any = true;
            let (arn, instance) = (text(&task["taskArn"]), text(&task["containerInstanceArn"]));
            let cause = (status == Reported::Stopped).then_some(StopCause::Ordered);
            self.report(&instance, &arn, status, cause);
        }
        any
    }

    /// Lets hosts obey while time passes, for as long as the longest delay and protection.
    fn quiet(&mut self) {
        for _ in 0..12 {
            while self.obey() {
                self.run(300);
            }
            self.run(60_000);
        }
    }

    fn services(&mut self) -> Vec<Value> {
        let mut reply =
            self.call("DescribeServices", &json!({"services": NAMES})).expect("asking is fine");
        reply["services"].as_array_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Removes every instance and adds `count` instances with room for everything.
    fn renew_instances(&mut self, count: usize) {
        for instance in self.instances.clone() {
            let body = json!({"containerInstance": instance, "force": true});
            // Rejected for INACTIVE instances.
            let _ = self.call("DeregisterContainerInstance", &body);
        }
        let from = self.instances.len();
        for (number, cores) in (0..count).zip(64..) {
            self.act(&Step::Register { cores, gib: 64 });
            self.act(&Step::Connect(from + number));
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn services_never_break_their_bounds_nor_the_books(acts in prop::collection::vec(act(), 1..50)) {
        let mut world = World::new();
        for act in &acts {
            world.do_act(act);
            world.check();
        }
    }

    #[test]
    fn with_room_and_quiet_every_service_is_steady(acts in prop::collection::vec(act(), 1..50)) {
        let mut world = World::new();
        for act in &acts {
            world.do_act(act);
        }
        world.renew_instances(3);
        world.quiet();
        world.check();
        for service in world.services() {
            let deployments = service["deployments"].as_array().cloned().unwrap_or_default();
            if service["status"] != "ACTIVE" {
                prop_assert_eq!(&service["status"], "INACTIVE", "{}", service);
                prop_assert!(deployments.is_empty());
            } else if deployments[0]["rolloutState"] == "FAILED" {
                prop_assert_eq!(&deployments[0]["pendingCount"], 0, "{}", service);
            } else {
                prop_assert_eq!(&service["runningCount"], &service["desiredCount"], "{}", service);
                prop_assert_eq!((deployments.len(), &deployments[0]["rolloutState"]), (1, &json!("COMPLETED")), "{}", service);
                prop_assert!(text(&service["events"][0]["message"]).ends_with("has reached a steady state."), "{}", service);
            }
        }
    }

    #[test]
    fn deleted_services_leave_nothing_behind(acts in prop::collection::vec(act(), 1..50)) {
        let mut world = World::new();
        for act in &acts {
            world.do_act(act);
        }
        for name in NAMES {
            // Rejected for services that do not exist.
            let _ = world.call("DeleteService", &json!({"service": name, "force": true}));
        }
        world.renew_instances(0);
        world.quiet();
        world.pass(3_600_000);
        world.check();
        prop_assert!(world.services().is_empty());
        prop_assert_eq!(world.control.wake_at(), None);
    }
}
