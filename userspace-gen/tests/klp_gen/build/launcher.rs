// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Programs in front of the compiler: `--launcher`, and the launcher of the kernel's build.

use super::small_kernel::{function, unit, SmallKernel, Source, CC};
use klp_gen::build::kbuild::Saved;
use std::fs;
use std::path::Path;

/// A file with assembler, of which bitcode has the place in the source.
const SOURCES: &[Source] = &[
    ("inc.h", "", "int foo(int); int bar(int);\n"),
    (
        "mm/a.c",
        "",
        "#include <inc.h>\n\
         int foo(int x)\n\
         {\n\
         \tasm volatile(\"nop\" : \"+r\"(x));\n\
         \treturn x * 3;\n\
         }\n",
    ),
    (
        "fs/b.c",
        "",
        "#include <inc.h>\nint bar(int x)\n{\n\treturn foo(x) + 1;\n}\n",
    ),
];

/// A compile farm: preprocesses the file, and gives the text and all options but those with headers to the compiler.
/// Anything else is run as it is.
const FARM: &str = r#"#!/bin/bash
source=
for word; do case $word in *.c) source=$word;; esac; done
[ -n "$source" ] || exec "$@"
text=$(mktemp --suffix=.i) || exit
program=$1
shift
preprocess=() compile=()
while [ $# -gt 0 ]; do
	case $1 in
	-c) compile+=("$1") ;;
	-o) compile+=("$1" "$2"); shift ;;
	"$source") compile+=("$text"); preprocess+=("$source") ;;
	-I* | -D*) preprocess+=("$1") ;;
	*) preprocess+=("$1"); compile+=("$1") ;;
	esac
	shift
done
"$program" "${preprocess[@]}" -E -o "$text" &&
	"$program" "${compile[@]}" -Werror=unused-command-line-argument
status=$?
rm -f "$text"
exit $status
"#;

#[test]
fn a_compile_farm_makes_the_same_livepatch() {
    let kernel = SmallKernel::new(SOURCES);
    let patch = kernel.patch("fix.patch", &[("mm/a.c", "x * 3", "x * 5")]);
    let here = kernel.pairs(&[&patch]).unwrap();
    let mut farm = SmallKernel::new(SOURCES);
    farm.launch_by(FARM);
    let patch = farm.patch("fix.patch", &[("mm/a.c", "x * 3", "x * 5")]);
    let there = farm.pairs(&[&patch]).unwrap();
    assert_eq!(here.units.len(), there.units.len());
    for (name, source) in [("foo", "mm/a.c"), ("bar", "fs/b.c")] {
        let [here, there] = [&here, &there].map(|pairs| {
            let unit = unit(pairs, source);
            [&unit.original, &unit.patched].map(|object| function(object, name))
        });
        assert_eq!(here, there, "{name}");
        assert_ne!(here[0], here[1], "{name}");
    }
}

#[test]
fn a_farm_does_not_hide_another_source() {
    let mut farm = SmallKernel::new(SOURCES);
    farm.launch_by(FARM);
    let text = fs::read_to_string(farm.path("source/mm/a.c")).unwrap();
    farm.write("source/mm/a.c", &text.replace("\"nop\"", "\"ud2\""));
    let patch = farm.patch("fix.patch", &[("mm/a.c", "x * 3", "x * 5")]);
    let said = farm.pairs(&[&patch]).map(|_| ()).unwrap_err();
    let start = "compiled without the patch, the object differs";
    assert!(said[0].reason.starts_with(start), "{said:?}");
}

#[test]
fn a_kernel_that_was_built_by_a_launcher() {
    let kernel = SmallKernel::new(SOURCES);
    let launcher = kernel.path("launch it");
    crate::shell::write_program(&launcher, "#!/bin/sh\nexec \"$@\"\n");
    for object in ["mm/a.o", "fs/b.o"] {
        let path = klp_gen::build::kbuild::path_of(Path::new(object));
        let path = kernel.path("build").join(path);
        let text = fs::read_to_string(&path).unwrap();
        let new = format!(" := '{}' {CC} ", launcher.display());
        let text = text.replacen(&format!(" := {CC} "), &new, 1);
        assert!(text.contains("launch it"), "{text}");
        fs::write(&path, text).unwrap();
    }
    let saved = Saved::open(&kernel.path("build"), Path::new("mm/a.o")).unwrap();
    assert_eq!(saved.compile().unwrap().program(), CC);
    let patch = kernel.patch("fix.patch", &[("mm/a.c", "x * 3", "x * 5")]);
    assert_eq!(kernel.pairs(&[&patch]).unwrap().units.len(), 2);
}
