// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The init and exit functions of the module: `do_init_module()` and `delete_module()` in
//! kernel/module/main.c call the functions that modpost has written into the `struct module`.

use crate::check::jump::Jump;
use crate::check::refusal::Refusal;
use crate::check::report::Report;
use crate::check::subject::Subject;
use crate::livepatch::memory::Location;
use crate::livepatch::{Memory, THIS_MODULE};
use object::read::ReadRef;

/// The names by which modpost refers to the init and the exit function.
const INIT: &[u8] = b"init_module";
const EXIT: &[u8] = b"cleanup_module";

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports an init or exit function that is no code when the kernel calls it.
    pub(in crate::check) fn check_entries(&self, report: &mut Report) {
        let of_module = self.rela.iter().filter(|r| r.target.name == THIS_MODULE);
        let memory = Memory::new(self.elf, &self.rela, self.release);
        for rela in of_module {
            let section = rela.target.id;
            for relocation in rela.relocations() {
                let symbol = self.elf.get_symbol(relocation.symbol);
                let name = symbol.map(|symbol| symbol.name).unwrap_or_default();
                let at = Location {
                    section,
                    offset: relocation.offset,
                };
                let pointer = memory.pointer(at);
                let Some(pointer) = pointer.filter(|_| name == INIT || name == EXIT) else {
                    continue;
                };
                let what = match self.call(pointer) {
                    Jump::Fits => continue,
                    Jump::Freed(_) if name == INIT => continue,
                    Jump::Nowhere => "does not point to code of the module".to_owned(),
                    Jump::Freed(what) | Jump::Harmful(what) => what,
                };
                let function = if name == INIT { "init" } else { "exit" };
                let refusal = Refusal::Harmful(format!("its {function} function {what}"));
                self.refuse_module(refusal, report);
            }
        }
    }
}
