// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Help, man pages and completions: there for every command, and right.

use crate::shell::{files, output, run};
use std::collections::BTreeSet;
use std::fs;

/// The commands that the help lists.
pub fn commands() -> BTreeSet<String> {
    let (_, help) = run(&files(), "klp-gen --help");
    let list = help.split_once("Commands:\n").unwrap().1;
    let names = list.lines().take_while(|line| !line.is_empty());
    let names = names.filter_map(|line| line.split_whitespace().next());
    let names: BTreeSet<_> = names.filter(|n| *n != "help").map(str::to_owned).collect();
    for name in ["symbols", "resolve", "convert", "check", "explain"] {
        assert!(names.contains(name), "{help}");
    }
    names
}

#[test]
fn every_help_has_examples_that_run_and_the_exit_statuses() {
    let files = files();
    let mut lines = vec!["klp-gen --help".to_owned()];
    lines.extend(commands().iter().map(|c| format!("klp-gen {c} --help")));
    for line in lines {
        let (status, help) = run(&files, &line);
        assert_eq!(status, Some(0), "{line}");
        let examples = help.split_once("Examples:\n").expect(&line).1;
        let (examples, statuses) = examples.split_once("\n\n").expect(&line);
        assert!(
            statuses.starts_with("Exit status: 0 "),
            "{line}: {statuses}"
        );
        let examples: Vec<_> = examples
            .lines()
            .filter_map(|l| l.strip_prefix("  $ "))
            .collect();
        assert!(!examples.is_empty(), "{line}");
        for example in examples {
            // There is no kernel that a build could be for; its options are looked at.
            let is_build = example.starts_with("klp-gen build ");
            let help = if is_build { " --help" } else { "" };
            let (status, text) = run(&files, &format!("{example}{help}"));
            assert_eq!(status, Some(0), "{example}: {text}");
        }
    }
}

#[test]
fn every_command_has_a_man_page() {
    let files = files();
    let (status, text) = run(&files, "klp-gen man -o pages/man1");
    assert_eq!((status, text.as_str()), (Some(0), ""));
    let pages: BTreeSet<_> = fs::read_dir(files.path("pages/man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut expected: BTreeSet<_> = commands()
        .iter()
        .map(|c| format!("klp-gen-{c}.1"))
        .collect();
    expected.insert("klp-gen.1".to_owned());
    assert_eq!(pages, expected);
    for page in pages {
        let text = fs::read_to_string(files.path("pages/man1").join(&page)).unwrap();
        for expected in [
            ".TH ",
            ".SH NAME",
            ".SH SYNOPSIS",
            "Examples:",
            "Exit status:",
        ] {
            assert!(text.contains(expected), "{page}: {expected}");
        }
    }
    let (status, text) = run(&files, "klp-gen man -o vmlinux");
    assert_eq!(status, Some(2));
    assert_eq!(
        text,
        "klp-gen: cannot write the manual to vmlinux: File exists (os error 17)\n"
    );
}

#[test]
fn shells_are_told_every_command() {
    let files = files();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = output(&files, &format!("klp-gen completion {shell}"));
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = String::from_utf8(output.stdout).unwrap();
        for command in commands() {
            assert!(script.contains(&command), "{shell}: {command}");
        }
        // Not every shell can be told the values of an option.
        let values = matches!(shell, "bash" | "zsh" | "fish");
        assert_eq!(script.contains("llvm-cut"), values, "{shell}");
    }
    // What bash itself makes of it: the script is well-formed, and a word is completed.
    let complete = r#"bash -c '
        eval "$(klp-gen completion bash)"
        set -- $(complete -p klp-gen)
        complete=${@: -2:1}
        COMP_WORDS=(klp-gen res) COMP_CWORD=1
        $complete klp-gen res klp-gen
        echo "${COMPREPLY[@]}"
        COMP_WORDS=(klp-gen resolve --policy l) COMP_CWORD=3
        $complete klp-gen l --policy
        echo "${COMPREPLY[@]}"'"#;
    let (status, text) = run(&files, complete);
    assert_eq!(
        (status, text.as_str()),
        (Some(0), "resolve\nllvm llvm-cut\n")
    );
    let (status, text) = run(&files, "klp-gen completion bash | bash -n");
    assert_eq!((status, text.as_str()), (Some(0), ""));
}
