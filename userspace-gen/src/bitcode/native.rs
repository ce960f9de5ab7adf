// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbols of an object in ELF, and the bitcode that such an object may have beside its code.
//!
//! [`ElfFile`](crate::elf::ElfFile) only reads 64-bit files, of which livepatches are made. A ThinLTO
//! kernel may have 32 bits, as on arm.

use crate::elf::strings::string_at;
use crate::error::{Error, Result};
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader as _, Sym as _};
use object::Endianness;

/// `SHT_LLVM_LTO`, the section for bitcode of `clang -ffat-lto-objects` (`llvm/BinaryFormat/ELF.h`).
const SHT_LLVM_LTO: u32 = 0x6fff_4c0c;

/// An object file in ELF.
#[derive(Debug)]
pub struct ElfObject {
    /// The name that messages have for the file.
    pub origin: String,
    /// The contents.
    pub data: Vec<u8>,
}

/// The part of a symbol that a link compares.
#[derive(Clone, Copy, Debug)]
pub struct ElfSymbol<'d> {
    /// The name; empty if the name does not end within the file.
    pub name: &'d [u8],
    /// The type.
    pub kind: elf::SymbolType,
    /// The binding.
    pub bind: elf::SymbolBind,
    /// `SHN_UNDEF`, `SHN_COMMON` or another.
    pub section: elf::SymbolSection,
}

impl ElfObject {
    /// Returns the symbols in the order of the symbol table.
    ///
    /// # Errors
    ///
    /// The headers are malformed, or the file is not relocatable.
    pub fn symbols(&self) -> Result<Vec<ElfSymbol<'_>>> {
        match self.data.get(4) {
            Some(&class) if class == elf::ELFCLASS32.0 => self.read_symbols::<FileHeader32<_>>(),
            _ => self.read_symbols::<FileHeader64<_>>(),
        }
    }

    /// Returns the bitcode that LLD links instead of the code with `--fat-lto-objects`.
    ///
    /// LLD finds the bitcode by the type of its section. `.llvmbc` of `clang -fembed-bitcode` has another
    /// type, and no linker reads it.
    ///
    /// # Errors
    ///
    /// The headers are malformed.
    pub fn bitcode(&self) -> Result<Option<&[u8]>> {
        match self.data.get(4) {
            Some(&class) if class == elf::ELFCLASS32.0 => self.read_bitcode::<FileHeader32<_>>(),
            _ => self.read_bitcode::<FileHeader64<_>>(),
        }
    }

    fn read_symbols<F: FileHeader<Endian = Endianness>>(&self) -> Result<Vec<ElfSymbol<'_>>> {
        let data = &self.data[..];
        let bad = |e| self.malformed("ELF object", e);
        let header = F::parse(data).map_err(bad)?;
        let endian = header.endian().map_err(bad)?;
        if header.e_type(endian) != elf::ET_REL {
            let what =
                "expected an object to be linked, found a file that was linked already (give the \
            inputs of the link)";
            return Err(Error::unsupported(&self.origin, what));
        }
        let sections = header.sections(endian, data).map_err(bad)?;
        let table = sections
            .symbols(endian, data, elf::SHT_SYMTAB)
            .map_err(bad)?;
        let strings = match sections.section(table.string_section()) {
            Ok(section) if !table.is_empty() => section.data(endian, data).map_err(bad)?,
            _ => &[],
        };
        // The first entry is the null symbol.
        let symbols = table.iter().skip(1).map(|symbol| ElfSymbol {
            name: string_at(strings, symbol.st_name(endian)).unwrap_or_default(),
            kind: symbol.st_type(),
            bind: symbol.st_bind(),
            section: symbol.st_shndx(endian),
        });
        Ok(symbols.collect())
    }

    fn read_bitcode<F: FileHeader<Endian = Endianness>>(&self) -> Result<Option<&[u8]>> {
        let data = &self.data[..];
        let bad = |e| self.malformed("ELF object", e);
        let header = F::parse(data).map_err(bad)?;
        let endian = header.endian().map_err(bad)?;
        let sections = header.section_headers(endian, data).map_err(bad)?;
        let fat = sections
            .iter()
            .find(|s| s.sh_type(endian).0 == SHT_LLVM_LTO);
        fat.map(|section| section.data(endian, data).map_err(bad))
            .transpose()
    }

    fn malformed(&self, what: &str, error: object::read::Error) -> Error {
        Error::malformed(&self.origin, format_args!("{what}: {error}"))
    }
}
