// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Texts in files of the kernel tree that make these know the files of the overlay.

use super::part::Part;
use anyhow::{bail, Context, Result};
use std::fs;
use std::path::Path;

/// Text that makes a file of the tree know a file of the overlay; only added where the overlay has the
/// file `needed`.
pub struct Hook {
    pub part: Part,
    pub needed: &'static str,
    pub target: &'static str,
    pub place: HookPlace,
    pub text: Text,
}

/// The text of a hook.
#[derive(Clone, Copy, Debug)]
pub enum Text {
    /// One or two lines.
    Lines(&'static str),
    /// The contents of a file of the repository.
    File(&'static str),
}

/// The place of a text in a file.
#[derive(Clone, Copy, Debug)]
pub enum HookPlace {
    /// Behind everything.
    End,
    /// In front of this text.
    Before(&'static str),
    /// Behind this text.
    After(&'static str),
}

impl HookPlace {
    /// Puts `text` there.
    ///
    /// # Errors
    ///
    /// Fails if the text that it is relative to is missing, or not the only one.
    pub fn insert(self, into: &str, text: &str) -> Result<String> {
        let (anchor, behind) = match self {
            Self::End => return Ok(format!("{into}{text}")),
            Self::Before(anchor) => (anchor, false),
            Self::After(anchor) => (anchor, true),
        };
        let mut parts = into.split(anchor);
        let (Some(head), Some(tail), None) = (parts.next(), parts.next(), parts.next()) else {
            bail!("expected `{}` once", anchor.trim());
        };
        Ok(if behind {
            format!("{head}{anchor}{text}{tail}")
        } else {
            format!("{head}{text}{anchor}{tail}")
        })
    }
}

impl Text {
    pub fn read(self, repository: &Path) -> Result<String> {
        match self {
            Self::Lines(lines) => Ok(lines.to_owned()),
            Self::File(path) => {
                let path = repository.join(path);
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
            }
        }
    }
}

pub const HOOKS: [Hook; 14] = [
    Hook {
        part: Part::Module,
        needed: "kernel/livepatch/klp_sympos/Kconfig",
        target: "kernel/livepatch/Kconfig",
        place: HookPlace::End,
        text: Text::Lines("\nsource \"kernel/livepatch/klp_sympos/Kconfig\"\n"),
    },
    Hook {
        part: Part::Module,
        needed: "kernel/livepatch/klp_sympos/Makefile",
        target: "kernel/livepatch/Makefile",
        place: HookPlace::End,
        text: Text::Lines("\nobj-$(CONFIG_KLP_SYMPOS) += klp_sympos/\n"),
    },
    Hook {
        part: Part::AliasTest,
        needed: "tools/testing/selftests/livepatch/test-alias.sh",
        target: "tools/testing/selftests/livepatch/Makefile",
        place: HookPlace::Before("\ttest-sysfs.sh \\\n"),
        text: Text::Lines("\ttest-alias.sh \\\n"),
    },
    Hook {
        part: Part::AliasTest,
        needed: "tools/testing/selftests/livepatch/test-alias.sh",
        target: "tools/testing/selftests/livepatch/test_modules/Makefile",
        place: HookPlace::After("obj-m += "),
        text: Text::Lines(
            "test_klp_alias.o \\\n\ttest_klp_alias2.o \\\n\ttest_klp_alias3.o \\\n\
             \ttest_klp_alias_mod.o \\\n\t",
        ),
    },
    Hook {
        part: Part::SymposTest,
        needed: "tools/testing/selftests/livepatch/test-sympos.sh",
        target: "tools/testing/selftests/livepatch/Makefile",
        place: HookPlace::Before("\ttest-callbacks.sh \\\n"),
        text: Text::Lines("\ttest-sympos.sh \\\n\ttest-sympos-names.sh \\\n"),
    },
    Hook {
        part: Part::SymposTest,
        needed: "tools/testing/selftests/livepatch/test-sympos.sh",
        target: "tools/testing/selftests/livepatch/Makefile",
        place: HookPlace::After("TEST_PROGS_EXTENDED := functions.sh"),
        text: Text::Lines(" sympos.sh"),
    },
    Hook {
        part: Part::SymposTest,
        needed: "tools/testing/selftests/livepatch/test-sympos.sh",
        target: "tools/testing/selftests/livepatch/test_modules/Makefile",
        place: HookPlace::Before("\ttest_klp_syscall.o\n"),
        text: Text::Lines("\ttest_klp_sympos.o \\\n\ttest_klp_sympos_mod.o \\\n"),
    },
    Hook {
        part: Part::SymposTest,
        needed: "tools/testing/selftests/livepatch/test-sympos.sh",
        target: "tools/testing/selftests/livepatch/test_modules/Makefile",
        place: HookPlace::Before("# Ensure that KDIR exists, otherwise skip the compilation\n"),
        text: Text::Lines(
            "test_klp_sympos_mod-y := test_klp_sympos_mod_main.o \\\n\
             \ttest_klp_sympos_mod_other.o\n\n",
        ),
    },
    Hook {
        part: Part::TracerTest,
        needed: "tools/testing/selftests/ftrace/test.d/kprobe/kprobe_promoted_symbol.tc",
        target: "tools/testing/selftests/ftrace/test.d/functions",
        place: HookPlace::End,
        text: Text::File("kmod/selftests/ftrace/functions"),
    },
    Hook {
        part: Part::Documentation,
        needed: "Documentation/livepatch/klp-sympos.rst",
        target: "Documentation/livepatch/index.rst",
        place: HookPlace::After("    module-elf-format\n"),
        text: Text::Lines("    klp-sympos\n"),
    },
    Hook {
        part: Part::Documentation,
        needed: "Documentation/livepatch/klp-sympos.rst",
        target: "Documentation/ABI/testing/sysfs-kernel-livepatch",
        place: HookPlace::Before("\t\tThere are currently no such attributes.\n"),
        text: Text::File("kmod/Documentation/ABI/sysfs-kernel-livepatch"),
    },
    Hook {
        part: Part::Documentation,
        needed: "Documentation/livepatch/klp-sympos.rst",
        target: "Documentation/trace/kprobetrace.rst",
        place: HookPlace::Before("Function arguments at kretprobe\n"),
        text: Text::File("kmod/Documentation/trace/kprobetrace.rst"),
    },
    Hook {
        part: Part::Documentation,
        needed: "Documentation/livepatch/klp-sympos.rst",
        target: "Documentation/trace/ftrace.rst",
        place: HookPlace::After("\tof the \"available_filter_functions\" file.\n"),
        text: Text::File("kmod/Documentation/trace/ftrace.rst"),
    },
    Hook {
        part: Part::Planted,
        needed: "lib/klp_planted/Makefile",
        target: "lib/Makefile",
        place: HookPlace::End,
        text: Text::Lines("\nobj-y += klp_planted/\n"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_inserted_before_or_after_another_or_at_the_end() {
        let makefile = "progs := a \\\n\tc\n";
        let place = |place: HookPlace| place.insert(makefile, "\tb \\\n");
        assert_eq!(
            place(HookPlace::Before("\tc\n")).unwrap(),
            "progs := a \\\n\tb \\\n\tc\n"
        );
        assert_eq!(
            place(HookPlace::After("a \\\n")).unwrap(),
            place(HookPlace::Before("\tc\n")).unwrap()
        );
        assert_eq!(
            place(HookPlace::End).unwrap(),
            format!("{makefile}\tb \\\n")
        );
        for anchor in ["d\n", "\n"] {
            assert!(place(HookPlace::After(anchor)).is_err(), "{anchor:?}");
        }
    }
}
