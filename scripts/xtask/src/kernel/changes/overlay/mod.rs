// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The places of this repository's files in a kernel tree.
//!
//! The repository keeps each source file once, in a layout of its own; the kernel wants its Rust
//! abstractions in `rust/kernel` and the module with everything it is made of in one directory.

mod hooks;
mod later;
pub mod maintainers;
mod part;
mod rules;

pub use part::{Part, MODULE_DIRECTORY};

use crate::kernel::source::files::TreeFiles;
use anyhow::{bail, Context, Result};
use hooks::HOOKS;
use later::LATER;
use rules::{CopyRule, CRATE, RULES};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The kernel crate's root, which declares the abstractions.
const CRATE_ROOT: &str = "rust/kernel/lib.rs";

/// Adds `part` of the overlay to `files`; what is not there yet is read from `pristine`.
///
/// The parts have to be added in their order: files of those before get the texts that come with this one.
///
/// # Errors
///
/// Fails if a file cannot be read.
pub fn add(part: Part, repository: &Path, pristine: &Path, files: &mut TreeFiles) -> Result<()> {
    for rule in RULES.iter().filter(|rule| rule.part == part) {
        for name in rule.matching(repository)? {
            files.insert(
                rule.target(&name),
                Some(read(part, rule, &name, repository)?),
            );
            if rule.to == CRATE {
                let module = name.trim_end_matches(".rs");
                edit(CRATE_ROOT, pristine, files, |text| declare(text, module))?;
            }
        }
    }
    let texts = LATER.iter().filter(|later| later.part == part);
    let targets: BTreeSet<_> = texts.map(|later| later.target).collect();
    for rule in RULES.iter().filter(|rule| rule.part < part) {
        for name in rule.matching(repository)? {
            let target = rule.target(&name);
            if targets.contains(target.as_str()) {
                files.insert(target, Some(read(part, rule, &name, repository)?));
            }
        }
    }
    for hook in HOOKS.iter().filter(|hook| hook.part == part) {
        if files.contains_key(hook.needed) {
            let text = hook.text.read(repository)?;
            let hooked = |into: &str| hook.place.insert(into, &text);
            edit(hook.target, pristine, files, hooked)
                .with_context(|| format!("cannot add a line to {}", hook.target))?;
        }
    }
    Ok(())
}

/// Reads a file of the overlay as it is when `part` has come.
fn read(part: Part, rule: &CopyRule, name: &str, repository: &Path) -> Result<Vec<u8>> {
    let from = repository.join(rule.from).join(name);
    let contents = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
    match String::from_utf8(contents) {
        Ok(text) => Ok(later::until(part, &rule.target(name), &text)?.into_bytes()),
        Err(error) => Ok(error.into_bytes()),
    }
}

/// Returns the paths in the kernel tree of those files of `part` that are programs.
///
/// # Errors
///
/// Fails if a directory cannot be read.
pub fn programs(part: Part, repository: &Path) -> Result<BTreeSet<String>> {
    let mut programs = BTreeSet::new();
    for rule in RULES.iter().filter(|rule| rule.part == part) {
        for name in rule.matching(repository)? {
            let from = repository.join(rule.from).join(&name);
            if fs::metadata(&from)?.permissions().mode() & 0o100 != 0 {
                programs.insert(rule.target(&name));
            }
        }
    }
    Ok(programs)
}

/// Replaces the text of a file of the tree.
fn edit(
    path: &str,
    pristine: &Path,
    files: &mut TreeFiles,
    change: impl FnOnce(&str) -> Result<String>,
) -> Result<()> {
    let old = match files.get(path) {
        Some(Some(contents)) => contents.clone(),
        Some(None) => bail!("a patch removes {path}"),
        None => fs::read(pristine.join(path)).with_context(|| format!("cannot read {path}"))?,
    };
    let new = change(&String::from_utf8_lossy(&old))?;
    files.insert(path.to_owned(), Some(new.into_bytes()));
    Ok(())
}

