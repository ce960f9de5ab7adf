// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen audit` on a kernel and on the same with few suffixes.

use crate::shell::{files, output, run};
use serde_json::{json, Value};

fn audit(arguments: &str) -> Value {
    let line = format!("klp-gen audit {arguments} --format json");
    serde_json::from_slice(&output(&files(), &line).stdout).unwrap()
}

fn names(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap()).collect()
}

fn rule<'a>(kernel: &'a Value, policy: &str) -> &'a Value {
    let rules = kernel["rules"].as_array().unwrap();
    &rules.iter().find(|r| r["policy"] == policy).unwrap()["repeats"]
}

#[test]
fn suffixes_by_kind() {
    let kernels = audit("--vmlinux vmlinux --vmlinux reduced/vmlinux");
    let of = |kernel: usize, kind: &str| {
        let all = kernels[kernel]["suffixed"].as_array().unwrap();
        all.iter().filter(|s| s["kind"] == kind).count()
    };
    let kinds = ["function", "variable", "string"];
    assert_eq!(kinds.map(|kind| of(0, kind)), [5, 2, 0]);
    assert_eq!(kinds.map(|kind| of(1, kind)), [2, 2, 1]);
    let cold = json!({
        "kind": "function", "name": "promoted.llvm.9a.cold", "clean": "promoted.cold",
        "address": "0xffffffff81000700",
    });
    assert!(kernels[0]["suffixed"].as_array().unwrap().contains(&cold));
}

#[test]
fn what_each_rule_makes_ambiguous() {
    let kernel = &audit("--vmlinux vmlinux")[0];
    assert_eq!(
        rule(kernel, "exact")[0],
        json!({"name": "init_once", "matches": 2})
    );
    assert_eq!(names(rule(kernel, "exact")), ["init_once", "mixed"]);
    assert_eq!(
        rule(kernel, "llvm")[0],
        json!({"name": "init_once", "matches": 4})
    );
    assert_eq!(
        names(rule(kernel, "llvm")),
        ["init_once", "mixed", "show.buffer", "twin"]
    );
    // The cold half is the function itself here.
    assert_eq!(
        names(rule(kernel, "llvm-cut")),
        ["init_once", "mixed", "promoted", "show.buffer", "twin"]
    );
    // And static locals are their functions, of which one has none.
    assert_eq!(
        names(rule(kernel, "dot-cut")),
        ["bump", "init_once", "mixed", "promoted", "show", "twin"]
    );
}

#[test]
fn names_to_be_careful_with() {
    let kernels = audit("--vmlinux vmlinux --vmlinux reduced/vmlinux");
    assert_eq!(kernels[0]["static_and_global"], json!([]));
    assert_eq!(kernels[0]["out_of_order"], json!([]));
    assert_eq!(kernels[0]["numbered"], json!([]));
    assert_eq!(kernels[1]["numbered"], json!(["init_once.7"]));
}

#[test]
fn a_kernel_with_names_to_be_careful_with() {
    use object::elf::{STB_GLOBAL, STB_LOCAL, STT_FUNC};
    let files = files();
    let mut kernel = crate::kernel::vmlinux();
    let text = crate::elf::Place::Section(0);
    let mut add = |name, bind, offset| {
        kernel.symbol(name, bind, STT_FUNC, text, crate::kernel::TEXT + offset, 8);
    };
    add("both", STB_LOCAL, 0x20);
    add("both", STB_GLOBAL, 0x28);
    add("backwards", STB_LOCAL, 0x38);
    add("backwards", STB_LOCAL, 0x30);
    files.write("vmlinux", &kernel.build());
    let line = "klp-gen audit --vmlinux vmlinux --format json";
    let kernel: Value = serde_json::from_slice(&output(&files, line).stdout).unwrap();
    assert_eq!(names(&kernel[0]["static_and_global"]), ["both"]);
    assert_eq!(names(&kernel[0]["out_of_order"]), ["backwards"]);
}

#[test]
fn data_that_a_compiler_named_is_nobodys_variable() {
    use object::elf::{STB_LOCAL, STT_OBJECT};
    let files = files();
    let mut kernel = crate::kernel::vmlinux();
    let rodata = crate::elf::Place::Section(1);
    let mut add = |name: &str, offset| {
        let address = crate::kernel::RODATA + 0x800 + offset;
        kernel.symbol(name, STB_LOCAL, STT_OBJECT, rodata, address, 8);
    };
    let made = ["__const.f.ops", "__func__.f", "switch.table.f"];
    for (at, name) in (0..).zip(made) {
        add(&format!("{name}.llvm.5"), 8 * at);
    }
    for (at, name) in (8..).zip(["f.var.7", "f.part.0", "f.__uniq.123", ".str.4"]) {
        add(name, 8 * at);
    }
    files.write("made", &kernel.build());
    let audit = |line: &str| -> Value {
        let line = format!("klp-gen audit --format json {line}");
        serde_json::from_slice(&output(&files, &line).stdout).unwrap()
    };
    let kernels = audit("--vmlinux vmlinux --vmlinux made");
    let rows = kernels[1]["suffixed"].as_array().unwrap();
    let constants = rows.iter().filter(|row| row["kind"] == "constant");
    let constants: Vec<_> = constants
        .map(|row| row["clean"].as_str().unwrap())
        .collect();
    assert_eq!(constants, made);
    assert_eq!(kernels[1]["changes"]["suffix_gained"], json!([]));
    // A pass counts its copies, and a file's number is in all of its names.
    assert_eq!(kernels[1]["numbered"], json!(["f.var.7"]));
    let (_, table) = run(&files, "klp-gen audit --vmlinux made");
    assert!(
        table.lines().any(|l| l == "        3    constants"),
        "{table}"
    );
    assert!(!table.contains("switch.table"), "{table}");
}

