// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The stamps: hashes of everything that a finished build was made of.
//!
//! A stamp is written after the build that it speaks for, and removed before the next one begins: an
//! interrupted build is resumed and never taken for a finished one.

use super::config::Fragments;
use crate::kernel::changes::overlay::MODULE_DIRECTORY;
use crate::kernel::changes::Changes;
use crate::kernel::source::files::TreeFiles;
use crate::kernel::source::Source;
use crate::kernel::toolchain::{self, Toolchain};
use anyhow::{Context, Result};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// A part of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The kernel, with everything in the tree that is not the module's.
    Kernel,
    /// The module.
    Module,
}

impl Key {
    const fn file(self) -> &'static str {
        match self {
            Self::Kernel => "kernel.stamp",
            Self::Module => "module.stamp",
        }
    }
}

/// The hashes of everything that goes into both parts.
pub struct Keys {
    kernel: String,
    module: String,
}

impl Keys {
    /// Computes both.
    pub fn new(
        source: &Source,
        tools: &Toolchain,
        fragments: &Fragments,
        changes: &Changes,
    ) -> Self {
        let flags = toolchain::FLAGS.join(" ");
        Self::of(
            &[
                &source.fingerprint,
                &tools.versions,
                &flags,
                &fragments.key(),
            ],
            &changes.files,
        )
    }

    fn of(inputs: &[&str], files: &TreeFiles) -> Self {
        let mut kernel = blake3::Hasher::new();
        let mut module = blake3::Hasher::new();
        for input in inputs {
            add(&mut kernel, input.as_bytes());
        }
        for (path, contents) in files {
            if is_built_elsewhere(path) {
                continue;
            }
            let hasher = if is_module_only(path) {
                &mut module
            } else {
                &mut kernel
            };
            add(hasher, path.as_bytes());
            match contents {
                Some(contents) => add(hasher, contents),
                None => add(hasher, b"removed"),
            }
        }
        Self {
            kernel: kernel.finalize().to_hex().to_string(),
            module: module.finalize().to_hex().to_string(),
        }
    }

    fn get(&self, key: Key) -> &str {
        match key {
            Key::Kernel => &self.kernel,
            Key::Module => &self.module,
        }
    }
}

/// With its length, so that no two lists of inputs look the same.
fn add(hasher: &mut blake3::Hasher, input: &[u8]) {
    hasher.update(&(input.len() as u64).to_le_bytes());
    hasher.update(input);
}

/// The files that only livepatches are built with.
const AUTHORS: [&str; 2] = ["include/linux/klp_sympos.h", "scripts/Makefile.livepatch"];

/// Returns true if a change of this file needs no new kernel; a Kconfig file may change the configuration.
fn is_module_only(path: &str) -> bool {
    if AUTHORS.contains(&path) {
        return true;
    }
    path.strip_prefix(MODULE_DIRECTORY)
        .is_some_and(|rest| rest.starts_with('/') && rest != "/Kconfig")
}

/// Returns whether a file is part of neither: selftests are built when the guest is made, documents never.
fn is_built_elsewhere(path: &str) -> bool {
    ["tools/testing/", "Documentation/"]
        .iter()
        .any(|directory| path.starts_with(directory))
}

/// Returns true if the build in `dir` was made of `keys`.
pub fn holds(dir: &Path, key: Key, keys: &Keys) -> bool {
    fs::read_to_string(dir.join(key.file())).is_ok_and(|stamp| stamp == keys.get(key))
}

/// States that the build in `dir` is finished.
///
/// # Errors
///
/// Fails if the stamp cannot be written.
pub fn set(dir: &Path, key: Key, keys: &Keys) -> Result<()> {
    let path = dir.join(key.file());
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(keys.get(key).as_bytes())?;
        file.persist(&path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Takes statements back, before a build changes what they speak for.
///
/// # Errors
///
/// Fails if a stamp exists and cannot be removed.
pub fn clear(dir: &Path, keys: &[Key]) -> Result<()> {
    for key in keys {
        match fs::remove_file(dir.join(key.file())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(inputs: &[&str], files: &[(&str, &str)]) -> Keys {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), Some(text.as_bytes().to_vec())))
            .collect();
        Keys::of(inputs, &files)
    }

    #[test]
    fn every_input_counts() {
        let base = keys(
            &["source", "tools", "config"],
            &[("kernel/kallsyms.c", "a")],
        );
        for other in [
            keys(
                &["source2", "tools", "config"],
                &[("kernel/kallsyms.c", "a")],
            ),
            keys(
                &["source", "tool", "sconfig"],
                &[("kernel/kallsyms.c", "a")],
            ),
            keys(
                &["source", "tools", "config"],
                &[("kernel/kallsyms.c", "b")],
            ),
            keys(&["source", "tools", "config"], &[]),
        ] {
            assert_ne!(base.kernel, other.kernel);
            assert_eq!(base.module, other.module);
        }
    }

    #[test]
    fn a_module_source_does_not_rebuild_the_kernel_but_its_kconfig_does() {
        let one = keys(&[], &[("kernel/livepatch/klp_sympos/main.rs", "a")]);
        let two = keys(&[], &[("kernel/livepatch/klp_sympos/main.rs", "b")]);
        assert_eq!(one.kernel, two.kernel);
        assert_ne!(one.module, two.module);
        assert!(!is_module_only("kernel/livepatch/klp_sympos/Kconfig"));
        assert!(!is_module_only("kernel/livepatch/klp_sympos_other.c"));
    }

    #[test]
    fn a_selftest_or_a_document_rebuilds_nothing() {
        let none = keys(&["source"], &[]);
        for path in [
            "tools/testing/selftests/a.sh",
            "Documentation/kbuild/llvm.rst",
        ] {
            let with = keys(&["source"], &[(path, "a")]);
            assert_eq!(none.kernel, with.kernel, "{path}");
            assert_eq!(none.module, with.module, "{path}");
        }
        let objtool = keys(&["source"], &[("tools/objtool/check.c", "a")]);
        assert_ne!(none.kernel, objtool.kernel);
    }

    #[test]
    fn a_stamp_speaks_for_its_own_keys_only() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (keys(&["one"], &[]), keys(&["two"], &[]));
        assert!(!holds(dir.path(), Key::Kernel, &one));
        set(dir.path(), Key::Kernel, &one).unwrap();
        assert!(holds(dir.path(), Key::Kernel, &one));
        assert!(!holds(dir.path(), Key::Kernel, &two));
        assert!(!holds(dir.path(), Key::Module, &one));
        clear(dir.path(), &[Key::Module]).unwrap();
        assert!(holds(dir.path(), Key::Kernel, &one));
        clear(dir.path(), &[Key::Kernel]).unwrap();
        assert!(!holds(dir.path(), Key::Kernel, &one));
    }
}
