// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A `klp_patch` in a module's data, as the author wrote it.
//!
//! A file does not say where its `klp_patch` is. It is found by its first members: a pointer to the module
//! and a pointer to its objects. All members that an author sets are at the head of each struct
//! (include/linux/livepatch.h). The length of a struct depends on the kernel's configuration; here, it
//! follows from the size of the array's symbol and the places of the pointers.
//!
//! The kernel checks none of this: it reads an array up to an element of zeros, and writes to its own
//! members, which are behind those of the author.

use super::memory::{Location, Memory, Pointer};
use super::offsets::{klp_func, klp_object, klp_patch, klp_state};
use super::structs::{
    overlaps, ObjectName, Patch, PatchProblem, PatchedFunction, PatchedObject, State,
};
use object::read::ReadRef;
use std::collections::BTreeMap;
use std::mem;

/// The layout of an array of structs.
struct Layout {
    /// The length of an element in a kernel without debugging options; these make it longer.
    shortest: u64,
    /// The offsets in an element that may hold a pointer.
    pointers: &'static [u64],
    /// The offset of the kernel's own members.
    own: u64,
    /// The name of the struct.
    name: &'static str,
}

/// The layout in a kernel for one processor, in which a lock has no bytes.
const PATCH: Layout = Layout {
    shortest: 192,
    pointers: &[klp_patch::MOD, klp_patch::OBJS, klp_patch::STATES],
    own: klp_patch::LIST,
    name: "klp_patch",
};

const OBJECT: Layout = Layout {
    shortest: 168,
    pointers: &{
        let [pre_patch, post_patch, pre_unpatch, post_unpatch] = klp_object::CALLBACKS;
        let (name, funcs) = (klp_object::NAME, klp_object::FUNCS);
        [
            name,
            funcs,
            pre_patch,
            post_patch,
            pre_unpatch,
            post_unpatch,
        ]
    },
    own: klp_object::POST_UNPATCH_ENABLED,
    name: "klp_object",
};

const FUNCTION: Layout = Layout {
    shortest: 152,
    pointers: &[klp_func::OLD_NAME, klp_func::NEW_FUNC],
    own: klp_func::OLD_FUNC,
    name: "klp_func",
};

/// A length that none of these structs has in any configuration.
const LONGEST: u64 = 1024;

/// Returns the patches in a module's data, without those that its code makes at run time.
pub(super) fn patches<'d, R: ReadRef<'d>>(
    memory: &Memory<'_, 'd, R>,
    budget: &mut u64,
) -> Vec<Patch<'d>> {
    let mut reader = Reader {
        memory,
        budget,
        problem: None,
        structs: BTreeMap::new(),
        own: BTreeMap::new(),
        names: Vec::new(),
        ends: Vec::new(),
    };
    let places = memory.pointers_to_module();
    let patches: Vec<_> = places.filter_map(|at| reader.patch(at)).collect();
    if patches.is_empty() {
        // Its pointer to the module may be missing.
        let handed = memory.handed_over();
        return handed.and_then(|at| reader.patch(at)).into_iter().collect();
    }
    patches
}

struct Reader<'m, 'b, 'f, 'd, R: ReadRef<'d>> {
    memory: &'m Memory<'f, 'd, R>,
    budget: &'b mut u64,
    problem: Option<PatchProblem>,
    /// The end of each struct of the patch, by its beginning.
    structs: BTreeMap<Location, u64>,
    /// The end of the kernel's own members in each struct, by their beginning.
    own: BTreeMap<Location, u64>,
    /// The places of the names that the kernel reads.
    names: Vec<Location>,
    /// The empty elements that end arrays: the place, the number of bytes that the kernel reads, and the
    /// name of the struct.
    ends: Vec<(Location, u64, &'static str)>,
}

/// An element of a list of objects.
enum Element<'d> {
    Object(PatchedObject<'d>),
    /// The empty element, which ends the list.
    End,
    /// An element with a fault.
    Wrong(PatchProblem),
}

