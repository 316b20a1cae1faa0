//! The terminal on standard output: its size, and text truncated to fit it.

use std::io::IsTerminal;

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// The assumed size of a terminal that does not report it. Source: the VT100, which every other
/// terminal imitates.
const UNKNOWN: Size = Size { columns: 80, rows: 24 };

/// The current size of the terminal; `None` when standard output is a file or a pipe.
pub(crate) fn size() -> Option<Size> {
    let out = std::io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let told = rustix::termios::tcgetwinsize(&out).ok();
    let told = told.filter(|told| told.ws_col > 0 && told.ws_row > 0);
    Some(told.map_or(UNKNOWN, |told| Size {
        columns: usize::from(told.ws_col),
        rows: usize::from(told.ws_row),
    }))
}

/// Truncates text to `columns` characters, marked by an ellipsis.
pub(crate) fn clip(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(columns.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    if columns > 0 {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::clip;

    #[test]
    fn a_cut_is_shown_and_never_longer_than_the_line() {
        assert_eq!(clip("sleep 360", 9), "sleep 360");
        assert_eq!(clip("sleep 360", 8), "sleep 3…");
        assert_eq!(clip("sleep 360", 7), "sleep…");
        assert_eq!((clip("sleep", 1), clip("sleep", 0)), ("…".to_owned(), String::new()));
    }
}
