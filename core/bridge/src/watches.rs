//! How a task is watched, as its framework wants it: what is dialled, and what the health check of its container stands for.
//!
//! It outlives a restart in the environment overrides of the ECS task, where it is written once and never by a framework.
//!
//! Source: Mesos, `HealthCheck` and `CheckInfo`; rules \[A10\], \[A11\].

use longshore_wire_ecs::Str;
use serde_json::{Value, json};

use crate::limits;
use crate::probe::Means;

/// What is dialled, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dial {
    /// The port as the task knows it.
    pub(crate) port: u16,
    /// Whether only IPv6 will do.
    pub(crate) ipv6: bool,
    pub(crate) means: Means,
    /// Before the first.
    pub(crate) delay_ms: u64,
    /// From the end of one to the next.
    pub(crate) interval_ms: u64,
    pub(crate) timeout_ms: u64,
}

/// A health check that is dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HealthDial {
    pub(crate) dial: Dial,
    /// How long failures before the first success do not count.
    pub(crate) grace_ms: u64,
    /// How many failures in a row end the task.
    pub(crate) failures: u32,
}

/// Which of the two a probe is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    Health,
    Check,
}

/// What a check finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckKind {
    Command,
    Http,
    Tcp,
}

/// How a check is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CheckBy {
    Dial(Dial),
    /// It is the health check of the container, which tells no more than success or failure.
    Container(CheckKind),
}

impl CheckBy {
    pub(crate) fn kind(&self) -> CheckKind {
        match self {
            Self::Container(kind) => *kind,
            Self::Dial(Dial { means: Means::Tcp, .. }) => CheckKind::Tcp,
            Self::Dial(Dial { means: Means::Http { .. }, .. }) => CheckKind::Http,
        }
    }
}

/// How a task is watched. A health check that its container makes is not told here: ECS tells it as the health of the task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watches {
    pub(crate) health: Option<HealthDial>,
    pub(crate) check: Option<CheckBy>,
}

impl Watches {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether what ECS says of the task's health is the verdict of a Mesos health check, or of a check that only its definition has.
    pub(crate) fn ecs_tells_health(&self) -> bool {
        self.health.is_none() && !matches!(self.check, Some(CheckBy::Container(_)))
    }

    /// As text for an environment variable.
    pub(crate) fn written(&self) -> String {
        let health = self.health.as_ref().map(|health| {
            let HealthDial { dial, grace_ms, failures } = health;
            json!({"dial": write_dial(dial), "grace": grace_ms, "failures": failures})
        });
        let check = self.check.as_ref().map(|check| match check {
            CheckBy::Dial(dial) => json!({"dial": write_dial(dial)}),
            CheckBy::Container(kind) => json!({"container": kind.word()}),
        });
        let members = [("health", health), ("check", check)].into_iter();
        let members = members.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(members.collect()).to_string()
    }

    /// Reads such text. What cannot be read is as if it were not there: the environment of a task may be anybody's.
    pub(crate) fn read(text: &str) -> Self {
        let Ok(all) = serde_json::from_str::<Value>(text) else { return Self::default() };
        let health = all.get("health").and_then(|health| {
            Some(HealthDial {
                dial: read_dial(health.get("dial")?)?,
                grace_ms: number(health, "grace")?,
                failures: u32::try_from(number(health, "failures")?).ok()?,
            })
        });
        let check = all.get("check").and_then(|check| match check.get("dial") {
            Some(dial) => read_dial(dial).map(CheckBy::Dial),
            None => CheckKind::of(check.get("container")?.as_str()?).map(CheckBy::Container),
        });
        Self { health, check }
    }
}

impl CheckKind {
    fn word(self) -> &'static str {
        match self {
            Self::Command => "COMMAND",
            Self::Http => "HTTP",
            Self::Tcp => "TCP",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Command, Self::Http, Self::Tcp].into_iter().find(|kind| kind.word() == word)
    }
}

fn write_dial(dial: &Dial) -> Value {
    let Dial { port, ipv6, means, delay_ms, interval_ms, timeout_ms } = dial;
    let mut all = json!({"port": port, "delay": delay_ms, "every": interval_ms, "for": timeout_ms});
    if *ipv6 {
        all["ipv6"] = true.into();
    }
    if let Means::Http { tls, path } = means {
        all["path"] = (&**path).into();
        all["tls"] = (*tls).into();
    }
    all
}

fn read_dial(from: &Value) -> Option<Dial> {
    let means = match from.get("path") {
        None => Means::Tcp,
        Some(path) => Means::Http {
            tls: from.get("tls").and_then(Value::as_bool).unwrap_or_default(),
            path: request_path(path.as_str()?),
        },
    };
    Some(Dial {
        port: u16::try_from(number(from, "port")?).ok().filter(|port| *port > 0)?,
        ipv6: from.get("ipv6").and_then(Value::as_bool).unwrap_or_default(),
        means,
        delay_ms: number(from, "delay")?.min(limits::CHECK_MS_MAX),
        interval_ms: interval(number(from, "every")?),
        timeout_ms: timeout(number(from, "for")?),
    })
}

