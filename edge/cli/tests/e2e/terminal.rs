//! Runs the program on a terminal of a given size, and captures what a person would see.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Number of emulated rows, so that nothing scrolls away; the program sees fewer.
const ROWS_SEEN: u16 = 200;

/// The captured output.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The exit code.
    pub(crate) code: Option<i32>,
    /// The lines on the terminal at the end.
    pub(crate) lines: Vec<String>,
    /// Those that were too long and wrapped.
    pub(crate) wrapped: Vec<String>,
}

/// Runs the program to its end on a terminal of this size.
pub(crate) fn run(columns: u16, rows: u16, words: &[&str]) -> Seen {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
    grantpt(&ours).expect("it is ours");
    unlockpt(&ours).expect("it is ours");
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&ours, size).expect("terminals have a size");
    let theirs = ptsname(&ours, Vec::new()).expect("it has a name").into_string();
    let theirs = OpenOptions::new().read(true).write(true).open(theirs.expect("names are text"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_longshore"));
    command.args(words).env_remove("AWS_ECS_CLUSTER").env_remove("AWS_ECS_ENDPOINT");
    command.env_remove("RUST_LOG").env("TERM", "xterm").stdin(Stdio::null());
    let theirs = theirs.expect("the other end opens");
    command.stdout(theirs.try_clone().expect("it is open")).stderr(theirs);
    let mut child = command.spawn().expect("the binary runs");
    // Only the child may hold the other end, so that reading ends with it.
    drop(command);
    let size = |length: u16| NonZero::new(length).expect("a terminal has rows and columns");
    let mut screen = vt100::Parser::new(size(ROWS_SEEN), size(columns), 0);
    screen.process(&read(ours));
    let code = child.wait().expect("it is our child").code();
    let screen = screen.screen();
    let lines: Vec<String> = screen.rows(0, columns).collect();
    let wrapped = (0..ROWS_SEEN).filter(|row| screen.row_wrapped(*row));
    let wrapped = wrapped.map(|row| lines[usize::from(row)].clone()).collect();
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    Seen { code, lines: lines[..end].to_vec(), wrapped }
}

/// Reads until nobody holds the other end.
fn read(ours: OwnedFd) -> Vec<u8> {
    let mut all = Vec::new();
    // Once the other end is closed the kernel returns EIO rather than end-of-file.
    let _ = File::from(ours).read_to_end(&mut all);
    all
}
