// SPDX-License-Identifier: GPL-2.0

//! References to modules.
//!
//! C header: [`include/linux/module.h`](srctree/include/linux/module.h)

#![cfg(CONFIG_MODULE_UNLOAD)]

use crate::{
    bindings,
    ThisModule, //
};

/// A reference that keeps a module loaded, given back when it is dropped.
///
/// # Invariants
///
/// `try_module_get()` has succeeded on the pointer, which is a module or, for built-in code, null.
pub struct ModuleRef(*mut bindings::module);

impl ModuleRef {
    /// Takes a reference, unless the module is on its way out.
    pub fn try_get(module: &ThisModule) -> Option<Self> {
        let module = module.as_ptr();
        // SAFETY: A `ThisModule` is `THIS_MODULE` of some code: null where that is built in, which
        // `try_module_get()` takes, and otherwise the module of code that is still there to be
        // used.
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
