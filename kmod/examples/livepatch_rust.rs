// SPDX-License-Identifier: GPL-2.0

//! `livepatch_rust` - a livepatch in Rust
//!
//! `mode_show()` of `kernel/reboot.c` prints `/sys/kernel/reboot/mode`. The replacement prints the
//! type of a reboot there, and what taints the kernel. Both functions are static and named by their
//! file, since others have the same name; the variable is one that `ThinLTO` promoted.

use core::{
    mem::zeroed,
    sync::atomic::{
        AtomicUsize,
        Ordering, //
    }, //
};
use kernel::{
    bindings,
    error::to_result,
    ffi::{
        c_char,
        c_int, //
    },
    prelude::*,
    types::Opaque, //
};

// klp-gen adds `livepatch=Y` to this, which `module!` cannot say.
module! {
    type: Livepatch,
    name: "livepatch_rust",
    description: "klp_sympos example: a livepatch in Rust",
    license: "GPL",
}

// Of `__this_module` only the address is used.
#[allow(improper_ctypes)]
extern "C" {
    // What KLP_SYMFILE(vmlinux, type_show, "kernel/reboot.c") is in C.
    #[link_name = ".klp.sym.vmlinux.type_show,kernel/reboot.c"]
    fn type_show(
        kobj: *mut bindings::kobject,
        attr: *mut bindings::kobj_attribute,
        buf: *mut c_char,
    ) -> isize;

    // kernel/panic.c: static, promoted, and the only one of its name. set_bit() changes it while it
    // is read, which the type has to allow.
    static tainted_mask: AtomicUsize;

    // This module, as `THIS_MODULE` in C.
    static __this_module: Opaque<bindings::module>;
}

/// Replaces `mode_show()`.
///
/// # Safety
///
/// As sysfs calls the original: `buf` must be a page that can be written to.
unsafe extern "C" fn livepatch_mode_show(
    kobj: *mut bindings::kobject,
    attr: *mut bindings::kobj_attribute,
    buf: *mut c_char,
) -> isize {
    // SAFETY: It is declared as in kernel/reboot.c, and uses nothing but `buf`, which is a page by
    // the safety requirements.
    let len = unsafe { type_show(kobj, attr, buf) };
    // SAFETY: It is an unsigned long there, and livepatch relocations have been applied before any
    // of this runs.
    let tainted = unsafe { &tainted_mask }.load(Ordering::Relaxed);
    // SAFETY: `buf` is a page by the safety requirements; `%lu` takes a `usize`.
    let more = unsafe {
        bindings::sysfs_emit_at(
            buf,
            len as c_int,
            c"livepatched in Rust, tainted %lu\n".as_ptr().cast(),
            tainted,
        )
    };
    len + more as isize
}

/// A table that the livepatch core gets, and writes to.
#[repr(transparent)]
struct Registered<T>(Opaque<T>);

// SAFETY: Nothing is done here with what is in it, and the livepatch core, in C, has its own locks.
unsafe impl<T> Sync for Registered<T> {}

// SAFETY: All members may be zero: numbers, pointers, optional functions, and structures of these.
const NO_FUNC: bindings::klp_func = unsafe { zeroed() };
// SAFETY: As for `NO_FUNC`.
const NO_OBJECT: bindings::klp_object = unsafe { zeroed() };
// SAFETY: As for `NO_FUNC`.
const NO_PATCH: bindings::klp_patch = unsafe { zeroed() };

static FUNCS: Registered<[bindings::klp_func; 2]> = Registered(Opaque::new([
    bindings::klp_func {
        old_name: c"mode_show,kernel/reboot.c".as_ptr().cast(),
        new_func: livepatch_mode_show as *mut _,
        ..NO_FUNC
    },
    NO_FUNC,
]));

static OBJS: Registered<[bindings::klp_object; 2]> = Registered(Opaque::new([
    bindings::klp_object {
        // `name` being null means vmlinux.
        funcs: FUNCS.0.get().cast(),
        ..NO_OBJECT
    },
    NO_OBJECT,
]));

static PATCH: Registered<bindings::klp_patch> = Registered(Opaque::new(bindings::klp_patch {
    // SAFETY: Only the address is taken.
    mod_: unsafe { __this_module.get() },
    objs: OBJS.0.get().cast(),
    ..NO_PATCH
}));

/// Dropping it undoes nothing: the core holds the module until the livepatch has been disabled.
struct Livepatch;

impl kernel::Module for Livepatch {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: `PATCH` and what it points to stay as long as the module, both arrays end with an
        // empty entry, and `livepatch_mode_show()` has the signature of what it replaces.
        to_result(unsafe { bindings::klp_enable_patch(PATCH.0.get()) })?;
        Ok(Self)
    }
}
