// SPDX-License-Identifier: GPL-2.0 OR MIT

//! One small program for each way in which a name can be taken: linked as it is, linked with the cure,
//! compared symbol by symbol, and run.

use super::answers::{answers, expect};
use super::link::{link, symbols, Linked};
use crate::host::{paths, run};
use crate::kernel::toolchain::linker;
use crate::kernel::Kernel;
use crate::report::tally::Tally;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The directory of the programs.
const SOURCES: &str = "scripts/fixtures/link";

/// The flags with which they are compiled: as the kernel's files, as far as that matters here.
const FLAGS: [&str; 3] = ["-O2", "-fno-pic", "-fvisibility=hidden"];
const THIN: &str = "-flto=thin";

/// The linker script of a program.
const SCRIPT: &str = "foo.lds";

/// A library that nothing in a program needs.
const LIBRARY: &str = "library.a";

/// The output of a program in which each side gets its own function.
const RIGHT: LinkOutcome = LinkOutcome::Prints("static 100 other 7");

/// The outcome of a link.
#[derive(Clone, Copy)]
enum LinkOutcome {
    /// The program prints this.
    Prints(&'static str),
    /// The linker says this.
    Error(&'static str),
}

/// The cure of a collision.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cure {
    /// The object of `klp-gen collisions --reserve` comes last.
    Reserve,
    /// The static is made `__used`, as `klp-gen collisions` says.
    Remedy,
}

/// The links that make a program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    /// `ld -r` of the bitcode, then a link with the script, as for the kernel.
    Two,
    /// One link of the bitcode, with the script.
    One,
}

struct LinkRow {
    /// The name, also of the directory for what is made.
    name: &'static str,
    /// The directory that has the source of the other side.
    other: &'static str,
    script: Option<&'static str>,
    /// An option of the last link, and of klp-gen.
    defsym: Option<&'static str>,
    /// The options that say what the static's file is compiled to.
    output: &'static [&'static str],
    /// Set if a library with another `foo` is among the inputs.
    library: bool,
    /// Set if linker and klp-gen are told `--fat-lto-objects`.
    fat: bool,
    links: Links,
    /// The collision that `klp-gen collisions` finds.
    found: Option<&'static str>,
    /// The outcome of the first link with bitcode: the symbols called `foo` in it, and of the program.
    without: (LinkOutcome, &'static [&'static str]),
    cure: Cure,
    cured: (LinkOutcome, &'static [&'static str]),
}

/// A static that is promoted, and no other `foo`.
const PLAIN: LinkRow = LinkRow {
    name: "plain",
    other: "script",
    script: None,
    defsym: None,
    output: &[THIN],
    library: false,
    fat: false,
    links: Links::Two,
    found: None,
    without: (RIGHT, &["T foo"]),
    cure: Cure::Remedy,
    cured: (RIGHT, &["t foo"]),
};

