//! For which role the resources of a task are allocated, and that there are enough.

use longshore_wire_mesos::v1::TaskInfo;

use crate::amounts::Amounts;

/// Checks that a task asks for no more than is left of its offer, and for nothing that is allocated to another role. Source:
/// \[C15\], \[L8\] row 16: what names no allocation has that of the offer.
///
/// # Errors
/// The text of the `TASK_ERROR`.
pub(super) fn allocated(
    task: &TaskInfo,
    role: &str,
    claim: &Amounts,
    left: &Amounts,
) -> Result<(), String> {
    let given =
        task.resources.iter().filter_map(|one| one.allocation_info.as_ref()?.role.as_deref());
    match given.into_iter().find(|given| *given != role) {
        Some(other) => Err(too_much(Of::Task, (claim, other), (left, role))),
        None if left.contains(claim) => Ok(()),
        None => Err(too_much(Of::Task, (claim, role), (left, role))),
    }
}

/// Whose resources a text is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of {
    Task,
    Group,
}

/// That a claim is not in what is left, each with the role that it is allocated to.
pub(crate) fn too_much(of: Of, claim: (&Amounts, &str), left: (&Amounts, &str)) -> String {
    let (claim, left) = (print(claim.0, claim.1), print(left.0, left.1));
    let asks = match of {
        Of::Task => "task and its executor is",
        Of::Group => "task group and its executor are",
    };
    format!("Total resources {claim} required by {asks} more than available {left}")
}

/// Amounts as Mesos prints those that are allocated to a role, in the order in which agents list them.
fn print(amounts: &Amounts, role: &str) -> String {
    const ORDER: [&str; 4] = ["ports", "cpus", "mem", "disk"];
    let role = crate::words::shortened(role);
    let amounts = amounts.shortened();
    let mut parts: Vec<(usize, String)> = amounts
        .split("; ")
        .map(|part| match part.split_once(':') {
            Some((name, value)) => {
                let at = ORDER.iter().position(|one| *one == name).unwrap_or(ORDER.len());
                (at, format!("{name}(allocated: {role}):{value}"))
            }
            None => (usize::MAX, part.to_owned()),
        })
        .collect();
    parts.sort_by_key(|(at, _)| *at);
    parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>().join("; ")
}
