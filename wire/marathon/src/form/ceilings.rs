//! `resourceLimits`: how much more than it claims an instance may use. Source: frameworks.md 3.1; Marathon 1.11, `resources.raml`.

use serde::{Deserialize, Serialize};

use super::app::App;
use super::error::Detail;

/// The most that an instance may use; what is left out is what it claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceLimits {
    /// CPUs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Ceiling>,
    /// Memory, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem: Option<Ceiling>,
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be a number, or 'unlimited'")]
pub enum Ceiling {
    /// So much.
    Number(f64),
    /// The word for none.
    Word(Unlimited),
}

/// The word `unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlimited {
    /// There is no limit.
    Unlimited,
}

/// The largest limit that is a number. Source: chosen by us: far more than a machine has, and exact in thousandths.
const NUMBER_MAX: f64 = 1e9;

/// What is wrong with the limits of an app.
pub(super) fn wrong(app: &App) -> Vec<Detail> {
    wrong_of(app.resource_limits, app.cpus, app.mem, "")
}

/// What is wrong with limits of what is at a path, beside what it claims. Source: Mesos, `master/validation.cpp`: no limit without a claim,
/// and none below it.
pub(super) fn wrong_of(
    limits: Option<ResourceLimits>,
    cpus: f64,
    mem: f64,
    above: &str,
) -> Vec<Detail> {
    let limits = limits.unwrap_or_default();
    let each = [("cpus", limits.cpus, cpus), ("mem", limits.mem, mem)];
    let of = |(name, limit, claim): (&str, Option<Ceiling>, f64)| {
        let text = match limit? {
            _ if claim < 0.001 => format!("needs {name} of at least 0.001"),
            Ceiling::Number(number) if !(claim..=NUMBER_MAX).contains(&number) => {
                format!("must be {claim}, which is claimed, to {NUMBER_MAX}, or 'unlimited'")
            }
            _ => return None,
        };
        Some(Detail::new(format!("{above}/resourceLimits/{name}"), text))
    };
    each.into_iter().filter_map(of).collect()
}
