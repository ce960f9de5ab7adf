// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Output for programs, held against the schemas in docs/schema.
//!
//! A schema allows fields that it does not name, since later versions may add some. The tests allow
//! none: what is printed today is documented today.

use crate::manual::commands;
use crate::shell::{documents, files, output};
use boon::{Compiler, Schemas};
use serde_json::{json, Value};
use std::collections::BTreeSet;
use std::fs;

/// Commands whose answers have, together, everything that a schema speaks of.
const RUNS: &[(&str, &[&str])] = &[
    (
        "symbols",
        &[
            "--vmlinux vmlinux --module net-mod.ko",
            "--kallsyms bpf.kallsyms --policy dot-cut",
            "--vmlinux vmlinux --quiet",
        ],
    ),
    (
        "resolve",
        &[
            "promoted init_once init_once,9 nosuch absent:x --vmlinux vmlinux",
            "'init_once.llvm.*,3' net_mod:handle --vmlinux vmlinux --module net-mod.ko",
        ],
    ),
    (
        "convert",
        &[
            "livepatch.ko -o new.ko --vmlinux vmlinux",
            "out.ko -o new.ko --vmlinux vmlinux",
            "ambiguous.ko -o new.ko --vmlinux vmlinux",
        ],
    ),
    (
        "check",
        &[
            "out.ko --vmlinux vmlinux",
            "out.ko --vmlinux vmlinux --policy exact",
            "livepatch.ko --vmlinux vmlinux",
            "refused.ko --vmlinux vmlinux",
            "twin.ko --vmlinux vmlinux",
            "twin.ko --kallsyms twin.kallsyms",
        ],
    ),
    (
        "audit",
        &["--vmlinux vmlinux", "--vmlinux vmlinux --vmlinux reduced/vmlinux"],
    ),
    (
        "collisions",
        &[
            "function.o strong.o weak.o local.o --linker-script foo.lds",
            "variable.o undefined.o",
            "function.o undefined.o --linker-script provide.lds",
            "function.o weak.o --reserve reserved.o -- clang-22",
        ],
    ),
    (
        "explain",
        &[
            "f.var.32.cold.llvm.9a.cold .klp.rela.net_mod.text",
            "switch.table.f __func__.f __const.f.x .str.7 .compoundliteral asan.module_ctor __cfi_f \
             anon.5b1a2b3c4d5e6f708192a3b4c5d6e7f8.4",
            "init_once init_once,9 '.klp.sym.vmlinux.init_once.llvm.*,2' absent:x --vmlinux vmlinux",
        ],
    ),
];

/// Forbids what a schema does not name.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// The values of each field that is an enumeration, as `field=value`.
fn values(schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        for (name, field) in fields {
            let values = field.get("enum").and_then(Value::as_array);
            found.extend(values.into_iter().flatten().map(|v| format!("{name}={v}")));
        }
    }
    match schema {
        Value::Object(fields) => fields.values().for_each(|v| values(v, found)),
        Value::Array(items) => items.iter().for_each(|v| values(v, found)),
        _ => {}
    }
}

/// The fields of an answer, as `field=value`.
fn fields(answer: &Value, found: &mut BTreeSet<String>) {
    match answer {
        Value::Object(object) => {
            found.extend(object.iter().map(|(name, v)| format!("{name}={v}")));
            object.values().for_each(|v| fields(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| fields(v, found)),
        _ => {}
    }
}

/// The schema of a command's answers.
pub fn schema(command: &str) -> Value {
    let path = documents().join(format!("schema/{command}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Returns an error unless an answer is as a schema says, and has nothing more.
pub fn valid(schema: &Value, answer: &Value) -> Result<(), String> {
    let mut closed = schema.clone();
    close(&mut closed);
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("schema.json", closed).unwrap();
    let index = compiler.compile("schema.json", &mut schemas).unwrap();
    schemas.validate(answer, index).map_err(|e| e.to_string())
}

#[test]
fn answers_are_as_the_schemas_say() {
    let files = files();
    crate::collisions::fill(files.directory.path());
    let twin = crate::livepatch::Livepatch::of("twin");
    files.write("twin.ko", &twin.build());
    let ambiguous = crate::livepatch::Livepatch::of("nosuch").call("init_once");
    files.write("ambiguous.ko", &ambiguous.build());
    files.write("twin.kallsyms", b"ffffffff81000000 t twin\n");
    for (command, runs) in RUNS {
        let schema = schema(command);
        let mut seen = BTreeSet::new();
        for run in *runs {
            let line = format!("klp-gen {command} --format json {run}");
            let printed = output(&files, &line).stdout;
            let answer: Value = serde_json::from_slice(&printed).expect(&line);
            fields(&answer, &mut seen);
            valid(&schema, &answer).unwrap_or_else(|e| panic!("{line}: {e}"));
        }
        // What the schema lists does occur. What `check` can be about is its own tests' concern.
        let mut listed = BTreeSet::new();
        values(&schema, &mut listed);
        listed.retain(|value| !value.starts_with("kind=") && !value.starts_with("by="));
        assert!(!listed.is_empty() || *command == "symbols");
        let never: Vec<_> = listed.difference(&seen).collect();
        assert!(never.is_empty(), "{command}: {never:?}");
    }
}

#[test]
fn every_command_that_prints_json_has_a_schema() {
    let files = files();
    let mut named = BTreeSet::new();
    for command in commands() {
        let help = output(&files, &format!("klp-gen {command} --help")).stdout;
        if String::from_utf8(help).unwrap().contains("--format") {
            named.insert(format!("{command}.json"));
        }
    }
    let there: BTreeSet<_> = fs::read_dir(documents().join("schema"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(named, there);
}

#[test]
fn refuses_json_that_differs_from_its_schema() {
    let schema = schema("resolve");
    let row = json!({
        "query": "foo", "status": "resolved", "object": "vmlinux", "address": "0x10", "name": "foo",
        "file": null, "candidates": []
    });
    assert_eq!(valid(&schema, &json!([row])), Ok(()));
    for (field, value) in [
        ("status", json!("found")),
        ("address", json!(16)),
        ("address", json!("16")),
        (
            "candidates",
            json!([{ "sympos": 0, "object": "vmlinux", "address": "0x1", "name": "foo", "file": null }]),
        ),
        ("new", json!(1)),
    ] {
        let mut row = row.clone();
        row[field] = value;
        assert!(valid(&schema, &json!([row])).is_err(), "{field}");
    }
    let mut less = row.clone();
    less.as_object_mut().unwrap().remove("name");
    assert!(valid(&schema, &json!([less])).is_err());
}
