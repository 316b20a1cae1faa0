//! Which nodes rows are kept in, and what becomes of them when rows change.
//!
//! A row is one node, or several if it is large, since `ZooKeeper` takes a megabyte at a time. Nodes are spread over buckets, since what
//! it says of the children of one node has to fit in a megabyte, too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use longshore_machine::{Change, Row};
use serde::{Deserialize, Serialize};

/// The folders that rows are spread over. Source: chosen by us: a hundred thousand rows are 1,600 in each.
const BUCKETS: u32 = 64;
/// Bytes of a row that one node holds. Source: chosen by us: eight of them are less than `jute.maxbuffer`, a megabyte.
const PART_BYTES_MAX: usize = 128 * 1024;
/// What an operation costs besides its name and data, in bytes, at the most. Source: `ZooKeeper`'s protocol; ACLs included.
const OVERHEAD_BYTES: usize = 128;

/// The folder of all buckets.
pub(super) const ROWS: &str = "rows";

/// Something that is done to a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Op {
    /// The node, below the path of the store.
    pub(super) node: String,
    /// What it holds from now on; `None` if there is to be no such node.
    pub(super) data: Option<String>,
}

impl Op {
    /// Bytes that it takes in a request, at the most.
    pub(super) fn cost(&self) -> usize {
        self.node.len() + self.data.as_ref().map_or(0, String::len) + OVERHEAD_BYTES
    }
}

/// The folders in which rows are.
pub(super) fn buckets() -> impl Iterator<Item = String> {
    (0..BUCKETS).map(|bucket| format!("{ROWS}/{bucket:02x}"))
}

/// FNV-1a. Source: its authors, for 32 bits.
fn bucket(id: &str) -> u32 {
    let hash = id
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash % BUCKETS
}

/// A part of a row.
fn node(kind: &str, id: &str, part: usize) -> String {
    let mut name = format!("{ROWS}/{:02x}/{kind},", bucket(id));
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    let _ = write!(name, "~{part}");
    name
}

/// Kind, id and part of a node.
fn parse(node: &str) -> Option<(String, String, usize)> {
    let (name, part) = node.rsplit('/').next()?.rsplit_once('~')?;
    let (kind, written) = name.split_once(',')?;
    let (mut id, mut rest) = (Vec::new(), written.bytes());
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            id.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            id.push(byte);
        }
    }
    Some((kind.to_owned(), String::from_utf8(id).ok()?, part.parse().ok()?))
}

/// A body in parts; the first says how many there are.
fn parts(body: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = body;
    while rest.len() > PART_BYTES_MAX {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PART_BYTES_MAX));
        pieces.push(piece.to_owned());
        rest = after;
    }
    pieces.push(rest.to_owned());
    let many = pieces.len();
    pieces[0].insert_str(0, &format!("{many}\n"));
    pieces
}

/// What to do with the nodes that are `known`, so that rows are as changes say. Of changes of one row the last counts.
pub(super) fn ops(known: &BTreeSet<String>, changes: &[Change]) -> Vec<Op> {
    let mut last: BTreeMap<(&str, &str), Option<&str>> = BTreeMap::new();
    for change in changes {
        match change {
            Change::Put { kind, id, body } => drop(last.insert((kind, id), Some(body))),
            Change::Delete { kind, id } => drop(last.insert((kind, id), None)),
        }
    }
    let mut ops = Vec::new();
    for ((kind, id), body) in last {
        let pieces = body.map(parts).unwrap_or_default();
        let many = pieces.len();
        let written = pieces.into_iter().enumerate();
        ops.extend(written.map(|(at, data)| Op { node: node(kind, id, at), data: Some(data) }));
        let spare = (many..).map(|at| node(kind, id, at)).take_while(|node| known.contains(node));
        ops.extend(spare.map(|node| Op { node, data: None }));
    }
    ops
}

