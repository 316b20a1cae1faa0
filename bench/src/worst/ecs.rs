//! The ECS API: each operation with its worst body.

mod bodies;
mod services;
mod town;

use anyhow::{Result, bail};
use longshore_control::Output;
use serde_json::Value;

use self::town::Town;
use super::{ROUNDS, Sheet};

/// One operation with one of its worst bodies.
struct Case {
    /// The operation, and after a colon which body it is.
    name: &'static str,
    /// Part of the error message, if the body is rejected.
    refused: Option<&'static str>,
    /// Builds the body; each round gets another one if a request cannot be repeated.
    body: fn(&mut Town, usize) -> Result<Value>,
}

/// A case that is accepted.
const fn taken(name: &'static str, body: fn(&mut Town, usize) -> Result<Value>) -> Case {
    Case { name, refused: None, body }
}

/// A case that is rejected.
const fn refused(
    name: &'static str,
    with: &'static str,
    body: fn(&mut Town, usize) -> Result<Value>,
) -> Case {
    Case { name, refused: Some(with), body }
}

pub(crate) fn run(sheet: &mut Sheet) -> Result<()> {
    let mut town = Town::new()?;
    for case in bodies::CASES.iter().chain(services::CASES) {
        let operation = case.name.split(':').next().unwrap_or(case.name);
        let mut inputs = Vec::new();
        for round in 0..ROUNDS {
            let body = (case.body)(&mut town, round)?;
            inputs.push(town.input(operation, &body)?);
        }
        let Town { control, now, .. } = &mut town;
        sheet.measure(case.name, control, now, inputs, |out| answered(case, out))?;
        town.pass(1_000);
    }
    Ok(())
}

/// Checks that a call was accepted or rejected as expected.
fn answered(case: &Case, out: Vec<Output>) -> Result<()> {
    for output in out {
        let Output::Reply(_, reply) = output else { continue };
        match (reply, case.refused) {
            (Ok(_), None) => {}
            (Ok(_), Some(_)) => bail!("it is taken"),
            (Err(error), Some(with)) if error.message.contains(with) => {}
            (Err(error), _) => bail!("it is refused: {:.200}", error.message),
        }
    }
    Ok(())
}
