// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The files that a patch may change, and no others.

use super::small_kernel::{function, unit, SmallKernel, Source};
use std::fs;
use std::path::Path;

/// One file that others import from: a small function and a static, which that promotes.
pub const SOURCES: &[Source] = &[
    ("inc.h", "", "int small(int); int user(int); int other(int); int (*table(void))(int);\nstatic inline int half(int x) { return x / 2; }\n"),
    (
        "mm/a.c",
        "",
        "#include <inc.h>\n\
         static int hidden;\n\
         \n\
         int small(int x)\n\
         {\n\
         \treturn hidden + x;\n\
         }\n\
         \n\
         __attribute__((noinline))\n\
         int lonely(int x)\n\
         {\n\
         \thidden = x;\n\
         \treturn x * 3;\n\
         }\n\
         \n\
         int line(void)\n\
         {\n\
         \treturn __LINE__;\n\
         }\n",
    ),
    ("fs/b.c", "", "#include <inc.h>\nint user(int x)\n{\n\treturn small(x) * 7;\n}\n"),
    ("fs/c.c", "", "#include <inc.h>\nint other(int x)\n{\n\treturn half(x) + 1;\n}\n"),
    ("one.c", "one", "int one(int x)\n{\n\treturn x + 1;\n}\n"),
    ("two_a.c", "two", "int two_b(int);\nint two_a(int x)\n{\n\treturn two_b(x) + 1;\n}\n"),
    ("two_b.c", "two", "int two_b(int x)\n{\n\treturn x + 2;\n}\n"),
];

#[test]
fn a_new_header_that_hides_another_one_of_its_name() {
    let kernel = SmallKernel::new(&[
        ("x/limit.h", "", "#define LIMIT 4\n"),
        (
            "mm/a.c",
            "",
            "#include \"x/limit.h\"\nint a(int x) { return x * LIMIT; }\n",
        ),
        (
            "fs/b.c",
            "",
            "#include <x/limit.h>\nint b(int x) { return x * LIMIT; }\n",
        ),
    ]);
    kernel.write(
        "new.patch",
        "--- /dev/null\n+++ b/mm/x/limit.h\n@@ -0,0 +1 @@\n+#define LIMIT 5\n",
    );
    let pairs = kernel.pairs(&[&kernel.path("new.patch")]).unwrap();
    let changed = pairs
        .units
        .iter()
        .map(|unit| format!("{}: {}", unit.source.display(), unit.reason));
    assert_eq!(
        changed.collect::<Vec<_>>(),
        ["mm/a.c: includes mm/x/limit.h"]
    );
}

#[test]
fn a_call_of_another_function_of_the_same_type() {
    let kernel = SmallKernel::new(SOURCES);
    let affected = kernel.affected(&[("fs/b.c", "small(x)", "other(x)")]);
    assert!(
        affected.contains(&"vmlinux fs/b.c: the patch".to_owned()),
        "{affected:?}"
    );
}

#[test]
fn a_function_that_nobody_imports() {
    let kernel = SmallKernel::new(SOURCES);
    let patch = kernel.patch("fix.patch", &[("mm/a.c", "x * 3", "x * 5")]);
    let pairs = kernel.pairs(&[&patch]).unwrap();
    let [unit] = &pairs.units[..] else {
        panic!("{:?}", pairs.units)
    };
    assert_eq!(
        (unit.object.name().as_str(), unit.kbuild_path.as_path()),
        ("vmlinux", Path::new("mm/a.o"))
    );
    assert_eq!(
        (unit.source.as_path(), unit.reason.to_string().as_str()),
        (Path::new("mm/a.c"), "the patch")
    );
    let both = |name| [&unit.original, &unit.patched].map(|object| function(object, name));
    let [before, after] = both("lonely");
    assert_ne!(before, after);
    let [before, after] = both("small");
    assert_eq!(before, after);
}

#[test]
fn importers_of_a_changed_function_are_affected() {
    let kernel = SmallKernel::new(SOURCES);
    let affected = kernel.affected(&[("mm/a.c", "hidden + x", "hidden - x")]);
    assert_eq!(
        affected,
        [
            "vmlinux mm/a.c: the patch",
            "vmlinux fs/b.c: imports small of mm/a.o"
        ]
    );
    // The hash of the file is another one, and fs/b.o has it in its index.
    let affected = kernel.affected(&[("mm/a.c", "x * 3", "x * 4")]);
    assert_eq!(affected, ["vmlinux mm/a.c: the patch"]);
}

