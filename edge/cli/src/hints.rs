//! Hints on how to point other programs at a local ECS, printed by `dev` and `demo`.

/// Usage hints. With access keys a request must be signed with one of them, and secrets are not
/// shown.
pub(crate) fn of_local(ecs: &str, mesos: Option<&str>, region: &str, keys: &[String]) -> String {
    let Some(key) = keys.first() else {
        return mesos.map_or_else(String::new, |mesos| text(ecs, mesos, region));
    };
    let framework = mesos.map_or_else(String::new, |mesos| {
        format!("  Mesos      the master is {}\n", mesos.trim_start_matches("http://"))
    });
    let keys = keys.join(", ");
    format!(
        "Requests must be signed with an access key ({keys}):
  AWS CLI    export AWS_ACCESS_KEY_ID={key}
             export AWS_SECRET_ACCESS_KEY=...
             aws ecs list-container-instances \\
               --region {region} \\
               --endpoint-url {ecs}
{framework}"
    )
}

/// Three examples, ready to paste, in lines of less than 60 characters.
pub(crate) fn text(ecs: &str, mesos: &str, region: &str) -> String {
    let master = mesos.trim_start_matches("http://");
    format!(
        "Point other programs at it:
  AWS CLI    export AWS_ACCESS_KEY_ID=local
             export AWS_SECRET_ACCESS_KEY=local
             aws ecs list-container-instances \\
               --region {region} \\
               --endpoint-url {ecs}
  boto3      boto3.client(\"ecs\",
               region_name=\"{region}\",
               endpoint_url=\"{ecs}\",
               aws_access_key_id=\"local\",
               aws_secret_access_key=\"local\")
  Mesos      the master is {master}; its v1 HTTP API is
             {mesos}/api/v1/scheduler
"
    )
}
