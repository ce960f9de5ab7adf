// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Changes of how much memory a module gets, and with which alignment.

use crate::module::{Module, ModuleSection};
use anyhow::Result;
use object::elf::{self, SectionType};
use object::write::elf::SectionHeader;
use object::LittleEndian as LE;

impl Module {
    /// Gives the only section whose name begins so another alignment.
    ///
    /// # Errors
    ///
    /// There is none, or there are several.
    pub fn align(&mut self, section: &str, align: u64) -> Result<()> {
        let section = self.section(section)?;
        self.part(section).header.sh_addralign = align;
        Ok(())
    }

    /// Adds `.bss.added`, data that is 0 and has no bytes in the file.
    pub fn add_bss(&mut self, size: u64, align: u64) {
        self.add_data(".bss.added", elf::SHT_NOBITS, size, align);
    }

    /// Adds per-cpu variables that are 0.
    pub fn add_per_cpu(&mut self, size: u16, align: u64) {
        let section = self.add_data(".data..percpu", elf::SHT_PROGBITS, 0, align);
        self.part(section).data = vec![0; size.into()];
    }

    fn add_data(&mut self, name: &str, kind: SectionType, size: u64, align: u64) -> usize {
        self.add_section(ModuleSection {
            name: name.as_bytes().to_vec(),
            header: SectionHeader {
                sh_name: 0,
                sh_type: kind,
                sh_flags: elf::SHF_ALLOC | elf::SHF_WRITE,
                sh_addr: 0,
                sh_offset: 0,
                sh_size: size,
                sh_link: 0,
                sh_info: 0,
                sh_addralign: align,
                sh_entsize: 0,
            },
            data: Vec::new(),
        })
    }

    /// Gives a variable another size, of which the kernel knows nothing.
    ///
    /// # Errors
    ///
    /// There is no such variable.
    pub fn variable_size(&mut self, name: &str, size: u64) -> Result<()> {
        let symbol = self.symbol(name)?;
        self.symbols()?[symbol].st_size.set(LE, size);
        Ok(())
    }
}
