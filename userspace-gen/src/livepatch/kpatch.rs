// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatches of kpatch-build. It writes an array of `kpatch_patch_func`, and callbacks, also for objects
//! without functions. Its patch hook, which is code of the livepatch, makes a `klp_patch` of these
//! (kmod/patch/kpatch-patch.h, livepatch-patch-hook.c).

use super::memory::{Location, Memory, Pointer};
use super::offsets::{kpatch_callback, kpatch_patch_func};
use super::structs::{Patch, PatchedFunction, PatchedObject};
use object::read::ReadRef;
use std::collections::BTreeMap;

pub(super) const FUNCS: &[u8] = b".kpatch.funcs";
const CALLBACKS: [&[u8]; 4] = [
    b".kpatch.callbacks.pre_patch",
    b".kpatch.callbacks.post_patch",
    b".kpatch.callbacks.pre_unpatch",
    b".kpatch.callbacks.post_unpatch",
];

/// Reads the patch. Returns nothing without the section, or if its pointers lead nowhere.
pub(super) fn patch<'d, R: ReadRef<'d>>(
    memory: &Memory<'_, 'd, R>,
    budget: &mut u64,
) -> Option<Patch<'d>> {
    memory.section(FUNCS)?;
    let mut objects = Vec::new();
    for at in elements(memory, FUNCS, kpatch_patch_func::SIZE) {
        *budget = budget.checked_sub(1 + objects.len() as u64)?;
        let function = PatchedFunction::read(
            memory,
            at.plus(kpatch_patch_func::NAME),
            at.plus(kpatch_patch_func::NEW_ADDR),
            at.plus(kpatch_patch_func::SYMPOS),
        )?;
        object(
            &mut objects,
            string(memory, at.plus(kpatch_patch_func::OBJNAME))?,
        )
        .functions
        .push(function);
    }
    for section in CALLBACKS {
        for at in elements(memory, section, kpatch_callback::SIZE) {
            *budget = budget.checked_sub(1 + objects.len() as u64)?;
            object(
                &mut objects,
                string(memory, at.plus(kpatch_callback::OBJNAME))?,
            );
        }
    }
    // The hook builds its lists from the front.
    objects.reverse();
    for object in &mut objects {
        object.functions.reverse();
    }
    Some(Patch {
        objects,
        // The default is true; the code may decide otherwise (KLP_REPLACE_ENABLE).
        replace: None,
        states: Vec::new(),
        problem: None,
        // The code allocates the structs.
        own: BTreeMap::new(),
    })
}

/// Returns the elements of an array that fills its section, without the linker's padding.
fn elements<'d, R: ReadRef<'d>>(
    memory: &Memory<'_, 'd, R>,
    section: &[u8],
    len: u64,
) -> impl Iterator<Item = Location> {
    let section = memory.section(section).map(|s| (s.id, s.size / len));
    section.into_iter().flat_map(move |(section, count)| {
        (0..count).map(move |i| Location {
            section,
            offset: i * len,
        })
    })
}

fn string<'d, R: ReadRef<'d>>(memory: &Memory<'_, 'd, R>, at: Location) -> Option<&'d [u8]> {
    match memory.pointer(at)? {
        Pointer::Local(string) => memory.string(string),
        _ => None,
    }
}

/// `patch_find_object_by_name()`
fn object<'o, 'd>(
    objects: &'o mut Vec<PatchedObject<'d>>,
    name: &'d [u8],
) -> &'o mut PatchedObject<'d> {
    let name = (name != b"vmlinux").then_some(name);
    let found = objects.iter().position(|o| o.name == name);
    let at = found.unwrap_or_else(|| {
        objects.push(PatchedObject {
            name,
            has_funcs: true,
            functions: Vec::new(),
            callbacks: Vec::new(),
        });
        objects.len() - 1
    });
    &mut objects[at]
}
