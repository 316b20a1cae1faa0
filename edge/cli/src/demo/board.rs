//! The framework's tasks as a table that fits a terminal of any width.

use longshore_examples::hello::{Job, News};
use longshore_wire_mesos::v1::TaskState;

use super::told::counted;
use crate::terminal::clip;

/// The minimum width, in columns, at which the table is more useful than a log. Chosen by us.
pub(super) const WIDTH_MIN: usize = 56;
/// The width from which the agents fit.
const WIDTH_WITH_AGENTS: usize = 72;
/// The width from which the last message fits.
const WIDTH_WITH_MESSAGES: usize = 100;

const NAME_WIDTH: usize = 8;
const AGENT_WIDTH: usize = 9;
const MESSAGE_WIDTH: usize = 34;
/// `STAGING > RUNNING > FINISHED` and a little more.
const STATES_WIDTH: usize = 28;

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
    runs: String,
    agent: String,
    states: Vec<TaskState>,
    message: String,
    expected: TaskState,
}

/// The table of tasks.
#[derive(Debug)]
pub(super) struct Board {
    rows: Vec<Row>,
    offers: usize,
}

impl Board {
    pub(super) fn new(jobs: &[Job]) -> Self {
        let row = |job: &Job| Row {
            name: job.name.clone(),
            runs: job.command.clone(),
            agent: String::new(),
            states: Vec::new(),
            message: String::new(),
            expected: expected(job),
        };
        Self { rows: jobs.iter().map(row).collect(), offers: 0 }
    }

    pub(super) fn take_in(&mut self, news: &News) {
        match news {
            News::Offers(count, _) => self.offers += count,
            News::Launched(task, host) => {
                if let Some(row) = self.row(task) {
                    row.agent.clone_from(host);
                    row.states.push(TaskState::TaskStaging);
                }
            }
            News::Update(task, state, message) => {
                if let Some(row) = self.row(task) {
                    row.states.push(*state);
                    row.message.clone_from(message);
                }
            }
            News::Subscribed(_) | News::Failed(_) | News::Done => {}
        }
    }

    fn row(&mut self, name: &str) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.name == name)
    }

    /// The number of tasks, how many of them ended as expected, and the number of offers.
    pub(super) fn outcome(&self) -> (usize, usize, usize) {
        let well = self.rows.iter().filter(|row| row.states.last() == Some(&row.expected)).count();
        (self.rows.len(), well, self.offers)
    }

    /// The table, with a line of progress below: each at most `width` characters.
    pub(super) fn lines(&self, width: usize, seconds: f64) -> Vec<String> {
        let columns = Columns::of(width);
        let mut lines = vec![columns.line("TASK", "RUNS", "AGENT", "STATES", "MESSAGE")];
        for row in &self.rows {
            let states = states(&row.states, STATES_WIDTH);
            lines.push(columns.line(&row.name, &row.runs, &row.agent, &states, &row.message));
        }
        let is_over = |row: &&Row| row.states.last().is_some_and(|state| is_over(*state));
        let ended = self.rows.iter().filter(is_over).count();
        let (all, offers) = (self.rows.len(), counted(self.offers, "offer"));
        lines.push(format!("{ended} of {all} ended, {offers}, {seconds:.1} s"));
        lines.iter().map(|line| clip(line.trim_end(), width)).collect()
    }
}

/// Which columns fit, and the width of the one that gets the remaining space.
struct Columns {
    runs: usize,
    has_agent: bool,
    has_message: bool,
}

impl Columns {
    fn of(width: usize) -> Self {
        let has_agent = width >= WIDTH_WITH_AGENTS;
        let has_message = width >= WIDTH_WITH_MESSAGES;
        let mut taken = NAME_WIDTH + 2 + 2 + STATES_WIDTH;
        taken += if has_agent { AGENT_WIDTH + 2 } else { 0 };
        taken += if has_message { MESSAGE_WIDTH + 2 } else { 0 };
        Self { runs: width.saturating_sub(taken).min(50), has_agent, has_message }
    }

    fn line(&self, name: &str, runs: &str, agent: &str, states: &str, message: &str) -> String {
        let mut cells = vec![(name, NAME_WIDTH), (runs, self.runs)];
        cells.extend(self.has_agent.then_some((agent, AGENT_WIDTH)));
        cells.push((states, STATES_WIDTH));
        cells.extend(self.has_message.then_some((message, MESSAGE_WIDTH)));
        let cell = |(text, width): &(&str, usize)| format!("{:<width$}", clip(text, *width));
        cells.iter().map(cell).collect::<Vec<_>>().join("  ")
    }
}

/// The states that a task went through, omitting the first ones if not all fit.
fn states(states: &[TaskState], width: usize) -> String {
    let words: Vec<&str> =
        states.iter().map(|state| state.as_str_name().trim_start_matches("TASK_")).collect();
    let mut shown = words.join(" > ");
    for from in 1..words.len() {
        if shown.chars().count() <= width {
            break;
        }
        shown = format!("… > {}", words[from..].join(" > "));
    }
    shown
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

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> Board {
        let job = |name: &str, command: &str| Job {
            name: name.to_owned(),
            command: command.to_owned(),
            is_definition: false,
            cpus: 0.25,
            mem: 64.0,
            kill: false,
        };
        let mut board = Board::new(&[
            job("count", "for i in 1 2 3; do echo $i; sleep 1; done"),
            job("b", "true"),
        ]);
        board.take_in(&News::Offers(3, 12.0));
        board.take_in(&News::Launched("count".into(), "127.0.1.1".into()));
        for state in [TaskState::TaskStarting, TaskState::TaskRunning, TaskState::TaskFinished] {
            let message = "Command exited with status 0".to_owned();
            board.take_in(&News::Update("count".into(), state, message));
        }
        board
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in WIDTH_MIN..200 {
            let lines = board().lines(width, 3.25);
            assert_eq!(lines.len(), 4);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}: {lines:#?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_from_the_least_important_on() {
        let line = |width| board().lines(width, 0.0)[1].clone();
        assert_eq!(line(60), "count     for i in 1 2 3; do…   … > RUNNING > FINISHED");
        assert!(line(80).contains("127.0.1.1") && !line(80).contains("status 0"));
        assert!(line(120).ends_with("Command exited with status 0"));
    }

    #[test]
    fn a_task_that_ended_otherwise_is_not_as_expected() {
        assert_eq!(board().outcome(), (2, 1, 3));
    }
}
