// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Functions that the optimiser gave other arguments than they have in the source.

use super::small_kernel::SmallKernel;
use crate::livepatch::Livepatch;
use crate::shell::klp_gen;
use klp_gen::build::cache::Cache;
use klp_gen::build::calls::{CallComparison, Calls, ChangedCall, Function};
use klp_gen::elf::ElfInput;
use std::fs;

/// Statics with an argument or a result that nobody uses, and with nothing of the kind; a static whose address is taken;
/// and a module with the first of these.
const SOURCES: &[(&str, &str, &str)] = &[
    (
        "net/proc.c",
        "",
        "
__attribute__((noinline)) static void unused(void *seq, long none, long *item) { *item += (long)seq; }
__attribute__((noinline)) static int result(long *item, long add) { *item += add; return add != 0; }
__attribute__((noinline)) static long same(long *item, long add) { *item += add; return *item; }
__attribute__((noinline)) static long promoted(long none, long *item) { return *item * 9 + *item / 7 % 11; }
__attribute__((noinline)) long global(long *item, long none) { return *item * 5; }
long small(long *item) { return promoted(*item, item); }
__attribute__((noinline)) static long taken(long *item, long none) { return *item * 3; }
long (*const pointer)(long *, long) = taken;
long show(void *seq, long *item, long add)
{
	unused(seq, add, item);
	result(item, add);
	return same(item, add) + taken(item, add) + global(item, add) + promoted(add, item);
}
",
    ),
    ("net/core.c", "", "long show(void *, long *, long); long small(long *); long start(long *item) { return show(item, item, 4) + small(item); }"),
    (
        "drivers/one.c",
        "drivers/one",
        "
__attribute__((noinline)) static void unused(void *seq, long none, long *item) { *item += (long)seq; }
void probe(void *seq, long *item, long add) { unused(seq, add, item); unused(item, add, item); }
",
    ),
];

/// The kernel image, and its file.
const VMLINUX: (&str, &str) = ("vmlinux", "build/vmlinux");

/// Compares functions of an object, by their names.
fn compared(
    kernel: &SmallKernel,
    (object, file): (&str, &str),
    names: &[&str],
    is_replaced: bool,
) -> Vec<String> {
    let input = ElfInput::open(&kernel.path(file)).unwrap();
    let elf = input.parse().unwrap();
    let functions = names.iter().map(|name| Function {
        object,
        name: name.as_bytes(),
        address: elf
            .symbols()
            .find(|s| s.name == name.as_bytes())
            .unwrap()
            .value,
        is_replaced,
    });
    let functions: Vec<_> = functions.collect();
    let build = kernel.open();
    let cache = Cache::open(&kernel.path("cache")).unwrap();
    let calls = Calls::new(&build, &cache, 2).unwrap();
    let results = calls.compare(&functions).unwrap().results;
    let shown = results.into_iter().map(|result| match result {
        CallComparison::Same => "same".to_owned(),
        CallComparison::NotKnown => "not known".to_owned(),
        CallComparison::Changed(ChangedCall::Signature { source, code }) => {
            format!("{source} -> {code}")
        }
        CallComparison::Changed(ChangedCall::Unread { arguments }) => {
            format!("unread {arguments:?}")
        }
    });
    shown.collect()
}

#[test]
fn arguments_and_results_that_the_optimiser_removed() {
    let kernel = SmallKernel::new(SOURCES);
    let before = kernel.files();
    let names = ["unused", "result", "taken", "same", "show"];
    let expected = [
        "void (ptr, i64, ptr) -> void (ptr, ptr)",
        "i32 (ptr, i64) -> void (ptr, i64)",
        // Whoever calls by the address passes all arguments.
        "unread [2]",
        "same",
        // Not static: LLVM may not change it.
        "not known",
    ];
    assert_eq!(compared(&kernel, VMLINUX, &names, false), expected);
    // Again, from the cache; and nothing was written beside the kernel's files.
    assert_eq!(compared(&kernel, VMLINUX, &names, false), expected);
    assert_eq!(kernel.files(), before);
    assert_eq!(fs::read_dir(kernel.path("cache/calls")).unwrap().count(), 1);
}

#[test]
fn a_function_that_was_promoted_afterwards_is_compared_by_its_name_in_the_source() {
    let kernel = SmallKernel::new(SOURCES);
    let input = ElfInput::open(&kernel.path("build/vmlinux")).unwrap();
    let elf = input.parse().unwrap();
    let mut symbols = elf.symbols();
    let promoted = symbols.find(|s| s.name.starts_with(b"promoted.llvm."));
    let promoted = std::str::from_utf8(promoted.unwrap().name).unwrap();
    assert_eq!(
        compared(&kernel, VMLINUX, &[promoted], false),
        ["i64 (i64, ptr) -> i64 (ptr)"]
    );
}

