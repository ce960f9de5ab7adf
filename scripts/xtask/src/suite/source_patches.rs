// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatches that `klp-gen build` makes of the source patches in `scripts/fixtures/patches`, for the boot
//! `build`.

use crate::guest::image::Contents;
use crate::host::build_outcome::{BuildOutcome, Change};
use crate::host::{klp_gen, paths, run};
use crate::kernel::build::external;
use crate::kernel::Kernel;
use crate::report::tally::Tally;
use anyhow::{ensure, Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The directory of the patches.
const PATCHES: &str = "scripts/fixtures/patches";

/// The C file with callbacks and a state, and the patch whose livepatch gets them.
const CALLBACKS: &str = "scripts/fixtures/patches/callbacks.c";
const WITH_CALLBACKS: &str = "string";

/// The directory of the guest that has the livepatches, and within it those with exact names.
const IN_GUEST: &str = "klp/built";
const EXACT: &str = "exact";

/// The patch of the demo with its livepatch, and where they are in the guest.
const OF_DEMO: (&str, &str) = ("promoted", "livepatch-promoted.ko");
const DEMO_IN_GUEST: &str = "klp/demo";

/// The build of the modules that some patches are of.
const MODULES: &str = "targets";

/// The files that a patch is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tree {
    Kernel,
    Modules,
}

/// The answer of `klp-gen build`.
enum ExpectedAnswer {
    /// A livepatch that replaces these functions.
    Built(&'static [&'static str]),
    /// A refusal that says this.
    Refused(&'static str),
}
use ExpectedAnswer::{Built, Refused};

/// A source patch: its name, the files that it is of, and what is to come of it.
type SourcePatch = (&'static str, Tree, ExpectedAnswer);

/// Every patch of the directory.
const ALL: [SourcePatch; 17] = [
    ("string", Tree::Kernel, Built(&["cpu_byteorder_show"])),
    ("promoted", Tree::Kernel, Built(&["tty_ldiscs_seq_show"])),
    (
        "inlined",
        Tree::Kernel,
        // The patch changes get_nr_inodes(), which no kernel has as a function.
        Built(&["get_nr_dirty_inodes", "proc_nr_inodes"]),
    ),
    ("percpu", Tree::Kernel, Built(&["proc_nr_inodes"])),
    ("after_init", Tree::Kernel, Built(&["cmdline_proc_show"])),
    ("static_local", Tree::Kernel, Built(&["proc_do_uuid"])),
    (
        "namesake",
        Tree::Kernel,
        Built(&["drop_caches_sysctl_handler"]),
    ),
    ("new", Tree::Kernel, Built(&["uptime_proc_show"])),
    ("tracepoint", Tree::Kernel, Built(&["__set_task_comm"])),
    ("fault", Tree::Kernel, Built(&["filldir64"])),
    (
        "header",
        Tree::Kernel,
        Built(&[
            "__x64_sys_sysinfo",
            "get_boottime_timespec",
            "posix_get_boottime_timespec",
            "uptime_proc_show",
        ]),
    ),
    ("module", Tree::Kernel, Built(&["vlan_seq_show"])),
    (
        "special",
        Tree::Modules,
        Built(&[
            "alternative_show",
            "call_show",
            "fault",
            "pointer_show",
            "shown_show",
            "special_result",
        ]),
    ),
    (
        "refused_data",
        Tree::Kernel,
        Refused("inodes_stat: fs/inode.c: differs from the variable of the running kernel"),
    ),
    (
        "refused_init",
        Tree::Kernel,
        Refused("proc_uptime_init5: fs/proc/uptime.c: is only executed while the kernel boots"),
    ),
    (
        "refused_export",
        Tree::Kernel,
        Refused("__seq_puts: is no longer exported"),
    ),
    (
        "refused_key",
        Tree::Modules,
        Refused("key_show: klp_special_show.c: depends on the static key special_key of a module"),
    ),
];

/// Builds the livepatches, and holds each answer to what is expected.
///
/// # Errors
///
/// Fails if a file cannot be written; what does not build is counted.
pub fn add(contents: &mut Contents, kernel: &Kernel, tally: &mut Tally, logs: &Path) -> Result<()> {
    let directory = logs.join("built");
    let exact = directory.join(EXACT);
    let builder = Builder {
        kernel,
        program: klp_gen::program(logs)?,
    };
    fs::create_dir_all(&exact).with_context(|| format!("cannot create {}", exact.display()))?;
    for (name, tree, expected) in &ALL {
        let to = directory.join(format!("livepatch-{name}.ko"));
        let answer = run::timed(&format!("build livepatch-{name}"), || {
            builder.build(*tree, &[name], "llvm", &to)
        })?;
        hold(tally, name, &answer, expected);
    }
    // Without klp_sympos, all patches of a tree are in one livepatch, of several files and objects.
    for (name, tree) in [("all", Tree::Kernel), ("special", Tree::Modules)] {
        let is_part = |(_, of, expected): &&SourcePatch| {
            *of == tree && matches!(expected, ExpectedAnswer::Built(_))
        };
        let parts: Vec<_> = ALL.iter().filter(is_part).collect();
        let names: Vec<_> = parts.iter().map(|(name, ..)| *name).collect();
        let to = exact.join(format!("livepatch-{name}.ko"));
        let answer = run::timed(&format!("build livepatch-{name} with exact names"), || {
            builder.build(tree, &names, "exact", &to)
        })?;
        match &answer.functions {
            Some(_) => tally.pass(),
            None => tally.fail(
                format!("klp-gen build: {name}, with exact names"),
                answer.said,
            ),
        }
    }
    let to = directory.join("livepatch-callbacks.ko");
    let mut command = builder.command(Tree::Kernel, &[WITH_CALLBACKS], "llvm", &to)?;
    command
        .arg("--callbacks")
        .arg(paths::repository().join(CALLBACKS));
    let answer = run::timed("build livepatch-callbacks", || ask(&mut command))?;
    match &answer.functions {
        Some(_) => tally.pass(),
        None => tally.fail("klp-gen build: with callbacks".to_owned(), answer.said),
    }
    contents.add(directory, IN_GUEST.to_owned());
    Ok(())
}

/// Builds the one livepatch of the demo, and adds it with its patch.
///
/// # Errors
///
/// Fails if it does not build.
pub fn add_for_demo(contents: &mut Contents, kernel: &Kernel, logs: &Path) -> Result<()> {
    let (name, livepatch) = OF_DEMO;
    let to = logs.join(livepatch);
    let builder = Builder {
        kernel,
        program: klp_gen::program(logs)?,
    };
    let answer = run::timed(&format!("build {livepatch}"), || {
        builder.build(Tree::Kernel, &[name], "llvm", &to)
    })?;
    ensure!(answer.functions.is_some(), "klp-gen build: {}", answer.said);
    let patch = file(name, &kernel.lane.series);
    contents.add(patch, format!("{DEMO_IN_GUEST}/{name}.patch"));
    contents.add(to, format!("{DEMO_IN_GUEST}/{livepatch}"));
    Ok(())
}

/// The answer to one patch.
struct BuildAnswer {
    /// The functions that the livepatch replaces, if there is one.
    functions: Option<Vec<String>>,
    said: String,
}

/// A klp-gen, and the kernel that it builds for.
struct Builder<'k> {
    kernel: &'k Kernel,
    program: PathBuf,
}

