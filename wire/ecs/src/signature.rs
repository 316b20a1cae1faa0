//! AWS Signature Version 4, as a server reads it.
//!
//! Reading tells who calls and from which region ([`Credential::read`]); checking ([`verify`]) needs the
//! secret key and is done only where keys are configured. Pure: the time of the request is compared by the
//! caller. Source: AWS General Reference, *Signature Version 4 signing process*.

use std::collections::BTreeSet;

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

/// Headers that a signature covers whether they were sent or not.
const ALWAYS_SIGNED: [&str; 2] = ["host", "x-amz-date"];

/// What the names of headers begin with that a signature covers if they were sent. Source: AWS General Reference, *Create a
/// canonical request*: all `x-amz-` headers. One of them names the operation: unsigned, anybody on the way could choose another.
const SIGNED_IF_SENT: &str = "x-amz-";

/// Checks the signature of a request against the caller's secret key. `sent` are the names of its headers, in lower case;
/// `header` gives the value of one.
///
/// # Errors
/// `InvalidSignatureException` when the signature is not the one that the key gives, when a header is not signed that must be,
/// or when the key is one of another day.
pub fn verify<'h, 's>(
    request: Signed<'_>,
    credential: &Credential<'_>,
    secret_key: &str,
    mut sent: impl Iterator<Item = &'s str>,
    header: impl Fn(&str) -> Option<&'h str>,
) -> Result<(), ApiError> {
    let is_signed = |name: &str| credential.signed_headers.contains(&name);
    let unsigned = ALWAYS_SIGNED.into_iter().find(|name| !is_signed(name));
    let unsigned =
        unsigned.or_else(|| sent.find(|name| name.starts_with(SIGNED_IF_SENT) && !is_signed(name)));
    if let Some(name) = unsigned {
        return Err(refusal(&format!("The header {name} must be among the signed headers.")));
    }
    if request.amz_date.split('T').next() != Some(credential.date) {
        return Err(refusal("The date of the credential must be that of the X-Amz-Date header."));
    }
    if is_ambiguous(request.query) {
        return Err(refusal(
            "A query must write a plus sign as %2B and a space as %20, and name each parameter once.",
        ));
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
        canonical_path(request.path),
        canonical_query(request.query),
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

fn refusal(why: &str) -> ApiError {
    let text = "The request signature we calculated does not match the signature you provided.";
    ApiError::new(ErrorCode::InvalidSignature, format!("{text} {why}"))
}

/// Source: RFC 3986, section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn encode(bytes: impl IntoIterator<Item = u8>, is_kept: impl Fn(u8) -> bool) -> String {
    let one = |byte: u8| {
        if is_kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    bytes.into_iter().map(one).collect()
}

/// The path, encoded once more than it was sent. Source: AWS General Reference: every service but S3 signs it so.
fn canonical_path(path: &str) -> String {
    encode(path.bytes(), |byte| byte == b'/' || is_unreserved(byte))
}

/// Whether a query means one thing only: a plus sign may be a space, and of names that are given twice others may read the first or
/// the last.
fn is_ambiguous(query: &str) -> bool {
    let mut names = BTreeSet::new();
    let mut fields = query.split('&').filter(|field| !field.is_empty());
    query.contains('+')
        || fields.any(|field| !names.insert(decoded(field.split('=').next().unwrap_or_default())))
}

/// The parameters in order, each in one spelling.
fn canonical_query(query: &str) -> String {
    let one = |part: &str| encode(decoded(part), is_unreserved);
    let pair = |field: &str| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        (one(name), one(value))
    };
    let mut pairs: Vec<_> = query.split('&').filter(|field| !field.is_empty()).map(pair).collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Undoes percent encoding; what is none stands for itself.
fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
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

    fn request() -> Signed<'static> {
        Signed { method: "GET", path: "/", query: "", body: b"", amz_date: "20150830T123600Z" }
    }

    /// Checks the published request, as it was sent but for this.
    fn check(
        request: Signed<'_>,
        header: &str,
        secret: &str,
        sent: &[&str],
    ) -> Result<(), ApiError> {
        let credential = Credential::read(header).expect("the header is complete");
        verify(request, &credential, secret, sent.iter().copied(), |name| match name {
            "host" => Some("example.amazonaws.com"),
            "x-amz-date" => Some("20150830T123600Z"),
            _ => None,
        })
    }

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const SENT: [&str; 4] = ["host", "x-amz-date", "authorization", "user-agent"];

    fn why(result: Result<(), ApiError>) -> String {
        let error = result.expect_err("it is refused");
        assert_eq!(error.code, ErrorCode::InvalidSignature);
        error.message
    }

    #[test]
    fn a_query_that_others_may_read_otherwise_is_ambiguous() {
        for query in ["a=b+c", "a=1&a=2", "a=1&b=2&%61=3", "a&a"] {
            assert!(is_ambiguous(query), "{query}");
        }
        for query in ["", "a=b%2Bc", "a=1&b=1", "a=b%20c&c"] {
            assert!(!is_ambiguous(query), "{query}");
        }
    }

    #[test]
    fn the_published_vanilla_request_verifies() {
        assert_eq!(check(request(), HEADER, SECRET, &SENT), Ok(()));
    }

    #[test]
    fn another_secret_does_not() {
        why(check(request(), HEADER, "other", &SENT));
    }

    #[test]
    fn another_request_does_not() {
        for other in [
            Signed { method: "POST", ..request() },
            Signed { path: "/a", ..request() },
            Signed { query: "a=1", ..request() },
            Signed { body: b"{}", ..request() },
            Signed { amz_date: "20150830T123601Z", ..request() },
        ] {
            why(check(other, HEADER, SECRET, &SENT));
        }
    }

    #[test]
    fn every_header_of_aws_that_is_sent_must_be_signed() {
        for name in ["x-amz-target", "x-amz-security-token", "x-amz-content-sha256"] {
            let why = why(check(request(), HEADER, SECRET, &[&SENT[..], &[name]].concat()));
            assert!(why.contains(&format!("The header {name} must")), "{why}");
        }
        let bare = HEADER.replace("host;x-amz-date", "x-amz-date");
        assert!(why(check(request(), &bare, SECRET, &SENT)).contains("The header host must"));
        let bare = HEADER.replace("host;x-amz-date", "host");
        assert!(why(check(request(), &bare, SECRET, &SENT)).contains("The header x-amz-date must"));
    }

    #[test]
    fn a_key_of_another_day_is_refused() {
        let other = HEADER.replace("20150830", "20150831");
        assert!(why(check(request(), &other, SECRET, &SENT)).contains("date of the credential"));
    }

    #[test]
    fn paths_are_encoded_once_more_and_queries_have_one_spelling() {
        assert_eq!(canonical_path("/a%20b/c:d"), "/a%2520b/c%3Ad");
        for (sent, canonical) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a", "a="),
            ("a=%7b%22x%22", "a=%7B%22x%22"),
            ("a={&a=%41&a=~", "a=%7B&a=A&a=~"),
            ("a=%zz%", "a=%25zz%25"),
            ("a=b=c&&", "a=b%3Dc"),
        ] {
            assert_eq!(canonical_query(sent), canonical, "{sent}");
        }
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
