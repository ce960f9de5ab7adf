// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Symbols that are told apart by the source file that they are from.

use crate::elf::{Elf, Place, ABSOLUTE};
use crate::kernel::{module, vmlinux, Files, TEXT};
use crate::livepatch::Livepatch;
use crate::shell;
use klp_gen::convert::references::References;
use klp_gen::convert::{convert, Conversion};
use klp_gen::elf::{ElfFile, Place as Found};
use klp_gen::livepatch::{patches, rela_sections, Memory};
use klp_gen::release;
use klp_gen::target::{Target, TargetFiles};
use klp_policy::Policy;
use object::elf::{STB_LOCAL, STT_FILE, STT_FUNC, STV_HIDDEN};
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
    // Behind the symbols of super.c.
    let text = Place::Section(0);
    kernel.symbol("only_here", STB_LOCAL, STT_FUNC, text, TEXT + 0x48, 8);
    let symbol = kernel.symbols.pop().unwrap();
    kernel.symbols.insert(4, symbol);
    // Not exported, and made local by the last link: behind the symbols of super.c, too.
    kernel.symbol("was_global", STB_LOCAL, STT_FUNC, text, TEXT + 0x50, 8);
    let mut symbol = kernel.symbols.pop().unwrap();
    symbol.visibility = STV_HIDDEN;
    kernel.symbols.insert(5, symbol);
    for (file, address) in [("inode.c", 0x20), ("inode.c", 0x30), ("last.c", 0x38)] {
        kernel.symbol(file, STB_LOCAL, STT_FILE, ABSOLUTE, 0, 0);
        let text = Place::Section(0);
        kernel.symbol("worker", STB_LOCAL, STT_FUNC, text, TEXT + address, 8);
    }
    kernel
}

