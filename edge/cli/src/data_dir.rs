//! The data directory of a local ECS, and the question whether to open one that someone else may
//! have created.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use longshore_agent::files::Folder;
use longshore_agent::process::{Key, Ports, SANDBOX_KEPT, Setup, Supervisor};
use longshore_server::{DataDir, DataDirError, Place, Scratch};
use longshore_wire_ecs::fetch::FetchSettings;

use crate::args::DevArgs;

/// Opens the data directory, or creates a temporary one.
pub(crate) async fn open(args: &DevArgs) -> anyhow::Result<(Place, Setup, Option<Scratch>)> {
    let temporary = std::env::temp_dir();
    Scratch::sweep(&temporary).await;
    if args.in_memory {
        let scratch = Scratch::new(&temporary);
        let scratch = scratch
            .with_context(|| format!("cannot create a directory in {}", temporary.display()))?;
        let (hosts, key) = (scratch.hosts()?, scratch.key().clone());
        let setup = setup(hosts, key, true);
        return Ok((Place::Memory, setup, Some(scratch)));
    }
    let directory = trusted(&args.data_dir, args.trust_data_dir)?;
    let (hosts, key) = (directory.hosts()?, directory.key().clone());
    let setup = setup(hosts, key, false);
    Ok((Place::Directory(directory), setup, None))
}

/// How processes run, before the flags about what they may fetch.
fn setup(hosts: Folder, key: Key, ends_with_us: bool) -> Setup {
    Setup {
        hosts,
        key,
        supervisor: Supervisor::own(),
        ports: Ports::default(),
        ends_with_us,
        fetch: FetchSettings::default(),
        sandbox_kept: SANDBOX_KEPT,
    }
}

/// Opens the data directory if we created it, or if the user confirms.
pub(crate) fn trusted(path: &Path, is_trusted: bool) -> anyhow::Result<DataDir> {
    let state = state_dir();
    let state = state.as_deref();
    match DataDir::open(path, state, is_trusted) {
        Err(stranger @ DataDirError::Stranger { .. }) => {
            if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
                bail!(
                    "{stranger}. If that is what you want, start once with --trust-data-dir; otherwise choose another with --data-dir"
                );
            }
            if !asked(&stranger)? {
                bail!("{} was not opened", path.display());
            }
            Ok(DataDir::open(path, state, true)?)
        }
        other => Ok(other?),
    }
}

/// Asks for confirmation on the terminal.
fn asked(stranger: &DataDirError) -> anyhow::Result<bool> {
    let mut terminal = std::io::stderr();
    write!(terminal, "longshore: {stranger}. Open it? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// The user's state directory. Source: XDG Base Directory Specification: `XDG_STATE_HOME`, which
/// must be absolute.
fn state_dir() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    if let Some(given) = given.filter(|path| path.is_absolute()) {
        return Some(given);
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|path| path.is_absolute())?;
    Some(home.join(".local/state"))
}
