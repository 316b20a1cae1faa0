//! How the checks of a task are made. Source: \[A10\], \[A11\].
//!
//! A COMMAND runs as the health check of the container, of which ECS has one. HTTP and TCP are dialled from here where the agent says its
//! address and the port is one of the task's own; otherwise, and if the operator wants it so, a command in the container stands in for
//! them, as far as what ECS tells of it is an answer.

use longshore_replica::DefinitionContent;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_ecs::shape::container_definition::HealthCheck as EcsHealthCheck;
use longshore_wire_mesos::v1::check_info::Type as CheckType;
use longshore_wire_mesos::v1::health_check::Type as HealthType;
use longshore_wire_mesos::v1::network_info::Protocol;
use longshore_wire_mesos::v1::{CheckInfo, CommandInfo, HealthCheck, TaskInfo};

use super::super::reach::Reach;
use crate::limits;
use crate::probe::Means;
use crate::ranges::Ranges;
use crate::watches::{
    CheckBy, CheckKind, Dial, HealthDial, Watches, interval, milliseconds, request_path, timeout,
};

/// What a check looks at.
enum Subject<'a> {
    Command(&'a CommandInfo),
    Port { port: u16, ipv6: bool, means: Means },
}

/// When a check looks, in seconds.
struct Times {
    delay: f64,
    grace: f64,
    interval: f64,
    timeout: f64,
    failures: u32,
}

/// Where a task can be dialled.
enum Place<'a> {
    /// In a container that is described here, and where these ports are its own.
    Of(&'a DefinitionContent, &'a Ranges),
    /// Wherever its registered definition says, which is seen once it runs.
    Named,
}

/// Decides how the checks of a task are made, and gives its container the command that one of them needs.
///
/// # Errors
/// What cannot be mapped.
pub(super) fn apply(
    reach: &Reach,
    task: &TaskInfo,
    ports: &Ranges,
    content: &mut DefinitionContent,
) -> Result<Watches, String> {
    let mut watches = Watches::default();
    if let Some(check) = &task.health_check {
        let times = times_of_health(check);
        match health_subject(check)? {
            Subject::Command(command) => {
                content.health_check = Some(contained(command_words(command), &times));
            }
            Subject::Port { port, ipv6, means } => {
                match may_dial(reach, &Place::Of(content, ports), port, ipv6) {
                    Ok(()) => watches.health = Some(health_dial(port, ipv6, means, &times)),
                    Err(_) if reach.may_stand_in() => {
                        content.health_check =
                            Some(contained(stand_in(port, ipv6, &means), &times));
                    }
                    Err(why) => return Err(cannot("health check", &means, port, &why)),
                }
            }
        }
    }
    if let Some(check) = &task.check {
        watches.check = Some(apply_check(reach, check, ports, content)?);
    }
    Ok(watches)
}

fn apply_check(
    reach: &Reach,
    check: &CheckInfo,
    ports: &Ranges,
    content: &mut DefinitionContent,
) -> Result<CheckBy, String> {
    let times = times_of_check(check);
    let (kind, words) = match check_subject(check)? {
        Subject::Command(command) => (CheckKind::Command, command_words(command)),
        Subject::Port { port, ipv6, means } => {
            match may_dial(reach, &Place::Of(content, ports), port, ipv6) {
                Ok(()) => return Ok(CheckBy::Dial(dial(port, ipv6, means, &times))),
                // Of an HTTP check the status is wanted, which a health check of ECS does not tell.
                Err(_) if reach.may_stand_in() && means == Means::Tcp => {
                    (CheckKind::Tcp, stand_in(port, ipv6, &means))
                }
                Err(why) => return Err(cannot("check", &means, port, &why)),
            }
        }
    };
    if content.health_check.is_some() {
        return Err(
            "Amazon ECS runs one command to check a container, and the task has a health check and a check that need one each: leave one of them out"
                .to_owned(),
        );
    }
    content.health_check = Some(contained(words, &times));
    Ok(CheckBy::Container(kind))
}

