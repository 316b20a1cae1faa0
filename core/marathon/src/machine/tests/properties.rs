//! What is true of any app, any upgrade and any constraint, in whatever order offers come and tasks run and end.

use longshore_wire_marathon::{
    Constraint, EnvValue, Exec, HealthCheck, HealthProtocol, Limit, Operator, ResourceLimits, form,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::pods::a_pod;
use super::*;
use crate::instances::{Instance, Stage, Why};

/// Cases of each property. Source: chosen by us: a few seconds in a debug build.
const CASES: u32 = 48;

/// The same pod, whose first container runs something else.
fn a_better_pod(app: &App) -> App {
    let mut better = app.clone();
    for container in better.pod.iter_mut().flat_map(|pod| &mut pod.containers).take(1) {
        container.exec = Some(Exec::Shell("run better".to_owned()));
    }
    better
}

fn web() -> PathId {
    PathId::kept("/web")
}

/// The tasks of which something holds.
fn those(world: &World, is_right: impl Fn(&Instance) -> bool) -> Vec<String> {
    let all = world.marathon.instances.of(&web());
    all.filter(|(_, one)| is_right(one)).map(|(id, _)| id.to_string()).collect()
}

/// An offer of an agent of its own, on a rack.
fn offers_on(world: &mut World, rack: u8) {
    world.offers += 1;
    let mut offer = an_offer(world.offers, 64.0);
    offer.attributes[0].text = Some(value::Text { value: format!("rack-{rack}") });
    world.hears(Callback::ResourceOffers(vec![offer]));
}

/// One thing: an offer on one of five racks, a task that runs, one that ends as it was told to, or one that fails.
fn happens(world: &mut World, choice: u8, may_fail: bool) {
    let of = match choice % 4 {
        0 => Vec::new(),
        1 => those(world, |one| one.killing.is_some()),
        2 if may_fail => those(world, |one| one.killing.is_none()),
        _ => those(world, |one| one.killing.is_none() && one.stage == Stage::Staging),
    };
    let Some(at) = usize::from(choice / 4).checked_rem(of.len()) else {
        return offers_on(world, choice / 4 % 5);
    };
    let tasks = tasks_of(world, &of[at]);
    match choice % 4 {
        1 => world.all_killed(&tasks),
        2 if may_fail => {
            // Of a pod one container fails.
            world.is(&tasks[0], TaskState::TaskFailed);
            world.passes(5_000);
        }
        _ => world.all_run(&tasks),
    }
}

/// The tasks of an instance that have not ended.
fn tasks_of(world: &World, instance: &str) -> Vec<String> {
    let id = Arc::from(instance);
    world.marathon.instances.get(instance).map_or_else(Vec::new, |one| one.tasks(&id))
}

/// What an upgrade must keep to: as many are well, and there are no more. Source: frameworks.md 3.3, 4.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    well: usize,
    all: usize,
}

impl Bounds {
    fn of(wanted: u32, healthy_milli: u32, over_milli: u32) -> Self {
        let well = (u64::from(wanted) * u64::from(healthy_milli)).div_ceil(1_000);
        let all = u64::from(wanted) + u64::from(wanted) * u64::from(over_milli) / 1_000;
        // With no room at all, one more may be there, or nothing could change.
        let all = if well == all { all + 1 } else { all };
        Self { well: usize::try_from(well).unwrap(), all: usize::try_from(all).unwrap() }
    }

    /// What does not hold between two moments.
    fn broken(self, before: &Seen, after: &Seen) -> Option<String> {
        if after.all.len() > before.all.len() && after.all.len() > self.all {
            return Some(format!("{} are there, and {self:?}", after.all.len()));
        }
        let has_ended = after.upgraded.iter().any(|id| before.well.contains(id));
        let is_short = has_ended && after.well.len() < self.well;
        is_short.then(|| format!("only {} are left that are well, and {self:?}", after.well.len()))
    }
}

struct Seen {
    all: Vec<String>,
    well: Vec<String>,
    upgraded: Vec<String>,
}

fn seen(world: &World) -> Seen {
    let is_well = |one: &Instance| one.killing.is_none() && one.stage == Stage::Running;
    Seen {
        all: those(world, |_| true),
        well: those(world, is_well),
        upgraded: those(world, |one| one.killing == Some(Why::Upgrade)),
    }
}

