//! Lines and tables for people. Machines ask for `--json`.

use std::io::Write;

/// Prints a line. Unlike `println!` it ends the program quietly when nobody reads any more, as in `longshore ps | head -1`.
macro_rules! say {
    ($($words:tt)*) => { $crate::output::line(format_args!($($words)*)) };
}
pub(crate) use say;

/// Prints a line; see [`say`].
pub(crate) fn line(words: std::fmt::Arguments<'_>) {
    if writeln!(std::io::stdout(), "{words}").is_err() {
        #[expect(clippy::exit, reason = "what would be said next cannot be said either")]
        std::process::exit(0);
    }
}

/// Prints rows under headings, columns as wide as their longest cell.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        say!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    };
    line(headings.to_vec());
    for row in rows {
        line(row.iter().map(String::as_str).collect());
    }
}

/// The id inside an ARN.
pub(crate) fn short(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

/// How long ago something was, in the largest unit that fits.
pub(crate) fn ago(seconds: i64) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let age = i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(seconds).max(0);
    match age {
        0..=119 => format!("{age}s"),
        120..=7_199 => format!("{}m", age / 60),
        7_200..=172_799 => format!("{}h", age / 3_600),
        _ => format!("{}d", age / 86_400),
    }
}
