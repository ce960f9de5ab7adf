// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The boots of `cargo xtask test`, as data.
//!
//! To add a test, write `scripts/guest/tests/NAME.sh`: a bash script that sources `/klp/ktap.sh`,
//! announces its suite with `ktap_suite NAME CASES`, and has one `check` per case. Several such files may
//! run in one boot, in the order of the list here. A file that needs a state of its own (another command
//! line, something that cannot be undone) gets a boot of its own.
//!
//! Every suite that a boot prints is expected with its number of cases: see [`super::expected`].

use super::needs::Need;
use super::variants;
use crate::kernel::Link;
use std::time::Duration;

/// One boot of the test kernel.
#[derive(Clone, Copy, Debug)]
pub struct Boot {
    /// Its name, for the report and for `--boot`.
    pub name: &'static str,
    /// The files of `scripts/guest/tests`, without `.sh`, that run one after the other.
    pub scripts: &'static [&'static str],
    /// The kernels that it is for, of every series.
    pub links: &'static [Link],
    /// True if the kernel may choose its own addresses.
    pub kaslr: bool,
    /// True if the processors run at the same time: for a test that looks for races, unless it patches code that
    /// runs meanwhile (see [`crate::guest::vm::Vm::parallel`]).
    pub parallel: bool,
    /// The files that its scripts use.
    pub needs: &'static [Need],
    /// More of the kernel's command line.
    pub append: &'static str,
    /// The wall-clock limit. It is there for a guest that hangs: give three times what is usual.
    pub timeout: Duration,
}

/// The properties that most boots have in common.
const DEFAULT: Boot = Boot {
    name: "",
    scripts: &[],
    links: &Link::ALL,
    kaslr: true,
    parallel: false,
    needs: &[],
    append: "",
    timeout: Duration::from_secs(120),
};

impl Boot {
    const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }
}

