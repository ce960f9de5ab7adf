// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The console blocks of the pages in docs/: what they show is what klp-gen prints.
//!
//! `KLP_BLESS=1` writes anew what follows the commands.

use crate::shell::{documents, files, run};
use std::fmt::Write as _;
use std::{env, fs};

/// The pages whose blocks can be run with the files of the tests.
const PAGES: &[&str] = &["json.md", "klp-gen.md", "rules.md", "tracing.md"];

const START: &str = "```console\n";
const END: &str = "```\n";

/// A script that prints each command of a block, and then what it prints.
fn script(block: &str) -> String {
    let mut script = "status=0\n".to_owned();
    for command in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
        // `echo $?` is to see the exit status of the command before it.
        write!(
            script,
            "cat <<'++'\n$ {command}\n++\n(exit $status)\n{command}\nstatus=$?\n"
        )
        .unwrap();
    }
    script
}

#[test]
fn pages_show_what_is_printed() {
    let files = files();
    let mut failed = Vec::new();
    for page in PAGES {
        let path = documents().join(page);
        let text = fs::read_to_string(&path).unwrap();
        let mut pieces = text.split(START);
        let mut expected = pieces.next().unwrap().to_owned();
        let mut blocks = 0;
        for piece in pieces {
            let (block, rest) = piece.split_once(END).expect(page);
            let (_, printed) = run(&files, &script(block));
            write!(expected, "{START}{printed}{END}{rest}").unwrap();
            blocks += 1;
        }
        assert!(blocks > 0, "{page}");
        if env::var_os("KLP_BLESS").is_some() {
            fs::write(&path, &expected).unwrap();
        } else if text != expected {
            failed.push(format!("{page}: expected\n{expected}"));
        }
    }
    assert!(
        failed.is_empty(),
        "KLP_BLESS=1 writes anew\n{}",
        failed.join("\n")
    );
}

#[test]
fn the_line_of_shell_for_tracers_is_the_one_that_the_guest_runs() {
    let page = fs::read_to_string(documents().join("tracing.md")).unwrap();
    let line = page.lines().find(|line| line.ends_with("/tracer_query"));
    let line = line.unwrap().replacen("echo foo", "echo \"$1\"", 1);
    for path in [
        "../scripts/guest/tests/modules.sh",
        "../kmod/Documentation/ABI/debugfs-klp-sympos",
    ] {
        let text = fs::read_to_string(documents().join(path)).unwrap();
        let text = text.replace("echo foo", "echo \"$1\"");
        // Documentation of the kernel folds it.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&text).contains(&words(&line)), "{path}: {line}");
    }
}