impl Builder<'_> {
    fn command(&self, tree: Tree, patches: &[&str], policy: &str, to: &Path) -> Result<Command> {
        let series = &self.kernel.lane.series;
        let mut command = Command::new(&self.program);
        command
            .args(["build", "--format", "json", "--policy", policy])
            .arg("--kernel")
            .arg(&self.kernel.build)
            .arg("--output")
            .arg(to)
            .args(patches.iter().map(|name| file(name, series)))
            .env("XDG_CACHE_HOME", paths::cache()?);
        if tree == Tree::Modules {
            command
                .arg("--external-modules")
                .arg(external::directory(self.kernel, MODULES));
        }
        Ok(command)
    }

    fn build(&self, tree: Tree, patches: &[&str], policy: &str, to: &Path) -> Result<BuildAnswer> {
        ask(&mut self.command(tree, patches, policy, to)?)
    }
}

/// Runs klp-gen, and reads what it prints.
fn ask(command: &mut Command) -> Result<BuildAnswer> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("cannot run klp-gen")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() != Some(0) {
        return Ok(BuildAnswer {
            functions: None,
            said,
        });
    }
    let outcome: BuildOutcome = serde_json::from_slice(&output.stdout)?;
    let mut names: Vec<_> = outcome.names(Change::Changed).map(str::to_owned).collect();
    names.sort();
    Ok(BuildAnswer {
        functions: Some(names),
        said,
    })
}

fn hold(tally: &mut Tally, name: &str, answer: &BuildAnswer, expected: &ExpectedAnswer) {
    let is_right = match expected {
        Built(functions) => answer
            .functions
            .as_ref()
            .is_some_and(|found| found == functions),
        Refused(text) => answer.functions.is_none() && answer.said.contains(text),
    };
    if is_right {
        return tally.pass();
    }
    let wanted = match expected {
        Built(functions) => functions.join(", "),
        Refused(text) => (*text).to_owned(),
    };
    let found = answer.functions.as_ref().map(|found| found.join(", "));
    tally.fail(
        format!("klp-gen build: {name}"),
        format!(
            "expected was {wanted}; the livepatch replaces {}\n{}",
            found.as_deref().unwrap_or("nothing"),
            answer.said
        ),
    );
}

/// Returns a patch: that of the series if the source is another one there, or else that of all.
pub fn file(name: &str, series: &str) -> PathBuf {
    let directory = paths::repository().join(PATCHES);
    let name = format!("{name}.patch");
    let own = directory.join(series).join(&name);
    if own.is_file() {
        own
    } else {
        directory.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_patch_is_in_the_table() {
        let directory = paths::repository().join(PATCHES);
        let files = fs::read_dir(directory).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let found = paths.filter(|path| path.extension().is_some_and(|e| e == "patch"));
        assert_eq!(found.count(), ALL.len());
        for (name, ..) in &ALL {
            assert!(file(name, "").is_file(), "{name}");
        }
    }
}
