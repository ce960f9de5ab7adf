// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The meaning of a livepatch's undefined references.

use super::annotation::{self, Annotation, Which};
use super::by_file;
use super::kernel_name::{spell, KernelName};
use super::nearest::Nearest;
use super::old_names::{self, OldName};
use super::problem::{NamedBy, Problem};
use super::unresolved::unresolved;
use crate::elf::{ElfFile, Place, Symbol, SymbolId};
use crate::error::Result;
use crate::livepatch::KLP_SYMPOS;
use crate::livepatch::{patches, rela_sections, Memory, Modinfo, Patch};
use crate::printable::shown;
use crate::target::{impossible, Object, Target};
use klp_policy::query::ANY;
use klp_policy::{LivepatchSymbol, ObjName, Policy, Query, Reason, Sympos};
use object::elf;
use std::collections::BTreeSet;

/// The changes to be made in a livepatch.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The undefined symbols that become livepatch symbols, by their index.
    pub references: Vec<ResolvedReference>,
    /// The names of the functions to replace, as far as their objects are known.
    pub old_names: Vec<OldName>,
    /// True if `klp_sympos` has to be loaded first.
    pub needs_klp_sympos: bool,
    /// The modules with exports that become livepatch symbols, so that these modules need not be loaded
    /// first.
    pub patched_exporters: BTreeSet<Vec<u8>>,
}

/// An undefined symbol that becomes a livepatch symbol.
#[derive(Clone, Debug)]
pub struct ResolvedReference {
    /// The symbol.
    pub symbol: SymbolId,
    /// The name of the reference before the conversion.
    pub written: String,
    /// The object that has the symbol that is meant.
    pub object: Vec<u8>,
    /// The name and the position for the kernel.
    pub kernel_name: KernelName,
    /// The full name of the symbol that is meant.
    pub full_name: String,
    /// The address of that symbol; in a module, the offset in its section.
    pub address: u64,
    /// The source file of that symbol, if the target tells.
    pub file: Option<String>,
    /// True if the author chose the symbol by a position, which holds for one build.
    pub by_position: bool,
}

impl ResolvedReference {
    /// Returns the name after the conversion: `.klp.sym.<objname>.<name>,<sympos>`.
    #[must_use]
    pub fn livepatch_name(&self) -> Option<Vec<u8>> {
        let objname = ObjName::new(&self.object)?;
        let name = klp_policy::SymbolName(&self.kernel_name.name);
        let symbol = LivepatchSymbol::new(objname, name, self.kernel_name.sympos).ok()?;
        let mut bytes = Vec::new();
        symbol.write_to(|part| bytes.extend_from_slice(part));
        Some(bytes)
    }
}

/// Returns the changes to be made in a livepatch, or all problems that prevent the conversion.
///
/// # Errors
///
/// The file is malformed.
pub fn plan(
    elf: &ElfFile<'_>,
    target: &Target<'_>,
    policy: Policy,
) -> Result<std::result::Result<Plan, Vec<Problem>>> {
    let rela = rela_sections(elf)?;
    let release = target.release(Modinfo::of(elf)?.vermagic());
    let patches = patches(&Memory::new(elf, &rela, release));
    let nearest = Nearest::new(target);
    let planner = Planner {
        elf,
        target,
        policy,
        patches: &patches,
        nearest: &nearest,
    };
    let mut plan = Plan::default();
    let mut problems = Vec::new();
    for symbol in elf.symbols().filter(|s| s.place == Place::Undefined) {
        match planner.reference(&symbol) {
            Ok(None) => {}
            Ok(Some(reference)) => {
                if let Some(Exporter::Patched(object)) = planner.exporter(symbol.name) {
                    let name = object.name.as_bytes().to_vec();
                    plan.patched_exporters.insert(name);
                }
                plan.references.push(reference);
            }
            Err(problem) => problems.push(problem),
        }
    }
    let names = old_names::plan(target, policy, &patches, &nearest, &mut problems);
    plan.needs_klp_sympos = policy == Policy::Llvm
        && (names.need_klp_sympos
            || plan
                .references
                .iter()
                .any(|r| r.kernel_name.name.ends_with(ANY)));
    plan.old_names = names.found;
    Ok(if problems.is_empty() {
        Ok(plan)
    } else {
        Err(problems)
    })
}

struct Planner<'p, 'd> {
    elf: &'p ElfFile<'d>,
    target: &'p Target<'p>,
    policy: Policy,
    patches: &'p [Patch<'d>],
    nearest: &'p Nearest<'p>,
}

type Planned = std::result::Result<Option<ResolvedReference>, Problem>;

