//! Arguments about what is fetched into the sandboxes of tasks.

use std::path::PathBuf;

use anyhow::bail;
use longshore_bridge::Fetching;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::fetch::{FetchS3, FetchSettings};

/// What may be fetched, and by what.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct FetchArgs {
    /// Image that contains the program `longshore`, which fetches the URIs of tasks before they start. Without one, tasks with URIs
    /// are rejected; plain processes need none.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) fetcher_image: Option<String>,
    /// Let tasks fetch files from below this directory of the machine that they run on. May be given more than once.
    #[arg(long, value_name = "DIR")]
    fetch_dir: Vec<PathBuf>,
    /// Let tasks fetch from link-local addresses, where EC2 instances get their credentials.
    #[arg(long)]
    fetch_link_local: bool,
}

impl FetchArgs {
    /// What fetchers may do, with `s3` as the place of objects in S3.
    ///
    /// # Errors
    /// That a directory is not named from the root.
    pub(crate) fn settings(&self, s3: FetchS3) -> anyhow::Result<FetchSettings> {
        let mut directories: Vec<Str> = Vec::new();
        for path in &self.fetch_dir {
            match path.to_str().filter(|_| path.is_absolute()) {
                Some(text) if text.len() > 1 => directories.push(text.trim_end_matches('/').into()),
                _ => bail!(
                    "--fetch-dir {} must be an absolute path, and not the root",
                    path.display()
                ),
            }
        }
        Ok(FetchSettings { directories, link_local: self.fetch_link_local, s3, cache: None })
    }

    /// How tasks of containers have files fetched.
    ///
    /// # Errors
    /// See [`Self::settings`].
    pub(crate) fn fetching(&self) -> anyhow::Result<Fetching> {
        let image = self.fetcher_image.as_deref().map(Into::into);
        // In a container there is nothing but what the task's role gives out.
        Ok(Fetching { image, settings: self.settings(FetchS3::Amazon)? })
    }
}
