// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The order of /proc/kallsyms: `compare_symbols()` in scripts/kallsyms.c, applied to `nm -n`.

use std::cmp::Ordering;

/// The key by which two symbols are compared.
#[derive(Clone, Copy, Debug)]
pub struct SortKey<'a> {
    /// The address.
    pub address: u64,
    /// The letter in kallsyms.
    pub letter: u8,
    /// The name.
    pub name: &'a [u8],
    /// The size that the symbol table gives.
    pub size: u64,
    /// The index in the symbol table.
    pub index: usize,
}

/// Compares two symbols.
#[must_use]
pub fn compare(a: &SortKey<'_>, b: &SortKey<'_>) -> Ordering {
    a.address
        .cmp(&b.address)
        .then_with(|| is_weak(a.letter).cmp(&is_weak(b.letter)))
        .then_with(|| is_linker_made(a.name).cmp(&is_linker_made(b.name)))
        .then_with(|| underscores(a.name).cmp(&underscores(b.name)))
        // The rest is the order of the lines that scripts/kallsyms reads, the output of
        // `nm -n`: by name, and for llvm-nm then by size (operator< in llvm-nm.cpp).
        .then_with(|| a.name.cmp(b.name))
        .then_with(|| a.size.cmp(&b.size))
        .then_with(|| a.index.cmp(&b.index))
}

fn is_weak(letter: u8) -> bool {
    letter.eq_ignore_ascii_case(&b'w')
}

/// `may_be_linker_script_provide_symbol()`
fn is_linker_made(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"__") else {
        return false;
    };
    name.len() >= 8
        && (rest.starts_with(b"start_")
            || rest.starts_with(b"stop_")
            || rest.starts_with(b"end_")
            || name.ends_with(b"_start")
            || name.ends_with(b"_end"))
}

fn underscores(name: &[u8]) -> usize {
    name.iter().take_while(|&&b| b == b'_').count()
}
