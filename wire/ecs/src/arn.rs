//! Amazon resource names of ECS, and the short ids inside them.
//!
//! There are two forms of ARNs ([`ArnFormat`]); both are read, and every input of the API takes either the short id or the whole
//! ARN. Source: ECS developer guide, *Amazon Resource Names (ARNs) and IDs*.

mod format;

use std::fmt::Write;

use crate::Str;
use crate::limits::REGION_CHARS_MAX;

pub use format::ArnFormat;

/// Bytes of an ARN that is not unusually long.
const ARN_ROOM: usize = 192;

/// The account and region that a resource lives in. Resources of different realms never meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Realm {
    /// For example `us-east-1`.
    pub region: Str,
    /// Twelve digits.
    pub account: Str,
}

/// A region or an account that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RealmError {
    /// Not the name of a region.
    #[error("{0:?} is not a region: a region looks like us-east-1")]
    Region(String),
    /// Not the number of an account.
    #[error("{0:?} is not an account: an account is twelve digits")]
    Account(String),
}

/// Whether a text has the form of a region: groups of lower-case letters and a number, joined by hyphens, such as `us-east-1`,
/// `us-gov-west-1` or `eusc-de-east-1`. Which of these AWS has is not asked.
///
/// Source: the partitions of the AWS SDKs give this form for each partition.
pub fn is_region(text: &str) -> bool {
    let Some((place, number)) = text.rsplit_once('-') else { return false };
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|one| one.is_ascii_lowercase());
    text.len() <= REGION_CHARS_MAX
        && (1..=2).contains(&number.len())
        && number.bytes().all(|one| one.is_ascii_digit())
        && place.contains('-')
        && place.split('-').all(letters)
}

/// Whether a text has the form of an account: twelve digits. Source: AWS General Reference, *AWS account identifiers*.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Realm {
    /// A realm that a stranger names.
    ///
    /// # Errors
    /// When one of the names has not the form that AWS gives them: nothing is kept for what cannot exist.
    pub fn parse(region: &str, account: &str) -> Result<Self, RealmError> {
        if !is_region(region) {
            return Err(RealmError::Region(region.chars().take(REGION_CHARS_MAX).collect()));
        }
        if !is_account(account) {
            return Err(RealmError::Account(account.chars().take(REGION_CHARS_MAX).collect()));
        }
        Ok(Self::new(region, account))
    }

    /// A realm.
    pub fn new(region: impl Into<Str>, account: impl Into<Str>) -> Self {
        Self { region: region.into(), account: account.into() }
    }

    /// The partition that the region belongs to. Source: botocore, `partitions.json`.
    pub fn partition(&self) -> &'static str {
        const PARTITIONS: [(&str, &str); 7] = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("us-iso-", "aws-iso"),
            ("us-isob-", "aws-iso-b"),
            ("eu-isoe-", "aws-iso-e"),
            ("us-isof-", "aws-iso-f"),
            ("eusc-", "aws-eusc"),
        ];
        let of_region = PARTITIONS.iter().find(|(prefix, _)| self.region.starts_with(prefix));
        of_region.map_or("aws", |(_, partition)| partition)
    }

    /// `arn:aws:ecs:REGION:ACCOUNT:RESOURCE`.
    pub fn arn(&self, resource: std::fmt::Arguments<'_>) -> Str {
        // Room for most: text that grows is copied again and again, and every task has several ARNs.
        let mut arn = String::with_capacity(ARN_ROOM);
        for part in ["arn:", self.partition(), ":ecs:", &self.region, ":", &self.account, ":"] {
            arn.push_str(part);
        }
        arn.write_fmt(resource).expect("text can be written to memory");
        arn.into()
    }
}

/// What an ARN names, in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// The partition, for example `aws`.
    pub partition: &'a str,
    /// The region.
    pub region: &'a str,
    /// The account.
    pub account: &'a str,
    /// The kind of resource, for example `task`.
    pub kind: &'a str,
    /// All that follows the kind, for example `default/0123...`.
    pub rest: &'a str,
}

impl<'a> Arn<'a> {
    /// Reads an ARN of ECS; `None` when `text` is no such thing.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        if prefix != "arn" || service != "ecs" {
            return None;
        }
        let (kind, rest) = resource.split_once('/')?;
        Some(Self { partition, region, account, kind, rest })
    }

    /// Whether it names something of an account in a region, in the partition that the region belongs to.
    pub fn is_in(&self, realm: &Realm) -> bool {
        self.region == &*realm.region
            && self.account == &*realm.account
            && self.partition == realm.partition()
    }

    /// The id: what follows the last slash.
    pub fn id(&self) -> &'a str {
        self.rest.rsplit('/').next().unwrap_or(self.rest)
    }

    /// The cluster that a long ARN of a task or container instance names.
    pub fn cluster(&self) -> Option<&'a str> {
        self.rest.split_once('/').map(|(cluster, _)| cluster)
    }
}

