//! How to point other programs at a local ECS: what `dev` and `demo` print.

/// Three ways in, ready to paste, in lines of less than 60 characters.
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
