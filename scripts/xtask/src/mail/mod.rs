// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Makes mailable patches of the stored patches and the overlay, with cover letters.
//!
//! Fixes of the stock kernel are a series for each subsystem, the patches for the livepatch and tracing
//! maintainers another, those for kbuild the next, and the patch for Rust with BTF is mailed alone. A series
//! names those that have to be applied before it. In each the stored patches come first; then one commit for
//! each part of the overlay, whose files are stored in this repository and not in a patch, so that nothing is
//! stored twice.

mod sender;
mod stage;

use crate::host::paths;
use crate::kernel::changes::overlay::{self, maintainers, Part};
use crate::kernel::changes::patches;
use crate::kernel::source::Source;
use anyhow::{bail, Context, Result};
pub use sender::{Sender, NOWHERE};
use stage::Stage;
use std::fs;
use std::path::{Path, PathBuf};

/// Patches that are sent together; the texts are in the series' folder `letters`.
struct MailedSeries {
    /// The directory below the output.
    name: &'static str,
    /// The cover letter: a subject, and below an empty line the text. A patch that is mailed alone has none.
    cover: Option<&'static str>,
    /// The stored patches that it has.
    kind: PatchKind,
    /// The stored patches of other series that have to be applied before.
    after: &'static [PatchKind],
    /// The commits that parts of the overlay become, with their messages.
    commits: &'static [(Part, &'static str)],
}

/// A kind of stored patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatchKind {
    /// Has a `Fixes:` tag, and a subject that begins with `livepatch:`: stock kernels need it, whatever
    /// becomes of the other patches.
    LivepatchFix,
    /// The same for `bpf:`.
    BpfFix,
    /// Its subject begins with `kbuild:`.
    Kbuild,
    /// Its subject begins with `rust: kbuild:`.
    RustKbuild,
    /// Any other.
    Sympos,
}

impl PatchKind {
    /// Returns the kind of a patch with this text; none for a fix that no series takes.
    fn of(text: &str) -> Option<Self> {
        let message = text.split("\n---\n").next().unwrap_or(text);
        let subject = message
            .lines()
            .find_map(|line| line.strip_prefix("Subject: "));
        let subject = subject.unwrap_or_default();
        // `[PATCH]` or `[PATCH 3/7]`.
        let subject = subject.rsplit("] ").next().unwrap_or(subject);
        let mut prefixes = subject.split(": ");
        let subsystem = prefixes.next().unwrap_or(subject);
        let part = prefixes.next().unwrap_or_default();
        let is_fix = message.lines().any(|line| line.starts_with("Fixes: "));
        match (is_fix, subsystem, part) {
            (true, "livepatch", _) => Some(Self::LivepatchFix),
            (true, "bpf", _) => Some(Self::BpfFix),
            (true, _, _) => None,
            (false, "kbuild", _) => Some(Self::Kbuild),
            (false, "rust", "kbuild") => Some(Self::RustKbuild),
            (false, _, _) => Some(Self::Sympos),
        }
    }
}

const SERIES: [MailedSeries; 5] = [
    MailedSeries {
        name: "nops",
        cover: Some("nops.txt"),
        kind: PatchKind::LivepatchFix,
        after: &[],
        commits: &[(Part::AliasTest, "alias-test.txt")],
    },
    MailedSeries {
        name: "btf",
        cover: Some("btf.txt"),
        kind: PatchKind::BpfFix,
        after: &[],
        commits: &[],
    },
    MailedSeries {
        name: "klp-sympos",
        cover: Some("klp-sympos.txt"),
        kind: PatchKind::Sympos,
        after: &[PatchKind::BpfFix],
        commits: &[
            (Part::Kallsyms, "kallsyms.txt"),
            (Part::Livepatch, "livepatch.txt"),
            (Part::Debugfs, "debugfs.txt"),
            (Part::Names, "names.txt"),
            (Part::Lookups, "lookups.txt"),
            (Part::Module, "module.txt"),
            (Part::Tracers, "tracers.txt"),
            (Part::Queries, "queries.txt"),
            (Part::Stock, "stock.txt"),
            (Part::Kunit, "kunit.txt"),
            (Part::KunitTables, "kunit-tables.txt"),
            (Part::Authors, "authors.txt"),
            (Part::SymposTest, "sympos-test.txt"),
            (Part::TracerTest, "tracer-test.txt"),
            (Part::Documentation, "documentation.txt"),
        ],
    },
    MailedSeries {
        name: "suffixes",
        cover: Some("suffixes.txt"),
        kind: PatchKind::Kbuild,
        after: &[],
        commits: &[],
    },
    MailedSeries {
        name: "rust-btf",
        cover: None,
        kind: PatchKind::RustKbuild,
        after: &[],
        commits: &[],
    },
];

/// A series that was written.
pub struct Written {
    /// The stored patches of other series that have to be applied before.
    pub before: Vec<PathBuf>,
    /// The patches, without the cover letter.
    pub patches: Vec<PathBuf>,
}

