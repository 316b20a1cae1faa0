//! The credentials of this machine, for handing on to others.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};

use crate::{OptionsError, causes, transport};

/// How long before they expire credentials are renewed. Source: the SDKs query a container's
/// endpoint again 5 minutes before the expiry that they were given.
const MARGIN: Duration = Duration::from_mins(10);

/// Lifetime reported for keys that do not expire. Chosen by us.
const WITHOUT_END: Duration = Duration::from_hours(1);

/// Timeout of the provider chain. Chosen by us: a profile may query a service or run a program.
const FETCH: Duration = Duration::from_secs(15);

/// Keys and their expiry. They are handed on, but never logged or stored.
#[derive(Clone)]
pub struct Keys {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
    /// Session token, empty if there is none.
    pub token: String,
    /// When they expire.
    pub expires_at: SystemTime,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The credentials that the AWS SDK finds on this machine: environment, profiles, roles. Cached
/// until they are about to expire.
#[derive(Clone, Debug)]
pub struct HostCredentials {
    chain: SharedCredentialsProvider,
    last: Arc<Mutex<Option<Keys>>>,
}

impl HostCredentials {
    /// Looks for credentials, and fetches them once to verify that they are available.
    ///
    /// # Errors
    /// If there are none, with the places searched.
    pub async fn find() -> Result<Self, OptionsError> {
        let loader = aws_config::defaults(BehaviorVersion::latest());
        let shared = loader.http_client(transport::https()).load().await;
        let none =
            || OptionsError::Credentials("the SDK has no credentials provider chain".to_owned());
        let chain = shared.credentials_provider().ok_or_else(none)?;
        let found = Self::new(chain);
        found.keys().await.map_err(OptionsError::without_credentials)?;
        Ok(found)
    }

    fn new(chain: SharedCredentialsProvider) -> Self {
        Self { chain, last: Arc::default() }
    }

    /// Keys that are valid for some minutes at least, if the chain provides such.
    ///
    /// # Errors
    /// Why there are none, for people.
    pub async fn keys(&self) -> Result<Keys, String> {
        let now = SystemTime::now();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(keys) = last.filter(|keys| keys.expires_at > now + MARGIN) {
            return Ok(keys);
        }
        let fetched = tokio::time::timeout(FETCH, self.chain.provide_credentials()).await;
        let fetched = fetched.map_err(|_| "no response in time".to_owned())?;
        let keys = keys(&fetched.map_err(|error| causes(&error))?, now);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys.clone());
        Ok(keys)
    }
}

/// Access key and secret of the default profile from the credentials file of the AWS CLI, if it has
/// them. Only the file is read, so that local commands never wait for the network.
pub async fn default_profile() -> Option<(String, String)> {
    let named = std::env::var_os("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".aws/credentials"));
    let path = named.or_else(usual).filter(|path| path.is_file())?;
    let files = EnvConfigFiles::builder().with_file(EnvConfigFileKind::Credentials, path).build();
    // The provider requires a transport, but does not use it for keys in a file.
    let config = ProviderConfig::without_region().with_http_client(transport::plain());
    let builder = ProfileFileCredentialsProvider::builder().configure(&config);
    let builder = builder.profile_name("default");
    let found = builder.profile_files(files).build().provide_credentials().await.ok()?;
    Some((found.access_key_id().to_owned(), found.secret_access_key().to_owned()))
}

fn keys(credentials: &Credentials, now: SystemTime) -> Keys {
    Keys {
        access_key_id: credentials.access_key_id().to_owned(),
        secret_access_key: credentials.secret_access_key().to_owned(),
        token: credentials.session_token().unwrap_or_default().to_owned(),
        expires_at: credentials.expiry().unwrap_or(now + WITHOUT_END),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(expires_at: Option<SystemTime>) -> HostCredentials {
        let given = Credentials::new("key", "secret", None, expires_at, "test");
        HostCredentials::new(SharedCredentialsProvider::new(given))
    }

    #[tokio::test]
    async fn keys_without_an_end_are_handed_out_for_an_hour() {
        let keys = chain(None).keys().await.expect("there are keys");
        let left = keys.expires_at.duration_since(SystemTime::now()).unwrap_or_default();
        assert!(left > Duration::from_mins(59), "{left:?}");
        assert_eq!((&*keys.access_key_id, &*keys.token), ("key", ""));
    }

    #[tokio::test]
    async fn keys_near_their_end_are_fetched_anew() {
        let soon = chain(Some(SystemTime::now() + Duration::from_mins(1)));
        let old = Keys {
            access_key_id: "old".to_owned(),
            secret_access_key: String::new(),
            token: String::new(),
            expires_at: SystemTime::now() + Duration::from_mins(2),
        };
        *soon.last.lock().expect("nobody has panicked") = Some(old.clone());
        assert_eq!(soon.keys().await.expect("there are keys").access_key_id, "key");
        let later = Keys { expires_at: SystemTime::now() + Duration::from_hours(1), ..old };
        *soon.last.lock().expect("nobody has panicked") = Some(later);
        assert_eq!(soon.keys().await.expect("there are keys").access_key_id, "old");
    }

    #[test]
    fn no_log_can_hold_keys() {
        let credentials = Credentials::new("AKIDKEY", "hushhush", None, None, "test");
        let text = format!("{:?}", keys(&credentials, SystemTime::UNIX_EPOCH));
        assert!(!text.contains("hushhush") && !text.contains("AKIDKEY"), "{text}");
    }
}
