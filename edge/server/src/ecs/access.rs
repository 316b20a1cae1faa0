//! Authenticates callers, and determines the account and region of a request.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use longshore_wire_ecs::arn::{Realm, is_account};
use longshore_wire_ecs::signature::{Credential, Signed, verify};
use longshore_wire_ecs::{ApiError, ErrorCode};

use crate::clock::wall;
use crate::door::Callers;
use crate::limits::CLOCK_SKEW_MS_MAX;

/// Secret keys by access key id. If there are any, every request must be signed with one of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Keys {
    secrets: BTreeMap<String, String>,
}

impl Keys {
    /// Whether requests need no signature.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// How callers are authenticated.
    pub fn callers(&self) -> Callers {
        if self.is_empty() { Callers::Anybody } else { Callers::Proven }
    }

    /// The access key ids, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.secrets.keys().map(String::as_str)
    }

    /// The first key and its secret, for our own requests.
    pub fn first(&self) -> Option<(&str, &str)> {
        self.secrets.first_key_value().map(|(id, secret)| (id.as_str(), secret.as_str()))
    }

    /// Adds a key. Returns false if the id exists with another secret.
    pub fn add(&mut self, id: String, secret: String) -> bool {
        let known = self.secrets.entry(id).or_insert_with(|| secret.clone());
        *known == secret
    }
}

/// Secrets stay out of logs.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.ids()).finish()
    }
}

/// How requests are authenticated.
#[derive(Clone, Debug)]
pub struct Access {
    /// The default account and region.
    pub home: Realm,
    /// Keys to verify signatures; if empty, signatures are parsed but not verified.
    pub keys: Keys,
}

impl Access {
    /// The realm of a request. Its region is the one it is signed for, never one from `Host`; an
    /// access key of twelve digits counts as the account.
    ///
    /// # Errors
    /// Those of Signature Version 4, if keys are configured or the header is malformed.
    pub(crate) fn admit(&self, parts: &Parts, body: &[u8]) -> Result<Realm, ApiError> {
        let Some(header) = text(&parts.headers, "authorization") else {
            if self.keys.is_empty() {
                return Ok(self.home.clone());
            }
            return Err(ApiError::new(
                ErrorCode::MissingAuthenticationToken,
                "Missing Authentication Token",
            ));
        };
        let credential = Credential::read(header)?;
        if !self.keys.is_empty() {
            self.check(parts, body, &credential)?;
        }
        let key = credential.access_key;
        let account = if is_account(key) { key } else { &self.home.account };
        realm(credential.region, account)
    }

    fn check(
        &self,
        parts: &Parts,
        body: &[u8],
        credential: &Credential<'_>,
    ) -> Result<(), ApiError> {
        let secret = self.keys.secrets.get(credential.access_key).ok_or_else(|| {
            ApiError::new(
                ErrorCode::UnrecognizedClient,
                "The security token included in the request is invalid.",
            )
        })?;
        let amz_date = text(&parts.headers, "x-amz-date").unwrap_or_default();
        let at = seconds(amz_date).ok_or_else(|| {
            ApiError::new(
                ErrorCode::IncompleteSignature,
                "The X-Amz-Date header must be YYYYMMDD'T'HHMMSS'Z'.",
            )
        })?;
        if (at * 1000).abs_diff(wall().millis()) > CLOCK_SKEW_MS_MAX {
            return Err(ApiError::new(
                ErrorCode::InvalidSignature,
                "Signature expired: the request is more than 5 minutes off.",
            ));
        }
        let signed = Signed {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            body,
            amz_date,
        };
        let sent = parts.headers.keys().map(axum::http::HeaderName::as_str);
        verify(signed, credential, secret, sent, |name| text(&parts.headers, name))
    }
}

/// The realm that a signature names. The first sentence of the error is that of AWS for Signature
/// Version 4.
fn realm(region: &str, account: &str) -> Result<Realm, ApiError> {
    Realm::parse(region, account).map_err(|error| {
        let text = format!("Credential should be scoped to a valid region. {error}.");
        ApiError::new(ErrorCode::InvalidSignature, text)
    })
}

pub(crate) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Parses `YYYYMMDDTHHMMSSZ` into seconds since the epoch.
fn seconds(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    if date.len() != 8 || time.len() != 6 || !date.is_ascii() || !time.is_ascii() {
        return None;
    }
    let number = |text: &str| text.parse::<u64>().ok();
    let (year, month, day) = (number(&date[..4])?, number(&date[4..6])?, number(&date[6..])?);
    let (hour, minute, second) = (number(&time[..2])?, number(&time[2..4])?, number(&time[4..])?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Civil calendar arithmetic, with years starting in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_for_what_is_no_region_is_refused() {
        assert_eq!(realm("eu-west-1", "123456789012"), Ok(Realm::new("eu-west-1", "123456789012")));
        let refused = realm("nowhere", "123456789012").expect_err("it is no region");
        assert_eq!(refused.code, ErrorCode::InvalidSignature);
        assert!(refused.message.contains("\"nowhere\" is not a region"), "{}", refused.message);
    }

    #[test]
    fn amz_dates_are_seconds_since_the_epoch() {
        assert_eq!(seconds("19700101T000000Z"), Some(0));
        assert_eq!(seconds("20150830T123600Z"), Some(1_440_938_160));
        assert_eq!(seconds("20240229T235959Z"), Some(1_709_251_199));
        for text in ["", "20150830", "2015-08-30T12:36:00Z", "20151330T123600Z", "2015083éT12360Z"]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
