// SPDX-License-Identifier: GPL-2.0

//! Kernel symbols.
//!
//! C headers: [`include/linux/kallsyms.h`](srctree/include/linux/kallsyms.h),
//! [`include/linux/module.h`](srctree/include/linux/module.h)

#![cfg(all(CONFIG_KALLSYMS, CONFIG_MODULES))]

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
        c_uint,
        c_ulong,
        c_void, //
    },
    str::CStr, //
};
use core::{
    marker::PhantomData,
    ops::ControlFlow,
    ptr::addr_of_mut, //
};

/// Bytes of a symbol name with its terminating NUL.
pub const KSYM_NAME_LEN: usize = bindings::KSYM_NAME_LEN as usize;

/// Walks the symbols of vmlinux whose names begin with `prefix`, until `visit` breaks.
///
/// `visit` gets the name, the address, and the position in `/proc/kallsyms`. The names come sorted,
/// so a symbol of exactly this name is the first. Neither sleeps nor takes a lock.
pub fn on_each_prefix_symbol<F>(prefix: &CStr, mut visit: F)
where
    F: FnMut(&CStr, usize, u32) -> ControlFlow<()>,
{
    /// # Safety
    ///
    /// `data` must be an `F` that nobody else uses during the call, `name` a C string.
    unsafe extern "C" fn callback<F>(
        data: *mut c_void,
        name: *const c_char,
        addr: c_ulong,
        seq: c_uint,
    ) -> c_int
    where
        F: FnMut(&CStr, usize, u32) -> ControlFlow<()>,
    {
        // SAFETY: By the safety requirements.
        let visit = unsafe { &mut *data.cast::<F>() };
        // SAFETY: By the safety requirements.
        let name = unsafe { CStr::from_char_ptr(name) };
        visit(name, addr, seq).is_break().into()
    }

    // SAFETY: `prefix` is a C string. `kallsyms_on_each_prefix_symbol()` calls `callback` with
    // `visit`, which is an `F` and not used otherwise before it returns, and with C strings.
    unsafe {
        bindings::kallsyms_on_each_prefix_symbol(
            Some(callback::<F>),
            prefix.as_char_ptr(),
            addr_of_mut!(visit).cast(),
        )
    };
}

/// Whose symbols a walk over modules visits.
#[derive(Clone, Copy)]
pub enum Modules<'a> {
    /// Those of all modules.
    All,
    /// Those of one module.
    One(&'a CStr),
}

impl Modules<'_> {
    fn as_char_ptr(self) -> *const c_char {
        match self {
            Self::All => core::ptr::null(),
            Self::One(name) => name.as_char_ptr(),
        }
    }
}

/// # Safety
///
/// `data` must be an `F` that nobody else uses during the call, `name` a C string.
unsafe extern "C" fn module_callback<F>(
    data: *mut c_void,
    name: *const c_char,
    addr: c_ulong,
) -> c_int
where
    F: FnMut(&CStr, usize) -> ControlFlow<()>,
{
    // SAFETY: By the safety requirements.
    let visit = unsafe { &mut *data.cast::<F>() };
    // SAFETY: By the safety requirements.
    let name = unsafe { CStr::from_char_ptr(name) };
    visit(name, addr).is_break().into()
}

