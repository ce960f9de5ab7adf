// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The table in a kernel image, which scripts/kallsyms.c wrote. It is unpacked as kernel/kallsyms.c does it.
//!
//! `symbols` does not use this table. Tests compare [`super::vmlinux`] with the table, because klp-gen did not compute
//! it.

use crate::elf::number::{read_u16, read_u32, read_u64};
use crate::elf::ElfFile;
use crate::error::Result;
use object::read::ReadRef;

/// Returns the number of symbols of a kernel; `address` is that of its `kallsyms_num_syms`.
pub(super) fn count<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>, address: u64) -> Option<usize> {
    read_u32(elf.endian(), elf.bytes_at(address, 4)?).map(|n| n as usize)
}

/// A symbol of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedSymbol {
    /// The address.
    pub address: u64,
    /// The letter.
    pub letter: u8,
    /// The full name.
    pub name: Vec<u8>,
}

/// Unpacks the table of a kernel, in which offsets count from `kallsyms_relative_base`, with
/// `CONFIG_KALLSYMS_ABSOLUTE_PERCPU` or without, or each from its own place.
///
/// # Errors
///
/// A part of the table is missing, or ends behind the end of the file.
pub fn unpack<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Result<Vec<EmbeddedSymbol>> {
    let parts = Parts::find(elf)?;
    let endian = elf.endian();
    let short = |at: usize, name| {
        let bytes = parts.index.get(at * 2..).unwrap_or_default();
        read_u16(endian, bytes)
            .map(usize::from)
            .ok_or_else(|| elf.malformed(format_args!("{name} ends too early")))
    };
    let mut symbols = Vec::new();
    let mut names = parts.names.iter().copied();
    let absolute = symbol_address(elf, b"__per_cpu_start") == Some(0);
    let places = (parts.offsets_at..).step_by(4);
    let offsets = parts.offsets.chunks_exact(4).take(parts.count);
    for (place, offset) in places.zip(offsets) {
        let mut byte = || {
            let ends = || elf.malformed("kallsyms_names ends too early");
            names.next().map(usize::from).ok_or_else(ends)
        };
        let mut len = byte()?;
        if len & 0x80 != 0 {
            len = len & 0x7f | byte()? << 7;
        }
        let mut name = Vec::new();
        for _ in 0..len {
            let token = parts
                .tokens
                .get(short(byte()?, "kallsyms_token_index")?..)
                .ok_or_else(|| elf.malformed("kallsyms_token_table ends too early"))?;
            name.extend(token.iter().take_while(|&&b| b != 0));
        }
        let raw = read_u32(endian, offset).unwrap_or_default();
        let offset = 0_i32.wrapping_add_unsigned(raw);
        // kallsyms_sym_address()
        let address = match (parts.relative_base, offset) {
            (None, _) => place.wrapping_add_signed(offset.into()),
            (Some(_), 0..) if absolute => offset.unsigned_abs().into(),
            // base - 1 - offset, and the offset is negative.
            (Some(base), _) if absolute => base
                .wrapping_sub(1)
                .wrapping_add(offset.unsigned_abs().into()),
            (Some(base), _) => base.wrapping_add(raw.into()),
        };
        symbols.push(EmbeddedSymbol {
            address,
            letter: name.first().copied().unwrap_or(b'?'),
            name: name.split_off(name.len().min(1)),
        });
    }
    if symbols.len() != parts.count {
        return Err(elf.malformed("kallsyms_offsets ends too early"));
    }
    Ok(symbols)
}

/// The arrays of the table.
struct Parts<'d> {
    count: usize,
    names: &'d [u8],
    tokens: &'d [u8],
    index: &'d [u8],
    offsets: &'d [u8],
    /// The address of the offsets.
    offsets_at: u64,
    /// The address from which offsets count; if there is none, each offset counts from its own place.
    relative_base: Option<u64>,
}

impl<'d> Parts<'d> {
    fn find<R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Result<Self> {
        let address = |name: &str| {
            symbol_address(elf, name.as_bytes())
                .ok_or_else(|| elf.malformed(format_args!("expected a symbol {name}, found none")))
        };
        let bytes = |name: &str, size: u64| {
            elf.bytes_at(address(name)?, size)
                .ok_or_else(|| elf.malformed(format_args!("{name} ends too early")))
        };
        // Each array ends at the beginning of the next array; see write_src().
        let to = |name: &str, next: &str| {
            let size = address(next)?.checked_sub(address(name)?);
            bytes(name, size.unwrap_or(u64::MAX))
        };
        let count = count(elf, address("kallsyms_num_syms")?).unwrap_or_default();
        let base = symbol_address(elf, b"kallsyms_relative_base");
        let base = base.and_then(|at| read_u64(elf.endian(), elf.bytes_at(at, 8)?));
        Ok(Self {
            count,
            names: to("kallsyms_names", "kallsyms_markers")?,
            tokens: to("kallsyms_token_table", "kallsyms_token_index")?,
            index: bytes("kallsyms_token_index", 512)?,
            offsets: bytes("kallsyms_offsets", count as u64 * 4)?,
            offsets_at: address("kallsyms_offsets")?,
            relative_base: base,
        })
    }
}

fn symbol_address<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>, name: &[u8]) -> Option<u64> {
    elf.symbols().find(|s| s.name == name).map(|s| s.value)
}
