// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Descriptions of the rules by which kernels compare names.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use klp_policy::Policy;

/// Returns the kernels that follow a rule.
pub fn in_words(policy: Policy) -> &'static str {
    match policy {
        Policy::Llvm => "a kernel with klp_sympos",
        Policy::Exact => "a stock kernel before 5.16 without CFI, from 6.11 on, or without LTO",
        Policy::LlvmCut => "a stock kernel from 6.5 to 6.10, with LTO",
        Policy::DotCut => "a stock kernel from 5.16 to 6.4, with LTO",
    }
}

/// Returns a parser for the name of a rule.
pub fn parser() -> impl TypedValueParser<Value = Policy> {
    let names = Policy::ALL.map(|p| PossibleValue::new(p.as_str()).help(in_words(p)));
    PossibleValuesParser::new(names)
        .try_map(|name| name.parse::<Policy>().map_err(|e| e.to_string()))
}
