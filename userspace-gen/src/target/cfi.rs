// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernel's check of indirect calls: `CONFIG_CFI_CLANG` on x86-64.

use super::Target;
use object::elf;

/// The symbol at the beginning of `.cfi_sites` in a vmlinux with `CONFIG_FINEIBT`.
const SITES: &[u8] = b"__cfi_sites";

/// The preamble of the function that calls the init function of a module.
const PREAMBLE: &[u8] = b"__cfi_do_one_initcall";

/// The requirements of the kernel for a function that it calls by a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallCheck {
    /// The type of the function is in front of its code.
    Type,
    /// The type of the function is in front of its code, and `.cfi_sites` lists the place of the type. With
    /// `CONFIG_FINEIBT` the kernel rewrites its own types at boot, and the types of a module when the
    /// module is loaded (`__apply_fineibt()` in arch/x86/kernel/alternative.c).
    ListedType,
}

impl Target<'_> {
    /// Returns the requirements of the kernel for a function that it calls by a pointer; nothing if there
    /// are none, or if the files do not tell.
    #[must_use]
    pub fn call_check(&self) -> Option<CallCheck> {
        let (machine, _) = self.machine()?;
        let vmlinux = self.objects().iter().find(|o| o.name.is_vmlinux())?;
        let has = |name| vmlinux.symbols.by_name(name).is_some();
        if machine != elf::EM_X86_64 {
            None
        } else if has(SITES) {
            Some(CallCheck::ListedType)
        } else {
            has(PREAMBLE).then_some(CallCheck::Type)
        }
    }
}
