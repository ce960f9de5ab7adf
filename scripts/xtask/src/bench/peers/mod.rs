// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen build` against the kernel's own klp-build: the same patches, on one kernel.
//!
//! klp-build only builds in a source tree, and the names of promoted symbols depend on where a kernel is built. So the
//! kernel is built there first, as its users do, and both make livepatches of that kernel. What klp-build has answered
//! is kept beside the kernel, since each answer takes minutes. `klp-gen build` begins with an empty cache each time.

mod answer;
mod load;
mod records;
mod table;

use crate::host::{disk, klp_gen, paths, run};
use crate::kernel::build::klp_build::KlpBuild;
use crate::kernel::Kernel;
use crate::suite::source_patches;
use answer::Answer;
use anyhow::{ensure, Context, Result};
use load::livepatch;
use records::{Records, Taken};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use table::Row;

/// The patches of scripts/fixtures/patches, and those of this comparison only. `module` and `single` are of modules.
const PATCHES: [&str; 11] = [
    "promoted",
    "inlined",
    "static_local",
    "namesake",
    "global",
    "new",
    "tracepoint",
    "fault",
    "header",
    "module",
    "single",
];

const ONLY_HERE: [&str; 2] = ["global", "single"];
const DIRECTORY_ONLY_HERE: &str = "scripts/fixtures/patches/peers";

/// The modules that are patched.
const MODULES: [&str; 2] = ["net/8021q/8021q.ko", "net/ipv6/sit.ko"];

/// Builds what is not there yet, measures, loads every livepatch, and returns the tables.
///
/// # Errors
///
/// Fails if the kernel does not build, or the guest cannot be run.
pub fn run(kernel: &Kernel, logs: &Path) -> Result<String> {
    let klp_gen = klp_gen::release(logs)?;
    let (klp_build, running) = build_running(kernel, logs)?;
    let ours = logs.join("klp-gen");
    fs::create_dir_all(&ours).with_context(|| format!("cannot create {}", ours.display()))?;
    let mut builder = Builder {
        kernel,
        klp_gen: &klp_gen,
        running: &running,
        disk: 0,
    };
    let mut rows = Vec::new();
    for patch in PATCHES {
        rows.push(Row {
            patch,
            ours: builder.build(patch, &ours)?,
            peer: Answer::default(),
        });
    }
    let disk = builder.disk;
    let records = ask_klp_build(kernel, &klp_build, logs)?;
    for row in &mut rows {
        let answer = records.answers.get(row.patch);
        row.peer = answer.context("klp-build was not asked")?.clone();
    }
    for (name, directory) in [("klp-gen", &ours), ("klp-build", &klp_build.results())] {
        let of = |row: &Row| match name {
            "klp-gen" => row.ours.is_built(),
            _ => row.peer.is_built(),
        };
        let built: Vec<_> = rows
            .iter()
            .filter(|row| of(row))
            .map(|row| row.patch)
            .collect();
        let mut ends = load::load(&running, directory, &built, &logs.join("boots").join(name))?;
        for row in &mut rows {
            let path = directory.join(livepatch(row.patch));
            let answer = match name {
                "klp-gen" => &mut row.ours,
                _ => &mut row.peer,
            };
            if answer.is_built() {
                answer.check = Some(check(&klp_gen, &running, &path)?);
                answer.end = ends.remove(row.patch);
            }
        }
    }
    Ok(table::tables(&rows, &records, disk))
}

/// Builds the kernel that runs, if it is not there.
fn build_running<'k>(kernel: &'k Kernel, logs: &Path) -> Result<(KlpBuild<'k>, PathBuf)> {
    let klp_build = KlpBuild::of(kernel, true)?;
    if klp_build.running().is_none() || Records::read(&klp_build).is_err() {
        klp_build.renew()?;
        let usage = klp_build.build_running(logs)?;
        let disk = klp_build.disk()?;
        let kernel = Taken { usage, disk };
        let records = Records {
            kernel,
            ..Records::default()
        };
        records.write(&klp_build)?;
    }
    let running = klp_build.running().context("no kernel was built")?;
    Ok((klp_build, running))
}

