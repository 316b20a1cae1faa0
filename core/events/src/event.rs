//! An event, and its envelope.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// A UUID.
    pub id: Str,
    /// Who says so, for example `aws.ecs`.
    pub source: Str,
    /// What kind of event, for example `ECS Task State Change`.
    pub detail_type: Str,
    /// When.
    pub time: Timestamp,
    /// ARNs of what it is about.
    pub resources: Vec<Str>,
    /// The rest: a JSON object, as text.
    pub detail: Str,
}

impl Event {
    /// The whole event as JSON, in the order in which EventBridge writes it.
    pub fn envelope(&self, realm: &Realm) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let resources: Vec<String> = self.resources.iter().map(|arn| quoted(arn)).collect();
        format!(
            "{{\"version\":\"0\",\"id\":{},\"detail-type\":{},\"source\":{},\"account\":{},\"time\":\"{}\",\
             \"region\":{},\"resources\":[{}],\"detail\":{}}}",
            quoted(&self.id),
            quoted(&self.detail_type),
            quoted(&self.source),
            quoted(&realm.account),
            self.time.iso_seconds(),
            quoted(&realm.region),
            resources.join(","),
            self.detail
        )
    }

    /// The same to look into. A detail that is no JSON shows as `null`.
    pub(crate) fn members(&self, realm: &Realm) -> Map<String, Value> {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        put("version", "0".into());
        put("id", (*self.id).into());
        put("detail-type", (*self.detail_type).into());
        put("source", (*self.source).into());
        put("account", (*realm.account).into());
        put("time", self.time.iso_seconds().into());
        put("region", (*realm.region).into());
        put("resources", self.resources.iter().map(|arn| Value::from(&**arn)).collect());
        put("detail", serde_json::from_str(&self.detail).unwrap_or_default());
        members
    }
    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        let resources = self.resources.iter().map(|arn| arn.len() + size_of::<Str>());
        let texts = [&self.id, &self.source, &self.detail_type, &self.detail];
        size_of::<Self>()
            + resources.sum::<usize>()
            + texts.iter().map(|text| text.len()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_json_and_shows_what_can_be_matched() {
        let event = Event {
            id: "1".into(),
            source: "aws.\"ecs\"".into(),
            detail_type: "ECS Task State Change".into(),
            time: Timestamp::from_millis(1_000),
            resources: vec!["arn:a".into(), "arn:b".into()],
            detail: r#"{"version":3}"#.into(),
        };
        let realm = Realm::new("eu-west-1", "123456789012");
        let envelope: Value = serde_json::from_str(&event.envelope(&realm)).expect("it is JSON");
        assert_eq!(envelope, Value::Object(event.members(&realm)));
        assert_eq!(envelope["time"], "1970-01-01T00:00:01Z");
    }
}
