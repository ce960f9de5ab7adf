// SPDX-License-Identifier: GPL-2.0

//! References to modules.
//!
//! C header: [`include/linux/module.h`](srctree/include/linux/module.h)

use crate::{bindings, ThisModule};

/// A reference that keeps a module loaded, given back when it is dropped.
///
/// # Invariants
///
/// The pointer is a module on which `try_module_get()` has succeeded.
pub struct ModuleRef(*mut bindings::module);

impl ModuleRef {
    /// Takes a reference, unless the module is on its way out.
    pub fn try_get(module: &ThisModule) -> Option<Self> {
        let module = module.as_ptr();
        // SAFETY: A `ThisModule` is a module that exists, since the caller's code is in it.
        let taken = unsafe { bindings::try_module_get(module) };
        // INVARIANT: It succeeded.
        taken.then_some(Self(module))
    }
}

impl Drop for ModuleRef {
    fn drop(&mut self) {
        // SAFETY: By the type invariant there is a reference to give back.
        unsafe { bindings::module_put(self.0) };
    }
}