/// The same for a task whose definition is registered by somebody else: its own health check stands for one of type COMMAND.
///
/// # Errors
/// What cannot be mapped.
pub(super) fn of_named(reach: &Reach, task: &TaskInfo) -> Result<Watches, String> {
    let mut watches = Watches::default();
    if let Some(check) = &task.health_check
        && let Subject::Port { port, ipv6, means } = health_subject(check)?
    {
        may_dial(reach, &Place::Named, port, ipv6)
            .map_err(|why| cannot("health check", &means, port, &why))?;
        watches.health = Some(health_dial(port, ipv6, means, &times_of_health(check)));
    }
    if let Some(check) = &task.check {
        let Subject::Port { port, ipv6, means } = check_subject(check)? else {
            return Err(
                "a check of type COMMAND cannot be added to a registered task definition: leave 'check' out"
                    .to_owned(),
            );
        };
        may_dial(reach, &Place::Named, port, ipv6)
            .map_err(|why| cannot("check", &means, port, &why))?;
        watches.check = Some(CheckBy::Dial(dial(port, ipv6, means, &times_of_check(check))));
    }
    Ok(watches)
}

fn cannot(what: &str, means: &Means, port: u16, why: &str) -> String {
    let kind = if *means == Means::Tcp { "TCP" } else { "HTTP" };
    format!("the {kind} {what} of port {port} cannot be made: {why}")
}

/// Whether a port of a task may be dialled: only one that is the task's own, on the agent that it runs on.
fn may_dial(reach: &Reach, place: &Place<'_>, port: u16, ipv6: bool) -> Result<(), String> {
    reach.may_dial(ipv6)?;
    let Place::Of(content, ports) = place else { return Ok(()) };
    let is_its_own = match content.network_mode {
        Some(NetworkMode::Bridge) => {
            content.ports.iter().any(|one| one.container_port == port && !one.udp)
        }
        Some(NetworkMode::Host) => ports.contains(u64::from(port)),
        Some(NetworkMode::None | NetworkMode::Awsvpc) | None => false,
    };
    if is_its_own {
        return Ok(());
    }
    Err("no port mapping has it, and it is not among the task's ports".to_owned())
}

fn health_dial(port: u16, ipv6: bool, means: Means, times: &Times) -> HealthDial {
    HealthDial {
        dial: dial(port, ipv6, means, times),
        grace_ms: milliseconds(times.grace),
        failures: times.failures,
    }
}

fn dial(port: u16, ipv6: bool, means: Means, times: &Times) -> Dial {
    Dial {
        port,
        ipv6,
        means,
        delay_ms: milliseconds(times.delay),
        interval_ms: interval(milliseconds(times.interval)),
        timeout_ms: timeout(milliseconds(times.timeout)),
    }
}

fn times_of_health(check: &HealthCheck) -> Times {
    Times {
        delay: check.delay_seconds(),
        grace: check.grace_period_seconds(),
        interval: check.interval_seconds(),
        timeout: check.timeout_seconds(),
        failures: check.consecutive_failures(),
    }
}

/// A check tells each result, so one failure is enough.
fn times_of_check(check: &CheckInfo) -> Times {
    Times {
        delay: check.delay_seconds(),
        grace: 0.0,
        interval: check.interval_seconds(),
        timeout: check.timeout_seconds(),
        failures: 1,
    }
}

/// Source: \[C15\]: a check without a type is of the kind whose member is set.
fn health_subject(check: &HealthCheck) -> Result<Subject<'_>, String> {
    let kind = match check.r#type {
        Some(_) => check.r#type(),
        None if check.http.is_some() => HealthType::Http,
        None => HealthType::Command,
    };
    match (kind, &check.command, &check.http, &check.tcp) {
        (HealthType::Command, Some(command), ..) => Ok(Subject::Command(command)),
        (HealthType::Http, _, Some(http), _) => {
            let (tls, path) = (http.scheme() == "https", http.path());
            port_subject(http.port, http.protocol() == Protocol::IPv6, Some((tls, path)))
        }
        (HealthType::Tcp, _, _, Some(tcp)) => {
            port_subject(tcp.port, tcp.protocol() == Protocol::IPv6, None)
        }
        _ => Err("the health check does not say what to check".to_owned()),
    }
}

fn check_subject(check: &CheckInfo) -> Result<Subject<'_>, String> {
    match (check.r#type(), &check.command, &check.http, &check.tcp) {
        (CheckType::Command, Some(command), ..) => Ok(Subject::Command(&command.command)),
        (CheckType::Http, _, Some(http), _) => {
            port_subject(http.port, false, Some((false, http.path())))
        }
        (CheckType::Tcp, _, _, Some(tcp)) => port_subject(tcp.port, false, None),
        _ => Err("the check does not say what to check".to_owned()),
    }
}

