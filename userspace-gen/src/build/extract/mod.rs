// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Takes the functions of a livepatch out of the patched object files.
//!
//! A changed function is taken together with its entries of special sections, and with all new functions
//! and variables that it uses. A function or variable of the running kernel becomes an undefined symbol,
//! which `klp-gen convert` resolves; [`spelling`] makes the name of this symbol. [`body`] is the resulting
//! object file.
//!
//! If a changed function calls another changed function, the call goes to the new code directly: a task
//! that runs the caller is patched. If a changed function takes the address of another changed function,
//! the address is that of the original. So pointers before and after are equal, and stay valid without the
//! livepatch. A call by such a pointer gets to the new code by ftrace.

pub mod body;
mod constants;
mod existing;
mod lock_names;
pub mod spelling;
mod tables;

use super::code::{Code, Entry, Layouts, Piece, PieceId, PieceKind, Reference, Target};
use super::compare::form::{is_content, DESCRIPTORS};
use super::compare::{is_boot_only, names, ChangedFunction, Changes, Pairings, Side, Versions};
use super::identity::{Image, Located};
use super::{Object, Refusal, RefusalKind, Unit};
use crate::elf::SectionId;
use crate::shown::shown;
use crate::target::{self, Traceable};
use body::{Body, BodyRelocation, BodySection, BodySymbol, Contents, SymbolSort};
use constants::Constants;
use object::elf;
use object::read::ReadRef;
use spelling::Meaning;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// A function that a livepatch replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The number of its file.
    pub unit: usize,
    /// The object that has the function.
    pub object: Object,
    /// Its `old_name` and `old_sympos`.
    pub meaning: Meaning,
    /// The symbol of the new function.
    pub symbol: Vec<u8>,
    /// Its name in the source.
    pub name: String,
}

/// A new function or variable of the livepatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The number of its file.
    pub unit: usize,
    /// Its name in the source.
    pub name: String,
    /// True for a function.
    pub is_function: bool,
}

/// The functions of a livepatch.
#[derive(Debug, Default)]
pub struct Extraction {
    /// The object file.
    pub body: Body,
    /// The functions that it replaces.
    pub functions: Vec<Replacement>,
    /// The functions and variables that no kernel had before.
    pub additions: Vec<Addition>,
    /// The reasons for which there can be no livepatch.
    pub refusals: Vec<Refusal>,
    /// The parts of the new functions that are left out.
    pub warnings: Vec<String>,
}

/// The data about the kernel and the patch.
pub struct Inputs<'x, 'i, 'd, R: ReadRef<'d>> {
    /// The files.
    pub units: &'x [Unit],
    /// Their versions.
    pub versions: &'x [Versions<'x>],
    /// The original of each patched function and variable.
    pub pairings: &'x Pairings<'x, 'x>,
    /// The layouts of tables.
    pub layouts: &'x Layouts,
    /// The kernel.
    pub target: &'x target::Target<'d>,
    /// The objects, by their names.
    pub images: &'x BTreeMap<Object, Image<'i, 'd, R>>,
    /// The symbols of each file.
    pub located: &'x [Located],
}

/// Takes the changed functions out of the patched files.
#[must_use]
pub fn extract<'d, R: ReadRef<'d>>(
    inputs: &Inputs<'_, '_, 'd, R>,
    changes: &Changes,
) -> Extraction {
    let functions = changes.functions.iter();
    let to_take: HashSet<_> = functions.map(|f| (f.unit, f.patched)).collect();
    let name = |&(unit, id): &(usize, PieceId)| cleaned(inputs.versions[unit].patched.piece(id));
    let mut extractor = Extractor {
        defined: to_take.iter().map(name).collect(),
        inputs,
        changed: to_take,
        taken: HashMap::new(),
        queue: VecDeque::new(),
        constants: Constants::default(),
        chunks: HashMap::new(),
        tables: HashMap::new(),
        result: Extraction::default(),
    };
    extractor.expect_no_move();
    for function in &changes.functions {
        extractor.replace(*function);
    }
    while let Some((unit, id)) = extractor.queue.pop_front() {
        extractor.fill(unit, id);
    }
    extractor.result
}

/// The beginning of the names of sections with per-cpu variables.
const PER_CPU: &[u8] = b".data..percpu";

