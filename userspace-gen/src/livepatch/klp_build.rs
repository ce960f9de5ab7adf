// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatches of klp-build. `objtool klp diff` writes an array of `klp_object_ext`, each with an array of
//! `klp_func_ext` (`include/linux/livepatch_external.h`). Init code of the livepatch makes a `klp_patch` of
//! the array (scripts/livepatch/init.c).
//!
//! `objtool klp post-link` turns the relocations that [`RELOCATIONS`] lists into livepatch relocations. It leaves that
//! list, and it leaves the relocations of the compiler, which refer to a [`TOMBSTONE`] and have the type
//! `R_X86_64_NONE` then.

use super::memory::{Location, Memory, Pointer};
use super::offsets::{klp_func_ext, klp_object_ext, klp_patch};
use super::structs::{ObjectName, Patch, PatchProblem, PatchedFunction, PatchedObject};
use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Register};
use object::read::ReadRef;
use std::collections::BTreeMap;

/// The section with the array of objects: the present name, and the name before the section was freed after
/// init.
pub(super) const OBJECTS: [&[u8]; 2] = [b".init.klp_objects", b"__klp_objects"];

/// The beginning of the names of sections with a list of relocations. Neither the kernel nor the init code reads such a
/// section.
pub(crate) const RELOCATIONS: &[u8] = b"__klp_relocs.";

/// The beginning of the names of symbols that stand for those of the compiler.
pub(crate) const TOMBSTONE: &[u8] = b".klp.tombstone.";

/// The function by which the init code finds the array of objects.
pub(crate) const FIND: &[u8] = b"klp_find_section_by_name";

/// Reads the patch. Returns nothing without the section, or if its pointers lead nowhere.
pub(super) fn patch<'d, R: ReadRef<'d>>(
    memory: &Memory<'_, 'd, R>,
    budget: &mut u64,
) -> Option<Patch<'d>> {
    let finds = memory.imports(FIND);
    // The init code looks for one of the names only.
    let mut wanted = OBJECTS
        .into_iter()
        .filter(|name| !finds || memory.contains(name))
        .peekable();
    let looks_for_it = finds && wanted.peek().is_some();
    let Some(section) = wanted.find_map(|name| memory.section(name)) else {
        return looks_for_it.then(|| made_of(Vec::new(), Some(PatchProblem::Empty), None));
    };
    if !memory.is_loaded(&section) {
        return Some(made_of(Vec::new(), Some(PatchProblem::NotLoaded), None));
    }
    let count = section.size / klp_object_ext::SIZE;
    let mut problem = (count == 0).then_some(PatchProblem::Empty);
    let mut objects = Vec::new();
    for i in 0..count {
        *budget = budget.checked_sub(1)?;
        let at = Location {
            section: section.id,
            offset: i * klp_object_ext::SIZE,
        };
        let array = memory.pointer(at.plus(klp_object_ext::FUNCS))?;
        let count = u64::from(memory.half(at.plus(klp_object_ext::NR_FUNCS))?);
        if let Some(fault) = array_problem(memory, array, count) {
            // The init code does not come to klp_enable_patch().
            problem = Some(fault);
            break;
        }
        let name = match ObjectName::read(memory, at.plus(klp_object_ext::NAME))? {
            ObjectName::Vmlinux => None,
            ObjectName::Module {
                name,
                problem: fault,
                ..
            } => {
                problem = problem.or(fault);
                Some(name)
            }
            ObjectName::Wrong(fault) => {
                problem = problem.or(Some(fault));
                break;
            }
        };
        let callbacks = klp_object_ext::CALLBACKS.map(|offset| memory.pointer(at.plus(offset)));
        objects.push(PatchedObject {
            name,
            has_funcs: true,
            functions: functions(memory, array, count, budget)?,
            callbacks: callbacks.into_iter().collect::<Option<_>>()?,
        });
    }
    Some(made_of(objects, problem, replace(memory)))
}

/// Returns the fault of an array of functions. The init code copies all of its elements.
fn array_problem<'d, R: ReadRef<'d>>(
    memory: &Memory<'_, 'd, R>,
    array: Pointer<'d>,
    count: u64,
) -> Option<PatchProblem> {
    let len = count * klp_func_ext::SIZE;
    match array {
        _ if count == 0 => None,
        // The file does not tell what is there.
        Pointer::External(_) => None,
        Pointer::Local(at) if memory.is_in_module(at) => {
            let is_short = memory.room(at).is_none_or(|room| room < len);
            is_short.then_some(PatchProblem::BeyondSection("klp_func_ext"))
        }
        Pointer::Local(_) | Pointer::Null | Pointer::Absolute(_) | Pointer::Unknown => Some(
            PatchProblem::Nowhere("the array of functions of a klp_object_ext"),
        ),
    }
}

/// Reads the functions of a `klp_object_ext`: `count` elements of an array.
fn functions<'d, R: ReadRef<'d>>(
    memory: &Memory<'_, 'd, R>,
    array: Pointer<'d>,
    count: u64,
    budget: &mut u64,
) -> Option<Vec<PatchedFunction<'d>>> {
    let mut functions = Vec::new();
    for i in 0..count {
        *budget = budget.checked_sub(1)?;
        let Pointer::Local(array) = array else {
            return None;
        };
        let function = array.plus(i * klp_func_ext::SIZE);
        let read = PatchedFunction::read(
            memory,
            function.plus(klp_func_ext::OLD_NAME),
            function.plus(klp_func_ext::NEW_FUNC),
            function.plus(klp_func_ext::SYMPOS),
        )?;
        // klp_for_each_func_static() ends at the copy of an empty element.
        if !read.has_old_name && read.new_func == Pointer::Null && read.old_sympos == 0 {
            break;
        }
        functions.push(read);
    }
    Some(functions)
}

/// Returns the `klp_patch` that the init code makes.
fn made_of(
    objects: Vec<PatchedObject<'_>>,
    problem: Option<PatchProblem>,
    replace: Option<bool>,
) -> Patch<'_> {
    Patch {
        objects,
        replace,
        // The init code sets none.
        states: Vec::new(),
        problem,
        // The code allocates the structs.
        own: BTreeMap::new(),
    }
}

/// Returns the value that the init code gives `replace`, which `KLP_NO_REPLACE` decides when it is compiled.
///
/// The init code writes a constant to one byte of a struct only. If no instruction or several do so, the value is not
/// known.
fn replace<'d, R: ReadRef<'d>>(memory: &Memory<'_, 'd, R>) -> Option<bool> {
    let code = memory.code_before_enabling()?;
    let instructions = Decoder::new(64, code, DecoderOptions::NONE);
    let mut written = instructions.into_iter().filter(is_constant_replace);
    let written = written.next().filter(|_| written.next().is_none())?;
    Some(written.immediate8() != 0)
}

/// Returns true for `movb $constant, klp_patch.replace(%register)`.
fn is_constant_replace(instruction: &Instruction) -> bool {
    let base = instruction.memory_base();
    instruction.code() == Code::Mov_rm8_imm8
        && ![Register::None, Register::RSP, Register::RIP].contains(&base)
        && instruction.memory_index() == Register::None
        && instruction.memory_displacement64() == klp_patch::REPLACE
}
