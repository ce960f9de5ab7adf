// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The parameters of the module: `struct kernel_param` in include/linux/moduleparam.h. `parse_args()`
//! writes their values, and /sys/module/*/parameters reads them as long as the module is loaded.

use crate::check::refusal::Refusal;
use crate::check::report::{Kind, Outcome, Report};
use crate::check::subject::Subject;
use crate::elf::number::read_u16;
use crate::livepatch::memory::Location;
use crate::livepatch::{Memory, Pointer};
use crate::printable::shown;
use object::read::ReadRef;

/// The section of the parameters.
const SECTION: &[u8] = b"__param";

/// The length of a `struct kernel_param` on a 64-bit kernel, and the offsets of members.
const LENGTH: u64 = 40;
const PERM: u64 = 24;
const ARG: u64 = 32;

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports parameters with a value that is not in memory when the kernel reads or writes it.
    pub(in crate::check) fn check_parameters(&self, report: &mut Report) {
        let Some(section) = self.elf.section_by_name(SECTION) else {
            return;
        };
        if !self.loaded.has_memory(&section) || section.is_nobits() {
            return;
        }
        let memory = Memory::new(self.elf, &self.rela, self.release);
        let data = self.elf.section_data(&section).unwrap_or_default();
        for offset in (0..section.size / LENGTH).map(|i| i * LENGTH) {
            let at = Location {
                section: section.id,
                offset,
            };
            let Some(Pointer::Local(value)) = memory.pointer(at.plus(ARG)) else {
                continue;
            };
            let start = usize::try_from(offset + PERM).ok();
            let perm = start.and_then(|start| read_u16(self.elf.endian(), data.get(start..)?));
            let is_shown = perm.is_some_and(|perm| perm != 0);
            let what = if memory.is_per_cpu(value) {
                "is a per-cpu variable"
            } else if is_shown && memory.is_freed(value) {
                "is freed once the module has loaded, but sysfs shows it (its permissions are not 0)"
            } else {
                continue;
            };
            let number = offset / LENGTH;
            let what = format!("the value of parameter {number} {what}");
            let outcome = Outcome::Refused(Refusal::Harmful(what));
            report.add(Kind::Section, "", shown(SECTION), outcome);
        }
    }
}
