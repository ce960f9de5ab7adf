// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The names of symbols and objects, and positions, with the kernel's limits.

use core::fmt;

/// Bytes of a symbol name with its terminating NUL: `KSYM_NAME_LEN` in `include/linux/kallsyms.h`.
pub const KSYM_NAME_LEN: usize = 512;

/// Bytes of a module name with its terminating NUL.
///
/// `MODULE_NAME_LEN` in `include/linux/moduleparam.h` is 64 less the size of a `long`; the
/// livepatch core takes the 64-bit value as the limit on every architecture.
pub const MODULE_NAME_LEN: usize = 56;

/// The full name of a symbol, as the symbol table has it.
///
/// Symbol names are bytes, not text; `Display` replaces what is not UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolName<'a>(pub &'a [u8]);

impl<'a> SymbolName<'a> {
    /// The bytes of the name.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Display for SymbolName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_lossy(self.0, f)
    }
}

impl fmt::Debug for SymbolName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// The object that owns a symbol, or that a livepatch changes: `vmlinux` or a module.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjName<'a>(&'a [u8]);

impl<'a> ObjName<'a> {
    /// The kernel image.
    pub const VMLINUX: ObjName<'static> = ObjName(b"vmlinux");

    /// An object's name: 1 to 55 bytes, none of them a dot or a NUL.
    #[must_use]
    pub fn new(name: &'a [u8]) -> Option<Self> {
        let fits = !name.is_empty() && name.len() < MODULE_NAME_LEN;
        let clean = !name.iter().any(|&b| b == b'.' || b == 0);
        (fits && clean).then_some(Self(name))
    }

    /// The bytes of the name.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Returns whether this is the kernel image and not a module.
    #[must_use]
    pub fn is_vmlinux(self) -> bool {
        self == Self::VMLINUX
    }
}

impl fmt::Display for ObjName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_lossy(self.0, f)
    }
}

impl fmt::Debug for ObjName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A position among the symbols that one name matches: the kernel's `sympos`.
///
/// 0 asks for the only match, n for the n-th one, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sympos(pub u64);

impl Sympos {
    /// "Must be the only match."
    pub const UNIQUE: Self = Self(0);
}

impl fmt::Display for Sympos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Writes bytes as text, U+FFFD for what is not UTF-8.
pub(super) fn fmt_lossy(mut bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // `<[u8]>::utf8_chunks()` does this from Rust 1.79 on; the kernel's minimum is 1.78.
    loop {
        let error = match core::str::from_utf8(bytes) {
            Ok(text) => return f.write_str(text),
            Err(error) => error,
        };
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        f.write_str(core::str::from_utf8(valid).unwrap_or_default())?;
        f.write_str("\u{fffd}")?;
        match error.error_len() {
            Some(len) => bytes = &rest[len..],
            None => return Ok(()),
        }
    }
}
