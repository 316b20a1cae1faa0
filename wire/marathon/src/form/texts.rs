//! What a text of an app may hold, so that the program that it starts is given it as it is written.
//!
//! Neither an argument nor a variable can carry a NUL character, and the name of a variable ends at its first `=`. Source: POSIX.1-2017,
//! `exec` and 8.1.

use super::App;
use super::error::Detail;
use super::secrets::EnvValue;

/// What is wrong with the texts of an app.
pub(super) fn wrong(app: &App) -> Vec<Detail> {
    let args = app.args.iter().flatten().enumerate();
    let args = args.map(|(at, text)| (format!("/args({at})"), text.as_str()));
    let cmd = app.cmd.iter().map(|text| ("/cmd".to_owned(), text.as_str()));
    let labels = app.labels.iter().flat_map(|(name, value)| {
        let path = format!("/labels/{name}");
        [(path.clone(), name.as_str()), (path, value.as_str())]
    });
    let env = app.env.iter().filter_map(|(name, value)| match value {
        EnvValue::Plain(text) => Some((format!("/env/{name}"), text.as_str())),
        EnvValue::Secret(_) => None,
    });
    let texts = cmd.chain(args).chain(labels).chain(env);
    let with_nul = texts.filter(|(_, text)| text.contains('\0'));
    let with_nul = with_nul.map(|(path, _)| Detail::new(path, "must not contain a NUL character"));
    let is_name = |name: &&String| !name.is_empty() && !name.contains(['=', '\0']);
    let unnamed = app.env.keys().filter(|name| !is_name(name)).map(|name| {
        let text = "must have a name that is not empty and without '=' and NUL characters";
        Detail::new(format!("/env/{name}"), text)
    });
    with_nul.chain(unnamed).collect()
}