#[test]
fn callers_pass_nothing_to_a_function_for_other_files_that_does_not_read_it() {
    let kernel = SmallKernel::new(SOURCES);
    assert_eq!(
        compared(&kernel, VMLINUX, &["global"], true),
        ["unread [2]"]
    );
    // Whoever only calls it passes all arguments.
    assert_eq!(
        compared(&kernel, VMLINUX, &["global"], false),
        ["not known"]
    );
}

#[test]
fn a_module_of_one_file_is_compared_by_its_bitcode_before_the_link() {
    let kernel = SmallKernel::new(SOURCES);
    let module = kernel.path("build/drivers/one");
    fs::copy(module.with_extension("o"), module.with_extension("ko")).unwrap();
    assert_eq!(
        compared(&kernel, ("one", "build/drivers/one.ko"), &["unused"], false),
        ["void (ptr, i64, ptr) -> void (ptr, ptr)"]
    );
}

#[test]
fn another_source_than_that_of_the_kernel_is_no_base_of_a_comparison() {
    let kernel = SmallKernel::new(SOURCES);
    let text = fs::read_to_string(kernel.path("source/net/proc.c")).unwrap();
    kernel.write("source/net/proc.c", &text.replace("* 3", "* 11"));
    let build = kernel.open();
    let cache = Cache::open(&kernel.path("cache")).unwrap();
    let calls = Calls::new(&build, &cache, 2).unwrap();
    let input = ElfInput::open(&kernel.path("build/vmlinux")).unwrap();
    let elf = input.parse().unwrap();
    let function = Function {
        object: "vmlinux",
        name: b"unused",
        address: elf.symbols().find(|s| s.name == b"unused").unwrap().value,
        is_replaced: false,
    };
    let compared = calls.compare(&[function]).unwrap();
    assert_eq!(compared.refusals[0].subject, "net/proc.o");
    assert_eq!(compared.results, [CallComparison::NotKnown]);
}

/// Returns the exit status and stderr of a command, in the directory of a kernel.
fn run(kernel: &SmallKernel, arguments: &str) -> (Option<i32>, String) {
    let mut command = klp_gen();
    command.current_dir(kernel.directory.path());
    command.env("XDG_CACHE_HOME", kernel.path("xdg"));
    let output = command.args(arguments.split(' ')).output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn calls_from_the_declaration_are_refused() {
    let kernel = SmallKernel::new(SOURCES);
    let write = |name: &str, livepatch: &Livepatch| {
        fs::write(kernel.path(name), livepatch.build()).unwrap();
    };
    write("wrong.ko", &Livepatch::empty().call("unused"));
    write("right.ko", &Livepatch::empty().call("same"));
    write(
        "built.ko",
        &Livepatch::empty().call("unused").with_modinfo(&[
            "license=GPL",
            "livepatch=Y",
            "klp_gen=build",
        ]),
    );
    kernel.write(
        "exports",
        "0x00000000\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n",
    );
    let vmlinux = "--vmlinux build/vmlinux --symvers exports";
    let what = "reference unused: unused: the source has void (ptr, i64, ptr), the kernel's code void (ptr, ptr)";

    let (status, stderr) = run(&kernel, &format!("convert wrong.ko -o out.ko {vmlinux}"));
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains(what), "{stderr}");
    assert!(!kernel.path("out.ko").exists());
    let (status, stderr) = run(
        &kernel,
        &format!("symvers wrong.ko -o out.symvers {vmlinux}"),
    );
    assert_eq!(status, Some(1), "{stderr}");
    assert!(!kernel.path("out.symvers").exists());

    for arguments in ["right.ko", "built.ko", "wrong.ko --allow-call unused"] {
        let (status, stderr) = run(&kernel, &format!("convert {arguments} -o out.ko {vmlinux}"));
        assert_eq!(status, Some(0), "{arguments}: {stderr}");
        assert!(!stderr.contains("void (ptr"), "{arguments}: {stderr}");
    }
    // Without a home directory there is no cache, but a comparison.
    let mut command = klp_gen();
    command
        .current_dir(kernel.directory.path())
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME");
    let output = command
        .args(format!("convert wrong.ko -o none.ko {vmlinux}").split(' '))
        .output();
    assert_eq!(output.unwrap().status.code(), Some(1));

    // The kernel takes the livepatch; whether the author declared the function as in the code, nobody can see.
    let (_, stderr) = run(&kernel, &format!("check out.ko {vmlinux}"));
    assert!(
        stderr.contains("the kernel's code void (ptr, ptr)"),
        "{stderr}"
    );
}
