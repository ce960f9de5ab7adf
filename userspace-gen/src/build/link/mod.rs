// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Makes a livepatch module from an object file with functions.
//!
//! kbuild links the livepatch as any external module. So objtool makes the same tables as for the kernel's
//! code: ORC, call and return sites, the sites of static calls, `__mcount_loc`. [`source`] makes the C file
//! with the livepatch's structs. The repository's Makefile.livepatch tells modpost which references
//! `klp-gen` will resolve, converts the module, and checks it.

pub mod source;

use super::kbuild::Saved;
use super::{BuildRefusal, KernelBuild, RefusalKind};
use crate::error::{Error, ErrorKind, Result};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Makefile with which all livepatches are built.
const MAKEFILE_LIVEPATCH: &str = include_str!("Makefile.livepatch");

/// The name of the object file with the functions.
const BODY: &str = "klp_functions";

/// The name of the C file with the structs.
const STRUCTS: &str = "klp_patch";

/// The prefix of objtool's messages. kbuild and the kernel would accept the file in spite of a message:
/// `check()` in `tools/objtool/check.c` returns 0 after a fatal warning.
const OBJTOOL: &str = "objtool: ";

/// The assignment with which kbuild makes no BTF for the module. BTF is made from debug information, which the
/// functions do not have, and kbuild would need the path of pahole.
const NO_BTF: &str = "CONFIG_DEBUG_INFO_BTF_MODULES=";

/// A livepatch that is to be linked.
#[derive(Debug)]
pub struct Parts<'p> {
    /// The name of the module.
    pub name: &'p str,
    /// The object file with the functions.
    pub body: &'p [u8],
    /// The C file with the structs.
    pub source: &'p str,
    /// An object of the kernel; its compile line names the compiler.
    pub like: &'p Path,
    /// The modules that are livepatched.
    pub modules: Vec<PathBuf>,
    /// More options of `klp-gen convert`.
    pub flags: &'p str,
    /// The path of klp-gen itself.
    pub klp_gen: &'p Path,
}

/// Links a livepatch in an empty directory and returns the path of the module.
///
/// # Errors
///
/// A file cannot be written, or make cannot be run.
pub fn link(
    kernel: &KernelBuild,
    directory: &Path,
    parts: &Parts<'_>,
) -> Result<std::result::Result<PathBuf, BuildRefusal>> {
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.join(name);
        fs::write(&path, bytes)
            .map_err(|e| Error::io(&format_args!("cannot write {}", path.display()), e))
    };
    let name = parts.name;
    let makefile = format!(
        "livepatch-m := {name}.o\n{name}-y := {STRUCTS}.o {BODY}.o\ninclude {}/Makefile.livepatch\n\
         $(obj)/{BODY}.o: $(src)/{BODY}.o_shipped\n\t@cp $< $@\n",
        directory.display()
    );
    // kbuild's own rule for what is shipped has the pattern `./%` since 6.13, which no object at the top has.
    write("Makefile", makefile.as_bytes())?;
    write("Makefile.livepatch", MAKEFILE_LIVEPATCH.as_bytes())?;
    write(&format!("{STRUCTS}.c"), parts.source.as_bytes())?;
    write(&format!("{BODY}.o_shipped"), parts.body)?;
    // modpost reads the .cmd files of a module's objects, for the version of the module's source.
    write(
        &format!(".{BODY}.o.cmd"),
        format!("savedcmd_{BODY}.o := :\n").as_bytes(),
    )?;

    let mut make = Command::new("make");
    make.arg("-s").arg("-C").arg(kernel.directory());
    make.arg(assignment("M", directory.as_os_str()));
    make.args(toolchain(kernel, parts.like)?);
    make.arg(assignment("KLP_GEN", parts.klp_gen.as_os_str()));
    make.arg(format!("KLP_FLAGS={}", parts.flags));
    let modules: Vec<_> = parts
        .modules
        .iter()
        .map(|m| m.display().to_string())
        .collect();
    make.arg(format!("KLP_MODULES={}", modules.join(" ")));
    make.arg(NO_BTF);
    make.arg("modules");
    // These variables may be those of another make, which called this program.
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    let output = make
        .output()
        .map_err(|e| Error::io(&"cannot run make", e))?;
    let module = directory.join(format!("{name}.ko"));
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let what = if !output.status.success() || !module.is_file() {
        "kbuild or klp-gen refuses the livepatch"
    } else if said.contains(OBJTOOL) {
        "objtool does not understand the code, and did not write tables that the kernel needs to run it"
    } else {
        return Ok(Ok(module));
    };
    Ok(Err(BuildRefusal {
        kind: RefusalKind::Link,
        subject: name.to_owned(),
        reason: format!("{what}:\n{}", said.trim_end()),
    }))
}

fn assignment(name: &str, value: &std::ffi::OsStr) -> OsString {
    let mut word = OsString::from(name);
    word.push("=");
    word.push(value);
    word
}

/// Returns the assignments by which make finds the compiler and the linker of the kernel's build.
fn toolchain(kernel: &KernelBuild, like: &Path) -> Result<Vec<String>> {
    let saved = Saved::open(kernel.directory(), like)?;
    let compile = saved.compile().ok_or_else(|| {
        let what = format!("{}: expected the command of a compiler", like.display());
        Error::new(ErrorKind::Malformed, what)
    })?;
    let compiler: Vec<_> = compile
        .words
        .iter()
        .take_while(|word| !word.starts_with('-'))
        .cloned()
        .collect();
    let linker = kernel.link().words.first().cloned().unwrap_or_default();
    Ok(vec![
        format!("LLVM={}", llvm(compiler.last().map_or("", String::as_str))),
        format!("CC={}", compiler.join(" ")),
        format!("LD={linker}"),
    ])
}

/// Returns the value of `LLVM=` for the tools beside a compiler: a directory, a suffix, or 1.
fn llvm(compiler: &str) -> String {
    if let Some((directory, _)) = compiler.rsplit_once('/') {
        return format!("{directory}/");
    }
    match compiler.rfind("clang") {
        Some(at) if !compiler[at + 5..].is_empty() => compiler[at + 5..].to_owned(),
        _ => "1".to_owned(),
    }
}
