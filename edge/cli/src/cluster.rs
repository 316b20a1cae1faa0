//! The cluster that a command is about.

use longshore_client::{Client, Options};

use crate::args::AnyCluster;

/// Keys for a local ECS, which reads them and does not check them unless told to.
const LOCAL_KEYS: (&str, &str) = ("longshore", "longshore");

/// A client for the cluster that the flags name.
pub(crate) async fn client(args: &AnyCluster) -> anyhow::Result<Client> {
    let local = !args.aws;
    let has_keys = std::env::var_os("AWS_ACCESS_KEY_ID").is_some()
        || std::env::var_os("AWS_PROFILE").is_some();
    let options = Options {
        cluster: args.cluster.clone(),
        endpoint: local.then(|| args.endpoint.clone()),
        region: args.region.clone().or_else(|| local.then(|| "us-east-1".to_owned())),
        keys: (local && !has_keys).then(|| (LOCAL_KEYS.0.to_owned(), LOCAL_KEYS.1.to_owned())),
        budget: args.aws,
    };
    Ok(Client::new(options).await?)
}

/// An SDK error as one line: what ECS said, or why it could not be asked.
pub(crate) fn explain<E, R>(
    error: aws_sdk_ecs::error::SdkError<E, R>,
    endpoint: &str,
) -> anyhow::Error
where
    E: aws_sdk_ecs::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    if let Some(service) = error.as_service_error() {
        let code = service.code().unwrap_or("error");
        let message = format!("{code}: {}", service.message().unwrap_or("no message"));
        let missing = matches!(code, "ClusterNotFoundException" | "ResourceNotFoundException")
            || message.contains("not found")
            || message.contains("Unable to describe");
        return if missing { crate::NotFound(message).into() } else { anyhow::anyhow!(message) };
    }
    let hint = if endpoint.is_empty() {
        String::new()
    } else {
        format!(" at {endpoint} (is `longshore dev` running?)")
    };
    anyhow::Error::new(error).context(format!("cannot reach the ECS API{hint}"))
}
