// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernel's own `scripts/livepatch/klp-build`, which builds the kernel, compiles what a patch
//! changes, and links the kernel again.
//!
//! The script builds in the source tree, which it patches meanwhile. It works in a copy of a lane's source, with the
//! configuration and the tools of that lane, so that the lane's own directories stay as they are. The copy has another
//! path than the lane's source, and the names of promoted symbols depend on that: the livepatch fits the kernel of the
//! lane only where it refers to none of these.

use super::kernel::Kernel;
use crate::host::disk;
use crate::host::packages::Package;
use crate::host::paths;
use crate::host::run::{self, Usage};
use crate::kernel::source::linked_copy;
use crate::report::progress;
use anyhow::{bail, ensure, Context, Result};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

/// The programs that the script calls beside those that build a kernel.
pub const PACKAGES: [Package; 3] = [
    ("gawk", "/usr/bin/gawk"),
    ("patch", "/usr/bin/patch"),
    ("patchutils", "/usr/bin/recountdiff"),
];

const SCRIPT: &str = "scripts/livepatch/klp-build";

/// The part of it that is a program of gawk's, and begins with the interpreter.
const GAWK_PROGRAM: &str = "scripts/livepatch/fix-patch-lines";

/// The directory of what the script builds, and the file in it that is written when the original kernel is built.
const SCRIPT_DIRECTORY: &str = "klp-tmp";
const HAS_ORIGINAL: &str = "klp-tmp/1-orig/.complete";

/// The files of a lane that say of what its build was made, which are also kept with the copy.
const STAMPS: [&str; 2] = ["kernel.stamp", "module.stamp"];

/// The parts of the directory of a copy: the source in which the script works; the same with the build of the kernel that
/// runs; and what was made with both.
const SOURCE: &str = "source";
const RUNNING: &str = "running";
const PARTIAL: &str = "running.partial";
const RESULTS: &str = "results";

/// A copy of a lane's source in which klp-build works.
pub struct KlpBuild<'k> {
    kernel: &'k Kernel,
    directory: PathBuf,
    /// Held as long as somebody works in the directory.
    _lock: File,
}

impl<'k> KlpBuild<'k> {
    /// Makes the copy. One that an earlier run has kept is taken if `is_kept`, and the lane's kernel is still the same.
    ///
    /// # Errors
    ///
    /// Fails if the kernel has no klp-build, or a file cannot be written.
    pub fn of(kernel: &'k Kernel, is_kept: bool) -> Result<Self> {
        ensure!(
            kernel.source.join(SCRIPT).is_file(),
            "the source of the lane {} has no {SCRIPT}; use --lane with a lane of a newer series",
            kernel.lane
        );
        let all = paths::cache()?.join("klp-build");
        forget(&all, kernel.dir.parent().unwrap_or(&kernel.dir));
        let directory = all.join(kernel.dir.file_name().unwrap_or_default());
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let lock = File::create(directory.join("lock"))
            .with_context(|| format!("cannot create a lock in {}", directory.display()))?;
        lock.lock()
            .with_context(|| format!("cannot lock {}", directory.display()))?;
        let klp_build = Self {
            kernel,
            directory,
            _lock: lock,
        };
        if !is_kept {
            clear(&klp_build.directory)?;
        }
        klp_build.copy()?;
        Ok(klp_build)
    }

    fn copy(&self) -> Result<()> {
        let kernel = self.kernel;
        // Nobody changes the lane meanwhile.
        let _lane = kernel.lock()?;
        copy(&kernel.dir, &kernel.source, &kernel.build, &self.directory)
    }

    fn tree(&self) -> PathBuf {
        self.directory.join(SOURCE)
    }

    /// Returns the directory for what is made with the copy. It goes when the copy goes.
    pub fn results(&self) -> PathBuf {
        self.directory.join(RESULTS)
    }

    /// Returns the tree with the build of the kernel that runs, if it was built.
    pub fn running(&self) -> Option<PathBuf> {
        Some(self.directory.join(RUNNING)).filter(|tree| tree.exists())
    }

    /// Makes the copy anew, without what was built in it.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be removed or written.
    pub fn renew(&self) -> Result<()> {
        clear(&self.directory)?;
        self.copy()
    }

