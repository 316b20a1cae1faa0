//! How much is logged, for a while: `SET_LOGGING_LEVEL` and `/logging/toggle`. Source: Mesos, `libprocess/src/logging.cpp`.
//!
//! A program has one log, so its switch is one of the program. Level 0 is what it was started with.
//!
//! As in Mesos, the method of `/logging/toggle` is not looked at: operators set the level with `curl` and a GET. Browsers send a GET for every
//! link and every image, and those too old to say for which page must not change anything by it. So whatever looks like a browser has to send
//! a POST, as for every other change.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use tokio::task::JoinSet;

use super::front::{Front, text};
use crate::door::is_from_page;
use crate::limits::{LOG_LEVEL_MAX, LOG_LEVEL_SET_MAX};

/// Sets the level of the log.
type Switch = Box<dyn Fn(u32) + Send + Sync>;

static SWITCH: OnceLock<Switch> = OnceLock::new();
/// Why nothing can be set where nobody has a switch.
const NO_SWITCH: &str =
    "The log level is set when Longshore is started, with --verbose or RUST_LOG";
/// Why a browser is refused.
const NO_BROWSERS: &str = "The request looks like that of a browser, which cannot set the log level with a GET: send a POST, or use curl.\n";
/// How the names of browsers begin, also of those from before Fetch Metadata.
const BROWSERS: [&str; 2] = ["Mozilla/", "Opera/"];

/// Why the level is not set: the status and the text of the answer.
pub(super) type Refused = (StatusCode, String);

/// The level, and what sets it back.
#[derive(Clone, Debug, Default)]
pub(super) struct LogLevel(Arc<Mutex<Now>>);

#[derive(Debug, Default)]
struct Now {
    level: u32,
    /// How often it was set.
    sets: u64,
    /// At most one task, which ends with the master.
    end: JoinSet<()>,
}

/// Says how the level of the program's log is set: 0 is what it was started with, each more says more. The first to say so counts.
pub fn log_level_by(switch: impl Fn(u32) + Send + Sync + 'static) {
    let _ = SWITCH.set(Box::new(switch));
}

impl LogLevel {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it is.
    pub(super) fn get(&self) -> u32 {
        self.now().level
    }

    /// Sets it for a while.
    ///
    /// # Errors
    /// That it is out of bounds, or that the program has no switch.
    pub(super) fn set(&self, level: u32, lasts: Duration) -> Result<(), Refused> {
        let bad = |why: String| Err((StatusCode::BAD_REQUEST, why));
        if level > LOG_LEVEL_MAX {
            return bad(format!("Invalid level '{level}': the highest is {LOG_LEVEL_MAX}.\n"));
        }
        if lasts > LOG_LEVEL_SET_MAX {
            let hours = LOG_LEVEL_SET_MAX.as_secs() / 3_600;
            return bad(format!("The log level can be set for at most {hours}hrs.\n"));
        }
        let Some(switch) = SWITCH.get() else {
            return Err((StatusCode::NOT_IMPLEMENTED, NO_SWITCH.to_owned()));
        };
        let mut now = self.now();
        now.end = JoinSet::new();
        now.sets += 1;
        if now.level != level {
            switch(level);
            now.level = level;
        }
        if level > 0 {
            let set = now.sets;
            // The task is owned by what it changes.
            let own = Arc::downgrade(&self.0);
            now.end.spawn(async move {
                tokio::time::sleep(lasts).await;
                if let Some(own) = own.upgrade() {
                    Self(own).is_over(set, switch);
                }
            });
        }
        Ok(())
    }

    /// The time of a level is over. It may have been set again just before, while this waited for its turn.
    fn is_over(&self, set: u64, switch: &Switch) {
        let mut now = self.now();
        if now.sets == set {
            switch(0);
            now.level = 0;
        }
    }
}

