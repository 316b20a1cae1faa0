//! Environment files: where they are, and what is in them.
//!
//! Source: ECS developer guide, *Pass environment variables to an Amazon ECS container*, and amazon-ecs-agent, which reads
//! lines as they are: nothing is trimmed, quoted or expanded.

/// Where an environment file is: an object in S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct S3Object<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key, which may hold slashes.
    pub key: &'a str,
}

impl<'a> S3Object<'a> {
    /// Reads `arn:aws:s3:::BUCKET/KEY`; `None` when `text` is no such thing.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let of_s3 = prefix == "arn" && partition.starts_with("aws") && service == "s3";
        let (bucket, key) = resource.split_once('/')?;
        let whole = of_s3 && region.is_empty() && account.is_empty();
        (whole && !bucket.is_empty() && !key.is_empty()).then_some(Self { bucket, key })
    }

    /// The path below a directory that stands for S3; `None` if it would lead out of it.
    pub fn path(&self) -> Option<String> {
        let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
        let plain = is_plain(self.bucket) && self.key.split('/').all(is_plain);
        plain.then(|| format!("{}/{}", self.bucket, self.key))
    }
}

/// The variables of a file: lines with `=` in them that do not begin with `#`. Of equal names the last one wins.
pub fn parse(text: &str) -> Vec<(&str, &str)> {
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let pairs = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let mut variables: Vec<(&str, &str)> = Vec::new();
    for (name, value) in pairs.filter(|(name, _)| !name.is_empty()) {
        match variables.iter_mut().find(|(earlier, _)| *earlier == name) {
            Some(earlier) => earlier.1 = value,
            None => variables.push((name, value)),
        }
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_as_they_are() {
        let text = "# a comment\nA=1\r\n B =two = 2\n\nnothing\n=no name\nC=\n#D=4\nE=\"quoted\" # not a comment";
        let read = parse(text);
        let wanted =
            [("A", "1"), (" B ", "two = 2"), ("C", ""), ("E", "\"quoted\" # not a comment")];
        assert_eq!(read, wanted);
    }

    #[test]
    fn of_equal_names_the_last_one_wins() {
        assert_eq!(parse("A=1\nB=2\nA=3"), [("A", "3"), ("B", "2")]);
    }

    #[test]
    fn only_objects_of_s3_are_taken() {
        let good = S3Object::parse("arn:aws:s3:::bucket/a/b.env");
        assert_eq!(good, Some(S3Object { bucket: "bucket", key: "a/b.env" }));
        for bad in
            ["", "bucket/a.env", "arn:aws:s3:::bucket", "arn:aws:s3:::bucket/", "arn:aws:s3:::/a"]
        {
            assert_eq!(S3Object::parse(bad), None, "{bad}");
        }
        assert_eq!(S3Object::parse("arn:aws:ecs:us-east-1:000000000000:task/a"), None);
    }

    #[test]
    fn no_key_leads_out_of_its_bucket() {
        let path = |key| S3Object { bucket: "bucket", key }.path();
        assert_eq!(path("a/b.env").as_deref(), Some("bucket/a/b.env"));
        for bad in ["../x", "a/../../x", "/etc/passwd", "a//b", ".", "a/./b", "a/\0"] {
            assert_eq!(path(bad), None, "{bad:?}");
        }
        assert_eq!(S3Object { bucket: "..", key: "x" }.path(), None);
    }
}
