//! `longshore offers`.

use std::process::ExitCode;

use longshore_wire_mesos::v1::Offer;
use serde_json::{Value, json};

use super::amounts::Amounts;
use crate::args::MasterListArgs;
use crate::mesos::Master;
use crate::output::{Column, table};

const COLUMNS: [Column; 9] = [
    Column::id("OFFER", 2),
    Column::id("FRAMEWORK", 0),
    Column::whole("ROLE", 1),
    Column::id("AGENT", 4),
    Column::whole("HOST", 0),
    Column::whole("CPUS", 0),
    Column::whole("MB", 0),
    Column::whole("DISK", 3),
    Column::text("PORTS", 5),
];

/// Lists the offers that frameworks hold.
pub(crate) async fn offers(args: MasterListArgs, json: bool) -> anyhow::Result<ExitCode> {
    let master = Master::of(&args.master)?;
    let answer = master.read("GET_FRAMEWORKS").await?.get_frameworks.unwrap_or_default();
    let found = answer.frameworks.iter().flat_map(|framework| &framework.offers);
    if json {
        for offer in found {
            crate::output::say!("{}", document(offer));
        }
    } else {
        table(&COLUMNS, &found.map(row).collect::<Vec<_>>());
    }
    Ok(ExitCode::SUCCESS)
}

fn role(offer: &Offer) -> &str {
    let allocation = offer.allocation_info.as_ref();
    allocation.and_then(|allocation| allocation.role.as_deref()).unwrap_or_default()
}

fn row(offer: &Offer) -> Vec<String> {
    let amounts = Amounts::of(&offer.resources);
    vec![
        offer.id.value.clone(),
        offer.framework_id.value.clone(),
        role(offer).to_owned(),
        offer.agent_id.value.clone(),
        offer.hostname.clone(),
        amounts.cell("cpus"),
        amounts.cell("mem"),
        amounts.cell("disk"),
        amounts.ports(),
    ]
}

fn document(offer: &Offer) -> Value {
    json!({
        "offer": offer.id.value, "framework": offer.framework_id.value, "role": role(offer),
        "agent": offer.agent_id.value, "hostname": offer.hostname, "resources": Amounts::of(&offer.resources).document(),
    })
}
