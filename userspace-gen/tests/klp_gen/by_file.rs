// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Symbols that are told apart by the source file that they are from.

use crate::elf::{Elf, Place, ABSOLUTE};
use crate::kernel::{module, vmlinux, Files, TEXT};
use crate::livepatch::Livepatch;
use klp_gen::convert::references::References;
use klp_gen::convert::{convert, Conversion};
use klp_gen::elf::{ElfFile, Place as Found};
use klp_gen::livepatch::{rela_sections, structs, Memory};
use klp_gen::target::{Target, TargetFiles};
use klp_policy::Policy;
use object::elf::{STB_LOCAL, STT_FILE, STT_FUNC};
use std::fmt::Write as _;

/// The link order of [`kernel`].
const LINKED: &[&str] = &[
    "net/sock.o",
    "fs/super.o",
    "fs/proc/cmdline.o",
    "fs/inode.o",
    "fs/x/inode.o",
    "kernel/last.o",
];

/// Three functions called worker, of two files of one name and of the last file of the link.
fn kernel() -> Elf {
    let mut kernel = vmlinux();
    // The second init_once that was not promoted is of another file than the first.
    for (at, file) in [(2, "super.c"), (0, "sock.c")] {
        kernel.symbol(file, STB_LOCAL, STT_FILE, ABSOLUTE, 0, 0);
        let file = kernel.symbols.pop().unwrap();
        kernel.symbols.insert(at, file);
    }
    for (file, address) in [("inode.c", 0x20), ("inode.c", 0x30), ("last.c", 0x38)] {
        kernel.symbol(file, STB_LOCAL, STT_FILE, ABSOLUTE, 0, 0);
        let text = Place::Section(0);
        kernel.symbol("worker", STB_LOCAL, STT_FUNC, text, TEXT + address, 8);
    }
    kernel
}

/// A thin archive: headers without the members.
fn thin_archive(names: &[&str]) -> Vec<u8> {
    let mut table = String::new();
    let mut headers = String::new();
    for name in names {
        writeln!(headers, "{:<48}{:<10}`", format!("/{}", table.len()), 0).unwrap();
        writeln!(table, "{name}/").unwrap();
    }
    if table.len() % 2 != 0 {
        table.push('\n');
    }
    format!(
        "!<thin>\n{:<48}{:<10}`\n{table}{headers}",
        "//",
        table.len()
    )
    .into_bytes()
}

