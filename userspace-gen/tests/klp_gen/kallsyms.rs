// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The text of `/proc/kallsyms`: what it lists that no lookup sees, and forms in which people have it.

use crate::kernel::{vmlinux, Files};
use crate::livepatch::Livepatch;
use crate::shell;
use klp_gen::kallsyms::text;
use object::elf;

/// A kernel with two modules; both have `after` and `risen` in their init section as well.
const KERNEL: &str = "\
0000000000000000 A fixed_percpu
ffffffffbc800000 T _text
ffffffffbc800000 T _stext
ffffffffbc800100 t handle
ffffffffbc900000 D jiffies
";
const SECTIONS: &str = "\
ffffffffc03e50c0 t after\t[klp_sections]
ffffffffc03e50e0 t before\t[klp_sections]
ffffffffc03eb2ec r orc_header\t[klp_sections]
ffffffffc03e5000 t risen.llvm.5\t[klp_sections]
ffffffffc03e9140 d __this_module\t[klp_sections]
ffffffffc03e9100 d __stop_alloc_tags\t[klp_sections]
";
const NET: &str = "\
ffffffffc0400040 t setup\t[net_mod]
ffffffffc0402000 r __ksymtab_net_export\t[net_mod]
ffffffffc0402010 r __ksymtab_gpl_export\t[net_mod]
ffffffffc0403000 d __this_module\t[net_mod]
ffffffffc0400100 t gpl_export\t[net_mod]
ffffffffc0404000 D net_table\t[net_mod]
ffffffffc0401180 T net_export\t[net_mod]
";
/// The init functions that ftrace remembers; the first of a module comes twice.
const FREED_SECTIONS: &str = "\
ffffffffc03ed0c0 T call_init_after\t[klp_sections]
ffffffffc03ed0c0 T call_init_after\t[klp_sections]
ffffffffc03ed130 T risen\t[klp_sections]
ffffffffc03ed110 T after\t[klp_sections]
ffffffffc03ed050 T init_module\t[klp_sections]
";
const FREED_NET: &str = "\
ffffffffc0409010 T setup\t[net_mod]
ffffffffc0409010 T setup\t[net_mod]
ffffffffc0409080 T gpl_export\t[net_mod]
ffffffffc0409100 T net_export\t[net_mod]
";
const GENERATED: &str = "\
ffffffffc03e7000 t ftrace_trampoline\t[__builtin__ftrace]
ffffffffc0007000 t bpf_prog_6deef7357e7b4530_handle\t[bpf]
ffffffffc0009000 t kprobe_insn_page\t[__builtin__kprobes]
";

/// The module symbols of a text, one on each line.
fn modules(text: &str) -> String {
    let kernel = text::read("kallsyms", text.as_bytes()).unwrap();
    let modules = kernel.modules.iter().flat_map(|(name, symbols)| {
        let entries = symbols.entries().iter();
        entries.map(move |e| {
            let letter = char::from(e.letter);
            format!("{:016x} {letter} {}\t[{name}]\n", e.address, e.name)
        })
    });
    modules.collect()
}

#[test]
fn functions_that_modules_have_freed_are_left_out() {
    for (own, freed) in [
        // A module of which nothing was freed is behind it.
        ([SECTIONS, NET], FREED_SECTIONS.to_owned()),
        // None is: its last symbol and its first freed function follow one another.
        ([NET, SECTIONS], FREED_SECTIONS.to_owned()),
        (["", SECTIONS], FREED_SECTIONS.to_owned()),
        // The last module exports its last symbol, and one of the freed functions has its name.
        ([SECTIONS, NET], FREED_NET.to_owned()),
        (["", NET], FREED_NET.to_owned()),
        // Several modules have freed some, in the order in which they came or another.
        ([SECTIONS, NET], [FREED_SECTIONS, FREED_NET].concat()),
        ([SECTIONS, NET], [FREED_NET, FREED_SECTIONS].concat()),
        // None has.
        ([SECTIONS, NET], String::new()),
    ] {
        let own = own.concat();
        let text = [KERNEL, &own, &freed, GENERATED].concat();
        assert_eq!(modules(&text), own, "{text}");
    }
}

#[test]
fn exports_of_a_module_without_an_export_table_in_the_text_stay() {
    let mut own = NET.replace("ffffffffc0401180", "ffffffffc0400180");
    own = own
        .split_inclusive('\n')
        .filter(|line| !line.contains("__ksymtab_"))
        .collect();
    assert_eq!(modules(&[KERNEL, &own].concat()), own);
}

#[test]
fn a_single_export_of_a_module_stays() {
    // grep -w net_export /proc/kallsyms
    let line = "ffffffffc0401180 T net_export\t[net_mod]\n";
    assert_eq!(modules(line), line);
}

