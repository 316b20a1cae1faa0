//! Where files are fetched from.

use std::fs::File;
use std::path::{Component, Path, PathBuf};

use hyper::header::HeaderMap;
use longshore_wire_ecs::fetch::{FetchS3, FetchSettings};
use url::Url;

use super::Signer;
use super::http::{Http, save};
use super::room::Room;
use crate::files::Folder;

/// The header with the region of a bucket. Source: Amazon S3, *`HeadBucket`*.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// What comes of a fetch.
pub(super) type Fetched = Result<(), String>;

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Http(Url),
    S3 { bucket: String, key: String },
    File(PathBuf),
}

impl Source {
    /// # Errors
    /// What is wrong with it, or that nothing is fetched from there.
    pub(super) fn parse(uri: &str) -> Result<Self, String> {
        let uri = uri.trim();
        let Some((scheme, rest)) = uri.split_once("://") else {
            // Source: Apache Mesos: what has no scheme is a path on the agent.
            if uri.starts_with('/') {
                return Ok(Self::File(uri.into()));
            }
            return Err("it has no scheme: relative paths begin at the frameworks_home of an agent, which there is none of here".to_owned());
        };
        match &*scheme.to_ascii_lowercase() {
            "http" | "https" => {
                let url = Url::parse(uri).map_err(|error| format!("it is no URL: {error}"))?;
                Ok(Self::Http(url))
            }
            "s3" | "s3a" | "s3n" => match rest.split_once('/') {
                Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                    Ok(Self::S3 { bucket: bucket.to_owned(), key: key.to_owned() })
                }
                _ => Err("an object is named s3://BUCKET/KEY".to_owned()),
            },
            "file" => {
                let path = rest.strip_prefix("localhost").unwrap_or(rest);
                if path.starts_with('/') {
                    Ok(Self::File(path.into()))
                } else {
                    Err("a file is named file:///PATH".to_owned())
                }
            }
            other => Err(format!(
                "nothing is fetched from {other}: put the file where http, https, s3 or file URIs reach it"
            )),
        }
    }
}

/// What the file is called in the sandbox: what comes after the last slash. Source: Apache Mesos, which leaves a query on it.
///
/// # Errors
/// That it has no name.
pub(super) fn name(uri: &str) -> Result<String, String> {
    let rest = uri.trim().split_once("://").map_or(uri.trim(), |(_, rest)| rest);
    let name = rest.rsplit_once('/').map(|(_, name)| name).unwrap_or_default();
    if name.is_empty() || name.contains(['\\', '\'', '\0']) {
        return Err("it has no path that ends in the name of a file".to_owned());
    }
    Ok(name.to_owned())
}

/// All places that files are fetched from.
pub(super) struct Sources {
    pub(super) http: Http,
    pub(super) settings: FetchSettings,
    pub(super) signer: Signer,
}

impl Sources {
    /// Writes a file down.
    ///
    /// # Errors
    /// What went wrong.
    pub(super) async fn get(&self, source: &Source, into: &mut File, room: &mut Room) -> Fetched {
        match source {
            Source::Http(url) => self.http.get(url.clone(), into, room).await,
            Source::File(path) => self.file(path, into, room),
            Source::S3 { bucket, key } => match &self.settings.s3 {
                FetchS3::Nowhere => Err("nothing is fetched from S3 on this instance; --s3-dir DIR names a directory that stands in for it".to_owned()),
                FetchS3::Directory(directory) => {
                    let below = format!("{bucket}/{key}");
                    copy(Path::new(&**directory), Path::new(&below), into, room)
                }
                FetchS3::Amazon => self.object(bucket, key, into, room).await,
            },
        }
    }

    /// A file of the machine, if it is below a directory that the operator allows.
    fn file(&self, path: &Path, into: &mut File, room: &mut Room) -> Fetched {
        let allowed = &self.settings.directories;
        let found = allowed.iter().find_map(|directory| {
            let below = path.strip_prefix(&**directory).ok()?;
            Some((Path::new(&**directory), below))
        });
        match found {
            Some((directory, below)) => copy(directory, below, into, room),
            None if allowed.is_empty() => Err(
                "no file of the machine may be fetched; --fetch-dir DIR allows those below a directory".to_owned(),
            ),
            None => Err(format!("only files below {} may be fetched", allowed.join(", "))),
        }
    }

    /// An object in Amazon S3. A bucket in another region says so.
    async fn object(&self, bucket: &str, key: &str, into: &mut File, room: &mut Room) -> Fetched {
        let mut region = None;
        for _ in 0..2 {
            let signed = (self.signer)(bucket.to_owned(), key.to_owned(), region.take());
            let (url, headers): (Url, HeaderMap) = signed.await?;
            let answer = self.http.ask(&url, &headers).await?;
            let told = answer.headers().get(BUCKET_REGION).and_then(|value| value.to_str().ok());
            if !answer.status().is_success() && told.is_some() {
                region = told.map(str::to_owned);
                continue;
            }
            return save(answer, into, room).await;
        }
        Err("Amazon S3 does not give it out".to_owned())
    }
}

/// Copies a file below a directory. Links may lead anywhere in it, but not out of it.
fn copy(directory: &Path, below: &Path, into: &mut File, room: &mut Room) -> Fetched {
    if below.components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err("its path leads out of the directory that may be fetched from".to_owned());
    }
    let opened = Folder::open(directory).and_then(|folder| folder.open_beneath(below));
    let mut file = opened.map_err(|error| format!("cannot be read: {error}"))?;
    room.copy(&mut file, into).map_err(|error| format!("cannot be copied: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_told_apart_by_their_scheme() {
        let file = |path: &str| Ok(Source::File(path.into()));
        assert_eq!(Source::parse("/opt/a.tgz"), file("/opt/a.tgz"));
        assert_eq!(Source::parse("file:///opt/a.tgz"), file("/opt/a.tgz"));
        assert_eq!(Source::parse("file://localhost/opt/a"), file("/opt/a"));
        let object = Source::S3 { bucket: "b".to_owned(), key: "k/a.zip".to_owned() };
        assert_eq!(Source::parse("s3://b/k/a.zip"), Ok(object));
        assert!(matches!(Source::parse("HTTPS://a/b"), Ok(Source::Http(_))));
        for (wrong, why) in [
            ("hdfs://nn/a", "nothing is fetched from hdfs"),
            ("ftp://h/a", "nothing is fetched from ftp"),
            ("a.tgz", "no scheme"),
            ("s3://b", "s3://BUCKET/KEY"),
            ("file://host/a", "file:///PATH"),
            ("http://", "no URL"),
        ] {
            let refused = Source::parse(wrong).expect_err(wrong);
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn a_file_is_called_what_comes_after_the_last_slash() {
        let name = |uri: &str| name(uri);
        assert_eq!(name("http://h:1/a/b.tgz").as_deref(), Ok("b.tgz"));
        assert_eq!(name("http://h/a.tgz?x=1").as_deref(), Ok("a.tgz?x=1"));
        assert_eq!(name("s3://b/k/a.zip").as_deref(), Ok("a.zip"));
        assert!(name("http://host").is_err() && name("http://host/").is_err());
        assert!(name("http://host/a'b").is_err());
    }
}
