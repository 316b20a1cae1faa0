//! The facts of the ECS API model, read from `schema/ecs/api.txt`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A member of a structure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) required: bool,
    /// A primitive type, the name of a structure or enumeration, `[KIND]` or `{KIND}`.
    pub(super) kind: &'static str,
}

/// An operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) request: &'static str,
    pub(super) response: &'static str,
    pub(super) errors: Vec<&'static str>,
}

/// The whole schema.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) operations: BTreeMap<&'static str, Operation>,
    pub(super) structures: BTreeMap<&'static str, Vec<Member>>,
    pub(super) enumerations: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Schema {
    pub(super) fn read() -> Self {
        let mut schema = Self::default();
        let mut structure = "";
        for line in include_str!("../../../../../../schema/ecs/api.txt").lines() {
            let mut words = line.split(' ');
            let mut word = || words.next().expect("each line has its words");
            match word() {
                "operation" => {
                    let (name, request, response) = (word(), word(), word());
                    let operation = Operation { request, response, errors: words.collect() };
                    schema.operations.insert(name, operation);
                }
                "structure" => {
                    structure = word();
                    schema.structures.insert(structure, Vec::new());
                }
                "-" => {
                    let (name, kind) = (word(), word());
                    let required = name.ends_with('!');
                    let member = Member { name: name.trim_end_matches('!'), required, kind };
                    schema.structures.get_mut(structure).expect("it is known").push(member);
                }
                "enumeration" => {
                    let name = word();
                    schema.enumerations.insert(name, words.collect());
                }
                _ => assert!(line.starts_with('#') || line.is_empty(), "{line}"),
            }
        }
        schema
    }

    /// The structure inside a kind, if there is one.
    pub(super) fn inside(&self, kind: &'static str) -> Option<&'static str> {
        let kind = kind.trim_matches(['[', ']', '{', '}']);
        self.structures.contains_key(kind).then_some(kind)
    }

    /// The first member of `value` that `kind` does not have or that has another type.
    pub(super) fn unmodelled(&self, value: &Value, kind: &'static str) -> Option<String> {
        let within = |name: &str, found: Option<String>| found.map(|path| format!("{name}.{path}"));
        if let Some(of) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
            let Some(list) = value.as_array() else { return Some(format!("is no list: {value}")) };
            return list.iter().find_map(|one| within("[]", self.unmodelled(one, of)));
        }
        if let Some(of) = kind.strip_prefix('{').and_then(|kind| kind.strip_suffix('}')) {
            let Some(map) = value.as_object() else { return Some(format!("is no map: {value}")) };
            return map.iter().find_map(|(key, one)| within(key, self.unmodelled(one, of)));
        }
        if let Some(members) = self.structures.get(kind) {
            let Some(given) = value.as_object() else {
                return Some(format!("is no structure: {value}"));
            };
            return given.iter().find_map(|(name, one)| {
                match members.iter().find(|member| member.name == name) {
                    None => Some(format!("{name} is not modelled")),
                    Some(member) => within(name, self.unmodelled(one, member.kind)),
                }
            });
        }
        let fits = match kind {
            "integer" | "long" => value.is_i64(),
            "double" | "timestamp" => value.is_number(),
            "boolean" => value.is_boolean(),
            "string" => value.is_string(),
            // Clients tolerate enumeration values newer than the model, but not values that are not
            // strings.
            _ => value.is_string(),
        };
        (!fits).then(|| format!("is no {kind}: {value}"))
    }

    /// Valid values for a member of this kind.
    pub(super) fn samples(&self, kind: &'static str) -> Vec<Value> {
        if let Some(of) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
            let all = self.samples(of).into_iter().filter(|one| one != "?");
            return all.map(|one| json!([one])).collect();
        }
        if let Some(of) = kind.strip_prefix('{').and_then(|kind| kind.strip_suffix('}')) {
            return self.samples(of).into_iter().map(|one| json!({"k": one})).collect();
        }
        if let Some(words) = self.enumerations.get(kind) {
            let known = words.iter().map(|word| json!(word));
            // With only one valid value, an invalid one shows that the member is read at all.
            return known.chain((words.len() == 1).then(|| json!("?"))).collect();
        }
        if self.structures.contains_key(kind) {
            return vec![self.sample(kind)];
        }
        match kind {
            "string" => vec![json!("x"), json!("1")],
            "integer" | "long" => vec![json!(1), json!(7), json!(60)],
            "double" | "timestamp" => vec![json!(1.5), json!(1.0e10)],
            "boolean" => vec![json!(true), json!(false)],
            _ => panic!("{kind} has no samples"),
        }
    }

    /// Invalid values for a member of this kind, or names of things that do not exist.
    pub(super) fn hostile(&self, kind: &'static str) -> Vec<Value> {
        if let Some(of) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
            let sample = self.samples(of).swap_remove(0);
            let lists = [json!([]), json!(vec![sample; 1_001])];
            return lists
                .into_iter()
                .chain(self.hostile(of).into_iter().map(|one| json!([one])))
                .collect();
        }
        if self.structures.contains_key(kind) {
            return vec![json!({})];
        }
        match kind {
            "integer" | "long" => vec![json!(-1), json!(0), json!(i32::MAX), json!(i32::MIN)],
            "double" | "timestamp" => vec![json!(-1.0e300), json!(1.0e300)],
            "boolean" => vec![json!(true), json!(false)],
            _ if kind.starts_with('{') => vec![json!({})],
            _ => {
                let texts = [
                    "", " ", "x", "gone", "other", "none", "old:1", "web:0", "web:x", "arn:",
                    "\u{0}", "é",
                ];
                let resources = [
                    "cluster/none",
                    "cluster/gone",
                    "cluster/default",
                    "task-definition/none:1",
                    "service/default/none",
                    "service/none/s",
                    "task/default/0123456789abcdef0123456789abcdef",
                    "container-instance/none/0123456789abcdef0123456789abcdef",
                    "task/x",
                    "capacity-provider/none",
                    "nothing",
                ];
                let arns =
                    resources.map(|rest| format!("arn:aws:ecs:us-east-1:123456789012:{rest}"));
                let elsewhere = arns.clone().map(|arn| arn.replace("us-east-1", "eu-west-1"));
                let texts = texts.into_iter().map(str::to_owned).chain(["x".repeat(3_000)]);
                texts.chain(arns).chain(elsewhere).map(Value::from).collect()
            }
        }
    }

    /// A minimal structure.
    pub(super) fn sample(&self, structure: &'static str) -> Value {
        if let Some(sample) = super::samples::of(structure) {
            return sample;
        }
        let mut value = json!({});
        for member in self.structures[structure].iter().filter(|member| member.required) {
            value[member.name] = self.samples(member.kind).swap_remove(0);
        }
        value
    }
}
