// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The person who sends the patches.
//!
//! Stored patches and files have a neutral identity where the kernel wants a person. Whoever sends them
//! certifies their origin (the sign-off) and answers for them (`From:`, `M:` of MAINTAINERS), so that the
//! sender's identity takes the place of the neutral one in everything that is mailed.

use crate::host::run;
use anyhow::{bail, Context, Result};
use std::path::Path;
use std::process::Command;

/// The identity that stored patches and files have.
const NEUTRAL: &str = "klp-sympos <klp-sympos@localhost>";

/// The address of this repository in stored patches and files.
pub const NOWHERE: &str = "https://localhost/klp-sympos";

/// The advice to somebody whom git does not know.
const ADVICE: &str = "the patches are mailed with your sign-off, so git has to know you: \
    `git config user.name 'Your Name'` and `git config user.email you@example.org`";

/// Who sends the patches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// The address at which the sender publishes this repository: kbuild runs a tool of it, so that the
    /// patches have to say where that comes from.
    pub repository: Option<String>,
}

impl Sender {
    /// Returns the identity that git is configured for in `repository`, as git itself finds it.
    ///
    /// # Errors
    ///
    /// Fails if git has none, or only the neutral one.
    pub fn configured(repository: &Path) -> Result<Self> {
        Self::known_to(git(repository))
    }

    /// Returns the configured identity, or that of the last commit if there is none: for patches that are
    /// only checked.
    ///
    /// # Errors
    ///
    /// Fails if there is neither.
    pub fn anyone(repository: &Path) -> Result<Self> {
        Self::configured(repository).or_else(|_| {
            let mut log = git(repository);
            let ident = run::captured(log.args(["log", "-1", "--format=%an <%ae>"]))?;
            Self::parse(&ident).with_context(|| format!("the last commit is by `{ident}`"))
        })
    }

    /// Asks `git`, a command without arguments.
    fn known_to(mut git: Command) -> Result<Self> {
        // Without this setting git makes an identity up of the names of user and machine.
        git.args([
            "-c",
            "user.useConfigOnly=true",
            "var",
            "GIT_COMMITTER_IDENT",
        ]);
        let ident = run::captured(&mut git).context(ADVICE)?;
        let sender = Self::parse(&ident).context(ADVICE)?;
        if sender.to_string() == NEUTRAL {
            bail!("git is configured for {NEUTRAL}, which stands for nobody; {ADVICE}");
        }
        Ok(sender)
    }

    /// Reads `Name <address>`; git appends a time to that.
    fn parse(ident: &str) -> Option<Self> {
        let (name, rest) = ident.split_once(" <")?;
        let (email, _) = rest.split_once('>')?;
        let sender = Self {
            name: name.trim().to_owned(),
            email: email.trim().to_owned(),
            repository: None,
        };
        (!sender.name.is_empty() && !sender.email.is_empty()).then_some(sender)
    }

    /// Sets the repository's address: `given`, or else that of the remote `origin` of `clone`, if it is
    /// one for everybody.
    pub fn published(mut self, given: Option<&str>, clone: &Path) -> Self {
        let mut origin = git(clone);
        let origin = run::captured(origin.args(["remote", "get-url", "origin"]));
        let origin = origin.ok().map(|url| url.trim().to_owned());
        let origin = origin.filter(|url| url.starts_with("https://"));
        self.repository = given.map(str::to_owned).or(origin);
        self
    }

    /// Puts the sender in the place of the neutral identity, and the repository's address in its place.
    pub fn replace_neutral(&self, text: &str) -> String {
        let text = text.replace(NEUTRAL, &self.to_string());
        match &self.repository {
            Some(repository) => text.replace(NOWHERE, repository),
            None => text,
        }
    }

    /// Makes a stored patch the sender's: the author, if that is nobody, and the last sign-off.
    ///
    /// A sign-off that is there already is not added again.
    pub fn sign(&self, patch: &str) -> Result<String> {
        let patch = self.replace_neutral(patch);
        let (message, diff) = patch
            .split_once("\n---\n")
            .context("there is no line `---` between the message and the difference")?;
        let sign_off = self.sign_off();
        if message.lines().any(|line| line == sign_off) {
            return Ok(patch);
        }
        Ok(format!("{message}\n{sign_off}\n---\n{diff}"))
    }

