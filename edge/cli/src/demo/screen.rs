//! Output of the demo: on a terminal, a table that is redrawn in place; elsewhere, and where the
//! table does not fit, a log; or JSON.
//!
//! Invariant: no line that is redrawn later is wider than the terminal. A line that wraps takes up
//! two rows, so moving up by the number of lines would leave half of the old table behind.

use std::io::Write;
use std::time::Instant;

use longshore_examples::hello::{Job, News};

use super::board::{Board, WIDTH_MIN};
use super::told::{Summary, Told};
use crate::terminal::{self, Size, clip};

/// The output of the demo.
#[derive(Debug)]
pub(super) struct Screen {
    board: Board,
    began: Instant,
    json: bool,
    /// Number of lines of the table on the terminal, with the cursor below them, and the terminal's
    /// width at that time.
    drawn: usize,
    width: usize,
    /// The terminal turned out too small for the table: log from then on.
    is_log: bool,
}

impl Screen {
    pub(super) fn new(jobs: &[Job], json: bool) -> Self {
        Self {
            board: Board::new(jobs),
            began: Instant::now(),
            json,
            drawn: 0,
            width: 0,
            is_log: false,
        }
    }

    /// Prints an event.
    pub(super) fn tell(&mut self, told: Told) {
        let seconds = self.began.elapsed().as_secs_f64();
        if let Told::Framework(news) = &told {
            self.board.take_in(news);
        }
        if self.json {
            crate::output::say!("{}", told.json(seconds));
            return;
        }
        let size = terminal::size();
        if let (Told::Framework(news), Some(size)) = (&told, size)
            && self.draw(size, seconds)
        {
            if matches!(news, News::Done) {
                self.drawn = 0;
            }
            return;
        }
        let width = size.map_or(usize::MAX, |size| size.columns);
        for (number, line) in told.lines().iter().enumerate() {
            let line = match (told.is_timed(), number) {
                (false, _) => line.clone(),
                (true, 0) => format!("{seconds:6.2} s  {line}"),
                (true, _) => format!("          {line}"),
            };
            crate::output::say!("{}", clip(line.trim_end(), width));
        }
    }

    /// Draws the table over the previous one; returns false if it does not fit.
    fn draw(&mut self, size: Size, seconds: f64) -> bool {
        let lines = self.board.lines(size.columns, seconds);
        // One row is left for the cursor.
        if self.is_log || size.columns < WIDTH_MIN || size.rows <= lines.len() {
            self.is_log = true;
            return false;
        }
        let mut text = String::new();
        // If the terminal became narrower the old lines wrap, so the new table goes below them.
        if self.drawn > 0 && size.columns >= self.width {
            text.push_str(&format!("\x1b[{}A", self.drawn));
        }
        for line in &lines {
            text.push_str(&format!("\r\x1b[2K{line}\n"));
        }
        (self.drawn, self.width) = (lines.len(), size.columns);
        // The tasks keep running even if the terminal is gone.
        let _ = std::io::stdout().write_all(text.as_bytes());
        true
    }

    /// Prints how the demo ended.
    pub(super) fn finish(&mut self, rest_as_expected: bool) -> Summary {
        let (tasks, as_expected, offers) = self.board.outcome();
        let summary = Summary { tasks, as_expected, offers, rest_as_expected };
        self.tell(Told::Done(summary.clone()));
        summary
    }
}
