// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Static locals of one name, which the lines of their declarations tell apart.

use super::small_kernel::{unit, SmallKernel, Source};
use klp_gen::build::code::Layouts;
use klp_gen::build::compare::{Files, Pairings, Versions};

/// Functions with static locals of one name, which all change.
const SOURCES: &[Source] = &[
    ("inc.h", "", "int use(int *); int one(int); int two(int); int three(int); int four(int); int small(int);\n\
        static inline int in_header(int x)\n{\n\tstatic int seen;\n\tuse(&seen);\n\treturn x;\n}\n"),
    ("mm/a.c", "",
        "#include <inc.h>\n\
         #define COUNT { static int x; use(&x); }\n\
         \n\
         int one(int y)\n\
         {\n\
         \tif (y) {\n\
         \t\tstatic int x;\n\
         \n\
         \t\tuse(&x);\n\
         \t}\n\
         \treturn in_header(y);\n\
         }\n\
         \n\
         int two(int y)\n\
         {\n\
         \tif (y == 1) {\n\
         \t\tstatic int x;\n\
         \n\
         \t\tuse(&x);\n\
         \t}\n\
         \tif (y == 2) {\n\
         \t\tstatic int x = 2;\n\
         \n\
         \t\tuse(&x);\n\
         \t}\n\
         \treturn y;\n\
         }\n\
         \n\
         int three(int y)\n\
         {\n\
         \tCOUNT COUNT\n\
         \treturn y;\n\
         }\n\
         \n\
         #ifndef BIAS\n\
         #define BIAS 0\n\
         #endif\n\
         int small(int x)\n\
         {\n\
         \treturn x + 1 + BIAS;\n\
         }\n"),
    ("fs/b.c", "",
        "#include <inc.h>\n\
         int four(int y)\n\
         {\n\
         \t{ static int x; use(&x); }\n\
         \t{ static int x; use(&x); }\n\
         \treturn small(y);\n\
         }\n"),
];

/// Returns the pairs of variables of a file with names that begin in that way: before and after.
fn paired(edits: &[(&str, &str, &str)], source: &str, prefix: &str) -> Vec<String> {
    paired_in(&SmallKernel::new(SOURCES), edits, source, prefix)
}

fn paired_in(
    kernel: &SmallKernel,
    edits: &[(&str, &str, &str)],
    source: &str,
    prefix: &str,
) -> Vec<String> {
    let patch = kernel.patch("edit.patch", edits);
    let pairs = kernel.pairs(&[&patch]).unwrap();
    let unit = unit(&pairs, source);
    let files = Files::read(unit).unwrap();
    let layouts = Layouts::X86_64;
    let versions = [Versions::parse(unit, &files, &layouts).unwrap()];
    let build = kernel.open();
    let places = |_| pairs.sources.places(&build, unit, &kernel.path("work"));
    let pairings = Pairings::new(&versions, &layouts, &places).unwrap();
    let [versions] = &versions;
    let variables = versions.patched.numbered().filter_map(|(id, piece)| {
        let name = std::str::from_utf8(piece.name?).ok()?;
        let original = pairings.of(0).original(id);
        let original = original.map_or("new".to_owned(), |id| versions.original.name(id));
        let is_it = name.starts_with(prefix);
        is_it.then(|| format!("{original} -> {name}"))
    });
    let mut variables: Vec<_> = variables.collect();
    variables.sort();
    variables
}

/// A new static local in front of the old one.
const NEW: (&str, &str, &str) = (
    "mm/a.c",
    "\tif (y) {\n",
    "\tif (y == 7) {\n\t\tstatic int x;\n\n\t\tuse(&x);\n\t}\n\tif (y) {\n",
);

#[test]
fn a_new_one_in_front_of_the_old_one() {
    let paired = paired(&[NEW], "mm/a.c", "one.");
    assert_eq!(paired, ["new -> one.x", "one.x -> one.x.1"]);
}

#[test]
fn a_compiler_that_makes_other_code_with_debug_information_is_not_asked() {
    let mut kernel = SmallKernel::new(SOURCES);
    kernel.launch_by(
        "#!/bin/sh\ncase \" $* \" in *' -g '*) exec \"$@\" -DBIAS=1 ;; esac\nexec \"$@\"\n",
    );
    let paired = paired_in(&kernel, &[NEW], "mm/a.c", "one.");
    assert_eq!(paired, ["new -> one.x", "new -> one.x.1"]);
}

#[test]
fn lines_with_numbers_of_their_own_tell_nothing() {
    let (file, old, new) = NEW;
    let new = format!("#line 12\n{new}");
    let paired = paired(&[(file, old, &new)], "mm/a.c", "one.");
    assert_eq!(paired, ["new -> one.x", "new -> one.x.1"]);
}

#[test]
fn the_first_of_two_goes() {
    let removed = "\tif (y == 1) {\n\t\tstatic int x;\n\n\t\tuse(&x);\n\t}\n";
    let edits = [("mm/a.c", removed, "")];
    assert_eq!(paired(&edits, "mm/a.c", "two."), ["two.x.1 -> two.x"]);
}

#[test]
fn one_of_a_header_which_has_a_new_one_behind_it() {
    let edits = [(
        "inc.h",
        "\tuse(&seen);\n",
        "\tuse(&seen);\n\t{ static int seen; use(&seen); }\n",
    )];
    assert_eq!(
        paired(&edits, "mm/a.c", "in_header.seen"),
        [
            "in_header.seen -> in_header.seen",
            "new -> in_header.seen.3"
        ]
    );
}

#[test]
fn two_of_one_line_are_not_told_apart() {
    let edits = [("mm/a.c", "\tCOUNT COUNT\n", "\tCOUNT COUNT\n\tCOUNT\n")];
    let paired = paired(&edits, "mm/a.c", "three.");
    assert_eq!(paired.len(), 3);
    assert!(
        paired.iter().all(|pair| pair.starts_with("new ")),
        "{paired:?}"
    );
}

#[test]
fn a_file_that_imports_what_changes() {
    let edits = [("mm/a.c", "return x + 1 ", "return x + 5 ")];
    assert_eq!(
        paired(&edits, "fs/b.c", "four."),
        ["four.x -> four.x", "four.x.1 -> four.x.1"]
    );
}