    /// Builds the kernel that runs in the copy, as its users do, and keeps it; returns what that took.
    ///
    /// The names of promoted symbols depend on where the kernel is built, so it is built where klp-build builds. The
    /// script begins with `make clean`, which removes the files, and hard links to them stay. It leaves Module.symvers,
    /// to which modpost writes, so of that there is a copy.
    ///
    /// # Errors
    ///
    /// Fails if the build does.
    pub fn build_running(&self, logs: &Path) -> Result<Usage> {
        self.configure(logs)?;
        let jobs = thread::available_parallelism().map_or(1, NonZero::get);
        let mut make = self.command("make");
        make.arg(format!("-j{jobs}")).args(["bzImage", "modules"]);
        let title = format!("build the kernel in its source tree ({})", self.kernel.lane);
        let usage = run::measured(&title, &mut make, &logs.join("klp-build-running.log"))?;
        let (tree, running) = (self.tree(), self.directory.join(RUNNING));
        // Beside it first: a directory of this name is a whole one.
        let partial = self.directory.join(PARTIAL);
        if partial.exists() {
            fs::remove_dir_all(&partial)
                .with_context(|| format!("cannot remove {}", partial.display()))?;
        }
        linked_copy(&tree, &partial)?;
        let exports = partial.join("Module.symvers");
        fs::remove_file(&exports)
            .and_then(|()| fs::copy(tree.join("Module.symvers"), &exports))
            .and_then(|_| fs::rename(&partial, &running))
            .with_context(|| format!("cannot write {}", running.display()))?;
        Ok(usage)
    }

    /// Returns the bytes on the disk of what was built in the copy.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be asked.
    pub fn disk(&self) -> Result<u64> {
        disk::taken(&self.tree(), Some(&self.kernel.source))
    }

    /// Returns true if the original kernel is built, and only the patched one has to be.
    pub fn has_original(&self) -> bool {
        self.tree().join(HAS_ORIGINAL).is_file()
    }

    /// Removes what the script has built, so that it begins from nothing.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be removed.
    pub fn forget_original(&self) -> Result<()> {
        let built = self.tree().join(SCRIPT_DIRECTORY);
        if built.exists() {
            fs::remove_dir_all(&built)
                .with_context(|| format!("cannot remove {}", built.display()))?;
        }
        Ok(())
    }

    /// Builds one livepatch of all the patches, and returns what that took.
    ///
    /// # Errors
    ///
    /// Fails if klp-build does.
    pub fn build(&self, patches: &[PathBuf], livepatch: &Path, logs: &Path) -> Result<Usage> {
        self.configure(logs)?;
        let (title, mut script, built) = self.script(patches, livepatch)?;
        let usage = run::measured(&title, &mut script, &logs.join("klp-build.log"))?;
        deliver(&built, livepatch)?;
        Ok(usage)
    }

    /// Does the same with its output in the file `log`, and returns true beside what it took if there is a livepatch.
    ///
    /// # Errors
    ///
    /// Fails if klp-build cannot be run, is interrupted, or has no room.
    pub fn attempt(
        &self,
        patches: &[PathBuf],
        livepatch: &Path,
        log: &Path,
    ) -> Result<(bool, Usage)> {
        let (title, mut script, built) = self.script(patches, livepatch)?;
        let (status, usage) = run::attempted(&title, &mut script, log)?;
        if status.success() {
            deliver(&built, livepatch)?;
        } else if status.code().is_none() || was_hindered(log)? {
            bail!(
                "klp-build was hindered and ended with {status}; the whole log is {}. If its patch was left in the \
                 source, begin anew: `cargo xtask klp-build` without --keep",
                log.display()
            );
        }
        Ok((status.success(), usage))
    }

    fn configure(&self, logs: &Path) -> Result<()> {
        let mut configure = self.command("make");
        run::logged(
            "configure the kernel for klp-build",
            configure.args(["--silent", "olddefconfig"]),
            &logs.join("klp-build-config.log"),
        )
    }

    /// Returns the call of the script with its title, and the file that it writes.
    fn script(&self, patches: &[PathBuf], livepatch: &Path) -> Result<(String, Command, PathBuf)> {
        let mut script = self.command(SCRIPT);
        let title = if self.has_original() {
            script.args(["--short-circuit", "patched"]);
            "klp-build, without the original kernel"
        } else {
            progress::note(
                "klp-build builds the kernel and links it again, in 20 minutes of processor time or more",
            );
            script.arg("--keep-tmp");
            "klp-build"
        };
        let name = livepatch
            .file_name()
            .context("a livepatch without a name")?;
        let built = self.directory.join(name);
        script.arg("--output").arg(&built);
        for patch in patches {
            script.arg(absolute(patch)?);
        }
        Ok((format!("{title} ({})", self.kernel.lane), script, built))
    }

