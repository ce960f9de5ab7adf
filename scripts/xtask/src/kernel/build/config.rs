// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernel's configuration: `tinyconfig`, the fragments over it, and whether they were heard.

use super::kernel::Kernel;
use crate::host::run;
use anyhow::{bail, Context, Result};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The requested options.
#[derive(Default)]
pub struct Fragments {
    paths: Vec<PathBuf>,
    options: BTreeMap<String, String>,
}

impl Fragments {
    /// Reads fragments; what a later one says counts.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read or has a line that is no option.
    pub fn read(paths: Vec<PathBuf>) -> Result<Self> {
        let mut fragments = Self::default();
        for path in &paths {
            let text = fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let options = parse(&text).with_context(|| format!("in {}", path.display()))?;
            fragments.options.extend(options);
        }
        Ok(Self { paths, ..fragments })
    }

    /// Returns the options in their order: part of the key of a build, which no comment is.
    pub fn key(&self) -> String {
        let options = self.options.iter();
        options
            .flat_map(|(option, value)| [option.as_str(), "=", value.as_str(), "\n"])
            .collect()
    }

    /// The requested options that a `.config` does not have, with what it has instead.
    pub fn not_in(&self, config: &str) -> Result<Vec<String>> {
        let actual = parse(config)?;
        let unset = String::from("n");
        let mut missing = Vec::new();
        for (option, wanted) in &self.options {
            let got = actual.get(option).unwrap_or(&unset);
            if got != wanted {
                missing.push(format!(
                    "{option}={wanted} was requested, the result is {got}"
                ));
            }
        }
        Ok(missing)
    }
}

/// Writes `.config` into the build directory.
///
/// # Errors
///
/// Fails if a step fails, or if a requested option did not survive `olddefconfig`.
pub fn configure(kernel: &Kernel, fragments: &Fragments, logs: &Path) -> Result<()> {
    merge(kernel, fragments, logs)?;
    let text = fs::read_to_string(kernel.build.join(".config"))?;
    let missing = fragments.not_in(&text)?;
    if !missing.is_empty() {
        bail!(
            "options did not survive olddefconfig:\n    {}",
            missing.join("\n    ")
        );
    }
    Ok(())
}

/// Writes `.config` with those of the requested options that the source has.
///
/// # Errors
///
/// Fails if a step fails.
pub fn merge(kernel: &Kernel, fragments: &Fragments, logs: &Path) -> Result<()> {
    fs::create_dir_all(&kernel.build)
        .with_context(|| format!("cannot create {}", kernel.build.display()))?;
    let config = kernel.build.join(".config");
    let make = |target: &str| {
        let mut make = kernel.make();
        let title = format!("configure the kernel: {target}");
        run::logged(
            &title,
            make.arg(target),
            &logs.join(format!("{target}.log")),
        )
    };
    make("tinyconfig")?;
    let mut merge = kernel.toolchain.clean("scripts/kconfig/merge_config.sh");
    merge
        .current_dir(&kernel.source)
        .args(["-m", "-O"])
        .arg(&kernel.build)
        .arg(&config)
        .args(&fragments.paths);
    run::logged(
        "configure the kernel: merge the fragments",
        &mut merge,
        &logs.join("merge_config.log"),
    )?;
    make("olddefconfig")
}

impl Kernel {
    /// Returns the `.config` that comes of the kernel's own and `options`, `CONFIG_NAME=value` each.
    ///
    /// The build stays as it is. Kconfig is told that there is a pahole of the version, `v1.24` for example.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be written or Kconfig fails.
    pub fn reconfigured(&self, options: &[&str], version: &str, logs: &Path) -> Result<String> {
        let write = |name: &str, text: String| -> Result<PathBuf> {
            let path = logs.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(path)
        };
        let mut text = fs::read_to_string(self.build.join(".config"))?;
        for option in options {
            // What is said last counts.
            text.push_str(option);
            text.push('\n');
        }
        let config = write("reconfigured.config", text)?;
        let pahole = write("pahole", format!("#!/bin/sh\necho {version}\n"))?;
        fs::set_permissions(&pahole, Permissions::from_mode(0o755))?;
        let mut make = self.make();
        make.arg(format!("KCONFIG_CONFIG={}", config.display()))
            .arg(format!("PAHOLE={}", pahole.display()))
            .arg("olddefconfig");
        run::logged(
            "configure another kernel",
            &mut make,
            &logs.join("reconfigured.log"),
        )?;
        Ok(fs::read_to_string(&config)?)
    }
}

fn parse(text: &str) -> Result<BTreeMap<String, String>> {
    let mut options = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let unset = line
            .strip_prefix("# ")
            .and_then(|line| line.strip_suffix(" is not set"));
        if let Some(option) = unset {
            options.insert(option.to_owned(), "n".to_owned());
        } else if !line.is_empty() && !line.starts_with('#') {
            let (option, value) = line.split_once('=').with_context(|| {
                format!("line {} is not `CONFIG_NAME=value`: {line}", number + 1)
            })?;
            options.insert(option.to_owned(), value.to_owned());
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragments(texts: &[&str]) -> Fragments {
        let dir = tempfile::tempdir().unwrap();
        let paths = texts.iter().enumerate().map(|(number, text)| {
            let path = dir.path().join(number.to_string());
            fs::write(&path, text).unwrap();
            path
        });
        Fragments::read(paths.collect()).unwrap()
    }

    #[test]
    fn an_option_that_did_not_survive_is_named() {
        let wanted =
            fragments(&["# why\nCONFIG_A=y\nCONFIG_B=m\nCONFIG_C=n\nCONFIG_D=n\nCONFIG_E=-1\n"]);
        let config = "CONFIG_A=y\nCONFIG_B=y\n# CONFIG_C is not set\nCONFIG_E=-1\n";
        assert_eq!(
            wanted.not_in(config).unwrap(),
            ["CONFIG_B=m was requested, the result is y"]
        );
        assert_eq!(wanted.not_in("CONFIG_D=y\n").unwrap().len(), 4);
    }

    #[test]
    fn the_last_fragment_counts() {
        let wanted = fragments(&["# why\nCONFIG_B=y\nCONFIG_A=y\n", "CONFIG_A=n\n"]);
        assert_eq!(wanted.key(), "CONFIG_A=n\nCONFIG_B=y\n");
        assert!(wanted.not_in("CONFIG_B=y\n").unwrap().is_empty());
    }

    #[test]
    fn a_line_that_is_no_option_is_an_error() {
        let error = parse("CONFIG_A=y\nCONFIG_B y\n").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
