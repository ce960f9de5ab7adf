// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Texts that an overlaid file gets with a later part than the file itself.
//!
//! A file is stored once, as it is in the end. Where a part can be built without another, the texts that
//! belong to the other are left out of the file until that part comes, so that each patch can be read and
//! built by itself.

use super::part::Part;
use anyhow::{bail, Context, Result};

/// A text of a file that comes with `part`.
#[derive(Debug)]
pub struct Later {
    pub part: Part,
    /// The file, as a path in the kernel tree.
    pub target: &'static str,
    /// The text begins with this.
    from: &'static str,
    /// The text ends with the first occurrence of this behind `from`; it is only `from` if this is empty.
    until: &'static str,
    /// The text that is in its place before.
    before: &'static str,
}

const MAIN: &str = "kernel/livepatch/klp_sympos/klp_sympos_main.rs";
const TABLES: &str = "kernel/livepatch/klp_sympos/tables.rs";
const FALLBACK: &str = "kernel/livepatch/klp_sympos/fallback.rs";
const PARAMETERS: &str = "kernel/livepatch/klp_sympos/parameters.rs";
const EXPORT: &str = "kernel/livepatch/klp_sympos/klp_sympos_export.c";
const EXPORT_HEADER: &str = "kernel/livepatch/klp_sympos/klp_sympos_export.h";
const KCONFIG: &str = "kernel/livepatch/klp_sympos/Kconfig";
const MAKEFILE: &str = "kernel/livepatch/klp_sympos/Makefile";
const KUNIT_MAIN: &str = "kernel/livepatch/klp_sympos/kunit/klp_sympos_kunit_main.rs";
const KUNIT_KERNEL: &str = "kernel/livepatch/klp_sympos/kunit/kernel.rs";
const KUNIT_MAKEFILE: &str = "kernel/livepatch/klp_sympos/kunit/Makefile";
const POLICY: &str = "kernel/livepatch/klp_sympos/policy/mod.rs";

/// The texts, in the order of their parts.
pub const LATER: [Later; 52] = [
    // The second half of the rule.
    text(Part::Lookups, POLICY, "mod prefix;\n"),
    text(Part::Lookups, POLICY, "pub mod resolve;\n"),
    text(Part::Lookups, POLICY, "pub mod search;\n"),
    text(Part::Lookups, POLICY, "pub mod table;\n"),
    range(Part::Lookups, POLICY, "pub use resolve::{\n", "};\n"),
    text(
        Part::Lookups,
        POLICY,
        "#[cfg(feature = \"stock\")]\npub use search::walk_prefix;\n",
    ),
    range(Part::Lookups, POLICY, "pub use table::{\n", "};\n"),
    // The tracers' half of the module.
    text(Part::Tracers, POLICY, "pub mod fallback;\n"),
    range(Part::Tracers, POLICY, "pub use fallback::{\n", "};\n"),
    text(Part::Tracers, MAIN, "mod fallback;\n"),
    text(Part::Tracers, MAIN, "    kallsyms::FallbackRegistration,\n"),
    text(
        Part::Tracers,
        MAIN,
        "    _fallback: Option<FallbackRegistration<fallback::Tracers>>,\n",
    ),
    range(
        Part::Tracers,
        MAIN,
        "        let fallback = parameters::tracers()\n",
        ".transpose()?;\n",
    ),
    Later {
        part: Part::Tracers,
        target: MAIN,
        from: "as that of the fallback is.",
        until: "",
        before: "with `KlpSympos`, or at an error below, and never forgotten.",
    },
    text(Part::Tracers, MAIN, "            _fallback: fallback,\n"),
    text(
        Part::Tracers,
        PARAMETERS,
        "    static klp_sympos_tracers: bool;\n",
    ),
    range(
        Part::Tracers,
        PARAMETERS,
        "\n/// Returns whether names that no symbol has are looked up for tracers.\n",
        "\n}\n",
    ),
    range(
        Part::Tracers,
        EXPORT,
        "bool klp_sympos_tracers ",
        "(default: Y)\");\n\n",
    ),
    text(
        Part::Tracers,
        EXPORT_HEADER,
        "extern bool klp_sympos_tracers;\n",
    ),
    Later {
        part: Part::Tracers,
        target: KCONFIG,
        from: "livepatches and tracers",
        until: "",
        before: "livepatches",
    },
    text(
        Part::Tracers,
        KCONFIG,
        " Its parameters livepatch and tracers leave out either half.",
    ),
    // The files in debugfs.
    text(Part::Queries, POLICY, "pub mod request;\n"),
    range(Part::Queries, POLICY, "pub use request::{\n", "};\n"),
    Later {
        part: Part::Queries,
        target: MAIN,
        from: "#[allow(unreachable_pub, unused_imports)]",
        until: "",
        before: "#[allow(dead_code, unreachable_pub, unused_imports)]",
    },
    text(Part::Queries, MAIN, "mod query;\n"),
    text(Part::Queries, MAIN, "mod this_module;\n"),
    text(Part::Queries, MAIN, "    answer_file::Dir,\n"),
    text(Part::Queries, MAIN, "    _debugfs: Dir,\n"),
    range(
        Part::Queries,
        MAIN,
        "        // A file can be held open from here on",
        "unsafe { query::add_files(&debugfs) };\n",
    ),
    text(Part::Queries, MAIN, "            _debugfs: debugfs,\n"),
    text(Part::Queries, TABLES, "    visit_in_index,\n"),
    range(
        Part::Queries,
        TABLES,
        "    /// Hands the full name of a symbol that was found to `show`.\n",
        "\n    }\n\n",
    ),
    range(
        Part::Queries,
        FALLBACK,
        "    /// Looks for any symbol that has the name, or may be meant by it.\n",
        "self.fallback.is_exact(symbol.name)\n    }\n\n",
    ),
    Later {
        part: Part::Queries,
        target: KCONFIG,
        from: "LIVEPATCH && RUST && DEBUG_FS",
        until: "",
        before: "LIVEPATCH && RUST",
    },
    range(
        Part::Queries,
        KCONFIG,
        "\ncomment \"klp_sympos needs DEBUG_FS\"\n",
        "!DEBUG_FS\n",
    ),
    // The rules of other kernels, for tests.
    text(
        Part::Stock,
        POLICY,
        "#[cfg(feature = \"stock\")]\npub mod livepatch;\n",
    ),
    text(
        Part::Stock,
        POLICY,
        "#[cfg(feature = \"stock\")]\npub mod stock;\n",
    ),
    range(
        Part::Stock,
        POLICY,
        "#[cfg(feature = \"stock\")]\npub use livepatch::{\n",
        "};\n",
    ),
    // The KUnit suite of the rule.
    range(
        Part::Kunit,
        KCONFIG,
        "\nconfig KLP_SYMPOS_KUNIT_TEST\n",
        "If unsure, say N.\n",
    ),
    text(
        Part::Kunit,
        MAKEFILE,
        "\nobj-$(CONFIG_KLP_SYMPOS_KUNIT_TEST) += kunit/\n",
    ),
    // The KUnit suite of lookups.
    Later {
        part: Part::KunitTables,
        target: KCONFIG,
        from: "Tests of the naming rule, and of lookups",
        until: "The suites are called klp_policy and klp_sympos.",
        before: "Tests of the naming rule: what names are cleaned to, what is asked\n\t  \
            for by them, and which symbols of a small table that is. The\n\t  \
            suite is called klp_policy.",
    },
    text(
        Part::KunitTables,
        KUNIT_MAKEFILE,
        " klp_sympos_kunit_import.o",
    ),
    text(
        Part::KunitTables,
        KUNIT_MAIN,
        "#[allow(dead_code)]\n#[path = \"../tables.rs\"]\nmod tables;\n",
    ),
    text(Part::KunitTables, KUNIT_MAIN, "mod checks;\n"),
    text(Part::KunitTables, KUNIT_MAIN, "mod klp_sympos;\n"),
    text(Part::KunitTables, KUNIT_KERNEL, "    walk_prefix,\n"),
    text(Part::KunitTables, KUNIT_KERNEL, "    NameIndex,\n"),
    text(
        Part::KunitTables,
        KUNIT_KERNEL,
        "    Symbol,\n    SymbolSequence,\n",
    ),
    range(
        Part::KunitTables,
        KUNIT_KERNEL,
        "use crate::tables::{\n",
        "};\n",
    ),
    Later {
        part: Part::KunitTables,
        target: KUNIT_KERNEL,
        from: "    fmt,\n    ops::ControlFlow, //\n};\n",
        until: "",
        before: "    fmt, //\n};\n",
    },
    text(Part::KunitTables, KUNIT_KERNEL, "    kallsyms::Modules,\n"),
    range(
        Part::KunitTables,
        KUNIT_KERNEL,
        "/// The symbols of vmlinux.\n",
        "walk_prefix(&Vmlinux, prefix, visit);\n}\n\n",
    ),
];

