// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen build` of a patch of one function, by step, against kbuild's build of a livepatch that somebody wrote by
//! hand.

use super::measure::{in_turns, Runs};
use super::report::{NumberForm, Ratios, Samples};
use crate::host::{klp_gen, paths, run};
use crate::kernel::build::external;
use crate::kernel::Kernel;
use anyhow::{Context, Result};
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object as _, ObjectSymbol as _, SymbolKind};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The patch, which changes a static function of one file.
const PATCH: &str = "scripts/fixtures/patches/string.patch";

/// The livepatch that replaces the same function.
const BY_HAND: &str = r#"// SPDX-License-Identifier: GPL-2.0
#include <linux/kobject.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sysfs.h>

static ssize_t cpu_byteorder_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", "little, livepatched");
}

static struct klp_func funcs[] = {
	{ .old_name = "cpu_byteorder_show", .new_func = cpu_byteorder_show },
	{ }
};

static struct klp_object objs[] = {
	{ .funcs = funcs },
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs, .replace = true };

static int __init by_hand_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit by_hand_exit(void)
{
}

module_init(by_hand_init);
module_exit(by_hand_exit);
MODULE_DESCRIPTION("A livepatch, for cargo xtask bench");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
"#;

/// The name of the module that is written by hand.
const MODULE: &str = "livepatch_by_hand";

/// The step in which kbuild links the livepatch.
const LINK: &str = "link";

/// Measures the first build for a kernel, the next ones, and kbuild.
///
/// # Errors
///
/// Fails if something cannot be built.
pub fn run(kernel: &Kernel, rounds: usize, logs: &Path, report: &mut Ratios) -> Result<()> {
    let klp_gen = klp_gen::release(logs)?;
    let dir = logs.join(MODULE);
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("Makefile"), format!("obj-m += {MODULE}.o\n"))?;
    fs::write(dir.join(format!("{MODULE}.c")), BY_HAND)?;
    let (first_log, next_log) = (logs.join("build-first.log"), logs.join("build-next.log"));
    let (first_cache, next_cache) = (logs.join("cache-first"), logs.join("cache-next"));
    let keep = logs.join("kept");
    let build = |cache: &Path, log: &Path, begin: &str| {
        let script = format!(
            r#"{begin}; XDG_CACHE_HOME="$1" exec "$0" build --jobs 1 --kernel "$2" --output "$3" "$4" 2>>"$5""#
        );
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script])
            .arg(&klp_gen)
            .arg(cache)
            .arg(&kernel.build)
            .arg(logs.join("livepatch-bench.ko"))
            .arg(paths::repository().join(PATCH))
            .arg(log);
        shell
    };
    let mut make = Command::new("sh");
    let line = run::shell_line(&external::make(kernel, &dir));
    make.arg("-c").arg(format!(
        "rm -f {}/*.*o && exec env -i {line} modules",
        run::shell_quote(&dir.to_string_lossy())
    ));
    let programs = [
        build(&first_cache, &first_log, r#"rm -rf "$1""#),
        build(&next_cache, &next_log, ":"),
        make,
    ];
    let [first, next, by_hand] = in_turns(&programs, rounds)?;
    let mut pair = |what: &str, ours: &Runs, peer: &Runs| {
        let (time, peak) = (NumberForm::Milliseconds, NumberForm::MiB);
        report.add(format!("{what}: time"), time, &ours.time, &peer.time);
        report.add(format!("{what}: memory"), peak, &ours.peak, &peer.peak);
    };
    pair("`build`, the first / `make M=`", &first, &by_hand);
    pair("`build`, the next / `make M=`", &next, &by_hand);
    pair("`build`, the first / the next", &first, &next);

    let mut dry = Command::new(&klp_gen);
    dry.args(["build", "--dry-run", "--kernel"])
        .arg(&kernel.build)
        .arg("--keep")
        .arg(&keep)
        .arg(paths::repository().join(PATCH))
        .env("XDG_CACHE_HOME", &next_cache);
    run::captured(&mut dry)?;
    let functions = functions(&keep.join("patched"))?;
    let (first, next) = (steps(&first_log)?, steps(&next_log)?);
    report.note(table(&first, &next, functions));
    for directory in [&first_cache, &next_cache, &keep] {
        fs::remove_dir_all(directory)?;
    }
    Ok(())
}

/// A step, and its processor time in each run.
type Steps = Vec<(String, Samples)>;

/// Reads what `klp-gen build` printed in all runs but the first, which only brings files into the cache.
fn steps(log: &Path) -> Result<Steps> {
    let text = fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
    let mut steps = Steps::new();
    for line in text.lines() {
        let Some((name, seconds)) = step(line) else {
            continue;
        };
        match steps.iter_mut().find(|(known, _)| *known == name) {
            Some((_, samples)) => samples.0.push(seconds),
            None => steps.push((name, Samples(vec![seconds]))),
        }
    }
    for (_, samples) in &mut steps {
        samples.0.remove(0);
    }
    Ok(steps)
}

/// Reads a line such as `klp-gen: thin link 2: 1.9 s (1.6 s of processor time)`.
fn step(line: &str) -> Option<(String, f64)> {
    let line = line.strip_prefix("klp-gen: ")?;
    let (name, times) = line.split_once(": ")?;
    let (_, used) = times.split_once('(')?;
    let seconds = used.strip_suffix(" s of processor time)")?.parse().ok()?;
    let name = name
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .trim_end();
    Some((name.to_owned(), seconds))
}

fn table(first: &Steps, next: &Steps, functions: usize) -> String {
    let mut text =
        String::from("| step of `build` | the first | the next |\n| --- | ---: | ---: |\n");
    let mut sums = (0.0, 0.0);
    for (name, samples) in first {
        let other = next.iter().find(|(known, _)| known == name);
        let (first, next) = (
            samples.median(),
            other.map_or(f64::NAN, |(_, s)| s.median()),
        );
        let _ = writeln!(text, "| {name} | {first:.1} s | {next:.1} s |");
        if name != LINK {
            sums = (sums.0 + first, sums.1 + next);
        }
    }
    let _ = writeln!(
        text,
        "| all but {LINK} | {:.1} s | {:.1} s |",
        sums.0, sums.1
    );
    let _ = write!(text, "\n{functions} functions are compared.");
    text
}

/// Counts the functions of all object files in a directory.
fn functions(directory: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            count += functions(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "o") {
            let data = fs::read(&path)?;
            let file = ElfFile64::<LittleEndian>::parse(&*data)
                .with_context(|| format!("{}: no object file", path.display()))?;
            let symbols = file.symbols();
            count += symbols
                .filter(|s| s.kind() == SymbolKind::Text && s.is_definition())
                .count();
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_a_build_are_read() {
        let line = "klp-gen: thin link 2: 1.9 s (1.6 s of processor time)";
        assert_eq!(step(line), Some(("thin link".to_owned(), 1.6)));
        assert_eq!(step("klp-gen: note: /x.ko is ready to be loaded"), None);
    }
}
