// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The changes that can be made to a livepatch, in the words of livepatch.
//!
//! Places are found by the names of the C variables in the sources of the bases, not by what klp-gen knows of
//! livepatches: it is klp-gen that is tested.

use crate::module::{Module, Part, Rela};
use anyhow::{ensure, Context, Result};
use klp_gen::elf::{ElfFile, SHF_RELA_LIVEPATCH, SHN_LIVEPATCH};
use object::elf::{
    self, RelocationType, SectionFlags, SectionHeader64, SectionType, SymbolSection,
};
use object::write::elf::SectionHeader;
use object::LittleEndian as LE;

/// `sizeof(struct klp_func)` and `sizeof(struct klp_object)` in the test kernel.
const FUNC_SIZE: u64 = 152;
const OBJECT_SIZE: u64 = 168;

/// Their members: `old_name`, `new_func` and `old_sympos`.
const OLD_NAME: u64 = 0;
const NEW_FUNC: u64 = 8;
const OLD_SYMPOS: u64 = 16;
/// `klp_patch.replace`
const REPLACE: u64 = 24;

/// A place in a section.
#[derive(Clone, Copy, Debug)]
struct Place {
    section: usize,
    offset: u64,
}

/// Livepatch symbols and the relocations that use them.
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

/// Functions and objects.
impl Module {
    /// Names the function at `index` of the array `funcs`.
    ///
    /// # Errors
    ///
    /// There is no such function.
    pub fn function(&mut self, index: u64, old_name: &str, old_sympos: u64) -> Result<()> {
        self.function_of("funcs", index, old_name, old_sympos)
    }

    /// Names the function at `index` of an array of functions.
    ///
    /// # Errors
    ///
    /// There is no such function.
    pub fn function_of(
        &mut self,
        array: &str,
        index: u64,
        old_name: &str,
        old_sympos: u64,
    ) -> Result<()> {
        let func = self.element(array, FUNC_SIZE, index)?;
        self.set_string(func.plus(OLD_NAME), old_name)?;
        self.set_bytes(func.plus(OLD_SYMPOS), &old_sympos.to_le_bytes())
    }

    /// Takes the replacement from a function.
    ///
    /// # Errors
    ///
    /// There is no such function.
    pub fn no_new_func(&mut self, index: u64) -> Result<()> {
        let func = self.element("funcs", FUNC_SIZE, index)?;
        self.set_null(func.plus(NEW_FUNC))
    }

    /// Puts the replacement of a function elsewhere.
    ///
    /// # Errors
    ///
    /// There is no such function.
    pub fn new_func_moved(&mut self, index: u64, distance: i64) -> Result<()> {
        let place = self.element("funcs", FUNC_SIZE, index)?.plus(NEW_FUNC);
        let rela = self.rela_of(place.section)?;
        let index = self.relocation_at(rela, place.offset)?;
        let addend = &mut self.relocations(rela)?[index].r_addend;
        addend.set(LE, addend.get(LE) + distance);
        Ok(())
    }

    /// Takes the name from a function.
    ///
    /// # Errors
    ///
    /// There is no such function.
    pub fn no_old_name(&mut self, index: u64) -> Result<()> {
        let func = self.element("funcs", FUNC_SIZE, index)?;
        self.set_null(func.plus(OLD_NAME))
    }

    /// Names the object at `index`; it must have a name.
    ///
    /// # Errors
    ///
    /// It has none.
    pub fn object(&mut self, index: u64, name: &str) -> Result<()> {
        let object = self.element("objs", OBJECT_SIZE, index)?;
        self.set_string(object, name)
    }

    /// Makes the object at `index` vmlinux.
    ///
    /// # Errors
    ///
    /// There is no such object.
    pub fn object_vmlinux(&mut self, index: u64) -> Result<()> {
        let object = self.element("objs", OBJECT_SIZE, index)?;
        self.set_null(object)
    }

    /// Takes the functions from the object at `index`.
    ///
    /// # Errors
    ///
    /// There is no such object.
    pub fn no_functions(&mut self, index: u64) -> Result<()> {
        let object = self.element("objs", OBJECT_SIZE, index)?;
        self.set_null(object.plus(8))
    }

