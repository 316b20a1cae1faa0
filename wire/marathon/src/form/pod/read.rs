//! From JSON to a pod, with the path of what is wrong.

use serde_json::{Map, Value};

use super::valid::validate;
use super::{Network, Pod};
use crate::form::error::{Detail, Refusal};
use crate::form::limits::APP_BYTES_MAX;
use crate::form::{absolute, missing, old, read};

const LINUX: (&str, &str) = ("linuxInfo", "is not supported: leave it out");
const VOLUMES: &str =
    "is not supported: name a path of the machine with host, or nothing for an empty directory";

/// What Marathon has and this scheduler has not.
const OF_POD: [(&str, &str); 2] =
    [LINUX, ("legacySharedCgroups", "is not supported: each container has limits of its own")];
const OF_SCALING: [(&str, &str); 1] =
    [("maxInstances", "is not supported: instances says how many there are")];
const OF_CONTAINER: [(&str, &str); 2] = [LINUX, ("check", "is not supported: use healthCheck")];
const OF_IMAGE: [(&str, &str); 2] = [
    ("pullConfig", "is not supported: the machines of the cluster must be able to pull the image"),
    ("labels", "must be empty: labels of images are not passed on"),
];
const OF_ENDPOINT: [(&str, &str); 2] = [
    ("containerPort", "must be left out: on the network of the machine a port is its hostPort"),
    ("networkNames", "must be left out: there is only the network of the machine"),
];
const OF_VOLUME: [(&str, &str); 2] = [("persistent", VOLUMES), ("secret", VOLUMES)];

/// Reads a pod.
///
/// # Errors
/// 400 for another type than a member has, 422 for a value that is not valid.
pub fn read_pod(mut value: Map<String, Value>) -> Result<Pod, Refusal> {
    // Only Marathon writes it; clients send it back, and it says nothing.
    value.remove("version");
    value.retain(|_, value| !value.is_null());
    old::tidy(&mut value);
    let missing = not_supported(&mut value);
    if !missing.is_empty() {
        return Err(Refusal::not_valid(&missing));
    }
    let mut pod: Pod = read::typed(Value::Object(value))?;
    if pod.id.is_empty() {
        return Err(Refusal::not_valid(&[Detail::new("/id", "must not be empty")]));
    }
    pod.id = absolute(&pod.id);
    complete(&mut pod);
    let wrong = validate(&pod);
    if !wrong.is_empty() {
        return Err(Refusal::not_valid(&wrong));
    }
    let bytes = serde_json::to_vec(&pod).map_or(0, |text| text.len());
    if bytes > APP_BYTES_MAX {
        let text = format!("has {bytes} bytes of JSON: at most {APP_BYTES_MAX} are kept");
        return Err(Refusal::not_valid(&[Detail::new("/", text)]));
    }
    Ok(pod)
}

/// Takes out what is not supported, and says what of it was not empty.
fn not_supported(pod: &mut Map<String, Value>) -> Vec<Detail> {
    let mut found = Vec::new();
    missing::take_of(pod, &OF_POD, "", &mut found);
    if let Some(scaling) = pod.get_mut("scaling").and_then(Value::as_object_mut) {
        missing::take_of(scaling, &OF_SCALING, "/scaling", &mut found);
    }
    each(pod, "volumes", "", |volume, path| {
        missing::take_of(volume, &OF_VOLUME, path, &mut found);
    });
    each(pod, "containers", "", |container, path| {
        missing::take_of(container, &OF_CONTAINER, path, &mut found);
        if let Some(image) = container.get_mut("image").and_then(Value::as_object_mut) {
            missing::take_of(image, &OF_IMAGE, &format!("{path}/image"), &mut found);
        }
        each(container, "endpoints", path, |endpoint, path| {
            missing::take_of(endpoint, &OF_ENDPOINT, path, &mut found);
        });
    });
    found
}

/// Does something with each object of a list, and its path.
fn each(
    of: &mut Map<String, Value>,
    name: &str,
    above: &str,
    mut with: impl FnMut(&mut Map<String, Value>, &str),
) {
    let all = of.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten();
    for (at, one) in all.enumerate() {
        if let Some(one) = one.as_object_mut() {
            with(one, &format!("{above}/{name}({at})"));
        }
    }
}

/// The defaults that depend on other members, and one form for what may be said in several.
fn complete(pod: &mut Pod) {
    if pod.networks.is_empty() {
        pod.networks.push(Network { mode: "host".to_owned(), name: None, labels: [].into() });
    }
    for container in &mut pod.containers {
        container.tty = container.tty.filter(|tty| *tty);
        let lifecycle = container.lifecycle.take();
        container.lifecycle = lifecycle.filter(|one| one.kill_grace_period_seconds.is_some());
        let has_image = container.image.is_some();
        if let Some(exec) = &mut container.exec {
            // What a shell runs replaces the entry point in any case, and without an image there is none.
            let is_said =
                exec.command.argv.is_some() && has_image && exec.override_entrypoint == Some(true);
            let is_wrong = exec.command.shell.is_some() && exec.override_entrypoint == Some(false);
            exec.override_entrypoint = exec.override_entrypoint.filter(|_| is_said || is_wrong);
        }
    }
}
