//! What a valid pod is. Source: Marathon 1.11, its validations of pods and `stringTypes.raml`; ADR 0031 for what ECS can run of a group.

use std::collections::BTreeSet;

use super::{Endpoint, MesosCommand, Pod, PodContainer, PodHealthCheck, Resources};
use crate::form::error::Detail;
use crate::form::path::RESERVED;
use crate::form::valid::{Found, constraint};
use crate::form::{UnreachableStrategy, ceilings, is_path, limits, secrets, texts};

/// A year, in s: longer than anything is waited for.
const YEAR: f64 = 365.0 * 86_400.0;
/// The largest amount of a resource. Source: as for apps.
const AMOUNT_MAX: f64 = 1e9;

/// What is wrong with a pod; nothing, if it is valid.
pub(super) fn validate(pod: &Pod) -> Vec<Detail> {
    let mut found = Found(Vec::new());
    identity(pod, &mut found);
    how_many(pod, &mut found);
    scheduling(pod, &mut found);
    networks(pod, &mut found);
    volumes(pod, &mut found);
    for (at, container) in pod.containers.iter().enumerate() {
        let path = format!("/containers({at})");
        container_of(pod, container, &path, &mut found);
    }
    unique(pod, &mut found);
    found.0.extend(secrets::nowhere(&pod.secrets));
    found.0.extend(secrets::unknown(&pod.environment, &pod.secrets, "/environment"));
    found.0.extend(texts::labels(&pod.labels, ""));
    found.0.extend(texts::variables(&pod.environment, "/environment"));
    found.0
}

/// Source: Marathon, `Name` of its RAML.
fn is_name(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_bounded = !name.starts_with('-') && !name.ends_with('-');
    (1..=limits::NAME_CHARACTERS_MAX).contains(&name.len())
        && is_bounded
        && name.chars().all(is_inner)
}

fn named(name: &str, path: String, found: &mut Found) {
    let text = "must be lower case letters, digits and inner dashes, at most 63 characters";
    found.unless(is_name(name), path, text);
}

fn is_long(text: &str) -> bool {
    !(1..=limits::PATH_CHARACTERS_MAX).contains(&text.chars().count())
}

fn identity(pod: &Pod, found: &mut Found) {
    let text = "must be a fully qualified path of labels: lower case letters, digits and dashes, at most 200 characters";
    found.unless(is_path(&pod.id), "/id", text);
    let is_reserved = RESERVED.iter().any(|word| pod.id.rsplit('/').next() == Some(word));
    let text = format!("must not end with a reserved word: {}", RESERVED.join(", "));
    found.unless(!is_reserved, "/id", text);
    let is_nobody = pod.user.as_deref().is_some_and(str::is_empty);
    found.unless(!is_nobody, "/user", "must not be empty");
    let is_nothing = pod.role.as_deref().is_some_and(str::is_empty);
    found.unless(!is_nothing, "/role", "must not be empty");
}

fn how_many(pod: &Pod, found: &mut Found) {
    found.unless(pod.scaling.kind == "fixed", "/scaling/kind", "must be fixed");
    let text = format!("must be at most {}", limits::INSTANCES_MAX);
    found.unless(pod.scaling.instances <= limits::INSTANCES_MAX, "/scaling/instances", text);
    let fetching = pod.containers.iter().filter(|one| !one.artifacts.is_empty()).count();
    let most = limits::POD_CONTAINERS_MAX;
    let text = format!(
        "must be at most {}, and one less for each with artifacts: an ECS task has {most}, of which one is the executor's",
        most - 1
    );
    found.unless(1 + pod.containers.len() + fetching <= most, "/containers", text);
    found.unless(!pod.containers.is_empty(), "/containers", "must not be empty");
    let executor = &pod.executor_resources;
    for (name, amount, least) in
        [("cpus", executor.cpus, 0.1), ("mem", executor.mem, 32.0), ("disk", executor.disk, 10.0)]
    {
        let path = format!("/executorResources/{name}");
        let is_right = (least..=AMOUNT_MAX).contains(&amount);
        found.unless(is_right, path, format!("must be between {least} and 1e9"));
    }
}

fn scheduling(pod: &Pod, found: &mut Found) {
    let of = &pod.scheduling;
    let part = 0.0..=1.0;
    for (path, number, range, text) in [
        ("backoff/backoff", of.backoff.backoff, 0.0..=YEAR, "must be between 0 and a year"),
        (
            "backoff/backoffFactor",
            of.backoff.backoff_factor,
            1.0..=1e6,
            "must be between 1.0 and 1e6",
        ),
        (
            "backoff/maxLaunchDelay",
            of.backoff.max_launch_delay,
            0.0..=YEAR,
            "must be between 0 and a year",
        ),
        (
            "upgrade/minimumHealthCapacity",
            of.upgrade.minimum_health_capacity,
            part.clone(),
            "must be between 0 and 1",
        ),
        (
            "upgrade/maximumOverCapacity",
            of.upgrade.maximum_over_capacity,
            part,
            "must be between 0 and 1",
        ),
    ] {
        found.unless(range.contains(&number), format!("/scheduling/{path}"), text);
    }
    if let UnreachableStrategy::After(after) = &of.unreachable_strategy {
        found.unless(
            after.expunge_after_seconds >= after.inactive_after_seconds,
            "/scheduling/unreachableStrategy/expungeAfterSeconds",
            "must be at least inactiveAfterSeconds",
        );
    }
    let known = ["YOUNGEST_FIRST", "OLDEST_FIRST"].contains(&of.kill_selection.as_str());
    found.unless(known, "/scheduling/killSelection", "must be YOUNGEST_FIRST or OLDEST_FIRST");
    let mut seen = BTreeSet::new();
    for (at, one) in of.placement.constraints.iter().enumerate() {
        let path = format!("/scheduling/placement/constraints({at})");
        let words = one.words();
        constraint(&words, &path, found);
        found.unless(seen.insert(words), path, "must be unique");
    }
}

