// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A temporary repository in which the patches are applied, signed and written.

use super::sender::Sender;
use crate::host::run;
use crate::kernel::source::files::TreeFiles;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Variables that would make git look for another repository, or for another person.
const FOREIGN: [&str; 10] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_DATE",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_DATE",
    "EMAIL",
];

/// A repository with the files that the patches of one series touch.
pub struct Stage<'a> {
    dir: tempfile::TempDir,
    sender: &'a Sender,
}

impl<'a> Stage<'a> {
    /// Makes the repository with `paths` as they are in the tree `pristine`, and applies the patches
    /// `before`, which are not mailed.
    ///
    /// # Errors
    ///
    /// Fails if git fails, a file cannot be copied, or one of the patches does not apply.
    pub fn new<'p>(
        sender: &'a Sender,
        pristine: &Path,
        paths: impl Iterator<Item = &'p String>,
        before: &[PathBuf],
    ) -> Result<Self> {
        let stage = Self {
            dir: tempfile::tempdir()?,
            sender,
        };
        stage.git(&["init", "--quiet", "--initial-branch", "mail"])?;
        for path in paths {
            if let Ok(contents) = fs::read(pristine.join(path)) {
                stage.write(path, &contents)?;
            }
        }
        stage.commit(&["--allow-empty", "--message", "base"])?;
        for patch in before {
            stage.apply(patch)?;
        }
        stage.git(&["tag", "base"])?;
        Ok(stage)
    }

    /// Commits a stored patch as the sender's.
    ///
    /// # Errors
    ///
    /// Fails if it does not apply.
    pub fn apply(&self, patch: &Path) -> Result<()> {
        let text = fs::read_to_string(patch)
            .with_context(|| format!("cannot read {}", patch.display()))?;
        let signed = self
            .sender
            .sign(&text)
            .with_context(|| format!("{} is no mailed patch", patch.display()))?;
        let mut file = tempfile::NamedTempFile::new()?;
        std::io::Write::write_all(&mut file, signed.as_bytes())?;
        self.git(&["am", "--quiet", &file.path().to_string_lossy()])
            .with_context(|| format!("{} does not apply", patch.display()))?;
        Ok(())
    }

    /// Commits the contents of files, of which `programs` can be executed, with the message in the file
    /// `message` and the sender's sign-off.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be written or git fails.
    pub fn add(
        &self,
        files: &TreeFiles,
        programs: &BTreeSet<String>,
        message: &Path,
    ) -> Result<()> {
        for (path, contents) in files {
            let Some(contents) = contents else { continue };
            match std::str::from_utf8(contents) {
                Ok(text) => self.write(path, self.sender.replace_neutral(text).as_bytes())?,
                Err(_) => self.write(path, contents)?,
            }
            if programs.contains(path) {
                fs::set_permissions(self.dir.path().join(path), Permissions::from_mode(0o755))?;
            }
        }
        self.commit(&["--signoff", "--file", &message.to_string_lossy()])
    }

    /// Writes the commits to `output` as patches, below the cover letter if there is one, and returns them
    /// without the letter.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read or written.
    pub fn mail(&self, cover: Option<&Path>, output: &Path) -> Result<Vec<PathBuf>> {
        let output = std::path::absolute(output)?;
        fs::create_dir_all(&output)
            .with_context(|| format!("cannot create {}", output.display()))?;
        let directory = output.to_string_lossy();
        let mut format = vec!["format-patch", "--output-directory", &directory];
        if let Some(cover) = cover {
            let text = fs::read_to_string(cover)
                .with_context(|| format!("cannot read {}", cover.display()))?;
            let text = self.sender.replace_neutral(&text);
            self.git(&["config", "branch.mail.description", &text])?;
            format.extend([
                "--numbered",
                "--cover-letter",
                "--cover-from-description=subject",
            ]);
        } else {
            format.push("--no-cover-letter");
        }
        format.push("base");
        let names = self.git(&format)?;
        // The letter is the first.
        let letters = usize::from(cover.is_some());
        Ok(names.lines().skip(letters).map(PathBuf::from).collect())
    }

    fn write(&self, path: &str, contents: &[u8]) -> Result<()> {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(self.dir.path()))?;
        fs::write(&path, contents).with_context(|| format!("cannot write {}", path.display()))
    }

    fn commit(&self, args: &[&str]) -> Result<()> {
        self.git(&["add", "--all"])?;
        self.git(&[&["commit", "--quiet", "--no-verify"], args].concat())?;
        Ok(())
    }

    fn git(&self, args: &[&str]) -> Result<String> {
        let mut git = Command::new("git");
        for variable in FOREIGN {
            git.env_remove(variable);
        }
        git.current_dir(self.dir.path())
            .arg("-c")
            .arg(format!("user.name={}", self.sender.name))
            .arg("-c")
            .arg(format!("user.email={}", self.sender.email))
            .args(["-c", "commit.gpgSign=false"])
            .args(args);
        run::captured(&mut git)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n\
        From: klp-sympos <klp-sympos@localhost>\n\
        Date: Sat, 21 Nov 2026 10:02:00 +0000\n\
        Subject: [PATCH 3/7] a: Change it\n\n\
        Text.\n\n\
        Signed-off-by: klp-sympos <klp-sympos@localhost>\n\
        ---\n a | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n\
        diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+two\n";

    #[test]
    fn every_patch_is_from_the_sender_and_signed_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        file("a", "one\n");
        let stored = file("0001.patch", STORED);
        let message = file("message", "b: add b\n\nText.\n");
        let cover = file("cover", "a, b: Improve\n\nText.\n");
        let sender = Sender {
            name: "Jörg Doe".to_owned(),
            email: "joerg@example.org".to_owned(),
            repository: None,
        };

        let stage = Stage::new(&sender, dir.path(), ["a".to_owned()].iter(), &[]).unwrap();
        stage.apply(&stored).unwrap();
        let maintainer = b"M:\tklp-sympos <klp-sympos@localhost>\n".to_vec();
        let files = TreeFiles::from([("b".to_owned(), Some(maintainer))]);
        let programs = BTreeSet::from(["b".to_owned()]);
        stage.add(&files, &programs, &message).unwrap();
        let output = dir.path().join("mail");
        let patches = stage.mail(Some(&cover), &output).unwrap();

        assert_eq!(patches.len(), 2);
        let added = fs::read_to_string(&patches[1]).unwrap();
        assert!(added.contains("new file mode 100755"), "{added}");
        for patch in patches {
            let text = fs::read_to_string(patch).unwrap();
            assert!(!text.contains("klp-sympos"), "{text}");
            let from = "From: =?UTF-8?q?J=C3=B6rg=20Doe?= <joerg@example.org>";
            assert_eq!(
                text.lines().filter(|line| *line == from).count(),
                1,
                "{text}"
            );
            let signed = "Signed-off-by: Jörg Doe <joerg@example.org>";
            assert_eq!(text.matches("Signed-off-by:").count(), 1, "{text}");
            assert!(text.contains(signed), "{text}");
        }
        let letter = fs::read_to_string(output.join("0000-cover-letter.patch")).unwrap();
        assert!(
            letter.contains("Subject: [PATCH 0/2] a, b: Improve"),
            "{letter}"
        );
    }

    #[test]
    fn a_patch_alone_has_no_cover_letter_and_no_number() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "one\n").unwrap();
        let stored = dir.path().join("0001.patch");
        fs::write(&stored, STORED).unwrap();
        let sender = Sender {
            name: "A".to_owned(),
            email: "a@example.org".to_owned(),
            repository: None,
        };
        let stage = Stage::new(&sender, dir.path(), ["a".to_owned()].iter(), &[]).unwrap();
        stage.apply(&stored).unwrap();
        let output = dir.path().join("mail");
        let patches = stage.mail(None, &output).unwrap();
        assert_eq!(patches.len(), 1);
        assert_eq!(fs::read_dir(&output).unwrap().count(), 1);
        let text = fs::read_to_string(&patches[0]).unwrap();
        assert!(text.contains("Subject: [PATCH] a: Change it"), "{text}");
    }
}