impl Planner<'_, '_> {
    /// Returns the livepatch symbol that an undefined symbol becomes; none if the module loader resolves
    /// it.
    fn reference(&self, symbol: &Symbol<'_>) -> Planned {
        let name = symbol.name;
        if name.starts_with(annotation::PREFIX) {
            return self.written(symbol);
        }
        let ignored = self.elf.machine() == elf::EM_X86_64 && name == b"_GLOBAL_OFFSET_TABLE_";
        // Code that modpost adds defines __this_module; an object that modpost has not seen refers to it.
        let ignored = ignored || name == b"__this_module";
        if ignored || name == KLP_SYMPOS {
            return Ok(None);
        }
        match self.exporter(name) {
            Some(Exporter::Patched(object)) => {
                return self.found_in(symbol, object, &Query::new(name), Sympos::UNIQUE)
            }
            Some(Exporter::Other) => return Ok(None),
            None => {}
        }
        let query = Query::new(name);
        let objects = self.target.objects_with(&query);
        match objects[..] {
            [] => {
                let here = query.of_any_build();
                let here = here.map(|here| self.target.objects_with(&here));
                if let Some(object) = here.iter().flatten().next() {
                    let named_by = NamedBy::Symbol(name);
                    let reason = Reason::NotFound;
                    return Err(unresolved(named_by, object, &query, Sympos::UNIQUE, reason));
                }
                if symbol.is_weak() {
                    // The loader leaves the address at 0, and check warns.
                    return Ok(None);
                }
                let why =
                    "undefined symbol: not exported, and not found in vmlinux or the given modules";
                Err(self
                    .nearest
                    .complete(Problem::new(NamedBy::Symbol(name), why), &query))
            }
            [object] => self.found_in(symbol, object, &query, Sympos::UNIQUE),
            _ => {
                let names: Vec<_> = objects.iter().map(|o| o.name.to_string()).collect();
                let name_shown = shown(name);
                Err(Problem::new(
                    NamedBy::Symbol(name),
                    format!(
                        "{} have a symbol of that name: choose one by .klp.sym.<objname>.{name_shown},0",
                        names.join(" and ")
                    ),
                ))
            }
        }
    }

    /// Resolves a reference with an annotation: a position or a source file.
    fn written(&self, symbol: &Symbol<'_>) -> Planned {
        let problem = |why: String| Problem::new(NamedBy::Symbol(symbol.name), why);
        let written = Annotation::parse(symbol.name).map_err(problem)?;
        let objname = written.objname;
        let Some(object) = self.target.object(objname) else {
            let impossible = impossible(objname.as_bytes()).filter(|_| !objname.is_vmlinux());
            let why = impossible.unwrap_or_else(|| self.target.not_given(objname));
            return Err(problem(why));
        };
        let sympos = match written.which {
            Which::Position(sympos) => sympos,
            Which::File(file) => by_file::position(
                NamedBy::Symbol(symbol.name),
                object,
                written.name,
                file,
                self.nearest,
            )?,
        };
        let reference = self.found_in(symbol, object, &Query::new(written.name), sympos)?;
        Ok(reference.map(|reference| ResolvedReference {
            by_position: matches!(written.which, Which::Position(position) if position.0 > 0),
            ..reference
        }))
    }

    fn found_in(
        &self,
        symbol: &Symbol<'_>,
        object: &Object<'_>,
        query: &Query<'_>,
        sympos: Sympos,
    ) -> Planned {
        let problem = |why: String| Err(Problem::new(NamedBy::Symbol(symbol.name), why));
        let objname = object.name;
        let found = match object.resolve(Policy::Llvm, query, sympos) {
            Ok(found) => found,
            Err(reason) => {
                let why = unresolved(NamedBy::Symbol(symbol.name), object, query, sympos, reason);
                return Err(self.nearest.complete(why, query));
            }
        };
        let coming = object.resolve_coming(Policy::Llvm, query, sympos);
        if coming.map(|found| found.seq) != Ok(found.seq) {
            return problem(format!(
                "position {sympos} means another symbol of {objname} while that module initializes (the \
                kernel drops its init symbols afterwards)"
            ));
        }
        let Some(entry) = object.symbols.get(found.seq) else {
            return problem(format!("{objname} has no such symbol"));
        };
        if objname.is_vmlinux() && entry.address == 0 {
            return problem(format!(
                "{} has address 0, which livepatch treats as not found",
                shown(entry.name.0)
            ));
        }
        if !objname.is_vmlinux() && !self.is_patched(objname) {
            return problem(format!(
                "it is a symbol of {objname}, but the livepatch has no klp_object for {objname}"
            ));
        }
        let kernel_name = spell(object, self.policy, query, sympos, &found);
        let reference = kernel_name.map(|kernel_name| ResolvedReference {
            symbol: symbol.id,
            written: shown(symbol.name),
            object: objname.as_bytes().to_vec(),
            kernel_name,
            full_name: shown(entry.name.0),
            address: entry.address,
            file: object.source_file(found.seq).map(shown),
            by_position: false,
        });
        match reference.filter(|r| r.livepatch_name().is_some()) {
            Some(reference) => Ok(Some(reference)),
            None => problem(format!(
                "it means {}, which cannot be named in a livepatch (at most 511 bytes, no comma)",
                shown(entry.name.0)
            )),
        }
    }

    /// Returns true if the livepatch changes that module. A livepatch with an unknown `klp_patch` may
    /// change any module.
    fn is_patched(&self, module: ObjName<'_>) -> bool {
        let mut objects = self.patches.iter().flat_map(|p| &p.objects);
        self.patches.is_empty() || objects.any(|o| o.name == Some(module.as_bytes()))
    }

    fn exporter(&self, name: &[u8]) -> Option<Exporter<'_>> {
        let in_target = self
            .target
            .objects()
            .iter()
            .find(|o| matches!(o.export(name), Ok(Some(_))));
        match in_target {
            // A plain reference would make the livepatch depend on the module that it patches.
            Some(object) if !object.name.is_vmlinux() && self.is_patched(object.name) => {
                Some(Exporter::Patched(object))
            }
            Some(_) => Some(Exporter::Other),
            None => self.target.symvers().get(name).map(|_| Exporter::Other),
        }
    }
}

/// The exporter of a symbol.
enum Exporter<'t> {
    /// A module that the livepatch changes.
    Patched(&'t Object<'t>),
    /// Any other object; the module loader resolves the symbol.
    Other,
}
