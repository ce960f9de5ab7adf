// SPDX-License-Identifier: GPL-2.0 OR MIT

//! One small program for each way in which a name can be taken: linked as it is, linked with the cure,
//! compared symbol by symbol, and run.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command, //
};

use anyhow::{
    Context,
    Result, //
};

use super::{
    answers,
    link::{link, symbols}, //
};
use crate::{
    kernel::{linker, Kernel},
    layout,
    run,
    tally::Tally, //
};

/// Where the programs are.
const SOURCES: &str = "scripts/collisions";

/// How they are compiled: as the kernel's files, as far as that matters here.
const FLAGS: [&str; 4] = ["-O2", "-flto=thin", "-fno-pic", "-fvisibility=hidden"];

/// What a program prints if each side gets its own function.
const RIGHT: Outcome = Outcome::Prints("static 100 other 7");

/// What comes of a link.
#[derive(Clone, Copy)]
enum Outcome {
    /// The program prints this.
    Prints(&'static str),
    /// The linker says this.
    Error(&'static str),
}

/// What is done about a collision.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cure {
    /// The object of `klp-gen collisions --reserve` comes last.
    Reserve,
    /// The static is made `__used`, as `klp-gen collisions` says.
    Remedy,
}

struct Row {
    /// The directory, which is also the kind.
    kind: &'static str,
    without: (Outcome, &'static [&'static str]),
    cure: Cure,
    cured: (Outcome, &'static [&'static str]),
}

const ROWS: [Row; 5] = [
    Row {
        kind: "strong",
        without: (Outcome::Error("duplicate symbol: foo"), &[]),
        cure: Cure::Reserve,
        cured: (RIGHT, &["T foo", "T foo.llvm.*"]),
    },
    Row {
        kind: "weak",
        without: (Outcome::Prints("static 100 other 100"), &["T foo"]),
        cure: Cure::Reserve,
        cured: (RIGHT, &["T foo.llvm.*", "W foo"]),
    },
    Row {
        kind: "undefined",
        without: (Outcome::Prints("static 100 other 100"), &["T foo"]),
        cure: Cure::Remedy,
        // The mistake is heard of.
        cured: (Outcome::Error("undefined symbol: foo"), &["U foo", "t foo"]),
    },
    Row {
        kind: "script",
        without: (Outcome::Prints("static 7 other 7"), &["T foo"]),
        cure: Cure::Remedy,
        cured: (RIGHT, &["t foo"]),
    },
    Row {
        kind: "local",
        without: (RIGHT, &["T foo", "t foo"]),
        cure: Cure::Remedy,
        cured: (RIGHT, &["t foo", "t foo"]),
    },
];

/// Links and runs all of them.
///
/// # Errors
///
/// Fails if a tool cannot be run.
pub fn check(klp_gen: &Path, kernel: &Kernel, tally: &mut Tally, logs: &Path) -> Result<()> {
    for row in &ROWS {
        let program = Program::compile(row, klp_gen, kernel, &logs.join(row.kind))?;
        let found = program.collisions()?;
        let name = |what: &str| format!("collisions: {}: {what}", row.kind);
        super::expect(
            tally,
            &name("found"),
            &found,
            &[&format!("foo {}", row.kind)],
        );
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
                Ok(()) => tally.pass(),
                Err(reason) => tally.fail(name(what), reason),
            }
        }
    }
    Ok(())
}

/// The objects of one program.
struct Program<'p> {
    klp_gen: &'p Path,
    kernel: &'p Kernel,
    dir: PathBuf,
    script: Option<PathBuf>,
}

impl<'p> Program<'p> {
    fn compile(row: &'p Row, klp_gen: &'p Path, kernel: &'p Kernel, dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let sources = layout::repository().join(SOURCES);
        let own = sources.join(row.kind);
        let other = ["other.S", "other.c"].map(|name| own.join(name));
        let other = other.into_iter().find(|path| path.exists());
        let other = other.with_context(|| format!("{} has no other.*", own.display()))?;
        let script = Some(own.join("foo.lds")).filter(|path| path.exists());
        let program = Self {
            klp_gen,
            kernel,
            dir: dir.to_path_buf(),
            script,
        };
        for (object, source, define) in [
            ("main.o", &sources.join("main.c"), None),
            ("static.o", &sources.join("static.c"), None),
            ("remedy.o", &sources.join("static.c"), Some("-DREMEDY")),
            ("other.o", &other, None),
        ] {
            let mut clang = kernel.tool("clang-22");
            clang.args(FLAGS).args(define).arg("-c").arg(source);
            run::captured(clang.arg("-o").arg(dir.join(object)))?;
        }
        Ok(program)
    }

    /// What `klp-gen collisions` finds; it leaves `reserved.o`.
    fn collisions(&self) -> Result<Vec<String>> {
        let mut command = Command::new(self.klp_gen);
        command
            .current_dir(&self.dir)
            .args(["collisions", "--llvm=-22", "--format=json"]);
        if let Some(script) = &self.script {
            command.arg("--linker-script").arg(script);
        }
        command
            .args([
                "--reserve",
                "reserved.o",
                "static.o",
                "main.o",
                "other.o",
                "--",
            ])
            .arg("clang-22")
            .args(FLAGS);
        answers(&mut command)
    }

    /// Links in two steps, as the kernel is, and runs what comes out; `Err` inside is a difference.
    fn link_and_run(
        &self,
        objects: &[&str],
        expected: Outcome,
        expected_symbols: &[&str],
    ) -> Result<Result<(), String>> {
        let mut first = self.kernel.linker();
        first
            .current_dir(&self.dir)
            .args(linker::FLAGS)
            .args(["-r", "-o", "linked.o"])
            .args(objects);
        let mut result = link(&mut first)?;
        if result.is_ok() {
            let found = symbols(self.kernel, &self.dir.join("linked.o"), "foo")?;
            if found != expected_symbols {
                let what = format!("expected {expected_symbols:?}, found {found:?}");
                return Ok(Err(what));
            }
            let mut last = self.kernel.tool("clang-22");
            let linker = self.kernel.linker();
            last.current_dir(&self.dir)
                .arg("-no-pie")
                .arg(format!(
                    "--ld-path={}",
                    linker.get_program().to_string_lossy()
                ))
                .args(["-o", "program", "linked.o"]);
            if let Some(script) = &self.script {
                last.arg(format!("-Wl,-T,{}", script.display()));
            }
            result = link(&mut last)?;
        }
        Ok(match (result, expected) {
            (Err(words), Outcome::Error(expected)) if words.contains(expected) => Ok(()),
            (Err(words), _) => Err(format!("the link failed: {words}")),
            (Ok(()), Outcome::Error(expected)) => Err(format!(
                "expected `{expected}` of the linker, it found no fault"
            )),
            (Ok(()), Outcome::Prints(expected)) => {
                let printed = run::captured(&mut Command::new(self.dir.join("program")))?;
                let right = printed.trim_end() == expected;
                right
                    .then_some(())
                    .ok_or_else(|| format!("expected `{expected}`, it printed `{printed}`"))
            }
        })
    }
}