const ROWS: [LinkRow; 16] = [
    LinkRow {
        name: "strong",
        other: "strong",
        found: Some("foo strong reserved"),
        without: (LinkOutcome::Error("duplicate symbol: foo"), &[]),
        cure: Cure::Reserve,
        cured: (RIGHT, &["T foo", "T foo.llvm.*"]),
        ..PLAIN
    },
    LinkRow {
        name: "weak",
        other: "weak",
        found: Some("foo weak reserved"),
        without: (LinkOutcome::Prints("static 100 other 100"), &["T foo"]),
        cure: Cure::Reserve,
        cured: (RIGHT, &["T foo.llvm.*", "W foo"]),
        ..PLAIN
    },
    LinkRow {
        name: "weak-and-library",
        other: "weak",
        library: true,
        found: Some("foo weak reserved"),
        without: (LinkOutcome::Prints("static 100 other 100"), &["T foo"]),
        cure: Cure::Reserve,
        cured: (RIGHT, &["T foo.llvm.*", "W foo"]),
        ..PLAIN
    },
    LinkRow {
        name: "undefined",
        other: "undefined",
        found: Some("foo undefined silent"),
        without: (LinkOutcome::Prints("static 100 other 100"), &["T foo"]),
        // The mistake is heard of.
        cured: (
            LinkOutcome::Error("undefined symbol: foo"),
            &["U foo", "t foo"],
        ),
        ..PLAIN
    },
    LinkRow {
        name: "undefined-in-script",
        script: Some("bar = foo;"),
        found: Some("foo undefined silent"),
        cured: (LinkOutcome::Error("symbol not found: foo"), &["t foo"]),
        ..PLAIN
    },
    LinkRow {
        name: "script",
        script: Some("foo = call_other;"),
        found: Some("foo script silent"),
        without: (LinkOutcome::Prints("static 7 other 7"), &["T foo"]),
        ..PLAIN
    },
    LinkRow {
        name: "script-hidden",
        script: Some("HIDDEN(foo = call_other);"),
        found: Some("foo script silent"),
        without: (LinkOutcome::Prints("static 7 other 7"), &["T foo"]),
        ..PLAIN
    },
    LinkRow {
        name: "script-defsym",
        defsym: Some("foo=call_other"),
        found: Some("foo script silent"),
        without: (LinkOutcome::Prints("static 7 other 7"), &["T foo"]),
        ..PLAIN
    },
    LinkRow {
        name: "script-in-one-link",
        script: Some("foo = call_other;"),
        links: Links::One,
        found: Some("foo script silent"),
        without: (LinkOutcome::Error("duplicate symbol: foo"), &[]),
        cured: (RIGHT, &["T foo", "t foo"]),
        ..PLAIN
    },
    LinkRow {
        name: "provide",
        other: "provide",
        script: Some("PROVIDE(foo = seven);"),
        found: Some("foo provide silent"),
        without: (LinkOutcome::Prints("static 100 other 100"), &["T foo"]),
        cured: (RIGHT, &["U foo", "t foo"]),
        ..PLAIN
    },
    LinkRow {
        name: "provide-in-one-link",
        other: "provide",
        script: Some("PROVIDE_HIDDEN(foo = seven);"),
        links: Links::One,
        found: Some("foo provide silent"),
        without: (LinkOutcome::Error("duplicate symbol: foo"), &[]),
        cured: (RIGHT, &["t foo", "t foo"]),
        ..PLAIN
    },
    LinkRow {
        name: "provide-unused",
        script: Some("PROVIDE(foo = call_other);"),
        found: Some("foo provide harmless"),
        ..PLAIN
    },
    LinkRow {
        name: "local",
        other: "local",
        found: Some("foo local harmless"),
        without: (RIGHT, &["T foo", "t foo"]),
        cured: (RIGHT, &["t foo", "t foo"]),
        ..PLAIN
    },
    LinkRow {
        name: "fat-bitcode",
        other: "strong",
        output: &[THIN, "-ffat-lto-objects"],
        fat: true,
        found: Some("foo strong reserved"),
        without: (LinkOutcome::Error("duplicate symbol: foo"), &[]),
        cure: Cure::Reserve,
        cured: (RIGHT, &["T foo", "T foo.llvm.*"]),
        ..PLAIN
    },
    LinkRow {
        name: "fat-code",
        other: "strong",
        output: &[THIN, "-ffat-lto-objects"],
        without: (RIGHT, &["T foo", "t foo"]),
        cured: (RIGHT, &["T foo", "t foo"]),
        ..PLAIN
    },
    LinkRow {
        name: "embedded-bitcode",
        other: "strong",
        output: &["-fembed-bitcode"],
        fat: true,
        without: (RIGHT, &["T foo", "t foo"]),
        cured: (RIGHT, &["T foo", "t foo"]),
        ..PLAIN
    },
];

/// Links and runs all of them.
///
/// # Errors
///
/// Fails if a tool cannot be run.
pub fn check(klp_gen: &Path, kernel: &Kernel, tally: &mut Tally, logs: &Path) -> Result<()> {
    for row in &ROWS {
        let program = LinkedProgram::compile(row, klp_gen, kernel, &logs.join(row.name))?;
        let found = program.collisions()?;
        let name = |what: &str| format!("collisions: {}: {what}", row.name);
        expect(tally, &name("found"), &found, row.found.as_slice());
        let cured = match row.cure {
            Cure::Reserve => vec!["static.o", "main.o", "other.o", "reserved.o"],
            Cure::Remedy => vec!["remedy.o", "main.o", "other.o"],
        };
        let without = vec!["static.o", "main.o", "other.o"];
        for (what, objects, expected) in [
            ("without the cure", without, row.without),
            ("with the cure", cured, row.cured),
        ] {
            match program.link_and_run(&objects, expected.0, expected.1)? {
                None => tally.pass(),
                Some(reason) => tally.fail(name(what), reason),
            }
        }
    }
    Ok(())
}

/// The objects of one program.
struct LinkedProgram<'p> {
    row: &'p LinkRow,
    klp_gen: &'p Path,
    kernel: &'p Kernel,
    dir: PathBuf,
}

