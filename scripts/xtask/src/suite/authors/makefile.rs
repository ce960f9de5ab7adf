// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The answers of `kmod/scripts/Makefile.livepatch` to the mistakes of authors, and to builds that lack
//! something.

use super::make::{AuthorMake, LLVM};
use crate::host::{klp_gen, paths, run};
use crate::kernel::build::external;
use crate::kernel::Kernel;
use crate::report::tally::Tally;
use anyhow::{ensure, Context, Result};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The livepatch that is built.
const SOURCE: &str = "scripts/fixtures/makefile/livepatch_tried.c";
const FILE: &str = "livepatch_tried.c";
const OBJECT: &str = "livepatch_tried.o";
const MODULE: &str = "livepatch_tried.ko";
/// A module of the kernel's build, and a function of it.
const BUILT: (&str, &str) = ("livepatch_shadow_mod", "dummy_check");
/// A module of the build of the test modules, and a function of it that needs `klp_sympos`.
const OUTSIDE: (&str, &str) = ("klp_promoted", "klp_promoted_show");
/// The word that says that something is doubtful.
const WARNING: &str = "warning: ";
/// The beginning of every error that is said before anything is compiled.
const BEFORE: &str = "Makefile.livepatch:";

/// The tests, and where they build.
pub struct Makefile<'k> {
    make: AuthorMake<'k>,
    logs: PathBuf,
}

/// The result of a run of `make`.
struct Made {
    succeeded: bool,
    said: String,
    module: PathBuf,
}

/// A test of the file.
type Test<'k> = fn(&Makefile<'k>) -> Result<()>;

impl<'k> Makefile<'k> {
    /// Prepares the tests for a kernel; the modules of `scripts/fixtures/targets` have to be built.
    ///
    /// # Errors
    ///
    /// Fails if klp-gen does not build.
    pub fn new(kernel: &'k Kernel, logs: &Path) -> Result<Self> {
        let logs = logs.join("makefile");
        fs::create_dir_all(&logs)?;
        let klp_gen = klp_gen::program(&logs)?;
        Ok(Self {
            make: AuthorMake { kernel, klp_gen },
            logs,
        })
    }

