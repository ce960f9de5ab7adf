// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Terminals: lines are folded to them and coloured, and nothing of that is in a pipe. And how much
//! is printed at all.

use crate::livepatch::Livepatch;
use crate::shell::{files, output, run};

/// Returns what `command` prints on a terminal of `columns`, and its exit status on the last line.
fn on_terminal(columns: u16, command: &str) -> String {
    let script = format!("stty cols {columns} rows 50; {command}; echo $?");
    let script = format!("script -qec '{script}' /dev/null < /dev/null");
    let (status, text) = run(&files(), &script);
    assert_eq!(status, Some(0), "script(1): {text}");
    text.replace('\r', "")
}

/// The text without its escape sequences.
fn plain(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let mut plain = pieces.next().unwrap().to_owned();
    for piece in pieces {
        plain += piece.split_once('m').unwrap().1;
    }
    plain
}

const CHECK: &str = "klp-gen check out.ko --vmlinux vmlinux";

#[test]
fn a_terminal_gets_folded_lines_and_nothing_is_lost() {
    let (_, piped) = run(&files(), CHECK);
    assert!(piped.lines().any(|line| line.len() > 80), "{piped}");
    let folded = plain(&on_terminal(60, CHECK));
    let words =
        |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
    let mut expected = words(&piped);
    expected.push("0".to_owned());
    assert_eq!(words(&folded), expected);
    assert!(folded.lines().count() > piped.lines().count() + 1);
    for line in folded.lines() {
        // Only a word that does not fit at all may be longer.
        assert!(
            line.len() <= 60 || line.trim().split(' ').count() == 1,
            "{line}"
        );
    }
    // What is folded is below what it belongs to.
    assert!(
        folded.contains(&format!("\n{:21}= ", "")) || folded.contains(&format!("\n{:21}f", ""))
    );
    // A wide terminal, and one that is too narrow for columns: one line each.
    for columns in [200, 20] {
        let text = plain(&on_terminal(columns, CHECK));
        assert_eq!(text, format!("{piped}0\n"), "{columns}");
    }
}

#[test]
fn names_are_never_cut() {
    let name = "_RNvMs_".repeat(30);
    let files = files();
    let line = format!("ffffffff81000000 T _text\nffffffff81000000 t {name}.llvm.1\n");
    files.write("long.kallsyms", line.as_bytes());
    let command = "klp-gen symbols --kallsyms long.kallsyms";
    let script = format!("script -qec 'stty cols 60 rows 50; {command}' /dev/null < /dev/null");
    let (_, text) = run(&files, &script);
    let text = plain(&text.replace('\r', ""));
    let folded = format!(
        "ffffffff81000000 t     1/1\n{0:4}{name}\n{0:4}({name}.llvm.1)\n",
        ""
    );
    assert!(text.ends_with(&folded), "{text}");
    let (_, text) = run(&files, command);
    let whole = format!("ffffffff81000000 t     1/1 {name} ({name}.llvm.1)\n");
    assert!(text.ends_with(&whole), "{text}");
}

#[test]
fn colour_is_for_terminals_and_for_who_asks() {
    let files = files();
    let refused = "klp-gen check refused.ko --vmlinux vmlinux";
    for (before, after, coloured) in [
        ("", "", false),
        ("", "--color auto", false),
        ("", "--color never", false),
        ("", "--color always", true),
        ("CLICOLOR_FORCE=1", "", true),
        ("CLICOLOR_FORCE=1", "--color never", false),
    ] {
        let (status, text) = run(&files, &format!("{before} {refused} {after}"));
        assert_eq!(status, Some(1));
        assert_eq!(text.contains("\x1b["), coloured, "{before} {after}: {text}");
        let (_, uncoloured) = run(&files, refused);
        assert_eq!(plain(&text), uncoloured);
    }
    for (before, after, coloured) in [
        ("", "", true),
        ("NO_COLOR=1", "", false),
        ("NO_COLOR=1", "--color always", true),
        ("CLICOLOR=0", "", false),
        ("TERM=dumb", "", false),
        ("TERM=dumb CI=true", "", true),
        ("", "--color never", false),
        ("", "--format json", false),
    ] {
        let command = format!("env TERM=xterm {before} {refused} {after}");
        let text = on_terminal(80, &command);
        assert_eq!(text.contains("\x1b["), coloured, "{before} {after}: {text}");
    }
    // Messages too.
    let (_, text) = run(
        &files,
        "klp-gen check absent.ko --vmlinux vmlinux --color always",
    );
    assert!(text.starts_with("\x1b["), "{text}");
}

#[test]
fn quiet_leaves_what_makes_the_exit_status_1_or_2() {
    let files = files();
    for (command, expected, status) in [
        ("symbols --vmlinux vmlinux", "", 0),
        ("resolve promoted --vmlinux vmlinux", "", 0),
        (
            "resolve promoted nosuch --vmlinux vmlinux",
            "nosuch: not-found: no symbol matches\n",
            1,
        ),
        (
            "resolve promoted --vmlinux vmlinux --format json",
            "[\n]\n",
            0,
        ),
        ("convert livepatch.ko -o new.ko --vmlinux vmlinux", "", 0),
        ("convert out.ko -o new.ko --vmlinux vmlinux", "", 0),
        (
            "convert livepatch.ko -o new.ko --vmlinux vmlinux --format json",
            "[\n]\n",
            0,
        ),
        ("check out.ko --vmlinux vmlinux", "", 0),
        ("check out.ko --vmlinux vmlinux --format json", "[\n]\n", 0),
        (
            "check refused.ko --vmlinux vmlinux",
            "refused   function   init_once,0: unresolvable ambiguity for symbol 'init_once' in \
             object 'vmlinux'\n",
            1,
        ),
        (
            "check absent.ko --vmlinux vmlinux",
            "klp-gen: cannot read absent.ko: No such file or directory (os error 2)\n",
            2,
        ),
        ("explain foo", "", 0),
        ("explain foo --format json", "[\n]\n", 0),
        ("symbols --vmlinux vmlinux --format json", "[\n]\n", 0),
        ("audit --vmlinux vmlinux", "", 0),
        ("audit --vmlinux vmlinux --format html", "", 0),
        ("audit --vmlinux vmlinux --format json", "[\n]\n", 0),
    ] {
        for quiet in ["-q", "--quiet"] {
            let (found, text) = run(&files, &format!("klp-gen {command} {quiet}"));
            assert_eq!(
                (found, text.as_str()),
                (Some(status), expected),
                "{command}"
            );
            let (found, text) = run(&files, &format!("klp-gen {quiet} {command}"));
            assert_eq!(
                (found, text.as_str()),
                (Some(status), expected),
                "{command}"
            );
        }
    }
}