/// Writes all series for `source` to directories below `output`.
///
/// # Errors
///
/// Fails if a patch does not apply.
pub fn write(source: &Source, output: &Path, sender: &Sender) -> Result<Vec<Written>> {
    SERIES
        .iter()
        .map(|series| series.write(source, &output.join(series.name), sender))
        .collect()
}

/// Returns the mailed files below `output` in which the neutral address still stands for that of this
/// repository, sorted by name.
///
/// # Errors
///
/// Fails if a file cannot be read.
pub fn without_address(output: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for series in &SERIES {
        let directory = output.join(series.name);
        for entry in fs::read_dir(&directory)
            .with_context(|| format!("cannot read {}", directory.display()))?
        {
            let path = entry?.path();
            let text =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            if String::from_utf8_lossy(&text).contains(NOWHERE) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

impl MailedSeries {
    fn write(&self, source: &Source, output: &Path, sender: &Sender) -> Result<Written> {
        let repository = paths::repository();
        let letter = |name: &str| source.series.letter(name);
        let before = stored(source, self.after)?;
        let stored = stored(source, &[self.kind])?;
        let mut files = patches::apply(&[&before[..], &stored].concat(), &source.pristine)?;
        let mut steps = Vec::new();
        let maintainers = match files.get(maintainers::TARGET) {
            Some(Some(contents)) => contents.clone(),
            _ => fs::read(source.pristine.join(maintainers::TARGET))?,
        };
        let maintainers = String::from_utf8_lossy(&maintainers);
        for (part, message) in self.commits {
            let before = files.clone();
            overlay::add(*part, &repository, &source.pristine, &mut files)?;
            if files != before {
                let text = maintainers::with_entry(&maintainers, &files, &repository)?;
                files.insert(maintainers::TARGET.to_owned(), Some(text.into_bytes()));
                let programs = overlay::programs(*part, &repository)?;
                steps.push((letter(message), files.clone(), programs));
            }
        }

        let stage = Stage::new(sender, &source.pristine, files.keys(), &before)?;
        for patch in &stored {
            stage.apply(patch)?;
        }
        for (message, files, programs) in &steps {
            stage.add(files, programs, message)?;
        }
        let patches = stage.mail(self.cover.map(letter).as_deref(), output)?;
        Ok(Written { before, patches })
    }
}

/// Returns the stored patches of these kinds, in the order in which they are stored.
fn stored(source: &Source, kinds: &[PatchKind]) -> Result<Vec<PathBuf>> {
    let mut stored = Vec::new();
    for patch in source.series.patches()? {
        let text = fs::read(&patch).with_context(|| format!("cannot read {}", patch.display()))?;
        let Some(kind) = PatchKind::of(&String::from_utf8_lossy(&text)) else {
            bail!(
                "{} has a tag `Fixes:`, and no series has fixes of its subsystem",
                patch.display()
            );
        };
        if kinds.contains(&kind) {
            stored.push(patch);
        }
    }
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_the_neutral_address_is_named() {
        let dir = tempfile::tempdir().unwrap();
        for series in &SERIES {
            fs::create_dir(dir.path().join(series.name)).unwrap();
        }
        let letter = dir.path().join("suffixes/0000-cover-letter.patch");
        fs::write(
            &letter,
            "klp-gen (https://localhost/klp-sympos, directory\n",
        )
        .unwrap();
        fs::write(dir.path().join("suffixes/0001-a.patch"), "Text.\n").unwrap();
        assert_eq!(without_address(dir.path()).unwrap(), [letter]);
    }

    #[test]
    fn a_fix_is_known_by_its_tag_and_a_patch_for_kbuild_by_its_subject() {
        let kind = |subject: &str, body: &str| {
            PatchKind::of(&format!(
                "From: A\nSubject: {subject}\n\n{body}\n---\n+Fixes: no\n"
            ))
        };
        let fixes = "Text.\n\nFixes: e1452b607c48 (\"livepatch: Add atomic replace\")";
        assert_eq!(
            kind("[PATCH] livepatch: Free", fixes),
            Some(PatchKind::LivepatchFix)
        );
        assert_eq!(kind("[PATCH] bpf: Look", fixes), Some(PatchKind::BpfFix));
        assert_eq!(kind("[PATCH] bpf: Look", "Text."), Some(PatchKind::Sympos));
        assert_eq!(kind("[PATCH] mm: Free", fixes), None);
        assert_eq!(
            kind("[PATCH 3/7] kbuild: Let", "Text."),
            Some(PatchKind::Kbuild)
        );
        assert_eq!(
            kind("[PATCH] rust: kbuild: Allow", "Text."),
            Some(PatchKind::RustKbuild)
        );
        assert_eq!(
            kind("[PATCH] rust: bindings: Add", "Text."),
            Some(PatchKind::Sympos)
        );
        assert_eq!(
            kind("[PATCH] kallsyms: Add", "Text."),
            Some(PatchKind::Sympos)
        );
    }
}
