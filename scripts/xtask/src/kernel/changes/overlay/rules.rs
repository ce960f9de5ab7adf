// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The files of the repository that go to which directory of the kernel tree.

use super::part::{Part, MODULE_DIRECTORY};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// One line of the table: files of a directory here and the directory there.
pub struct CopyRule {
    pub part: Part,
    /// A directory of the repository; its sub-directories have rules of their own.
    pub from: &'static str,
    /// File names, or `*.extension`.
    files: &'static [&'static str],
    /// A directory of the kernel tree.
    pub to: &'static str,
}

/// The directory of the kernel crate's modules.
pub const CRATE: &str = "rust/kernel";

/// The directory of the naming rule in the kernel tree.
const POLICY_DIRECTORY: &str = "kernel/livepatch/klp_sympos/policy";

/// The directory of the `KUnit` suites in the kernel tree.
const KUNIT_DIRECTORY: &str = "kernel/livepatch/klp_sympos/kunit";

pub const RULES: [CopyRule; 25] = [
    CopyRule {
        part: Part::Kallsyms,
        from: "rust/kernel",
        files: &["kallsyms.rs"],
        to: CRATE,
    },
    CopyRule {
        part: Part::Livepatch,
        from: "rust/kernel",
        files: &["livepatch.rs"],
        to: CRATE,
    },
    CopyRule {
        part: Part::Debugfs,
        from: "rust/kernel",
        files: &["answer_file.rs"],
        to: CRATE,
    },
    CopyRule {
        part: Part::Names,
        from: "rust/policy/src",
        files: &["clean.rs", "mod.rs", "name.rs", "query.rs", "rule.rs"],
        to: POLICY_DIRECTORY,
    },
    CopyRule {
        part: Part::Lookups,
        from: "rust/policy/src",
        files: &["prefix.rs", "resolve.rs", "search.rs", "table.rs"],
        to: POLICY_DIRECTORY,
    },
    CopyRule {
        part: Part::Module,
        from: "kmod",
        files: &[
            "Kconfig",
            "Makefile",
            "klp_sympos_export.c",
            "klp_sympos_export.h",
            "klp_sympos_main.rs",
            "parameters.rs",
            "refusal.rs",
            "resolver.rs",
            "tables.rs",
        ],
        to: MODULE_DIRECTORY,
    },
    CopyRule {
        part: Part::Tracers,
        from: "rust/policy/src",
        files: &["fallback.rs"],
        to: POLICY_DIRECTORY,
    },
    CopyRule {
        part: Part::Tracers,
        from: "kmod",
        files: &["fallback.rs"],
        to: MODULE_DIRECTORY,
    },
    CopyRule {
        part: Part::Queries,
        from: "rust/policy/src",
        files: &["request.rs"],
        to: POLICY_DIRECTORY,
    },
    CopyRule {
        part: Part::Queries,
        from: "kmod",
        files: &["query.rs", "this_module.rs"],
        to: MODULE_DIRECTORY,
    },
    CopyRule {
        part: Part::Stock,
        from: "rust/policy/src",
        files: &["livepatch.rs", "stock.rs"],
        to: POLICY_DIRECTORY,
    },
    CopyRule {
        part: Part::Kunit,
        from: "kunit",
        files: &[
            "Makefile",
            "cases.rs",
            "kernel.rs",
            "klp_policy.rs",
            "klp_sympos_kunit_main.rs",
        ],
        to: KUNIT_DIRECTORY,
    },
    CopyRule {
        part: Part::Kunit,
        from: "kunit/shim",
        files: &["*.rs"],
        to: "kernel/livepatch/klp_sympos/kunit/shim",
    },
    CopyRule {
        part: Part::KunitTables,
        from: "kunit",
        files: &["checks.rs", "klp_sympos.rs", "klp_sympos_kunit_import.c"],
        to: KUNIT_DIRECTORY,
    },
    CopyRule {
        part: Part::Authors,
        from: "kmod/include/linux",
        files: &["*.h"],
        to: "include/linux",
    },
    CopyRule {
        part: Part::Authors,
        from: "kmod/scripts",
        files: &["Makefile.livepatch"],
        to: "scripts",
    },
    CopyRule {
        part: Part::AliasTest,
        from: "kmod/selftests/alias",
        files: &["*.sh"],
        to: "tools/testing/selftests/livepatch",
    },
    CopyRule {
        part: Part::AliasTest,
        from: "kmod/selftests/alias/test_modules",
        files: &["*.c", "*.h"],
        to: "tools/testing/selftests/livepatch/test_modules",
    },
    CopyRule {
        part: Part::SymposTest,
        from: "kmod/selftests/sympos",
        files: &["*.sh"],
        to: "tools/testing/selftests/livepatch",
    },
    CopyRule {
        part: Part::SymposTest,
        from: "kmod/selftests/sympos/test_modules",
        files: &["*.c", "*.h"],
        to: "tools/testing/selftests/livepatch/test_modules",
    },
    CopyRule {
        part: Part::TracerTest,
        from: "kmod/selftests/ftrace/kprobe",
        files: &["*.tc"],
        to: "tools/testing/selftests/ftrace/test.d/kprobe",
    },
    CopyRule {
        part: Part::TracerTest,
        from: "kmod/selftests/ftrace/ftrace",
        files: &["*.tc"],
        to: "tools/testing/selftests/ftrace/test.d/ftrace",
    },
    CopyRule {
        part: Part::Documentation,
        from: "kmod/Documentation/livepatch",
        files: &["*.rst"],
        to: "Documentation/livepatch",
    },
    CopyRule {
        part: Part::Documentation,
        from: "kmod/Documentation/ABI",
        files: &["debugfs-klp-sympos"],
        to: "Documentation/ABI/testing",
    },
    CopyRule {
        part: Part::Planted,
        from: "scripts/fixtures/planted",
        files: &["Makefile", "*.c", "*.h", "*.S"],
        to: "lib/klp_planted",
    },
];