/// Walks the symbols of modules in the order of their symbol tables, until `visit` breaks.
///
/// `visit` gets the name and the address. Takes `module_mutex`, so it may sleep.
pub fn module_on_each_symbol<F>(modules: Modules<'_>, mut visit: F)
where
    F: FnMut(&CStr, usize) -> ControlFlow<()>,
{
    // SAFETY: The module's name is a C string or null. `module_kallsyms_on_each_symbol()` calls
    // `module_callback` with `visit`, which is an `F` and not used otherwise before it returns, and
    // with C strings.
    unsafe {
        bindings::module_kallsyms_on_each_symbol(
            modules.as_char_ptr(),
            Some(module_callback::<F>),
            addr_of_mut!(visit).cast(),
        )
    };
}

/// Walks the symbols of modules as [`module_on_each_symbol()`] does, but in any context.
///
/// Takes no lock, and `visit` runs with preemption disabled. A module that comes or goes meanwhile
/// may be missed.
pub fn module_on_each_symbol_atomic<F>(modules: Modules<'_>, mut visit: F)
where
    F: FnMut(&CStr, usize) -> ControlFlow<()>,
{
    // SAFETY: As in `module_on_each_symbol()`, and the same holds for
    // `module_kallsyms_on_each_symbol_atomic()`.
    unsafe {
        bindings::module_kallsyms_on_each_symbol_atomic(
            modules.as_char_ptr(),
            Some(module_callback::<F>),
            addr_of_mut!(visit).cast(),
        )
    };
}

/// The symbols that a name without a symbol may stand for.
#[derive(Clone, Copy)]
pub enum Matches {
    /// There is exactly one, at this address.
    One(usize),
    /// There are none, or several.
    Count(u32),
}

/// A second try for names that no symbol has.
pub trait Fallback: 'static {
    /// Counts the symbols that `name` may stand for.
    ///
    /// With a `modname`, only those of that module; without, a name of the form `module:name` means
    /// that module, and any other name vmlinux and all modules. If there is a symbol of exactly
    /// this name, there is nothing else that it may stand for.
    ///
    /// Called in any context, also by kdb with the machine stopped: it must not sleep, take a lock,
    /// or print.
    fn matches(modname: Option<&CStr>, name: &CStr) -> Matches;

    /// Logs what [`Self::matches()`] counted, because it was more than one.
    ///
    /// Called in process context with preemption disabled: it must not sleep.
    fn log_ambiguous(modname: Option<&CStr>, name: &CStr);
}

/// The registration of a [`Fallback`], undone when it is dropped.
///
/// # Invariants
///
/// `ops` is registered with `register_kallsyms_fallback()`.
pub struct FallbackRegistration<T: Fallback> {
    // A box, and not a promoted constant, which need not have one address only.
    ops: KBox<bindings::kallsyms_fallback>,
    _type: PhantomData<fn() -> T>,
}

impl<T: Fallback> FallbackRegistration<T> {
    /// Registers `T`. Fails with `EBUSY` if there is a fallback already, or with `ENOMEM`.
    ///
    /// # Safety
    ///
    /// If the code of `T` is part of a module, the registration must be dropped before the module's
    /// memory is freed; it must not be forgotten.
    pub unsafe fn new() -> Result<Self> {
        let ops = KBox::new(
            bindings::kallsyms_fallback {
                match_: Some(Self::match_callback),
                ambiguous: Some(Self::ambiguous_callback),
            },
            GFP_KERNEL,
        )?;
        // SAFETY: `ops` stays where it is until `drop()` has unregistered it, and by the safety
        // requirements so does the code that it points to.
        to_result(unsafe { bindings::register_kallsyms_fallback(&*ops) })?;
        // INVARIANT: It was just registered.
        Ok(Self {
            ops,
            _type: PhantomData,
        })
    }

    /// # Safety
    ///
    /// `modname` must be null or a C string, `name` a C string, and `addr` valid for writes.
    unsafe extern "C" fn match_callback(
        modname: *const c_char,
        name: *const c_char,
        addr: *mut c_ulong,
    ) -> c_uint {
        // SAFETY: By the safety requirements.
        let modname = (!modname.is_null()).then(|| unsafe { CStr::from_char_ptr(modname) });
        // SAFETY: By the safety requirements.
        let name = unsafe { CStr::from_char_ptr(name) };
        match T::matches(modname, name) {
            Matches::One(address) => {
                // SAFETY: By the safety requirements.
                unsafe { *addr = address };
                1
            }
            Matches::Count(count) => count,
        }
    }

    /// # Safety
    ///
    /// `modname` must be null or a C string, and `name` a C string.
    unsafe extern "C" fn ambiguous_callback(modname: *const c_char, name: *const c_char) {
        // SAFETY: By the safety requirements.
        let modname = (!modname.is_null()).then(|| unsafe { CStr::from_char_ptr(modname) });
        // SAFETY: By the safety requirements.
        T::log_ambiguous(modname, unsafe { CStr::from_char_ptr(name) });
    }
}

impl<T: Fallback> Drop for FallbackRegistration<T> {
    fn drop(&mut self) {
        // SAFETY: `ops` is registered by the type invariant. On return no CPU is in
        // `match_callback` any more: it runs with preemption disabled, and that is what
        // unregistering waits for.
        unsafe { bindings::unregister_kallsyms_fallback(&*self.ops) };
    }
}
