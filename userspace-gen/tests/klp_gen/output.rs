// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Outputs that cannot be written, or not to the end: what was there before stays whole.

use crate::kernel::Files;
use crate::livepatch::Livepatch;
use crate::shell::command;
use nix::sys::signal::{kill, Signal};
use nix::unistd::{Pid, Uid};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const KLP_GEN: &str = env!("CARGO_BIN_EXE_klp-gen");
const CONVERT: &str = "convert good.ko -o out.ko --vmlinux vmlinux";

/// A kernel, a livepatch that takes a while to write, and an old output.
fn files(bytes: usize) -> Files {
    let files = Files::new();
    let mut livepatch = Livepatch::of("promoted").call("promoted");
    let none = object::elf::SectionFlags(0);
    livepatch.elf.section(".comment", none, &vec![b'x'; bytes]);
    files.write("good.ko", &livepatch.build());
    files.write("out.ko", b"old");
    files
}

/// The names of what is left of temporary files.
fn left(files: &Files) -> Vec<String> {
    let entries = fs::read_dir(files.directory.path()).unwrap();
    let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".klp-gen-")).collect()
}

fn shell(files: &Files, script: &str) -> Output {
    let mut shell = command("sh");
    shell.current_dir(files.directory.path());
    shell.args(["-c", script]).output().unwrap()
}

/// Runs a script whose mounts end with it. In a chroot root may not become root of a new user namespace.
fn in_namespace(files: &Files, script: &str) -> Output {
    let unshare = if Uid::effective().is_root() {
        "unshare --mount"
    } else {
        "unshare --map-root-user --mount"
    };
    let mut shell = command("sh");
    shell.current_dir(files.directory.path());
    let line = format!("exec {unshare} sh -c \"$0\"");
    shell.args(["-c", &line, script]).output().unwrap()
}

/// The run failed, said so, and changed nothing.
fn expect_old(files: &Files, output: &Output, expected: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(expected), "{stderr}");
    assert!(!stderr.contains(".klp-gen-"), "{stderr}");
    assert_eq!(fs::read(files.path("out.ko")).unwrap(), b"old");
    assert_eq!(left(files), [""; 0]);
}

#[test]
fn a_file_that_may_not_be_so_long() {
    let files = files(100_000);
    let output = shell(&files, &format!("ulimit -f 8; exec {KLP_GEN} {CONVERT}"));
    expect_old(&files, &output, "cannot write out.ko: file too large");
}

#[test]
fn a_disk_that_is_full() {
    let files = files(100_000);
    // A file system of 16 KiB over the directory, in a namespace that ends with the shell.
    let script = format!(
        "mount -t tmpfs -o size=16k tmpfs full && printf old >full/out.ko &&
         {KLP_GEN} convert good.ko -o full/out.ko --vmlinux vmlinux; status=$?
         cat full/out.ko; ls -A full; exit $status"
    );
    fs::create_dir(files.path("full")).unwrap();
    let output = in_namespace(&files, &script);
    expect_old(&files, &output, "cannot write full/out.ko: No space left");
    assert_eq!(output.stdout, b"oldout.ko\n");
}

#[test]
fn a_directory_that_cannot_be_written_to() {
    let files = files(0);
    fs::create_dir(files.path("only")).unwrap();
    files.write("only/out.ko", b"old");
    // For root a mode forbids nothing, a mount does.
    let script = format!(
        "mount --bind only only && mount -o remount,bind,ro only &&
         exec {KLP_GEN} convert good.ko -o only/out.ko --vmlinux vmlinux"
    );
    let output = in_namespace(&files, &script);
    expect_old(&files, &output, "cannot write only/out.ko: read-only");
    assert_eq!(fs::read(files.path("only/out.ko")).unwrap(), b"old");
}

#[test]
fn a_mode_is_kept() {
    let files = files(0);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    fs::set_permissions(files.path("out.ko"), Permissions::from_mode(0o600)).unwrap();
    let output = shell(&files, &format!("umask 022; exec {KLP_GEN} {CONVERT}"));
    assert!(output.status.success());
    assert_eq!(mode(files.path("out.ko")), 0o600);
    let new = CONVERT.replace("out.ko", "new.ko");
    let output = shell(&files, &format!("umask 027; exec {KLP_GEN} {new}"));
    assert!(output.status.success());
    assert_eq!(mode(files.path("new.ko")), 0o640);
}

#[test]
fn stdout_has_the_report() {
    let files = files(0);
    let output = shell(
        &files,
        &format!("{KLP_GEN} {}", CONVERT.replace("out.ko", "-")),
    );
    expect_old(&files, &output, "cannot write to stdout");
    assert!(!files.path("-").exists());
}

#[test]
fn an_interrupted_run_leaves_the_old_output_or_the_new() {
    let files = files(20_000_000);
    let run = || -> Child {
        let mut command = command(KLP_GEN);
        command.current_dir(files.directory.path());
        command.args(CONVERT.split(' ')).stdout(Stdio::null());
        command.spawn().unwrap()
    };
    let start = Instant::now();
    assert!(run().wait().unwrap().success());
    let mut whole = start.elapsed();
    let new = fs::read(files.path("out.ko")).unwrap();
    assert!(new.len() > 20_000_000);
    let mut interrupted = 0;
    for step in 0..20 {
        for signal in [
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGKILL,
        ] {
            files.write("out.ko", b"old");
            let mut child = run();
            sleep(whole * step / 20 + Duration::from_micros(u64::from(step) * 7));
            let pid = Pid::from_raw(child.id().try_into().unwrap());
            // It may have ended, but nobody has waited for it: the number is still its own.
            kill(pid, signal).unwrap();
            let status = child.wait().unwrap();
            if status.code().is_none() {
                interrupted += 1;
            } else {
                // It was done before: the first run was slower than this one, on a busy machine.
                whole = whole * 9 / 10;
            }
            let found = fs::read(files.path("out.ko")).unwrap();
            assert!(found == b"old" || found == new, "neither old nor new");
            if signal == Signal::SIGKILL {
                for name in left(&files) {
                    fs::remove_file(files.path(&name)).unwrap();
                }
            }
            assert_eq!(left(&files), [""; 0], "after {signal} at {step}/20");
        }
    }
    assert!(
        interrupted >= 10,
        "only {interrupted} of 80 were interrupted"
    );
}
