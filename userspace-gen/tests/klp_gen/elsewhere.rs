// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Names that no given file has, and the directory in which the kernel was built has.

use crate::by_file::thin_archive;
use crate::elf::{Elf, Place};
use crate::kernel::{module, vmlinux, Files};
use crate::livepatch::Livepatch;
use crate::shell;
use klp_gen::convert::{convert, Conversion};
use klp_gen::target::{Target, TargetFiles};
use klp_policy::Policy;
use object::elf::{self, STB_LOCAL, STT_FUNC};
use std::fs;

const SOURCE: &str = "
static int gone_function(int a,
			 int b)
{
	return called(a) + b;
}
";

/// A build directory that links to the tree of its source.
fn build() -> Files {
    let files = Files::new();
    for directory in ["source/fs", "source/include/linux", "drivers/net"] {
        fs::create_dir_all(files.path(directory)).unwrap();
    }
    files.write("vmlinux.a", &thin_archive(&["fs/inode.o", "fs/made.o"]));
    files.write("source/fs/inode.c", SOURCE.as_bytes());
    let inline = b"static inline void in_a_header(void)\n{\n}\n";
    files.write("source/include/linux/a.h", inline);
    files.write("modules.order", b"net-mod.o\ndrivers/net/other-mod.o\n");
    let mut other = module();
    other.symbol(
        "of_another.llvm.7",
        STB_LOCAL,
        STT_FUNC,
        Place::Section(2),
        0x1c0,
        8,
    );
    files.write("drivers/net/other-mod.ko", &other.build());
    let symvers = b"0x0\tlisted_export\tdrivers/net/third\tEXPORT_SYMBOL\t\n";
    files.write("Module.symvers", symvers);
    files
}

/// Returns what is said of a name, without the directory.
fn said(files: &Files, livepatch: &Livepatch) -> String {
    let modules = [files.path("net-mod.ko")];
    let opened = TargetFiles::open(Some(&files.path("vmlinux")), &modules, None).unwrap();
    let target = Target::load(&opened).unwrap();
    match convert("lp.ko", &livepatch.build(), &target, Policy::Llvm).unwrap() {
        Conversion::Refused(problems) => {
            let directory = format!("{}/", files.directory.path().display());
            problems[0].to_string().replace(&directory, "")
        }
        other => panic!("{other:?}"),
    }
}

fn function(name: &str) -> Livepatch {
    Livepatch::of(name)
}

fn reference(name: &str) -> Livepatch {
    Livepatch::of("cmdline_proc_show").call(name)
}

const NO_SYMBOL: &str = "vmlinux has no symbol of that name";
const NO_EXPORT: &str =
    "undefined symbol: not exported, and not found in vmlinux or the given modules";

#[test]
fn a_function_that_only_the_source_has_was_inlined() {
    let files = build();
    let defines = "fs/inode.c defines it, so it was inlined everywhere or not compiled";
    assert_eq!(
        said(&files, &function("gone_function")),
        format!("gone_function: {NO_SYMBOL}\n  {defines}: replace the functions that call it")
    );
    for written in ["gone_function", ".klp.sym.vmlinux.gone_function,0"] {
        let why = if written.starts_with('.') {
            NO_SYMBOL
        } else {
            NO_EXPORT
        };
        assert_eq!(
            said(&files, &reference(written)),
            format!("{written}: {why}\n  {defines}: copy it into the livepatch")
        );
    }
    assert_eq!(
        said(&files, &reference("in_a_header")),
        format!(
            "in_a_header: {NO_EXPORT}\n  include/linux/a.h defines it, so it was inlined everywhere or not compiled: include that header"
        )
    );
    // It is only called there: somebody wrote another name than was meant.
    assert_eq!(
        said(&files, &function("called")),
        format!("called: {NO_SYMBOL}")
    );
    assert_eq!(
        said(&files, &function("promotde")),
        format!("promotde: {NO_SYMBOL}\n  did you mean promoted?")
    );
}

#[test]
fn a_build_in_the_tree_of_its_source_is_searched_too() {
    let files = build();
    fs::rename(files.path("source/fs"), files.path("fs")).unwrap();
    fs::remove_dir_all(files.path("source")).unwrap();
    let said = said(&files, &function("gone_function"));
    assert!(said.contains("\n  fs/inode.c defines it"), "{said}");
}

