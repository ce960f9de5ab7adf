// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Checks of the kind of an ELF file, with messages that say what to do.

use super::file::ElfFile;
use crate::error::{Error, Result};
use object::elf;
use object::read::elf::FileHeader as _;
use object::read::ReadRef;

/// Sections that only a linked module has.
const OF_MODULE: [&[u8]; 2] = [b".gnu.linkonce.this_module", b"__versions"];

impl<'d, R: ReadRef<'d>> ElfFile<'d, R> {
    /// Refuses a file that is neither an object file nor a module.
    ///
    /// # Errors
    ///
    /// The file is a program, a library, a core dump, or the kernel before its last link.
    pub fn expect_relocatable(&self) -> Result<()> {
        let found = match self.header().e_type(self.endian()) {
            elf::ET_REL if !self.is_kernel_before_link() => return Ok(()),
            elf::ET_REL => {
                "vmlinux.o, the kernel before its last link (give vmlinux with --vmlinux)"
                    .to_owned()
            }
            kind => format!("{} (give a kernel image with --vmlinux)", type_name(kind)),
        };
        let what = format_args!("expected a relocatable file (.ko or .o), found {found}");
        Err(Error::unsupported(self.origin(), what))
    }

    /// Refuses a file that is not a linked kernel image.
    ///
    /// # Errors
    ///
    /// The file is an object file, a module, a core dump, or the program that unpacks a boot image.
    pub fn expect_linked(&self) -> Result<()> {
        let found = match self.header().e_type(self.endian()) {
            // On some architectures, a relocatable kernel is a "shared library".
            elf::ET_EXEC | elf::ET_DYN if !self.is_decompressor() => return Ok(()),
            elf::ET_EXEC | elf::ET_DYN => {
                "the program that unpacks a boot image (give the vmlinux at the top of the build)"
                    .to_owned()
            }
            elf::ET_REL if self.is_kernel_before_link() => {
                "vmlinux.o, the kernel before its last link (give the vmlinux beside it)".to_owned()
            }
            kind => format!("{} (give a module with --module)", type_name(kind)),
        };
        let what = format_args!("expected a linked kernel image, vmlinux, found {found}");
        Err(Error::unsupported(self.origin(), what))
    }

    /// Returns true for vmlinux.o: all objects of a kernel in one file, without addresses.
    fn is_kernel_before_link(&self) -> bool {
        let is_module = || self.sections().any(|s| OF_MODULE.contains(&s.name));
        self.defines(b"start_kernel") && !is_module()
    }

    /// Returns true for a program with a compressed kernel: arch/x86/boot/compressed/vmlinux.
    fn is_decompressor(&self) -> bool {
        self.defines(b"input_data") && !self.defines(b"start_kernel") && !self.defines(b"_stext")
    }

    fn defines(&self, name: &[u8]) -> bool {
        let mut symbols = self.symbols();
        symbols.any(|s| s.name == name && s.section().is_some())
    }
}

/// Returns a description of an ELF type.
fn type_name(kind: elf::FileType) -> String {
    match kind {
        elf::ET_REL => "a relocatable file (.ko or .o)".to_owned(),
        elf::ET_EXEC => "a program or a kernel image".to_owned(),
        elf::ET_DYN => "a shared library or a program".to_owned(),
        elf::ET_CORE => "a core dump".to_owned(),
        kind => format!("ELF type {}", kind.0),
    }
}
