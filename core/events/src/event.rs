//! Events and their envelope.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use serde::{Deserialize, Serialize};

use crate::json::{Json, quoted};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// A UUID.
    pub id: Str,
    /// Origin, for example `aws.ecs`.
    pub source: Str,
    /// Kind, for example `ECS Task State Change`.
    pub detail_type: Str,
    /// When it happened.
    pub time: Timestamp,
    /// ARNs of the resources concerned.
    pub resources: Vec<Str>,
    /// Details: a JSON object, as text.
    pub detail: Str,
}

impl Event {
    /// The whole event as JSON, with members in the order EventBridge uses.
    pub fn envelope(&self, realm: &Realm) -> String {
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

    /// The same as a parsed value. A detail that is not valid JSON becomes `null`.
    pub(crate) fn json<'a>(&'a self, realm: &'a Realm) -> Json<'a> {
        let text = |text: &'a str| Json::Text(text.into());
        let members = [
            ("version", text("0")),
            ("id", text(&self.id)),
            ("detail-type", text(&self.detail_type)),
            ("source", text(&self.source)),
            ("account", text(&realm.account)),
            ("time", Json::Text(self.time.iso_seconds().into())),
            ("region", text(&realm.region)),
            ("resources", Json::Array(self.resources.iter().map(|arn| text(arn)).collect())),
            ("detail", Json::parse(&self.detail).unwrap_or(Json::Null)),
        ];
        Json::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// Approximate memory use.
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
        let envelope = event.envelope(&realm);
        assert_eq!(envelope, event.json(&realm).to_string());
        assert!(envelope.contains(r#""time":"1970-01-01T00:00:01Z""#), "{envelope}");
    }
}