    /// Makes the livepatch replace all others.
    ///
    /// # Errors
    ///
    /// There is no `patch`.
    pub fn replace(&mut self) -> Result<()> {
        let patch = self.variable("patch")?;
        self.set_bytes(patch.plus(REPLACE), &[1])
    }

    /// Takes the module from the livepatch.
    ///
    /// # Errors
    ///
    /// There is no `patch`.
    pub fn no_module(&mut self) -> Result<()> {
        let patch = self.variable("patch")?;
        self.set_null(patch)
    }

    /// Takes the objects from the livepatch.
    ///
    /// # Errors
    ///
    /// There is no `patch`.
    pub fn no_objects(&mut self) -> Result<()> {
        let patch = self.variable("patch")?;
        self.set_null(patch.plus(8))
    }

    fn element(&mut self, array: &str, size: u64, index: u64) -> Result<Place> {
        let symbol = self.symbol(array)?;
        let len = self.symbols()?[symbol].st_size.get(LE);
        // Another configuration changes the structs: then everything here would be wrong.
        ensure!(
            len % size == 0 && index < len / size,
            "{array} has {len} bytes"
        );
        Ok(self.variable(array)?.plus(index * size))
    }

    fn variable(&mut self, name: &str) -> Result<Place> {
        let symbol = self.symbol(name)?;
        let symbol = &self.symbols()?[symbol];
        Ok(Place {
            section: symbol.st_shndx.get(LE).0.into(),
            offset: symbol.st_value.get(LE),
        })
    }

    fn set_bytes(&mut self, place: Place, bytes: &[u8]) -> Result<()> {
        let start = usize::try_from(place.offset)?;
        let data = &mut self.part(place.section).data;
        let there = data.get_mut(start..start + bytes.len());
        there
            .context("outside of the section")?
            .copy_from_slice(bytes);
        Ok(())
    }

    /// Lets the pointer at a place point to another string, in the section of the old one.
    fn set_string(&mut self, place: Place, string: &str) -> Result<()> {
        let rela = self.rela_of(place.section)?;
        let index = self.relocation_at(rela, place.offset)?;
        let symbol = self.relocations(rela)?[index].r_sym(LE, false) as usize;
        let symbol = self.symbols()?[symbol];
        let strings = &mut self.part(symbol.st_shndx.get(LE).0.into()).data;
        let offset = strings.len() as u64;
        strings.extend_from_slice(string.as_bytes());
        strings.push(0);
        let addend = i64::try_from(offset)? - i64::try_from(symbol.st_value.get(LE))?;
        self.relocations(rela)?[index].r_addend.set(LE, addend);
        Ok(())
    }

    /// Makes the pointer at a place NULL: nothing relocates it.
    fn set_null(&mut self, place: Place) -> Result<()> {
        let rela = self.rela_of(place.section)?;
        if let Ok(index) = self.relocation_at(rela, place.offset) {
            let start = index * size_of::<Rela>();
            let data = &mut self.part(rela).data;
            data.drain(start..start + size_of::<Rela>());
        }
        self.set_bytes(place, &[0; 8])
    }

    fn relocation_at(&mut self, rela: usize, offset: u64) -> Result<usize> {
        let relocations = self.relocations(rela)?;
        let found = relocations
            .iter()
            .position(|r| r.r_offset.get(LE) == offset);
        found.with_context(|| format!("no pointer at {offset:#x}"))
    }
}