#[test]
fn a_module_that_is_not_given_is_named() {
    let files = build();
    let other = "other_mod has it, but is not given: add --module drivers/net/other-mod.ko";
    for livepatch in [
        function("of_another"),
        reference("of_another"),
        reference(".klp.sym.vmlinux.of_another,0"),
    ] {
        let said = said(&files, &livepatch);
        assert!(
            said.ends_with(&format!("name\n  {other}"))
                || said.ends_with(&format!("modules\n  {other}")),
            "{said}"
        );
    }
    // Either may be meant.
    files.write(
        "source/fs/inode.c",
        SOURCE.replace("gone_function", "of_another").as_bytes(),
    );
    let defines = "fs/inode.c defines it, so it was inlined everywhere or not compiled";
    assert_eq!(
        said(&files, &function("of_another")),
        format!(
            "of_another: {NO_SYMBOL}\n  {defines}: replace the functions that call it\n  {other}"
        )
    );
    assert_eq!(
        said(&files, &reference("listed_export")),
        format!(
            "listed_export: {NO_EXPORT}\n  Module.symvers lists it as an export of third: add --symvers Module.symvers"
        )
    );
}

/// An object that a livepatch patches or refers to.
#[test]
fn an_object_that_is_not_given_is_named_with_its_file() {
    let files = build();
    files.write("modules.builtin", b"kernel/fs/inside.ko\n");
    let absent = |object: &str| {
        let cure = match object {
            "other_mod" => ": give it with --module drivers/net/other-mod.ko",
            "inside" => {
                ", but part of vmlinux in this build: remove .name, and write vmlinux in \
                 KLP_SYMPOS() and KLP_SYMFILE()"
            }
            _ => ": give it with --module",
        };
        format!("{object} is not among the targets{cure}")
    };
    for object in ["other_mod", "inside", "nowhere"] {
        let written = format!(".klp.sym.{object}.foo,1");
        assert_eq!(
            said(&files, &reference(&written)),
            format!("{written}: {}", absent(object))
        );
        let by_file = Livepatch::replacing(&[(Some(object), &[("foo,foo.c", 0)])]);
        assert_eq!(
            said(&files, &by_file),
            format!("foo,foo.c: {}", absent(object))
        );
        let by_name = Livepatch::replacing(&[(Some(object), &[("foo", 0)])]);
        files.write("lp.ko", &by_name.build());
        for command in ["convert lp.ko -o out.ko", "check lp.ko"] {
            let script = format!("klp-gen {command} --vmlinux vmlinux");
            let (_, text) = shell::run(&files, &script);
            assert!(text.contains(&absent(object)), "{text}");
        }
        let query = format!("klp-gen resolve {object}:foo --vmlinux vmlinux");
        let (status, text) = shell::run(&files, &query);
        assert!(
            status == Some(1) && text.contains(&absent(object)),
            "{text}"
        );
    }
    files.write("few.kallsyms", b"ffffffffc0000000 t foo\t[some]\n");
    let (_, text) = shell::run(&files, "klp-gen resolve foo --kallsyms few.kallsyms");
    let vmlinux = "vmlinux is not among the targets: give it with --vmlinux";
    assert!(text.contains(vmlinux), "{text}");
}

/// Without the directory of a build, each reason is possible.
#[test]
fn names_reasons_before_similar_names() {
    let unknown =
        "the name is misspelt, or in a module that is not given (--module), or was inlined everywhere";
    let files = Files::new();
    assert_eq!(
        said(&files, &function("promotde")),
        format!("promotde: {NO_SYMBOL}\n  {unknown}\n  did you mean promoted?")
    );
    assert_eq!(
        said(&files, &reference("nosuch")),
        format!("nosuch: {NO_EXPORT}\n  {unknown}")
    );
}

#[test]
fn debug_information_has_the_names_of_what_was_inlined() {
    let files = Files::new();
    let with_strings = |strings: &[u8], flags| {
        let mut kernel: Elf = vmlinux();
        kernel.section(".debug_str", flags, strings);
        files.write("vmlinux", &kernel.build());
        said(&files, &function("gone_function"))
    };
    let known = "the debug information of vmlinux has the name: if it is a function, it was inlined everywhere";
    for strings in [&b"gone_function\0"[..], b"a\0gone_function\0b\0"] {
        let said = with_strings(strings, elf::SectionFlags(0));
        assert!(said.ends_with(known), "{said}");
    }
    for (strings, flags) in [
        (
            &b"a\0my_gone_function\0gone_function_2\0"[..],
            elf::SectionFlags(0),
        ),
        (b"a\0gone_function\0", elf::SHF_COMPRESSED),
    ] {
        let said = with_strings(strings, flags);
        assert!(!said.contains(known), "{said}");
    }
}