/// The section with a pointer for each `printk()`. The pointers follow their functions, and nobody looks at one.
const PRINTK_INDEX: &[u8] = b".printk_index";

/// A symbol and a distance from it.
type Link = (BodySymbol, i64);

/// A part of a section: from one place to another.
type Part = (SectionId, u64, u64);

/// The flags in a reference to a static key (`jump_entry_key()` in `include/linux/jump_label.h`).
const FLAGS_OF_KEY: i64 = 3;

/// An extraction that is under way.
struct Extractor<'x, 'i, 'd, R: ReadRef<'d>> {
    inputs: &'x Inputs<'x, 'i, 'd, R>,
    changed: HashSet<(usize, PieceId)>,
    /// The names of the changed functions.
    defined: HashSet<Vec<u8>>,
    /// The new section and symbol of each function and variable that was taken.
    taken: HashMap<(usize, PieceId), (BodySection, BodySymbol)>,
    queue: VecDeque<(usize, PieceId)>,
    constants: Constants,
    /// The new places of code without symbols.
    chunks: HashMap<(usize, SectionId, u64), (BodySection, u64)>,
    /// The new sections of tables, by name.
    tables: HashMap<Vec<u8>, BodySection>,
    result: Extraction,
}

impl<'x, 'd, R: ReadRef<'d>> Extractor<'x, '_, 'd, R> {
    fn code(&self, unit: usize) -> &'x Code<'x> {
        &self.inputs.versions[unit].patched
    }

    fn refuse(&mut self, kind: RefusalKind, unit: usize, subject: String, what: &str) {
        let refusal = Refusal {
            kind,
            subject,
            reason: format!("{}: {what}", self.inputs.units[unit].source.display()),
        };
        if !self.result.refusals.contains(&refusal) {
            self.result.refusals.push(refusal);
        }
    }

    /// Refuses functions that are new in their file and that the kernel has in another one: their callers are in any
    /// file, and would go on to call the old ones.
    fn expect_no_move(&mut self) {
        for unit in 0..self.inputs.units.len() {
            let code = self.code(unit);
            let original = &self.inputs.versions[unit].original;
            let names = original.numbered().filter_map(|(_, piece)| piece.name);
            let before: HashSet<_> = names.map(names::stem).collect();
            for (id, piece) in code.numbered() {
                // A macro may make several functions of one name and a counter; they are of this file, too.
                let is_new = !before.contains(&names::stem(piece.name.unwrap_or_default()));
                let name = piece.name.filter(|_| is_new && !piece.is_local);
                let Some(name) = name.filter(|_| piece.kind == PieceKind::Function) else {
                    continue;
                };
                if self
                    .inputs
                    .images
                    .values()
                    .any(|image| image.global(name).is_some())
                {
                    let what = "defines a function that the running kernel has in another file, whose callers a \
                                livepatch does not see (leave the function in its file)";
                    self.refuse(RefusalKind::Moved, unit, code.name(id), what);
                }
            }
        }
    }

    /// Takes a changed function, and adds the function that it replaces.
    fn replace(&mut self, function: ChangedFunction) {
        let ChangedFunction {
            unit,
            patched,
            original,
        } = function;
        let name = self.code(unit).name(patched);
        let Some((object, place)) = self.existing(unit, original) else {
            let what = "is not among the symbols of the kernel that livepatch can find \
            (CONFIG_KALLSYMS)";
            return self.refuse(RefusalKind::NoSymbol, unit, name, what);
        };
        if matches!(object.traceable(place), Traceable::No | Traceable::NoSize) {
            let callers = self.callers(unit, patched).join(", ");
            let advice = match &callers[..] {
                "" => "remove the change from the patch".to_owned(),
                callers => format!("change its callers instead: {callers}"),
            };
            let what = format!(
                "has no call to ftrace at its beginning: a livepatch cannot replace it ({advice})"
            );
            return self.refuse(RefusalKind::Untraceable, unit, name, &what);
        }
        let Some(meaning) = spelling::meaning(object, place) else {
            return self.refuse(
                RefusalKind::NoSymbol,
                unit,
                name,
                "has a name by which livepatch cannot find it",
            );
        };
        self.take(unit, patched);
        self.expect_no_endbr(unit, patched);
        let symbol = self.global_name(unit, patched);
        self.result.functions.push(Replacement {
            unit,
            object: self.inputs.units[unit].object.clone(),
            meaning,
            symbol,
            name,
        });
    }