/// The longest first: several boots run at a time.
pub const BOOTS: &[Boot] = &[
    Boot {
        scripts: &["livepatch-selftests"],
        needs: &[Need::LivepatchSelftests],
        timeout: Duration::from_secs(900),
        ..DEFAULT.named("livepatch-selftests")
    },
    // Has one case less: only a kernel without klp_sympos can refuse what the last test of test-sympos.sh loads.
    Boot {
        scripts: &["load", "livepatch-selftests"],
        needs: &[Need::LivepatchSelftests],
        timeout: Duration::from_secs(900),
        ..DEFAULT.named("livepatch-selftests-loaded")
    },
    Boot {
        scripts: &["stress"],
        needs: &[Need::Program, Need::Modules],
        parallel: true,
        timeout: Duration::from_secs(900),
        ..DEFAULT.named("stress")
    },
    Boot {
        scripts: &["failslab"],
        needs: &[Need::Program],
        timeout: Duration::from_secs(300),
        ..DEFAULT.named("failslab")
    },
    Boot {
        scripts: &["load", "oracle"],
        needs: &[Need::Program, Need::SymbolTable],
        timeout: Duration::from_secs(600),
        ..DEFAULT.named("oracle")
    },
    Boot {
        scripts: &["load", "oracle"],
        needs: &[Need::Program, Need::SymbolTable],
        kaslr: false,
        timeout: Duration::from_secs(600),
        ..DEFAULT.named("oracle-nokaslr")
    },
    Boot {
        scripts: &["variants"],
        needs: &[Need::Program, Need::Modules, Need::Variants],
        // The addresses that were predicted are those of the image.
        kaslr: false,
        append: variants::APPEND,
        timeout: Duration::from_secs(300),
        ..DEFAULT.named("variants")
    },
    Boot {
        scripts: &["livepatch"],
        needs: &[Need::Examples],
        ..DEFAULT.named("livepatch")
    },
    Boot {
        scripts: &["refused"],
        needs: &[Need::Modules],
        ..DEFAULT.named("refused")
    },
    Boot {
        scripts: &["stock"],
        ..DEFAULT.named("stock")
    },
    Boot {
        scripts: &["modules"],
        needs: &[Need::Modules, Need::Converted],
        ..DEFAULT.named("modules")
    },
    Boot {
        scripts: &["replace"],
        needs: &[Need::Program, Need::Modules],
        timeout: Duration::from_secs(600),
        ..DEFAULT.named("replace")
    },
    Boot {
        scripts: &["authors"],
        needs: &[Need::Examples, Need::Siblings, Need::Guide],
        timeout: Duration::from_secs(300),
        ..DEFAULT.named("authors")
    },
    Boot {
        scripts: &["collisions"],
        // Where they are planted.
        links: &[Link::SuffixReduction],
        ..DEFAULT.named("collisions")
    },
    Boot {
        scripts: &["exact"],
        needs: &[Need::Modules, Need::Examples, Need::Converted],
        ..DEFAULT.named("exact")
    },
    Boot {
        scripts: &["held"],
        needs: &[Need::Modules],
        ..DEFAULT.named("held")
    },
    Boot {
        scripts: &["halves"],
        needs: &[Need::Modules],
        ..DEFAULT.named("halves")
    },
    Boot {
        scripts: &["sections"],
        needs: &[Need::Modules],
        ..DEFAULT.named("sections")
    },
    Boot {
        scripts: &["special"],
        needs: &[Need::Modules],
        ..DEFAULT.named("special")
    },
    Boot {
        scripts: &["build"],
        needs: &[Need::Modules, Need::SourcePatches],
        timeout: Duration::from_secs(900),
        ..DEFAULT.named("build")
    },
    Boot {
        scripts: &["long"],
        needs: &[Need::Modules, Need::Converted],
        ..DEFAULT.named("long")
    },
    Boot {
        scripts: &["ftrace-selftests"],
        needs: &[Need::FtraceSelftests],
        // No function of vmlinux has a suffix in the other.
        links: &Link::SUFFIXED,
        timeout: Duration::from_secs(300),
        ..DEFAULT.named("ftrace-selftests")
    },
    Boot {
        scripts: &["btf"],
        needs: &[Need::Modules, Need::Examples],
        links: &[Link::Btf],
        ..DEFAULT.named("btf")
    },
    Boot {
        scripts: &["fentry"],
        needs: &[Need::Program, Need::Modules, Need::Clients],
        links: &[Link::Btf],
        timeout: Duration::from_secs(600),
        ..DEFAULT.named("fentry")
    },
    Boot {
        scripts: &["bpf"],
        needs: &[Need::Program, Need::Modules],
        links: &[Link::Btf],
        timeout: Duration::from_secs(300),
        ..DEFAULT.named("bpf")
    },
    Boot {
        scripts: &["tracers"],
        needs: &[Need::Modules, Need::FprobeSample],
        ..DEFAULT.named("tracers")
    },
    Boot {
        scripts: &["clients"],
        needs: &[Need::Program, Need::Modules, Need::Clients],
        // No function of vmlinux has a suffix in the other.
        links: &Link::SUFFIXED,
        timeout: Duration::from_secs(900),
        ..DEFAULT.named("clients")
    },
    Boot {
        scripts: &["namesakes"],
        needs: &[Need::Modules, Need::FprobeSample],
        timeout: Duration::from_secs(300),
        ..DEFAULT.named("namesakes")
    },
    Boot {
        scripts: &["smoke", "kunit"],
        ..DEFAULT.named("kunit")
    },
    Boot {
        scripts: &["smoke"],
        kaslr: false,
        ..DEFAULT.named("smoke-nokaslr")
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::paths;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_scripts_exist() {
        let names: BTreeSet<_> = BOOTS.iter().map(|boot| boot.name).collect();
        assert_eq!(names.len(), BOOTS.len());
        let tests = paths::repository().join("scripts/guest/tests");
        for script in BOOTS.iter().flat_map(|boot| boot.scripts) {
            assert!(tests.join(format!("{script}.sh")).is_file(), "{script}");
        }
    }

    #[test]
    fn every_test_script_is_run_by_a_boot() {
        let run: BTreeSet<_> = BOOTS.iter().flat_map(|boot| boot.scripts).collect();
        for entry in std::fs::read_dir(paths::repository().join("scripts/guest/tests")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(run.contains(&name.trim_end_matches(".sh")), "{name}");
        }
    }

    /// Words by which a script shows that it uses a group of files.
    const MARKS: [(&str, Need); 9] = [
        ("klp-guest", Need::Program),
        ("fprobe_example", Need::FprobeSample),
        ("/klp/symbols.json", Need::SymbolTable),
        ("/klp/variants", Need::Variants),
        ("/klp/selftests/livepatch", Need::LivepatchSelftests),
        ("/klp/selftests/ftrace", Need::FtraceSelftests),
        ("/klp/clients", Need::Clients),
        ("/klp/refusals.txt", Need::Modules),
        ("/klp/sections.txt", Need::Modules),
    ];
    /// Makefiles that name modules.
    const MAKEFILES: [(&str, Need); 5] = [
        ("scripts/fixtures/targets", Need::Modules),
        ("scripts/fixtures/livepatches", Need::Modules),
        ("kmod/examples", Need::Examples),
        ("scripts/fixtures/converted", Need::Converted),
        ("scripts/fixtures/siblings", Need::Siblings),
    ];

    fn read(path: &str) -> String {
        let path = paths::repository().join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Returns what a boot runs: its scripts, and those that they read or start.
    fn text(boot: &Boot) -> String {
        let scripts = boot.scripts.iter();
        let mut text: String = scripts
            .map(|script| read(&format!("scripts/guest/tests/{script}.sh")))
            .collect();
        for check in ["ldiscs", "twins", "long"] {
            if text.contains(&format!("/klp/checks/{check}.sh")) {
                text += &read(&format!("scripts/guest/checks/{check}.sh"));
            }
        }
        if text.contains("/klp/clients") {
            text += &read("scripts/guest/clients/run.sh");
        }
        text
    }

    /// Returns the modules that a Makefile names.
    fn modules(makefile: &str) -> BTreeSet<String> {
        let lines = makefile.lines();
        let named = lines.filter_map(|line| line.split_once("-m += "));
        let objects = named.flat_map(|(_, objects)| objects.split_whitespace());
        let name = |object: &str| {
            let file = object.rsplit('/').next().unwrap();
            file.trim_end_matches(".o").to_owned()
        };
        objects.map(name).collect()
    }

    #[test]
    fn a_boot_needs_what_its_scripts_use() {
        let groups = MAKEFILES.map(|(directory, need)| {
            let modules = modules(&read(&format!("{directory}/Makefile")));
            assert!(!modules.is_empty(), "{directory}");
            (modules, need)
        });
        for boot in BOOTS {
            let text = text(boot);
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            let words: BTreeSet<_> = text.split(|c: char| !is_part(c)).collect();
            let has = |modules: &BTreeSet<String>| {
                let mut modules = modules.iter();
                modules.any(|module| words.contains(module.as_str()))
            };
            let marked = MARKS.iter().filter(|(mark, _)| text.contains(mark));
            let marked = marked.map(|(_, need)| *need);
            let named = groups.iter().filter(|(modules, _)| has(modules));
            for need in marked.chain(named.map(|(_, need)| *need)) {
                assert!(boot.needs.contains(&need), "{} needs {need:?}", boot.name);
            }
        }
    }
}