#[test]
fn what_is_in_front_of_a_function_is_no_function() {
    use object::elf::{STB_LOCAL, STT_FUNC};
    let files = files();
    let mut kernel = crate::kernel::vmlinux();
    let text = crate::elf::Place::Section(0);
    let mut add = |name, offset| {
        kernel.symbol(
            name,
            STB_LOCAL,
            STT_FUNC,
            text,
            crate::kernel::TEXT + offset,
            8,
        );
    };
    for (name, at) in [("__cfi_fresh.llvm.5", 0x20), ("fresh.llvm.5", 0x30)] {
        add(name, at);
    }
    for (name, at) in [
        ("__pfx_old.4", 0x38),
        ("old.4", 0x40),
        ("__cfi_init_once", 0x48),
    ] {
        add(name, at);
    }
    add("__cfi_init_once", 0x50);
    files.write("padded", &kernel.build());
    let line = "klp-gen audit --format json --vmlinux vmlinux --vmlinux padded";
    let kernels: Value = serde_json::from_slice(&output(&files, line).stdout).unwrap();
    let rows = kernels[1]["suffixed"].as_array().unwrap();
    let prefixes = rows.iter().filter(|row| row["kind"] == "prefix");
    let prefixes: Vec<_> = prefixes.map(|row| row["clean"].as_str().unwrap()).collect();
    assert_eq!(prefixes, ["__cfi_fresh"]);
    assert_eq!(kernels[1]["numbered"], json!(["old.4"]));
    let changes = &kernels[1]["changes"];
    assert_eq!(changes["suffix_gained"], json!(["fresh"]));
    assert_eq!(changes["matches_changed"], json!([]));
    let (_, table) = run(&files, "klp-gen audit --vmlinux padded");
    assert!(
        table.lines().any(|l| l == "        1    prefixes"),
        "{table}"
    );
}

#[test]
fn what_changed_from_one_kernel_to_the_next() {
    let kernels = audit("--vmlinux vmlinux --vmlinux reduced/vmlinux");
    assert_eq!(kernels[0]["changes"], Value::Null);
    assert_eq!(
        kernels[1]["changes"],
        json!({
            "suffix_lost": ["promoted", "promoted.cold", "vermagic"],
            "suffix_gained": ["table"],
            "hash_changed": ["init_once", "twin"],
            "matches_changed": [{"name": "init_once", "before": 4, "after": 3}],
        })
    );
    let back = audit("--vmlinux reduced/vmlinux --vmlinux vmlinux");
    assert_eq!(back[1]["changes"]["suffix_lost"], json!(["table"]));
    let same = audit("--vmlinux vmlinux --vmlinux vmlinux");
    let none = json!({
        "suffix_lost": [], "suffix_gained": [], "hash_changed": [], "matches_changed": []
    });
    assert_eq!(same[1]["changes"], none);
}

#[test]
fn tables_have_the_figures_side_by_side() {
    let files = files();
    let (status, table) = run(
        &files,
        "klp-gen audit --vmlinux vmlinux --vmlinux reduced/vmlinux",
    );
    assert_eq!(status, Some(0));
    for line in [
        "        5        2    functions",
        "        0        1    strings",
        "suffix lost: promoted promoted.cold vermagic",
        "other number of matches: init_once (4 -> 3)",
    ] {
        assert!(table.lines().any(|l| l == line), "{line}\n{table}");
    }
}

#[test]
fn a_page_has_everything_in_it() {
    let files = files();
    let mut kernel = crate::kernel::vmlinux();
    kernel.symbols[0].name = "</script><b>".to_owned();
    files.write("vmlinux", &kernel.build());
    let line = "klp-gen audit --vmlinux vmlinux --format";
    let page = String::from_utf8(output(&files, &format!("{line} html")).stdout).unwrap();
    // Nothing is loaded, and no name ends the data.
    assert!(!page.contains("http") && !page.contains("src="));
    assert!(!page.contains("</script><b>"));
    let start = page.split_once("id=\"data\">").unwrap().1;
    let data: Value = serde_json::from_str(start.split_once("</script>").unwrap().0).unwrap();
    let json: Value =
        serde_json::from_slice(&output(&files, &format!("{line} json")).stdout).unwrap();
    assert_eq!(data, json);
}

#[test]
fn what_cannot_be_audited_is_named() {
    let files = files();
    for (arguments, expected) in [
        ("--vmlinux absent", "absent"),
        (
            "--vmlinux net-mod.ko",
            "net-mod.ko: expected a linked kernel image",
        ),
        (
            "--vmlinux vmlinux --vmlinux vmlinux --vmlinux vmlinux",
            "expected one --vmlinux, or two to compare, found 3",
        ),
    ] {
        let (status, text) = run(&files, &format!("klp-gen audit {arguments}"));
        assert_eq!(status, Some(2), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}
