// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The tools that build the kernel, and the `make` that uses them.

pub mod linker;
mod pahole;
mod tools;
pub mod trixie;

use super::link::Link;
use super::series::Tools;
use crate::host::{paths, run};
use crate::report::progress;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, thread};

/// The kernel's Rust compiler is the distribution's, which has the library's source; rustup's, which
/// may come first in the user's `PATH`, needs a component for that.
const SYSTEM_PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// The arguments of every `make`; part of the key of a build. The same input gives the same kernel, whoever
/// builds it when and where.
pub const FLAGS: [&str; 6] = [
    "LLVM=-22",
    "LOCALVERSION=",
    "KBUILD_BUILD_TIMESTAMP=@0",
    "KBUILD_BUILD_VERSION=1",
    "KBUILD_BUILD_USER=klp-sympos",
    "KBUILD_BUILD_HOST=klp-sympos",
];

/// The tools that build the kernel.
pub struct Toolchain {
    /// The versions that the tools print: part of the key of a build.
    pub versions: String,
    bindgen: PathBuf,
    /// The linker.
    pub linker: PathBuf,
    /// The program that makes BTF, of a kernel that has it.
    pahole: Option<PathBuf>,
    /// The directory in which the linker may keep code from one link to the next.
    lto_cache: Option<PathBuf>,
    /// The program that finds collisions before the link, if the kernel's build is to do that.
    pub klp_gen: Option<PathBuf>,
}

impl Toolchain {
    /// Finds the tools, and installs those into the cache that no distribution has.
    ///
    /// # Errors
    ///
    /// Fails if one of these cannot be installed or a tool does not run.
    pub fn ensure(link: Link, versions: &Tools, logs: &Path) -> Result<Self> {
        let cache = paths::cache()?;
        let root = cache
            .join("tools")
            .join(format!("bindgen-{}", versions.bindgen));
        let bindgen = root.join("bin");
        if !bindgen.join("bindgen").exists() {
            progress::note(&format!("installing bindgen {}", versions.bindgen));
            let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let mut install = Command::new(cargo);
            install
                .args(["install", "bindgen-cli", "--locked", "--quiet", "--version"])
                .arg(&versions.bindgen)
                .arg("--root")
                .arg(&root);
            run::logged("install bindgen", &mut install, &logs.join("bindgen.log"))?;
        }
        let linker = linker::ensure(link, logs)?;
        let linker_name = linker.to_string_lossy();
        let mut toolchain = Self {
            versions: String::new(),
            bindgen,
            linker: linker.clone(),
            pahole: pahole::ensure(link, logs)?,
            lto_cache: None,
            klp_gen: None,
        };
        for (tool, flags) in [
            ("clang-22", &["--version"][..]),
            (&linker_name, &["--version"]),
            ("llvm-nm-22", &["--version"]),
            ("rustc", &["--version", "--verbose"]),
            ("bindgen", &["--version"]),
        ] {
            toolchain.versions += &run::captured(toolchain.clean(tool).args(flags))?;
        }
        if let Some(pahole) = &toolchain.pahole {
            toolchain.versions += &run::captured(Command::new(pahole).arg("--version"))?;
        }
        if link.may_cache_lto() {
            // Shared by all builds: its entries are named by their content.
            let thinlto_cache = cache.join("thinlto");
            fs::create_dir_all(&thinlto_cache)
                .with_context(|| format!("cannot create {}", thinlto_cache.display()))?;
            toolchain.lto_cache = Some(thinlto_cache);
        }
        Ok(toolchain)
    }

    /// The argument that tells `make` which linker it is.
    fn linker(&self) -> OsString {
        let mut argument = OsString::from("LD=");
        argument.push(&self.linker);
        argument
    }

    /// The same with the cache, which changes the linker's speed and not its result.
    fn linker_with_cache(&self) -> OsString {
        let mut argument = self.linker();
        if let Some(cache) = &self.lto_cache {
            argument.push(" --thinlto-cache-dir=");
            argument.push(cache);
        }
        argument
    }

    /// The arguments that tell `make` of the tools that are not the distribution's.
    pub fn other_tools(&self) -> Vec<OsString> {
        let mut arguments = vec![self.linker_with_cache()];
        arguments.extend(self.pahole());
        arguments
    }

    fn pahole(&self) -> Option<OsString> {
        let mut argument = OsString::from("PAHOLE=");
        argument.push(self.pahole.as_ref()?);
        Some(argument)
    }

    fn klp_gen(&self) -> Option<OsString> {
        let mut argument = OsString::from("KLP_GEN=");
        argument.push(self.klp_gen.as_ref()?);
        Some(argument)
    }

    /// The variables of every `make` for somebody else who calls it, without the linker's cache.
    pub fn variables(&self) -> Vec<OsString> {
        let mut variables = vec![self.linker()];
        variables.extend(FLAGS.map(OsString::from));
        variables.extend(self.pahole());
        variables.extend(self.klp_gen());
        variables
    }

    /// `make` in the kernel tree `source` with its results in `build`.
    pub fn make(&self, source: &Path, build: &Path) -> Command {
        let jobs = thread::available_parallelism().map_or(1, NonZero::get);
        let mut make = self.clean("make");
        make.arg("-C")
            .arg(source)
            .arg(format!("O={}", build.display()))
            .args(self.other_tools())
            .args(FLAGS)
            .arg(format!("-j{jobs}"))
            .args(self.klp_gen());
        make
    }

    /// A command without the environment of `cargo run`, whose job server and library path are not
    /// meant for a kernel build. `klp-gen` has its cache beside the kernels.
    pub fn clean(&self, program: &str) -> Command {
        let mut path = OsString::from(SYSTEM_PATH);
        path.push(":");
        path.push(&self.bindgen);
        let mut command = Command::new(program);
        command.env_clear().env("PATH", path).env("LC_ALL", "C");
        if let Ok(cache) = paths::cache() {
            command.env("XDG_CACHE_HOME", cache);
        }
        command
    }
}
