// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The index of a file: the decisions of the thin link about the file.
//!
//! A `.thinlto.bc` lists the file's own symbols, with their linkage, and the symbols that it imports from other files.
//! It also has the hashes of these other files, so that the index of most files near a patched file differs.
//! [`Index::difference`] ignores the hashes.

mod dump;
mod text;

use std::collections::{BTreeMap, HashMap, HashSet};

/// The decisions of the thin link about a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Index {
    symbols: BTreeMap<u64, Symbol>,
    rest: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Symbol {
    /// The file that has the definition, if the index names it.
    file: Option<String>,
    /// The summary, with each number of this index replaced by its meaning.
    summary: String,
}

/// The reason for which a file has to be compiled again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The file imports a symbol, and the definition of the symbol changed.
    Import {
        /// The symbol.
        guid: u64,
        /// The file.
        file: String,
    },
    /// The thin link decided otherwise about a symbol.
    Decision {
        /// The symbol; nothing if the decision is about the whole file.
        guid: Option<u64>,
    },
}

impl Index {
    /// Returns the first reason for which the code of `own` may differ between two versions of its index.
    ///
    /// `changed` has the symbols with changed definitions, by file.
    #[must_use]
    pub fn difference(
        &self,
        new: &Self,
        own: &str,
        changed: &HashMap<String, HashSet<u64>>,
    ) -> Option<Difference> {
        for (guid, symbol) in self.symbols.iter().chain(&new.symbols) {
            let file = symbol.file.as_deref().filter(|file| *file != own);
            if let Some(file) =
                file.filter(|file| changed.get(*file).is_some_and(|c| c.contains(guid)))
            {
                return Some(Difference::Import {
                    guid: *guid,
                    file: file.to_owned(),
                });
            }
        }
        let guids = self.symbols.keys().chain(new.symbols.keys());
        let mut differing = guids.filter(|guid| self.symbols.get(guid) != new.symbols.get(guid));
        // A symbol of the file itself says most.
        let is_own = |guid: &&u64| {
            let symbol = new.symbols.get(guid).or_else(|| self.symbols.get(guid));
            symbol.is_some_and(|symbol| symbol.file.as_deref() == Some(own))
        };
        let first = differing.clone().find(is_own).or_else(|| differing.next());
        if let Some(guid) = first {
            return Some(Difference::Decision { guid: Some(*guid) });
        }
        (self.rest != new.rest).then_some(Difference::Decision { guid: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
^0 = module: (path: \"./a.o\", hash: (1, 2, 3, 4, 5))
^1 = module: (path: \"./b.o\", hash: (6, 7, 8, 9, 0))
^2 = gv: (guid: 10, summaries: (function: (module: ^1, flags: (linkage: internal), insts: 2, calls: ((callee: ^3)))))
^3 = gv: (guid: 11, summaries: (function: (module: ^0, flags: (linkage: external), insts: 5)))
^4 = flags: 8
^5 = blockcount: 7
";

    /// The same of another tool.
    const DUMP: &str = "\
<MODULE_BLOCK NumWords=168 BlockCodeSize=3>
  <MODULE_STRTAB_BLOCK NumWords=26 BlockCodeSize=3>
    <ENTRY abbrevid=5 op0=0 op1=46 op2=47 op3=97 op4=46 op5=111/> record string = './a.o'
    <HASH abbrevid=7 op0=1 op1=2 op2=3 op3=4 op4=5/>
    <ENTRY abbrevid=5 op0=1 op1=46 op2=47 op3=98 op4=46 op5=111/> record string = './b.o'
    <HASH abbrevid=7 op0=6 op1=7 op2=8 op3=9 op4=0/>
  </MODULE_STRTAB_BLOCK>
  <GLOBALVAL_SUMMARY_BLOCK NumWords=136 BlockCodeSize=4>
    <VERSION op0=14/>
    <FLAGS op0=8/>
    <VALUE_GUID abbrevid=4 op0=2 op1=0 op2=10/>
    <VALUE_GUID abbrevid=4 op0=3 op1=0 op2=11/>
    <COMBINED_PROFILE abbrevid=5 op0=2 op1=1 op2=67 op3=2 op4=0 op5=0 op6=1 op7=0 op8=0 op9=3 op10=3 op11=1/>
    <COMBINED_PROFILE abbrevid=5 op0=3 op1=0 op2=64 op3=5 op4=0 op5=0 op6=0 op7=0 op8=0/>
    <BLOCK_COUNT op0=7/>
";

    #[derive(Clone, Copy)]
    enum Form {
        Text,
        Dump,
    }
    use Form::{Dump, Text};

    fn difference(form: Form, edits: &[(&str, &str)], changed: &[u64]) -> Option<Difference> {
        let old = match form {
            Text => TEXT,
            Dump => DUMP,
        };
        let mut new = old.to_owned();
        for (from, to) in edits {
            assert!(new.contains(from), "{from}");
            new = new.replace(from, to);
        }
        let rename = |path: &str| path.replace("/t/", "./");
        let [old, new] = [old, &new].map(|text| match form {
            Text => Index::from_text(text.as_bytes(), rename),
            Dump => Index::from_dump(text.as_bytes(), rename),
        });
        let changed = HashMap::from([("./a.o".to_owned(), changed.iter().copied().collect())]);
        old.difference(&new, "./b.o", &changed)
    }

    #[test]
    fn hashes_and_numbers_are_no_difference() {
        assert_eq!(
            difference(Text, &[("(1, 2,", "(9, 9,"), ("./a.o", "/t/a.o")], &[]),
            None
        );
        assert_eq!(difference(Text, &[("^3", "^9")], &[12]), None);
        let edits = [("blockcount: 7", "blockcount: 8")];
        assert_eq!(difference(Text, &edits, &[]), None);

        let edits = [
            ("op0=1 op1=2 op2=3", "op0=9 op1=9 op2=9"),
            ("op1=46 op2=47 op3=97", "op1=47 op2=116 op3=47 op3=97"),
        ];
        assert_eq!(difference(Dump, &edits, &[]), None);
        let edits = [
            ("op0=3", "op0=9"),
            ("op9=3 op10=3 op11=1", "op9=9 op10=9 op11=1"),
        ];
        assert_eq!(difference(Dump, &edits, &[12]), None);
        let edits = [("BLOCK_COUNT op0=7", "BLOCK_COUNT op0=8")];
        assert_eq!(difference(Dump, &edits, &[]), None);
    }

    #[test]
    fn imports_are_compared() {
        let import = Difference::Import {
            guid: 11,
            file: "./a.o".to_owned(),
        };
        for form in [Text, Dump] {
            assert_eq!(difference(form, &[], &[11]), Some(import.clone()));
            // The file's own definition is not imported.
            assert_eq!(difference(form, &[], &[10]), None);
        }
    }

    #[test]
    fn decisions_of_the_link_are_compared() {
        let own = Some(Difference::Decision { guid: Some(10) });
        let other = Some(Difference::Decision { guid: Some(11) });
        let whole = Some(Difference::Decision { guid: None });
        let decided = |form, from, to| difference(form, &[(from, to)], &[]);
        assert_eq!(decided(Text, "linkage: internal", "linkage: external"), own);
        assert_eq!(decided(Text, "insts: 5", "insts: 6"), other);
        assert_eq!(decided(Text, "flags: 8", "flags: 9"), whole);
        assert_eq!(decided(Dump, "op2=67", "op2=64"), own);
        assert_eq!(decided(Dump, "op3=5 op4=0", "op3=6 op4=0"), other);
        assert_eq!(decided(Dump, "FLAGS op0=8", "FLAGS op0=9"), whole);
        // The callee is another one, the call is hotter.
        assert_eq!(decided(Dump, "op10=3", "op10=2"), own);
        assert_eq!(decided(Dump, "op11=1", "op11=3"), own);
    }
}