/// Sizes, alignments and places.
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
        self.add_section(Part {
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

    /// Puts another relocation before the one for the name of the function at `index`, at the same place.
    ///
    /// # Errors
    ///
    /// There is no such function.
    pub fn relocation_of_old_name(
        &mut self,
        index: u64,
        symbol: u32,
        kind: RelocationType,
    ) -> Result<()> {
        let place = self.element("funcs", FUNC_SIZE, index)?.plus(OLD_NAME);
        let rela = self.rela_of(place.section)?;
        let first = self.relocation_at(rela, place.offset)? * size_of::<Rela>();
        let mut other: Rela = Rela {
            r_offset: object::U64::new(LE, place.offset),
            r_info: object::U64::default(),
            r_addend: object::I64::default(),
        };
        other.set_r_info(LE, false, symbol, kind);
        let data = &mut self.part(rela).data;
        data.splice(first..first, object::pod::bytes_of(&other).iter().copied());
        Ok(())
    }

    /// Lets the pointer to the replacement of a function be the value of the null symbol.
    ///
    /// # Errors
    ///
    /// There is no such function.
    pub fn new_func_of_null_symbol(&mut self, index: u64) -> Result<()> {
        let place = self.element("funcs", FUNC_SIZE, index)?.plus(NEW_FUNC);
        let rela = self.rela_of(place.section)?;
        let index = self.relocation_at(rela, place.offset)?;
        let relocation = &mut self.relocations(rela)?[index];
        relocation.set_r_info(LE, false, 0, elf::R_X86_64_64);
        relocation.r_addend.set(LE, 0);
        Ok(())
    }
}

/// Lets a section begin at another place of the whole file, by its header.
pub fn move_section(file: &mut [u8], name: &str, offset: fn(u64) -> u64) {
    const SH_OFFSET: usize = 24;
    change_header(file, name, SH_OFFSET, offset);
}

/// Gives a section another size in the whole file, by its header.
pub fn resize_section(file: &mut [u8], name: &str, size: fn(u64) -> u64) {
    const SH_SIZE: usize = 32;
    change_header(file, name, SH_SIZE, size);
}

/// Gives a section another type in the whole file, by its header: what it has there stays.
pub fn retype_section(file: &mut [u8], name: &str, kind: SectionType) {
    const SH_TYPE: usize = 4;
    if let Some(at) = header_of(file, name) {
        file[at + SH_TYPE..][..4].copy_from_slice(&kind.0.to_le_bytes());
    }
}

fn change_header(file: &mut [u8], name: &str, field: usize, change: fn(u64) -> u64) {
    if let Some(at) = header_of(file, name) {
        let place = &mut file[at + field..][..8];
        let old = place.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
        place.copy_from_slice(&change(old).to_le_bytes());
    }
}

/// Returns the offset of the header of the first section of that name.
fn header_of(file: &[u8], name: &str) -> Option<usize> {
    let elf = ElfFile::parse(name.to_owned(), file).ok()?;
    let section = elf.section_by_name(name.as_bytes())?;
    let headers = usize::try_from(elf.header().e_shoff.get(elf.endian())).ok()?;
    Some(headers + section.id.0 * size_of::<SectionHeader64<LE>>())
}

/// Changes of what a module says about itself.
impl Module {
    /// Puts `key=value` in the place of the string with that key; none removes it.
    ///
    /// # Errors
    ///
    /// There is no `.modinfo`.
    pub fn modinfo(&mut self, key: &str, value: Option<&str>) -> Result<()> {
        let section = self.section(".modinfo")?;
        let old = std::mem::take(&mut self.part(section).data);
        let has_key = |string: &&[u8]| {
            let rest = string.strip_prefix(key.as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"="))
        };
        let strings = old.split(|&b| b == 0).filter(|s| !s.is_empty());
        ensure!(
            strings.clone().any(|s| has_key(&s)),
            "no {key} in its modinfo"
        );
        let mut new = strings
            .filter(|string| !has_key(string))
            .collect::<Vec<_>>()
            .join(&0);
        new.push(0);
        if let Some(value) = value {
            new.extend_from_slice(format!("{key}={value}\0").as_bytes());
        }
        self.part(section).data = new;
        Ok(())
    }

    /// Renames a symbol.
    ///
    /// # Errors
    ///
    /// There is no such symbol.
    pub fn rename_symbol(&mut self, from: &str, to: &str) -> Result<()> {
        let symbol = self.symbol(from)?;
        self.rename(symbol, to.as_bytes())
    }
}

impl Place {
    fn plus(self, bytes: u64) -> Self {
        Self {
            offset: self.offset + bytes,
            ..self
        }
    }
}
