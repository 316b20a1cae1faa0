//! Values of secrets from a file or a directory that stands in for Secrets Manager and Parameter
//! Store.
//!
//! A file is a JSON object of names and values; a value that is not a string is used as JSON. A
//! directory holds one file per name, without counting a final line break as part of the value.
//! They are read for every task, so that the next task sees a change, and are never stored. Error
//! texts begin like those of ECS. Source: *Stopped tasks error messages*,
//! `ResourceInitializationError`.

use std::path::{Component, Path};

use longshore_lifecycle::environment::Variables;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::secret::ValueFrom;
use longshore_wire_ecs::shape::container_definition::Secret;
use serde_json::{Map, Value};

use super::files::contents;

/// The default stage of a secret. Source: Secrets Manager user guide.
const CURRENT: &str = "AWSCURRENT";

/// The source of values, opened for one task.
pub(super) enum Values<'a> {
    /// A directory.
    Directory(&'a Path),
    /// The contents of a file.
    File(Map<String, Value>),
}

impl<'a> Values<'a> {
    /// Opens a file or a directory.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) fn open(path: &'a Path) -> Result<Self, String> {
        if path.is_dir() {
            return Ok(Self::Directory(path));
        }
        let name = path.display();
        let root = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let own = path.file_name().map_or(path, Path::new);
        let bytes = contents(root.unwrap_or(Path::new(".")), own);
        let bytes = bytes.map_err(|why| format!("{name}: {why}"))?;
        // The position in a serde error does not reveal the text.
        serde_json::from_slice(&bytes).map(Self::File).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("{name} is not a JSON object of names and values: line {line}, column {column}")
        })
    }

    fn get(&self, name: &str) -> Option<String> {
        match self {
            Self::File(values) => values.get(name).map(plain),
            Self::Directory(root) => {
                let below = Path::new(name.trim_start_matches('/'));
                let is_plain = below.components().all(|part| matches!(part, Component::Normal(_)));
                if !is_plain || below.as_os_str().is_empty() {
                    return None;
                }
                let text = String::from_utf8(contents(root, below).ok()?).ok()?;
                Some(text.strip_suffix('\n').map_or_else(|| text.clone(), str::to_owned))
            }
        }
    }
}

/// Strings unchanged, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Reads the secrets of a container, by variable name.
///
/// # Errors
/// The reason that the task is stopped with. It names what is missing, and never contains a value.
pub(super) fn read(values: &Values<'_>, secrets: &[Secret]) -> Result<Variables, String> {
    let one = |secret: &Secret| -> Result<(Str, Str), String> {
        let value = value(values, secret.value_from.as_deref().unwrap_or_default());
        Ok((secret.name.clone().unwrap_or_default(), value.map_err(refused)?.into()))
    };
    secrets.iter().map(one).collect()
}

/// The stop reason of a task whose secrets are not available.
pub(super) fn refused(why: String) -> String {
    format!(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: {why}"
    )
}

fn value(values: &Values<'_>, from: &str) -> Result<String, String> {
    let named = ValueFrom::parse(from).ok_or_else(|| {
        format!("{from} is neither the name or ARN of a parameter nor the ARN of a secret")
    })?;
    // A value stored under the complete `valueFrom` already determines member and version.
    if let Some(exact) = values.get(from) {
        return Ok(exact);
    }
    let found = named.names().iter().find_map(|name| values.get(name));
    match named {
        ValueFrom::Parameter { given, .. } => found.ok_or_else(|| {
            format!("unable to retrieve secrets from ssm: invalid parameters: {given}")
        }),
        ValueFrom::Secret { arn, json_key, stage, version, .. } => {
            let missing = |what: &str| {
                format!(
                    "unable to retrieve secret from asm: failed to fetch secret {arn} from secrets manager: {what}"
                )
            };
            let gone = "ResourceNotFoundException: Secrets Manager can't find the specified ";
            let found = found.ok_or_else(|| missing(&format!("{gone}secret")))?;
            if !version.is_empty() || !matches!(stage, "" | CURRENT) {
                return Err(missing(&format!("{gone}secret value for {stage}:{version}")));
            }
            if json_key.is_empty() { Ok(found) } else { member(&found, json_key, &missing) }
        }
    }
}

