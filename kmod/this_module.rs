// SPDX-License-Identifier: GPL-2.0

//! This module, as `THIS_MODULE` in C. Where `module!` declares it, as on 6.12, it is the same.

use kernel::{
    bindings,
    prelude::*,
    types::Opaque, //
};

/// The module that has this code.
pub(crate) static THIS_MODULE: ThisModule = {
    // Only its address is used, and by C.
    #[allow(improper_ctypes)]
    extern "C" {
        static __this_module: Opaque<bindings::module>;
    }

    // SAFETY: The kernel makes `__this_module` as it loads the module, and it stays as long as the
    // module.
    unsafe { ThisModule::from_ptr(__this_module.get()) }
};