    /// Runs all tests.
    pub fn test(&self, tally: &mut Tally) {
        let tests: [(&str, Test<'k>); 9] = [
            ("names that no module has", Self::impossible_names),
            ("a module of the kernel's build", Self::module_of_the_build),
            ("a module that nobody built", Self::unknown_module),
            ("a module of another build", Self::module_outside),
            ("another compiler or linker", Self::other_tools),
            ("a kernel that is not built", Self::no_build),
            ("a build that lacks something", Self::incomplete_builds),
            ("livepatch-m", Self::livepatch_m),
            ("arguments that the optimiser removed", Self::changed_calls),
        ];
        run::each(
            "Makefile.livepatch",
            "tests",
            tests.into_iter(),
            |(name, test)| {
                let result = test(self);
                tally.count(&format!("makefile: {name}"), result);
            },
        );
    }

    fn impossible_names(&self) -> Result<()> {
        let built_in = fs::read_to_string(self.build().join("modules.builtin"))?;
        let built_in = built_in
            .lines()
            .next()
            .context("modules.builtin is empty")?;
        let built_in = Path::new(built_in).file_stem().unwrap_or_default();
        let built_in = built_in.to_string_lossy().replace('-', "_");
        for (name, expected) in [
            ("livepatch-shadow-mod", "write livepatch_shadow_mod"),
            ("livepatch_shadow_mod.ko", "write livepatch_shadow_mod"),
            ("vmlinux", "remove .name"),
            (&built_in, "but part of vmlinux"),
        ] {
            // What was built before must not be taken for the result.
            self.make(&[("OBJECT", BUILT.0), ("FUNCTION", BUILT.1)], &[])?
                .succeeds(&[])?;
            let made = self.make(&[("OBJECT", name), ("FUNCTION", BUILT.1)], &[])?;
            made.is_refused(&[&format!("klp_object {name}: "), expected])
                .with_context(|| name.to_owned())?;
        }
        Ok(())
    }

    fn module_of_the_build(&self) -> Result<()> {
        let (module, function) = BUILT;
        let made = self.make(&[("OBJECT", module), ("FUNCTION", function)], &[])?;
        made.succeeds(&[])?;
        made.is_silent()?;
        let made = self.make(&[("OBJECT", module), ("FUNCTION", "dummy_chekc")], &[])?;
        made.is_refused(&["did you mean dummy_check?"])
    }

    fn unknown_module(&self) -> Result<()> {
        let name = "livepatch_shadow_mob";
        let made = self.make(&[("OBJECT", name), ("FUNCTION", BUILT.1)], &[])?;
        made.succeeds(&[
            "warning: ",
            "no module of that name was built",
            "did you mean livepatch_shadow_mod?",
            "function dummy_check,0 was not checked",
        ])
    }

    fn module_outside(&self) -> Result<()> {
        let (module, function) = OUTSIDE;
        let patch = [("OBJECT", module), ("FUNCTION", function)];
        let made = self.make(&patch, &[])?;
        made.succeeds(&["no module of that name was built"])?;
        ensure!(!made.needs_klp_sympos()?, "it cannot know");
        let directory = external::directory(self.make.kernel, "targets");
        for variable in [
            format!("KLP_MODULES={}/{module}.ko", directory.display()),
            format!(
                "KBUILD_EXTRA_SYMBOLS={}/Module.symvers",
                directory.display()
            ),
        ] {
            let made = self.make(&patch, &[&variable])?;
            made.succeeds(&[]).context(variable.clone())?;
            made.is_silent().context(variable.clone())?;
            ensure!(
                made.needs_klp_sympos()?,
                "{variable}: it does not depend on klp_sympos"
            );
        }
        Ok(())
    }

    fn other_tools(&self) -> Result<()> {
        let directory = self.sources(&[], &[OBJECT])?;
        let kdir = format!("KDIR={}", self.build().display());
        for (arguments, expected) in [
            // gcc is what kbuild takes by itself.
            (
                &[&kdir[..]][..],
                "is not clang or not installed: say make LLVM=-22",
            ),
            (
                &[&kdir, "LLVM=-7"],
                "is not clang or not installed: say make LLVM=-22",
            ),
            (
                &[&kdir, "CC=clang-22"],
                "is not ld.lld or not installed: say make LLVM=-22",
            ),
        ] {
            let made = run_make(self.make.bare(&directory).args(arguments), &directory)?;
            made.fails(&[BEFORE, expected])
                .with_context(|| arguments.join(" "))?;
        }
        // kbuild is called by some without the Makefile's own rules.
        let mut make = self.make.bare(self.build());
        make.arg(format!("M={}", directory.display()));
        run_make(&mut make, &directory)?.fails(&[BEFORE, "is not clang"])
    }

    fn no_build(&self) -> Result<()> {
        let directory = self.sources(&[], &[OBJECT])?;
        let source = self.make.kernel.source.display().to_string();
        for (kdir, expected) in [
            ("/no/such/build", "there is no kernel build. Set KDIR"),
            (
                &source,
                "not built there, include/config/auto.conf is missing. Set KDIR",
            ),
        ] {
            let mut make = self.make.bare(&directory);
            make.args([&format!("KDIR={kdir}"), LLVM]);
            run_make(&mut make, &directory)?.fails(&[
                BEFORE,
                &format!("KDIR={kdir}: "),
                expected,
            ])?;
        }
        Ok(())
    }

    fn incomplete_builds(&self) -> Result<()> {
        let directory = self.sources(&[("USES", "mode_show()")], &[OBJECT])?;
        for (absent, expected) in [
            // What `make modules_prepare` leaves.
            (
                &["Module.symvers"][..],
                "not built there, Module.symvers is missing",
            ),
            // A package of headers.
            (
                &["vmlinux", "vmlinux.a"],
                "/vmlinux: not found. klp-gen reads",
            ),
            (&["vmlinux.a"], "with --link-order"),
        ] {
            let kdir = self.build_without(absent)?;
            let mut make = self.make.bare(&directory);
            make.arg(format!("KDIR={}", kdir.display())).arg(LLVM);
            make.args(self.make.kernel.other_tools());
            run_make(&mut make, &directory)?
                .fails(&[expected])
                .with_context(|| absent.join(" "))?;
        }
        Ok(())
    }

    /// A livepatch that calls the function as it is declared panics the kernel.
    fn changed_calls(&self) -> Result<()> {
        let uses = "snmp6_seq_show_item(NULL, NULL, NULL, NULL)";
        let directory = self.sources(&[("USES", uses)], &[OBJECT])?;
        let made = run_make(&mut self.make.command(&directory), &directory)?;
        made.is_refused(&[
            // 7.3 has one argument more, a number.
            "the source has void (ptr, ptr, ptr, ptr",
            ", the kernel's code void (ptr, ptr, ptr",
            "klp-gen build",
        ])?;
        let mut allowed = self.make.command(&directory);
        allowed.arg("KLP_FLAGS=--allow-call snmp6_seq_show_item");
        let made = run_make(&mut allowed, &directory)?;
        made.succeeds(&[])?;
        made.is_silent()
    }

    fn livepatch_m(&self) -> Result<()> {
        for (livepatch, expected) in [
            (
                "livepatch_tried",
                "expected objects, such as livepatch_foo.o",
            ),
            (
                "livepatch.o",
                "livepatch.o: kbuild takes livepatch-m for the list of its objects",
            ),
            (
                "livepatch_tried.o\nlivepatch_tried-y := livepatch_tried.o other.o",
                "a livepatch cannot be made of an object of its own name",
            ),
        ] {
            let directory = self.sources(&[], &[livepatch])?;
            let made = run_make(&mut self.make.command(&directory), &directory)?;
            made.fails(&[BEFORE, expected])?;
        }
        // A sub-directory has a Makefile of its own, which modpost does not read.
        let directory = self.sources(&[], &[OBJECT])?;
        let sub = directory.join("sub");
        fs::create_dir_all(&sub)?;
        for file in ["Makefile", FILE] {
            fs::rename(directory.join(file), sub.join(file))?;
        }
        let makefile = directory.join("Makefile");
        fs::write(&makefile, format!("obj-m := sub/\n{INCLUDE}"))?;
        let made = run_make(&mut self.make.command(&directory), &directory)?;
        made.fails(&[
            BEFORE,
            "is not read in a sub-directory",
            "as sub/livepatch_tried.o",
        ])?;
        fs::remove_file(sub.join("Makefile"))?;
        fs::write(&makefile, format!("livepatch-m := sub/{OBJECT}\n{INCLUDE}"))?;
        let made = run_make(&mut self.make.command(&directory), &directory)?;
        made.succeeds(&[])?;
        ensure!(sub.join(MODULE).exists(), "sub/{MODULE} is not there");
        fs::remove_dir_all(directory)?;
        Ok(())
    }

    /// Builds the livepatch with macros for its source, and arguments for make.
    fn make(&self, macros: &[(&str, &str)], arguments: &[&str]) -> Result<Made> {
        let quoted = macros
            .iter()
            .map(|(name, text)| (*name, format!("\"{text}\"")));
        let strings: Vec<_> = quoted.collect();
        let macros: Vec<_> = strings
            .iter()
            .map(|(name, text)| (*name, &text[..]))
            .collect();
        let directory = self.sources(&macros, &[OBJECT])?;
        run_make(self.make.command(&directory).args(arguments), &directory)
    }

    /// A directory with the livepatch, whose Makefile defines macros.
    fn sources(&self, macros: &[(&str, &str)], livepatches: &[&str]) -> Result<PathBuf> {
        let directory = self.logs.join("livepatch");
        fs::create_dir_all(&directory)?;
        let source = paths::repository().join(SOURCE);
        fs::copy(&source, directory.join(FILE))
            .with_context(|| format!("cannot copy {}", source.display()))?;
        let mut makefile = format!("livepatch-m := {}\n", livepatches.join(" "));
        for (name, text) in macros {
            writeln!(makefile, "ccflags-y += '-D{name}={text}'")?;
        }
        fs::write(directory.join("Makefile"), makefile + INCLUDE)?;
        Ok(directory)
    }

    /// The kernel's build as links, without some of its files.
    fn build_without(&self, absent: &[&str]) -> Result<PathBuf> {
        let kdir = self.logs.join(format!("without-{}", absent.join("-")));
        fs::create_dir_all(&kdir)?;
        for entry in fs::read_dir(self.build())? {
            let entry = entry?;
            let name = entry.file_name();
            if name == "Makefile" {
                // It names the build directory since 6.13, and kbuild would write there.
                let text = fs::read_to_string(entry.path())?;
                let own = kdir.to_string_lossy();
                let text = text.replace(&*self.build().to_string_lossy(), &own);
                fs::write(kdir.join(&name), text)?;
            } else if !absent.iter().any(|absent| name == *absent) {
                symlink(entry.path(), kdir.join(&name))
                    .with_context(|| format!("cannot link {}", name.display()))?;
            }
        }
        Ok(kdir)
    }

    fn build(&self) -> &Path {
        &self.make.kernel.build
    }
}

const INCLUDE: &str = "include $(KLP_SYMPOS)/scripts/Makefile.livepatch\n";

fn run_make(make: &mut Command, directory: &Path) -> Result<Made> {
    run::announce(make);
    let output = make
        .output()
        .with_context(|| format!("cannot run `{}`", run::shell_line(make)))?;
    let said = [output.stdout, output.stderr].concat();
    Ok(Made {
        succeeded: output.status.success(),
        said: String::from_utf8_lossy(&said).into_owned(),
        module: directory.join(MODULE),
    })
}

impl Made {
    fn says(&self, texts: &[&str]) -> Result<()> {
        for text in texts {
            ensure!(
                self.said.contains(text),
                "it does not say `{text}`: {}",
                self.said
            );
        }
        Ok(())
    }

    fn succeeds(&self, texts: &[&str]) -> Result<()> {
        ensure!(self.succeeded, "it fails: {}", self.said);
        self.says(texts)
    }

    fn fails(&self, texts: &[&str]) -> Result<()> {
        ensure!(!self.succeeded, "it succeeds: {}", self.said);
        self.says(texts)
    }

    /// Checks that what klp-gen refuses leaves no livepatch, also none of an earlier build.
    fn is_refused(&self, texts: &[&str]) -> Result<()> {
        self.fails(texts)?;
        ensure!(!self.module.exists(), "{} is left", self.module.display());
        Ok(())
    }

    /// Checks that nothing is doubtful.
    fn is_silent(&self) -> Result<()> {
        ensure!(!self.said.contains(WARNING), "it warns: {}", self.said);
        Ok(())
    }

    fn needs_klp_sympos(&self) -> Result<bool> {
        let mut modinfo = Command::new("modinfo");
        let depends = run::captured(modinfo.args(["-F", "depends"]).arg(&self.module))?;
        Ok(depends.trim().split(',').any(|name| name == "klp_sympos"))
    }
}