/// The rows that nodes hold, in the order of kinds and ids.
///
/// # Errors
/// The node that is none of ours, or is missing.
pub(super) fn rows(nodes: &BTreeMap<String, String>) -> Result<Vec<Row>, String> {
    let mut found: BTreeMap<(String, String), BTreeMap<usize, &str>> = BTreeMap::new();
    for (node, data) in nodes {
        let strange = || format!("the node {node} is none of a scheduler's: remove it");
        let (kind, id, part) = parse(node).ok_or_else(strange)?;
        found.entry((kind, id)).or_default().insert(part, data);
    }
    let mut rows = Vec::new();
    for ((kind, id), pieces) in found {
        let whole = || -> Option<String> {
            let (many, first) = pieces.get(&0)?.split_once('\n')?;
            let many: usize = many.parse().ok().filter(|many| *many == pieces.len())?;
            let mut body = first.to_owned();
            for at in 1..many {
                body.push_str(pieces.get(&at)?);
            }
            Some(body)
        };
        let body = whole().ok_or_else(|| format!("the {kind} {id} is not there as a whole"))?;
        rows.push(Row { kind, id, body });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(id: &str, body: &str) -> Change {
        Change::Put { kind: "app", id: id.to_owned(), body: body.to_owned() }
    }

    fn apply(nodes: &mut BTreeMap<String, String>, changes: &[Change]) {
        let known = nodes.keys().cloned().collect();
        for Op { node, data } in ops(&known, changes) {
            match data {
                Some(data) => drop(nodes.insert(node, data)),
                None => assert!(nodes.remove(&node).is_some(), "{node} is not there"),
            }
        }
    }

    #[test]
    fn any_id_is_a_name_that_zookeeper_takes_and_is_read_back() {
        for id in ["/a/b", "..", ".", "a,b~3", "%2F", "ü/\u{0}", "", &"x".repeat(1_000)] {
            let node = node("app", id, 7);
            let name = node.rsplit('/').next().unwrap();
            assert!(
                name != "." && name != ".." && name.bytes().all(|byte| byte.is_ascii_graphic())
            );
            assert_eq!(parse(&node), Some(("app".to_owned(), id.to_owned(), 7)));
        }
        for strange in ["rows/00/app", "rows/00/app,x", "rows/00/app,%2~0", "rows/00/app,x~y"] {
            assert_eq!(parse(strange), None, "{strange}");
        }
    }

    #[test]
    fn a_large_row_is_in_several_nodes_and_leaves_none_behind() {
        let mut nodes = BTreeMap::new();
        let large = "ä".repeat(200_000);
        apply(&mut nodes, &[put("a", &large), put("b", "2")]);
        assert!(nodes.len() == 5 && nodes.values().all(|data| data.len() <= PART_BYTES_MAX + 8));
        let read = rows(&nodes).unwrap();
        assert_eq!((read[0].body.as_str(), read[1].body.as_str()), (large.as_str(), "2"));
        apply(&mut nodes, &[put("a", "1")]);
        assert_eq!(nodes.len(), 2);
        apply(&mut nodes, &[Change::Delete { kind: "app", id: "a".to_owned() }]);
        assert_eq!(rows(&nodes).unwrap().len(), 1);
    }

    #[test]
    fn of_several_changes_of_a_row_the_last_counts() {
        let mut nodes = BTreeMap::new();
        let gone = Change::Delete { kind: "app", id: "a".to_owned() };
        apply(&mut nodes, &[put("a", "1"), gone.clone(), put("a", "2"), put("b", "3"), gone]);
        let read = rows(&nodes).unwrap();
        assert_eq!((read.len(), read[0].id.as_str()), (1, "b"));
    }

    #[test]
    fn what_is_none_of_ours_or_not_whole_is_named() {
        let mut nodes = BTreeMap::from([("rows/00/notes".to_owned(), String::new())]);
        assert!(rows(&nodes).unwrap_err().contains("rows/00/notes"));
        nodes.clear();
        apply(&mut nodes, &[put("a", &"x".repeat(300_000))]);
        let last = nodes.keys().next_back().unwrap().clone();
        nodes.remove(&last);
        assert_eq!(rows(&nodes).unwrap_err(), "the app a is not there as a whole");
    }
}
