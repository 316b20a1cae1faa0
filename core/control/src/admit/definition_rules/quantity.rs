//! Parses task-level sizes. Source: ECS API reference, `RegisterTaskDefinition.cpu` and `.memory`.

use longshore_wire_ecs::ApiError;

/// Parses `1024`, `1 vCPU` or `.5 vcpu` as CPU units.
///
/// # Errors
/// `ClientException` when the text has none of these forms or is outside 1 to 196608.
pub(in crate::admit) fn cpu_units(text: &str) -> Result<u32, ApiError> {
    scaled(text, "vcpu", 1024)
        .filter(|units| (1..=196_608).contains(units))
        .ok_or_else(|| ApiError::client("Invalid 'cpu' setting for task."))
}

/// Parses `512`, `2GB` or `2 gb` as MiB.
///
/// # Errors
/// `ClientException` when the text has none of these forms or is zero.
pub(in crate::admit) fn memory_mib(text: &str) -> Result<u32, ApiError> {
    scaled(text, "gb", 1024)
        .filter(|mib| *mib > 0)
        .ok_or_else(|| ApiError::client("Invalid 'memory' setting for task."))
}

/// Sizes available on Fargate: CPU units, then minimum, maximum and step of memory in MiB. Source:
/// ECS developer guide, *Task size*.
const FARGATE: [(u32, u32, u32, u32); 7] = [
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];

/// Sizes that do not follow a step: CPU units and MiB. Source: ECS developer guide, *Task size*.
const FARGATE_LARGEST: (u32, [u32; 3]) = (32_768, [61_440, 122_880, 249_856]);

/// Checks that Fargate supports a size.
///
/// # Errors
/// `ClientException` when it does not. 256 units with 1536 MiB is the only gap in the steps;
/// Windows needs at least one vCPU.
pub(super) fn fargate(cpu: u32, memory_mib: u32, windows: bool) -> Result<(), ApiError> {
    let (largest, sizes) = FARGATE_LARGEST;
    let has = (largest == cpu && sizes.contains(&memory_mib))
        || FARGATE.iter().any(|(units, least, most, step)| {
            *units == cpu
                && (*least..=*most).contains(&memory_mib)
                && (memory_mib - least).is_multiple_of(*step)
        });
    if has && (cpu, memory_mib) != (256, 1536) && !(windows && cpu < 1024) {
        return Ok(());
    }
    Err(ApiError::client(format!(
        "No Fargate configuration exists for given values: {cpu} CPU, {memory_mib} memory. See the Amazon ECS documentation for the valid values."
    )))
}

/// Parses a whole number, or a decimal number followed by `unit`, which is multiplied by `worth`.
fn scaled(text: &str, unit: &str, worth: u64) -> Option<u32> {
    let text = text.trim().to_lowercase();
    let Some(number) = text.strip_suffix(unit) else { return text.parse().ok() };
    let (whole, fraction) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 6 {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let fraction: u64 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    u32::try_from(whole.checked_mul(worth)?.checked_add(fraction * worth / scale)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, units) in [("256", 256), ("1 vCPU", 1024), (".5vcpu", 512), ("0.25 vCPU", 256)] {
            assert_eq!(cpu_units(text), Ok(units), "{text}");
        }
        for (text, mib) in [("512", 512), ("2GB", 2048), ("0.5 gb", 512)] {
            assert_eq!(memory_mib(text), Ok(mib), "{text}");
        }
        for text in ["", "x", "-1", "1.2.3 vcpu", "vcpu", ". vcpu", "0", "99999999999"] {
            assert!(cpu_units(text).is_err(), "{text}");
        }
    }
}
