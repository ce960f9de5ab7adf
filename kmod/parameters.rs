// SPDX-License-Identifier: GPL-2.0

//! The parameters of the module. `klp_sympos_export.c` declares them: `module!` of Linux 6.12 has
//! none.

extern "C" {
    static klp_sympos_livepatch: bool;
    static klp_sympos_tracers: bool;
}

/// Returns whether symbols are looked up for livepatches.
pub(crate) fn livepatch() -> bool {
    // SAFETY: It is a `bool` of this module's C file, to which nobody writes any more when the
    // module is initialised: `__ro_after_init`, mode 0444.
    unsafe { klp_sympos_livepatch }
}

/// Returns whether names that no symbol has are looked up for tracers.
pub(crate) fn tracers() -> bool {
    // SAFETY: As above.
    unsafe { klp_sympos_tracers }
}