const fn text(part: Part, target: &'static str, text: &'static str) -> Later {
    range(part, target, text, "")
}

const fn range(part: Part, target: &'static str, from: &'static str, until: &'static str) -> Later {
    Later {
        part,
        target,
        from,
        until,
        before: "",
    }
}

/// Returns the text of the file `path` as it is when `part` has come, and no part after it.
///
/// # Errors
///
/// Fails if a text that comes later is not there exactly once.
pub fn until(part: Part, path: &str, text: &str) -> Result<String> {
    let mut text = text.to_owned();
    // From the last part on: a text may be inside of one that comes before it.
    for later in LATER.iter().rev() {
        if later.target == path && later.part > part {
            text = later.left_out(&text)?;
        }
    }
    Ok(text)
}

impl Later {
    fn left_out(&self, text: &str) -> Result<String> {
        let mut parts = text.split(self.from);
        let (Some(head), Some(_), None) = (parts.next(), parts.next(), parts.next()) else {
            bail!("{}: expected `{}` once", self.target, self.from.trim());
        };
        let tail = &text[head.len() + self.from.len()..];
        let end = tail
            .find(self.until)
            .with_context(|| format!("{}: no end of `{}`", self.target, self.from.trim()))?;
        let tail = &tail[end + self.until.len()..];
        Ok(format!("{head}{}{tail}", self.before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_left_out_until_its_part_comes() {
        let makefile = "obj-m += klp_sympos.o\n\nobj-$(CONFIG_KLP_SYMPOS_KUNIT_TEST) += kunit/\n";
        let at = |part| until(part, MAKEFILE, makefile).unwrap();
        assert_eq!(at(Part::Module), "obj-m += klp_sympos.o\n");
        assert_eq!(at(Part::Kunit), makefile);
        assert_eq!(at(Part::Planted), makefile);
        let other = until(Part::Module, "Makefile", makefile).unwrap();
        assert_eq!(other, makefile, "another file");
    }

    #[test]
    fn a_text_that_is_inside_of_another_is_left_out_before_it() {
        assert!(LATER.is_sorted_by_key(|later| later.part));
    }

    #[test]
    fn a_text_up_to_a_mark_makes_way_for_another() {
        let later = Later {
            before: "x",
            ..range(Part::Module, "file", "b", "d")
        };
        assert_eq!(later.left_out("abcdd").unwrap(), "axd");
        for text in ["acd", "abdbd", "abc"] {
            assert!(later.left_out(text).is_err(), "{text}");
        }
    }
}
