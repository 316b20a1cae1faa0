//! Lists where objects belong. The reader of JSON takes the members of an object in their order, too, which Marathon does not, and which
//! nobody means who writes `[]`.

use serde_json::Value;

use super::error::Detail;

/// Finds where `given` has a list and what was read of it has members.
pub(super) fn lists_for_objects(given: &Value, read: &Value) -> Vec<Detail> {
    let mut found = Vec::new();
    compare(given, read, "", &mut found);
    found
}

fn compare(given: &Value, read: &Value, path: &str, found: &mut Vec<Detail>) {
    match (given, read) {
        (Value::Array(_), Value::Object(_)) => {
            let path = if path.is_empty() { "/" } else { path };
            found.push(Detail::new(path, "must be an object, not a list"));
        }
        (Value::Array(given), Value::Array(read)) => {
            for (at, (given, read)) in given.iter().zip(read).enumerate() {
                compare(given, read, &format!("{path}({at})"), found);
            }
        }
        (Value::Object(given), Value::Object(read)) => {
            for (name, given) in given {
                if let Some(read) = read.get(name) {
                    compare(given, read, &format!("{path}/{name}"), found);
                }
            }
        }
        _ => {}
    }
}
