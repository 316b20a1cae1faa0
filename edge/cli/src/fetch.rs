//! `longshore fetch`: fetches files into the sandbox of a task, as a container of it. Not for people, so it is no command in the help.

use std::process::ExitCode;
use std::sync::Arc;

use longshore_agent::fetch::{Headers, Signed, Signer, Url};
use longshore_client::S3;

/// Runs a fetcher. Objects in S3 are read with the credentials that the AWS SDK finds: in a container, those of the task's role.
pub(crate) fn main() -> ExitCode {
    let signer: Signer = Arc::new(|bucket, key, region| Box::pin(signed(bucket, key, region)));
    longshore_agent::fetch::main(signer)
}

async fn signed(bucket: String, key: String, region: Option<String>) -> Result<Signed, String> {
    let (url, pairs) = S3::load().await.get(&bucket, &key, region.as_deref()).await?;
    let url = Url::parse(&url).map_err(|error| error.to_string())?;
    let mut headers = Headers::new();
    for (name, value) in pairs {
        let name = hyper::header::HeaderName::try_from(name).map_err(|error| error.to_string())?;
        headers.insert(name, value.parse().map_err(|_| "a header cannot be sent".to_owned())?);
    }
    Ok((url, headers))
}