#[test]
fn every_command_goes_by_the_table_that_the_kernel_has() {
    let files = Files::new();
    let text = [KERNEL, NET, SECTIONS, FREED_SECTIONS, GENERATED].concat();
    files.write("kallsyms", text.as_bytes());
    let object = Some("klp_sections");
    let good = Livepatch::replacing(&[(object, &[("after", 0), ("risen", 0)])]);
    files.write("good.ko", &good.build());
    let calls = Livepatch::replacing(&[(object, &[("after", 0)])]).call("call_init_after");
    files.write("calls.ko", &calls.build());
    let script = "\
klp-gen resolve klp_sections:after klp_sections:risen klp_sections:call_init_after --kallsyms kallsyms
klp-gen resolve bpf:bpf_prog_6deef7357e7b4530_handle --kallsyms kallsyms
klp-gen symbols --kallsyms kallsyms | grep -c -e init_module -e bpf_prog -e trampoline
klp-gen check good.ko --kallsyms kallsyms -q | grep -e after -e risen | cut -d, -f1
klp-gen convert calls.ko -o out.ko --kallsyms kallsyms 2>&1 | grep -c call_init_after; ls out.ko 2>&1";
    let (_, text) = shell::run(&files, script);
    assert_eq!(
        text,
        "\
klp_sections:after: ffffffffc03e50c0 t after (1 of 1)
klp_sections:risen: ffffffffc03e5000 t risen.llvm.5 (1 of 1)
klp_sections:call_init_after: not-found: no symbol matches
klp-gen: query 'bpf:bpf_prog_6deef7357e7b4530_handle': bpf is not among the targets: kallsyms lists code under this name that was made at run time, which no lookup finds
bpf:bpf_prog_6deef7357e7b4530_handle: not-found: no object bpf
0
unchecked function   after
unchecked function   risen
1
ls: cannot access 'out.ko': No such file or directory
"
    );
}

#[test]
fn weak_symbols_that_a_livepatch_does_not_define_are_left_out() {
    // What 6.12 lists of a livepatch: `elf_type()` has the same letter for defined and undefined weak
    // symbols.
    let defined = "\
ffffffffc0500000 w own_weak\t[livepatch]
ffffffffc0501000 v own_object\t[livepatch]
";
    let undefined = "\
0000000000000000 w nobody_exports_it\t[livepatch]
0000000000000000 v nor_that\t[livepatch]
ffffffffbc800100 w handle\t[livepatch]
ffffffffc0401180 w net_export\t[livepatch]
ffffffffbc900000 v jiffies\t[livepatch]
0000000000000000 U strong\t[livepatch]
";
    let own = [NET, defined].concat();
    for modules_of in [
        [NET, defined, undefined],
        [NET, undefined, defined],
        // The livepatch may have been loaded first.
        [undefined, defined, NET],
    ] {
        let found = modules(&[KERNEL, &modules_of.concat()].concat());
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(sorted(&found), sorted(&own));
    }
    // A module may have a symbol of its own where another has a weak one of that name.
    let twin = "ffffffffc0600000 w own_weak\t[other]\n";
    let both = [defined, twin].concat();
    assert_eq!(modules(&[KERNEL, &both].concat()), both);

    let files = Files::new();
    let text = [KERNEL, NET, defined, undefined].concat();
    files.write("kallsyms", text.as_bytes());
    let script = "\
klp-gen resolve --tracer handle net_export --kallsyms kallsyms
klp-gen resolve livepatch:nobody_exports_it livepatch:own_weak --kallsyms kallsyms";
    let (_, text) = shell::run(&files, script);
    assert_eq!(
        text,
        "\
handle: ffffffffbc800100 t handle (1 of 1)
net_export: ffffffffc0401180 T net_export [net_mod] (1 of 1)
livepatch:nobody_exports_it: not-found: no symbol matches
livepatch:own_weak: ffffffffc0500000 w own_weak (1 of 1)
"
    );
}

#[test]
fn spaces_may_stand_for_the_tab() {
    let text = [KERNEL, SECTIONS, NET].concat();
    let own = [SECTIONS, NET].concat();
    for blanks in [" ", "  ", "      ", " \t"] {
        assert_eq!(modules(&text.replace('\t', blanks)), own, "{blanks:?}");
    }
    let indented = format!("    {}", text.replace('\n', "  \r\n    "));
    let indented = indented.trim_end_matches(' ');
    assert_eq!(modules(indented), own);
}

