// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The tools that build the kernel, and the `make` that uses them.

use std::{
    env,
    ffi::OsString,
    fs,
    num::NonZero,
    path::{Path, PathBuf},
    process::Command,
    thread, //
};

use anyhow::{
    Context,
    Result, //
};

use crate::{
    layout,
    run, //
};

/// No distribution that has the other tools has this one recent enough.
const BINDGEN_VERSION: &str = "0.72.1";

/// The kernel's Rust compiler is the distribution's, which has the library's source; rustup's, which
/// may come first in the user's `PATH`, needs a component for that.
const SYSTEM_PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// What every `make` is called with; part of the key of a build. The same input gives the same kernel,
/// whoever builds it when and where.
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
    /// What their `--version` says: part of the key of a build.
    pub versions: String,
    bindgen: PathBuf,
    thinlto_cache: PathBuf,
}

impl Toolchain {
    /// Finds the tools, and installs bindgen into the cache if it is not there.
    ///
    /// # Errors
    ///
    /// Fails if bindgen cannot be installed or a tool does not run.
    pub fn ensure(logs: &Path) -> Result<Self> {
        let cache = layout::cache()?;
        let root = cache
            .join("tools")
            .join(format!("bindgen-{BINDGEN_VERSION}"));
        let bindgen = root.join("bin");
        if !bindgen.join("bindgen").exists() {
            eprintln!("installing bindgen (about a minute)");
            let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let mut install = Command::new(cargo);
            install
                .args(["install", "bindgen-cli", "--locked", "--quiet", "--version"])
                .arg(BINDGEN_VERSION)
                .arg("--root")
                .arg(&root);
            run::logged(&mut install, &logs.join("bindgen.log"))?;
        }
        // Shared by all builds: its entries are named by their content.
        let thinlto_cache = cache.join("thinlto");
        fs::create_dir_all(&thinlto_cache)
            .with_context(|| format!("cannot create {}", thinlto_cache.display()))?;
        let mut toolchain = Self {
            versions: String::new(),
            bindgen,
            thinlto_cache,
        };
        for (tool, flags) in [
            ("clang-22", &["--version"][..]),
            ("ld.lld-22", &["--version"]),
            ("llvm-nm-22", &["--version"]),
            ("rustc", &["--version", "--verbose"]),
            ("bindgen", &["--version"]),
        ] {
            toolchain.versions += &run::captured(toolchain.clean(tool).args(flags))?;
        }
        Ok(toolchain)
    }

    /// `make` in the kernel tree `source` with its results in `build`.
    pub fn make(&self, source: &Path, build: &Path) -> Command {
        let jobs = thread::available_parallelism().map_or(1, NonZero::get);
        let mut make = self.clean("make");
        make.arg("-C")
            .arg(source)
            .arg(format!("O={}", build.display()))
            .arg(format!(
                "LD=ld.lld-22 --thinlto-cache-dir={}",
                self.thinlto_cache.display()
            ))
            .args(FLAGS)
            .arg(format!("-j{jobs}"));
        make
    }

    /// A command without the environment of `cargo run`, whose job server and library path are not
    /// meant for a kernel build.
    pub fn clean(&self, program: &str) -> Command {
        let mut path = OsString::from(SYSTEM_PATH);
        path.push(":");
        path.push(&self.bindgen);
        let mut command = Command::new(program);
        command.env_clear().env("PATH", path).env("LC_ALL", "C");
        command
    }
}