/// `/logging/toggle`: tells the level, or sets it.
pub(super) async fn toggle(
    State(front): State<Front>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
) -> Response<Body> {
    let is_by_browser = method != Method::POST && is_from_browser(&headers);
    match toggled(&front.log, uri.query().unwrap_or_default(), is_by_browser) {
        Ok(said) => {
            let mut response = text(StatusCode::OK, &said);
            let kind = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err((status, why)) => text(status, &why),
    }
}

/// Whether a browser sent a request, of whatever age. Programs name themselves otherwise, and have no language.
fn is_from_browser(headers: &HeaderMap) -> bool {
    let name = headers.get(header::USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
    is_from_page(headers)
        || headers.contains_key(header::ACCEPT_LANGUAGE)
        || BROWSERS.iter().any(|browser| {
            name.get(..browser.len()).is_some_and(|it| it.eq_ignore_ascii_case(browser.as_bytes()))
        })
}

fn toggled(log: &LogLevel, query: &str, is_by_browser: bool) -> Result<String, Refused> {
    let bad = |why: String| (StatusCode::BAD_REQUEST, why);
    let given = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    };
    let (level, lasts) = match (given("level"), given("duration")) {
        (None, None) => return Ok(format!("{}\n", log.get())),
        (Some(_), None) => return Err(bad("Expecting 'duration=value' in query.\n".to_owned())),
        (None, Some(_)) => return Err(bad("Expecting 'level=value' in query.\n".to_owned())),
        (Some(_), Some(_)) if is_by_browser => {
            return Err((StatusCode::FORBIDDEN, NO_BROWSERS.to_owned()));
        }
        (Some(level), Some(lasts)) => (level, lasts),
    };
    let number: i64 =
        level.parse().map_err(|_| bad(format!("Failed to convert '{level}' to number.\n")))?;
    let level = u32::try_from(number).map_err(|_| bad(format!("Invalid level '{number}'.\n")))?;
    let lasts = duration(&lasts).map_err(|why| bad(format!("{why}.\n")))?;
    log.set(level, lasts)?;
    Ok(String::new())
}

/// A number and its unit. Source: Mesos, `3rdparty/stout/include/stout/duration.hpp`.
fn duration(text: &str) -> Result<Duration, String> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let seconds = match unit {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "secs" => 1.0,
        "mins" => 60.0,
        "hrs" => 3_600.0,
        "days" => 86_400.0,
        "weeks" => 604_800.0,
        _ => return Err(format!("Unknown duration unit '{unit}' in '{text}'")),
    };
    let number: f64 = number.parse().map_err(|_| format!("Invalid duration '{text}'"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|why| format!("{text}: {why}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn browsers_of_any_age_are_told_from_programs() {
        let is_browser = |name: &str, value: &str| {
            let name: header::HeaderName = name.parse().expect("it is a name");
            let value = value.parse().expect("it is a value");
            is_from_browser(&HeaderMap::from_iter([(name, value)]))
        };
        for (name, value) in [
            ("user-agent", "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)"),
            ("user-agent", "Opera/9.80 (X11; Linux x86_64) Presto/2.12"),
            ("accept-language", "en"),
            ("origin", "null"),
            ("referer", "http://127.0.0.1:5050/"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-dest", "image"),
        ] {
            assert!(is_browser(name, value), "{name}: {value}");
        }
        for name in ["curl/8.5.0", "python-requests/2.31.0", "Go-http-client/1.1", "Java/17", ""] {
            assert!(!is_browser("user-agent", name), "{name}");
        }
        assert!(!is_browser("accept", "text/html, image/gif, */*; q=.2"), "Java sends that");
    }

    /// One test, since the program has one switch.
    #[tokio::test]
    async fn the_level_is_set_for_a_while_and_then_as_before() {
        let log = LogLevel::default();
        let ask = |query: &str| toggled(&log, query, false);
        let refused = |query: &str| ask(query).expect_err("it is wrong").1;
        assert_eq!(refused("level=1"), "Expecting 'duration=value' in query.\n");
        assert_eq!(refused("duration=1secs"), "Expecting 'level=value' in query.\n");
        assert_eq!(refused("level=-1&duration=1secs"), "Invalid level '-1'.\n");
        assert_eq!(refused("level=4&duration=1secs"), "Invalid level '4': the highest is 3.\n");
        let long = refused("level=1&duration=25hrs");
        assert_eq!(long, "The log level can be set for at most 24hrs.\n");
        assert!(refused("level=1&duration=soon").contains("soon"));
        assert!(refused("level=1&duration=9999999999999999weeks").contains("weeks"));
        assert_eq!(duration("1.5mins"), Ok(Duration::from_secs(90)));
        assert_eq!(refused("level=1&duration=1secs"), NO_SWITCH);
        let seen = Arc::<AtomicU32>::default();
        let told = seen.clone();
        log_level_by(move |level| told.store(level, Ordering::Relaxed));
        let by_browser = |query: &str| toggled(&log, query, true);
        let why = (StatusCode::FORBIDDEN, NO_BROWSERS.to_owned());
        assert_eq!(by_browser("level=1&duration=1hrs"), Err(why));
        assert_eq!(by_browser(""), Ok("0\n".to_owned()), "reading is free");
        assert_eq!(ask("level=2&duration=50ms"), Ok(String::new()));
        assert_eq!(ask(""), Ok("2\n".to_owned()));
        // The end of the first does not end the second.
        log.set(1, Duration::from_hours(1)).expect("there is a switch");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!((log.get(), seen.load(Ordering::Relaxed)), (1, 1));
        // Not even if it came while the second was being set.
        let switch = SWITCH.get().expect("there is one");
        let sets = log.now().sets;
        log.is_over(sets - 1, switch);
        assert_eq!((log.get(), seen.load(Ordering::Relaxed)), (1, 1));
        log.is_over(sets, switch);
        assert_eq!((log.get(), seen.load(Ordering::Relaxed)), (0, 0));
        log.set(3, Duration::from_millis(20)).expect("there is a switch");
        let end = std::time::Instant::now() + Duration::from_secs(10);
        while log.get() > 0 {
            assert!(std::time::Instant::now() < end, "it is never over");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(seen.load(Ordering::Relaxed), 0);
    }
}
