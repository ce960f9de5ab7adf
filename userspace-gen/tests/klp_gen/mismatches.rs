// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files of two builds: every command that is given them says so.

use crate::kernel::{module, Files};
use crate::livepatch::Livepatch;
use crate::shell;

/// A module of another kernel, and the text of a kernel that is not that of vmlinux.
fn files() -> Files {
    let files = Files::new();
    let mut other = module();
    other.sections[0].data = b"name=net_mod\0vermagic=6.11.0 SMP mod_unload \0".to_vec();
    files.write("net-mod.ko", &other.build());
    files.write(
        "kallsyms",
        b"ffffffff91000000 T _text\nffffffff91000800 t promoted\n",
    );
    for (name, called) in [("good.ko", "promoted"), ("bad.ko", "nosuch")] {
        files.write(name, &Livepatch::of("twin").call(called).build());
    }
    files
}

#[test]
fn every_command_warns() {
    let files = files();
    for (command, status) in [
        ("resolve net_mod:handle", 0),
        ("resolve net_mod:handle --format json", 0),
        ("resolve nosuch", 1),
        ("symbols", 0),
        ("explain net_mod:handle", 0),
        ("symvers good.ko -o out.symvers", 0),
        ("symvers bad.ko -o out.symvers", 1),
        ("convert good.ko -o out.ko", 0),
        ("convert bad.ko -o out.ko", 1),
        ("check good.ko", 1),
    ] {
        let targets = "--vmlinux vmlinux --module net-mod.ko";
        let (found, text) = shell::run(&files, &format!("klp-gen {command} {targets} 2>&1"));
        assert_eq!(found, Some(status), "{command}: {text}");
        let expected =
            "klp-gen: warning: target net-mod.ko: is for '6.11.0 SMP mod_unload ', while \
                        vmlinux is for '6.12.1 SMP mod_unload '\n";
        assert_eq!(text.matches(expected).count(), 1, "{command}: {text}");
        let (_, quiet) = shell::run(&files, &format!("klp-gen {command} {targets} --quiet 2>&1"));
        assert!(!quiet.contains("warning"), "{command}: {quiet}");
    }
}

#[test]
fn a_vmlinux_that_does_not_run_is_named() {
    let files = files();
    for command in [
        "resolve promoted",
        "symbols",
        "explain promoted",
        "symvers good.ko -o out.symvers",
        "convert bad.ko -o out.ko",
    ] {
        let targets = "--vmlinux vmlinux --kallsyms kallsyms";
        let (_, text) = shell::run(&files, &format!("klp-gen {command} {targets} 2>&1"));
        let expected =
            "klp-gen: warning: target kallsyms: is of another kernel than vmlinux, which has";
        assert_eq!(text.matches(expected).count(), 1, "{command}: {text}");
    }
}

#[test]
fn files_of_one_build_go_without_saying() {
    let files = Files::new();
    let script = "klp-gen symbols --vmlinux vmlinux --module net-mod.ko > /dev/null";
    assert_eq!(shell::run(&files, script), (Some(0), String::new()));
}
