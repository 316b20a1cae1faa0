//! For which role the resources of a task are allocated.

use longshore_wire_mesos::v1::TaskInfo;

use crate::amounts::Amounts;

/// Checks that a task asks for nothing that is allocated to another role than its offer. Source: \[C15\], \[L8\] row 16: what names no
/// allocation has that of the offer.
///
/// # Errors
/// The text of the `TASK_ERROR`.
pub(crate) fn allocated(
    task: &TaskInfo,
    role: &str,
    claim: &Amounts,
    left: &Amounts,
) -> Result<(), String> {
    let given =
        task.resources.iter().filter_map(|one| one.allocation_info.as_ref()?.role.as_deref());
    let Some(other) = given.into_iter().find(|given| *given != role) else { return Ok(()) };
    Err(format!(
        "Total resources {} required by task and its executor is more than available {}",
        print(claim, other),
        print(left, role)
    ))
}

/// Amounts as Mesos prints those that are allocated to a role.
fn print(amounts: &Amounts, role: &str) -> String {
    let role = crate::words::shortened(role);
    let amounts = amounts.shortened();
    let parts = amounts.split("; ").map(|part| match part.split_once(':') {
        Some((name, value)) => format!("{name}(allocated: {role}):{value}"),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("; ")
}