fn number(from: &Value, name: &str) -> Option<u64> {
    from.get(name)?.as_u64()
}

/// Seconds as milliseconds, within what anyone waits for.
pub(crate) fn milliseconds(seconds: f64) -> u64 {
    #[expect(clippy::cast_precision_loss, reason = "a bound of less than 2^53")]
    let most = limits::CHECK_MS_MAX as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the bound first; NaN becomes 0"
    )]
    let whole = (seconds * 1000.0).ceil().clamp(0.0, most) as u64;
    whole
}

/// An interval that leaves time for others.
pub(crate) fn interval(ms: u64) -> u64 {
    ms.clamp(limits::PROBE_INTERVAL_MS_MIN, limits::CHECK_MS_MAX)
}

/// How long a probe may take. Source: \[A10\]: 0 is no limit, which here is the longest.
pub(crate) fn timeout(ms: u64) -> u64 {
    if ms == 0 { limits::PROBE_TIMEOUT_MS_MAX } else { ms.min(limits::PROBE_TIMEOUT_MS_MAX) }
}

/// A path in characters that a request may hold. The rest is escaped, and what follows a `#` is left out, as a request does not have it.
pub(crate) fn request_path(path: &str) -> Str {
    let path = path.split('#').next().filter(|path| !path.is_empty()).unwrap_or("/");
    let mut escaped = String::with_capacity(path.len() + 1);
    if !path.starts_with('/') {
        escaped.push('/');
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&()*+,;=%".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dial(means: Means) -> Dial {
        Dial {
            port: 31_000,
            ipv6: means == Means::Tcp,
            means,
            delay_ms: 15_000,
            interval_ms: 10_000,
            timeout_ms: 20_000,
        }
    }

    #[test]
    fn how_a_task_is_watched_is_read_as_it_was_written() {
        let http = || dial(Means::Http { tls: true, path: "/ready?a='b'".into() });
        let http = || Dial {
            means: match http().means {
                Means::Http { tls, path } => Means::Http { tls, path: request_path(&path) },
                Means::Tcp => Means::Tcp,
            },
            ..http()
        };
        let health = || HealthDial { dial: http(), grace_ms: 10_000, failures: u32::MAX };
        for check in [
            None,
            Some(CheckBy::Dial(dial(Means::Tcp))),
            Some(CheckBy::Container(CheckKind::Command)),
            Some(CheckBy::Container(CheckKind::Tcp)),
        ] {
            for health in [None, Some(health())] {
                let watches = Watches { health, check: check.clone() };
                assert_eq!(Watches::read(&watches.written()), watches);
            }
        }
    }

    #[test]
    fn what_was_not_written_by_us_watches_nothing_or_within_bounds() {
        for text in [
            "",
            "7",
            "[]",
            "{",
            r#"{"health":{"dial":{"port":70000,"delay":1,"every":1,"for":1},"grace":1,"failures":1}}"#,
            r#"{"health":{"dial":{"port":0,"delay":1,"every":1,"for":1},"grace":1,"failures":1}}"#,
            r#"{"check":{"container":"MAGIC"}}"#,
            r#"{"check":{"dial":{"port":-1}}}"#,
        ] {
            assert_eq!(Watches::read(text), Watches::default(), "{text}");
        }
        let hasty =
            r#"{"check":{"dial":{"port":1,"delay":0,"every":0,"for":99999999,"path":"x y"}}}"#;
        let Some(CheckBy::Dial(read)) = Watches::read(hasty).check else { panic!("it is one") };
        assert_eq!(read.interval_ms, limits::PROBE_INTERVAL_MS_MIN);
        assert_eq!(read.timeout_ms, limits::PROBE_TIMEOUT_MS_MAX);
        assert_eq!(read.means, Means::Http { tls: false, path: "/x%20y".into() });
    }

    #[test]
    fn a_path_holds_nothing_that_could_end_a_request_line_or_a_quoted_word() {
        for (path, wanted) in [
            ("", "/"),
            ("/ready?full=1", "/ready?full=1"),
            ("/a b\r\nHost: x", "/a%20b%0D%0AHost:%20x"),
            ("/ä#top", "/%C3%A4"),
            ("#top", "/"),
            ("/';reboot;'", "/%27;reboot;%27"),
            ("/%20", "/%20"),
        ] {
            assert_eq!(&*request_path(path), wanted, "{path}");
        }
    }

    #[test]
    fn seconds_of_any_size_are_milliseconds_within_bounds() {
        for (seconds, ms) in [
            (0.0, 0),
            (0.0001, 1),
            (1.5, 1_500),
            (f64::INFINITY, limits::CHECK_MS_MAX),
            (f64::NAN, 0),
            (-1.0, 0),
        ] {
            assert_eq!(milliseconds(seconds), ms, "{seconds}");
        }
    }
}
