//! What a `valueFrom` names: a parameter of Systems Manager, or a secret of Secrets Manager and a part of it.
//!
//! Source: ECS API reference, `Secret.valueFrom`, and ECS developer guide, *Pass Secrets Manager secrets through Amazon ECS
//! environment variables*: `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX:JSON-KEY:STAGE:VERSION`.

/// What a `valueFrom` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueFrom<'a> {
    /// A parameter of Systems Manager.
    Parameter {
        /// The ARN, or the name alone.
        given: &'a str,
        /// The name; in an ARN it has lost its first slash.
        name: &'a str,
    },
    /// A secret of Secrets Manager.
    Secret {
        /// The ARN without what follows the name.
        arn: &'a str,
        /// The name, with the six characters that Secrets Manager adds.
        name: &'a str,
        /// A member of the secret, which then is a JSON object; empty for the whole.
        json_key: &'a str,
        /// The stage, or empty.
        stage: &'a str,
        /// The version, or empty.
        version: &'a str,
    },
}

/// The number of characters, hyphen included, that Secrets Manager adds to a name.
const SUFFIX_CHARS: usize = 7;

impl<'a> ValueFrom<'a> {
    /// Reads a `valueFrom`; `None` for an ARN that is neither a parameter's nor a secret's.
    pub fn parse(text: &'a str) -> Option<Self> {
        if !text.starts_with("arn:") {
            return (!text.is_empty()).then_some(Self::Parameter { given: text, name: text });
        }
        let mut parts = text.splitn(6, ':');
        let (service, resource) = (parts.nth(2)?, parts.nth(2)?);
        match service {
            "ssm" => {
                let name = resource.strip_prefix("parameter/").filter(|name| !name.is_empty())?;
                Some(Self::Parameter { given: text, name })
            }
            "secretsmanager" => {
                let rest = resource.strip_prefix("secret:")?;
                let pieces: Vec<&str> = rest.split(':').collect();
                let (name, json_key, stage, version) = match pieces[..] {
                    [name] => (name, "", "", ""),
                    [name, key, stage, version] => (name, key, stage, version),
                    _ => return None,
                };
                let arn = &text[..text.len() - rest.len() + name.len()];
                (!name.is_empty()).then_some(Self::Secret { arn, name, json_key, stage, version })
            }
            _ => None,
        }
    }

    /// The names under which the value may be kept, the most precise first.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Parameter { given, name } if given == name => vec![(*name).to_owned()],
            Self::Parameter { given, name } => {
                vec![(*given).to_owned(), format!("/{name}"), (*name).to_owned()]
            }
            Self::Secret { arn, name, .. } => {
                let mut names = vec![(*arn).to_owned(), (*name).to_owned()];
                let cut = name.len().checked_sub(SUFFIX_CHARS);
                if let Some((plain, suffix)) = cut.and_then(|cut| name.split_at_checked(cut))
                    && !plain.is_empty()
                    && suffix.starts_with('-')
                {
                    names.push(plain.to_owned());
                }
                names
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf";

    #[test]
    fn a_secret_may_name_a_member_a_stage_and_a_version() {
        let whole = ValueFrom::parse(ARN);
        let name = "db-AbCdEf";
        let secret = |json_key, stage, version| {
            Some(ValueFrom::Secret { arn: ARN, name, json_key, stage, version })
        };
        assert_eq!(whole, secret("", "", ""));
        let text = format!("{ARN}:password::");
        assert_eq!(ValueFrom::parse(&text), secret("password", "", ""));
        let text = format!("{ARN}::AWSPREVIOUS:v1");
        assert_eq!(ValueFrom::parse(&text), secret("", "AWSPREVIOUS", "v1"));
    }

    #[test]
    fn a_secret_is_kept_by_arn_by_name_or_by_name_without_suffix() {
        let names = ValueFrom::parse(ARN).map(|from| from.names());
        assert_eq!(names.unwrap_or_default(), [ARN, "db-AbCdEf", "db"]);
    }

    #[test]
    fn a_parameter_is_named_by_arn_or_by_itself() {
        let arn = "arn:aws:ssm:us-east-1:000000000000:parameter/prod/db";
        let names = ValueFrom::parse(arn).map(|from| from.names());
        assert_eq!(names.unwrap_or_default(), [arn, "/prod/db", "prod/db"]);
        let names = ValueFrom::parse("/prod/db").map(|from| from.names());
        assert_eq!(names.unwrap_or_default(), ["/prod/db"]);
    }

    #[test]
    fn other_arns_are_not_taken() {
        let two = format!("{ARN}:key:stage");
        for bad in ["", "arn:", "arn:aws:s3:::bucket/key", "arn:aws:ssm:a:b:document/x", &two] {
            assert_eq!(ValueFrom::parse(bad), None, "{bad}");
        }
    }
}
