// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A variant: a livepatch that is derived from a built one.

use crate::module::Module;
use crate::names::Names;
use anyhow::Result;
use klp_gen::release::Release;
use klp_policy::Policy;
use serde::{Deserialize, Serialize};

/// The change that makes a variant of its base.
pub type Edit = fn(&mut Module, &Names) -> Result<()>;

/// A livepatch that is derived from a built one.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Its name.
    pub name: &'static str,
    /// The source that it is derived from.
    pub base: Base,
    /// The verdict that a kernel should give.
    pub expected: Expected,
    /// When `klp_twins` is loaded.
    pub order: Order,
    /// The change.
    pub edit: Edit,
}

/// A built livepatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// One symbol, which the parameter `where` shows, and no function: `variant_symbol`.
    Symbol,
    /// One function and no symbol: `refused_unknown`.
    Function,
    /// Functions of vmlinux and of `klp_twins`, and a symbol of each: `variant_patch`.
    Patch,
    /// One function of `klp_twins`: `livepatch_twins`.
    Twins,
    /// A livepatch of a name that no linker keeps: `needs_klp_sympos`.
    Needs,
    /// The example, converted for a kernel of this rule.
    Example(Policy),
    /// One that the kernel brings.
    Kernel(&'static str),
}

impl Base {
    /// The name of its file without `.ko`.
    #[must_use]
    pub const fn stem(self) -> &'static str {
        match self {
            Self::Symbol => "variant_symbol",
            Self::Function => "refused_unknown",
            Self::Patch => "variant_patch",
            Self::Twins => "livepatch_twins",
            Self::Needs => "needs_klp_sympos",
            Self::Example(_) => "livepatch_ldiscs",
            Self::Kernel(stem) => stem,
        }
    }

    /// The rule that it is converted for, if it has anything to convert.
    #[must_use]
    pub const fn policy(self) -> Option<Policy> {
        match self {
            Self::Symbol | Self::Patch => Some(Policy::Exact),
            Self::Needs => Some(Policy::Llvm),
            Self::Example(policy) => Some(policy),
            Self::Function | Self::Twins | Self::Kernel(_) => None,
        }
    }
}

/// The author's expectation of a kernel's verdict.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// It takes it.
    Taken,
    /// It refuses it.
    Refused,
    /// It takes it with `klp_sympos`.
    TakenWithModule,
    /// It takes it with `klp_sympos`, or if its linker kept the names of what was promoted.
    TakenIfKept,
    /// It takes it if its release is such a one.
    TakenBy(fn(&Release) -> bool),
}

/// When `klp_twins` is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Never.
    Without,
    /// Before the livepatch, which is refused if anything about it is wrong.
    First,
    /// After the livepatch: then it is `klp_twins` that is refused.
    Later,
}

impl Variant {
    pub(super) const fn with(self, order: Order) -> Self {
        Self { order, ..self }
    }
}

const fn variant(name: &'static str, base: Base, expected: Expected, edit: Edit) -> Variant {
    Variant {
        name,
        base,
        expected,
        order: Order::Without,
        edit,
    }
}

/// One that a kernel should take.
pub(super) const fn good(name: &'static str, base: Base, edit: Edit) -> Variant {
    variant(name, base, Expected::Taken, edit)
}

/// One that a kernel should refuse.
pub(super) const fn bad(name: &'static str, base: Base, edit: Edit) -> Variant {
    variant(name, base, Expected::Refused, edit)
}

/// One that a kernel should take if its release is such a one.
pub(super) const fn by(
    name: &'static str,
    base: Base,
    takes: fn(&Release) -> bool,
    edit: Edit,
) -> Variant {
    variant(name, base, Expected::TakenBy(takes), edit)
}

/// One that a kernel should take if it has `klp_sympos`.
pub(super) const fn helped(name: &'static str, base: Base, edit: Edit) -> Variant {
    variant(name, base, Expected::TakenWithModule, edit)
}

/// The same, or if promoted symbols kept their names.
pub(super) const fn kept(name: &'static str, base: Base, edit: Edit) -> Variant {
    variant(name, base, Expected::TakenIfKept, edit)
}
