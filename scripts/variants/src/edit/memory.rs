// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Changes of how much memory a module gets, and with which alignment.

use crate::module::{Module, ModuleSection, Rela};
use anyhow::Result;
use object::elf::{self, RelocationType, SectionType};
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

    /// Adds per-cpu variables with a relocation that refers to the init function.
    ///
    /// # Errors
    ///
    /// There is no init function.
    pub fn relocated_per_cpu(&mut self, kind: RelocationType) -> Result<()> {
        self.add_per_cpu(64, 64);
        let (symtab, target) = (self.section(".symtab")?, self.section_count());
        let symbol = u32::try_from(self.symbol("init_module")?)?;
        let mut data = vec![0; size_of::<Rela>()];
        data[8..16].copy_from_slice(&(u64::from(symbol) << 32 | u64::from(kind.0)).to_le_bytes());
        let rela = self.add_read_only(".rela.data..percpu", &data);
        let header = &mut self.part(rela).header;
        header.sh_type = elf::SHT_RELA;
        header.sh_flags = elf::SHF_INFO_LINK;
        header.sh_link = u32::try_from(symtab)?;
        header.sh_info = u32::try_from(target)?;
        header.sh_entsize = data.len() as u64;
        Ok(())
    }

    /// Adds a section that the kernel only reads, and returns its number.
    pub fn add_read_only(&mut self, name: &str, data: &[u8]) -> usize {
        let section = self.add_data(name, elf::SHT_PROGBITS, 0, 8);
        let part = self.part(section);
        part.header.sh_flags = elf::SHF_ALLOC;
        part.data = data.to_vec();
        section
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
