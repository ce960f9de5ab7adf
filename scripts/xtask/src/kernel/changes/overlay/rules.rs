// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Which files of the repository go to which directory of the kernel tree.

use super::part::{Part, MODULE_DIRECTORY};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// One line of the table: files of a directory here and the directory there.
pub struct Rule {
    pub part: Part,
    /// A directory of the repository; its sub-directories have rules of their own.
    pub from: &'static str,
    /// File names, or `*.extension`.
    files: &'static [&'static str],
    /// File names that are left out although they match.
    except: &'static [&'static str],
    /// A directory of the kernel tree.
    pub to: &'static str,
}

pub const RULES: [Rule; 16] = [
    Rule {
        part: Part::Abstractions,
        from: "rust/kernel",
        files: &["*.rs"],
        except: &[],
        to: "rust/kernel",
    },
    Rule {
        part: Part::Module,
        from: "kmod/include/linux",
        files: &["*.h"],
        except: &[],
        to: "include/linux",
    },
    Rule {
        part: Part::Module,
        from: "kmod/scripts",
        files: &["Makefile.livepatch"],
        except: &[],
        to: "scripts",
    },
    Rule {
        part: Part::Module,
        from: "kmod",
        files: &["Kconfig", "Makefile", "*.rs", "*.c", "*.h"],
        except: &[],
        to: MODULE_DIRECTORY,
    },
    Rule {
        part: Part::Module,
        from: "rust/policy/src",
        files: &["*.rs"],
        // The root of a crate of its own; in the module it is a module. And what only the tools have.
        except: &["lib.rs", "parsed.rs"],
        to: "kernel/livepatch/klp_sympos/policy",
    },
    Rule {
        part: Part::Module,
        from: "kunit",
        files: &["Makefile", "*.rs", "*.c", "*.h"],
        // The root of the suites for cargo.
        except: &["lib.rs"],
        to: "kernel/livepatch/klp_sympos/kunit",
    },
    Rule {
        part: Part::Module,
        from: "kunit/shim",
        files: &["*.rs"],
        except: &[],
        to: "kernel/livepatch/klp_sympos/kunit/shim",
    },
    Rule {
        part: Part::AliasTest,
        from: "kmod/selftests/alias",
        files: &["*.sh"],
        except: &[],
        to: "tools/testing/selftests/livepatch",
    },
    Rule {
        part: Part::AliasTest,
        from: "kmod/selftests/alias/test_modules",
        files: &["*.c", "*.h"],
        except: &[],
        to: "tools/testing/selftests/livepatch/test_modules",
    },
    Rule {
        part: Part::SymposTest,
        from: "kmod/selftests/sympos",
        files: &["*.sh"],
        except: &[],
        to: "tools/testing/selftests/livepatch",
    },
    Rule {
        part: Part::SymposTest,
        from: "kmod/selftests/sympos/test_modules",
        files: &["*.c", "*.h"],
        except: &[],
        to: "tools/testing/selftests/livepatch/test_modules",
    },
    Rule {
        part: Part::TracerTest,
        from: "kmod/selftests/ftrace/kprobe",
        files: &["*.tc"],
        except: &[],
        to: "tools/testing/selftests/ftrace/test.d/kprobe",
    },
    Rule {
        part: Part::TracerTest,
        from: "kmod/selftests/ftrace/ftrace",
        files: &["*.tc"],
        except: &[],
        to: "tools/testing/selftests/ftrace/test.d/ftrace",
    },
    Rule {
        part: Part::Documentation,
        from: "kmod/Documentation/livepatch",
        files: &["*.rst"],
        except: &[],
        to: "Documentation/livepatch",
    },
    Rule {
        part: Part::Documentation,
        from: "kmod/Documentation/ABI",
        files: &["debugfs-klp-sympos"],
        except: &[],
        to: "Documentation/ABI/testing",
    },
    Rule {
        part: Part::Planted,
        from: "scripts/kernel/planted",
        files: &["Makefile", "*.c", "*.h", "*.S"],
        except: &[],
        to: "lib/klp_planted",
    },
];

impl Rule {
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
            let matches = |pattern: &&str| match pattern.strip_prefix('*') {
                Some(extension) => name.ends_with(extension),
                None => name == **pattern,
            };
            let included = self.files.iter().any(matches) && !self.except.iter().any(matches);
            if included && entry.path().is_file() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}