impl<'d, R: ReadRef<'d>> Reader<'_, '_, '_, 'd, R> {
    fn patch(&mut self, at: Location) -> Option<Patch<'d>> {
        let memory = self.memory;
        // The argument of klp_enable_patch() is a klp_patch, whatever its contents are.
        let enabled = memory.handed_over() == Some(at);
        self.problem = None;
        self.structs.clear();
        self.own.clear();
        self.names.clear();
        self.ends.clear();
        let len = match memory.extent(at)? {
            (end, true) if end - at.offset <= LONGEST => end - at.offset,
            // The data behind it may belong to something else.
            _ => PATCH.shortest,
        };
        self.look_at_own(at, len.max(PATCH.shortest), &PATCH);
        match memory.pointer(at.plus(klp_patch::MOD))? {
            Pointer::Null => self.problem = Some(PatchProblem::Null("mod")),
            pointer if memory.is_module(pointer) => {}
            _ => self.problem = Some(PatchProblem::OtherModule),
        }
        if memory.is_per_cpu(at) {
            self.problem = Some(PatchProblem::Nowhere("its klp_patch, a per-cpu variable,"));
        }
        let replace = memory
            .byte(at.plus(klp_patch::REPLACE))
            .map(|replace| replace != 0);
        if replace.is_none() && memory.is_written(at.plus(klp_patch::REPLACE), 1) {
            self.wrong(PatchProblem::Written("the replace of its klp_patch"));
        }
        let array = match memory.pointer(at.plus(klp_patch::OBJS))? {
            Pointer::Local(array) => array,
            Pointer::Null if enabled => {
                return Some(Patch {
                    objects: Vec::new(),
                    replace,
                    states: Vec::new(),
                    problem: self.problem.or(Some(PatchProblem::Null("objs"))),
                    own: mem::take(&mut self.own),
                })
            }
            _ => return None,
        };
        let objects = self.objects(array)?;
        if self.names.iter().any(|&name| self.is_written_over(name)) {
            self.wrong(PatchProblem::NameInStruct);
        }
        let mut ends = self.ends.iter();
        if let Some(end) = ends.find(|&&(at, len, _)| overlaps(&self.own, at, len)) {
            self.wrong(PatchProblem::EndInStruct(end.2));
        }
        let unnamed = matches!(self.problem, Some(PatchProblem::Written(_)));
        if objects.is_empty() && !unnamed && !enabled {
            return None;
        }
        Some(Patch {
            objects,
            replace,
            states: match memory.pointer(at.plus(klp_patch::STATES))? {
                Pointer::Local(array) if memory.is_per_cpu(array) => {
                    self.wrong(PatchProblem::Nowhere(
                        "the array of states of its klp_patch",
                    ));
                    Vec::new()
                }
                Pointer::Local(array) => self.states(array)?,
                _ => Vec::new(),
            },
            problem: self.problem,
            own: mem::take(&mut self.own),
        })
    }

    /// Returns the objects before the empty one, or before the first that the kernel cannot read.
    fn objects(&mut self, array: Location) -> Option<Vec<PatchedObject<'d>>> {
        let (stride, elements) = self.elements(array, &OBJECT)?;
        let mut objects = Vec::new();
        for element in elements {
            *self.budget = self.budget.checked_sub(1)?;
            match self.object(element)? {
                Element::Object(object) => objects.push(object),
                Element::End => {
                    // The kernel reads name and funcs.
                    let len = klp_object::CALLBACKS[0];
                    self.ends.push((element, len, OBJECT.name));
                    return Some(objects);
                }
                Element::Wrong(problem) => {
                    self.wrong(problem);
                    return Some(objects);
                }
            }
            self.look_at_own(element, stride, &OBJECT);
        }
        self.wrong(PatchProblem::NoEnd(OBJECT.name));
        Some(objects)
    }

    fn object(&mut self, element: Location) -> Option<Element<'d>> {
        let memory = self.memory;
        let name = match ObjectName::read(memory, element.plus(klp_object::NAME))? {
            ObjectName::Vmlinux => None,
            ObjectName::Module { name, at, problem } => {
                self.problem = self.problem.or(problem);
                self.names.push(at);
                Some(name)
            }
            ObjectName::Wrong(problem) => return Some(Element::Wrong(problem)),
        };
        let (has_funcs, functions) = match memory.pointer(element.plus(klp_object::FUNCS))? {
            Pointer::Local(array) => (true, self.functions(array)?),
            Pointer::Null if name.is_none() => return Some(Element::End),
            Pointer::Null => (false, Vec::new()),
            Pointer::External(_) | Pointer::Absolute(_) | Pointer::Unknown => {
                let problem = PatchProblem::Nowhere("the array of functions of a klp_object");
                return Some(Element::Wrong(problem));
            }
        };
        let callbacks = klp_object::CALLBACKS
            .iter()
            .map(|&at| memory.pointer(element.plus(at)));
        Some(Element::Object(PatchedObject {
            name,
            has_funcs,
            functions,
            callbacks: callbacks.collect::<Option<_>>()?,
        }))
    }

    /// Keeps a problem; only the first one counts.
    fn wrong(&mut self, problem: PatchProblem) {
        self.problem = self.problem.or(Some(problem));
    }

    /// Returns true if a string overlaps the kernel's own members.
    fn is_written_over(&self, string: Location) -> bool {
        let len = self.memory.string(string).map_or(0, <[u8]>::len) as u64;
        overlaps(&self.own, string, len + 1)
    }

    /// Checks the kernel's own members of a struct: they must be 0, writable, and part of this struct alone.
    fn look_at_own(&mut self, element: Location, stride: u64, layout: &Layout) {
        if self.problem.is_some() {
            return;
        }
        let own = stride.saturating_sub(layout.own);
        let end = element.offset.saturating_add(stride);
        let shared = overlaps(&self.structs, element, stride);
        self.structs.insert(element, end);
        self.own.insert(element.plus(layout.own), end);
        let is_free = self.memory.is_zero(element.plus(layout.own), own);
        if shared || !is_free || !self.memory.is_own(element) {
            self.problem = Some(PatchProblem::InUse(layout.name));
        }
    }

    /// Returns the states before the empty one.
    fn states(&mut self, array: Location) -> Option<Vec<State>> {
        let mut states = Vec::new();
        for i in 0.. {
            *self.budget = self.budget.checked_sub(1)?;
            let at = array.plus(i * klp_state::SIZE);
            let id = self.memory.number(at.plus(klp_state::ID))?;
            if id == 0 {
                break;
            }
            let version = self.memory.half(at.plus(klp_state::VERSION))?;
            states.push(State { id, version });
        }
        Some(states)
    }

    /// Returns the functions before the empty one.
    fn functions(&mut self, array: Location) -> Option<Vec<PatchedFunction<'d>>> {
        let memory = self.memory;
        let mut functions = Vec::new();
        let (stride, elements) = self.elements(array, &FUNCTION)?;
        for element in elements {
            *self.budget = self.budget.checked_sub(1)?;
            let old_name_at = element.plus(klp_func::OLD_NAME);
            let new_func_at = element.plus(klp_func::NEW_FUNC);
            let old_sympos_at = element.plus(klp_func::OLD_SYMPOS);
            let old_name = memory.pointer(old_name_at)?;
            let new_func = memory.pointer(new_func_at)?;
            let old_sympos = memory.number(old_sympos_at);
            if old_name == Pointer::Null && new_func == Pointer::Null && old_sympos == Some(0) {
                self.ends.push((element, FUNCTION.own, FUNCTION.name));
                return Some(functions);
            }
            self.look_at_own(element, stride, &FUNCTION);
            if let Pointer::Local(name) = old_name {
                self.names.push(name);
            }
            functions.push(PatchedFunction::read(
                memory,
                old_name_at,
                new_func_at,
                old_sympos_at,
            )?);
        }
        self.wrong(PatchProblem::NoEnd(FUNCTION.name));
        Some(functions)
    }

    /// Returns the length of an array's elements, and the places at which elements may be, including the
    /// empty element. These reach to the end of the section, since the kernel does not know the end of the
    /// array.
    fn elements(
        &mut self,
        array: Location,
        layout: &Layout,
    ) -> Option<(u64, impl Iterator<Item = Location> + use<'d, R>)> {
        let (end, exact) = self.memory.extent(array)?;
        let len = end.checked_sub(array.offset)?;
        if len < layout.shortest && !exact || !self.memory.is_own(array) {
            self.wrong(PatchProblem::InUse(layout.name));
        }
        let stride = if exact && len >= layout.shortest {
            let pointers: Vec<u64> = self
                .memory
                .relocated(array.section, array.offset..end)
                .map(|offset| offset - array.offset)
                .take(usize::try_from(*self.budget).unwrap_or(usize::MAX))
                .collect();
            self.stride(len, &pointers, layout)?
        } else {
            // If the end of the array is not known, pointers of other data may follow.
            layout.shortest
        };
        let room = self.memory.room(array)?;
        let elements = (0..room / stride).map(move |i| array.plus(i * stride));
        Some((stride, elements))
    }

    /// Returns the length of an element of an array of `len` bytes, if pointers are at these places.
    ///
    /// Several lengths may fit, because each element begins with pointers. The longest one is right. An
    /// array has at least two elements, since an empty element ends the array.
    fn stride(&mut self, len: u64, pointers: &[u64], layout: &Layout) -> Option<u64> {
        let longest = LONGEST.min(len / 2).max(layout.shortest);
        for stride in (layout.shortest / 8..=longest / 8).rev().map(|n| n * 8) {
            *self.budget = self.budget.checked_sub(1)?;
            if len % stride != 0 {
                continue;
            }
            *self.budget = self.budget.checked_sub(pointers.len() as u64)?;
            let on_a_pointer = |p: &u64| layout.pointers.contains(&(p % stride));
            if pointers.iter().all(on_a_pointer) {
                return Some(stride);
            }
        }
        // A pointer is at a place where an element has none.
        (len % layout.shortest == 0).then_some(layout.shortest)
    }
}
