// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Places of the module to which the kernel jumps.

use super::subject::Subject;
use crate::elf::Symbol;
use crate::livepatch::memory::Location;
use crate::livepatch::Pointer;
use crate::printable::shown;
use object::read::ReadRef;

/// The state of a place to jump to.
pub(super) enum Jump {
    /// The place is code that stays.
    Fits,
    /// kallsyms does not know the place.
    Nowhere,
    /// The place is code that is freed once the module has loaded.
    Freed(String),
    /// The kernel would call the place, and must not.
    Harmful(String),
}

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Returns the state of a place to which the kernel will jump.
    ///
    /// The kernel itself hardly checks such a place: `klp_init_object_loaded()` only asks kallsyms for the
    /// size of a replacement, and no function checks callbacks.
    pub(super) fn jump(&self, to: Pointer<'d>) -> Jump {
        let at = match to {
            Pointer::Absolute(_) | Pointer::Unknown => return Jump::Nowhere,
            Pointer::Null | Pointer::External(_) => return Jump::Fits,
            Pointer::Local(at) => at,
        };
        let Some(section) = self.elf.get_section(at.section) else {
            return Jump::Fits;
        };
        let name = shown(section.name);
        // Modules and the kernel's image are within 2 GiB.
        let beyond = at.offset.wrapping_sub(section.size);
        let beyond = beyond.min(at.offset.wrapping_neg());
        if !self.loaded.has_memory(&section) || at.offset >= section.size && beyond >= 1 << 31 {
            Jump::Nowhere
        } else if at.offset >= section.size {
            Jump::Harmful(format!("is outside of {name}"))
        } else if !section.is_code() {
            Jump::Harmful(format!("is in {name}, which does not contain code"))
        } else if let Some(function) = self.function_around(at) {
            Jump::Harmful(format!("is in the middle of {}", shown(function.name)))
        } else if section.name.starts_with(b".init") {
            Jump::Freed(format!(
                "is in {name}, which is freed once the module has loaded"
            ))
        } else {
            Jump::Fits
        }
    }

    /// Returns the state of a place that the kernel will call by a pointer. CFI compares types there.
    pub(super) fn call(&self, to: Pointer<'d>) -> Jump {
        let jump = self.jump(to);
        let lacks = match (to, self.target.call_check()) {
            (Pointer::Local(at), Some(check)) => self.types.lacks(check, at),
            _ => None,
        };
        match (jump, lacks) {
            (Jump::Fits | Jump::Freed(_), Some(what)) => Jump::Harmful(what.to_owned()),
            (jump, _) => jump,
        }
    }

    /// Returns the function that contains a place behind its first byte.
    fn function_around(&self, at: Location) -> Option<Symbol<'d>> {
        let place = (at.section, at.offset);
        let (&(section, start), &id) = self.functions.range(..=place).next_back()?;
        let function = self.elf.get_symbol(id).filter(|_| section == at.section)?;
        (start < at.offset && at.offset - start < function.size).then_some(function)
    }
}
