// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The variants, as data: what is changed in which livepatch, and whether a kernel should take it.
//!
//! The last is only the author's opinion, and guards against a generator that changes nothing. What is
//! held to the kernel is the prediction of `klp-gen check`.

mod files;
mod functions;
mod layout;
mod objects;
mod positions;
mod relocations;
mod symbols;
mod variant;

pub use variant::{Base, Edit, Expected, Order, Variant};

/// All variants. Those that taint the kernel so that it stops to check its locks are the last.
pub fn all() -> impl Iterator<Item = &'static Variant> {
    TABLES.iter().copied().flatten()
}

/// The number of variants.
pub const COUNT: usize = {
    let (mut count, mut table) = (0, 0);
    while table < TABLES.len() {
        count += TABLES[table].len();
        table += 1;
    }
    count
};

const TABLES: [&[Variant]; 7] = [
    positions::VARIANTS,
    symbols::VARIANTS,
    relocations::VARIANTS,
    functions::VARIANTS,
    objects::VARIANTS,
    layout::VARIANTS,
    files::VARIANTS,
];