#[test]
fn a_file_with_other_imports_than_before_is_affected() {
    let kernel = SmallKernel::new(SOURCES);
    // A function that becomes too large to be imported.
    let large = "({ int i, y = 0; for (i = 0; i < x; i++) { y += user(i) ^ other(y) ^ user(x - i); other(user(y)); } y; })";
    let affected = kernel.affected(&[("mm/a.c", "hidden + x", large)]);
    // It imports both, and the hash of the path decides which of them is named.
    let imports = |name| format!("vmlinux fs/b.c: imports {name} of mm/a.o");
    assert_eq!(affected[0], "vmlinux mm/a.c: the patch");
    assert!(
        ["hidden", "small"].map(imports).contains(&affected[1]),
        "{affected:?}"
    );
    assert_eq!(affected.len(), 2);
}

#[test]
fn a_new_export_affects_only_the_patched_file() {
    let kernel = SmallKernel::new(SOURCES);
    // A file that did not import anything of fs/c.o does now: other() is exported.
    let affected = kernel.affected(&[("fs/c.c", "half(x) + 1", "small(x) + 1")]);
    assert_eq!(affected, ["vmlinux fs/c.c: the patch"]);
    let call = ("fs/b.c", "small(x) * 7", "small(x) * other(x)");
    assert_eq!(kernel.affected(&[call]), ["vmlinux fs/b.c: the patch"]);
}

#[test]
fn a_header_and_those_who_include_it() {
    let kernel = SmallKernel::new(SOURCES);
    let affected = kernel.affected(&[("inc.h", "x / 2", "x / 4")]);
    assert_eq!(affected, ["vmlinux fs/c.c: includes inc.h"]);
}

#[test]
fn a_file_that_does_not_change_with_a_header_is_compiled_once() {
    let mut kernel = SmallKernel::new(SOURCES);
    let log = kernel.launch();
    kernel.affected(&[("inc.h", "x / 2", "x / 4")]);
    let log = fs::read_to_string(log).unwrap();
    let compiled = |source: &str| log.lines().filter(|line| line.contains(source)).count();
    // The one that changes: before and after.
    assert_eq!(
        ["mm/a.c", "fs/b.c", "fs/c.c"].map(compiled),
        [1, 1, 2],
        "{log}"
    );
}

#[test]
fn lines_that_only_moved() {
    let kernel = SmallKernel::new(SOURCES);
    let patch = kernel.patch(
        "fix.patch",
        &[("mm/a.c", "\thidden = x;\n", "\tif (x)\n\t\thidden = x;\n\n")],
    );
    let pairs = kernel.pairs(&[&patch]).unwrap();
    let unit = unit(&pairs, "mm/a.c");
    let [before, after] = [&unit.original, &unit.patched].map(|object| function(object, "line"));
    assert_eq!(before, after);
}

#[test]
fn modules_of_one_file_and_of_several() {
    let kernel = SmallKernel::new(SOURCES);
    let affected = kernel.affected(&[("one.c", "x + 1", "x + 3")]);
    assert_eq!(affected, ["one one.c: the patch"]);
    let affected = kernel.affected(&[("two_b.c", "x + 2", "x + 5")]);
    assert_eq!(
        affected,
        [
            "two two_a.c: imports two_b of two_b.o",
            "two two_b.c: the patch"
        ]
    );
}

#[test]
fn several_files_and_objects_in_one_patch() {
    let kernel = SmallKernel::new(SOURCES);
    let edits = [
        ("one.c", "x + 1", "x + 3"),
        ("mm/a.c", "x * 3", "x * 4"),
        ("fs/c.c", "+ 1", "+ 2"),
    ];
    let affected = kernel.affected(&edits);
    assert_eq!(
        affected,
        [
            "vmlinux mm/a.c: the patch",
            "vmlinux fs/c.c: the patch",
            "one one.c: the patch"
        ]
    );
}

#[test]
fn several_patches_of_one_file() {
    let kernel = SmallKernel::new(SOURCES);
    let first = kernel.patch("1.patch", &[("mm/a.c", "x * 3", "x * 4")]);
    let text = std::fs::read_to_string(kernel.path("source/mm/a.c")).unwrap();
    kernel.write("source/mm/a.c", &text.replace("x * 3", "x * 4"));
    let second = kernel.patch("2.patch", &[("mm/a.c", "x * 4", "x * 9")]);
    kernel.write("source/mm/a.c", &text);
    let pairs = kernel.pairs(&[&first, &second]).unwrap();
    let unit = unit(&pairs, "mm/a.c");
    // lea (%rdi,%rdi,8) is a multiplication by 9.
    let code = function(&unit.patched, "lonely");
    assert!(
        code.windows(3).any(|bytes| bytes == [0x8d, 0x04, 0xff]),
        "{code:x?}"
    );
}
