//! What the demo shows: a table that is redrawn on a terminal, a line for each change elsewhere, JSON when asked for.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use longshore_examples::hello::{Job, News};
use longshore_wire_mesos::v1::TaskState;
use serde_json::json;

/// How the sample tasks should end.
fn expected(job: &Job) -> TaskState {
    match job.name.as_str() {
        "fails" => TaskState::TaskFailed,
        _ if job.kill => TaskState::TaskKilled,
        _ => TaskState::TaskFinished,
    }
}

#[derive(Debug)]
struct Row {
    name: String,
    what: String,
    agent: String,
    states: Vec<TaskState>,
    message: String,
    expected: TaskState,
}

/// The table of tasks.
#[derive(Debug)]
pub(super) struct Board {
    rows: Vec<Row>,
    began: Instant,
    offers: usize,
    json: bool,
    live: bool,
    drawn: usize,
}

impl Board {
    pub(super) fn new(jobs: &[Job], json: bool) -> Self {
        let row = |job: &Job| Row {
            name: job.name.clone(),
            what: job.command.chars().take(38).collect(),
            agent: String::new(),
            states: Vec::new(),
            message: String::new(),
            expected: expected(job),
        };
        let live = !json && std::io::stdout().is_terminal();
        Self {
            rows: jobs.iter().map(row).collect(),
            began: Instant::now(),
            offers: 0,
            json,
            live,
            drawn: 0,
        }
    }

    /// Shows something that happened.
    pub(super) fn show(&mut self, news: News) {
        let seconds = self.began.elapsed().as_secs_f64();
        let line = match &news {
            News::Subscribed(id) => format!("subscribed as framework {id}"),
            News::Offers(count, cores) => format!("{count} offers, {cores:.1} cores"),
            News::Launched(task, host) => {
                format!("{task:<8} TASK_STAGING   launched on the agent at {host}")
            }
            News::Update(task, state, message) => {
                format!("{task:<8} {:<14} {message}", state.as_str_name())
            }
            News::Done => "every task has ended".to_owned(),
        };
        self.take_in(news);
        if self.json {
            crate::output::say!("{}", json!({"seconds": seconds, "news": line}));
        } else if self.live {
            self.draw(&line);
        } else {
            crate::output::say!("{seconds:6.2} s  {line}");
        }
    }

    fn take_in(&mut self, news: News) {
        match news {
            News::Offers(count, _) => self.offers += count,
            News::Launched(task, host) => {
                if let Some(row) = self.row(&task) {
                    row.agent = host;
                    row.states.push(TaskState::TaskStaging);
                }
            }
            News::Update(task, state, message) => {
                if let Some(row) = self.row(&task) {
                    row.states.push(state);
                    row.message = message;
                }
            }
            News::Subscribed(_) | News::Done => {}
        }
    }

    fn row(&mut self, name: &str) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.name == name)
    }

    /// Draws over what was drawn before.
    fn draw(&mut self, progress: &str) {
        let mut text = String::new();
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A", self.drawn));
        }
        let mut lines =
            vec![format!("{:<8}  {:<38}  {:<11}  {}", "TASK", "COMMAND", "AGENT", "STATES")];
        for row in &self.rows {
            let states: Vec<&str> = row
                .states
                .iter()
                .map(|state| state.as_str_name().trim_start_matches("TASK_"))
                .collect();
            lines.push(format!(
                "{:<8}  {:<38}  {:<11}  {}",
                row.name,
                row.what,
                row.agent,
                states.join(" > ")
            ));
        }
        let ended = self
            .rows
            .iter()
            .filter(|row| row.states.last().is_some_and(|state| is_over(*state)))
            .count();
        let seconds = self.began.elapsed().as_secs_f64();
        lines.push(format!(
            "{ended}/{} ended, {} offers, {seconds:.1} s: {progress}",
            self.rows.len(),
            self.offers
        ));
        self.drawn = lines.len();
        for line in lines {
            text.push_str(&format!("\x1b[2K{line}\n"));
        }
        // A terminal that went away does not keep the tasks from running.
        let _ = std::io::stdout().write_all(text.as_bytes());
    }

    /// Says how it ended; true if every task ended as it should.
    pub(super) fn summary(&self) -> bool {
        let well = self.rows.iter().filter(|row| row.states.last() == Some(&row.expected)).count();
        let seconds = self.began.elapsed().as_secs_f64();
        if self.json {
            crate::output::say!(
                "{}",
                json!({"tasks": self.rows.len(), "asExpected": well, "offers": self.offers, "seconds": seconds})
            );
        } else {
            crate::output::say!("");
            crate::output::say!(
                "{well} of {} tasks ended as they should, after {} offers, in {seconds:.1} s:",
                self.rows.len(),
                self.offers
            );
            for row in &self.rows {
                let last = row.states.last().map_or("never launched", |state| state.as_str_name());
                crate::output::say!("  {:<8}  {last:<14}  {}", row.name, row.message);
            }
        }
        well == self.rows.len()
    }
}

fn is_over(state: TaskState) -> bool {
    !matches!(
        state,
        TaskState::TaskStaging
            | TaskState::TaskStarting
            | TaskState::TaskRunning
            | TaskState::TaskKilling
    )
}
