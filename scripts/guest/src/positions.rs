// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Counts positions by nothing but reading symbols in their order.

use std::collections::HashMap;

use klp_policy::cleanup_symbol_name;

use crate::kallsyms::KallsymsLine;

/// A symbol with its position among those of the same object that have the same cleaned name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positioned<'a> {
    /// The symbol.
    pub symbol: KallsymsLine<'a>,
    /// Its cleaned name.
    pub clean: String,
    /// Its position, from 1.
    pub position: usize,
    /// The number of symbols.
    pub matches: usize,
}

/// Counts the positions of `symbols`, which are in the order of /proc/kallsyms.
pub fn of<'a>(symbols: &[KallsymsLine<'a>]) -> Vec<Positioned<'a>> {
    let mut matches = HashMap::new();
    let mut positioned = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        let clean = cleanup_symbol_name(symbol.name.as_bytes()).to_string();
        let position = matches.entry((symbol.object, clean.clone())).or_insert(0);
        *position += 1;
        positioned.push(Positioned {
            symbol: *symbol,
            clean,
            position: *position,
            matches: 0,
        });
    }
    for entry in &mut positioned {
        entry.matches = matches[&(entry.symbol.object, entry.clean.clone())];
    }
    positioned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_within_their_object() {
        let lines = ["1 t f", "2 t f.llvm.12", "3 t f\t[m]", "4 t f.part\t[m]"];
        let symbols = lines.map(|line| KallsymsLine::parse(line).unwrap());
        let counted: Vec<_> = of(&symbols)
            .into_iter()
            .map(|entry| (entry.clean, entry.position, entry.matches))
            .collect();
        assert_eq!(
            counted,
            [
                ("f".to_owned(), 1, 2),
                ("f".to_owned(), 2, 2),
                ("f".to_owned(), 1, 1),
                ("f.part".to_owned(), 1, 1)
            ]
        );
    }
}
