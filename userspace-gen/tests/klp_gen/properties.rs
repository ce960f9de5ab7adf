// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Properties that hold for every livepatch.

use crate::convert::run;
use crate::livepatch::Livepatch;
use klp_gen::elf::{ElfFile, Place};
use klp_gen::livepatch::rela_sections;
use klp_policy::Policy;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;

/// References that mean one symbol.
const GOOD: &[&str] = &[
    "table",
    "promoted",
    "twin",
    "show.buffer",
    "bump.cnt_1",
    "_printk",
    ".klp.sym.vmlinux.init_once,1",
    ".klp.sym.vmlinux.init_once,2",
    ".klp.sym.vmlinux.init_once.llvm.*,1",
    ".klp.sym.vmlinux.init_once.llvm.*,4",
    ".klp.sym.vmlinux.twin.llvm.*,2",
    ".klp.sym.vmlinux.promoted.cold,0",
];

const FUNCTIONS: &[(&str, u64)] = &[
    ("cmdline_proc_show", 0),
    ("promoted", 0),
    ("twin", 1),
    ("init_once", 2),
    ("init_once.llvm.*", 1),
    ("alias_a", 0),
];

fn livepatch() -> impl Strategy<Value = Livepatch> {
    let functions = vec(select(FUNCTIONS), 1..4);
    let references = vec(select(GOOD), 0..10);
    (functions, references).prop_map(|(mut functions, references)| {
        functions.sort_unstable();
        functions.dedup();
        let livepatch = Livepatch::replacing(&[(None, &functions)]);
        references.into_iter().fold(livepatch, Livepatch::call)
    })
}

/// Every relocation of a file as what it changes and what it means, counted.
fn relocations(bytes: &[u8]) -> BTreeMap<(String, u64, u32, i64), usize> {
    let elf = ElfFile::parse("file".to_owned(), bytes).unwrap();
    let mut counted = BTreeMap::new();
    for rela in rela_sections(&elf).unwrap() {
        let target = String::from_utf8_lossy(rela.target.name).into_owned();
        for r in rela.relocations() {
            *counted
                .entry((target.clone(), r.offset, r.kind, r.addend))
                .or_default() += 1;
        }
    }
    counted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn convert_then_check_is_clean_and_deterministic(livepatch in livepatch()) {
        for policy in [Policy::Llvm, Policy::Exact] {
            // convert() itself checks; a refusal would be an error here.
            let once = run(&livepatch, policy).unwrap();
            prop_assert_eq!(once.report.refusals().count(), 0);
            let again = run(&livepatch, policy).unwrap();
            prop_assert_eq!(&once.bytes, &again.bytes);
        }
    }

    #[test]
    fn no_relocation_is_lost(livepatch in livepatch()) {
        let before = livepatch.build();
        let after = run(&livepatch, Policy::Llvm).unwrap().bytes;
        prop_assert_eq!(relocations(&before), relocations(&after));
        let elf = ElfFile::parse("out".to_owned(), &after[..]).unwrap();
        for rela in rela_sections(&elf).unwrap() {
            for relocation in rela.relocations() {
                let symbol = elf.symbol(relocation.symbol).unwrap();
                let by_livepatch = symbol.place == Place::Livepatch;
                prop_assert_eq!(by_livepatch, rela.section.is_livepatch_rela());
            }
        }
    }
}
