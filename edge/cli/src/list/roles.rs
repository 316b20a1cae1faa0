//! `longshore roles`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use longshore_wire_mesos::v1::quota::QuotaConfig;
use longshore_wire_mesos::v1::{Role, value};
use serde_json::{Value, json};

use super::amounts::{Amounts, number};
use crate::args::MasterListArgs;
use crate::mesos::Master;
use crate::output::{Column, table};

const COLUMNS: [Column; 7] = [
    Column::whole("ROLE", 0),
    Column::whole("WEIGHT", 2),
    Column::whole("FRAMEWORKS", 1),
    Column::whole("CPUS", 0),
    Column::whole("MB", 0),
    Column::text("GUARANTEED", 4),
    Column::text("LIMIT", 3),
];

/// Lists roles: what their frameworks use or are offered, and what an operator has set.
pub(crate) async fn roles(args: MasterListArgs, json: bool) -> anyhow::Result<ExitCode> {
    let master = Master::of(&args.master)?;
    let found = master.read("GET_ROLES").await?.get_roles.unwrap_or_default().roles;
    let quota = master.read("GET_QUOTA").await?.get_quota.unwrap_or_default();
    let quota = quota.status.configs.into_iter().map(|one| (one.role.clone(), one));
    let quota: BTreeMap<String, QuotaConfig> = quota.collect();
    if json {
        for role in &found {
            crate::output::say!("{}", document(role, quota.get(&role.name)));
        }
    } else {
        let row = |role: &Role| row(role, quota.get(&role.name));
        table(&COLUMNS, &found.iter().map(row).collect::<Vec<_>>());
    }
    Ok(ExitCode::SUCCESS)
}

/// `cpus:4, mem:1024`
fn amounts<'a>(of: impl IntoIterator<Item = (&'a String, &'a value::Scalar)>) -> String {
    let one =
        |(name, scalar): (&String, &value::Scalar)| format!("{name}:{}", number(scalar.value));
    of.into_iter().map(one).collect::<Vec<_>>().join(", ")
}

fn row(role: &Role, quota: Option<&QuotaConfig>) -> Vec<String> {
    let held = Amounts::of(&role.resources);
    vec![
        role.name.clone(),
        number(role.weight),
        role.frameworks.len().to_string(),
        held.cell("cpus"),
        held.cell("mem"),
        quota.map(|quota| amounts(&quota.guarantees)).unwrap_or_default(),
        quota.map(|quota| amounts(&quota.limits)).unwrap_or_default(),
    ]
}

fn document(role: &Role, quota: Option<&QuotaConfig>) -> Value {
    let numbers = |of: &BTreeMap<String, value::Scalar>| -> BTreeMap<String, f64> {
        of.iter().map(|(name, scalar)| (name.clone(), scalar.value)).collect()
    };
    let frameworks: Vec<&str> = role.frameworks.iter().map(|id| &*id.value).collect();
    json!({
        "role": role.name, "weight": role.weight, "frameworks": frameworks,
        "resources": Amounts::of(&role.resources).document(),
        "guarantees": quota.map(|quota| numbers(&quota.guarantees)), "limits": quota.map(|quota| numbers(&quota.limits)),
    })
}
