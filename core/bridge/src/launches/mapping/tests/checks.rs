//! How the checks of a task are made: dialled from here, or by its container.

use longshore_replica::Instance;
use longshore_wire_ecs::shape::container_definition::HealthCheck as EcsHealthCheck;
use longshore_wire_mesos::v1::health_check::{HttpCheckInfo, TcpCheckInfo, Type as HealthType};
use longshore_wire_mesos::v1::network_info::Protocol;
use longshore_wire_mesos::v1::{CheckInfo, HealthCheck, check_info};

use super::*;
use crate::probe::Means;
use crate::watches::{CheckBy, CheckKind, Dial, HealthDial, Watches};

const PORT: u16 = 31_000;

/// An agent that says this address, and what an operator wants.
fn reach(host: &str, checks: CheckMode) -> Reach {
    let instance = Instance {
        attributes: [("hostname".into(), Some(host.into()))].into(),
        ..Instance::default()
    };
    let config = Config { checks, ..config(DefaultImage::None) };
    Reach::of(&config, Some(&instance))
}

fn auto() -> Reach {
    reach("10.0.1.17", CheckMode::Auto)
}

fn plan_at(reach: &Reach, task: &TaskInfo) -> Result<Plan, String> {
    let config = config(DefaultImage::Image("alpine".into()));
    plan(&config, reach, "framework-1", "batch", task, &claims())
}

fn claims() -> Amounts {
    Amounts::of(500, 64_000, 0, Ranges::of([u64::from(PORT)]))
}

fn http(port: u32) -> HealthCheck {
    HealthCheck {
        r#type: Some(HealthType::Http.into()),
        http: Some(HttpCheckInfo { port, path: Some("/ok".to_owned()), ..Default::default() }),
        ..Default::default()
    }
}

fn tcp(port: u32) -> HealthCheck {
    HealthCheck {
        r#type: Some(HealthType::Tcp.into()),
        tcp: Some(TcpCheckInfo { port, ..Default::default() }),
        ..Default::default()
    }
}

fn command(value: &str) -> HealthCheck {
    HealthCheck { command: Some(shell(value)), ..Default::default() }
}

fn check(kind: check_info::Type) -> CheckInfo {
    let port = u32::from(PORT);
    CheckInfo {
        r#type: Some(kind.into()),
        command: Some(check_info::Command { command: shell("true") }),
        http: Some(check_info::Http { port, path: None }),
        tcp: Some(check_info::Tcp { port }),
        ..Default::default()
    }
}

fn healthy(check: HealthCheck, task: TaskInfo) -> TaskInfo {
    TaskInfo { health_check: Some(check), ..task }
}

fn checked(kind: check_info::Type, task: TaskInfo) -> TaskInfo {
    TaskInfo { check: Some(check(kind)), ..task }
}

/// A container with a network, and with port 80 inside mapped.
fn networked(network: Network) -> TaskInfo {
    dockered(|docker| {
        docker.network = Some(network.into());
        if network == Network::Bridge {
            docker.port_mappings.push(PortMapping {
                host_port: PORT.into(),
                container_port: 80,
                protocol: None,
            });
        }
    })
}

/// What is dialled, and the health check of the container, if there is one.
fn made(task: &TaskInfo) -> (Watches, Option<EcsHealthCheck>) {
    let plan = plan_at(&auto(), task).expect("it can be mapped");
    (plan.terms.watches, plan.content.and_then(|content| content.health_check))
}

