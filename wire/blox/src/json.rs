//! JSON as Go's encoder writes it: `<`, `>`, `&` and two line separators escaped, and a newline at the end.

use serde::Serialize;

/// The content type of an answer.
pub const CONTENT_TYPE: &str = "application/json; charset=UTF-8";
/// The content type of a stream of changes.
pub const STREAM_CONTENT_TYPE: &str = "application/octet-stream";
/// The content type of an error.
pub const ERROR_CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// The value and a newline.
///
/// # Errors
/// If the value cannot be written: none of this crate's is one.
pub fn line<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(value)?;
    // In JSON they can only be inside of strings.
    let is_escaped = |one: char| matches!(one, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
    if text.contains(is_escaped) {
        text = text.chars().fold(String::with_capacity(text.len() + 32), |mut text, one| {
            if is_escaped(one) {
                text.push_str(&format!("\\u{:04x}", u32::from(one)));
            } else {
                text.push(one);
            }
            text
        });
    }
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_could_read_as_markup_is_escaped() {
        assert_eq!(
            line(&"<a&b>\u{2028}é").ok().as_deref(),
            Some("\"\\u003ca\\u0026b\\u003e\\u2028é\"\n")
        );
    }
}
