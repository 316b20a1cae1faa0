//! Lines and tables for people. Programs use `--json`.

mod table;

use std::io::Write;

pub(crate) use table::{Column, print as table};

/// Prints a line. Unlike `println!` it quietly ends the program when the reader is gone, as in
/// `longshore ps | head -1`.
macro_rules! say {
    ($($words:tt)*) => { $crate::output::line(format_args!($($words)*)) };
}
pub(crate) use say;

/// Whether a character controls a terminal, changes the writing direction, or is invisible,
/// although JSON may contain it unescaped.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// Escapes hidden characters as in JSON, which leaves the meaning of a document unchanged.
fn shown(text: String) -> String {
    if !text.contains(is_hidden) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Prints a line; see [`say`].
pub(crate) fn line(words: std::fmt::Arguments<'_>) {
    let text = shown(words.to_string());
    if writeln!(std::io::stdout(), "{text}").is_err() {
        #[expect(clippy::exit, reason = "further output cannot be written either")]
        std::process::exit(0);
    }
}

/// Escapes control characters and those that change the writing direction, so that the text cannot
/// control a terminal or start another line.
pub(crate) fn plain(text: &str) -> String {
    let is_plain = |c: char| !c.is_control() && !is_hidden(c);
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

/// An error with its causes. Quoted text is untrusted.
pub(crate) fn message(error: &anyhow::Error) -> String {
    // Our own errors may have several lines, to mark a position in the input.
    let text = format!("{error:#}");
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// The id inside an ARN.
pub(crate) fn short(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

/// How long ago something was, in the largest suitable unit.
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
    use super::{plain, shown};

    #[test]
    fn what_json_may_hold_as_it_is_and_a_terminal_may_not_is_escaped_and_means_the_same() {
        let hostile = "a\u{9b}31m\u{202e}b\u{e0041}\u{feff}c\u{7f}";
        let document = serde_json::json!({ "reason": hostile }).to_string();
        let printed = shown(document.clone());
        assert!(printed.is_ascii(), "{printed}");
        let read =
            |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("it is JSON");
        assert_eq!(read(&printed), read(&document));
        assert_eq!(shown("plain \u{e9}".to_owned()), "plain \u{e9}");
    }

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