#[test]
fn verbose_says_what_was_read_and_changes_no_answer() {
    let files = files();
    let (_, table) = run(&files, "klp-gen symbols --vmlinux vmlinux");
    let symbols = table.lines().count();
    for command in [
        "symbols --vmlinux vmlinux --module net-mod.ko",
        "resolve nosuch --vmlinux vmlinux --module net-mod.ko",
        "convert livepatch.ko -o new.ko --vmlinux vmlinux --module net-mod.ko",
        "check refused.ko --vmlinux vmlinux --module net-mod.ko",
        "explain init_once --vmlinux vmlinux --module net-mod.ko",
    ] {
        let silent = output(&files, &format!("klp-gen {command}"));
        let verbose = output(&files, &format!("klp-gen {command} -v"));
        assert_eq!(silent.stdout, verbose.stdout, "{command}");
        assert_eq!(silent.status, verbose.status, "{command}");
        let notes = String::from_utf8(verbose.stderr).unwrap();
        for expected in [
            &format!("klp-gen: note: vmlinux: {symbols} symbols from vmlinux\n"),
            " symbols from net-mod.ko\n",
            "klp-gen: note: all files were read after ",
            &format!(
                "klp-gen: note: exit status {} after ",
                silent.status.code().unwrap()
            ),
        ] {
            assert!(notes.contains(expected), "{command}: {notes}");
        }
        let rule =
            "klp-gen: note: names are compared as by a kernel with klp_sympos (--policy llvm)\n";
        let explains = command.starts_with("explain");
        assert_eq!(notes.contains(rule), !explains, "{command}: {notes}");
    }
    let (status, text) = run(&files, "klp-gen check absent.ko --vmlinux vmlinux -v");
    assert_eq!(status, Some(2));
    assert!(
        text.contains("klp-gen: note: exit status 2 after "),
        "{text}"
    );
    let (status, _) = run(&files, "klp-gen explain foo -q -v");
    assert_eq!(status, Some(2));
}

/// The text of a running kernel has no version magic.
#[test]
fn the_livepatch_tells_the_release_if_the_target_does_not() {
    let files = files();
    let text = "ffffffff81000000 T _text\nffffffff81000500 t cmdline_proc_show\n";
    files.write("running.kallsyms", text.as_bytes());
    for (number, judged_as) in [("7.3", "7.3"), ("6.18", "6.12")] {
        let mut livepatch = Livepatch::of("cmdline_proc_show");
        livepatch.set_modinfo(&["license=GPL", &format!("vermagic={number}.1 SMP ")]);
        files.write("other.ko", &livepatch.build());
        for command in ["check other.ko", "convert other.ko -o new.ko"] {
            let command = format!("klp-gen {command} --kallsyms running.kallsyms -v");
            let (_, text) = run(&files, &command);
            let assumed = format!("the kernel is judged as Linux {judged_as}\n");
            assert!(text.contains(&assumed), "{command}: {text}");
            let note = format!("klp-gen does not know Linux {number}, and judges as for");
            let printed = usize::from(number != judged_as);
            assert_eq!(text.matches(&note).count(), printed, "{command}: {text}");
        }
    }
}

#[test]
fn nothing_in_a_name_moves_the_cursor() {
    let files = files();
    // The name of a module, of an object, of a file.
    let line = b"ffffffffc0000000 t handle\t[net\x07mod]\nffffffff81000000 T _text\n";
    files.write("bell.kallsyms", line);
    let mut livepatch = Livepatch::of("promoted").call(".klp.sym.ne\x07t.handle,0");
    livepatch
        .elf
        .section(".comment", object::elf::SectionFlags(0), b"\x07");
    files.write("a\u{9b}31m\x07.ko", &livepatch.build());
    for command in [
        "symbols -v --kallsyms bell.kallsyms",
        "resolve $(printf 'net\\007:handle') --kallsyms bell.kallsyms",
        "resolve $(printf 'net\\007mod:absent') --kallsyms bell.kallsyms",
        "explain $(printf 'net\\007mod:handle')",
        "convert a*.ko -o out2.ko --vmlinux vmlinux",
        "check a*.ko --vmlinux vmlinux",
        "check a*.ko --vmlinux a*.ko",
        "symbols --vmlinux \"$(printf 'no\\033[31m\\nsuch')\"",
    ] {
        for colour in ["never", "always"] {
            let (status, text) = run(&files, &format!("klp-gen {command} --color {colour}"));
            assert!(status.is_some() && !text.is_empty(), "{command}");
            let moves = |c: char| c.is_control() && !"\n\t\x1b".contains(c);
            assert!(!text.contains(moves), "{command}: {text:?}");
            let text = plain(&text);
            assert!(!text.contains('\x1b'), "{command}: {text:?}");
        }
    }
}
