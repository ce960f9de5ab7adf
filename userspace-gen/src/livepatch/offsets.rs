// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The offsets of fields in the structs of a livepatch, as they are in every kernel with 64 bits.

/// `struct klp_patch` (include/linux/livepatch.h).
pub(super) mod klp_patch {
    pub const MOD: u64 = 0;
    pub const OBJS: u64 = 8;
    pub const STATES: u64 = 16;
    pub const REPLACE: u64 = 24;
    /// `list`, the first of the kernel's own fields.
    pub const LIST: u64 = 32;
}

/// `struct klp_object` (include/linux/livepatch.h).
pub(super) mod klp_object {
    pub const NAME: u64 = 0;
    pub const FUNCS: u64 = 8;
    /// `callbacks`, a `struct klp_callbacks`: `pre_patch`, `post_patch`, `pre_unpatch` and `post_unpatch`.
    pub const CALLBACKS: [u64; 4] = [16, 24, 32, 40];
    /// `callbacks.post_unpatch_enabled`, the first of the kernel's own fields.
    pub const POST_UNPATCH_ENABLED: u64 = 48;
}

/// `struct klp_func` (include/linux/livepatch.h).
pub(super) mod klp_func {
    pub const OLD_NAME: u64 = 0;
    pub const NEW_FUNC: u64 = 8;
    pub const OLD_SYMPOS: u64 = 16;
    /// `old_func`, the first of the kernel's own fields.
    pub const OLD_FUNC: u64 = 24;
}

/// `struct klp_state` (include/linux/livepatch.h).
pub(super) mod klp_state {
    pub const ID: u64 = 0;
    pub const VERSION: u64 = 8;
    pub const SIZE: u64 = 24;
}

/// `struct klp_object_ext` of klp-build (`include/linux/livepatch_external.h`).
pub(super) mod klp_object_ext {
    pub const NAME: u64 = 0;
    pub const FUNCS: u64 = 8;
    /// `callbacks`, as in a `klp_object`.
    pub const CALLBACKS: [u64; 4] = super::klp_object::CALLBACKS;
    pub const NR_FUNCS: u64 = 56;
    pub const SIZE: u64 = 64;
}

/// `struct klp_func_ext` of klp-build (`include/linux/livepatch_external.h`).
pub(super) mod klp_func_ext {
    pub const OLD_NAME: u64 = 0;
    pub const NEW_FUNC: u64 = 8;
    pub const SYMPOS: u64 = 16;
    pub const SIZE: u64 = 24;
}

/// `struct kpatch_patch_func` of kpatch (kmod/patch/kpatch-patch.h).
pub(super) mod kpatch_patch_func {
    pub const NEW_ADDR: u64 = 0;
    pub const SYMPOS: u64 = 32;
    pub const NAME: u64 = 40;
    pub const OBJNAME: u64 = 48;
    pub const SIZE: u64 = 56;
}

/// The structs of kpatch with a callback, such as `struct kpatch_pre_patch_callback` (kmod/patch/kpatch-patch.h).
pub(super) mod kpatch_callback {
    pub const OBJNAME: u64 = 8;
    pub const SIZE: u64 = 16;
}