fn networks(pod: &Pod, found: &mut Found) {
    for (at, network) in pod.networks.iter().enumerate() {
        let path = format!("/networks({at})");
        let text = "must be host: the containers of a pod are on the network of their machine";
        if network.mode != "host" {
            found.unless(false, format!("{path}/mode"), text);
            continue;
        }
        let text = "must be left out: only a container network has one";
        found.unless(network.name.is_none(), format!("{path}/name"), text);
        let text = "must be empty: labels of networks are not passed on";
        found.unless(network.labels.is_empty(), format!("{path}/labels"), text);
    }
    found.unless(pod.networks.len() == 1, "/networks", "must be one");
}

fn volumes(pod: &Pod, found: &mut Found) {
    let mut names = BTreeSet::new();
    for (at, volume) in pod.volumes.iter().enumerate() {
        let path = format!("/volumes({at})");
        named(&volume.name, format!("{path}/name"), found);
        found.unless(names.insert(&volume.name), format!("{path}/name"), "must be unique");
        let is_path = volume.host.as_deref().is_none_or(|host| !is_long(host));
        found.unless(is_path, format!("{path}/host"), "must be a path of at most 1024 characters");
        let mut mounts = pod.containers.iter().flat_map(|one| &one.volume_mounts);
        let is_used = mounts.any(|mount| mount.name == volume.name);
        found.unless(is_used, path, "must be mounted by a container");
    }
}

fn container_of(pod: &Pod, of: &PodContainer, path: &str, found: &mut Found) {
    named(&of.name, format!("{path}/name"), found);
    let most = limits::ID_CHARACTERS_MAX;
    let text = format!("must have at most {most} characters together with the id of the pod");
    found.unless(pod.id.len() + of.name.len() <= most, format!("{path}/name"), text);
    what_runs(of, path, found);
    amounts(&of.resources, &format!("{path}/resources"), found);
    found.0.extend(ceilings::wrong_of(
        of.resource_limits,
        of.resources.cpus,
        of.resources.mem,
        path,
    ));
    for (at, endpoint) in of.endpoints.iter().enumerate() {
        endpoint_of(endpoint, &format!("{path}/endpoints({at})"), found);
    }
    if let Some(check) = &of.health_check {
        check_of(check, &of.endpoints, &format!("{path}/healthCheck"), found);
    }
    let is_nobody = of.user.as_deref().is_some_and(str::is_empty);
    found.unless(!is_nobody, format!("{path}/user"), "must not be empty");
    mounts(pod, of, path, found);
    for (at, artifact) in of.artifacts.iter().enumerate() {
        let path = format!("{path}/artifacts({at})");
        let text = "must have 1 to 1024 characters";
        found.unless(!is_long(&artifact.uri), format!("{path}/uri"), text);
        let is_to = artifact.dest_path.as_deref().is_none_or(|to| !is_long(to));
        found.unless(is_to, format!("{path}/destPath"), text);
    }
    let grace = of.lifecycle.as_ref().and_then(|one| one.kill_grace_period_seconds);
    found.unless(
        grace.is_none_or(|seconds| (0.0..=YEAR).contains(&seconds)),
        format!("{path}/lifecycle/killGracePeriodSeconds"),
        "must be between 0 and a year",
    );
    found.0.extend(secrets::unknown(&of.environment, &pod.secrets, &format!("{path}/environment")));
    found.0.extend(texts::labels(&of.labels, path));
    found.0.extend(texts::variables(&of.environment, &format!("{path}/environment")));
}

fn what_runs(of: &PodContainer, path: &str, found: &mut Found) {
    let image = of.image.as_ref();
    if let Some(image) = image {
        found.unless(image.kind == "DOCKER", format!("{path}/image/kind"), "must be DOCKER");
        let is_one = !is_long(&image.id) && image.id != "ignore";
        let text = "must be an image: a container of a pod cannot name a task definition";
        found.unless(is_one, format!("{path}/image/id"), text);
    }
    let Some(exec) = &of.exec else {
        let text = "must be given: without an image there is nothing to run";
        return found.unless(image.is_some(), format!("{path}/exec"), text);
    };
    command(&exec.command, &format!("{path}/exec/command"), found);
    let is_right = exec.command.shell.is_none() || exec.override_entrypoint != Some(false);
    let text = "must be true or left out: a shell replaces the entry point";
    found.unless(is_right, format!("{path}/exec/overrideEntrypoint"), text);
}

