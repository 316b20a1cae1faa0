//! How much is logged, for a while: `SET_LOGGING_LEVEL` and `/logging/toggle`. Source: Mesos, `libprocess/src/logging.cpp`.
//!
//! A program has one log, so its switch is one of the program. Level 0 is what it was started with.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, StatusCode, Uri, header};
use tokio::task::JoinSet;

use super::front::{Front, text};

/// Sets the level of the log.
type Switch = Box<dyn Fn(u32) + Send + Sync>;

static SWITCH: OnceLock<Switch> = OnceLock::new();
/// Why nothing can be set where nobody has a switch.
const NO_SWITCH: &str =
    "The log level is set when Longshore is started, with --verbose or RUST_LOG";

/// The level, and what sets it back.
#[derive(Clone, Debug, Default)]
pub(super) struct LogLevel(Arc<Mutex<Now>>);

#[derive(Debug, Default)]
struct Now {
    level: u32,
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
    /// That the program has no switch.
    pub(super) fn set(&self, level: u32, lasts: Duration) -> Result<(), &'static str> {
        let switch = SWITCH.get().ok_or(NO_SWITCH)?;
        let mut now = self.now();
        now.end = JoinSet::new();
        if now.level != level {
            switch(level);
            now.level = level;
        }
        if level > 0 {
            // The task is owned by what it changes.
            let own = Arc::downgrade(&self.0);
            now.end.spawn(async move {
                tokio::time::sleep(lasts).await;
                switch(0);
                if let Some(now) = own.upgrade() {
                    now.lock().unwrap_or_else(PoisonError::into_inner).level = 0;
                }
            });
        }
        Ok(())
    }
}

/// `/logging/toggle`: tells the level, or sets it.
pub(super) async fn toggle(State(front): State<Front>, uri: Uri) -> Response<Body> {
    match toggled(&front.log, uri.query().unwrap_or_default()) {
        Ok(said) => {
            let mut response = text(StatusCode::OK, &said);
            let kind = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err((status, why)) => text(status, &why),
    }
}

fn toggled(log: &LogLevel, query: &str) -> Result<String, (StatusCode, String)> {
    let bad = |why: String| (StatusCode::BAD_REQUEST, why);
    let given = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    };
    let (level, lasts) = match (given("level"), given("duration")) {
        (None, None) => return Ok(format!("{}\n", log.get())),
        (Some(_), None) => return Err(bad("Expecting 'duration=value' in query.\n".to_owned())),
        (None, Some(_)) => return Err(bad("Expecting 'level=value' in query.\n".to_owned())),
        (Some(level), Some(lasts)) => (level, lasts),
    };
    let number: i64 =
        level.parse().map_err(|_| bad(format!("Failed to convert '{level}' to number.\n")))?;
    let level = u32::try_from(number).map_err(|_| bad(format!("Invalid level '{number}'.\n")))?;
    let lasts = duration(&lasts).map_err(|why| bad(format!("{why}.\n")))?;
    log.set(level, lasts).map_err(|why| (StatusCode::NOT_IMPLEMENTED, why.to_owned()))?;
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

    /// One test, since the program has one switch.
    #[tokio::test]
    async fn the_level_is_set_for_a_while_and_then_as_before() {
        let log = LogLevel::default();
        let refused = |query: &str| toggled(&log, query).expect_err("it is wrong").1;
        assert_eq!(refused("level=1"), "Expecting 'duration=value' in query.\n");
        assert_eq!(refused("duration=1secs"), "Expecting 'level=value' in query.\n");
        assert_eq!(refused("level=-1&duration=1secs"), "Invalid level '-1'.\n");
        assert!(refused("level=1&duration=soon").contains("soon"));
        assert!(refused("level=1&duration=9999999999999999weeks").contains("weeks"));
        assert_eq!(duration("1.5mins"), Ok(Duration::from_secs(90)));
        assert_eq!(refused("level=1&duration=1secs"), NO_SWITCH);
        let seen = Arc::<AtomicU32>::default();
        let told = seen.clone();
        log_level_by(move |level| told.store(level, Ordering::Relaxed));
        assert_eq!(toggled(&log, "level=2&duration=50ms"), Ok(String::new()));
        assert_eq!(toggled(&log, ""), Ok("2\n".to_owned()));
        // The end of the first does not end the second.
        log.set(1, Duration::from_hours(1)).expect("there is a switch");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!((log.get(), seen.load(Ordering::Relaxed)), (1, 1));
        log.set(3, Duration::from_millis(20)).expect("there is a switch");
        let end = std::time::Instant::now() + Duration::from_secs(10);
        while log.get() > 0 {
            assert!(std::time::Instant::now() < end, "it is never over");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(seen.load(Ordering::Relaxed), 0);
    }
}
