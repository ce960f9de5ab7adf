// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The measurements that are kept beside the kernel, since each takes minutes.

use super::answer::Answer;
use crate::host::run::Usage;
use crate::kernel::build::klp_build::KlpBuild;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use tempfile::NamedTempFile;

/// The measurements that are not made again for the same kernel.
#[derive(Default, Deserialize, Serialize)]
pub struct Records {
    /// The build of the kernel that runs.
    pub kernel: Taken,
    /// The first livepatch of klp-build, for which it builds the kernel and links it again.
    pub from_nothing: Option<Taken>,
    /// The answers of klp-build from a built tree, by patch.
    pub answers: BTreeMap<String, Answer>,
}

/// The cost of a build.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
pub struct Taken {
    pub usage: Usage,
    /// The bytes on the disk.
    pub disk: u64,
}

impl Records {
    fn file(klp_build: &KlpBuild) -> PathBuf {
        klp_build.results().join("bench.json")
    }

    /// Reads them.
    ///
    /// # Errors
    ///
    /// Fails if they were not written, or not by this program.
    pub fn read(klp_build: &KlpBuild) -> Result<Self> {
        let file = Self::file(klp_build);
        let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("cannot read {}", file.display()))
    }

    /// Writes them.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub fn write(&self, klp_build: &KlpBuild) -> Result<()> {
        let (file, directory) = (Self::file(klp_build), klp_build.results());
        let write = || -> Result<()> {
            fs::create_dir_all(&directory)?;
            // A reader finds the old ones or these, and never a part.
            let mut new = NamedTempFile::new_in(&directory)?;
            new.write_all(&serde_json::to_vec(self)?)?;
            new.persist(&file)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write {}", file.display()))
    }
}
