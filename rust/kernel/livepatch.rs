// SPDX-License-Identifier: GPL-2.0

//! Livepatch.
//!
//! C header: [`include/linux/livepatch.h`](srctree/include/linux/livepatch.h)

#![cfg(CONFIG_LIVEPATCH)]

use crate::{
    alloc::{
        flags::GFP_KERNEL,
        KBox, //
    },
    bindings,
    error::{
        to_result,
        Result, //
    },
    ffi::{
        c_char,
        c_int,
        c_ulong, //
    },
    ThisModule, //
};
use core::{
    ffi::CStr,
    marker::PhantomData, //
};

/// A symbol that a [`Resolver`] found.
pub struct Found {
    /// The address.
    pub address: usize,
    /// Says whether the livepatch core, left alone, finds the same symbol.
    ///
    /// If it does not, the livepatch keeps the resolver's module loaded until it is unloaded
    /// itself, or fails to load: the core looks names up again.
    pub by_core: bool,
}

/// Looks symbols up for the livepatch core.
pub trait Resolver: 'static {
    /// Finds the symbol `name` of the module `objname`, or of vmlinux if that is `None`: the only
    /// one if `sympos` is 0, else the `sympos`'th.
    ///
    /// May sleep. Called with `klp_mutex` held when an object is patched, and without it when a
    /// livepatch is relocated as it loads.
    ///
    /// # Errors
    ///
    /// Any error refuses the livepatch. Whoever returns it logs why.
    fn find_object_symbol(objname: Option<&CStr>, name: &CStr, sympos: usize) -> Result<Found>;
}

/// The registration of a [`Resolver`], undone when it is dropped.
///
/// # Invariants
///
/// `ops` is registered with `klp_register_resolver()`.
pub struct ResolverRegistration<T: Resolver> {
    // A box, and not a promoted constant, which need not have one address only.
    ops: KBox<bindings::klp_resolver>,
    _type: PhantomData<fn() -> T>,
}

// SAFETY: A resolver may be unregistered from any thread. `ops`, with its pointer to a module, is
// not used for anything else.
unsafe impl<T: Resolver> Send for ResolverRegistration<T> {}

// SAFETY: There is nothing to be done with a shared registration.
unsafe impl<T: Resolver> Sync for ResolverRegistration<T> {}

impl<T: Resolver> ResolverRegistration<T> {
    /// Registers `T`. Fails with `EBUSY` if there is a resolver already, or with `ENOMEM`.
    ///
    /// # Safety
    ///
    /// `module` must be the module that has the code of `T`. The registration must be dropped
    /// before the module's memory is freed; it must not be forgotten.
    pub unsafe fn new(module: &'static ThisModule) -> Result<Self> {
        let ops = KBox::new(
            bindings::klp_resolver {
                owner: module.as_ptr(),
                find_object_symbol: Some(Self::find_object_symbol_callback),
            },
            GFP_KERNEL,
        )?;
        // SAFETY: `ops` stays where it is until `drop()` has unregistered it, and by the safety
        // requirements so do the code that it points to and its owner.
        to_result(unsafe { bindings::klp_register_resolver(&*ops) })?;
        // INVARIANT: It was just registered.
        Ok(Self {
            ops,
            _type: PhantomData,
        })
    }

    /// # Safety
    ///
    /// `objname` must be null or a C string, `name` a C string, and `addr` valid for writes.
    unsafe extern "C" fn find_object_symbol_callback(
        objname: *const c_char,
        name: *const c_char,
        sympos: c_ulong,
        addr: *mut c_ulong,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let objname = (!objname.is_null()).then(|| unsafe { CStr::from_ptr(objname.cast()) });
        // SAFETY: By the safety requirements.
        let name = unsafe { CStr::from_ptr(name.cast()) };
        let (address, ret) = match T::find_object_symbol(objname, name, sympos) {
            Ok(found) => (found.address, (!found.by_core).into()),
            Err(error) => (0, error.to_errno()),
        };
        // SAFETY: By the safety requirements.
        unsafe { *addr = address };
        ret
    }
}

impl<T: Resolver> Drop for ResolverRegistration<T> {
    fn drop(&mut self) {
        // SAFETY: `ops` is registered by the type invariant. On return no lookup is in
        // `find_object_symbol_callback` any more: each runs in an SRCU read-side critical section,
        // and that is what unregistering waits for.
        unsafe { bindings::klp_unregister_resolver(&*self.ops) };
    }
}
