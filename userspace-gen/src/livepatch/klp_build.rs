// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatches of klp-build. `objtool klp diff` writes an array of `klp_object_ext`, each with an array of
//! `klp_func_ext` (`include/linux/livepatch_external.h`). Init code of the livepatch makes a `klp_patch` of
//! the array (scripts/livepatch/init.c).

use super::memory::{Location, Memory, Pointer};
use super::offsets::{klp_func_ext, klp_object_ext};
use super::structs::{Patch, PatchedFunction, PatchedObject};
use object::read::ReadRef;
use std::collections::BTreeMap;

/// The section with the array of objects: the present name, and the name before the section was freed after
/// init.
pub(super) const OBJECTS: [&[u8]; 2] = [b".init.klp_objects", b"__klp_objects"];

/// Reads the patch. Returns nothing without the section, or if its pointers lead nowhere.
pub(super) fn patch<'d, R: ReadRef<'d>>(
    memory: &Memory<'_, 'd, R>,
    budget: &mut u64,
) -> Option<Patch<'d>> {
    let section = OBJECTS.iter().find_map(|name| memory.section(name))?;
    let mut objects = Vec::new();
    for i in 0..section.size / klp_object_ext::SIZE {
        *budget = budget.checked_sub(1)?;
        let at = Location {
            section: section.id,
            offset: i * klp_object_ext::SIZE,
        };
        let name = match memory.pointer(at.plus(klp_object_ext::NAME))? {
            Pointer::Null => None,
            Pointer::Local(name) => Some(memory.string(name)?),
            _ => return None,
        };
        let count = memory.half(at.plus(klp_object_ext::NR_FUNCS))?;
        let mut functions = Vec::new();
        for j in 0..u64::from(count) {
            *budget = budget.checked_sub(1)?;
            let Pointer::Local(array) = memory.pointer(at.plus(klp_object_ext::FUNCS))? else {
                return None;
            };
            let function = array.plus(j * klp_func_ext::SIZE);
            functions.push(PatchedFunction::read(
                memory,
                function.plus(klp_func_ext::OLD_NAME),
                function.plus(klp_func_ext::NEW_FUNC),
                function.plus(klp_func_ext::SYMPOS),
            )?);
        }
        objects.push(PatchedObject {
            name,
            has_funcs: true,
            callbacks: Vec::new(),
            functions,
        });
    }
    Some(Patch {
        objects,
        // The default is true; the code may decide otherwise (KLP_NO_REPLACE).
        replace: None,
        states: Vec::new(),
        problem: None,
        // The code allocates the structs.
        own: BTreeMap::new(),
    })
}
