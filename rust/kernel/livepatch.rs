// SPDX-License-Identifier: GPL-2.0

//! Livepatch.
//!
//! C header: [`include/linux/livepatch.h`](srctree/include/linux/livepatch.h)

use crate::{
    alloc::{flags::GFP_KERNEL, KBox},
    bindings,
    error::{to_result, Result},
    ffi::{c_char, c_int, c_ulong},
    str::CStr,
};
use core::marker::PhantomData;

/// Looks symbols up for the livepatch core.
pub trait Resolver: 'static {
    /// Finds the address of the symbol `name` of the module `objname`, or of vmlinux if that is
    /// `None`: of the only one if `sympos` is 0, else of the `sympos`'th.
    ///
    /// May sleep. Called with `klp_mutex` held when an object is patched, and without it when a
    /// livepatch is relocated as it loads.
    ///
    /// # Errors
    ///
    /// Any error refuses the livepatch. Whoever returns it logs why.
    fn find_object_symbol(objname: Option<&CStr>, name: &CStr, sympos: usize) -> Result<usize>;
}

/// The registration of a [`Resolver`], undone when it is dropped.
///
/// # Invariants
///
/// `ops` is registered with `klp_register_resolver()`.
pub struct ResolverRegistration<T: Resolver> {
    // A box, and not a promoted constant, which need not have one address only.
    ops: KBox<bindings::klp_resolver>,
    _type: PhantomData<T>,
}

// SAFETY: The registration may be undone from any thread; there is nothing else to do with it.
unsafe impl<T: Resolver> Send for ResolverRegistration<T> {}

// SAFETY: A shared registration gives access to nothing.
unsafe impl<T: Resolver> Sync for ResolverRegistration<T> {}

impl<T: Resolver> ResolverRegistration<T> {
    /// Registers `T`.
    ///
    /// # Errors
    ///
    /// `EBUSY` if there is a resolver already, `ENOMEM`.
    pub fn new() -> Result<Self> {
        let ops = KBox::new(
            bindings::klp_resolver {
                find_object_symbol: Some(Self::find_object_symbol_callback),
            },
            GFP_KERNEL,
        )?;
        // SAFETY: `ops` stays where it is until `drop()` has unregistered it. The code that it
        // points to stays as long: the module that owns `T` drops the registration before it goes.
        to_result(unsafe { bindings::klp_register_resolver(&*ops) })?;
        // INVARIANT: It was just registered.
        Ok(Self {
            ops,
            _type: PhantomData,
        })
    }

    unsafe extern "C" fn find_object_symbol_callback(
        objname: *const c_char,
        name: *const c_char,
        sympos: c_ulong,
        addr: *mut c_ulong,
    ) -> c_int {
        // SAFETY: `objname` is null or a C string that lives for this call.
        let objname = (!objname.is_null()).then(|| unsafe { CStr::from_char_ptr(objname) });
        // SAFETY: `name` is a C string that lives for this call.
        let name = unsafe { CStr::from_char_ptr(name) };
        let (address, ret) = match T::find_object_symbol(objname, name, sympos) {
            Ok(address) => (address, 0),
            Err(error) => (0, error.to_errno()),
        };
        // SAFETY: The caller passes a pointer that it owns.
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