    /// Returns the line by which the sender certifies the origin of a patch.
    pub fn sign_off(&self) -> String {
        format!("Signed-off-by: {self}")
    }
}

impl std::fmt::Display for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
    }
}

fn git(repository: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(repository);
    git
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender() -> Sender {
        Sender {
            name: "Jane Doe".to_owned(),
            email: "jane@example.org".to_owned(),
            repository: None,
        }
    }

    #[test]
    fn the_place_of_the_repository_is_the_senders() {
        let clone = tempfile::tempdir().unwrap();
        let run = |args: &[&str]| run::captured(git(clone.path()).args(args)).unwrap();
        run(&["init", "--quiet"]);
        let text = "It is part of https://localhost/klp-sympos.";
        let said = |given| {
            sender()
                .published(given, clone.path())
                .replace_neutral(text)
        };
        assert_eq!(said(None), text);
        run(&["remote", "add", "origin", "/home/jane/klp-sympos"]);
        assert_eq!(said(None), text, "nobody else can read a path");
        run(&["remote", "set-url", "origin", "https://example.org/klp.git"]);
        assert_eq!(said(None), "It is part of https://example.org/klp.git.");
        let given = "https://example.org/other";
        assert_eq!(
            said(Some(given)),
            "It is part of https://example.org/other."
        );
    }

    fn patch(author: &str, trailers: &str) -> String {
        format!(
            "From 0\nFrom: {author}\nSubject: [PATCH] a: b\n\nText.\n\n{trailers}---\n a | 1 +\n"
        )
    }

    #[test]
    fn a_neutral_patch_becomes_the_senders() {
        let neutral = patch(NEUTRAL, &format!("Signed-off-by: {NEUTRAL}\n"));
        let signed = sender().sign(&neutral).unwrap();
        let jane = "Jane Doe <jane@example.org>";
        assert_eq!(signed, patch(jane, &format!("Signed-off-by: {jane}\n")));
        assert_eq!(sender().sign(&signed).unwrap(), signed, "signed once");
    }

    #[test]
    fn a_sign_off_is_not_doubled_if_another_trailer_follows() {
        let trailers = format!("Signed-off-by: {NEUTRAL}\nReviewed-by: A <a@b>\n");
        let signed = sender().sign(&patch(NEUTRAL, &trailers)).unwrap();
        assert_eq!(signed.matches("Signed-off-by:").count(), 1, "{signed}");
    }

    #[test]
    fn a_patch_of_somebody_else_keeps_its_author() {
        let signed = sender()
            .sign(&patch("A <a@b>", "Signed-off-by: A <a@b>\n"))
            .unwrap();
        let both = "Signed-off-by: A <a@b>\nSigned-off-by: Jane Doe <jane@example.org>\n";
        assert_eq!(signed, patch("A <a@b>", both));
    }

    #[test]
    fn a_file_without_a_message_is_refused() {
        assert!(sender().sign("From: A <a@b>\n").is_err());
    }

    /// Git with this configuration and no other.
    fn configured(settings: &[&str]) -> Command {
        let mut git = Command::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir("/");
        for variable in ["GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"] {
            git.env_remove(variable);
        }
        git.args(settings.iter().flat_map(|setting| ["-c", setting]));
        git
    }

    #[test]
    fn the_configured_identity_is_the_senders() {
        let settings = ["user.name=Jane Doe", "user.email=jane@example.org"];
        assert_eq!(Sender::known_to(configured(&settings)).unwrap(), sender());
        let mut by_environment = configured(&[]);
        by_environment
            .env("GIT_COMMITTER_NAME", "Jane Doe")
            .env("GIT_COMMITTER_EMAIL", "jane@example.org");
        assert_eq!(Sender::known_to(by_environment).unwrap(), sender());
    }

    #[test]
    fn a_missing_identity_is_refused_with_the_command_that_sets_it() {
        let neutral = ["user.name=klp-sympos", "user.email=klp-sympos@localhost"];
        for settings in [&[][..], &["user.name=Jane Doe"], &neutral] {
            let error = Sender::known_to(configured(settings)).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.contains("git config user.email"), "{error}");
        }
    }
}
