// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The packages of the distribution that a build and a boot need.

use super::run;
use crate::report::progress;
use anyhow::{bail, Result};
use std::path::Path;
use std::process::Command;

/// A package of Debian's, and a file whose presence shows that it is installed.
pub type Package<'p> = (&'p str, &'p str);

const PACKAGES: [Package; 25] = [
    // building the kernel
    ("bc", "/usr/bin/bc"),
    ("bison", "/usr/bin/bison"),
    ("clang-22", "/usr/bin/clang-22"),
    ("flex", "/usr/bin/flex"),
    ("libc6-dev", "/usr/include/stdio.h"),
    ("libclang-22-dev", "/usr/lib/llvm-22/lib/libclang.so"),
    ("libelf-dev", "/usr/include/gelf.h"),
    ("libssl-dev", "/usr/include/openssl/ssl.h"),
    ("lld-22", "/usr/bin/ld.lld-22"),
    ("llvm-22", "/usr/bin/llvm-nm-22"),
    ("make", "/usr/bin/make"),
    ("python3", PYTHON),
    // naming symbols of a livepatch as klp-gen would not
    ("binutils", "/usr/bin/objcopy"),
    // the guest
    ("bash", "/bin/bash"),
    ("busybox-static", "/bin/busybox"),
    ("coreutils", "/usr/bin/stat"),
    ("diffutils", "/usr/bin/diff"),
    ("grep", "/bin/grep"),
    ("kmod", "/sbin/depmod"),
    ("mawk", "/usr/bin/mawk"),
    ("procps", "/sbin/sysctl"),
    ("qemu-system-x86", "/usr/bin/qemu-system-x86_64"),
    ("sed", "/bin/sed"),
    ("util-linux", "/bin/dmesg"),
    // applying patches
    ("git", "/usr/bin/git"),
];

/// The package of checkpatch: Perl with all of its modules. Without them `/usr/bin/perl` is there, too.
pub const PERL: Package = ("perl", "/usr/bin/corelist");

/// The package that brings a linker which the distribution does not have.
pub const PIP: Package = ("python3-pip", "/usr/bin/pip3");

/// The distribution's Python.
pub const PYTHON: &str = "/usr/bin/python3";

/// Installs what every build and boot needs, and `further`, if something is missing and that is possible.
///
/// # Errors
///
/// Fails with the one command to run if something is missing and cannot be installed from here.
pub fn ensure<'p>(further: impl Iterator<Item = Package<'p>>, logs: &Path) -> Result<()> {
    install(PACKAGES.into_iter().chain(further), logs)
}

/// Installs those of the packages whose files are missing.
///
/// # Errors
///
/// Fails as [`ensure()`] does.
pub fn install<'p>(packages: impl IntoIterator<Item = Package<'p>>, logs: &Path) -> Result<()> {
    let packages: Vec<_> = packages.into_iter().collect();
    let missing = missing(&packages);
    if missing.is_empty() {
        return Ok(());
    }
    let mut install = Command::new("apt-get");
    install
        .args(["install", "--yes", "--no-install-recommends"])
        .args(&missing);
    if !(is_root() && Path::new("/usr/bin/apt-get").exists()) {
        bail!(
            "packages are missing; as root, run\n    {}",
            run::shell_line(&install)
        );
    }
    progress::note(&format!("installing {}", missing.join(" ")));
    let mut update = Command::new("apt-get");
    run::logged(
        "read the packages",
        update.arg("update"),
        &logs.join("apt-update.log"),
    )?;
    install.env("DEBIAN_FRONTEND", "noninteractive");
    run::logged(
        "install the packages",
        &mut install,
        &logs.join("apt-install.log"),
    )?;
    let missing = self::missing(&packages);
    if !missing.is_empty() {
        bail!(
            "still missing after their installation: {}",
            missing.join(" ")
        );
    }
    Ok(())
}

fn missing<'p>(packages: &[Package<'p>]) -> Vec<&'p str> {
    packages
        .iter()
        .filter(|(_, file)| !Path::new(file).exists())
        .map(|(package, _)| *package)
        .collect()
}

fn is_root() -> bool {
    run::captured(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