#[test]
fn what_no_kernel_prints_is_refused_with_its_line() {
    let kernel = |parts: &[&str]| [&[KERNEL], parts].concat().concat();
    let order = "line 7: expected symbols in the kernel's order, found ";
    let after = "ffffffffc03e50c0 t after\t[klp_sections]\n";
    let setup = "ffffffffc0400040 t setup\t[net_mod]\n";
    let freed = "ffffffffc03ed110 T after\t[klp_sections]\n";
    let bpf = "ffffffffc0007000 t bpf_prog_1\t[bpf]\n";
    for (text, expected) in [
        (
            kernel(&[after, "ffffffffbca00000 t late\n"]),
            format!("{order}a symbol of vmlinux behind those of [klp_sections] (give an unsorted, "),
        ),
        (
            kernel(&[bpf, "ffffffffbca00000 t late\n"]),
            format!("{order}a symbol of vmlinux behind those of [bpf]"),
        ),
        (
            kernel(&[bpf, setup]),
            format!("{order}a symbol of [net_mod] behind those of [bpf]"),
        ),
        (
            kernel(&["ffffffffbca00000 t a\n", "ffffffffbc9fffff t b\n"]),
            format!("{order}address ffffffffbc9fffff behind ffffffffbca00000"),
        ),
        (
            kernel(&[after, setup, after]),
            "line 8: expected symbols in the kernel's order, found the symbols of \
             [klp_sections] in several places"
                .to_owned(),
        ),
        (
            kernel(&[after, setup, freed, setup]),
            "line 9: expected symbols in the kernel's order, found the symbols of \
             [net_mod] in several places"
                .to_owned(),
        ),
        (
            kernel(&[after, setup, freed, "ffffffffc0500000 T x\t[third]\n"]),
            "found the symbols of [klp_sections] in several places".to_owned(),
        ),
        (
            kernel(&[after, setup, freed, &setup.replace('t', "T"), freed]),
            "several places".to_owned(),
        ),
        (
            kernel(&["ffffffffbca00000 t late\n", "bca00000 t later\n"]),
            "line 7: expected an address of 16 digits as in the lines before, found one of 8".to_owned(),
        ),
        (
            kernel(&["ffffffffbca00000 t of the kernel\n"]),
            "line 6: expected '<address> <letter> <name>[\\t[<module>]]', found 'ffffffffbca00000 t of the \
             kernel' (give a copy of /proc/kallsyms as the kernel prints it)"
                .to_owned(),
        ),
        (
            kernel(&["ffffffffc0400040 t setup\t[vmlinux]\n"]),
            "line 6: expected a module name of 1 to 55 bytes without a dot, found 'vmlinux'".to_owned(),
        ),
        (
            "# cat /proc/kallsyms\n".to_owned() + KERNEL,
            "line 1: expected '<address>".to_owned(),
        ),
        (
            kernel(&["ffffffffc0400040 t setup[net_mod]\n"]),
            "line 6: expected '<address>".to_owned(),
        ),
    ] {
        match text::read("kallsyms", text.as_bytes()) {
            Ok(_) => assert_eq!("taken", expected, "{text}"),
            Err(error) => assert!(error.to_string().contains(&expected), "{error}\n{expected}\n{text}"),
        }
    }
    // Absolute symbols do not move with the image.
    let absolute = kernel(&["ffffffffbca00000 t a\n", "0000000000001000 A b\n", after]);
    assert!(text::read("kallsyms", absolute.as_bytes()).is_ok());
}

#[test]
fn a_part_of_a_text_is_called_one() {
    let files = Files::new();
    let said = |text: &str| {
        files.write("kallsyms", text.as_bytes());
        shell::run(&files, "klp-gen resolve handle --kallsyms kallsyms").1
    };
    let part = "kallsyms: is only a part of /proc/kallsyms, without _text and _stext";
    let lines: Vec<&str> = KERNEL.lines().collect();
    assert!(!said(KERNEL).contains(part));
    assert!(said(&(lines[3..].join("\n") + "\n")).contains(part));
    assert!(said(SECTIONS).contains(part));
}

/// System.map is in the order of `nm -n`.
#[test]
fn system_map_is_told_from_another_kernel() {
    let files = Files::new();
    let mut kernel = vmlinux();
    let mut symbols = kernel.symbols.iter();
    let at = symbols.find(|s| s.name == "promoted.llvm.9a").unwrap();
    let (kind, place, value) = (at.kind, at.place, at.value);
    kernel.symbol(
        "__at_the_same_place",
        elf::STB_GLOBAL,
        kind,
        place,
        value,
        0,
    );
    files.write("vmlinux", &kernel.build());
    let said = |order: &str| {
        let script = format!(
            "klp-gen symbols --vmlinux vmlinux | tr -d '()' | awk '{{ print $1, $2, $NF }}' | {order} > text;
             klp-gen resolve handle --kallsyms text --vmlinux vmlinux"
        );
        shell::run(&files, &script).1
    };
    let (same, sorted) = (said("cat"), said("sort"));
    assert!(!same.contains("target text"), "{same}");
    assert!(
        sorted.contains("text: has the functions of vmlinux in another order than /proc/kallsyms"),
        "{sorted}"
    );
}
