//! What operators have decided about an agent, and the words for it in an attribute of ECS: `gone:1700000000123`.
//!
//! Source: the ECS API reference, *Attribute*: a value has at most 128 letters, digits and `- _ . @ / \ :` and spaces.

use longshore_machine::Timestamp;

const IN_USE: &str = "active";
const DRAINING: &str = "draining";
const DRAINED: &str = "drained";

/// What an agent is that is not simply in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing of it is offered; its tasks go on.
    Deactivated,
    /// The same, and its tasks are killed.
    Draining(Drain),
    /// It must not come back.
    Gone,
    /// Its machine is away for maintenance.
    Down,
}

/// How an agent is drained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drain {
    /// Whether nothing runs there any more.
    pub(crate) is_done: bool,
    /// The time that tasks are given at most, in ms.
    pub(crate) max_grace_ms: Option<u64>,
    /// Whether it is marked gone in the end.
    pub(crate) mark_gone: bool,
    pub(crate) started_at: Timestamp,
}

/// What was decided last about an agent, as ECS holds it.
///
/// A change that ECS was asked for long ago may be made after later ones, and several masters may decide about one agent: the decision
/// that was made last counts, whatever ECS was told last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// `None` if it is in use again.
    pub(crate) standing: Option<Standing>,
    /// When it was decided, in ms since the epoch; later than what it takes the place of, whatever clocks say.
    pub(crate) version: u64,
}

impl Mark {
    /// As it is written.
    pub(crate) fn text(&self) -> String {
        let standing = self.standing.as_ref().map_or_else(|| IN_USE.to_owned(), Standing::text);
        format!("{standing}:{}", self.version)
    }

    /// Reads what [`Mark::text`] writes. What anybody else wrote there says nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (standing, version) = text.rsplit_once(':')?;
        let version = version.parse().ok()?;
        let standing = if standing == IN_USE { None } else { Some(Standing::parse(standing)?) };
        Some(Self { standing, version })
    }
}

impl Standing {
    /// As it is written.
    fn text(&self) -> String {
        match self {
            Self::Deactivated => "deactivated".to_owned(),
            Self::Gone => "gone".to_owned(),
            Self::Down => "down".to_owned(),
            Self::Draining(drain) => {
                let grace = drain.max_grace_ms.map_or_else(|| "-".to_owned(), |ms| ms.to_string());
                let end = if drain.mark_gone { "gone" } else { "keep" };
                let how_far = if drain.is_done { DRAINED } else { DRAINING };
                format!("{how_far}:{}:{grace}:{end}", drain.started_at.wall().millis())
            }
        }
    }

    /// Reads what [`Standing::text`] writes. What anybody else wrote there says nothing.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let kind = parts.next()?;
        let standing = match kind {
            // The schedule that would bring it up again is forgotten by now.
            "deactivated" | "down" => Self::Deactivated,
            "gone" => Self::Gone,
            DRAINING | DRAINED => {
                let started_at = Timestamp::from_millis(parts.next()?.parse().ok()?);
                let max_grace_ms = match parts.next()? {
                    "-" => None,
                    ms => Some(ms.parse().ok()?),
                };
                let mark_gone = match parts.next()? {
                    "gone" => true,
                    "keep" => false,
                    _ => return None,
                };
                let is_done = kind == DRAINED;
                Self::Draining(Drain { is_done, max_grace_ms, mark_gone, started_at })
            }
            _ => return None,
        };
        parts.next().is_none().then_some(standing)
    }
}
