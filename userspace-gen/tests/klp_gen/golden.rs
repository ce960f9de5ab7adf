// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The output of the command, compared with files in tests/golden.
//!
//! Each file holds the command line, stdout, stderr and the exit status of one run; `KLP_BLESS=1`
//! writes them anew.

use crate::elf::{Elf, UNDEFINED};
use crate::kernel::Files;
use crate::livepatch::Livepatch;
use crate::shell::klp_gen;
use object::elf;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// Runs: the name of the file, and the arguments. The files of a run are in its directory.
const RUNS: &[(&str, &str)] = &[
    ("vmlinux.symbols", "symbols --vmlinux vmlinux"),
    ("vmlinux.symbols.json", "symbols --vmlinux vmlinux --format json"),
    ("vmlinux.symbols.dot-cut", "symbols --vmlinux vmlinux --policy dot-cut"),
    ("net-mod.symbols", "symbols --kallsyms empty.kallsyms --module net-mod.ko"),
    ("net-mod.symbols.dot-cut", "symbols --kallsyms empty.kallsyms --module net-mod.ko --policy dot-cut"),
    ("vmlinux.resolve", "resolve --vmlinux vmlinux init_once init_once,2 init_once.llvm.*,4 promoted nosuch init_once,3"),
    ("vmlinux.resolve.json", "resolve --vmlinux vmlinux --format json init_once promoted nosuch init_once,3"),
    ("vmlinux.resolve.exact", "resolve --vmlinux vmlinux --policy exact promoted twin promoted.llvm.9a"),
    ("net-mod.resolve", "resolve --vmlinux vmlinux --module net-mod.ko net_mod:handle net_mod:state net-mod:handle"),
    ("net-mod.resolve.llvm-cut", "resolve --vmlinux vmlinux --module net-mod.ko --policy llvm-cut net_mod:state net_mod:state.llvm.42"),
    ("tracer.resolve", "resolve --tracer --vmlinux vmlinux --module net-mod.ko promoted.llvm.dead state vmlinux:state init_once net_mod:handle nosuch"),
    ("tracer-position.resolve", "resolve --tracer --vmlinux vmlinux init_once,2"),
    ("another-build.resolve", "resolve --vmlinux vmlinux promoted.llvm.dead init_once.llvm.77,2 nosuch.llvm.1"),
    ("another-build.check", "check another-build.ko --vmlinux vmlinux"),
    ("another-build.convert", "convert another-build-reference.ko -o never.ko --vmlinux vmlinux"),
    ("bad-query.resolve", "resolve --vmlinux vmlinux init_once,x"),
    ("good.convert", "convert good.ko -o out.ko --vmlinux vmlinux --module net-mod.ko"),
    ("good.convert.exact", "convert good.ko -o exact.ko --vmlinux vmlinux --module net-mod.ko --policy exact"),
    ("good.check", "check out.ko --vmlinux vmlinux --module net-mod.ko"),
    ("good.check.json", "check out.ko --vmlinux vmlinux --module net-mod.ko --format json"),
    ("good.check.exact", "check out.ko --vmlinux vmlinux --module net-mod.ko --policy exact"),
    ("good.check.no-module", "check out.ko --vmlinux vmlinux"),
    ("unconverted.check", "check good.ko --vmlinux vmlinux --module net-mod.ko"),
    ("bad.convert", "convert bad.ko -o never.ko --vmlinux vmlinux"),
    ("untraceable.convert", "convert untraceable.ko -o never.ko --vmlinux vmlinux"),
    ("untraceable.convert.json", "convert untraceable.ko -o never.ko --vmlinux vmlinux --format json"),
    ("other-build.convert", "convert other-build.ko -o never.ko --vmlinux vmlinux"),
    ("weak.convert", "convert weak.ko -o weak-out.ko --vmlinux vmlinux"),
    ("weak.check", "check weak.ko --vmlinux vmlinux"),
    ("other-module.convert", "convert other-module.ko -o never.ko --vmlinux vmlinux --symvers Module.symvers"),
    ("other-module.check", "check other-module.ko --vmlinux vmlinux --symvers Module.symvers"),
    ("not-elf.check", "check empty.kallsyms --vmlinux vmlinux"),
    ("no-file.check", "check absent.ko --vmlinux vmlinux"),
    ("missing.kallsyms", "symbols --kallsyms absent"),
    ("directory.check", "check . --vmlinux vmlinux"),
    ("directory.symbols", "symbols --vmlinux ."),
    ("gzip.check", "check livepatch.ko.gz --vmlinux vmlinux"),
    ("xz.module", "symbols --vmlinux vmlinux --module net-mod.ko.xz"),
    ("zstd.module", "symbols --vmlinux vmlinux --module net-mod.ko.zst"),
    ("bzimage.symbols", "symbols --vmlinux bzImage"),
    ("stripped.symbols", "symbols --vmlinux stripped"),
    ("32-bit.check", "check 32-bit.ko --vmlinux vmlinux"),
    ("arm64.check", "check arm64.ko --vmlinux vmlinux"),
    ("hidden.kallsyms", "resolve init_once --kallsyms hidden.kallsyms"),
    ("text.vmlinux", "symbols --vmlinux empty.kallsyms"),
    ("elf.kallsyms", "symbols --kallsyms vmlinux"),
    ("module.vmlinux", "symbols --vmlinux net-mod.ko"),
    ("vmlinux.module", "symbols --vmlinux vmlinux --module vmlinux"),
    ("no-target.symbols", "symbols --module net-mod.ko"),
    ("no-policy.symbols", "symbols --vmlinux vmlinux --policy dots"),
    ("no-output.convert", "convert good.ko -o absent/out.ko --vmlinux vmlinux --module net-mod.ko"),
    ("bad-symbol.explain", "explain .klp.sym.vmlinux.init_once"),
    ("vmlinux.explain", "explain --vmlinux vmlinux init_once.llvm.1111 net_mod:state"),
    ("vmlinux.explain.json", "explain --vmlinux vmlinux .klp.sym.vmlinux.init_once.llvm.*,2 .klp.rela.net_mod.text --format json"),
    ("twice.symbols", "symbols --vmlinux vmlinux --module net-mod.ko --module net-mod.ko"),
];

