//! The command line of a supervisor.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::output::Bounds;

/// Prefix of the container's variables in the environment of its supervisor.
pub(crate) const MARK: &str = "container:";

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A container's own command.
    Container,
    /// A health check beside it.
    Probe,
}

/// The arguments of a supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) role: Role,
    /// The container's directory, which must stay in place.
    pub(crate) about: PathBuf,
    /// User and group of the command, if different from ours.
    pub(crate) user: Option<(u32, u32)>,
    /// Working directory of the command, if not the container's own directory.
    pub(crate) cwd: Option<PathBuf>,
    /// Where in the sandbox of its task the command runs, if it does: its output is kept there too.
    pub(crate) sandbox: Option<PathBuf>,
    /// Output limits.
    pub(crate) bounds: Bounds,
    /// Path of the command's control group, without the supervisor's id.
    pub(crate) cgroup: Option<PathBuf>,
    /// Whether everything ends when the other end of standard input is closed.
    pub(crate) has_lifeline: bool,
    /// The command.
    pub(crate) command: Vec<OsString>,
}

impl Arguments {
    pub(crate) fn new(role: Role, about: &Path, command: Vec<OsString>) -> Self {
        Self {
            role,
            about: about.to_owned(),
            user: None,
            cwd: None,
            sandbox: None,
            bounds: Bounds::default(),
            cgroup: None,
            has_lifeline: false,
            command,
        }
    }

    /// The command line, for [`Self::parse`].
    pub(crate) fn words(&self) -> Vec<OsString> {
        let role = match self.role {
            Role::Container => "container",
            Role::Probe => "probe",
        };
        let mut words: Vec<OsString> = vec![role.into(), self.about.clone().into()];
        let mut option = |name: &str, value: &OsStr| words.extend([name.into(), value.to_owned()]);
        if let Some((uid, gid)) = self.user {
            option("--user", format!("{uid}:{gid}").as_ref());
        }
        if let Some(cwd) = &self.cwd {
            option("--cwd", cwd.as_ref());
        }
        if let Some(cgroup) = &self.cgroup {
            option("--cgroup", cgroup.as_ref());
        }
        if let Some(place) = &self.sandbox {
            option("--sandbox", place.as_ref());
        }
        option("--output", self.bounds.to_string().as_ref());
        if self.has_lifeline {
            words.push("--lifeline".into());
        }
        words.push("--".into());
        words.extend(self.command.iter().cloned());
        words
    }

    pub(crate) fn parse(mut words: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut next = |what: &str| words.next().ok_or_else(|| format!("{what} is missing"));
        let role = match next("what to run")?.to_str() {
            Some("container") => Role::Container,
            Some("probe") => Role::Probe,
            _ => return Err("it runs a container or a probe".to_owned()),
        };
        let mut arguments = Self::new(role, Path::new(&next("the directory")?), Vec::new());
        loop {
            let option = next("the command")?;
            match option.to_str() {
                Some("--") => break,
                Some("--user") => arguments.user = Some(user(&next("a user")?)?),
                Some("--cwd") => arguments.cwd = Some(next("a directory")?.into()),
                Some("--cgroup") => arguments.cgroup = Some(next("a control group")?.into()),
                Some("--output") => {
                    let bounds = next("bounds of output")?;
                    let bounds = bounds.to_str().and_then(Bounds::parse);
                    arguments.bounds = bounds.ok_or("the bounds of output are BYTES:FILES")?;
                }
                Some("--sandbox") => arguments.sandbox = Some(next("a directory")?.into()),
                Some("--lifeline") => arguments.has_lifeline = true,
                _ => return Err(format!("{} is not known", option.display())),
            }
        }
        arguments.command = words.collect();
        if arguments.command.is_empty() {
            return Err("the command is missing".to_owned());
        }
        Ok(arguments)
    }
}

fn user(text: &OsStr) -> Result<(u32, u32), String> {
    let numbers = text.to_str().and_then(|text| text.split_once(':'));
    let numbers = numbers.and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?)));
    numbers.ok_or_else(|| "a user is UID:GID".to_owned())
}

/// Extracts the container's variables from those of its supervisor.
pub(crate) fn variables<'v, T: AsRef<OsStr> + 'v>(
    all: impl Iterator<Item = (&'v OsStr, T)> + 'v,
) -> impl Iterator<Item = (&'v OsStr, T)> + 'v {
    all.filter_map(|(name, value)| {
        Some((OsStr::from_bytes(name.as_bytes().strip_prefix(MARK.as_bytes())?), value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_back() {
        let command = ["sh", "-c", "--user 0:0"].map(OsString::from).to_vec();
        let mut arguments = Arguments::new(Role::Container, Path::new("/data/a b"), command);
        let round = |one: &Arguments| Arguments::parse(one.words().into_iter());
        assert_eq!(round(&arguments).as_ref(), Ok(&arguments));
        arguments.role = Role::Probe;
        arguments.user = Some((1, 2));
        arguments.cwd = Some("/tmp".into());
        arguments.sandbox = Some(PathBuf::new());
        assert_eq!(round(&arguments).as_ref(), Ok(&arguments));
        arguments.sandbox = Some("tasks/one".into());
        arguments.cgroup = Some("/sys/fs/cgroup/x".into());
        arguments.has_lifeline = true;
        assert_eq!(round(&arguments).as_ref(), Ok(&arguments));
    }

    #[test]
    fn words_of_somebody_else_are_refused() {
        for wrong in [
            "",
            "serve",
            "container /d",
            "container /d --",
            "container /d --user root -- x",
            "container /d --output 1 -- x",
            "container /d --fast -- x",
        ] {
            let words = wrong.split_whitespace().map(OsString::from);
            assert!(Arguments::parse(words).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_marked_variables_are_the_containers() {
        let all = [("container:A", "1"), ("LD_PRELOAD", "x"), ("container:LD_PRELOAD", "y")];
        let all = all.iter().map(|(name, value)| (OsStr::new(*name), *value));
        let found: Vec<_> = variables(all).collect();
        assert_eq!(found, [(OsStr::new("A"), "1"), (OsStr::new("LD_PRELOAD"), "y")]);
    }
}
