//! Signed requests for objects in Amazon S3, for whoever sends them: fetchers download with bounds of their own.

use std::time::SystemTime;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode,
};
use aws_sigv4::sign::v4::SigningParams;
use longshore_wire_ecs::arn::is_region;

use crate::sign::signed;
use crate::{causes, transport};

/// Where buckets are asked for their region, if none is configured.
const REGION: &str = "us-east-1";

/// Objects in Amazon S3, reached as the SDK is configured.
#[derive(Clone, Debug)]
pub struct S3 {
    shared: SdkConfig,
    endpoint: Option<String>,
}

/// A request: its URL, and the headers that sign it.
pub type SignedGet = (String, Vec<(String, String)>);

impl S3 {
    /// Reads the SDK's configuration.
    pub async fn load() -> Self {
        let loader = aws_config::defaults(BehaviorVersion::latest());
        let shared = loader.http_client(transport::https()).load().await;
        let given = |name: &str| std::env::var(name).ok().filter(|url| !url.is_empty());
        let endpoint =
            given("AWS_ENDPOINT_URL_S3").or_else(|| shared.endpoint_url().map(str::to_owned));
        Self { shared, endpoint }
    }

    /// The request for an object, in the region that its bucket says it is in, or in the configured one.
    ///
    /// # Errors
    /// That the names are none of S3, or that there are no credentials.
    pub async fn get(
        &self,
        bucket: &str,
        key: &str,
        region: Option<&str>,
    ) -> Result<SignedGet, String> {
        let own = self.shared.region().map(AsRef::as_ref);
        let region = region.or(own).unwrap_or(REGION);
        let url = url(self.endpoint.as_deref(), bucket, key, region)?;
        let provider = self.shared.credentials_provider().ok_or("there are no AWS credentials")?;
        let found = provider.provide_credentials().await;
        let credentials =
            found.map_err(|error| format!("there are no AWS credentials: {}", causes(&error)))?;
        let headers = headers(&credentials, region, SystemTime::now(), &url)?;
        Ok((url, headers))
    }
}

/// The URL of an object. What a name may hold is checked, so that no name leads to another host, which would be sent the session's token.
fn url(endpoint: Option<&str>, bucket: &str, key: &str, region: &str) -> Result<String, String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    if !(3..=255).contains(&bucket.len()) || !bucket.chars().all(plain) {
        return Err(format!("{bucket} is no name of a bucket"));
    }
    if !is_region(region) {
        return Err(format!("{region} is no region"));
    }
    let key = encoded(key);
    if let Some(endpoint) = endpoint {
        return Ok(format!("{}/{bucket}/{key}", endpoint.trim_end_matches('/')));
    }
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    // Certificates cover one level below, and names of hosts have no underscores.
    if bucket.contains(['.', '_']) || bucket.chars().any(|letter| letter.is_ascii_uppercase()) {
        return Ok(format!("https://s3.{region}.{domain}/{bucket}/{key}"));
    }
    Ok(format!("https://{bucket}.s3.{region}.{domain}/{key}"))
}

/// A key with all but unreserved characters and slashes encoded. Source: Amazon S3, *Authenticating requests*.
fn encoded(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

fn headers(
    credentials: &Credentials,
    region: &str,
    at: SystemTime,
    url: &str,
) -> Result<Vec<(String, String)>, String> {
    let failed =
        |error: &dyn std::error::Error| format!("cannot sign the request: {}", causes(error));
    let identity = credentials.clone().into();
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("s3")
        .time(at)
        .settings(settings)
        .build()
        .map_err(|error| failed(&error))?;
    let request = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::Bytes(b""));
    let request = request.map_err(|error| failed(&error))?;
    signed(request, params).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn an_object_is_asked_for_at_its_bucket() {
        let of = |bucket: &str, key: &str| url(None, bucket, key, "eu-west-1");
        let expected = "https://files.s3.eu-west-1.amazonaws.com/a%20b/c.tgz";
        assert_eq!(of("files", "a b/c.tgz").as_deref(), Ok(expected));
        assert_eq!(
            of("my.files", "k").as_deref(),
            Ok("https://s3.eu-west-1.amazonaws.com/my.files/k")
        );
        let local = url(Some("http://127.0.0.1:9000/"), "files", "k", "us-east-1");
        assert_eq!(local.as_deref(), Ok("http://127.0.0.1:9000/files/k"));
        let chinese = url(None, "files", "k", "cn-north-1");
        assert_eq!(chinese.as_deref(), Ok("https://files.s3.cn-north-1.amazonaws.com.cn/k"));
        for bucket in ["evil.example#", "a/b", "u@h", "", "x?", "evil.example:80"] {
            assert!(of(bucket, "k").is_err(), "{bucket}");
        }
        assert!(url(None, "files", "k", "evil.example/").is_err());
    }

    /// Source: Amazon S3, *Signature Calculations for the Authorization Header*, the example of a `GET` without its range.
    #[test]
    fn a_request_is_signed_as_s3_wants_it() {
        let credentials =
            Credentials::new("AKID", "secret", Some("token".to_owned()), None, "test");
        let at = UNIX_EPOCH + Duration::from_hours(380_376);
        let url = "https://files.s3.eu-west-1.amazonaws.com/a%20b";
        let headers = headers(&credentials, "eu-west-1", at, url).expect("it can be signed");
        let get = |name: &str| {
            let found = headers.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let scope = "AWS4-HMAC-SHA256 Credential=AKID/20130524/eu-west-1/s3/aws4_request";
        assert!(get("authorization").starts_with(scope), "{headers:?}");
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!((get("x-amz-content-sha256"), get("x-amz-security-token")), (empty, "token"));
    }
}