#[test]
fn command_line() {
    let files = Files::new();
    let objects: [(Option<&str>, &[_]); 2] = [
        (None, &[("promoted", 0), ("twin", 0)]),
        (Some("net_mod"), &[("handle", 0)]),
    ];
    let good = Livepatch::replacing(&objects)
        .call("promoted")
        .call("_printk")
        .call(".klp.sym.vmlinux.init_once.llvm.*,3")
        .read("state");
    files.write("good.ko", &good.build());
    let bad = Livepatch::of("cmdline_proc_show")
        .call("init_once")
        .call("nosuch")
        .call(".klp.sym.vmlinux.init_once,9");
    files.write("bad.ko", &bad.build());
    let other = Livepatch::replacing(&[(None, &[("promoted.llvm.dead", 0)])]);
    files.write("another-build.ko", &other.build());
    let other = other.call(".klp.sym.vmlinux.init_once.llvm.77,2");
    files.write("another-build-reference.ko", &other.build());
    let untraceable = Livepatch::replacing(&[(None, &[("noinstr_function", 0), ("promoted", 0)])]);
    files.write("untraceable.ko", &untraceable.call("table").build());
    let mut weak = Livepatch::of("cmdline_proc_show");
    for name in ["promoted", "nosuch"] {
        let kind = elf::STT_NOTYPE;
        let symbol = weak.elf.symbol(name, elf::STB_WEAK, kind, UNDEFINED, 0, 0);
        weak.refer(symbol);
    }
    files.write("weak.ko", &weak.build());
    let mut other_build = Livepatch::of("nosuch");
    other_build.set_modinfo(&["license=GPL", "name=lp", "vermagic=6.11.0 SMP "]);
    files.write("other-build.ko", &other_build.build());
    let other_module = Livepatch::of("cmdline_proc_show").call("ext_fn");
    files.write("other-module.ko", &other_module.build());
    files.write(
        "Module.symvers",
        b"0x0\text_fn\tdrivers/ext\tEXPORT_SYMBOL_GPL\t\n",
    );
    files.write("empty.kallsyms", b"ffffffff81000000 T _text\n");
    write_wrong_files(&files);

    let bless = env::var_os("KLP_BLESS").is_some();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut failed = Vec::new();
    for (name, arguments) in RUNS {
        let output = klp_gen()
            .current_dir(files.directory.path())
            .args(arguments.split(' '))
            .output()
            .unwrap();
        let mut text = format!("$ klp-gen {arguments}\n");
        text += &String::from_utf8(output.stdout).unwrap();
        for line in String::from_utf8(output.stderr).unwrap().lines() {
            writeln!(text, "stderr: {line}").unwrap();
        }
        writeln!(text, "exit status {}", output.status.code().unwrap()).unwrap();
        let path = golden.join(name);
        if bless {
            fs::write(&path, &text).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != text {
            failed.push(format!("{name}: found\n{text}"));
        }
    }
    assert!(
        failed.is_empty(),
        "KLP_BLESS=1 writes anew\n{}",
        failed.join("\n")
    );
    assert!(!files.path("never.ko").exists());

    let listed: BTreeSet<_> = fs::read_dir(golden)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected: BTreeSet<_> = RUNS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed, expected);
}

/// Files that people give by mistake.
fn write_wrong_files(files: &Files) {
    files.write("livepatch.ko.gz", b"\x1f\x8b\x08\x00\x00");
    files.write("net-mod.ko.xz", b"\xfd7zXZ\x00");
    files.write("net-mod.ko.zst", b"\x28\xb5\x2f\xfd\x04");
    let mut image = vec![0x90; 0x400];
    image[0x202..0x206].copy_from_slice(b"HdrS");
    files.write("bzImage", &image);
    let mut stripped = Elf::new(elf::ET_EXEC);
    stripped.section(".text", elf::SHF_ALLOC, &[0; 16]);
    files.write("stripped", &stripped.build());
    let good = fs::read(files.path("good.ko")).unwrap();
    let changed = |at: usize, byte| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    // `e_ident[EI_CLASS]` and `e_machine`.
    files.write("32-bit.ko", &changed(4, 1));
    files.write("arm64.ko", &changed(18, 183));
    files.write("hidden.kallsyms", b"0000000000000000 T _text\n");
}