    /// Removes the copy, and the kernels that were built in it.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be removed.
    pub fn remove(self) -> Result<()> {
        // The lock stays: somebody may wait for it.
        clear(&self.directory)
    }

    /// Returns a command in the copy; each `make` that it calls has the tools that the lane was built with.
    fn command(&self, program: &str) -> Command {
        let toolchain = &self.kernel.toolchain;
        let mut command = toolchain.clean(program);
        command
            .current_dir(self.tree())
            .env("MAKEFLAGS", make_flags(&toolchain.variables()));
        command
    }
}

/// Moves the livepatch out of the copy.
fn deliver(built: &Path, livepatch: &Path) -> Result<()> {
    fs::copy(built, livepatch).with_context(|| format!("cannot write {}", livepatch.display()))?;
    fs::remove_file(built).with_context(|| format!("cannot remove {}", built.display()))
}

/// Returns true if a program was killed or the disk was full: that is no answer of the script's.
fn was_hindered(log: &Path) -> Result<bool> {
    let said = fs::read(log).with_context(|| format!("cannot read {}", log.display()))?;
    let said = String::from_utf8_lossy(&said);
    Ok(["No space left on device", "Killed"]
        .iter()
        .any(|sign| said.contains(sign)))
}

/// Makes the copy in `directory`, unless it is there and was made of the same kernel.
fn copy(lane: &Path, source: &Path, build: &Path, directory: &Path) -> Result<()> {
    let is_same = STAMPS.iter().all(|stamp| {
        let [old, new] = [directory, lane].map(|place| fs::read(place.join(stamp)).ok());
        old.is_some() && old == new
    });
    if is_same {
        return Ok(());
    }
    clear(directory)?;
    let tree = directory.join(SOURCE);
    linked_copy(source, &tree)?;
    name_gawk(&tree.join(GAWK_PROGRAM))?;
    let files = [(build.join(".config"), tree.join(".config"))];
    let stamps = STAMPS.map(|stamp| (lane.join(stamp), directory.join(stamp)));
    // The stamps at the end, when everything else is there.
    for (from, to) in files.into_iter().chain(stamps) {
        fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(())
}

/// Names gawk as the interpreter of a program of awk: the machine's awk may be another one.
fn name_gawk(program: &Path) -> Result<()> {
    let edit = || -> io::Result<()> {
        let text = fs::read_to_string(program)?;
        let permissions = fs::metadata(program)?.permissions();
        // A new file: the old one is a hard link.
        fs::remove_file(program)?;
        let text = text.replacen("#!/usr/bin/awk ", "#!/usr/bin/gawk ", 1);
        fs::write(program, text)?;
        fs::set_permissions(program, permissions)
    };
    edit().with_context(|| format!("cannot edit {}", program.display()))
}

/// Removes the copies in `all` of kernels that are not in `kernels` any more.
fn forget(all: &Path, kernels: &Path) {
    for copy in fs::read_dir(all).into_iter().flatten().flatten() {
        let lock = File::open(copy.path().join("lock"));
        let is_free = lock.is_ok_and(|lock| lock.try_lock().is_ok());
        if is_free && !kernels.join(copy.file_name()).exists() {
            progress::note(&format!("removing {}", copy.path().display()));
            // The next run tries again to remove the rest.
            let _ = fs::remove_dir_all(copy.path());
        }
    }
}

/// Removes the copy from `directory`, with what was made of it.
fn clear(directory: &Path) -> Result<()> {
    // The stamps first: what is left of a tree is no copy.
    for stamp in STAMPS.map(|stamp| directory.join(stamp)) {
        if stamp.exists() {
            fs::remove_file(&stamp)
                .with_context(|| format!("cannot remove {}", stamp.display()))?;
        }
    }
    for part in [RESULTS, RUNNING, PARTIAL, SOURCE] {
        let part = directory.join(part);
        if part.exists() {
            fs::remove_dir_all(&part)
                .with_context(|| format!("cannot remove {}", part.display()))?;
        }
    }
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).with_context(|| format!("cannot find {}", path.display()))
}