/// Declares `pub mod NAME;` in the text of a crate root, in its alphabetical place.
fn declare(text: &str, name: &str) -> Result<String> {
    let lines: Vec<_> = text.lines().collect();
    let declared = |line: &str| {
        let module = line.strip_prefix("pub ").unwrap_or(line);
        let module = module.strip_prefix("mod ")?.strip_suffix(';')?;
        Some(module.to_owned())
    };
    if lines
        .iter()
        .any(|line| declared(line).as_deref() == Some(name))
    {
        return Ok(text.to_owned());
    }
    // In front of the first greater one, but behind the last if there is none.
    let greater = lines
        .iter()
        .position(|line| declared(line).is_some_and(|other| other.as_str() > name));
    let place = if let Some(mut place) = greater {
        // Attributes belong to the line below them.
        while place > 0 && lines[place - 1].starts_with("#[") {
            place -= 1;
        }
        place
    } else {
        let last = lines.iter().rposition(|line| declared(line).is_some());
        last.with_context(|| format!("{CRATE_ROOT} declares no modules"))? + 1
    };
    let declaration = format!("pub mod {name};");
    let mut lines = lines;
    lines.insert(place, &declaration);
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::paths;

    const ROOT: &str = "//! Docs\n\npub mod alloc;\nmod build_assert;\n#[cfg(CONFIG_NET)]\n\
                        pub mod net;\npub mod page;\n\npub use bindings;\n";

    #[test]
    fn a_module_is_declared_in_its_place() {
        let text = declare(ROOT, "livepatch").unwrap();
        assert!(text
            .contains("mod build_assert;\npub mod livepatch;\n#[cfg(CONFIG_NET)]\npub mod net;"));
        let text = declare(ROOT, "zebra").unwrap();
        assert!(text.contains("pub mod page;\npub mod zebra;\n\npub use"));
        let text = declare(ROOT, "aaa").unwrap();
        assert!(text.contains("\n\npub mod aaa;\npub mod alloc;"));
    }

    #[test]
    fn a_declared_module_is_left_alone() {
        assert_eq!(declare(ROOT, "net").unwrap(), ROOT);
        assert_eq!(declare(ROOT, "build_assert").unwrap(), ROOT);
    }

    #[test]
    fn files_that_the_repository_does_not_have_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = TreeFiles::new();
        add(Part::Kallsyms, dir.path(), dir.path(), &mut files).unwrap();
        add(Part::Module, dir.path(), dir.path(), &mut files).unwrap();
        assert!(files.is_empty());
    }

    #[test]
    fn each_text_of_a_later_part_is_in_its_file_and_comes_with_that_part() {
        let repository = paths::repository();
        for later in &LATER {
            let mut rules = RULES.iter().flat_map(|rule| {
                let names = rule.matching(&repository).unwrap();
                names.into_iter().map(move |name| (rule, name))
            });
            let found = rules.find(|(rule, name)| rule.target(name) == later.target);
            let (rule, name) = found.unwrap_or_else(|| panic!("nobody brings {}", later.target));
            assert!(rule.part < later.part, "{later:?}");
            let at = |part| read(part, rule, &name, &repository).unwrap();
            assert_ne!(at(rule.part), at(later.part), "{later:?}");
            let stored = fs::read(repository.join(rule.from).join(&name)).unwrap();
            assert_eq!(at(*Part::BUILT.last().unwrap()), stored, "{later:?}");
        }
    }

    #[test]
    fn a_module_directory_is_hooked_in() {
        let dir = tempfile::tempdir().unwrap();
        let (repository, tree) = (dir.path().join("repository"), dir.path().join("tree"));
        fs::create_dir_all(repository.join("kmod")).unwrap();
        fs::create_dir_all(tree.join("kernel/livepatch")).unwrap();
        let makefile = "obj-m += x.o\n\nobj-$(CONFIG_KLP_SYMPOS_KUNIT_TEST) += kunit/\n";
        fs::write(repository.join("kmod/Makefile"), makefile).unwrap();
        fs::write(repository.join("kmod/README"), "not for the tree\n").unwrap();
        fs::write(tree.join("kernel/livepatch/Makefile"), "first\n").unwrap();
        let mut files = TreeFiles::new();
        add(Part::Module, &repository, &tree, &mut files).unwrap();
        let paths: Vec<_> = files.keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            [
                "kernel/livepatch/Makefile",
                "kernel/livepatch/klp_sympos/Makefile"
            ]
        );
        let hooked = files["kernel/livepatch/Makefile"].clone().unwrap();
        assert!(hooked.starts_with(b"first\n\nobj-$(CONFIG_KLP_SYMPOS)"));

        let module = |files: &TreeFiles| {
            let contents = files["kernel/livepatch/klp_sympos/Makefile"].clone();
            String::from_utf8(contents.unwrap()).unwrap()
        };
        assert_eq!(module(&files), "obj-m += x.o\n");
        add(Part::Kunit, &repository, &tree, &mut files).unwrap();
        assert_eq!(module(&files), makefile, "what comes later has come");
    }
}
