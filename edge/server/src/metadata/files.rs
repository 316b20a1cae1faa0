//! Environment files from a directory that stands in for S3: one directory per bucket, with keys as
//! paths below it.
//!
//! Error texts begin like those of ECS. Source: *Stopped tasks error messages*,
//! `ResourceInitializationError`.

use std::io::ErrorKind;
use std::path::Path;

use longshore_agent::files::Folder;
use longshore_lifecycle::environment::Variables;
use longshore_wire_ecs::env_file::{S3Object, parse};
use longshore_wire_ecs::shape::container_definition::EnvironmentFile;

use crate::limits::PROVIDED_FILE_BYTES_MAX;

/// Reads the variables of each file, in order.
///
/// # Errors
/// The reason that the task is stopped with.
pub(super) fn read(root: &Path, files: &[EnvironmentFile]) -> Result<Vec<Variables>, String> {
    files.iter().map(|file| one(root, file.value.as_deref().unwrap_or_default())).collect()
}

fn one(root: &Path, arn: &str) -> Result<Variables, String> {
    let failed =
        |why: String| format!("ResourceInitializationError: failed to download env files: {why}");
    let object = S3Object::parse(arn);
    let object = object.ok_or_else(|| failed(format!("{arn} is not the ARN of an S3 object")))?;
    let S3Object { bucket, key } = object;
    let failed = |why: &str| failed(format!("key {key} of bucket {bucket}: {why}"));
    let path = object.path().ok_or_else(|| failed("the key points outside its bucket"))?;
    let bytes = contents(root, Path::new(&path)).map_err(|why| failed(&why))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("the file is not UTF-8"))?;
    let pairs = parse(&text).into_iter().map(|(name, value)| (name.into(), value.into()));
    Ok(pairs.collect())
}

/// Reads a whole file below `root`. Does not follow links that lead out of it, and does not block.
///
/// # Errors
/// Why it cannot be read, without its contents.
pub(super) fn contents(root: &Path, below: &Path) -> Result<Vec<u8>, String> {
    let read =
        Folder::open(root).and_then(|root| root.read_beneath(below, PROVIDED_FILE_BYTES_MAX));
    read.map_err(|error| match error.kind() {
        ErrorKind::NotFound => "NoSuchKey: the specified key does not exist".to_owned(),
        ErrorKind::FileTooLarge => error.to_string(),
        _ => format!("AccessDenied: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(arn: &str) -> EnvironmentFile {
        EnvironmentFile { value: Some(arn.into()), kind: Some("s3".into()) }
    }

    fn refusal(root: &Path, arn: &str) -> String {
        read(root, &[file(arn)]).expect_err("it is refused")
    }

    #[test]
    fn files_are_found_by_bucket_and_key() {
        let root = tempfile::tempdir().expect("a directory can be made");
        std::fs::create_dir_all(root.path().join("bucket/app")).expect("it can be made");
        std::fs::write(root.path().join("bucket/app/a.env"), "A=1\n").expect("it can be written");
        let read = read(root.path(), &[file("arn:aws:s3:::bucket/app/a.env")]);
        assert_eq!(read, Ok(vec![vec![("A".into(), "1".into())]]));
    }

    #[test]
    fn what_is_missing_or_elsewhere_stops_the_task() {
        let root = tempfile::tempdir().expect("a directory can be made");
        let (inside, outside) = (root.path().join("s3"), root.path().join("secret.env"));
        std::fs::create_dir_all(inside.join("bucket")).expect("it can be made");
        std::fs::write(&outside, "A=1").expect("it can be written");
        std::os::unix::fs::symlink(&outside, inside.join("bucket/link.env")).expect("it is linked");
        let begin = "ResourceInitializationError: failed to download env files: ";
        let missing = refusal(&inside, "arn:aws:s3:::bucket/none.env");
        assert!(missing.starts_with(begin) && missing.contains("NoSuchKey"), "{missing}");
        assert!(
            refusal(&inside, "arn:aws:s3:::bucket/../secret.env").contains("outside its bucket")
        );
        assert!(refusal(&inside, "arn:aws:s3:::bucket/link.env").contains("a link points outside"));
        assert!(refusal(&inside, "bucket/a.env").contains("not the ARN"));
    }

    #[test]
    fn a_file_has_a_bound() {
        let root = tempfile::tempdir().expect("a directory can be made");
        std::fs::create_dir_all(root.path().join("bucket")).expect("it can be made");
        let large = vec![b'a'; PROVIDED_FILE_BYTES_MAX + 1];
        std::fs::write(root.path().join("bucket/a.env"), large).expect("it can be written");
        assert!(refusal(root.path(), "arn:aws:s3:::bucket/a.env").contains("larger than"));
    }
}
