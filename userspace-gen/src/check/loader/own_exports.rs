// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The exports of the module itself: `check_export_symbol_sections()` in kernel/module/main.c.

use crate::check::refusal::Refusal;
use crate::check::report::Report;
use crate::check::subject::Subject;
use object::read::ReadRef;

/// The exports, and the flags of each.
const EXPORTS: &[u8] = b"__ksymtab";
const FLAGS: &[u8] = b"__kflagstab";

/// The size of a `struct kernel_symbol` with `CONFIG_HAVE_ARCH_PREL32_RELOCATIONS`.
const EXPORT: u64 = 12;

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports exports without the flags that the kernel requires.
    pub(in crate::check) fn check_own_exports(&self, report: &mut Report) {
        let find_sec = |name| self.elf.alloc_section_by_name(name);
        let exports = find_sec(EXPORTS).map_or(0, |section| section.size / EXPORT);
        if self.release.export_flags && exports > 0 && find_sec(FLAGS).is_none() {
            let module = &self.module;
            let what = format!("{module}: no flags for exported symbols");
            self.refuse_module(Refusal::Loader(what), report);
        }
    }
}
