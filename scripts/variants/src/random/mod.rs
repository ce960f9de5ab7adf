// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatches with damage that nobody thought of: what the table does not have.
//!
//! A seed and the built livepatches tell all of it. What is damaged is what the module loader and the
//! livepatch core read ([`fields`]), and what they compare ([`words`]); not what the processor runs, which
//! nobody can predict.

pub mod fields;
pub mod words;

use crate::cases::{Base, Order};
use crate::derive::Deriver;
use crate::list::Listed;
use crate::module::Module;
use anyhow::{Context, Result};
use fastrand::Rng;
use klp_policy::Policy;

/// The livepatches that are damaged, and when `klp_twins` is loaded.
const BASES: [(Base, Order); 12] = [
    (Base::Symbol, Order::Without),
    (Base::Symbol, Order::First),
    (Base::Function, Order::Without),
    (Base::Patch, Order::First),
    (Base::Patch, Order::Later),
    (Base::Twins, Order::First),
    (Base::Needs, Order::Without),
    (Base::Example(Policy::Exact), Order::Without),
    (Base::Example(Policy::Llvm), Order::Without),
    (Base::Kernel("livepatch-sample"), Order::Without),
    (Base::Kernel("test_klp_atomic_replace"), Order::Without),
    (Base::Kernel("test_klp_livepatch"), Order::Without),
];

/// A damaged livepatch.
pub struct Mutant {
    /// The damage, in words.
    pub what: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// The entry for the guest.
    pub listed: Listed,
}

/// The mutants of a seed, without end.
pub struct Mutants<'s, 'f> {
    source: &'s Deriver<'f>,
    bases: Vec<(Base, Order, Vec<u8>)>,
    rng: Rng,
    count: usize,
}

impl<'s, 'f> Mutants<'s, 'f> {
    /// Reads what is damaged.
    ///
    /// # Errors
    ///
    /// A base was not built.
    pub fn new(source: &'s Deriver<'f>, seed: u64) -> Result<Self> {
        let open = |&(base, order): &(Base, Order)| {
            let data = source.base(base)?;
            let mut module = Module::parse(base.stem(), data)?;
            if base == Base::Function {
                module.function(0, "cmdline_proc_show", 0)?;
            }
            Ok((base, order, module.into_bytes()?))
        };
        Ok(Self {
            bases: BASES.iter().map(open).collect::<Result<_>>()?,
            source,
            rng: Rng::with_seed(seed),
            count: 0,
        })
    }

    fn mutant(&mut self) -> Result<Mutant> {
        let (base, order, original) = &self.bases[self.rng.usize(..self.bases.len())];
        let mut bytes = original.clone();
        let mut what = Vec::new();
        // Two defects show which one the kernel comes to first.
        for _ in 0..self.rng.usize(1..=2) {
            if self.rng.u8(..3) == 0 {
                // A header may be damaged already: then there are no words.
                let Ok(mut module) = Module::parse(base.stem(), bytes.clone()) else {
                    continue;
                };
                what.push(words::change(
                    &mut module,
                    &mut self.rng,
                    &self.source.names,
                )?);
                bytes = module.into_bytes()?;
            } else {
                what.push(fields::change(&mut bytes, &mut self.rng));
            }
        }
        self.count += 1;
        let name = format!("{:05}", self.count);
        let listed = self.source.listed(&name, *base, *order, &bytes);
        Ok(Mutant {
            what: format!("{} ({order:?}): {}", base.stem(), what.join("; ")),
            bytes,
            listed,
        })
    }
}

impl Iterator for Mutants<'_, '_> {
    type Item = Result<Mutant>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.count + 1;
        Some(self.mutant().with_context(|| format!("mutant {number}")))
    }
}
