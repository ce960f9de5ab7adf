// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The rule that a kernel applies to the symbols of an object.

use klp_policy::{ObjName, Policy};

/// Returns the rule by which a kernel that follows `policy` compares the symbols of an object.
///
/// Kernels that cut names only cut the names of the image: `cleanup_symbol_name()` is static in
/// kernel/kallsyms.c. The names of a module are compared unchanged: `klp_find_callback()` in
/// kernel/livepatch/core.c, `__find_kallsyms_symbol_value()` in kernel/module/kallsyms.c.
#[must_use]
pub fn rule_of(policy: Policy, objname: ObjName<'_>) -> Policy {
    match policy {
        Policy::LlvmCut | Policy::DotCut if !objname.is_vmlinux() => Policy::Exact,
        policy => policy,
    }
}