/// A constraint on racks, and whether instances on such racks keep to it.
fn keeps(constraint: &Constraint, wanted: u32, racks: &[String]) -> bool {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for rack in racks {
        *counts.entry(rack).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or(0);
    let number = || constraint.value.as_deref().and_then(|text| text.parse::<u32>().ok());
    match constraint.operator {
        Operator::Unique => most <= 1,
        Operator::Cluster => counts.len() <= 1,
        Operator::MaxPer => most <= number().unwrap(),
        Operator::GroupBy => {
            let groups = number().unwrap();
            most <= wanted.div_ceil(groups) && counts.len() <= usize::try_from(groups).unwrap()
        }
        Operator::Like => racks.iter().all(|rack| ["rack-1", "rack-2"].contains(&rack.as_str())),
        Operator::Unlike => racks.iter().all(|rack| rack != "rack-3"),
        Operator::Is => racks.iter().all(|rack| rack == "rack-4"),
    }
}

fn a_constraint() -> impl Strategy<Value = Constraint> {
    let made =
        |operator, value: Option<String>| Constraint { field: "rack".to_owned(), operator, value };
    prop_oneof![
        Just(made(Operator::Unique, None)),
        Just(made(Operator::Cluster, None)),
        Just(made(Operator::Like, Some("rack-[12]".to_owned()))),
        Just(made(Operator::Unlike, Some("rack-3".to_owned()))),
        Just(made(Operator::Is, Some("rack-4".to_owned()))),
        (1..4_u32).prop_map(move |most| made(Operator::MaxPer, Some(most.to_string()))),
        (1..5_u32).prop_map(move |groups| made(Operator::GroupBy, Some(groups.to_string()))),
    ]
}

fn a_check() -> impl Strategy<Value = HealthCheck> {
    let protocols = [HealthProtocol::Http, HealthProtocol::Https, HealthProtocol::Tcp];
    (prop::sample::select(protocols.to_vec()), 0..400_u64, 1..90_u64, 0..5_u32).prop_map(
        |(protocol, grace_s, interval_s, max_consecutive_failures)| HealthCheck {
            protocol,
            path: Some("/health".to_owned()),
            command: None,
            port_index: Some(0),
            port: None,
            grace_period_ms: grace_s * 1_000,
            interval_ms: interval_s * 1_000,
            timeout_ms: 5_000,
            max_consecutive_failures,
            ignore_http_1xx: false,
            delay_ms: 15_000,
        },
    )
}

/// Amounts, numbers and times of an app.
fn amounts() -> impl Strategy<Value = App> {
    let limit =
        |claim: u64| prop_oneof![Just(Limit::Unlimited), (claim..claim * 3).prop_map(Limit::Milli)];
    let numbers = (1..8_000_u64, 1..4_000_000_u64, 0..9_000_u64, 0..6_u32, any::<bool>());
    numbers.prop_flat_map(move |(cpus, mem, disk, instances, tty)| {
        let limits = (prop::option::of(limit(cpus)), prop::option::of(limit(mem)));
        let waits = (0..90_000_u64, 1_000..9_000_u64, 0..900_000_u64, 0..90_u64, 0..90_u64);
        (limits, waits, 0..=1_000_u32, 0..=1_000_u32).prop_map(
            move |((cpus_most, mem_most), waits, healthy, over)| App {
                cpus_milli: cpus,
                mem_milli: mem,
                disk_milli: disk,
                tty,
                resource_limits: Some(ResourceLimits { cpus: cpus_most, mem: mem_most }),
                backoff: Backoff { first_ms: waits.0, factor_milli: waits.1, most_ms: waits.2 },
                unreachable_strategy: Unreachable::After {
                    inactive_s: waits.3,
                    expunge_s: waits.3 + waits.4,
                },
                upgrade_strategy: UpgradeStrategy {
                    minimum_health_capacity_milli: healthy,
                    maximum_over_capacity_milli: over,
                },
                ..an_app("/web", instances)
            },
        )
    })
}

fn an_app_of_any_kind() -> impl Strategy<Value = App> {
    let text = "[ -~]{0,12}";
    let lists = (
        btree_map("[A-Z_]{1,8}", text, 0..4),
        btree_map("[a-z]{1,8}", text, 0..4),
        prop::option::of("[a-z/]{1,12}"),
        vec(a_check(), 0..3),
        prop::option::of(a_constraint()),
    );
    (amounts(), lists, any::<bool>()).prop_map(|(app, lists, is_bridged)| {
        let (env, labels, secret, health_checks, constraint) = lists;
        let mut env: BTreeMap<String, EnvValue> =
            env.into_iter().map(|(name, text)| (name, EnvValue::Plain(text))).collect();
        env.extend(
            secret.iter().map(|_| ("of-a-secret".to_owned(), EnvValue::Secret("s".to_owned()))),
        );
        let secrets = secret.into_iter().map(|source| ("s".to_owned(), source)).collect();
        let on = if is_bridged { nginx() } else { app.clone() };
        App {
            cmd: app.cmd.clone(),
            networks: on.networks,
            container: on.container,
            port_mappings: on.port_mappings,
            port_definitions: on.port_definitions,
            constraints: constraint.into_iter().collect(),
            env,
            labels,
            secrets,
            health_checks,
            ..app
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn what_is_shown_of_an_app_is_read_as_the_same_app(app in an_app_of_any_kind()) {
        let mut world = World::new();
        world.put(app.clone());
        let shown = App::clone(&world.shown("/web").app);
        let put = App {
            // Service ports are drawn, and versions given.
            port_mappings: shown.port_mappings.clone(),
            port_definitions: shown.port_definitions.clone(),
            version_ms: shown.version_ms,
            config_version_ms: shown.config_version_ms,
            scaling_version_ms: shown.scaling_version_ms,
            ..app
        };
        prop_assert_eq!(&put, &shown);
        let written = serde_json::to_value(shown.form()).unwrap();
        let read = form::read(written.as_object().unwrap().clone()).map(App::of);
        let read = read.map_err(|why| TestCaseError::fail(format!("{written}: {why:?}")))?;
        let same = App { version_ms: 0, config_version_ms: 0, scaling_version_ms: 0, ..shown };
        prop_assert_eq!(read, same);
    }

    #[test]
    fn an_upgrade_never_leaves_its_bounds_and_comes_to_an_end(
        (old, new) in (0..7_u32, 0..7_u32),
        (healthy, over) in (0..=1_000_u32, 0..=1_000_u32),
        choices in vec(any::<u8>(), 0..80),
        is_pod in any::<bool>(),
    ) {
        let mut world = World::new();
        let strategy = UpgradeStrategy {
            minimum_health_capacity_milli: healthy,
            maximum_over_capacity_milli: over,
        };
        let base = if is_pod { a_pod("/web", old) } else { an_app("/web", old) };
        let app = App { upgrade_strategy: strategy, ..base };
        world.runs(app.clone());
        let better = if is_pod { a_better_pod(&app) } else { app.clone() };
        let bounds = Bounds::of(new, healthy, over);
        let mut before = seen(&world);
        let cmd = app.cmd.as_ref().map(|_| "run better".to_owned());
        world.put(App { cmd, instances: new, ..better });
        // In the end everything happens in turn.
        let rest = (0..400_u32).map(|at| u8::try_from(at % 4).unwrap());
        for choice in choices.into_iter().chain(rest) {
            let after = seen(&world);
            if let Some(why) = bounds.broken(&before, &after) {
                return Err(TestCaseError::fail(why));
            }
            before = after;
            happens(&mut world, choice, false);
        }
        prop_assert_eq!(world.deployments(), 0);
        let wanted = usize::try_from(new).unwrap();
        prop_assert_eq!((before.all.len(), before.well.len()), (wanted, wanted));
    }

    #[test]
    fn no_constraint_is_ever_violated(
        constraint in a_constraint(),
        wanted in 1..9_u32,
        choices in vec(any::<u8>(), 1..120),
        is_pod in any::<bool>(),
    ) {
        let mut world = World::new();
        let base = if is_pod { a_pod("/web", wanted) } else { an_app("/web", wanted) };
        world.put(App { constraints: vec![constraint.clone()], ..base });
        for choice in choices {
            happens(&mut world, choice, true);
            let all = world.marathon.instances.of(&web());
            let racks: Vec<String> =
                all.map(|(_, one)| one.attributes["rack"].clone()).collect();
            prop_assert!(keeps(&constraint, wanted, &racks), "{:?} and {:?}", constraint, racks);
        }
    }
}