fn with_kernel<T>(linked: &[&str], f: impl FnOnce(&Target<'_>) -> T) -> T {
    let files = Files::new();
    let vmlinux = files.write("vmlinux", &kernel().build());
    let mut net = module();
    net.symbol("net_main.c", STB_LOCAL, STT_FILE, ABSOLUTE, 0, 0);
    for offset in [0x1a0, 0x1b0] {
        net.symbol("poll", STB_LOCAL, STT_FUNC, Place::Section(2), offset, 8);
        net.symbol("net_other.c", STB_LOCAL, STT_FILE, ABSOLUTE, 0, 0);
    }
    let net = files.write("net-mod.ko", &net.build());
    let mut opened = TargetFiles::open(Some(&vmlinux), &[net], None).unwrap();
    if !linked.is_empty() {
        let archive = files.write("vmlinux.a", &thin_archive(linked));
        opened = opened.with_link_order(&archive).unwrap();
    }
    f(&Target::load(&opened).unwrap())
}

/// What a reference becomes, or why it is refused.
fn reference(linked: &[&str], written: &str) -> Result<String, String> {
    let objects: [(Option<&str>, &[_]); 2] = [
        (None, &[("cmdline_proc_show", 0)]),
        (Some("net_mod"), &[("handle", 0)]),
    ];
    let data = Livepatch::replacing(&objects).call(written).build();
    let answer = with_kernel(linked, |t| convert("lp.ko", &data, t, Policy::Llvm));
    match answer.unwrap() {
        Conversion::Done(converted) => {
            let elf = ElfFile::parse("out.ko".to_owned(), &converted.bytes[..]).unwrap();
            let symbol = elf.symbols().find(|s| s.place == Found::Livepatch).unwrap();
            Ok(String::from_utf8(symbol.name.to_vec()).unwrap())
        }
        Conversion::Refused(problems) => Err(problems[0].to_string()),
        Conversion::Rejected(report) => panic!("{report:?}"),
    }
}

#[test]
fn a_file_says_which_position_is_meant() {
    for (written, converted) in [
        (
            ".klp.sym.vmlinux.worker,fs/inode.c",
            ".klp.sym.vmlinux.worker,1",
        ),
        (
            ".klp.sym.vmlinux.worker,fs/x/inode.c",
            ".klp.sym.vmlinux.worker,2",
        ),
        (
            ".klp.sym.vmlinux.worker,x/inode.c",
            ".klp.sym.vmlinux.worker,2",
        ),
        (
            ".klp.sym.net_mod.poll,drivers/net/net_main.c",
            ".klp.sym.net_mod.poll,1",
        ),
        (
            ".klp.sym.net_mod.poll,net_other.c",
            ".klp.sym.net_mod.poll,2",
        ),
    ] {
        let symbol = reference(LINKED, written);
        // The second net_other.c has no symbols, but it is not known which of both is meant.
        if written.contains("net_other") {
            let problem = symbol.unwrap_err();
            assert!(
                problem.contains("2 files of net_mod are called net_other.c"),
                "{problem}"
            );
        } else {
            assert_eq!(symbol.as_deref(), Ok(converted), "{written}");
        }
    }
}

#[test]
fn what_is_not_certain_is_refused() {
    for (written, why) in [
        (
            "worker,inode.c",
            "2 files of vmlinux are called inode.c\n  fs/inode.c\n  fs/x/inode.c",
        ),
        (
            "worker,fs/inodes.c",
            "no file of vmlinux is called fs/inodes.c\n  did you mean fs/inode.c?",
        ),
        ("worker,kernel/last.c", "may be from another file"),
        (
            "worker.llvm.*,fs/inode.c",
            "expected its name without .llvm.",
        ),
        (
            "wroker,fs/inode.c",
            "has no symbol of that name\n  did you mean worker?",
        ),
        (
            "promoted,fs/inode.c",
            "no local symbol of fs/inode.c has that name: it was inlined everywhere, or promoted, \
             which loses the file. Choose by .klp.sym.vmlinux.promoted.llvm.*,<position>\n  \
             1: ffffffff81000600 promoted.llvm.9a, 128 bytes, of a file that is not known, between \
             cmdline_proc_show (fs/super.c) and promoted.llvm.9a.cold (fs/super.c)",
        ),
    ] {
        let problem = reference(LINKED, &format!(".klp.sym.vmlinux.{written}")).unwrap_err();
        assert!(problem.contains(why), "{written}: {problem}");
    }
    let problem = reference(&[], ".klp.sym.vmlinux.worker,fs/inode.c").unwrap_err();
    assert!(
        problem.contains("give the vmlinux.a of the same build with --link-order"),
        "{problem}"
    );
}

/// Assembler has no `STT_FILE` symbol: what it defines is behind that of the object before it.
#[test]
fn a_file_that_assembler_follows_is_not_certain() {
    let linked = [
        "fs/proc/cmdline.o",
        "fs/inode.o",
        "arch/entry.o",
        "fs/x/inode.o",
        "kernel/last.o",
    ];
    let problem = reference(&linked, ".klp.sym.vmlinux.worker,fs/inode.c").unwrap_err();
    assert!(problem.contains("may be from another file"), "{problem}");
    let symbol = reference(&linked, ".klp.sym.vmlinux.worker,fs/x/inode.c");
    assert_eq!(symbol.as_deref(), Ok(".klp.sym.vmlinux.worker,2"));
}

#[test]
fn a_link_order_that_does_not_fit_says_nothing() {
    let linked = ["fs/inode.o", "fs/proc/cmdline.o", "kernel/last.o"];
    let problem = reference(&linked, ".klp.sym.vmlinux.worker,fs/inode.c").unwrap_err();
    assert!(problem.contains("may be from another file"), "{problem}");
}

#[test]
fn functions_to_replace_are_named_by_file_too() {
    let replacing = |name: &str, sympos| {
        let objects: [(Option<&str>, &[_]); 1] = [(None, &[(name, sympos)])];
        let data = Livepatch::replacing(&objects).build();
        let convert = |t: &Target<'_>| convert("lp.ko", &data, t, Policy::Llvm).unwrap();
        match with_kernel(LINKED, convert) {
            Conversion::Done(converted) => {
                let elf = ElfFile::parse("out.ko".to_owned(), &converted.bytes[..]).unwrap();
                let rela = rela_sections(&elf).unwrap();
                let patches = structs::patches(&Memory::new(&elf, &rela));
                let function = patches[0].objects[0].functions[0];
                let name = String::from_utf8(function.old_name.unwrap().to_vec());
                Ok((name.unwrap(), function.old_sympos))
            }
            Conversion::Refused(problems) => Err(problems[0].to_string()),
            Conversion::Rejected(report) => panic!("{report:?}"),
        }
    };
    for (file, sympos) in [("net/sock.c", 1), ("fs/super.c", 2)] {
        let found = replacing(&format!("init_once,{file}"), 0);
        assert_eq!(found, Ok(("init_once".to_owned(), sympos)));
    }
    for (name, sympos, why) in [
        ("worker,fs/inodes.c", 0, "no file of vmlinux is called"),
        (
            "worker,fs/inode.c",
            1,
            "expected a source file or an old_sympos, found both",
        ),
        ("worker,1", 0, "found '1'; positions go into old_sympos"),
    ] {
        let problem = replacing(name, sympos).unwrap_err();
        assert!(problem.contains(why), "{name}: {problem}");
    }
}

#[test]
fn modpost_is_told_what_will_be_resolved() {
    let livepatch = Livepatch::of("cmdline_proc_show")
        .call("promoted")
        .call("_printk")
        .call(".klp.sym.vmlinux.worker,fs/inode.c")
        .call("__this_module");
    let bad = Livepatch::of("cmdline_proc_show").call("nosuch");
    with_kernel(LINKED, |target| {
        let mut references = References::default();
        let mut add = |livepatch: &Livepatch| {
            let data = livepatch.build();
            references.add("lp.o", &data, target, Policy::Llvm).unwrap()
        };
        assert_eq!(add(&livepatch), []);
        assert_eq!(add(&bad).len(), 1);
        assert_eq!(
            String::from_utf8(references.to_symvers()).unwrap(),
            "0x00000000\tklp.sym.vmlinux.worker,fs/inode.c\tvmlinux\tEXPORT_SYMBOL\t\n\
             0x00000000\tpromoted\tvmlinux\tEXPORT_SYMBOL\t\n"
        );
    });
}
