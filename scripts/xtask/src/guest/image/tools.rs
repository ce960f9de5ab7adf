// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The programs of the guest: copies of the host's, and busybox for everything else.
//!
//! The kernel's livepatch selftests compare what the real tools print, so these come first; busybox's
//! `insmod` moreover tries every module twice, which logs each refusal twice.

use super::rootfs::RootFs;
use crate::host::{libraries, run};
use anyhow::{Context, Result};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Dynamically linked programs that are copied from the host, with the package that has them.
const PROGRAMS: [(&str, &[&str]); 8] = [
    ("bash", &["bash"]),
    (
        "coreutils",
        &[
            "[",
            "basename",
            "cat",
            "chmod",
            "comm",
            "cp",
            "cut",
            "date",
            "dd",
            "dirname",
            "echo",
            "env",
            "expr",
            "false",
            "head",
            "id",
            "ln",
            "ls",
            "mkdir",
            "mktemp",
            "mv",
            "nproc",
            "od",
            "paste",
            "printf",
            "readlink",
            "realpath",
            "rm",
            "rmdir",
            "seq",
            "sha256sum",
            "sleep",
            "sort",
            "stat",
            "stty",
            "sync",
            "tail",
            "tee",
            "test",
            "timeout",
            "touch",
            "tr",
            "true",
            "uname",
            "uniq",
            "wc",
        ],
    ),
    ("procps", &["kill", "ps", "sysctl"]),
    (
        "kmod",
        &["depmod", "insmod", "lsmod", "modinfo", "modprobe", "rmmod"],
    ),
    ("util-linux", &["dmesg", "taskset"]),
    ("mawk", &["awk"]),
    ("grep, sed and diffutils", &["cmp", "diff", "grep", "sed"]),
    ("libc-bin", &["getconf"]),
];

/// The directories in which the host's programs are looked up, in front of `PATH`: root's are not always in it.
const PROGRAM_DIRECTORIES: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The statically linked shell and tools.
const BUSYBOX: &str = "busybox";

/// Adds the programs with their libraries to the image.
///
/// # Errors
///
/// Fails if a program is missing on the host.
pub fn add(root: &mut RootFs) -> Result<()> {
    let mut programs = Vec::new();
    for (package, names) in PROGRAMS {
        for name in names {
            let path = find(name).with_context(|| {
                format!("the host has no `{name}` to copy into the guest (package {package})")
            })?;
            root.add_host_file(&path, &format!("usr/bin/{name}"))?;
            programs.push(path);
        }
    }
    for library in libraries::of(&programs)? {
        root.add_host_file(&library, &library.to_string_lossy())?;
    }
    // The kernel calls it by this path.
    root.add_symlink("usr/sbin/modprobe", "../bin/modprobe");
    root.add_symlink("usr/bin/sh", BUSYBOX);
    add_busybox(root)
}

fn add_busybox(root: &mut RootFs) -> Result<()> {
    let busybox = find(BUSYBOX).context("the host has no busybox (package busybox-static)")?;
    let applets = run::captured(Command::new(&busybox).arg("--list"))?;
    root.add_host_file(&busybox, &format!("usr/bin/{BUSYBOX}"))?;
    for applet in applets.lines() {
        let path = format!("usr/bin/{applet}");
        if !root.contains(&path) {
            root.add_symlink(&path, BUSYBOX);
        }
    }
    Ok(())
}

fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    PROGRAM_DIRECTORIES
        .iter()
        .map(PathBuf::from)
        .chain(env::split_paths(&path))
        .map(|dir| dir.join(name))
        .find(|candidate| Path::is_file(candidate))
}
