//! AWS Signature Version 4, as a server reads it.
//!
//! Reading tells who calls and from which region ([`Credential::read`]); checking ([`verify`]) needs the
//! secret key and is done only where keys are configured. Pure: the time of the request is compared by the
//! caller. Source: AWS General Reference, *Signature Version 4 signing process*.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::error::{ApiError, ErrorCode};

/// What the `Authorization` header says of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential<'a> {
    /// The access key id.
    pub access_key: &'a str,
    /// `YYYYMMDD`.
    pub date: &'a str,
    /// The region that the request is signed for.
    pub region: &'a str,
    /// The service that the request is signed for, `ecs`.
    pub service: &'a str,
    /// Lower-case names of the signed headers, sorted.
    pub signed_headers: Vec<&'a str>,
    /// The signature in hexadecimal digits.
    pub signature: &'a str,
}

impl<'a> Credential<'a> {
    /// Reads an `Authorization` header.
    ///
    /// # Errors
    /// `IncompleteSignatureException` when a part is missing or out of shape.
    pub fn read(header: &'a str) -> Result<Self, ApiError> {
        Self::parts(header).ok_or_else(|| {
            ApiError::new(
                ErrorCode::IncompleteSignature,
                "The Authorization header must be \"AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/ecs/aws4_request, \
                 SignedHeaders=..., Signature=...\".",
            )
        })
    }

    fn parts(header: &'a str) -> Option<Self> {
        let rest = header.strip_prefix("AWS4-HMAC-SHA256")?.trim();
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in rest.split(',') {
            match part.trim().split_once('=')? {
                ("Credential", value) => credential = Some(value),
                ("SignedHeaders", value) => signed_headers = Some(value),
                ("Signature", value) => signature = Some(value),
                _ => {}
            }
        }
        // From the right, since an access key may hold slashes.
        let mut scope = credential?.rsplitn(5, '/');
        let (terminator, service, region) = (scope.next()?, scope.next()?, scope.next()?);
        let (date, access_key) = (scope.next()?, scope.next()?);
        let complete = terminator == "aws4_request" && !region.is_empty() && !access_key.is_empty();
        complete.then_some(Self {
            access_key,
            date,
            region,
            service,
            signed_headers: signed_headers?.split(';').collect(),
            signature: signature?,
        })
    }
}

/// A request as it was signed.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path, encoded as it was sent.
    pub path: &'a str,
    /// The query, encoded as it was sent.
    pub query: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// The `X-Amz-Date` header.
    pub amz_date: &'a str,
}

/// Checks the signature of a request against the caller's secret key. `header` gives the value of a header.
///
/// # Errors
/// `InvalidSignatureException` when the signature is not the one that the key gives, or when `host` or
/// `x-amz-date` is not signed.
pub fn verify<'h>(
    request: Signed<'_>,
    credential: &Credential<'_>,
    secret_key: &str,
    header: impl Fn(&str) -> Option<&'h str>,
) -> Result<(), ApiError> {
    let refusal = |why: &str| {
        let text = "The request signature we calculated does not match the signature you provided.";
        ApiError::new(ErrorCode::InvalidSignature, format!("{text} {why}"))
    };
    if !credential.signed_headers.contains(&"host")
        || !credential.signed_headers.contains(&"x-amz-date")
    {
        return Err(refusal("The headers host and x-amz-date must be signed."));
    }
    let mut headers = String::new();
    for name in &credential.signed_headers {
        let value = header(name).ok_or_else(|| refusal("A signed header was not sent."))?;
        let folded = value.split_whitespace().collect::<Vec<_>>().join(" ");
        headers.push_str(&format!("{name}:{folded}\n"));
    }
    let canonical = format!(
        "{}\n{}\n{}\n{headers}\n{}\n{}",
        request.method,
        request.path,
        request.query,
        credential.signed_headers.join(";"),
        hex(&Sha256::digest(request.body)),
    );
    let scope =
        format!("{}/{}/{}/aws4_request", credential.date, credential.region, credential.service);
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        request.amz_date,
        hex(&Sha256::digest(canonical))
    );
    let mut key = mac(format!("AWS4{secret_key}").as_bytes(), credential.date.as_bytes());
    for part in [credential.region, credential.service, "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    let expected = hex(&mac(&key, text.as_bytes()));
    if same(expected.as_bytes(), credential.signature.as_bytes()) {
        Ok(())
    } else {
        Err(refusal("Check your AWS Secret Access Key and signing method."))
    }
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares in a time that does not tell where the difference is.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

    fn check(secret: &str) -> Result<(), ApiError> {
        let credential = Credential::read(HEADER).expect("the header is complete");
        let request =
            Signed { method: "GET", path: "/", query: "", body: b"", amz_date: "20150830T123600Z" };
        verify(request, &credential, secret, |name| match name {
            "host" => Some("example.amazonaws.com"),
            "x-amz-date" => Some("20150830T123600Z"),
            _ => None,
        })
    }

    #[test]
    fn the_published_vanilla_request_verifies() {
        assert_eq!(check("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), Ok(()));
    }

    #[test]
    fn another_secret_does_not() {
        assert_eq!(check("other").map_err(|error| error.code), Err(ErrorCode::InvalidSignature));
    }

    #[test]
    fn a_header_out_of_shape_is_refused() {
        for header in
            ["", "Basic x", "AWS4-HMAC-SHA256 Credential=a/b/c", "AWS4-HMAC-SHA256 Credential"]
        {
            assert_eq!(
                Credential::read(header).map_err(|e| e.code),
                Err(ErrorCode::IncompleteSignature)
            );
        }
    }
}
