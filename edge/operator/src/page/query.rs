//! From a path and a query to a page.

use super::Page;
use crate::call::Refusal;

/// A page, and how it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The page.
    pub page: Page,
    /// The function that it is to be handed to, for pages that scripts of other sites read.
    pub jsonp: Option<String>,
}

/// Which tasks are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskQuery {
    /// How many at most.
    pub limit: usize,
    /// How many are left out first.
    pub offset: usize,
    /// Which way they are sorted.
    pub order: Order,
    /// Of one framework only.
    pub framework: Option<String>,
    /// Those with this id only.
    pub task: Option<String>,
}

/// Which way tasks are sorted, by the time of their first status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// How many tasks there are on a page. Source: Mesos, `TASK_LIMIT`.
const LIMIT: usize = 100;

impl Asked {
    /// The page that a path and a query ask for; `None` if no page is there.
    ///
    /// # Errors
    /// When the query is one of the few that Mesos refuses.
    pub fn of(path: &str, query: Option<&str>) -> Result<Option<Self>, Refusal> {
        let path = local(path);
        // Source: before 1.0 the names ended so, and some clients never stopped.
        let path = if path == "/state.json" { "/state" } else { path };
        let query = Query::of(query.unwrap_or_default());
        let page = match path {
            "/state" => Page::State,
            "/state-summary" => Page::StateSummary,
            "/frameworks" => Page::Frameworks(query.get("framework_id")),
            "/slaves" => Page::Agents(query.get("slave_id")),
            "/tasks" => Page::Tasks(TaskQuery::of(&query)),
            "/roles" => Page::Roles,
            "/flags" => Page::Flags,
            "/version" => Page::Version,
            "/metrics/snapshot" => {
                query.get("timeout").map_or(Ok(()), |timeout| check_timeout(&timeout))?;
                Page::Metrics
            }
            "/metrics/prometheus" => Page::Prometheus,
            "/weights" => Page::Weights,
            "/quota" => Page::Quota,
            "/maintenance/schedule" => Page::MaintenanceSchedule,
            "/maintenance/status" => Page::MaintenanceStatus,
            _ => match path.strip_prefix("/slaves/") {
                Some(id) => Page::Agents(Some(decoded(id))),
                None => return Ok(None),
            },
        };
        let jsonp = query.get("jsonp").filter(|_| page != Page::Prometheus);
        Ok(Some(Self { page, jsonp }))
    }

    /// The `Content-Type` of the answer.
    pub fn content_type(&self) -> &'static str {
        match (&self.page, &self.jsonp) {
            (Page::Prometheus, _) => "text/plain; version=0.0.4; charset=utf-8",
            (_, Some(_)) => "text/javascript",
            (_, None) => "application/json",
        }
    }
}

impl TaskQuery {
    /// Source: a limit, an offset or an order that cannot be read is as good as none.
    fn of(query: &Query) -> Self {
        let number = |name: &str| query.get(name).and_then(|text| text.parse().ok());
        Self {
            limit: number("limit").unwrap_or(LIMIT),
            offset: number("offset").unwrap_or(0),
            order: match query.get("order").as_deref() {
                Some("asc") => Order::Ascending,
                _ => Order::Descending,
            },
            framework: query.get("framework_id"),
            task: query.get("task_id"),
        }
    }
}

/// A path without `/master` before it or a slash behind it.
pub(crate) fn local(path: &str) -> &str {
    let rest = path.strip_prefix("/master").filter(|rest| rest.starts_with('/'));
    rest.unwrap_or(path).trim_end_matches('/')
}

/// A value of a body that is a form.
pub(crate) fn form_value(body: &str, name: &str) -> Option<String> {
    Query::of(body).get(name)
}

/// The parameters of a request.
struct Query(Vec<(String, String)>);

impl Query {
    fn of(text: &str) -> Self {
        let parts = text.split(['&', ';']).filter(|part| !part.is_empty());
        let pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
        Self(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    /// The last one of that name counts.
    fn get(&self, name: &str) -> Option<String> {
        let found = self.0.iter().rev().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone())
    }
}

/// Reads `%2F` and `+`. What is no code stands for itself.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let code = behind.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(byte);
            rest = &behind[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = behind;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Source: stout, `Duration::parse`. How long it is does not matter: metrics are there at once.
fn check_timeout(text: &str) -> Result<(), Refusal> {
    let end = text.find(|one: char| !one.is_ascii_digit() && one != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let why = if number.parse::<f64>().is_err() {
        format!("Failed to convert '{number}' to number.")
    } else if !["ns", "us", "ms", "secs", "mins", "hrs", "days", "weeks"].contains(&unit) {
        format!("Unknown duration unit '{unit}'.")
    } else {
        return Ok(());
    };
    Err(Refusal::bad(format!("Invalid timeout '{text}': {why}\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, query: &str) -> Option<Page> {
        Asked::of(path, Some(query)).expect("it is not refused").map(|asked| asked.page)
    }

    /// \[P3\]
    #[test]
    fn pages_stand_alone_and_below_master() {
        for path in ["/state", "/master/state", "/state/", "/master/state.json"] {
            assert_eq!(page(path, ""), Some(Page::State), "{path}");
        }
        for path in ["/", "", "/master", "/masterstate", "/roles.json", "/nosuch"] {
            assert_eq!(page(path, ""), None, "{path}");
        }
    }

    /// \[P3\]
    #[test]
    fn what_cannot_be_read_in_a_query_for_tasks_is_ignored() {
        let Some(Page::Tasks(query)) =
            page("/tasks", "limit=x&offset=-1&order=sideways&task_id=a%2Fb+c&framework_id=%zz")
        else {
            panic!("it is a page of tasks");
        };
        assert_eq!((query.limit, query.offset, query.order), (100, 0, Order::Descending));
        assert_eq!(query.task.as_deref(), Some("a/b c"));
        assert_eq!(query.framework.as_deref(), Some("%zz"));
    }

    #[test]
    fn an_agent_may_be_named_in_the_path() {
        assert_eq!(page("/slaves/a%2db", ""), Some(Page::Agents(Some("a-b".to_owned()))));
    }

    /// \[P6\]
    #[test]
    fn a_timeout_of_metrics_must_be_a_time() {
        assert!(Asked::of("/metrics/snapshot", Some("timeout=5secs")).is_ok());
        for wrong in ["timeout=abc", "timeout=5", "timeout=5parsecs"] {
            let refusal = Asked::of("/metrics/snapshot", Some(wrong)).expect_err("it is no time");
            assert_eq!(refusal.status, 400, "{wrong}");
        }
    }
}
