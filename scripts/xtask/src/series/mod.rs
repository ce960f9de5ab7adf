// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Makes mailable patches of the stored patches and the overlay, with cover letters.
//!
//! Fixes of the stock kernel are one series, the patches for the livepatch and tracing maintainers another,
//! those for kbuild a third; none needs another to build. In each the stored patches come first; then one
//! commit for each part of the overlay, whose files are stored in this repository and not in a patch, so that
//! nothing is stored twice.

mod sender;
mod stage;

use std::{
    fs,
    path::{Path, PathBuf}, //
};

use anyhow::{
    Context,
    Result, //
};

use crate::{
    kernel::{
        overlay::{self, Part},
        patches,
        source::Source, //
    },
    layout, //
};
pub use sender::Sender;
use stage::Stage;

/// Patches that are sent together; the texts are in `scripts/series`.
struct Series {
    /// The directory below the output.
    name: &'static str,
    /// The cover letter: a subject, and below an empty line the text.
    cover: &'static str,
    /// Which of the stored patches it has.
    kind: Kind,
    /// The commits that parts of the overlay become, with their messages.
    commits: &'static [(Part, &'static str)],
}

/// A kind of stored patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Has a `Fixes:` tag: stock kernels need it, whatever becomes of the other patches.
    Fix,
    /// Its subject begins with `kbuild:`.
    Kbuild,
    /// Any other.
    Sympos,
}

impl Kind {
    /// Returns the kind of a patch with this text.
    fn of(text: &str) -> Self {
        let message = text.split("\n---\n").next().unwrap_or(text);
        let subject = message
            .lines()
            .find_map(|line| line.strip_prefix("Subject: "));
        let subject = subject.unwrap_or_default();
        // `[PATCH]` or `[PATCH 3/7]`.
        let subject = subject.rsplit("] ").next().unwrap_or(subject);
        if message.lines().any(|line| line.starts_with("Fixes: ")) {
            Self::Fix
        } else if subject.starts_with("kbuild: ") {
            Self::Kbuild
        } else {
            Self::Sympos
        }
    }
}

const SERIES: [Series; 3] = [
    Series {
        name: "nops",
        cover: "nops.txt",
        kind: Kind::Fix,
        commits: &[(Part::AliasTest, "alias-test.txt")],
    },
    Series {
        name: "klp-sympos",
        cover: "klp-sympos.txt",
        kind: Kind::Sympos,
        commits: &[
            (Part::Abstractions, "abstractions.txt"),
            (Part::Module, "module.txt"),
            (Part::SymposTest, "sympos-test.txt"),
            (Part::TracerTest, "tracer-test.txt"),
            (Part::Documentation, "documentation.txt"),
            (Part::Maintainers, "maintainers.txt"),
        ],
    },
    Series {
        name: "suffixes",
        cover: "suffixes.txt",
        kind: Kind::Kbuild,
        commits: &[],
    },
];

/// Writes all series for `source` to directories below `output` and returns the patches of each, without
/// the cover letters.
///
/// # Errors
///
/// Fails if a patch does not apply.
pub fn write(source: &Source, output: &Path, sender: &Sender) -> Result<Vec<Vec<PathBuf>>> {
    SERIES
        .iter()
        .map(|series| series.write(source, &output.join(series.name), sender))
        .collect()
}

impl Series {
    fn write(&self, source: &Source, output: &Path, sender: &Sender) -> Result<Vec<PathBuf>> {
        let repository = layout::repository();
        let texts = repository.join("scripts/series");
        let stored = self.stored(source)?;
        let mut files = patches::apply(&stored, &source.pristine)?;
        let mut steps = Vec::new();
        for (part, message) in self.commits {
            let before = files.clone();
            overlay::add(*part, &repository, &source.pristine, &mut files)?;
            if files != before {
                let programs = overlay::programs(*part, &repository)?;
                steps.push((texts.join(message), files.clone(), programs));
            }
        }

        let stage = Stage::new(sender, &source.pristine, files.keys())?;
        for patch in &stored {
            stage.apply(patch)?;
        }
        for (message, files, programs) in &steps {
            stage.add(files, programs, message)?;
        }
        stage.mail(&texts.join(self.cover), output)
    }

    /// Returns the stored patches that are part of the series.
    fn stored(&self, source: &Source) -> Result<Vec<PathBuf>> {
        let mut stored = Vec::new();
        for patch in patches::list(&source.series())? {
            let text =
                fs::read(&patch).with_context(|| format!("cannot read {}", patch.display()))?;
            if Kind::of(&String::from_utf8_lossy(&text)) == self.kind {
                stored.push(patch);
            }
        }
        Ok(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_is_known_by_its_tag_and_a_patch_for_kbuild_by_its_subject() {
        let kind = |subject: &str, body: &str| {
            Kind::of(&format!(
                "From: A\nSubject: {subject}\n\n{body}\n---\n+Fixes: no\n"
            ))
        };
        let fixes = "Text.\n\nFixes: e1452b607c48 (\"livepatch: Add atomic replace\")";
        assert_eq!(kind("[PATCH] livepatch: Free", fixes), Kind::Fix);
        assert_eq!(kind("[PATCH 3/7] kbuild: Let", "Text."), Kind::Kbuild);
        assert_eq!(kind("[PATCH] kallsyms: Add", "Text."), Kind::Sympos);
    }
}