impl<'p> LinkedProgram<'p> {
    fn compile(
        row: &'p LinkRow,
        klp_gen: &'p Path,
        kernel: &'p Kernel,
        dir: &Path,
    ) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let sources = paths::repository().join(SOURCES);
        let own = sources.join(row.other);
        let other = ["other.S", "other.c"].map(|name| own.join(name));
        let other = other.into_iter().find(|path| path.exists());
        let other = other.with_context(|| format!("{} has no other.*", own.display()))?;
        if let Some(script) = row.script {
            fs::write(dir.join(SCRIPT), script)
                .with_context(|| format!("cannot write to {}", dir.display()))?;
        }
        for (object, source, output, define) in [
            ("main.o", &sources.join("main.c"), &[THIN][..], None),
            ("static.o", &sources.join("static.c"), row.output, None),
            (
                "remedy.o",
                &sources.join("static.c"),
                row.output,
                Some("-DREMEDY"),
            ),
            ("other.o", &other, &[THIN], None),
            ("library.o", &sources.join("library.c"), &[THIN], None),
        ] {
            let mut clang = kernel.tool("clang-22");
            clang.args(FLAGS).args(output).args(define);
            clang.arg("-c").arg(source).arg("-o").arg(dir.join(object));
            run::captured(&mut clang)?;
        }
        let mut ar = kernel.tool("llvm-ar-22");
        ar.current_dir(dir).args(["rcS", LIBRARY, "library.o"]);
        run::captured(&mut ar)?;
        Ok(Self {
            row,
            klp_gen,
            kernel,
            dir: dir.to_path_buf(),
        })
    }

    /// Returns what `klp-gen collisions` finds; it leaves `reserved.o`.
    fn collisions(&self) -> Result<Vec<String>> {
        let mut command = Command::new(self.klp_gen);
        command
            .current_dir(&self.dir)
            .args(["collisions", "--format=json"])
            .args(self.fat())
            .args(self.defsym());
        if self.row.script.is_some() {
            command.args(["--linker-script", SCRIPT]);
        }
        command
            .args(["--reserve", "reserved.o"])
            .args(["static.o", "main.o", "other.o"])
            .args(self.library())
            .args(["--", "clang-22", THIN])
            .args(FLAGS);
        answers(&mut command)
    }

    /// Links and runs the program, and returns the difference from what is expected, if there is one.
    fn link_and_run(
        &self,
        objects: &[&str],
        expected: LinkOutcome,
        expected_symbols: &[&str],
    ) -> Result<Option<String>> {
        let (mut first, made) = match self.row.links {
            Links::Two => (self.relocatable_link(objects), "linked.o"),
            Links::One => (self.last_link(objects), "program"),
        };
        let mut linked = link(&mut first)?;
        if matches!(linked, Linked::Made) {
            let found = symbols(self.kernel, &self.dir.join(made), "foo")?;
            if found != expected_symbols {
                let what = format!("expected {expected_symbols:?}, found {found:?}");
                return Ok(Some(what));
            }
            if self.row.links == Links::Two {
                linked = link(&mut self.last_link(&[made]))?;
            }
        }
        Ok(match (linked, expected) {
            (Linked::Failed(words), LinkOutcome::Error(expected)) if words.contains(expected) => {
                None
            }
            (Linked::Failed(words), _) => Some(format!("the link failed: {words}")),
            (Linked::Made, LinkOutcome::Error(expected)) => Some(format!(
                "expected `{expected}` of the linker, it found no fault"
            )),
            (Linked::Made, LinkOutcome::Prints(expected)) => {
                let printed = run::captured(&mut Command::new(self.dir.join("program")))?;
                let wrong = printed.trim_end() != expected;
                wrong.then(|| format!("expected `{expected}`, it printed `{printed}`"))
            }
        })
    }

    /// The link that makes `linked.o`.
    fn relocatable_link(&self, objects: &[&str]) -> Command {
        let mut linker = self.kernel.linker();
        linker
            .current_dir(&self.dir)
            .args(linker::FLAGS)
            .args(self.fat())
            .args(["-r", "-o", "linked.o"])
            .args(objects)
            .args(self.library());
        linker
    }

    /// The link that makes the program.
    fn last_link(&self, objects: &[&str]) -> Command {
        let linker = self.kernel.linker();
        let linker = linker.get_program().to_string_lossy();
        let mut clang = self.kernel.tool("clang-22");
        clang
            .current_dir(&self.dir)
            .arg("-no-pie")
            .arg(format!("--ld-path={linker}"))
            .args(["-o", "program"])
            .args(objects);
        for option in linker::FLAGS.into_iter().chain(self.fat()) {
            clang.args(["-Xlinker", option]);
        }
        if let Some(option) = self.defsym() {
            clang.arg("-Xlinker").arg(option);
        }
        if self.row.script.is_some() {
            clang.arg(format!("-Wl,-T,{SCRIPT}"));
        }
        clang
    }

    fn library(&self) -> Option<&'static str> {
        self.row.library.then_some(LIBRARY)
    }

    fn fat(&self) -> Option<&'static str> {
        self.row.fat.then_some("--fat-lto-objects")
    }

    fn defsym(&self) -> Option<String> {
        let defsym = self.row.defsym;
        defsym.map(|defsym| format!("--defsym={defsym}"))
    }
}