/// \[A10\]
#[test]
fn a_port_of_the_task_s_own_is_dialled_and_any_other_is_left_to_its_container() {
    for (task, port, is_dialled) in [
        (Box::new(task(shell("serve all"))), u32::from(PORT), true),
        (Box::new(task(shell("serve all"))), 80, false),
        (Box::new(networked(Network::Host)), u32::from(PORT), true),
        (Box::new(networked(Network::Host)), 22, false),
        (Box::new(networked(Network::Bridge)), 80, true),
        (Box::new(networked(Network::Bridge)), u32::from(PORT), false),
        (Box::new(networked(Network::None)), u32::from(PORT), false),
    ] {
        for check in [http(port), tcp(port)] {
            let (watches, contained) = made(&healthy(check, (*task).clone()));
            assert_eq!(watches.health.is_some(), is_dialled, "{port} of {task:?}");
            assert_eq!(contained.is_some(), !is_dialled, "{port} of {task:?}");
        }
    }
    let udp = |docker: &mut DockerInfo| {
        docker.network = Some(Network::Bridge.into());
        docker.port_mappings.push(PortMapping {
            host_port: PORT.into(),
            container_port: 80,
            protocol: Some("udp".to_owned()),
        });
    };
    assert!(made(&healthy(tcp(80), dockered(udp))).0.is_empty(), "a port of UDP is another");
}

/// \[A10\], \[A11\]
#[test]
fn what_is_dialled_keeps_the_times_that_a_framework_gave_within_bounds() {
    let given = HealthCheck {
        delay_seconds: Some(0.5),
        interval_seconds: Some(0.0),
        timeout_seconds: Some(0.0),
        grace_period_seconds: Some(1.25),
        consecutive_failures: Some(0),
        ..http(PORT.into())
    };
    let (watches, _) = made(&healthy(given, task(shell("serve all"))));
    let dial = Dial {
        port: PORT,
        ipv6: false,
        means: Means::Http { tls: false, path: "/ok".into() },
        delay_ms: 500,
        interval_ms: limits::PROBE_INTERVAL_MS_MIN,
        timeout_ms: limits::PROBE_TIMEOUT_MS_MAX,
    };
    assert_eq!(watches.health, Some(HealthDial { dial, grace_ms: 1_250, failures: 0 }));
    let (watches, _) = made(&checked(check_info::Type::Tcp, task(shell("serve all"))));
    let dial = Dial {
        port: PORT,
        ipv6: false,
        means: Means::Tcp,
        delay_ms: 15_000,
        interval_ms: 10_000,
        timeout_ms: 20_000,
    };
    assert_eq!(watches.check, Some(CheckBy::Dial(dial)));
}

/// \[A10\]
#[test]
fn how_a_task_is_watched_is_written_where_no_framework_can_write_it() {
    let mut task = healthy(http(PORT.into()), task(shell("serve all")));
    let forged = environment(&[("LONGSHORE_CHECKS", "{}"), ("LONGSHORE_KILL_UNHEALTHY", "1")]);
    task.command.get_or_insert_default().environment = Some(forged.clone());
    let plan = plan_at(&auto(), &task).expect("it can be mapped");
    let written = variable(&plan, "LONGSHORE_CHECKS").expect("it is there");
    assert_eq!(Watches::read(&written), plan.terms.watches);
    assert_eq!(variable(&plan, "LONGSHORE_KILL_UNHEALTHY"), None, "ECS judges nothing here");
    let plain = TaskInfo { health_check: None, ..task };
    let plan = plan_at(&auto(), &plain).expect("it can be mapped");
    assert_eq!(variable(&plan, "LONGSHORE_CHECKS"), None);
}

/// \[A10\], \[A11\]: an operator decides, and an agent without an address cannot be dialled.
#[test]
fn where_nothing_can_be_dialled_the_container_stands_in_or_the_task_is_refused() {
    let web = || healthy(http(PORT.into()), task(shell("serve all")));
    let six = || {
        let http = HttpCheckInfo {
            protocol: Some(Protocol::IPv6.into()),
            port: 31_000,
            ..Default::default()
        };
        healthy(HealthCheck { http: Some(http), ..http_type() }, task(shell("serve all")))
    };
    for (reach, task, is_dialled) in [
        (auto(), Box::new(web()), true),
        (reach("agent-1.internal", CheckMode::Auto), Box::new(web()), true),
        (reach("fd00::1", CheckMode::Auto), Box::new(six()), true),
        (reach("10.0.1.17", CheckMode::Dial), Box::new(web()), true),
        (auto(), Box::new(six()), false),
        (nowhere(), Box::new(web()), false),
        (reach("10.0.1.17", CheckMode::Container), Box::new(web()), false),
    ] {
        let plan = plan_at(&reach, &task).expect("it can be mapped");
        assert_eq!(plan.terms.watches.health.is_some(), is_dialled, "{reach:?}");
        assert_eq!(plan.terms.kill_unhealthy, !is_dialled, "{reach:?}");
    }
}

