// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The patched files, under the names of the originals in the source tree.
//!
//! The compiler reads them through a virtual file system (`-ivfsoverlay`). So `__FILE__`, `#include` and
//! the hashes of statics, which depend on a file's name, are the same as in the kernel's build.

use super::patches::Patched;
use crate::error::{Error, Result};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of a patched tree that differ from the tree.
#[derive(Debug)]
pub struct Shadow {
    overlay: PathBuf,
}

impl Shadow {
    /// Writes the patched files below `directory`.
    ///
    /// `trees` are the names by which the compiler may know the source tree.
    ///
    /// # Errors
    ///
    /// The files cannot be written.
    pub fn write(patched: &Patched, trees: &[PathBuf], directory: &Path) -> Result<Self> {
        let mut roots = Vec::new();
        for (path, text) in patched.texts() {
            let copy = directory.join("source").join(path);
            write(&copy, &text)?;
            roots.extend(trees.iter().map(|tree| {
                let name = tree.join(path);
                json!({ "type": "file", "name": name, "external-contents": copy })
            }));
        }
        let overlay = directory.join("overlay.yaml");
        // The format is YAML, and JSON is YAML. The compiler has to see the names of the tree, not those of
        // the copies.
        let text = json!({ "version": 0, "use-external-names": false, "roots": roots });
        write(&overlay, text.to_string().as_bytes())?;
        Ok(Self { overlay })
    }

    /// Returns the compiler's options.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let overlay = self.overlay.display().to_string();
        if overlay.contains(',') {
            return vec!["-ivfsoverlay".to_owned(), overlay];
        }
        // ccache looks at the preprocessed text if an option is in this form. Otherwise it may take an object of
        // another patch for this one, with the setting "sloppiness = ivfsoverlay".
        vec![format!("-Wp,-ivfsoverlay,{overlay}")]
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = made.and_then(|()| fs::write(path, bytes));
    written.map_err(|e| Error::io(&format_args!("cannot write {}", path.display()), e))
}