/// A thin archive: headers without the members.
pub fn thin_archive(names: &[&str]) -> Vec<u8> {
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

/// Returns the symbol that a reference becomes, or why it is refused.
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

/// Returns what the name of a function to replace becomes, or why it is refused.
fn replacing(linked: &[&str], name: &str, sympos: u64) -> Result<(String, u64), String> {
    let objects: [(Option<&str>, &[_]); 1] = [(None, &[(name, sympos)])];
    let data = Livepatch::replacing(&objects).build();
    let convert = |t: &Target<'_>| convert("lp.ko", &data, t, Policy::Llvm).unwrap();
    match with_kernel(linked, convert) {
        Conversion::Done(converted) => {
            let elf = ElfFile::parse("out.ko".to_owned(), &converted.bytes[..]).unwrap();
            let rela = rela_sections(&elf).unwrap();
            let patches = patches(&Memory::new(&elf, &rela, release::DEFAULT));
            let function = patches[0].objects[0].functions[0];
            let name = String::from_utf8(function.old_name.unwrap().to_vec());
            Ok((name.unwrap(), function.old_sympos))
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
fn refuses_file_annotations_that_fit_several_files_or_none() {
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
            "expected a name without .llvm.",
        ),
        (
            "wroker,fs/inode.c",
            "has no symbol of that name\n  the name is misspelt, or in a module that is not given (--module), or was inlined everywhere\n  did you mean worker?",
        ),
        (
            "init_once,fs/inode.c",
            "no local symbol of fs/inode.c has that name: it was inlined everywhere, or promoted (a promoted symbol has no file). Choose by .klp.sym.vmlinux.init_once.llvm.*,<position>\n",
        ),
        (
            "only_here,fs/inode.c",
            "no symbol of fs/inode.c has that name: it was inlined everywhere, or is in another file. Symbols of other files\n  1: ",
        ),
        (
            "was_global,fs/super.c",
            "was_global is global, not static: name it without fs/super.c\n  1: ",
        ),
        (
            "_printk,fs/inode.c",
            "_printk is global, not static: name it without fs/inode.c\n  1: ",
        ),
        (
            "promoted,fs/inode.c",
            "no local symbol of fs/inode.c has that name: it was inlined everywhere, or promoted (a promoted symbol has no file). Choose by .klp.sym.vmlinux.promoted.llvm.*,<position>\n  \
             1: ffffffff81000600 promoted.llvm.9a, 128 bytes, of an unknown file, between \
             cmdline_proc_show (fs/super.c) and promoted.llvm.9a.cold (fs/super.c)",
        ),
    ] {
        let problem = reference(LINKED, &format!(".klp.sym.vmlinux.{written}")).unwrap_err();
        assert!(problem.contains(why), "{written}: {problem}");
    }
}

/// Each is another reason, with another cure.
#[test]
fn why_files_are_not_known_is_said() {
    let problem = |linked: &[&str], kernel: Elf, archive: Option<&[u8]>| {
        let files = Files::new();
        let vmlinux = files.write("vmlinux", &kernel.build());
        let mut opened = TargetFiles::open(Some(&vmlinux), &[], None).unwrap();
        if let Some(archive) = archive {
            files.write("vmlinux.a", archive);
        }
        if !linked.is_empty() {
            let archive = files.write("linked", &thin_archive(linked));
            opened = opened.with_link_order(&archive).unwrap();
        }
        let target = Target::load(&opened).unwrap();
        let written = ".klp.sym.vmlinux.worker,fs/inode.c";
        let data = Livepatch::of("cmdline_proc_show").call(written).build();
        match convert("lp.ko", &data, &target, Policy::Llvm).unwrap() {
            Conversion::Refused(problems) => {
                let directory = format!("{}/", files.directory.path().display());
                problems[0].why.replace(&directory, "")
            }
            other => panic!("{other:?}"),
        }
    };
    let without = "vmlinux has the names of source files without directories: give";
    assert_eq!(
        problem(&[], kernel(), None),
        format!(
            "{without} the vmlinux.a in the directory of the same build, with \
             --link-order, or a position"
        )
    );
    assert_eq!(
        problem(&[], kernel(), Some(&thin_archive(LINKED))),
        format!(
            "{without} vmlinux.a, if it is of the same build, with --link-order, or a position"
        )
    );
    assert_eq!(
        problem(&["a/other.o"], kernel(), None),
        "the vmlinux.a of --link-order does not list the files of vmlinux: give the vmlinux.a of the same build, or a position"
    );
    let mut stripped = kernel();
    stripped.symbols.retain(|s| s.kind != STT_FILE);
    assert_eq!(
        problem(LINKED, stripped, None),
        "vmlinux does not name its source files, maybe because it was stripped: give the file that the build left, or a position"
    );
}

/// By file where every one of them can be told so, which is the same in the next build.
#[test]
fn what_is_ambiguous_is_said_by_file_where_that_is_known() {
    let by_position = |name: &str, symbol: &str| match symbol {
        "" => format!("old_name \"{name}\" with an old_sympos"),
        _ => format!(".klp.sym.vmlinux.{name},<position>"),
    };
    for (name, linked, by_file, mixed) in [
        ("init_once", LINKED, true, false),
        // The last file of the link may not be alone.
        ("worker", LINKED, true, true),
        ("init_once", &["fs/proc/cmdline.o"], false, true),
        // Promoted symbols have no file.
        ("init_once.llvm.*", LINKED, true, true),
    ] {
        for symbol in ["", ".klp.sym.vmlinux."] {
            let written = format!("{symbol}{name},0");
            let problem = if symbol.is_empty() {
                replacing(linked, name, 0).unwrap_err()
            } else {
                reference(linked, &written).unwrap_err()
            };
            let cleaned = name.trim_end_matches(".llvm.*");
            let file = match symbol {
                "" => format!("old_name \"{cleaned},<source file>\""),
                _ => format!(".klp.sym.vmlinux.{cleaned},<source file>"),
            };
            let position = by_position(name, symbol);
            let expected = match (by_file, mixed) {
                (true, false) => file,
                (true, true) => format!("{file}, or for those without a file by {position}"),
                (false, _) => position,
            };
            assert!(
                problem.contains(&format!("choose one by {expected}\n  1: ")),
                "{problem}"
            );
        }
    }
    let problem = replacing(LINKED, "init_once", 0).unwrap_err();
    let listed = "1: ffffffff81000100 init_once (net/sock.c)\n  2: ffffffff81000300 init_once \
                  (fs/super.c)";
    assert!(problem.ends_with(listed), "{problem}");
}

/// A position of another build may be another file's symbol.
#[test]
fn the_file_of_each_position_is_said() {
    let files = Files::new();
    files.write("vmlinux", &kernel().build());
    files.write("vmlinux.a", &thin_archive(LINKED));
    let livepatch = Livepatch::replacing(&[(None, &[("init_once", 2), ("promoted", 0)])]);
    let livepatch = livepatch.call(".klp.sym.vmlinux.worker,2");
    files.write("lp.ko", &livepatch.build());
    let run = |script: &str| {
        let (status, text) = shell::run(&files, script);
        assert_eq!(status, Some(0), "{text}");
        text
    };
    let kernel = "--vmlinux vmlinux --link-order vmlinux.a";
    let text = run(&format!("klp-gen convert lp.ko -o out.ko {kernel}"));
    let worker = ".klp.sym.vmlinux.worker,2 = ffffffff81000030 worker (fs/x/inode.c)\n";
    assert!(text.contains(worker), "{text}");
    let function = "init_once,2 -> init_once,2 = ffffffff81000300 init_once (fs/super.c)\n";
    assert!(text.contains(function), "{text}");
    // That make shows, too: it keeps the table for itself.
    for note in [
        "note: lp.ko: .klp.sym.vmlinux.worker,2 = fs/x/inode.c\n",
        "note: lp.ko: init_once,2 = fs/super.c\n",
    ] {
        assert!(text.contains(note), "{text}");
    }
    // It is promoted, and has none.
    let promoted = "promoted,0 -> promoted,0 = ffffffff81000600 promoted.llvm.9a\n";
    assert!(text.contains(promoted), "{text}");
    let text = run(&format!("klp-gen check out.ko {kernel}"));
    let function = "function   init_once,2 = ffffffff81000300 init_once (fs/super.c): ";
    assert!(text.contains(worker) && text.contains(function), "{text}");
    let text = run(&format!("klp-gen resolve init_once,2 worker,3 {kernel}"));
    assert_eq!(
        text,
        "init_once,2: ffffffff81000300 t init_once (2 of 2, fs/super.c)\n\
         worker,3: ffffffff81000038 t worker (3 of 3)\n"
    );
    let text = run(&format!("klp-gen resolve init_once {kernel} || true"));
    let first = "   1: ffffffff81000100 t init_once (net/sock.c)\n";
    assert!(text.contains(first), "{text}");
    // Where nobody tells, nothing is said.
    let text = run("klp-gen resolve init_once,2 --vmlinux vmlinux");
    assert_eq!(text, "init_once,2: ffffffff81000300 t init_once (2 of 2)\n");
    let (file, none) = (r#""file":"fs/super.c""#, r#""file":null"#);
    for command in [
        "convert lp.ko -o out.ko",
        "check out.ko",
        "resolve init_once,2 worker,3",
    ] {
        let text = run(&format!("klp-gen {command} {kernel} --format json"));
        assert!(text.contains(file) && text.contains(none), "{text}");
    }
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
    for (file, sympos) in [("net/sock.c", 1), ("fs/super.c", 2)] {
        let found = replacing(LINKED, &format!("init_once,{file}"), 0);
        assert_eq!(found, Ok(("init_once".to_owned(), sympos)));
    }
    for (name, sympos, why) in [
        ("worker,fs/inodes.c", 0, "no file of vmlinux is called"),
        (
            "worker,fs/inode.c",
            1,
            "expected a source file or an old_sympos, found both",
        ),
        (
            "worker,1",
            0,
            "found '1' (write a position into old_sympos)",
        ),
    ] {
        let problem = replacing(LINKED, name, sympos).unwrap_err();
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
