//! Ids of apps and groups: paths of labels.

use super::limits::ID_CHARACTERS_MAX;

/// Words that an app's id may not end with, since paths of the API do. Source: Marathon, `PathId`.
pub(super) const RESERVED: [&str; 3] = ["restart", "tasks", "versions"];

/// The id with its root: `a/b` is `/a/b`, `a/../b/` is `/b`. Slashes that separate nothing do not count.
pub fn absolute(id: &str) -> String {
    let mut labels = Vec::new();
    for label in id.split('/') {
        match label {
            "" | "." => {}
            // Above the root is the root.
            ".." => drop(labels.pop()),
            label => labels.push(label),
        }
    }
    format!("/{}", labels.join("/"))
}

/// Whether an absolute id is a path of labels. Source: frameworks.md 3.1.
pub fn is_path(id: &str) -> bool {
    let Some(path) = id.strip_prefix('/') else { return false };
    id.chars().count() <= ID_CHARACTERS_MAX && path.split('/').all(is_segment)
}

fn is_segment(segment: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    segment.split('.').all(|label| {
        let is_bounded = !label.starts_with('-') && !label.ends_with('-');
        !label.is_empty() && is_bounded && label.chars().all(inner)
    })
}

/// An id as the beginning of a task's id: `/a/b` is `a_b`.
pub fn safe(id: &str) -> String {
    id.trim_matches('/').replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_path_of_labels() {
        for good in ["/a", "/a/b-c/d.e", "/0", "/product/us-east/db2"] {
            assert!(is_path(good), "{good}");
        }
        for bad in ["a", "/", "/A", "/a//b", "/-a", "/a-", "/a_b", "/a..b", "/ü"] {
            assert!(!is_path(bad), "{bad}");
        }
        assert!(!is_path(&format!("/{}", "a".repeat(1_000))));
        for (id, whole) in [
            ("nginx", "/nginx"),
            ("/a/b/", "/a/b"),
            ("a//b", "/a/b"),
            ("./a/../b", "/b"),
            ("../../a", "/a"),
            ("/", "/"),
            ("..", "/"),
        ] {
            assert_eq!(absolute(id), whole);
        }
        assert_eq!(safe("/a/b"), "a_b");
    }
}
