// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The linker and the compiler make the same objects of bitcode.

use super::affected::SOURCES;
use super::small_kernel::SmallKernel;
use klp_gen::build::backends::{Backend, Backends, Wanted};
use klp_gen::build::compile::Compiler;
use klp_gen::build::kbuild::Saved;
use klp_gen::build::progress::Silent;
use klp_gen::build::thin_link::{Replaced, ThinLink};
use std::fs;
use std::path::Path;

#[test]
fn the_linker_and_the_compiler_agree() {
    let kernel = SmallKernel::new(SOURCES);
    let build = kernel.open();
    let link = ThinLink::vmlinux(&build).unwrap();
    let paths: Vec<_> = link.bitcode().collect();
    assert_eq!(paths, ["mm/a.o", "fs/b.o", "fs/c.o"].map(Path::new));
    let saved: Vec<_> = paths
        .iter()
        .map(|path| Saved::open(build.directory(), path).unwrap())
        .collect();
    let replaced = Replaced::new();
    let index = kernel.path("index");
    link.index(&build, &replaced, &index).unwrap();
    let wanted = paths.iter().zip(&saved);
    let wanted: Vec<_> = wanted
        .map(|(kbuild_path, saved)| Wanted { kbuild_path, saved })
        .collect();
    assert_eq!(
        Backend::of(&build, &link, &saved[0]).unwrap(),
        Backend::Compiler
    );
    let objects = [Backend::Linker, Backend::Compiler].map(|backend| {
        let to = kernel.path(&format!("{backend:?}"));
        let compiler = Compiler::default();
        let backends = Backends {
            kernel: &build,
            link: &link,
            compiler: &compiler,
            jobs: 2,
            backend,
        };
        let objects = backends
            .compile(&wanted, &replaced, &index, &to, &Silent)
            .unwrap();
        objects
            .iter()
            .map(|object| fs::read(object).unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(objects[0], objects[1]);
    // Only one of three: the linker counts the objects that it makes.
    let to = kernel.path("one");
    let one = link
        .backends(&build, &replaced, &[Path::new("fs/b.o")], 1, &to)
        .unwrap();
    assert_eq!(fs::read(&one[0]).unwrap(), objects[0][1]);
}

#[test]
fn a_name_that_is_part_of_another() {
    let kernel = SmallKernel::new(&[
        ("mm/slab.c", "", "int slab(void)\n{\n\treturn 1;\n}\n"),
        (
            "arch/mm/slab.c",
            "",
            "int arch_slab(void)\n{\n\treturn 2;\n}\n",
        ),
    ]);
    let build = kernel.open();
    let link = ThinLink::vmlinux(&build).unwrap();
    let wanted = [Path::new("mm/slab.o")];
    let objects = link
        .backends(&build, &Replaced::new(), &wanted, 1, &kernel.path("to"))
        .unwrap();
    let [object] = &objects[..] else {
        panic!("{objects:?}")
    };
    super::small_kernel::function(object, "slab");
}
