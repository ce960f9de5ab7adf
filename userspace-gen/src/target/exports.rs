// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The exports of an object, and the modules that may use them: `find_symbol()` in kernel/module/main.c.

use super::object::{Namespaces, Object, Source};
use crate::elf::{ElfFile, Symbol, SymbolId};
use crate::kallsyms::module::KSYMTAB;
use crate::symbols::Entry;
use object::read::ReadRef;

/// The prefix of the symbol at the flags of an export, in `__kflagstab`.
const FLAGS: &[u8] = b"__flags_";

/// The flag of an export for GPL modules only: `KSYM_FLAG_GPL_ONLY`.
const GPL_ONLY: u8 = 1 << 0;

/// The prefix of the symbol at an export's namespace.
const NAMESPACE: &[u8] = b"__kstrtabns_";

/// The prefix of the symbol at an export before modpost has seen the object. Since 6.5, modpost makes the
/// `__ksymtab_` symbols from the entries of `EXPORT_SYMBOL()` in `.export_symbol`.
const BEFORE_MODPOST: &[u8] = b"__export_symbol_";

/// An exported symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export<'o> {
    /// True if the symbol is for GPL modules only; an error if the files do not tell.
    pub gpl_only: Result<bool, Untold>,
    /// The namespace that a user has to import; an error if the files do not tell.
    pub namespace: Result<Option<&'o [u8]>, Untold>,
    /// The address of the symbol; unknown in a module.
    pub address: Option<u64>,
}

impl Object<'_> {
    /// Returns the export of that name, if there is one.
    ///
    /// # Errors
    ///
    /// The symbols do not tell.
    pub fn export(&self, name: &[u8]) -> Result<Option<Export<'_>>, Untold> {
        let entry = [KSYMTAB, name].concat();
        if let Some(entry) = self.symbols.by_name(&entry) {
            return Ok(Some(Export {
                gpl_only: self.is_gpl_only(name, entry),
                namespace: self.namespace(name),
                address: self
                    .name
                    .is_vmlinux()
                    .then(|| self.symbols.by_name(name).map(|e| e.address))
                    .flatten(),
            }));
        }
        if let Some(export) = self.export_before_modpost(name) {
            return Ok(Some(export));
        }
        // Without CONFIG_KALLSYMS_ALL only functions are listed.
        let first = self.symbols.first_with_prefix(KSYMTAB).is_some();
        if first || !self.name.is_vmlinux() {
            Ok(None)
        } else {
            Err(Untold)
        }
    }

    /// Returns the export of that name of an object that modpost has not seen.
    fn export_before_modpost(&self, name: &[u8]) -> Option<Export<'_>> {
        let Source::Module(elf) = &self.source else {
            return None;
        };
        let entry = self.symbols.by_name(&[BEFORE_MODPOST, name].concat())?;
        let symbol = elf.get_symbol(SymbolId(entry.index as usize))?;
        before_modpost(elf, &symbol)
    }

    /// Reads the flags of an export, or else finds the section of its entry in the table of exports.
    fn is_gpl_only(&self, name: &[u8], entry: &Entry<'_>) -> Result<bool, Untold> {
        if let Some(flags) = self.symbols.by_name(&[FLAGS, name].concat()) {
            let flags = self.flags(flags).ok_or(Untold)?;
            return Ok(flags & GPL_ONLY != 0);
        }
        self.is_in_gpl_section(entry)
    }

    /// Returns the byte at a symbol, if the file has it.
    fn flags(&self, entry: &Entry<'_>) -> Option<u8> {
        let byte = match &self.source {
            Source::Image(elf) => elf.bytes_at(entry.address, 1)?,
            Source::Module(elf) => {
                let symbol = elf.get_symbol(SymbolId(entry.index as usize))?;
                let section = elf.get_section(symbol.section()?)?;
                let data = elf.section_data(&section).ok()?;
                data.get(usize::try_from(symbol.value).ok()?..)?
            }
            Source::Text => return None,
        };
        byte.first().copied()
    }

    fn is_in_gpl_section(&self, entry: &Entry<'_>) -> Result<bool, Untold> {
        if let Source::Module(elf) = &self.source {
            let symbol = elf.get_symbol(SymbolId(entry.index as usize));
            let section = symbol.and_then(|s| elf.get_section(s.section()?));
            return Ok(section.is_some_and(|s| s.name == b"__ksymtab_gpl"));
        }
        // Only the linker script of the kernel makes these symbols: in the text of a running kernel a module has none.
        let address = |name: &[u8]| self.symbols.by_name(name).map(|e| e.address);
        let start = address(b"__start___ksymtab_gpl");
        let stop = address(b"__stop___ksymtab_gpl");
        let (start, stop) = start.zip(stop).ok_or(Untold)?;
        Ok((start..stop).contains(&entry.address))
    }

    fn namespace(&self, name: &[u8]) -> Result<Option<&[u8]>, Untold> {
        match &self.source {
            // For vmlinux, a finding reports this once, not for every import.
            Source::Module(elf) if elf.is_debug_only() => return Err(Untold),
            _ => {}
        }
        let namespaces = self.namespaces.get_or_init(|| match &self.source {
            Source::Image(elf) => namespaces(elf),
            Source::Module(elf) => namespaces(elf),
            Source::Text => Namespaces::new(),
        });
        Ok(namespaces.get(name).map(Vec::as_slice))
    }
}

/// An error: the symbols of an object do not tell its exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untold;

/// Returns the exports, by name, of an object that modpost has not seen.
pub(super) fn exports_of<'d: 'e, 'e, R: ReadRef<'d>>(
    elf: &'e ElfFile<'d, R>,
) -> impl Iterator<Item = (&'d [u8], Export<'d>)> + 'e {
    elf.symbols().filter_map(|symbol| {
        if let Some(name) = symbol.name.strip_prefix(BEFORE_MODPOST) {
            return Some((name, before_modpost(elf, &symbol)?));
        }
        // Before 6.5 the compiler wrote the table.
        let name = symbol.name.strip_prefix(KSYMTAB)?;
        let section = elf.get_section(symbol.section()?)?;
        let export = Export {
            gpl_only: Ok(section.name.starts_with(b"___ksymtab_gpl")),
            namespace: Ok(None),
            address: None,
        };
        Some((name, export))
    })
}

/// Reads the entry of `___EXPORT_SYMBOL()` at a symbol: the licence, then the namespace.
fn before_modpost<'d, R: ReadRef<'d>>(
    elf: &ElfFile<'d, R>,
    symbol: &Symbol<'d>,
) -> Option<Export<'d>> {
    let section = elf.get_section(symbol.section()?)?;
    let licence = elf.string_in(&section, symbol.value)?;
    let behind = symbol.value.checked_add(licence.len() as u64 + 1)?;
    let namespace = elf.string_in(&section, behind)?;
    Some(Export {
        gpl_only: Ok(licence == b"GPL"),
        namespace: Ok(Some(namespace).filter(|n| !n.is_empty())),
        address: None,
    })
}

/// Finds the namespaces of all exports that have one.
fn namespaces<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Namespaces {
    let named = elf.symbols().filter_map(|symbol| {
        let name = symbol.name.strip_prefix(NAMESPACE)?;
        let section = elf.get_section(symbol.section()?)?;
        // In a linked file a symbol's value is an address, in a module an offset.
        let offset = symbol.value.checked_sub(section.address)?;
        let namespace = elf.string_in(&section, offset)?;
        (!namespace.is_empty()).then(|| (name.to_vec(), namespace.to_vec()))
    });
    named.collect()
}
