// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The text of /proc/kallsyms.

use klp_gen::kallsyms::text;
use klp_gen::symbols::{ObjectView, SymbolTable};
use klp_policy::{resolve_in_index, resolve_in_sequence, Policy, Query, SymbolName, Sympos};

/// The number of symbols of a table that are looked up.
const ASKED: usize = 32;

/// Reads a text. Both ways to resolve its names must give the same answers.
pub fn run(data: &[u8]) {
    let Ok(kernel) = text::read("kallsyms", data) else {
        return;
    };
    resolve(&kernel.vmlinux);
    for (_, symbols) in &kernel.modules {
        resolve(symbols);
    }
}

fn resolve(symbols: &SymbolTable<'_>) {
    let live = ObjectView::live(symbols);
    for policy in Policy::ALL {
        for (entry, position) in symbols.live(policy).take(ASKED) {
            assert!((1..=position.matches).contains(&position.sympos));
            let cleaned: Vec<u8> = policy.clean(entry.name.0).bytes().collect();
            let any = Query::Any(SymbolName(&cleaned));
            for query in [Query::new(entry.name.0), Query::new(&cleaned), any] {
                for sympos in [0, 1, position.sympos, position.matches, u32::MAX] {
                    let sympos = Sympos(sympos.into());
                    let in_index = resolve_in_index(&live, policy, &query, sympos);
                    let in_sequence = resolve_in_sequence(&live, policy, &query, sympos);
                    assert_eq!(in_index, in_sequence, "{policy} {query:?} {sympos}");
                }
            }
            // What is printed as the position is found at that position.
            if policy == Policy::Llvm {
                let sympos = Sympos(position.sympos.into());
                let found = resolve_in_index(&live, policy, &any, sympos).map(|f| f.seq);
                let found = found.ok().and_then(|seq| symbols.get(seq));
                assert_eq!(found, Some(entry));
            }
        }
    }
}