    /// Returns up to five functions that refer to a function.
    fn callers(&self, unit: usize, callee: PieceId) -> Vec<String> {
        let code = self.code(unit);
        let calls = |piece: &Piece<'_>| {
            let references = code.references(piece.section, piece.start, piece.end);
            references.iter().any(|r| r.target == Target::Piece(callee))
        };
        let others = code.numbered().filter(|(id, _)| *id != callee);
        let callers = others.filter(|(_, piece)| piece.kind == PieceKind::Function && calls(piece));
        callers.take(5).map(|(id, _)| code.name(id)).collect()
    }

    /// Returns the new symbol of a function or variable, and takes it if it is new.
    fn take(&mut self, unit: usize, id: PieceId) -> BodySymbol {
        if let Some(&(_, symbol)) = self.taken.get(&(unit, id)) {
            return symbol;
        }
        let code = self.code(unit);
        let piece = code.piece(id);
        let source = code.section(piece.section);
        let size = piece.end - piece.start;
        let section = self.result.body.add_section(Contents {
            name: section_name(source.name),
            kind: source.kind,
            flags: elf::SectionFlags(source.flags.0 & !elf::SHF_GROUP.0),
            align: alignment(piece.start, source.align),
            entsize: 0,
            data: code.bytes(piece.section, piece.start, piece.end).to_vec(),
            size,
            link: None,
        });
        let is_changed = self.changed.contains(&(unit, id));
        let is_function = piece.kind == PieceKind::Function;
        let sort = SymbolSort {
            is_function,
            is_global: is_changed,
        };
        let at = piece.entry - piece.start;
        let symbol = if piece.name.is_none() {
            self.result.body.section_symbol(section)
        } else {
            let name = self.global_name(unit, id);
            self.result
                .body
                .define(name, section, (at, size - at), sort)
        };
        self.define_prefix(unit, id, section);
        self.taken.insert((unit, id), (section, symbol));
        self.queue.push_back((unit, id));
        let is_indexed = source.name == PRINTK_INDEX;
        if !is_changed && !is_indexed && !is_content(code, id) {
            self.result.additions.push(Addition {
                unit,
                name: code.name(id),
                is_function,
            });
        }
        symbol
    }

    /// Defines the symbol at the type id of a function.
    fn define_prefix(&mut self, unit: usize, id: PieceId, section: BodySection) {
        let code = self.code(unit);
        let piece = code.piece(id);
        let mut symbols = code.elf().symbols();
        let prefix = symbols.find(|s| {
            s.section() == Some(piece.section)
                && (piece.start..piece.entry).contains(&s.value)
                && s.name.starts_with(super::code::piece::CFI_PREFIX)
        });
        if let Some(prefix) = prefix {
            let sort = SymbolSort {
                is_function: true,
                is_global: false,
            };
            let name = names::clean(prefix.name);
            let at = (prefix.value - piece.start, prefix.size);
            self.result.body.define(name, section, at, sort);
        }
    }

    /// Returns a unique name among the symbols of the livepatch, since two changed statics may have the
    /// same name.
    fn global_name(&self, unit: usize, id: PieceId) -> Vec<u8> {
        let name = cleaned(self.code(unit).piece(id));
        let is_same = |key: &&(usize, PieceId)| cleaned(self.code(key.0).piece(key.1)) == name;
        if !self.changed.contains(&(unit, id)) || self.changed.iter().filter(is_same).count() == 1 {
            return name;
        }
        [&name[..], format!(".klp{unit}_{}", id.0).as_bytes()].concat()
    }

    /// Adds the relocations of a function or variable that was taken, and its entries of tables.
    fn fill(&mut self, unit: usize, id: PieceId) {
        let code = self.code(unit);
        let piece = code.piece(id);
        let (section, _) = self.taken[&(unit, id)];
        let part = (piece.section, piece.start, piece.end);
        self.link(unit, id, section, part, 0, None);
        for entry in code.entries(id) {
            self.entry(unit, id, section, entry);
        }
        if piece.kind == PieceKind::Function {
            let name = cleaned(piece);
            let index = [&name[..], b"._entry_ptr"].concat();
            let goes_along = |piece: &Piece<'_>| {
                let is_part = piece
                    .name
                    .and_then(names::parent)
                    .is_some_and(|p| p == name);
                // Only the name tells to which function an entry of printk's index belongs.
                let is_indexed = code.section(piece.section).name == PRINTK_INDEX
                    && piece.name.is_some_and(|name| names::stem(name) == index);
                is_part || is_indexed
            };
            let along = code.numbered().filter(|(_, piece)| goes_along(piece));
            for (part, _) in along.collect::<Vec<_>>() {
                self.take(unit, part);
            }
        }
    }

    /// Adds the relocations of a part of a section. The part begins at `at` in the new section.
    fn link(
        &mut self,
        unit: usize,
        owner: PieceId,
        section: BodySection,
        (from, start, end): Part,
        at: u64,
        entry: Option<&Entry>,
    ) {
        let code = self.code(unit);
        for mut reference in code.references(from, start, end) {
            if let Some(entry) = entry {
                let layouts = self.inputs.layouts;
                reference.target = code.entry_target(entry, reference.target, layouts);
            }
            let is_own = reference.target == Target::Piece(owner);
            let goes_there = reference.is_branch || reference.delta != 0;
            let symbol = if is_own && entry.is_some() {
                Some(self.place_in(unit, owner))
            } else if entry.is_some() && self.is_key_of_tracepoint(unit, &reference) {
                reference.delta &= FLAGS_OF_KEY;
                Some((self.key_of_nobody(), 0))
            } else if is_own && goes_there {
                Some(self.new_code(unit, owner, &reference))
            } else {
                self.symbol(unit, owner, &reference)
            };
            if let Some((symbol, distance)) = symbol {
                let addend = distance.wrapping_add(reference.delta);
                let relocation = BodyRelocation {
                    offset: at + (reference.offset - start),
                    kind: reference.kind,
                    symbol,
                    addend: addend.wrapping_sub(reference.behind),
                };
                self.result.body.add_relocation(section, relocation);
            }
        }
    }

    /// Returns the symbol for a function that was taken, or for a place in it.
    ///
    /// objtool takes a jump to a symbol for a call that does not return, also if the place is in the middle
    /// of the function that jumps there (`add_jump_destinations()` in `tools/objtool/check.c`). An
    /// alternative jumps to a label in this way.
    fn new_code(&mut self, unit: usize, id: PieceId, reference: &Reference<'x>) -> Link {
        if reference.delta != 0 && self.code(unit).piece(id).kind == PieceKind::Function {
            return self.place_in(unit, id);
        }
        (self.take(unit, id), 0)
    }

    /// Returns the place of a function that was taken, as the symbol of its section and an offset.
    ///
    /// The assembler writes entries of tables in this form, and objtool requires the form for some tables
    /// (`add_dead_ends()` in `tools/objtool/check.c`).
    fn place_in(&mut self, unit: usize, id: PieceId) -> Link {
        let piece = self.code(unit).piece(id);
        let entry = piece.entry - piece.start;
        self.take(unit, id);
        let (section, _) = self.taken[&(unit, id)];
        let symbol = self.result.body.section_symbol(section);
        (symbol, 0_i64.wrapping_add_unsigned(entry))
    }

    /// Returns the symbol for the target of a reference.
    fn symbol(&mut self, unit: usize, owner: PieceId, reference: &Reference<'x>) -> Option<Link> {
        let code = self.code(unit);
        match reference.target {
            Target::Piece(id) => self.piece(unit, owner, id, reference),
            Target::External(name) => match self.inputs.pairings.definition(Side::Patched, name) {
                Some((other, id)) => self.piece(other, id, id, reference),
                None => self.external(unit, owner, name),
            },
            Target::Constant {
                section,
                start,
                end,
            } => {
                let part = (section, start, end);
                if let Some(link) = self.name_of_lock(unit, owner, part) {
                    return Some(link);
                }
                let body = &mut self.result.body;
                Some(self.constants.link(body, code, part, reference.kind))
            }
            Target::Chunk {
                section,
                start,
                end,
            } => {
                let (section, at) = self.chunk(unit, owner, (section, start, end));
                let symbol = self.result.body.section_symbol(section);
                Some((symbol, 0_i64.wrapping_add_unsigned(at)))
            }
            Target::Loose(section) => {
                let section = shown(code.section(section).name);
                let what = format!("refers to a place in {section} without a symbol");
                self.refuse(RefusalKind::Variable, unit, code.name(owner), &what);
                None
            }
            Target::Absolute => {
                let what = "refers to an absolute symbol, a number that only the linker knows";
                self.refuse(RefusalKind::Variable, unit, code.name(owner), what);
                None
            }
        }
    }

    /// Returns the symbol for a function or variable of one of the files.
    fn piece(
        &mut self,
        unit: usize,
        owner: PieceId,
        id: PieceId,
        reference: &Reference<'x>,
    ) -> Option<Link> {
        let code = self.code(unit);
        let section = code.section(code.piece(id).section);
        if is_content(code, id) {
            if section.is_writable() && section.name != DESCRIPTORS {
                let what = "uses a variable without a name, which cannot be identified";
                self.refuse(RefusalKind::Variable, unit, code.name(owner), what);
                return None;
            }
            return Some((self.take(unit, id), 0));
        }
        let Some(original) = self.inputs.pairings.of(unit).original(id) else {
            self.expect_new(unit, owner, id)?;
            return Some((self.take(unit, id), 0));
        };
        let goes_there = reference.is_branch || reference.delta != 0;
        let is_new_code = self.changed.contains(&(unit, id)) || self.is_part(unit, id);
        if is_new_code && goes_there {
            return Some(self.new_code(unit, id, reference));
        }
        self.existing_symbol(unit, original, code.name(id))
    }

    /// Returns true if a piece is a part of a changed function, with a symbol of its own.
    fn is_part(&self, unit: usize, id: PieceId) -> bool {
        let code = self.code(unit);
        let parent = code.piece(id).name.and_then(names::parent);
        let is_it = |&(of, id): &(usize, PieceId)| {
            of == unit && parent.as_ref() == Some(&cleaned(code.piece(id)))
        };
        parent.is_some() && self.changed.iter().any(is_it)
    }

    /// Refuses functions and variables that cannot be new in a livepatch.
    fn expect_new(&mut self, unit: usize, owner: PieceId, id: PieceId) -> Option<()> {
        let code = self.code(unit);
        let piece = code.piece(id);
        if is_boot_only(code.section(piece.section).name) {
            let what = format!(
                "uses {}, which the kernel frees after boot or after the module was loaded",
                code.name(id)
            );
            self.refuse(RefusalKind::Init, unit, code.name(owner), &what);
            return None;
        }
        let group = self.inputs.pairings.of(unit).left_of(code, id);
        // A second copy of a constant is as good as the first.
        let is_state = code.section(piece.section).is_writable();
        let is_open = piece.kind == PieceKind::Data && is_state && !group.originals.is_empty();
        if is_open && !names::is_forgetful(piece.name.unwrap_or_default()) {
            let names_of = |code: &Code<'_>, ids: &[PieceId]| {
                let names = ids
                    .iter()
                    .map(|&id| shown(code.piece(id).name.unwrap_or_default()));
                names.collect::<Vec<_>>().join(", ")
            };
            let original = &self.inputs.versions[unit].original;
            let what = format!(
                "several variables of one name cannot be told apart: {} before the patch, {} with the \
                patch (use other names for new variables)",
                names_of(original, &group.originals),
                names_of(code, &group.patched)
            );
            self.refuse(RefusalKind::Variable, unit, code.name(id), &what);
            return None;
        }
        Some(())
    }
}

/// Returns the name of a piece without the suffix of `ThinLTO`.
fn cleaned(piece: &Piece<'_>) -> Vec<u8> {
    names::clean(piece.name.unwrap_or_default())
}

/// Returns the alignment of the contents at a place in a section.
fn alignment(place: u64, of_section: u64) -> u64 {
    match place {
        0 => of_section,
        place => (1 << place.trailing_zeros().min(12)).min(of_section.max(1)),
    }
}

/// Returns the name of a section in the livepatch: that of one build has the hash of a promoted name, and of per-cpu
/// sections the module loader only knows one (`find_pcpusec()` of `kernel/module/main.c`).
fn section_name(name: &[u8]) -> Vec<u8> {
    if name.starts_with(PER_CPU) {
        return PER_CPU.to_vec();
    }
    names::clean(name)
}