fn member(secret: &str, key: &str, missing: &dyn Fn(&str) -> String) -> Result<String, String> {
    let object: Result<Map<String, Value>, _> = serde_json::from_str(secret);
    let object = object.map_err(|_| missing("the secret is not a JSON object"))?;
    let value = object.get(key).map(plain);
    value.ok_or_else(|| missing(&format!("retrieved secret did not contain json key {key}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf";

    fn file() -> Values<'static> {
        let json = serde_json::json!({
            "db": {"user": "root", "port": 5432}, "/prod/key": "k", "text": "t",
            format!("{ARN}::AWSPREVIOUS:"): "old",
        });
        let Value::Object(values) = json else { unreachable!("it is an object") };
        Values::File(values)
    }

    fn check(from: &str) -> Result<String, String> {
        value(&file(), from)
    }

    #[test]
    fn a_secret_is_the_whole_or_a_member() {
        assert_eq!(check(ARN).as_deref(), Ok("{\"port\":5432,\"user\":\"root\"}"));
        assert_eq!(check(&format!("{ARN}:user::")).as_deref(), Ok("root"));
        assert_eq!(check(&format!("{ARN}:port:AWSCURRENT:")).as_deref(), Ok("5432"));
    }

    #[test]
    fn another_version_is_there_only_if_it_was_given_in_full() {
        assert_eq!(check(&format!("{ARN}::AWSPREVIOUS:")).as_deref(), Ok("old"));
        let other = check(&format!("{ARN}:user:AWSPREVIOUS:")).expect_err("it is refused");
        assert!(other.contains("secret value for AWSPREVIOUS:"), "{other}");
    }

    #[test]
    fn parameters_are_found_by_name_and_by_arn() {
        assert_eq!(check("/prod/key").as_deref(), Ok("k"));
        let arn = "arn:aws:ssm:us-east-1:000000000000:parameter/prod/key";
        assert_eq!(check(arn).as_deref(), Ok("k"));
        assert_eq!(check("text").as_deref(), Ok("t"));
    }

    #[test]
    fn what_is_missing_is_named_and_no_value_is() {
        let parameter = check("/prod/none").expect_err("it is refused");
        assert!(parameter.ends_with("ssm: invalid parameters: /prod/none"), "{parameter}");
        let gone = check(&ARN.replace("db-", "mq-")).expect_err("it is refused");
        assert!(gone.contains("ResourceNotFoundException"), "{gone}");
        let key = check(&format!("{ARN}:password::")).expect_err("it is refused");
        assert!(key.ends_with("did not contain json key password"), "{key}");
        assert!(!key.contains("root"), "{key}");
        let text = ARN.replace("db-AbCdEf", "text-AbCdEf:member::");
        assert!(check(&text).expect_err("it is refused").ends_with("is not a JSON object"));
    }

    #[test]
    fn a_directory_has_a_file_for_each_name_and_nothing_above_it() {
        let root = tempfile::tempdir().expect("a directory can be made");
        let inside = root.path().join("secrets");
        std::fs::create_dir_all(inside.join("prod")).expect("it can be made");
        std::fs::write(inside.join("prod/key"), "k\n").expect("it can be written");
        std::fs::write(root.path().join("above"), "a").expect("it can be written");
        let values = Values::open(&inside).expect("it can be read");
        assert_eq!(value(&values, "/prod/key").as_deref(), Ok("k"));
        assert!(value(&values, "../above").is_err() && value(&values, "/").is_err());
    }

    #[test]
    fn a_file_that_is_no_json_is_named_without_what_is_in_it() {
        let root = tempfile::tempdir().expect("a directory can be made");
        let path = root.path().join("secrets.json");
        std::fs::write(&path, "{\"a\": hushhush}").expect("it can be written");
        let why = Values::open(&path).err().expect("it is refused");
        assert!(why.contains("line 1") && !why.contains("hushhush"), "{why}");
    }
}
