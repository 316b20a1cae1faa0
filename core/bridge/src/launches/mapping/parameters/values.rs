//! The values of `docker run`'s options. Each error completes a sentence about the parameter.

use longshore_wire_ecs::Str;
use longshore_wire_ecs::shape::container_definition::{
    Device, HostEntry, SystemControl, Tmpfs, Ulimit,
};

use super::ULIMITS;

pub(super) fn flag(value: &str) -> Result<bool, String> {
    match value {
        "" | "true" | "True" | "TRUE" | "t" | "T" | "1" => Ok(true),
        "false" | "False" | "FALSE" | "f" | "F" | "0" => Ok(false),
        _ => Err("it is neither true nor false".to_owned()),
    }
}

/// Bytes with a unit, as MiB, rounded up.
pub(super) fn mib(value: &str) -> Result<i32, String> {
    let wrong = || "it is no size such as 64m".to_owned();
    let end = value.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    let (digits, unit) = value.split_at(end);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    i32::try_from(bytes.ok_or_else(wrong)?.div_ceil(1 << 20)).map_err(|_| wrong())
}

/// Docker counts memory and swap together, ECS swap alone. Zero is as if it were not given.
pub(super) fn swap(value: &str, memory_mib: u32) -> Result<Option<i32>, String> {
    if value.starts_with('-') {
        return Err("swap without a bound is not possible there".to_owned());
    }
    let both = mib(value)?;
    let memory = i32::try_from(memory_mib).unwrap_or(i32::MAX);
    match both {
        0 => Ok(None),
        both if both < memory => Err(format!("it is less than the {memory} MiB of memory")),
        both => Ok(Some(both - memory)),
    }
}

/// `NAME=SOFT[:HARD]`.
pub(super) fn ulimit(value: &str) -> Result<Ulimit, String> {
    let (name, bounds) = value.split_once('=').ok_or("it is not NAME=SOFT:HARD")?;
    if !ULIMITS.contains(&name) {
        return Err(format!("it has {}", ULIMITS.join(", ")));
    }
    let (soft, hard) = bounds.split_once(':').unwrap_or((bounds, bounds));
    let bound = |text: &str| text.parse::<i32>().map_err(|_| format!("'{text}' is no such limit"));
    Ok(Ulimit {
        name: Some(name.into()),
        soft_limit: Some(bound(soft)?),
        hard_limit: Some(bound(hard)?),
    })
}

/// `NAME:ADDRESS`.
pub(super) fn host(value: &str) -> Result<HostEntry, String> {
    let (name, address) = value.split_once(['=', ':']).ok_or("it is not NAME:ADDRESS")?;
    Ok(HostEntry { hostname: Some(name.into()), ip_address: Some(address.into()) })
}

/// `NAME=VALUE`.
pub(super) fn control(value: &str) -> Result<SystemControl, String> {
    let (name, value) = value.split_once('=').ok_or("it is not NAME=VALUE")?;
    Ok(SystemControl { namespace: Some(name.into()), value: Some(value.into()) })
}

/// Docker takes `KIND=VALUE` and, from of old, `KIND:VALUE`; ECS takes the latter. Source: ECS API reference,
/// `dockerSecurityOptions`.
pub(super) fn security_option(value: &str) -> Result<Str, String> {
    let (kind, rest) = value.split_once(['=', ':']).unwrap_or((value, ""));
    match kind {
        "no-new-privileges" if matches!(rest, "" | "true") => Ok(kind.into()),
        "apparmor" | "label" | "credentialspec" => Ok(format!("{kind}:{rest}").into()),
        _ => Err("it has no-new-privileges, apparmor, label and credentialspec".to_owned()),
    }
}

/// `HOST[:CONTAINER[:rwm]]`.
pub(super) fn device(value: &str) -> Result<Device, String> {
    let mut parts = value.split(':');
    let host = parts.next().unwrap_or_default();
    let is_permissions = |part: &str| part.bytes().all(|byte| b"rwm".contains(&byte));
    let (inside, permissions) = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => (host, None),
        (Some(part), None, _) if is_permissions(part) => (host, Some(part)),
        (Some(inside), permissions, None) => (inside, permissions),
        _ => return Err("it has too many colons".to_owned()),
    };
    let word = |letter: char| match letter {
        'r' => Ok(Str::from("read")),
        'w' => Ok("write".into()),
        'm' => Ok("mknod".into()),
        other => Err(format!("there is no permission '{other}'")),
    };
    let permissions = permissions.map(|letters| letters.chars().map(word).collect());
    Ok(Device {
        host_path: Some(host.into()),
        container_path: Some(inside.into()),
        permissions: permissions.transpose()?,
    })
}

/// `PATH:OPTIONS`, among them the size, which ECS must know.
pub(super) fn tmpfs(value: &str) -> Result<Tmpfs, String> {
    let (path, options) = value.split_once(':').unwrap_or((value, ""));
    let (sizes, others): (Vec<&str>, Vec<&str>) = options
        .split(',')
        .filter(|option| !option.is_empty())
        .partition(|option| option.starts_with("size="));
    let size = sizes.last().and_then(|size| size.strip_prefix("size="));
    Ok(Tmpfs {
        container_path: Some(path.into()),
        size: Some(mib(size.ok_or("it needs a size, such as /run:size=64m")?)?),
        mount_options: (!others.is_empty()).then(|| others.into_iter().map(Str::from).collect()),
    })
}
