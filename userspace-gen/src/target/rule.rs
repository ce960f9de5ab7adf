// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Which rule a kernel applies to the symbols of which object.

use klp_policy::{ObjName, Policy};

/// The rule by which a kernel that follows `policy` compares the symbols of an object.
///
/// Kernels that cut names cut those of the image only: `cleanup_symbol_name()` is static in
/// kernel/kallsyms.c. A module's are compared as they are: `klp_find_callback()` in
/// kernel/livepatch/core.c, `__find_kallsyms_symbol_value()` in kernel/module/kallsyms.c.
#[must_use]
pub fn rule_of(policy: Policy, objname: ObjName<'_>) -> Policy {
    match policy {
        Policy::LlvmCut | Policy::DotCut if !objname.is_vmlinux() => Policy::Exact,
        policy => policy,
    }
}
