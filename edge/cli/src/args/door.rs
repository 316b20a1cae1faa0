//! Access control: keys, credentials, and the host names and origins that ports answer to.
//!
//! Secrets are read here from flags, the environment and files, and are not shown by `Debug`.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use longshore_server::{Credentials, HostName, Keys, Origin, Rules};

/// The environment variable for further access keys.
const KEYS_VARIABLE: &str = "LONGSHORE_ACCESS_KEYS";

/// Maximum size of a file of keys or credentials, in bytes. Chosen by us: tens of thousands of
/// them.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Which callers the ports answer.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct DoorArgs {
    /// Also accept requests for this host name or address; localhost and loopback always work. May be given more than once.
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    allow_host: Vec<HostName>,
    /// Accept requests from web pages of this origin, for example `http://localhost:3000`. May be given more than once.
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<Origin>,
    /// Listen on addresses that other machines can reach even though callers are not authenticated.
    #[arg(long)]
    insecure: bool,
}

impl DoorArgs {
    /// The rules of the ports. A host name that is announced to others is also accepted.
    pub(crate) fn rules(&self, hostname: Option<&str>) -> Rules {
        let told = hostname.and_then(|name| name.parse().ok());
        Rules {
            allow_hosts: self.allow_host.iter().cloned().chain(told).collect(),
            allow_origins: self.allow_origin.clone(),
            insecure: self.insecure,
        }
    }
}

/// Who may use the ECS API.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct KeyArgs {
    /// Accept only requests signed with this access key. May be given more than once. Other users of this machine can see it in
    /// the process list; to avoid that, use `LONGSHORE_ACCESS_KEYS` or --access-keys-file.
    #[arg(long, value_name = "KEY:SECRET", value_parser = key)]
    access_key: Vec<Key>,
    /// File of access keys, one KEY:SECRET per line.
    #[arg(long, value_name = "FILE")]
    access_keys_file: Option<PathBuf>,
    /// Keys of the environment are not for this command.
    #[arg(skip)]
    pub(crate) ignores_environment: bool,
}

impl KeyArgs {
    /// All keys that were given.
    ///
    /// # Errors
    /// What cannot be read, and where, without the secret.
    pub(crate) fn keys(&self) -> anyhow::Result<Keys> {
        let mut keys = Keys::default();
        for key in &self.access_key {
            add(&mut keys, key.clone(), "--access-key")?;
        }
        if !self.ignores_environment
            && let Some(text) = std::env::var_os(KEYS_VARIABLE)
        {
            let text = text.to_str().with_context(|| format!("{KEYS_VARIABLE} is not text"))?;
            for word in text.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty()) {
                add(
                    &mut keys,
                    key(word).map_err(|why| problem(KEYS_VARIABLE, &why))?,
                    KEYS_VARIABLE,
                )?;
            }
        }
        if let Some(path) = &self.access_keys_file {
            let text = secret_file(path, "--access-keys-file")?;
            for (index, line) in text.lines().enumerate() {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let place = format!("--access-keys-file {}, line {}", path.display(), index + 1);
                add(&mut keys, key(line).map_err(|why| problem(&place, &why))?, &place)?;
            }
            if keys.is_empty() {
                bail!("--access-keys-file {}: the file contains no keys", path.display());
            }
        }
        Ok(keys)
    }
}

fn problem(place: &str, why: &str) -> anyhow::Error {
    anyhow::anyhow!("{place}: {why}")
}

fn add(keys: &mut Keys, key: Key, place: &str) -> anyhow::Result<()> {
    if keys.add(key.id.clone(), key.secret) {
        return Ok(());
    }
    bail!("{place}: access key {} is given twice with different secrets", key.id)
}

/// Who may use the Mesos master API.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct MesosDoorArgs {
    /// Accept only callers that authenticate by HTTP Basic with a credential from this file: Mesos's JSON format, or one
    /// principal and secret per line.
    #[arg(long, value_name = "FILE")]
    mesos_credentials: Option<PathBuf>,
}

impl MesosDoorArgs {
    /// The first credential, for our own frameworks.
    ///
    /// # Errors
    /// What cannot be read, without the secrets.
    pub(crate) fn first(&self) -> anyhow::Result<Option<(String, String)>> {
        let path = self.mesos_credentials.as_deref();
        path.map(|path| super::first_credential(path, "--mesos-credentials")).transpose()
    }

    /// All credentials that were given; none if there is no file.
    ///
    /// # Errors
    /// What cannot be read, without the secrets.
    pub(crate) fn credentials(&self) -> anyhow::Result<Credentials> {
        let Some(path) = &self.mesos_credentials else { return Ok(Credentials::default()) };
        let text = secret_file(path, "--mesos-credentials")?;
        Credentials::parse(&text).with_context(|| format!("--mesos-credentials {}", path.display()))
    }
}

/// Who may use the API of one of our schedulers.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct SchedulerDoorArgs {
    /// Accept only callers that authenticate by HTTP Basic with a credential from this file: Mesos's JSON format, or one
    /// principal and secret per line.
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
}

impl SchedulerDoorArgs {
    /// All credentials that were given; none if there is no file.
    ///
    /// # Errors
    /// What cannot be read, without the secrets.
    pub(crate) fn credentials(&self) -> anyhow::Result<Credentials> {
        let Some(path) = &self.credentials else { return Ok(Credentials::default()) };
        let text = secret_file(path, "--credentials")?;
        Credentials::parse(&text).with_context(|| format!("--credentials {}", path.display()))
    }
}

/// A key as typed.
#[derive(Clone)]
struct Key {
    id: String,
    secret: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

fn key(text: &str) -> Result<Key, String> {
    let (id, secret) = text.split_once(':').unwrap_or_default();
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    if is_word(id) && is_word(secret) {
        return Ok(Key { id: id.to_owned(), secret: secret.to_owned() });
    }
    Err("write KEY:SECRET, using only printable ASCII characters".to_owned())
}

/// The text of a file that nobody else should read.
pub(super) fn secret_file(path: &Path, flag: &str) -> anyhow::Result<String> {
    let place = || format!("{flag} {}", path.display());
    let metadata = std::fs::metadata(path).with_context(place)?;
    if !metadata.is_file() {
        bail!("{}: not a regular file", place());
    }
    if metadata.len() > FILE_BYTES_MAX {
        bail!("{}: larger than {FILE_BYTES_MAX} bytes", place());
    }
    let mode = metadata.permissions().mode();
    if mode & 0o002 != 0 {
        bail!("{}: every user on this machine can write to it (run chmod 600 on it)", place());
    }
    if mode & 0o077 != 0 {
        tracing::warn!(
            "{}: other users on this machine can read it (run chmod 600 on it)",
            place()
        );
    }
    std::fs::read_to_string(path).with_context(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_two_words_and_its_secret_is_not_shown() {
        let read = key("AKID:a:b/c+d=").expect("it is one");
        assert_eq!(
            (&*read.id, &*read.secret, format!("{read:?}")),
            ("AKID", "a:b/c+d=", "AKID".to_owned())
        );
        for bad in ["", "AKID", ":", "AKID:", ":secret", "a b:c", "a:b c"] {
            assert!(key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_that_frameworks_are_told_is_one_to_be_called_by() {
        let rules = DoorArgs::default().rules(Some("master.example"));
        assert_eq!(rules.allow_hosts.len(), 1);
        assert!(DoorArgs::default().rules(None).allow_hosts.is_empty());
    }
}
