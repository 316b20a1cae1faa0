//! The members of an object, taken out one by one: what is left over is unknown.
//!
//! Source: Jackson, with which Chronos reads: null is absent, numbers and booleans may be strings, and a number is a text too.

use serde_json::{Map, Value};

use crate::Malformed;
use crate::malformed::quoted;

/// The members of an object that are still to be read.
#[derive(Debug)]
pub(crate) struct Fields {
    path: String,
    members: Map<String, Value>,
}

impl Fields {
    /// The members of the object at `path`.
    pub(crate) fn of(path: &str, value: Value) -> Result<Self, Malformed> {
        let what = kind(&value);
        let Value::Object(members) = value else {
            return Err(Malformed::new(path, format!("an object is needed, not {what}")));
        };
        Ok(Self { path: path.to_owned(), members })
    }

    pub(crate) fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(crate) fn wrong(&self, name: &str, wanted: impl Into<String>) -> Malformed {
        Malformed::new(self.path(name), wanted)
    }

    /// A member; null is absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&mut self, name: &str, bytes_max: usize) -> Result<String, Malformed> {
        let Some(value) = self.take(name) else { return Ok(String::new()) };
        as_text(&self.path(name), value, bytes_max)
    }

    pub(crate) fn flag(&mut self, name: &str, default: bool) -> Result<bool, Malformed> {
        match self.take(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" || text.is_empty() => Ok(false),
            Some(other) => {
                Err(self.wrong(name, format!("true or false is needed, not {}", shown(&other))))
            }
        }
    }

    pub(crate) fn number(&mut self, name: &str, default: u64, max: u64) -> Result<u64, Malformed> {
        let Some(value) = self.take(name) else { return Ok(default) };
        let read = match &value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let wanted = || format!("a whole number of 0 to {max} is needed, not {}", shown(&value));
        read.filter(|number| *number <= max).ok_or_else(|| self.wrong(name, wanted()))
    }

    /// A list; absent is empty. `max` is how many.
    pub(crate) fn list(&mut self, name: &str, max: usize) -> Result<Vec<Value>, Malformed> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) if list.len() <= max => Ok(list),
            Some(Value::Array(list)) => {
                Err(self.wrong(name, format!("at most {max} are possible, not {}", list.len())))
            }
            Some(other) => Err(self.wrong(name, format!("a list is needed, not {}", kind(&other)))),
        }
    }

    /// A list of texts of `bytes_max` altogether.
    pub(crate) fn texts(
        &mut self,
        name: &str,
        max: usize,
        bytes_max: usize,
    ) -> Result<Vec<String>, Malformed> {
        let mut left = bytes_max;
        let mut texts = Vec::new();
        for (index, value) in self.list(name, max)?.into_iter().enumerate() {
            let text = as_text(&format!("{}[{index}]", self.path(name)), value, left)?;
            left -= text.len();
            texts.push(text);
        }
        Ok(texts)
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        match self.members.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.wrong(name, "there is no such member: leave it out")),
        }
    }
}

pub(crate) fn as_text(path: &str, value: Value, bytes_max: usize) -> Result<String, Malformed> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        other => {
            return Err(Malformed::new(path, format!("a text is needed, not {}", kind(&other))));
        }
    };
    if text.len() > bytes_max {
        let wanted = format!("at most {bytes_max} bytes are possible, not {}", text.len());
        return Err(Malformed::new(path, wanted));
    }
    if text.contains('\0') {
        return Err(Malformed::new(path, "a text has no NUL characters"));
    }
    Ok(text)
}

pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
        other => other.to_string(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
