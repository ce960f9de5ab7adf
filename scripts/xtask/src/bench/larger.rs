// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A vmlinux with ten times the symbols of another.

use anyhow::{ensure, Context, Result};
use object::elf::{self, FileHeader64, SectionHeader64, Sym64};
use object::read::elf::{FileHeader as _, SectionHeader as _, Sym as _};
use object::{pod, Endianness, U32, U64};
use std::fs::{self, File};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

type E = Endianness;

/// The factor by which it is larger.
pub const TIMES: u64 = 10;

/// Writes `to`: `from`, the same symbols nine times more under other names at other addresses, and as many
/// times the file's size, which nothing but the symbols fills.
///
/// # Errors
///
/// Fails if `from` is no vmlinux, or `to` cannot be written.
pub fn write(from: &Path, to: &Path) -> Result<()> {
    let mut data = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    let length = data.len() as u64;
    let (mut header, mut sections, symtab, symbols, strings) = {
        let header = FileHeader64::<E>::parse(&*data)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, &*data)?;
        let table = sections.symbols(endian, &*data, elf::SHT_SYMTAB)?;
        ensure!(
            !table.symbols().is_empty(),
            "{} has no symbols",
            from.display()
        );
        let headers = header.section_headers(endian, &*data)?;
        let symtab = table.section().0;
        let link = headers[symtab].sh_link(endian) as usize;
        let strings = headers
            .get(link)
            .context("a symbol table without names")?
            .data(endian, &*data)?
            .to_vec();
        (
            *header,
            headers.to_vec(),
            symtab,
            table.symbols().to_vec(),
            strings,
        )
    };
    let endian = header.endian()?;
    let (symbols, locals, strings) = multiply(endian, &symbols, strings)?;

    let mut file = BufWriter::new(
        File::create(to).with_context(|| format!("cannot create {}", to.display()))?,
    );
    // What is between the old end and the new tables is a hole.
    let mut at = (length * TIMES).next_multiple_of(16);
    let mut place = |size: usize| {
        let offset = at;
        at = (at + size as u64).next_multiple_of(16);
        offset
    };
    let link = sections[symtab].sh_link(endian) as usize;
    let symbol_bytes = pod::bytes_of_slice(&symbols);
    for (section, bytes, info) in [
        (symtab, symbol_bytes, locals),
        (link, strings.as_slice(), 0),
    ] {
        let section = &mut sections[section];
        section.sh_offset = U64::new(endian, place(bytes.len()));
        section.sh_size = U64::new(endian, bytes.len() as u64);
        section.sh_info = U32::new(endian, info);
        file.seek(SeekFrom::Start(section.sh_offset(endian)))?;
        file.write_all(bytes)?;
    }
    let section_bytes = pod::bytes_of_slice::<SectionHeader64<E>>(&sections);
    let headers_at = place(section_bytes.len());
    file.seek(SeekFrom::Start(headers_at))?;
    file.write_all(section_bytes)?;
    header.e_shoff = U64::new(endian, headers_at);
    let header_bytes = pod::bytes_of(&header);
    data[..header_bytes.len()].copy_from_slice(header_bytes);
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&data)?;
    file.flush()?;
    Ok(())
}

/// The symbols with their copies, how many are local, and their names.
fn multiply(
    endian: E,
    symbols: &[Sym64<E>],
    mut strings: Vec<u8>,
) -> Result<(Vec<Sym64<E>>, u32, Vec<u8>)> {
    let span = span(endian, symbols);
    let original = strings.clone();
    let mut many = vec![symbols[0]];
    let mut locals = 0;
    for local in [true, false] {
        for copy in 0..TIMES {
            for symbol in &symbols[1..] {
                if (symbol.st_bind() == elf::STB_LOCAL) != local {
                    continue;
                }
                let mut symbol = *symbol;
                if copy > 0 {
                    let name = u32::try_from(strings.len()).context("too many names")?;
                    let old = original.get(symbol.st_name(endian) as usize..);
                    let old = old.context("a name that is not there")?;
                    let end = old
                        .iter()
                        .position(|&b| b == 0)
                        .context("a name without end")?;
                    push_name(&mut strings, &old[..end], copy);
                    symbol.st_name = U32::new(endian, name);
                    if symbol.st_shndx(endian) != elf::SHN_ABS {
                        let value = symbol.st_value(endian).wrapping_add(copy * span);
                        symbol.st_value = U64::new(endian, value);
                    }
                }
                many.push(symbol);
            }
        }
        if local {
            locals = u32::try_from(many.len())?;
        }
    }
    Ok((many, locals, strings))
}

/// The distance between the copies: what the addresses of a kernel span, which do not begin at 0.
fn span(endian: E, symbols: &[Sym64<E>]) -> u64 {
    let kernel = symbols
        .iter()
        .map(|symbol| symbol.st_value(endian))
        .filter(|&value| value > u64::MAX / 2);
    let (low, high) = kernel.fold((u64::MAX, 0), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    high.saturating_sub(low).next_multiple_of(1 << 20)
}

/// `foo.llvm.123` becomes `foo_3.llvm.123`: it stays promoted.
fn push_name(strings: &mut Vec<u8>, name: &[u8], copy: u64) {
    let dot = name.iter().skip(1).position(|&b| b == b'.');
    let (base, rest) = name.split_at(dot.map_or(name.len(), |dot| dot + 1));
    strings.extend_from_slice(base);
    if !name.is_empty() {
        strings.extend_from_slice(format!("_{copy}").as_bytes());
    }
    strings.extend_from_slice(rest);
    strings.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_name_keeps_its_suffix() {
        let name = |name: &[u8]| {
            let mut strings = Vec::new();
            push_name(&mut strings, name, 3);
            strings
        };
        assert_eq!(name(b"foo.llvm.1"), b"foo_3.llvm.1\0");
        assert_eq!(name(b".str.4.llvm.1"), b".str_3.4.llvm.1\0");
        assert_eq!(name(b"foo"), b"foo_3\0");
        assert_eq!(name(b""), b"\0");
    }
}
