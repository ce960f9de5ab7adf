// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen resolve --format name`: stdout has nothing but names, each of which is one symbol's.

use crate::elf::Place;
use crate::kernel::{self, Files};
use crate::shell::{output, run};
use object::elf::{STB_LOCAL, STT_FUNC};

/// The exit status of a command line, what is on stdout, and what is on stderr.
fn resolve(files: &Files, arguments: &str) -> (Option<i32>, String, String) {
    let output = output(files, &format!("klp-gen resolve --format name {arguments}"));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn stdout_has_the_full_names_and_nothing_else() {
    let files = Files::new();
    let kernel = "--vmlinux vmlinux --module net-mod.ko";
    for (arguments, expected) in [
        ("promoted", "promoted.llvm.9a\n"),
        ("promoted.llvm.9a", "promoted.llvm.9a\n"),
        ("'promoted.llvm.*'", "promoted.llvm.9a\n"),
        ("cmdline_proc_show", "cmdline_proc_show\n"),
        // Positions say which, and this one has a name of its own.
        ("'init_once.llvm.*,2'", "init_once.llvm.2222\n"),
        // A module's name is not part of a symbol's.
        ("net_mod:state", "state.llvm.42\n"),
        ("--tracer net_mod:state", "state.llvm.42\n"),
        ("--tracer state", "state.llvm.42\n"),
        // A tracer's name of another build.
        ("--tracer promoted.llvm.dead", "promoted.llvm.9a\n"),
        // Data of the name does not matter to who traces functions.
        (
            "--tracer --functions mixed promoted",
            "mixed\npromoted.llvm.9a\n",
        ),
        // The order is that of the queries.
        (
            "table promoted net_mod:handle table",
            "table\npromoted.llvm.9a\nhandle\ntable\n",
        ),
        // What is asked for is printed, and never coloured.
        ("--quiet promoted", "promoted.llvm.9a\n"),
        ("--color always promoted", "promoted.llvm.9a\n"),
    ] {
        let (status, names, said) = resolve(&files, &format!("{arguments} {kernel}"));
        assert_eq!(names, expected, "{arguments}: {said}");
        assert_eq!((status, said.as_str()), (Some(0), ""), "{arguments}");
    }
    let (status, names, said) = resolve(&files, &format!("--verbose promoted {kernel}"));
    assert_eq!((status, names.as_str()), (Some(0), "promoted.llvm.9a\n"));
    assert!(said.contains("symbols from vmlinux"), "{said}");
}

#[test]
fn a_name_that_means_no_symbol_is_no_line_of_stdout() {
    let files = Files::new();
    let kernel = "--vmlinux vmlinux --module net-mod.ko";
    for (arguments, expected) in [
        (
            "init_once",
            "klp-gen: query 'init_once': ambiguous: 2 symbols match, give a position\n     \
             1: ffffffff81000100 t init_once\n     2: ffffffff81000300 t init_once\n",
        ),
        (
            "--tracer init_once",
            "klp-gen: query 'init_once': ambiguous: 2 symbols match, a tracer can only choose by module\n     \
             1: ffffffff81000100 t init_once\n     2: ffffffff81000300 t init_once\n",
        ),
        (
            "promoted.llvm.dead",
            "klp-gen: query 'promoted.llvm.dead': not-found: the hash is of another build; this build has\n     \
             1: ffffffff81000600 T promoted.llvm.9a\n",
        ),
        (
            "--tracer mixed",
            "klp-gen: query 'mixed': ambiguous: 2 symbols match, a tracer can only choose by module\n     \
             1: ffffffff81000f80 t mixed\n     2: ffffffff82000080 d mixed\n",
        ),
        (
            "--tracer --functions table",
            "klp-gen: query 'table': not-found: no symbol matches\n",
        ),
        (
            "nosuch",
            "klp-gen: query 'nosuch': not-found: no symbol matches\n",
        ),
        (
            "table,2",
            "klp-gen: query 'table,2': no-such-position: position 2, but 1 match\n     \
             1: ffffffff82000010 d table\n",
        ),
        (
            "ext4:table",
            "klp-gen: query 'ext4:table': ext4 is not among the targets: give it with --module\n",
        ),
        // The position says which, and the name does not.
        (
            "init_once,2",
            "klp-gen: query 'init_once,2': 2 symbols of vmlinux have the full name init_once (use the \
             address of this one, 0xffffffff81000300)\n",
        ),
    ] {
        for quiet in ["", "--quiet "] {
            let line = format!("{quiet}{arguments} {kernel}");
            let (status, names, said) = resolve(&files, &line);
            assert_eq!(said, expected, "{line}");
            assert_eq!((status, names.as_str()), (Some(1), ""), "{line}");
        }
    }
    let (status, names, said) = resolve(&files, &format!("table nosuch promoted {kernel}"));
    assert_eq!(status, Some(1));
    assert_eq!(names, "table\npromoted.llvm.9a\n");
    assert_eq!(said.lines().count(), 1, "{said}");
    for (arguments, expected) in [
        ("table --vmlinux absent", "absent"),
        ("table,x --vmlinux vmlinux", "decimal position"),
        ("--tracer table,1 --vmlinux vmlinux", "no positions"),
        ("--functions table --vmlinux vmlinux", "--tracer"),
    ] {
        let (status, names, said) = resolve(&files, arguments);
        assert_eq!((status, names.as_str()), (Some(2), ""), "{arguments}");
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_name_that_is_not_one_word_is_not_printed() {
    let files = Files::new();
    let mut vmlinux = kernel::vmlinux();
    let text = Place::Section(0);
    let odd = [
        "two words",
        "two\nlines",
        "a\ttab",
        "all*",
        "some[a-z]",
        "any?",
        "-option",
        "back\\slash",
        "`command`",
        "x$(command)",
        "semi;colon",
        "quote'",
        "quote\"",
        "plus+0x10",
        "per%cent",
        "!not",
        "at@plt",
        "wide\u{2003}space",
        "c1\u{85}control",
    ];
    let words = [
        "über",
        "cut$0123456789abcdef0123456789abcdef",
        ".L.dot",
        "x.y.llvm.12",
    ];
    for (i, name) in odd.iter().chain(&words).enumerate() {
        let address = kernel::TEXT + 0xf90 + i as u64;
        vmlinux.symbol(name, STB_LOCAL, STT_FUNC, text, address, 0);
    }
    files.write("vmlinux", &vmlinux.build());
    let quoted = |name: &str| name.replace('\'', "'\\''");
    for name in odd {
        let line = format!("--vmlinux vmlinux -- '{}' promoted", quoted(name));
        let (status, names, said) = resolve(&files, &line);
        assert_eq!(
            (status, names.as_str()),
            (Some(1), "promoted.llvm.9a\n"),
            "{name:?}: {said}"
        );
        assert!(
            said.contains("is not one word to a shell or a tracer (use --format json)\n"),
            "{name:?}: {said}"
        );
        // It is there; with another format it is found.
        let line = format!("klp-gen resolve --vmlinux vmlinux -- '{}'", quoted(name));
        let (status, said) = run(&files, &line);
        assert_eq!(status, Some(0), "{name:?}: {said}");
    }
    for name in words {
        let line = format!("--vmlinux vmlinux '{name}'");
        // mksysmap drops `.L`, as everybody does.
        let expected = if name.starts_with(".L") {
            (Some(1), String::new())
        } else {
            (Some(0), format!("{name}\n"))
        };
        let (status, names, said) = resolve(&files, &line);
        assert_eq!((status, names), expected, "{said}");
    }
}

#[test]
fn what_is_printed_is_found_by_exactly_that_name() {
    let files = Files::new();
    // As people use it: a name that is not found leaves the command alone that needs it.
    let script = r"
        kernel='--vmlinux vmlinux --module net-mod.ko'
        for name in promoted promoted.llvm.dead twin state handle init_once nosuch show.buffer; do
            full=$(klp-gen resolve --tracer --format name $name $kernel 2>/dev/null) &&
                klp-gen resolve --tracer --policy exact $full $kernel
        done";
    let (_, text) = run(&files, script);
    let expected = "\
promoted.llvm.9a: ffffffff81000600 T promoted.llvm.9a (1 of 1)
promoted.llvm.9a: ffffffff81000600 T promoted.llvm.9a (1 of 1)
twin: ffffffff81000800 t twin (1 of 1)
state.llvm.42: 0000000000000008 d state.llvm.42 [net_mod] (1 of 1)
handle: 0000000000000040 t handle [net_mod] (1 of 1)
show.buffer: ffffffff82000040 d show.buffer (1 of 1)
";
    assert_eq!(text, expected);
}
