//! A scheduler that goes on from its rows.

use longshore_driver_machine::framework::{Offers, Subscription};
use longshore_machine::{Timestamp, Unreadable};

use super::{Chronos, Config, Gauges};
use crate::jobs::Jobs;
use crate::rows::{self, FRAMEWORK, JOB, RUN};
use crate::runs::{Run, Runs, Stage, TaskId};

impl Chronos {
    /// A scheduler that knows what is in its rows, each a kind, an id and a body. `ahead_ms` is how far the wall clock is ahead of the
    /// time of machines.
    ///
    /// # Errors
    /// The row that cannot be read.
    pub fn restore<'r>(
        config: Config,
        ahead_ms: i64,
        rows: impl IntoIterator<Item = (&'r str, &'r str, &'r str)>,
    ) -> Result<Self, Unreadable> {
        let (mut jobs, mut runs, mut framework) = (Jobs::default(), Vec::new(), None);
        for (kind, id, body) in rows {
            let wrong = |why: String| Unreadable { kind: kind.to_owned(), id: id.to_owned(), why };
            match kind {
                JOB => jobs.place(rows::read_job(body).map_err(wrong)?),
                RUN => runs.push((TaskId::from(id), rows::read_run(body).map_err(wrong)?)),
                FRAMEWORK => framework = Some(rows::read_framework(body).map_err(wrong)?),
                _ => return Err(wrong("rows of this kind are not known".to_owned())),
            }
        }
        runs.sort_by_key(|(_, run)| run.order);
        let (offers, session) = (Offers::default(), Subscription::of(framework));
        let (runs_of, tally) = (Runs::default(), Gauges::default());
        let mut chronos =
            Self { config, ahead_ms, jobs, runs: runs_of, offers, session, tally, useless: None };
        for (id, run) in runs {
            chronos.places(id, run);
        }
        Ok(chronos)
    }

    fn places(&mut self, id: TaskId, mut run: Run) {
        if run.stage == Stage::Unreachable {
            // For how long is not known: what is said of it next decides.
            run.stage = Stage::Running;
        }
        let until = match run.stage {
            Stage::Waiting { until_ms } => Some(self.timer(until_ms)),
            // A kill may have been lost.
            Stage::Launched | Stage::Running if run.is_killed => Some(Timestamp::default()),
            _ => None,
        };
        self.runs.place(id.clone(), run);
        self.runs.timer(&id, until);
    }
}