/// Has klp-build make the livepatches that were not made yet.
fn ask_klp_build(kernel: &Kernel, klp_build: &KlpBuild, logs: &Path) -> Result<Records> {
    let mut records = Records::read(klp_build)?;
    if records.from_nothing.is_none() || !klp_build.has_original() {
        klp_build.forget_original()?;
        let patch = PATCHES[0];
        let log = logs.join("klp-build-from-nothing.log");
        let to = logs.join(livepatch(patch));
        let (is_built, usage) = klp_build.attempt(&[file(patch, kernel)], &to, &log)?;
        ensure!(
            is_built && klp_build.has_original(),
            "klp-build does not build the kernel; the whole log is {}",
            log.display()
        );
        let disk = klp_build.disk()?;
        records.from_nothing = Some(Taken { usage, disk });
        records.write(klp_build)?;
    }
    for patch in PATCHES {
        if records.answers.contains_key(patch) {
            continue;
        }
        let to = klp_build.results().join(livepatch(patch));
        let log = klp_build.results().join(format!("{patch}.log"));
        let (is_built, usage) = klp_build.attempt(&[file(patch, kernel)], &to, &log)?;
        let said = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
        let said = String::from_utf8_lossy(&said);
        let answer = Answer::of_klp_build(is_built, usage, &said);
        records.answers.insert(patch.to_owned(), answer);
        records.write(klp_build)?;
    }
    Ok(records)
}

/// Returns the file of a patch.
fn file(patch: &str, kernel: &Kernel) -> PathBuf {
    if ONLY_HERE.contains(&patch) {
        let directory = paths::repository().join(DIRECTORY_ONLY_HERE);
        return directory.join(format!("{patch}.patch"));
    }
    source_patches::file(patch, &kernel.lane.series)
}

/// A klp-gen, and the kernel that it builds for.
struct Builder<'k> {
    kernel: &'k Kernel,
    klp_gen: &'k Path,
    running: &'k Path,
    /// The most bytes that its cache had on the disk.
    disk: u64,
}

impl Builder<'_> {
    /// Builds a livepatch that needs no `klp_sympos`, with an empty cache.
    fn build(&mut self, patch: &str, directory: &Path) -> Result<Answer> {
        let cache = directory.join("cache");
        let (log, json) = (
            directory.join(format!("{patch}.log")),
            directory.join(format!("{patch}.json")),
        );
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"out=$1; shift; exec "$@" >"$out""#, "sh"])
            .arg(&json)
            .arg(self.klp_gen)
            .args(["build", "--format", "json", "--policy", "exact", "--kernel"])
            .arg(self.running)
            .arg("--output")
            .arg(directory.join(livepatch(patch)))
            .arg(file(patch, self.kernel))
            .env("XDG_CACHE_HOME", &cache);
        let (status, usage) =
            run::attempted(&format!("klp-gen build: {patch}"), &mut command, &log)?;
        ensure!(
            matches!(status.code(), Some(0 | 1)),
            "klp-gen build: {patch}: ended with {status}; the whole log is {}",
            log.display()
        );
        let outcome = fs::read(&json).with_context(|| format!("cannot read {}", json.display()))?;
        let outcome = serde_json::from_slice(&outcome)
            .with_context(|| format!("{} is not as documented", json.display()))?;
        if cache.exists() {
            self.disk = self.disk.max(disk::taken(&cache, None)?);
            fs::remove_dir_all(&cache)?;
        }
        Ok(Answer::of_klp_gen(usage, &outcome))
    }
}

/// Returns nothing if `klp-gen check` takes the livepatch, or else what it says.
fn check(klp_gen: &Path, running: &Path, livepatch: &Path) -> Result<String> {
    let mut command = Command::new(klp_gen);
    command
        .args(["check", "--quiet", "--policy", "exact", "--vmlinux"])
        .arg(running.join("vmlinux"))
        .args(MODULES.map(|module| format!("--module={}", running.join(module).display())))
        .arg(livepatch);
    let output = command.output().context("cannot run klp-gen")?;
    if output.status.success() {
        return Ok(String::new());
    }
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Ok(said.trim().replace('\n', "; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_patch_is_there() {
        for patch in PATCHES {
            let directory = if ONLY_HERE.contains(&patch) {
                DIRECTORY_ONLY_HERE
            } else {
                "scripts/fixtures/patches"
            };
            let file = paths::repository()
                .join(directory)
                .join(format!("{patch}.patch"));
            assert!(file.is_file(), "{}", file.display());
        }
    }
}
