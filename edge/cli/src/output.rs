//! Lines and tables for people. Programs use `--json`.

mod table;

use std::io::Write;

pub(crate) use table::{Column, print as table};

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

/// Text that cannot command a terminal or begin another line: control characters, and those that turn the direction of
/// writing, stand there as escapes.
pub(crate) fn plain(text: &str) -> String {
    let is_plain = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !c.is_control() && !turns && !matches!(c, '\u{2028}' | '\u{2029}')
    };
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_plain(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_default());
        }
    }
    shown
}

/// An error with its causes, on one line. What it quotes may come from anybody.
pub(crate) fn message(error: &anyhow::Error) -> String {
    // Errors of our own may have lines, to show a place in what was typed.
    let text = format!("{error:#}");
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
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

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_commands_a_terminal_is_shown_and_not_obeyed() {
        for (text, shown) in [
            ("plain, with ümlauts and 漢字", "plain, with ümlauts and 漢字"),
            ("\x1b]0;title\x07", r"\u{1b}]0;title\u{7}"),
            ("a\nb\tc\r", r"a\nb\tc\r"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("\u{202e}txt.exe", r"\u{202e}txt.exe"),
        ] {
            assert_eq!(plain(text), shown);
        }
    }
}
