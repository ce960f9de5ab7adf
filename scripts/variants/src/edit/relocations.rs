// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Changes of livepatch symbols, and of the relocations that use them.

use crate::module::{Module, Rela};
use anyhow::{ensure, Context, Result};
use klp_gen::elf::{SHF_RELA_LIVEPATCH, SHN_LIVEPATCH};
use object::elf::{RelocationType, SectionFlags, SymbolSection};
use object::LittleEndian as LE;

impl Module {
    /// Renames the livepatch symbol that the relocations for `objname` use.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn klp_symbol(&mut self, objname: &str, name: &str) -> Result<()> {
        let symbol = self.klp_symbol_number(objname)?;
        self.rename(symbol, name.as_bytes())
    }

    /// Renames the only livepatch symbol to one of vmlinux.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn vmlinux_symbol(&mut self, name_and_position: &str) -> Result<()> {
        self.klp_symbol("vmlinux", &format!(".klp.sym.vmlinux.{name_and_position}"))
    }

    /// Puts the livepatch symbol into another section: `SHN_UNDEF`, `SHN_ABS`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn klp_symbol_section(&mut self, index: SymbolSection) -> Result<()> {
        let symbol = self.klp_symbol_number("vmlinux")?;
        self.symbols()?[symbol].st_shndx.set(LE, index);
        Ok(())
    }

    /// Makes the livepatch symbol weak and undefined.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn klp_symbol_weak(&mut self) -> Result<()> {
        let symbol = self.klp_symbol_number("vmlinux")?;
        let symbol = &mut self.symbols()?[symbol];
        symbol.st_shndx.set(LE, object::elf::SHN_UNDEF);
        let kind = symbol.st_type();
        symbol.set_st_info(object::elf::STB_WEAK, kind);
        Ok(())
    }

    /// The relocation for `objname`.
    ///
    /// # Errors
    ///
    /// There is not exactly one.
    pub fn klp_relocation(&mut self, objname: &str) -> Result<&mut Rela> {
        let section = self.klp_section(objname)?;
        match self.relocations(section)? {
            [relocation] => Ok(relocation),
            several => anyhow::bail!("{} relocations for {objname}", several.len()),
        }
    }

    /// Gives the relocation another type and addend.
    ///
    /// # Errors
    ///
    /// There is not exactly one.
    pub fn relocation(&mut self, kind: RelocationType, addend: i64) -> Result<()> {
        let relocation = self.klp_relocation("vmlinux")?;
        let symbol = relocation.r_sym(LE, false);
        relocation.set_r_info(LE, false, symbol, kind);
        relocation.r_addend.set(LE, addend);
        Ok(())
    }

    /// Lets the relocation use another symbol.
    ///
    /// # Errors
    ///
    /// There is not exactly one.
    pub fn relocation_symbol(&mut self, symbol: u32) -> Result<()> {
        let relocation = self.klp_relocation("vmlinux")?;
        let kind = relocation.r_type(LE, false);
        relocation.set_r_info(LE, false, symbol, kind);
        Ok(())
    }

    /// Puts a byte where the relocation will change something.
    ///
    /// # Errors
    ///
    /// There is not exactly one relocation.
    pub fn relocated_byte(&mut self, distance: u64, byte: u8) -> Result<()> {
        let offset = self.klp_relocation("vmlinux")?.r_offset.get(LE) + distance;
        let section = self.klp_section("vmlinux")?;
        let target = self.part(section).header.sh_info as usize;
        let data = &mut self.part(target).data;
        *data
            .get_mut(usize::try_from(offset)?)
            .context("outside of the section")? = byte;
        Ok(())
    }

    /// Renames the section with the relocations for `objname`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn klp_section_name(&mut self, objname: &str, name: &str) -> Result<()> {
        let section = self.klp_section(objname)?;
        self.part(section).name = name.as_bytes().to_vec();
        Ok(())
    }

    /// Takes the flag from the section that makes it the livepatch core's.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn klp_section_unmarked(&mut self) -> Result<()> {
        let section = self.klp_section("vmlinux")?;
        let flags = &mut self.part(section).header.sh_flags;
        *flags = SectionFlags(flags.0 & !SHF_RELA_LIVEPATCH);
        Ok(())
    }

    /// Lets the relocations change another section.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn klp_section_target(&mut self, number: usize) -> Result<()> {
        let section = self.klp_section("vmlinux")?;
        self.part(section).header.sh_info = u32::try_from(number)?;
        Ok(())
    }

    fn klp_section(&self, objname: &str) -> Result<usize> {
        self.section(&format!(".klp.rela.{objname}."))
    }

    fn klp_symbol_number(&mut self, objname: &str) -> Result<usize> {
        let symbol = self.klp_relocation(objname)?.r_sym(LE, false);
        let symbol = usize::try_from(symbol)?;
        let place = self.symbols()?[symbol].st_shndx.get(LE);
        ensure!(place.0 == SHN_LIVEPATCH, "no livepatch symbol is used");
        Ok(symbol)
    }
}