fn command(of: &MesosCommand, path: &str, found: &mut Found) {
    match (&of.shell, &of.argv) {
        (Some(shell), None) => {
            found.unless(!shell.is_empty(), format!("{path}/shell"), "must not be empty");
            found.0.extend(texts::with_nul(format!("{path}/shell"), shell));
        }
        (None, Some(argv)) => {
            let is_one = argv.first().is_some_and(|program| !program.is_empty());
            found.unless(is_one, format!("{path}/argv"), "must begin with a program");
            for (at, word) in argv.iter().enumerate() {
                found.0.extend(texts::with_nul(format!("{path}/argv({at})"), word));
            }
        }
        _ => found.unless(false, path, "must have either shell or argv"),
    }
}

fn amounts(of: &Resources, path: &str, found: &mut Found) {
    for (name, amount, least) in
        [("cpus", of.cpus, 0.001), ("mem", of.mem, 0.001), ("disk", of.disk, 0.0)]
    {
        let text = format!("must be between {least} and 1e9");
        found.unless((least..=AMOUNT_MAX).contains(&amount), format!("{path}/{name}"), text);
    }
}

fn endpoint_of(of: &Endpoint, path: &str, found: &mut Found) {
    named(&of.name, format!("{path}/name"), found);
    let mut seen = BTreeSet::new();
    let is_unique = of.protocol.iter().all(|one| seen.insert(one));
    let text = "Duplicate protocols within the same endpoint are not allowed";
    found.unless(is_unique, format!("{path}/protocol"), text);
    let is_known = of.protocol.iter().all(|one| ["tcp", "udp"].contains(&one.as_str()));
    found.unless(is_known, format!("{path}/protocol"), "must be of tcp and udp");
    found.0.extend(texts::labels(&of.labels, path));
}

fn check_of(of: &PodHealthCheck, endpoints: &[Endpoint], path: &str, found: &mut Found) {
    let many = [of.http.is_some(), of.tcp.is_some(), of.exec.is_some()];
    let is_one = many.into_iter().filter(|is_there| *is_there).count() == 1;
    found.unless(is_one, path, "must have one of http, tcp and exec");
    let http = of.http.as_ref().map(|one| ("http", &one.endpoint));
    let named = http.or(of.tcp.as_ref().map(|one| ("tcp", &one.endpoint)));
    if let Some((kind, name)) = named {
        let is_there = endpoints.iter().any(|one| one.name == *name);
        let text = "must name an endpoint of the container";
        found.unless(is_there, format!("{path}/{kind}/endpoint"), text);
    }
    if let Some(http) = &of.http {
        let is_known = ["HTTP", "HTTPS"].contains(&http.scheme.as_str());
        found.unless(is_known, format!("{path}/http/scheme"), "must be HTTP or HTTPS");
        let asked = http.path.as_deref().unwrap_or("/");
        let is_plain = !is_long(asked) && asked.chars().all(|c| c.is_ascii_graphic());
        let text = "must be a path of visible ASCII characters, at most 1024";
        found.unless(is_plain && asked.starts_with('/'), format!("{path}/http/path"), text);
    }
    if let Some(exec) = &of.exec {
        command(&exec.command, &format!("{path}/exec/command"), found);
    }
    let is_in_time = (1..of.interval_seconds).contains(&of.timeout_seconds);
    let text = "must be at least 1, and less than intervalSeconds";
    found.unless(is_in_time, format!("{path}/timeoutSeconds"), text);
}

fn mounts(pod: &Pod, of: &PodContainer, path: &str, found: &mut Found) {
    for (at, mount) in of.volume_mounts.iter().enumerate() {
        let path = format!("{path}/volumeMounts({at})");
        let is_there = pod.volumes.iter().any(|volume| volume.name == mount.name);
        found.unless(is_there, format!("{path}/name"), "must name a volume of the pod");
        let text = "must have 1 to 1024 characters";
        found.unless(!is_long(&mount.mount_path), format!("{path}/mountPath"), text);
    }
}

/// What must be unique over all containers.
fn unique(pod: &Pod, found: &mut Found) {
    let (mut names, mut endpoints, mut ports) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut many = 0;
    for (at, container) in pod.containers.iter().enumerate() {
        let path = format!("/containers({at})");
        found.unless(names.insert(&container.name), format!("{path}/name"), "must be unique");
        for (at, endpoint) in container.endpoints.iter().enumerate() {
            let path = format!("{path}/endpoints({at})");
            let text = "must be unique across all containers";
            found.unless(endpoints.insert(&endpoint.name), format!("{path}/name"), text);
            let is_free = endpoint.host_port == 0 || ports.insert(endpoint.host_port);
            found.unless(is_free, format!("{path}/hostPort"), text);
            many += 1;
        }
    }
    let text = format!("must have at most {} endpoints in all", limits::PORTS_MAX);
    found.unless(many <= limits::PORTS_MAX, "/containers", text);
}
