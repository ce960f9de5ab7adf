// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Changes of the structs: `struct klp_patch`, its objects and their functions.

use crate::module::{Module, Rela};
use anyhow::{ensure, Context, Result};
use object::elf::{self, RelocationType};
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
struct SectionOffset {
    section: usize,
    offset: u64,
}

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
    fn element(&mut self, array: &str, size: u64, index: u64) -> Result<SectionOffset> {
        let symbol = self.symbol(array)?;
        let len = self.symbols()?[symbol].st_size.get(LE);
        // Another configuration changes the structs: then everything here would be wrong.
        ensure!(
            len % size == 0 && index < len / size,
            "{array} has {len} bytes"
        );
        Ok(self.variable(array)?.plus(index * size))
    }

    fn variable(&mut self, name: &str) -> Result<SectionOffset> {
        let symbol = self.symbol(name)?;
        let symbol = &self.symbols()?[symbol];
        Ok(SectionOffset {
            section: symbol.st_shndx.get(LE).0.into(),
            offset: symbol.st_value.get(LE),
        })
    }

    fn set_bytes(&mut self, place: SectionOffset, bytes: &[u8]) -> Result<()> {
        let start = usize::try_from(place.offset)?;
        let data = &mut self.part(place.section).data;
        let there = data.get_mut(start..start + bytes.len());
        there
            .context("outside of the section")?
            .copy_from_slice(bytes);
        Ok(())
    }

    /// Lets the pointer at a place point to another string, in the section of the old one.
    fn set_string(&mut self, place: SectionOffset, string: &str) -> Result<()> {
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
    fn set_null(&mut self, place: SectionOffset) -> Result<()> {
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

impl SectionOffset {
    fn plus(self, bytes: u64) -> Self {
        Self {
            offset: self.offset + bytes,
            ..self
        }
    }
}