/// A port, and over HTTP whether through TLS, and the path.
fn port_subject(
    port: u32,
    ipv6: bool,
    http: Option<(bool, &str)>,
) -> Result<Subject<'static>, String> {
    let given = u16::try_from(port).ok().filter(|port| *port > 0);
    let port = given.ok_or_else(|| format!("a check needs a port, which {port} is not"))?;
    let means = match http {
        None => Means::Tcp,
        Some((tls, path)) => Means::Http { tls, path: request_path(path) },
    };
    match &means {
        Means::Http { path, .. } if path.len() > limits::CHECK_PATH_BYTES_MAX => Err(format!(
            "the path of an HTTP check may have {} bytes at most",
            limits::CHECK_PATH_BYTES_MAX
        )),
        _ => Ok(Subject::Port { port, ipv6, means }),
    }
}

/// A command as a task definition has it, in the environment that it asks for.
fn command_words(command: &CommandInfo) -> Vec<Str> {
    let value: Str = command.value.clone().unwrap_or_default().into();
    let variables = command.environment.iter().flat_map(|environment| &environment.variables);
    let variables: Vec<Str> =
        variables.map(|one| format!("{}={}", one.name, one.value()).into()).collect();
    let arguments = command.arguments.iter().skip(1).map(|word| Str::from(word.as_str()));
    if command.shell() && variables.is_empty() {
        return vec!["CMD-SHELL".into(), value];
    }
    let mut words: Vec<Str> = vec!["CMD".into()];
    if !variables.is_empty() {
        words.push("env".into());
        words.extend(variables);
    }
    if command.shell() {
        words.extend(["/bin/sh".into(), "-c".into(), value]);
    } else {
        words.push(value);
        words.extend(arguments);
    }
    words
}

/// A command in the container that finds out whether a port answers. For HTTP the image needs curl or wget, for TCP grep.
fn stand_in(port: u16, ipv6: bool, means: &Means) -> Vec<Str> {
    let command = match means {
        Means::Http { tls, path } => {
            let scheme = if *tls { "https" } else { "http" };
            let host = if ipv6 { "[::1]" } else { "127.0.0.1" };
            let unproven = if *tls { " --no-check-certificate" } else { "" };
            // The path has no quotes and no blanks.
            let url = format!("'{scheme}://{host}:{port}{path}'");
            format!(
                "if command -v curl >/dev/null; then code=$(curl -sLkg -o /dev/null -w '%{{http_code}}' {url}) && [ \"$code\" -ge 200 ] && [ \"$code\" -lt 400 ]; else wget -q -O /dev/null{unproven} {url}; fi"
            )
        }
        Means::Tcp => {
            let tables = if ipv6 { "/proc/net/tcp6" } else { "/proc/net/tcp /proc/net/tcp6" };
            // Whoever listens has no peer, and the state 0A.
            format!("cat {tables} 2>/dev/null | grep -q ':{port:04X} 0*:0000 0A'")
        }
    };
    vec!["CMD-SHELL".into(), command.into()]
}

/// A health check as ECS has it: whole seconds within bounds of its own, and at most 10 failures. For more it looks less often, so that
/// they take as long.
fn contained(command: Vec<Str>, times: &Times) -> EcsHealthCheck {
    const FAILURES_MAX: u32 = 10;
    let seconds = |given: f64, least: i32, most: i32| {
        #[expect(clippy::cast_possible_truncation, reason = "clamped to a few hundred first")]
        let whole = given.ceil().clamp(f64::from(least), f64::from(most)) as i32;
        whole
    };
    let failures = times.failures.clamp(1, FAILURES_MAX);
    let stretch = f64::from(times.failures.max(1)) / f64::from(failures);
    // Source: \[A10\]: 0 is no limit.
    let timeout = if times.timeout > 0.0 { times.timeout } else { f64::from(TIMEOUT_S.1) };
    EcsHealthCheck {
        command: Some(command),
        interval: Some(seconds(times.interval * stretch, INTERVAL_S.0, INTERVAL_S.1)),
        timeout: Some(seconds(timeout, TIMEOUT_S.0, TIMEOUT_S.1)),
        retries: i32::try_from(failures).ok(),
        start_period: Some(seconds(times.grace + times.delay, 0, START_PERIOD_S_MAX)),
    }
}

/// Source: ECS API reference, `HealthCheck`: least and most seconds.
const INTERVAL_S: (i32, i32) = (5, 300);
const TIMEOUT_S: (i32, i32) = (2, 60);
const START_PERIOD_S_MAX: i32 = 300;
