// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Programs that people trace with, for the guest: those of a distribution, and `klp-bpf`, our own of libbpf.

use crate::guest::image::Contents;
use crate::host::{libraries, packages, paths, run};
use crate::kernel::toolchain::trixie::{Programs, Set};
use crate::kernel::Kernel;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Programs that need no BTF and start at once.
const QUICK: Set = Set {
    name: "tracers",
    packages: &["linux-perf", "trace-cmd"],
    programs: &["usr/bin/perf", "usr/bin/trace-cmd"],
};

/// Programs that compile what they attach, or need BTF: a guest without KVM takes half a minute for each start.
const SLOW: Set = Set {
    name: "bpf-tracers",
    packages: &["bpftrace", "libbpf-tools"],
    programs: &["usr/bin/bpftrace", "usr/sbin/funclatency-libbpf"],
};

/// The files of `scripts/guest/clients` that the table of the document is made of, in its order.
#[cfg(test)]
pub const SCRIPTS: [&str; 10] = [
    "tracefs",
    "perf",
    "trace-cmd",
    "graph",
    "libbpf",
    "libbpf-search",
    "libbpf-new",
    "btf",
    "libbpf-tools",
    "bpftrace",
];

/// The directory of the guest that has the sets.
const IN_GUEST: &str = "klp/trixie";

/// The C library of BPF, with its headers.
const LIBBPF: packages::Package = ("libbpf-dev", "/usr/include/bpf/libbpf.h");

/// The sources of `klp-bpf`, and of the programs that it attaches.
const SOURCES: &str = "scripts/guest/bpf";
const HOST_SOURCES: [&str; 3] = ["klp-bpf.c", "probe.c", "every.c"];
/// An object with a reference without a type, for each name that the tests ask for.
const KSYMS: [&str; 2] = ["tty_ldiscs_seq_show", "klp_promoted_show"];

/// Adds the programs that every lane is tested with.
///
/// # Errors
///
/// Fails if one cannot be had or does not build.
pub fn add(contents: &mut Contents, kernel: &Kernel, logs: &Path) -> Result<()> {
    let clients = paths::repository().join("scripts/guest/clients");
    contents.add(clients, "klp/clients".to_owned());
    contents.add(document(), "klp/tracing.md".to_owned());
    add_set(contents, &QUICK, logs)?;
    add_klp_bpf(contents, kernel, logs)
}

/// Adds the programs that `cargo xtask tracers` runs beside these.
///
/// # Errors
///
/// Fails if one cannot be had.
pub fn add_slow(contents: &mut Contents, logs: &Path) -> Result<()> {
    add_set(contents, &SLOW, logs)
}

/// The document that has the table of clients.
pub fn document() -> PathBuf {
    paths::repository().join("docs/tracing.md")
}

fn add_set(contents: &mut Contents, set: &Set, logs: &Path) -> Result<()> {
    let programs = Programs::ensure(set, logs)?;
    let to = format!("{IN_GUEST}/{}", set.name);
    contents.add(programs.directory, to);
    Ok(())
}

/// Compiles `klp-bpf` with the host's libbpf, and its programs with the kernel's compiler.
fn add_klp_bpf(contents: &mut Contents, kernel: &Kernel, logs: &Path) -> Result<()> {
    packages::install([LIBBPF], logs)?;
    let sources = paths::repository().join(SOURCES);
    let objects = logs.join("klp-bpf");
    std::fs::create_dir_all(&objects)?;

    let program = objects.join("klp-bpf");
    let mut compiler = kernel.tool("clang-22");
    compiler
        .current_dir(&sources)
        .args(["-O2", "-Wall", "-Werror", "-o"])
        .arg(&program)
        .args(HOST_SOURCES)
        .arg("-lbpf");
    run::logged("build klp-bpf", &mut compiler, &logs.join("klp-bpf.log"))?;
    for library in libraries::of(std::slice::from_ref(&program))? {
        contents.add(library.clone(), library.to_string_lossy().into_owned());
    }
    contents.add(program, "usr/bin/klp-bpf".to_owned());

    let mut compile = |source: &str, name: &str, defined: &str| {
        let object = objects.join(name);
        let mut compiler = kernel.tool("clang-22");
        compiler
            .current_dir(&sources)
            .args(["-target", "bpf", "-O2", "-g", "-Wall", "-Werror"])
            // <asm/types.h>, which a target without a distribution does not find
            .arg("-I/usr/include/x86_64-linux-gnu")
            .arg(format!("-DKSYM={defined}"))
            .args(["-c", source, "-o"])
            .arg(&object);
        run::logged(
            &format!("build {name}"),
            &mut compiler,
            &logs.join(format!("{defined}.log")),
        )?;
        contents.add(object.clone(), format!("klp/bpf/{name}"));
        anyhow::Ok(())
    };
    compile("programs.bpf.c", "programs.bpf.o", "none")?;
    for ksym in KSYMS {
        compile("ksym.bpf.c", &format!("ksym-{ksym}.bpf.o"), ksym)?;
    }
    Ok(())
}