/// Returns the value of the environment variable `MAKEFLAGS` that sets variables of make.
fn make_flags(variables: &[OsString]) -> OsString {
    let mut flags = OsString::from(" --");
    for variable in variables {
        let variable = variable.to_string_lossy();
        flags.push(" ");
        flags.push(variable.replace('\\', "\\\\").replace(' ', "\\ "));
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn make_is_told_of_values_with_spaces() {
        let dir = tempfile::tempdir().unwrap();
        let makefile = "LD = none\nall:\n\t@echo '$(LD)|$(LLVM)|$(EMPTY)'; $(MAKE) sub\nsub:\n\t@echo '$(LD)'\n";
        fs::write(dir.path().join("Makefile"), makefile).unwrap();
        let variables = ["LD=ld.lld --a=b", "LLVM=-22", "EMPTY="].map(OsString::from);
        let mut make = Command::new("make");
        make.current_dir(dir.path())
            .args(["--silent", "-j2"])
            .env("MAKEFLAGS", make_flags(&variables));
        let printed = run::captured(&mut make).unwrap();
        assert_eq!(printed, "ld.lld --a=b|-22|\nld.lld --a=b\n");
    }

    #[test]
    fn copies_of_kernels_that_are_gone_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let copies = ["7.3.4-a", "7.3.4-b", "7.3.4-used"];
        fs::create_dir_all(dir.path().join("kernel/7.3.4-a")).unwrap();
        let all = dir.path().join("klp-build");
        let locks = copies.map(|copy| {
            fs::create_dir_all(all.join(copy)).unwrap();
            File::create(all.join(copy).join("lock")).unwrap()
        });
        locks[2].lock().unwrap();
        forget(&all, &dir.path().join("kernel"));
        assert_eq!(
            copies.map(|copy| all.join(copy).exists()),
            [true, false, true]
        );
        forget(&dir.path().join("none"), &all);
    }

    #[test]
    fn a_full_disk_is_no_answer() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let said = |text: &str| {
            fs::write(&log, text).unwrap();
            was_hindered(log.path()).unwrap()
        };
        assert!(said("ld.lld: error: write: No space left on device\n"));
        assert!(said("make: *** [a.o] Killed\n"));
        assert!(!said("vmlinux.o: error: objtool: no changes\n"));
    }

    #[test]
    fn a_copy_is_made_anew_for_another_kernel_only() {
        let dir = tempfile::tempdir().unwrap();
        let [lane, copied] = ["lane", "copied"].map(|name| dir.path().join(name));
        let (source, build) = (lane.join("source"), lane.join("build"));
        for directory in [&source.join("scripts/livepatch"), &build, &copied] {
            fs::create_dir_all(directory).unwrap();
        }
        for (file, text) in [
            ("source/a.c", "a"),
            (
                "source/scripts/livepatch/fix-patch-lines",
                "#!/usr/bin/awk -f\n# awk\n",
            ),
            ("build/.config", "CONFIG_A=y"),
            ("kernel.stamp", "1"),
            ("module.stamp", "1"),
        ] {
            fs::write(lane.join(file), text).unwrap();
        }
        let made = || copy(&lane, &source, &build, &copied).unwrap();
        made();
        let config = fs::read_to_string(copied.join("source/.config")).unwrap();
        assert_eq!(config, "CONFIG_A=y");
        assert!(!source.join(".config").exists());
        let first_line = |tree: &Path| {
            let text = fs::read_to_string(tree.join(GAWK_PROGRAM)).unwrap();
            text.lines().next().map(str::to_owned)
        };
        let lines = [&source, &copied.join("source")].map(|tree| first_line(tree));
        assert_eq!(
            lines.map(Option::unwrap),
            ["#!/usr/bin/awk -f", "#!/usr/bin/gawk -f"]
        );

        let object = copied.join("source/a.o");
        fs::write(&object, "").unwrap();
        made();
        assert!(object.exists());
        let running = copied.join("running");
        fs::create_dir(&running).unwrap();
        fs::write(lane.join("module.stamp"), "2").unwrap();
        made();
        assert!(!object.exists() && !running.exists() && copied.join("source/a.c").exists());
        clear(&copied).unwrap();
        made();
        assert!(copied.join("source/a.c").exists());
    }
}
