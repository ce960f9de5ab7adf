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
    let kernel = SmallKernel::new(SOURCES);
    kernel.patch("edit.patch", edits);
    paired_in(&kernel, source, prefix)
}

/// Returns the same of a kernel with the patch `edit.patch`.
fn paired_in(kernel: &SmallKernel, source: &str, prefix: &str) -> Vec<String> {
    let pairs = kernel.pairs(&[&kernel.path("edit.patch")]).unwrap();
    let unit = unit(&pairs, source);
    let files = Files::read(unit).unwrap();
    let layouts = Layouts::X86_64;
    let versions = [Versions::parse(unit, &files, &layouts).unwrap()];
    let build = kernel.open();
    let places = |_, wanted: &_| {
        let directory = kernel.path("work");
        pairs.sources.places(&build, unit, wanted, &directory)
    };
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

/// Returns the pairs of variables of a file of its own, with a patch of it.
fn paired_of_file(text: &'static str, hunk: &str, prefix: &str) -> Vec<String> {
    let kernel = SmallKernel::new(&[("mm/a.c", "", text)]);
    let patch = format!("--- a/mm/a.c\n+++ b/mm/a.c\n{hunk}");
    kernel.write("edit.patch", &patch);
    paired_in(&kernel, "mm/a.c", prefix)
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
    kernel.patch("edit.patch", &[NEW]);
    let paired = paired_in(&kernel, "mm/a.c", "one.");
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
        "\tuse(&seen);\n\tif (x) {\n\t\tstatic int seen;\n\n\t\tuse(&seen);\n\t}\n",
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

#[test]
fn context_that_belongs_to_the_new_block() {
    // git diff and diff -u both take the beginning of the old block for the beginning of the new one.
    let text = "int use(int *); int bar(int *);\nint one(int y)\n{\n\tdo {\n\t\tstatic int x;\n\n\t\tuse(&x);\n\t} while (0);\n\
        \treturn y;\n}\n";
    let hunk = "@@ -4,6 +4,11 @@\n \tdo {\n \t\tstatic int x;\n \n+\t\tbar(&x);\n+\t} while (0);\n+\tdo {\n\
        +\t\tstatic int x;\n+\n \t\tuse(&x);\n \t} while (0);\n \treturn y;\n";
    let paired = paired_of_file(text, hunk, "one.");
    assert_eq!(paired, ["new -> one.x", "new -> one.x.1"]);
}

#[test]
fn a_block_that_is_there_twice() {
    let text = "int use(int *);\nint one(int y)\n{\n\tif (y) {\n\t\tstatic int x;\n\n\t\tuse(&x);\n\t}\n\treturn y;\n}\n";
    let hunk = "@@ -4,6 +4,12 @@\n \tif (y) {\n \t\tstatic int x;\n \n \t\tuse(&x);\n \t}\n+\ty += use(0);\n+\tif (y) {\n\
        +\t\tstatic int x;\n+\n+\t\tuse(&x);\n+\t}\n \treturn y;\n";
    let paired = paired_of_file(text, hunk, "one.");
    assert_eq!(paired, ["new -> one.x", "new -> one.x.1"]);
}

#[test]
fn what_is_left_is_not_paired_by_its_name() {
    let text = "int use(int *); int bar(int *);\nint one(int y)\n{\n\tif (y == 1) {\n\t\tstatic int x;\n\n\t\tuse(&x);\n\t}\n\
        \tif (y == 2) {\n\t\tstatic int x;\n\n\t\tbar(&x);\n\t}\n\treturn y;\n}\n";
    let hunk = "@@ -3,12 +3,12 @@\n {\n+\tif (y == 7) {\n+\t\tstatic int x;\n+\n+\t\tbar(&x) + bar(&x);\n+\t}\n\
        \x20\tif (y == 1) {\n \t\tstatic int x;\n \n \t\tuse(&x);\n \t}\n-\tif (y == 2) {\n-\t\tstatic int x;\n-\n\
        -\t\tbar(&x);\n-\t}\n \treturn y;\n";
    let paired = paired_of_file(text, hunk, "one.");
    assert_eq!(paired, ["new -> one.x", "one.x -> one.x.1"]);
}

/// A struct of which LLVM makes parts.
const SPLIT: &str = "static struct { int first, second; } state;\nint one(int y)\n{\n\tstate.first += y;\n\treturn state.first;\n}\n\
    int two(int y)\n{\n\treturn y;\n}\n";

#[test]
fn a_new_field_makes_other_parts() {
    // LLVM names fields by their bits, and those of the new field are those that the first field had.
    let hunk = "@@ -1,5 +1,5 @@\n-static struct { int first, second; } state;\n+static struct { int zero, first, second; } state;\n\
        \x20int one(int y)\n {\n-\tstate.first += y;\n+\tstate.first += y + state.zero++;\n \treturn state.first;\n";
    let paired = paired_of_file(SPLIT, hunk, "state");
    assert_eq!(paired, ["new -> state.0", "new -> state.1"]);
}

#[test]
fn a_part_of_a_split_variable_is_told_by_its_field() {
    let same = "@@ -9,2 +9,2 @@\n-\treturn y;\n+\treturn y + 1;\n }\n";
    assert_eq!(paired_of_file(SPLIT, same, "state"), ["state.0 -> state.0"]);
    let other = "@@ -3,4 +3,4 @@\n {\n-\tstate.first += y;\n-\treturn state.first;\n+\tstate.second += y;\n\
        +\treturn state.second;\n }\n@@ -9,2 +9,2 @@\n-\treturn y;\n+\treturn y + 1;\n }\n";
    assert_eq!(paired_of_file(SPLIT, other, "state"), ["new -> state.0"]);
}

#[test]
fn the_only_one_left_is_paired_by_its_name_unless_it_is_new() {
    let text = "int use(int *); int bar(int *);\nstatic inline int f(int k)\n{\n\tif (k == 1) {\n\t\tstatic int x;\n\n\t\tuse(&x);\n\t}\n\
        \tif (k == 2) {\n\t\tstatic int x;\n\n\t\tbar(&x);\n\t}\n\treturn k;\n}\nint g(void)\n{\n\treturn f(1);\n}\n\
        int h(int k)\n{\n\treturn f(k);\n}\n";
    let edited = "@@ -9,7 +9,7 @@\n-\tif (k == 2) {\n+\tif (k == 3) {\n \t\tstatic int x;\n \n-\t\tbar(&x);\n+\t\tbar(&x) + use(&x);\n\
        \x20\t}\n \treturn k;\n }\n";
    let replaced = "@@ -9,7 +9,8 @@\n-\tif (k == 2) {\n-\t\tstatic int x;\n-\n-\t\tbar(&x);\n-\t}\n+\tif (k == 3) {\n+\t\tint y = 0;\n\
        +\t\tstatic int x;\n+\n+\t\tbar(&x) + use(&y);\n+\t}\n \treturn k;\n }\n";
    let paired = paired_of_file(text, edited, "f.x");
    assert_eq!(paired, ["f.x -> f.x", "f.x.1 -> f.x.1"]);
    let paired = paired_of_file(text, replaced, "f.x");
    assert_eq!(paired, ["f.x -> f.x", "new -> f.x.1"]);
}

/// Returns the variables of one bit that have other values with an edit.
fn other_bits(edits: &[(&str, &str, &str)]) -> Vec<Vec<u8>> {
    let kernel = SmallKernel::new(&[(
        "mm/a.c",
        "",
        "static unsigned char mode = 5;\nint set(void)\n{\n\tmode = 7;\n\treturn 0;\n}\nint get(void)\n{\n\treturn mode;\n}\n",
    )]);
    let patch = kernel.patch("edit.patch", edits);
    let pairs = kernel.pairs(&[&patch]).unwrap();
    let unit = unit(&pairs, "mm/a.c");
    let mode = (b"mode".to_vec(), b"mode".to_vec());
    let (build, directory) = (kernel.open(), kernel.path("work"));
    let found = pairs.sources.other_bits(&build, unit, &[mode], &directory);
    found.unwrap()
}

#[test]
fn a_variable_of_one_bit_keeps_its_values() {
    assert!(other_bits(&[("mm/a.c", "return 0;", "return 1;")]).is_empty());
    for (old, new) in [
        ("mode = 7;", "mode = 8;"),
        ("mode = 5;", "mode = 6;"),
        ("return 0;", "return mode = 9;"),
    ] {
        assert_eq!(other_bits(&[("mm/a.c", old, new)]), [b"mode"], "{new}");
    }
}
