// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Holds kbuild to when it compiles Rust with debug information.
//!
//! BTF that is made of it is refused by the kernel. pahole from 1.28 on leaves Rust out; before, where LTO
//! makes it merge all compile units, there must be nothing to leave out.

use crate::host::run;
use crate::kernel::Kernel;
use crate::report::tally::Tally;
use anyhow::{Context, Result};
use std::fs;

/// Values of `DEBUG_INFO_BTF`, `LTO` and `PAHOLE_VERSION`, and the level of debug information of Rust.
const CASES: [(&str, &str, &str, &str); 6] = [
    ("y", "y", "124", "0"),
    ("y", "y", "127", "0"),
    ("y", "y", "128", "2"),
    ("y", "y", "130", "2"),
    ("y", "", "124", "2"),
    ("", "y", "0", "2"),
];

/// Includes what the kernel's Makefile includes, and prints what comes of it.
const MAKEFILE: &str = "comma := ,\n\
                        include scripts/Kbuild.include\n\
                        include scripts/Makefile.debug\n\
                        all: ; @echo $(filter -Cdebuginfo=%,$(DEBUG_RUSTFLAGS))\n";

/// Asks the kernel's makefiles about each case.
///
/// # Errors
///
/// Fails if make does.
pub fn check(kernel: &Kernel, tally: &mut Tally) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let makefile = dir.path().join("Makefile");
    fs::write(&makefile, MAKEFILE)
        .with_context(|| format!("cannot write {}", makefile.display()))?;
    for (btf, lto, pahole, level) in CASES {
        let mut make = kernel.tool("make");
        make.arg("-C")
            .arg(&kernel.source)
            .args(["--no-print-directory", "--silent", "-f"])
            .arg(&makefile)
            .arg(format!("srctree={}", kernel.source.display()))
            .arg("CONFIG_DEBUG_INFO_DWARF5=y")
            .arg(format!("CONFIG_DEBUG_INFO_BTF={btf}"))
            .arg(format!("CONFIG_LTO={lto}"))
            .arg(format!("CONFIG_PAHOLE_VERSION={pahole}"));
        let flags = run::captured(&mut make)?;
        if flags.trim() == format!("-Cdebuginfo={level}") {
            tally.pass();
        } else {
            let name = format!("debug information of Rust: BTF={btf} LTO={lto} pahole {pahole}");
            tally.fail(name, format!("expected level {level}, found {flags:?}"));
        }
    }
    Ok(())
}
