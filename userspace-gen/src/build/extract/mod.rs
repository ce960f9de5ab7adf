// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Takes the functions of a livepatch out of the patched object files.
//!
//! A changed function is taken together with its entries of special sections, and with all new functions
//! and variables that it uses. A function or variable of the running kernel becomes an undefined symbol,
//! which `klp-gen convert` resolves; [`symbol_names`] makes the name of this symbol. [`body`] is the resulting
//! object file.
//!
//! `replace` begins with the changed functions, `take` takes them and what they use, and `link` makes the relocations
//! of what was taken, with `tables`, `constants`, `existing` and `lock_names` for what they refer to.
//!
//! If a changed function calls another changed function, the call goes to the new code directly: a task
//! that runs the caller is patched. If a changed function takes the address of another changed function,
//! the address is that of the original. So pointers before and after are equal, and stay valid without the
//! livepatch. A call by such a pointer gets to the new code by ftrace.

pub mod body;
mod constants;
mod existing;
mod extraction;
mod extractor;
mod link;
mod lock_names;
mod replace;
pub mod symbol_names;
mod tables;
mod take;

pub use extraction::{Addition, Extraction, Inputs, Replacement};

use super::compare::Changes;
use extractor::Extractor;
use object::read::ReadRef;
use std::collections::HashSet;

/// Takes the changed functions out of the patched files.
#[must_use]
pub fn extract<'d, R: ReadRef<'d>>(
    inputs: &Inputs<'_, '_, 'd, R>,
    changes: &Changes,
) -> Extraction {
    let functions = changes.functions.iter();
    let to_take: HashSet<_> = functions.map(|f| (f.unit, f.patched)).collect();
    let mut extractor = Extractor::new(inputs, to_take);
    extractor.expect_no_move();
    for function in &changes.functions {
        extractor.replace(*function);
    }
    while let Some((unit, id)) = extractor.queue.pop_front() {
        extractor.fill(unit, id);
    }
    extractor.result
}