/// The 128 bits of a task or container instance id: 32 hexadecimal digits, no hyphen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub u128);

impl ResourceId {
    /// Reads 32 digits, or a UUID of 36 characters as old ids were. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = match text.len() {
            32 => text.to_owned(),
            36 => text.chars().filter(|character| *character != '-').collect(),
            _ => return None,
        };
        (digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .then(|| u128::from_str_radix(&digits, 16).ok().map(Self))?
    }

    /// As a UUID of 36 characters, as old ids were and container ids of Mesos are.
    pub fn uuid(self) -> String {
        let digits = self.to_string();
        [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
    }
}

impl std::fmt::Display for ResourceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::str::from_utf8(&hexadecimal(self.0)).unwrap_or_default())
    }
}

impl std::fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for ResourceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&hexadecimal(self.0)).unwrap_or_default())
    }
}

/// 32 digits. Ids are written more often than anything else, and `{:032x}` takes several times as long.
fn hexadecimal(number: u128) -> [u8; 32] {
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
        (pair[0], pair[1]) = (digit(byte >> 4), digit(byte & 15));
    }
    digits
}

impl<'de> serde::Deserialize<'de> for ResourceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("not an id of 32 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_as_its_32_digits() {
        for id in [0, 1, 0x0123_4567_89ab_cdef, u128::MAX, u128::MAX / 7] {
            assert_eq!(ResourceId(id).to_string(), format!("{id:032x}"));
            let json = serde_json::to_string(&ResourceId(id)).expect("it is text");
            assert_eq!(serde_json::from_str::<ResourceId>(&json).expect("it can be read").0, id);
        }
    }

    #[test]
    fn a_realm_has_names_of_the_form_that_aws_gives_them() {
        for region in
            ["us-east-1", "ap-southeast-12", "us-gov-west-1", "us-isob-east-1", "eusc-de-east-1"]
        {
            assert!(Realm::parse(region, "123456789012").is_ok(), "{region}");
        }
        let long = format!("us-{}-1", "e".repeat(REGION_CHARS_MAX));
        for region in [
            "",
            "us",
            "us-1",
            "us-east",
            "us-east-",
            "us-east-123",
            "US-EAST-1",
            "us--1",
            "-east-1",
            "us-east-1a",
            "../x-y-1",
            "us-éast-1",
            &long,
        ] {
            assert!(
                matches!(Realm::parse(region, "123456789012"), Err(RealmError::Region(_))),
                "{region}"
            );
        }
        for account in ["", "1", "12345678901", "1234567890123", "12345678901a", "１２３４"] {
            assert!(
                matches!(Realm::parse("us-east-1", account), Err(RealmError::Account(_))),
                "{account}"
            );
        }
    }

    #[test]
    fn an_arn_falls_into_its_parts() {
        let arn = Arn::parse(
            "arn:aws:ecs:eu-west-1:123456789012:task/prod/00112233445566778899aabbccddeeff",
        )
        .expect("it is an ARN");
        assert_eq!((arn.region, arn.account, arn.kind), ("eu-west-1", "123456789012", "task"));
        assert_eq!((arn.cluster(), arn.id()), (Some("prod"), "00112233445566778899aabbccddeeff"));
    }

    #[test]
    fn an_arn_is_of_a_realm_only_with_its_partition() {
        let within = |text: &str, region: &str| {
            Arn::parse(text).expect("it is an ARN").is_in(&Realm::new(region, "123456789012"))
        };
        assert!(within("arn:aws:ecs:us-east-1:123456789012:cluster/prod", "us-east-1"));
        assert!(within("arn:aws-cn:ecs:cn-north-1:123456789012:cluster/prod", "cn-north-1"));
        for text in [
            "arn:aws-cn:ecs:us-east-1:123456789012:cluster/prod",
            "arn:aws:ecs:us-east-2:123456789012:cluster/prod",
            "arn:aws:ecs:us-east-1:000000000000:cluster/prod",
        ] {
            assert!(!within(text, "us-east-1"), "{text}");
        }
        assert!(!within("arn:aws:ecs:cn-north-1:123456789012:cluster/prod", "cn-north-1"));
    }

    #[test]
    fn what_is_not_an_arn_of_ecs_is_none() {
        for text in
            ["", "web", "arn:aws:ec2:r:a:instance/i-1", "arn:aws:ecs:r:a", "arn:aws:ecs:r:a:task"]
        {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ids_are_read_in_both_lengths_and_written_in_one() {
        let id = ResourceId::parse("00112233-4455-6677-8899-aabbccddeeff").expect("a UUID");
        assert_eq!(id.to_string(), "00112233445566778899aabbccddeeff");
        assert_eq!(ResourceId::parse(&id.to_string()), Some(id));
        assert_eq!(ResourceId::parse("0011"), None);
        assert_eq!(ResourceId::parse("é0112233445566778899aabbccddeef"), None);
    }
}
