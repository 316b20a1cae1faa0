//! From a job to JSON, with the members that Chronos has.

use serde_json::{Map, Value, json};

use super::{Counters, Definition, Operator, Trigger};
use crate::answer::moment;

impl Definition {
    /// The job as it is shown. `schedule` is shown in place of the one that was posted: it has the runs that are left, and when the
    /// next of them is due.
    pub fn json(&self, counters: &Counters, schedule: Option<String>) -> Value {
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| drop(shown.insert(name.to_owned(), value));
        put("name", json!(self.name));
        put("command", json!(self.command));
        put("shell", json!(self.shell));
        put("epsilon", json!(duration(self.epsilon_ms)));
        put("executor", json!(""));
        put("executorFlags", json!(""));
        put("taskInfoData", json!(""));
        put("retries", json!(self.retries));
        put("owner", json!(self.owner));
        put("ownerName", json!(self.owner_name));
        put("description", json!(self.description));
        put("async", json!(false));
        put("successCount", json!(counters.successes));
        put("errorCount", json!(counters.errors));
        put("lastSuccess", json!(counters.last_success_ms.map(moment).unwrap_or_default()));
        put("lastError", json!(counters.last_error_ms.map(moment).unwrap_or_default()));
        put("cpus", json!(self.cpus.number()));
        put("disk", json!(self.disk.number()));
        put("mem", json!(self.mem.number()));
        put("disabled", json!(self.disabled));
        put("softError", json!(self.soft_error));
        put("dataProcessingJobType", json!(self.data_processing));
        put("errorsSinceLastSuccess", json!(counters.errors_since_success));
        self.put_lists(&mut put);
        put("highPriority", json!(self.high_priority));
        put("runAsUser", json!(self.run_as_user));
        put("concurrent", json!(self.concurrent));
        if let Some(container) = &self.container {
            put("container", container.json());
        }
        match &self.trigger {
            Trigger::Schedule { schedule: posted, time_zone } => {
                put("schedule", json!(schedule.unwrap_or_else(|| posted.to_string())));
                put("scheduleTimeZone", json!(time_zone));
            }
            Trigger::Parents(parents) => put("parents", json!(parents)),
        }
        Value::Object(shown)
    }

    fn put_lists(&self, put: &mut impl FnMut(&str, Value)) {
        let fetch = self.fetch.iter().map(|one| {
            json!({
                "uri": one.uri,
                "executable": one.executable,
                "cache": one.cache,
                "extract": one.extract,
            })
        });
        let uris: Vec<&str> = self.fetch.iter().map(|one| one.uri.as_str()).collect();
        let variables = self.environment.iter();
        let variables = variables.map(|one| json!({"name": one.name, "value": one.value}));
        let constraints = self.constraints.iter().map(|one| {
            let operator = match one.operator {
                Operator::Equals => "EQUALS",
                Operator::Like => "LIKE",
                Operator::Unlike => "UNLIKE",
            };
            json!([one.attribute, operator, one.value])
        });
        put("fetch", fetch.collect());
        put("uris", json!(uris));
        put("environmentVariables", variables.collect());
        put("arguments", json!(self.arguments));
        put("constraints", constraints.collect());
    }
}

/// As Chronos writes an epsilon: `PT60S`, `PT0.5S`.
fn duration(ms: u64) -> String {
    match ms % 1_000 {
        0 => format!("PT{}S", ms / 1_000),
        fraction => format!("PT{}.{fraction:03}S", ms / 1_000),
    }
}
