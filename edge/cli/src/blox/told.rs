//! What the scripts of Blox ask for and complain of, in their words.

use std::io::{BufRead, Write};

/// An error in the words of the scripts, which print it to standard output.
#[derive(Debug)]
pub(super) struct Told(pub(super) String);

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Told {}

/// What was given, or is typed now.
pub(super) fn needed(given: Option<String>, help: &str) -> anyhow::Result<String> {
    let typed = if let Some(given) = given {
        given
    } else {
        let mut output = std::io::stdout();
        write!(output, "- Enter {help}: ")?;
        output.flush()?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        line.trim().to_owned()
    };
    if typed.is_empty() {
        return Err(Told(format!("Error: {help} is required.")).into());
    }
    Ok(typed)
}
