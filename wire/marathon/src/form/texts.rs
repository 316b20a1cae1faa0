//! What a text of an app may hold, so that the program that it starts is given it as it is written.
//!
//! Neither an argument nor a variable can carry a NUL character, and the name of a variable ends at its first `=`. Source: POSIX.1-2017,
//! `exec` and 8.1.

use std::collections::BTreeMap;

use super::App;
use super::error::Detail;
use super::secrets::EnvValue;

/// What is wrong with the texts of an app.
pub(super) fn wrong(app: &App) -> Vec<Detail> {
    let args = app.args.iter().flatten().enumerate();
    let args = args.map(|(at, text)| (format!("/args({at})"), text.as_str()));
    let cmd = app.cmd.iter().map(|text| ("/cmd".to_owned(), text.as_str()));
    let own = cmd.chain(args).filter_map(|(path, text)| with_nul(path, text));
    own.chain(labels(&app.labels, "")).chain(variables(&app.env, "/env")).collect()
}

/// What is wrong with a text that is passed on.
pub(super) fn with_nul(path: impl Into<String>, text: &str) -> Option<Detail> {
    text.contains('\0').then(|| Detail::new(path, "must not contain a NUL character"))
}

/// What is wrong with labels of what is at a path.
pub(super) fn labels(
    labels: &BTreeMap<String, String>,
    above: &str,
) -> impl Iterator<Item = Detail> {
    let wrong = move |(name, value): (&String, &String)| {
        let path = format!("{above}/labels/{name}");
        with_nul(path.clone(), name).or_else(|| with_nul(path, value))
    };
    labels.iter().filter_map(wrong)
}

/// What is wrong with variables at a path.
pub(super) fn variables(
    env: &BTreeMap<String, EnvValue>,
    path: &str,
) -> impl Iterator<Item = Detail> {
    env.iter().flat_map(move |(name, value)| {
        let path = format!("{path}/{name}");
        let is_name = !name.is_empty() && !name.contains(['=', '\0']);
        let text = "must have a name that is not empty and without '=' and NUL characters";
        let unnamed = (!is_name).then(|| Detail::new(path.clone(), text));
        let wrong = match value {
            EnvValue::Plain(text) => with_nul(path, text),
            EnvValue::Secret(_) => None,
        };
        unnamed.into_iter().chain(wrong)
    })
}