/// \[A10\], \[A11\]
#[test]
fn a_check_that_cannot_be_made_is_refused_with_what_is_missing() {
    let plain = || task(shell("serve all"));
    #[expect(clippy::useless_vec, reason = "an array of them is large for a stack")]
    for (reach, task, why) in vec![
        (
            reach("10.0.1.17", CheckMode::Dial),
            healthy(tcp(22), plain()),
            "the TCP health check of port 22 cannot be made: no port mapping has it",
        ),
        (nowhere(), checked(check_info::Type::Http, plain()), "does not say its address"),
        (
            reach("10.0.1.17", CheckMode::Container),
            checked(check_info::Type::Http, plain()),
            "--task-checks container rules it out",
        ),
        (auto(), healthy(http(0), plain()), "a check needs a port, which 0 is not"),
        (auto(), healthy(tcp(65_536), plain()), "a check needs a port, which 65536 is not"),
        (
            auto(),
            TaskInfo {
                check: Some(check(check_info::Type::Command)),
                ..healthy(command("true"), plain())
            },
            "Amazon ECS runs one command to check a container",
        ),
        (
            auto(),
            labelled("web", checked(check_info::Type::Command, plain())),
            "cannot be added to a registered task definition",
        ),
        (
            nowhere(),
            labelled("web", healthy(http(80), plain())),
            "the HTTP health check of port 80 cannot be made: the agent does not say its address",
        ),
    ] {
        let refused = plan_at(&reach, &task).expect_err(why);
        assert!(refused.contains(why), "{refused}");
    }
}

