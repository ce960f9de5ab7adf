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
};
use core::{
    ffi::CStr,
    fmt,
    marker::PhantomData,
    mem::MaybeUninit,
    ops::{
        ControlFlow,
        Range, //
    },
    ptr::{
        self,
        addr_of_mut, //
    },
    slice, //
};

/// Bytes of a symbol name with its terminating NUL.
pub const KSYM_NAME_LEN: usize = bindings::KSYM_NAME_LEN as usize;

/// Returns the number of symbols of vmlinux.
pub fn symbol_count() -> u32 {
    // SAFETY: There is nothing that it requires.
    unsafe { bindings::kallsyms_symbol_count() }
}

/// Returns the places of the symbols of vmlinux that are called `name`, as [`with_sorted_symbol()`]
/// counts. If there is none, the range is empty and begins where they would be.
pub fn places(name: &CStr) -> Range<u32> {
    let (mut first, mut last) = (0, 0);
    // SAFETY: `name` is a C string, and the numbers are valid for writes.
    let found =
        unsafe { bindings::kallsyms_lookup_names(name.as_ptr().cast(), &mut first, &mut last) };
    first..if found == 0 { last + 1 } else { first }
}

/// Hands a symbol of vmlinux to `take`: its name, its address, and its position in
/// `/proc/kallsyms`.
///
/// `index` counts from 0, in the order in which names are sorted; symbols of one name are in the
/// order of `/proc/kallsyms`. Nothing is handed out if there is no such place. Neither sleeps nor
/// takes a lock.
pub fn with_sorted_symbol<R>(index: u32, take: impl FnOnce(&CStr, usize, u32) -> R) -> Option<R> {
    let mut name = MaybeUninit::<[c_char; KSYM_NAME_LEN]>::uninit();
    let (mut address, mut seq) = (0, 0);
    // SAFETY: `name` has `KSYM_NAME_LEN` bytes, and the numbers are valid for writes.
    let found = unsafe {
        bindings::kallsyms_sorted_symbol(index, name.as_mut_ptr().cast(), &mut address, &mut seq)
    };
    found.then(|| {
        // SAFETY: There is such a symbol, so the name was written, with its NUL.
        let name = unsafe { CStr::from_ptr(name.as_ptr().cast()) };
        take(name, address, seq)
    })
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
            Self::One(name) => name.as_ptr().cast(),
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
    let name = unsafe { CStr::from_ptr(name.cast()) };
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

/// Walks the symbols of modules whose names begin with `prefix`, until `visit` breaks.
///
/// `visit` gets the name of the module, that of the symbol, and the address, in an RCU read-side
/// critical section. May be called in any context and takes no lock; a module that comes or goes
/// meanwhile may be missed.
pub fn module_on_each_prefix_symbol<F>(modules: Modules<'_>, prefix: &CStr, mut visit: F)
where
    F: FnMut(&CStr, &CStr, usize) -> ControlFlow<()>,
{
    /// # Safety
    ///
    /// `data` must be an `F` that nobody else uses during the call, the names C strings.
    unsafe extern "C" fn callback<F>(
        data: *mut c_void,
        module: *const c_char,
        name: *const c_char,
        addr: c_ulong,
    ) -> c_int
    where
        F: FnMut(&CStr, &CStr, usize) -> ControlFlow<()>,
    {
        // SAFETY: By the safety requirements.
        let visit = unsafe { &mut *data.cast::<F>() };
        // SAFETY: By the safety requirements.
        let (module, name) =
            unsafe { (CStr::from_ptr(module.cast()), CStr::from_ptr(name.cast())) };
        visit(module, name, addr).is_break().into()
    }

    // SAFETY: The module's name is a C string or null, `prefix` is one.
    // `module_kallsyms_on_each_prefix_symbol()` calls `callback` with `visit`, which is an `F` and
    // not used otherwise before it returns, and with C strings.
    unsafe {
        bindings::module_kallsyms_on_each_prefix_symbol(
            modules.as_char_ptr(),
            prefix.as_ptr().cast(),
            Some(callback::<F>),
            addr_of_mut!(visit).cast(),
        )
    };
}

/// The objects whose symbols somebody looks for.
#[derive(Clone, Copy)]
pub enum Objects<'a> {
    /// The kernel and all modules. A name of the form `module:name` is one of that module.
    All,
    /// The kernel without its modules.
    Vmlinux,
    /// One module.
    Module(&'a CStr),
}

/// A symbol that somebody looks for by its name; see `struct kallsyms_query`.
///
/// # Invariants
///
/// The pointers of the C query are what its fields say, and valid for `'a`.
pub struct Wanted<'a>(&'a bindings::kallsyms_query);

impl<'a> Wanted<'a> {
    /// Returns the objects of which one has the symbol.
    pub fn objects(&self) -> Objects<'a> {
        let modname = self.0.modname;
        if !modname.is_null() {
            // SAFETY: By the type invariant it is null or a C string.
            Objects::Module(unsafe { CStr::from_ptr(modname.cast()) })
        } else if self.0.vmlinux {
            Objects::Vmlinux
        } else {
            Objects::All
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &'a CStr {
        // SAFETY: By the type invariant it is a C string.
        unsafe { CStr::from_ptr(self.0.name.cast()) }
    }

    /// Returns whether the symbol at `address` is of any use to whoever looks for it.
    pub fn usable(&self, address: usize) -> bool {
        match self.0.usable {
            // SAFETY: By the type invariant it may be called with any address.
            Some(usable) => unsafe { usable(address) != 0 },
            None => true,
        }
    }

    /// Returns the place that the name has or would have among those of vmlinux, as
    /// [`with_sorted_symbol()`] counts, if whoever asks knows it.
    pub fn place(&self) -> Option<u32> {
        self.0.place.try_into().ok()
    }
}

/// The symbols that a name without a symbol may stand for.
#[derive(Clone, Copy)]
pub enum Matches {
    /// There are none.
    None,
    /// There is exactly one, at this address.
    One(usize),
    /// There are several.
    Several,
}

/// A second try for names that no symbol has.
///
/// Code that is called in an RCU read-side critical section must not sleep. No type keeps an
/// implementation from it.
pub trait Fallback: 'static {
    /// Counts the usable symbols that the name may stand for, though none of them has exactly this
    /// name. If a usable symbol has exactly this name, there are none.
    ///
    /// Called in any context, also by kdb with the machine stopped: it must not sleep, take a lock,
    /// or print. It is in an RCU read-side critical section.
    fn matches(wanted: &Wanted<'_>) -> Matches;

    /// Makes of the name of a symbol the name that it has in the source, in place, and returns how
    /// long that is.
    ///
    /// Called as [`Self::matches()`] is.
    fn cleanup(name: &mut [u8]) -> usize;

    /// Says which usable symbols the name may stand for if it was `refused`, or else which ones a
    /// symbol of exactly this name was preferred to. Writes nothing if there is nothing to say.
    ///
    /// Called in process context; may sleep.
    ///
    /// # Errors
    ///
    /// Fails if there is no room for more. What was written in whole lines is used.
    fn explain(wanted: &Wanted<'_>, refused: bool, to: &mut dyn fmt::Write) -> fmt::Result;
}

/// Text in a buffer of the caller's.
struct Text<'a> {
    buf: &'a mut [u8],
    len: usize,
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let room = self.buf.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
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
                cleanup: Some(Self::cleanup_callback),
                explain: Some(Self::explain_callback),
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
    /// `query` must be valid for reads during the call, with pointers that are what `struct
    /// kallsyms_query` says, and `addr` valid for writes.
    unsafe extern "C" fn match_callback(
        query: *const bindings::kallsyms_query,
        addr: *mut c_ulong,
    ) -> c_uint {
        // SAFETY: By the safety requirements. INVARIANT: Likewise.
        match T::matches(&Wanted(unsafe { &*query })) {
            Matches::None => 0,
            Matches::One(address) => {
                // SAFETY: By the safety requirements.
                unsafe { *addr = address };
                1
            }
            Matches::Several => 2,
        }
    }

    /// # Safety
    ///
    /// `name` must be a C string that nobody else uses during the call, and valid for writes.
    unsafe extern "C" fn cleanup_callback(name: *mut c_char) {
        // SAFETY: By the safety requirements.
        let len = unsafe { CStr::from_ptr(name.cast()) }.to_bytes().len();
        // SAFETY: By the safety requirements; the string has so many bytes and a NUL.
        let bytes = unsafe { slice::from_raw_parts_mut(name.cast::<u8>(), len) };
        let cleaned = T::cleanup(bytes).min(len);
        // SAFETY: That is within the string, or its NUL.
        unsafe { *name.add(cleaned) = 0 };
    }

    /// # Safety
    ///
    /// `query` must be as for [`Self::match_callback()`], and `buf` must have `size` bytes that
    /// nobody else uses during the call, at least one.
    unsafe extern "C" fn explain_callback(
        query: *const bindings::kallsyms_query,
        refused: bool,
        buf: *mut c_char,
        size: usize,
    ) -> usize {
        // SAFETY: By the safety requirements.
        unsafe { ptr::write_bytes(buf, 0, size) };
        // SAFETY: By the safety requirements, and it was just initialized. The last byte stays NUL.
        let buf = unsafe { slice::from_raw_parts_mut(buf.cast::<u8>(), size - 1) };
        let mut text = Text { buf, len: 0 };
        // SAFETY: By the safety requirements. INVARIANT: Likewise.
        let all = T::explain(&Wanted(unsafe { &*query }), refused, &mut text);
        let Text { buf, len } = text;
        if all.is_ok() {
            return len;
        }
        let lines = buf[..len].iter().rposition(|&b| b == b'\n');
        let lines = lines.map_or(0, |newline| newline + 1);
        buf[lines..].fill(0);
        lines
    }
}

impl<T: Fallback> Drop for FallbackRegistration<T> {
    fn drop(&mut self) {
        // SAFETY: `ops` is registered by the type invariant. On return no CPU is in one of the
        // callbacks any more: they are in an RCU read-side critical section or hold the mutex of
        // registrations, and that is what unregistering waits for.
        unsafe { bindings::unregister_kallsyms_fallback(&*self.ops) };
    }
}
