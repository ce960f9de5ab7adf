// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Makes mailable patches of the stored patches and the overlay, with cover letters.
//!
//! Fixes of the stock kernel are one series, the patches for the livepatch and tracing maintainers another,
//! those for kbuild a third; none needs another to build. In each the stored patches come first; then one
//! commit for each part of the overlay, whose files are stored in this repository and not in a patch, so that
//! nothing is stored twice.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command, //
};

use anyhow::{
    Context,
    Result, //
};

use crate::{
    kernel::{
        changes::Files,
        overlay::{self, Part},
        patches,
        source::Source, //
    },
    layout,
    run, //
};

/// What is sent together; the texts are in `scripts/series`.
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
        commits: &[],
    },
    Series {
        name: "klp-sympos",
        cover: "klp-sympos.txt",
        kind: Kind::Sympos,
        commits: &[
            (Part::Abstractions, "abstractions.txt"),
            (Part::Module, "module.txt"),
        ],
    },
    Series {
        name: "suffixes",
        cover: "suffixes.txt",
        kind: Kind::Kbuild,
        commits: &[],
    },
];

/// Writes all series for `source` to directories below `output` and returns the patches, without the
/// cover letters.
///
/// # Errors
///
/// Fails if a patch does not apply, or git has no name and address of a committer.
pub fn write(source: &Source, output: &Path, committer: Committer) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for series in &SERIES {
        all.extend(series.write(source, &output.join(series.name), committer)?);
    }
    Ok(all)
}

impl Series {
    fn write(&self, source: &Source, output: &Path, committer: Committer) -> Result<Vec<PathBuf>> {
        let repository = layout::repository();
        let texts = repository.join("scripts/series");
        let mut stored = Vec::new();
        for patch in patches::list(&source.series())? {
            let text =
                fs::read(&patch).with_context(|| format!("cannot read {}", patch.display()))?;
            if Kind::of(&String::from_utf8_lossy(&text)) == self.kind {
                stored.push(patch);
            }
        }
        let mut files = patches::apply(&stored, &source.pristine)?;
        let mut steps = Vec::new();
        for (part, message) in self.commits {
            let before = files.clone();
            overlay::add(*part, &repository, &source.pristine, &mut files)?;
            if files != before {
                steps.push((texts.join(message), files.clone()));
            }
        }

        let stage = tempfile::tempdir()?;
        let git = Git {
            dir: stage.path(),
            identity: committer.identity(&repository)?,
        };
        git.run(&["init", "--quiet", "--initial-branch", self.name])?;
        let cover = texts.join(self.cover);
        let cover = fs::read_to_string(&cover)
            .with_context(|| format!("cannot read {}", cover.display()))?;
        let description = format!("branch.{}.description", self.name);
        git.run(&["config", &description, &cover])?;
        for path in files.keys() {
            if let Ok(contents) = fs::read(source.pristine.join(path)) {
                write_file(stage.path(), path, &contents)?;
            }
        }
        git.commit(&["--allow-empty", "--message", "base"])?;
        git.run(&["tag", "base"])?;
        for patch in &stored {
            git.run(&["am", "--quiet", &patch.to_string_lossy()])
                .with_context(|| format!("{} does not apply", patch.display()))?;
        }
        for (message, files) in &steps {
            write_all(stage.path(), files)?;
            git.commit(&["--signoff", "--file", &message.to_string_lossy()])?;
        }
        let output = std::path::absolute(output)?;
        fs::create_dir_all(&output)
            .with_context(|| format!("cannot create {}", output.display()))?;
        let names = git.run(&[
            "format-patch",
            "--numbered",
            "--cover-letter",
            "--cover-from-description=subject",
            "--output-directory",
            &output.to_string_lossy(),
            "base",
        ])?;
        // The first one is the letter.
        Ok(names.lines().skip(1).map(PathBuf::from).collect())
    }
}

fn write_all(dir: &Path, files: &Files) -> Result<()> {
    for (path, contents) in files {
        if let Some(contents) = contents {
            write_file(dir, path, contents)?;
        }
    }
    Ok(())
}

fn write_file(dir: &Path, path: &str, contents: &[u8]) -> Result<()> {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap_or(dir))?;
    fs::write(&path, contents).with_context(|| format!("cannot write {}", path.display()))
}

/// Who signs the commits that the overlay becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committer {
    /// Whoever git is configured for: the series is to be sent.
    Configured,
    /// Whoever made the last commit here, if git is not configured: the series is only checked.
    Anyone,
}

impl Committer {
    /// Settings for the staging repository, which knows nobody by itself.
    fn identity(self, repository: &Path) -> Result<[String; 2]> {
        let ask = |args: &[&str]| {
            let mut git = Command::new("git");
            git.current_dir(repository).args(args);
            anyhow::Ok(run::captured(&mut git)?.trim().to_owned())
        };
        let get = |key: &str, format: &str| {
            let configured = ask(&["config", key]);
            let value = match self {
                Self::Configured => configured.with_context(|| {
                    format!("git does not know {key}; set it with `git config {key} …`")
                })?,
                Self::Anyone => configured.or_else(|_| ask(&["log", "-1", format]))?,
            };
            anyhow::Ok(format!("{key}={value}"))
        };
        Ok([
            get("user.name", "--format=%an")?,
            get("user.email", "--format=%ae")?,
        ])
    }
}

struct Git<'a> {
    dir: &'a Path,
    identity: [String; 2],
}

impl Git<'_> {
    fn run(&self, args: &[&str]) -> Result<String> {
        let mut git = Command::new("git");
        git.current_dir(self.dir)
            .args(self.identity.iter().flat_map(|setting| ["-c", setting]))
            .args(["-c", "commit.gpgSign=false"])
            .args(args);
        run::captured(&mut git)
    }

    fn commit(&self, args: &[&str]) -> Result<()> {
        self.run(&["add", "--all"])?;
        self.run(&[&["commit", "--quiet", "--no-verify"], args].concat())?;
        Ok(())
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