fn http_type() -> HealthCheck {
    HealthCheck { r#type: Some(HealthType::Http.into()), ..Default::default() }
}

/// \[A11\]
#[test]
fn a_check_by_command_or_over_tcp_can_be_the_health_check_of_the_container() {
    for (reach, kind, wanted) in [
        (auto(), check_info::Type::Command, CheckKind::Command),
        (nowhere(), check_info::Type::Tcp, CheckKind::Tcp),
    ] {
        let plan = plan_at(&reach, &checked(kind, task(shell("serve all"))));
        let plan = plan.expect("it can be mapped");
        assert_eq!(plan.terms.watches.check, Some(CheckBy::Container(wanted)));
        assert!(!plan.terms.kill_unhealthy, "a check never kills");
        let contained = plan.content.and_then(|content| content.health_check);
        assert_eq!(contained.and_then(|check| check.retries), Some(1), "each result is told");
    }
}

/// \[A10\]: a health check of a definition that somebody else registered is its own; one that is dialled counts here.
#[test]
fn a_command_that_may_be_the_name_of_a_definition_keeps_its_checks_either_way() {
    let plan = plan_at(&auto(), &healthy(http(80), task(shell("web"))));
    let plan = plan.expect("it can be mapped");
    assert!(plan.terms.watches.health.is_some() && plan.unless_named.is_none());
    let unnamed = plan.terms_unnamed.expect("it may be a command");
    assert!(unnamed.watches.health.is_none() && unnamed.kill_unhealthy);
    let plan = plan_at(&nowhere(), &healthy(http(80), task(shell("web"))));
    let why = plan.expect("it can be mapped").unless_named.expect("the definition is not ours");
    assert!(why.contains("does not say its address"), "{why}");
}

/// The health check of the container for a command.
fn contained(check: HealthCheck) -> EcsHealthCheck {
    let plan = planned(&healthy(check, task(shell("sleep 1"))));
    plan.content.and_then(|content| content.health_check).expect("it is mapped")
}

/// \[A10\]
#[test]
fn a_command_health_check_keeps_its_times_within_the_bounds_of_ecs() {
    let mapped = contained(HealthCheck {
        interval_seconds: Some(0.5),
        timeout_seconds: Some(100.0),
        consecutive_failures: Some(3),
        grace_period_seconds: Some(7.0),
        delay_seconds: Some(0.0),
        ..command("curl localhost")
    });
    assert_eq!(mapped.command, words(&["CMD-SHELL", "curl localhost"]));
    assert_eq!((mapped.interval, mapped.timeout), (Some(5), Some(60)));
    assert_eq!((mapped.retries, mapped.start_period), (Some(3), Some(7)));
    let patient = contained(HealthCheck { timeout_seconds: Some(0.0), ..command("true") });
    assert_eq!(patient.timeout, Some(60), "0 is no limit");
    let many = contained(HealthCheck { consecutive_failures: Some(25), ..command("true") });
    assert_eq!((many.retries, many.interval), (Some(10), Some(25)), "they take as long");
}

/// \[A10\]
#[test]
fn a_command_is_run_in_the_environment_that_its_check_asks_for() {
    let given = Some(environment(&[("A", "it's"), ("b.c", "d e")]));
    let with = |info: CommandInfo| {
        let info = CommandInfo { environment: given.clone(), ..info };
        contained(HealthCheck { command: Some(info), ..Default::default() }).command
    };
    let shelled = ["CMD", "env", "A=it's", "b.c=d e", "/bin/sh", "-c", "test $A"];
    assert_eq!(with(shell("test $A")), words(&shelled));
    let direct = ["CMD", "env", "A=it's", "b.c=d e", "/probe", "-v"];
    assert_eq!(with(program(Some("/probe"), &["probe", "-v"])), words(&direct));
}

/// \[A10\]
#[test]
fn a_container_that_stands_in_asks_itself_as_an_agent_would() {
    let text = |check: HealthCheck| contained(check).command.expect("it is there").concat();
    let https = HttpCheckInfo {
        scheme: Some("https".to_owned()),
        port: 8443,
        path: Some("/a'b".to_owned()),
        protocol: Some(Protocol::IPv6.into()),
        ..Default::default()
    };
    let asks = text(HealthCheck { http: Some(https), ..http_type() });
    assert!(asks.starts_with("CMD-SHELLif command -v curl"), "{asks}");
    assert!(
        asks.contains("curl -sLkg -o /dev/null -w '%{http_code}' 'https://[::1]:8443/a%27b'"),
        "{asks}"
    );
    assert!(asks.contains("wget -q -O /dev/null --no-check-certificate 'https://[::1]"), "{asks}");
    let looks = text(tcp(8080));
    assert!(looks.ends_with("grep -q ':1F90 0*:0000 0A'"), "{looks}");
}

/// \[L8\]
#[test]
fn a_limit_of_memory_is_what_a_container_may_have_beyond_what_is_reserved() {
    let limited = |name: &str, value: f64| {
        let limit = longshore_wire_mesos::v1::value::Scalar { value };
        let task = TaskInfo { limits: [(name.to_owned(), limit)].into(), ..task(shell("sleep 1")) };
        planned(&task)
    };
    assert_eq!(limited("mem", 64.0).memory, Memory::Claimed);
    assert_eq!(limited("mem", 100.5).memory, Memory::UpTo(101));
    let unbounded = limited("mem", f64::INFINITY);
    assert_eq!(unbounded.memory, Memory::Unbounded);
    assert!(unbounded.content.expect("it has one").memory_unbounded);
    assert_eq!(limited("cpus", f64::INFINITY).note, None);
    let note = limited("cpus", 2.0).note.expect("it is not enforced");
    assert!(note.starts_with("the limit of 2 cpus is not enforced"), "{note}");
}