impl CopyRule {
    /// Returns whether the rule is about a file of this name in its directory.
    pub fn takes(&self, name: &str) -> bool {
        let matches = |pattern: &&str| match pattern.strip_prefix('*') {
            Some(extension) => name.ends_with(extension),
            None => name == *pattern,
        };
        self.files.iter().any(matches)
    }

    /// Returns the path in the kernel tree of the file `name`.
    pub fn target(&self, name: &str) -> String {
        format!("{}/{name}", self.to)
    }

    /// The names of the files that it is about; none if there is no such directory.
    pub fn matching(&self, repository: &Path) -> Result<Vec<String>> {
        let dir = repository.join(self.from);
        let mut names = Vec::new();
        if !dir.is_dir() {
            return Ok(names);
        }
        for entry in fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if self.takes(&name) && entry.path().is_file() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::paths;

    /// The files that no part of the kernel tree has.
    const TOOLS_ONLY: [&str; 3] = [
        "rust/policy/src/lib.rs",
        "rust/policy/src/parsed.rs",
        "kunit/lib.rs",
    ];

    #[test]
    fn every_source_file_comes_with_one_part() {
        let repository = paths::repository();
        let mut seen = 0;
        for from in [
            "rust/kernel",
            "rust/policy/src",
            "kmod",
            "kunit",
            "kunit/shim",
        ] {
            for entry in fs::read_dir(repository.join(from)).unwrap() {
                let name = entry.unwrap().file_name().to_string_lossy().into_owned();
                let file = format!("{from}/{name}");
                let is_source = [".rs", ".c", ".h"].iter().any(|end| name.ends_with(end));
                if !is_source || TOOLS_ONLY.contains(&file.as_str()) {
                    continue;
                }
                seen += 1;
                let rules = RULES.iter().filter(|rule| rule.from == from);
                assert_eq!(rules.filter(|rule| rule.takes(&name)).count(), 1, "{file}");
            }
        }
        assert!(seen > 30, "{seen}");
    }
}
