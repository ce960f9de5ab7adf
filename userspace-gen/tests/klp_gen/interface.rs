// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbol by which a livepatch says that it needs the rule: the module exports what klp-gen refers to.

use klp_gen::livepatch::KLP_SYMPOS;
use std::fs;
use std::path::Path;

#[test]
fn c_and_rust_have_one_version_of_the_rule() {
    let name = std::str::from_utf8(KLP_SYMPOS).unwrap();
    let version = name.strip_prefix("klp_sympos_v").unwrap();
    let kmod = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kmod");
    let read = |file| fs::read_to_string(kmod.join(file)).unwrap();
    let (c, header) = (read("klp_sympos_export.c"), read("klp_sympos_export.h"));
    let defined = format!("const unsigned int {name} = {version};\nEXPORT_SYMBOL_GPL({name});\n");
    assert!(c.contains(&defined), "{defined}");
    assert_eq!(c.matches("EXPORT_SYMBOL").count(), 1);
    let declared = format!("extern const unsigned int {name};");
    assert!(header.contains(&declared), "{declared}");
}
