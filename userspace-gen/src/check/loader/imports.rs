// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The values of the module's symbols: `simplify_symbols()` and `resolve_symbol()` in
//! kernel/module/main.c.

use super::namespace;
use crate::check::refusal::Refusal;
use crate::check::report::{Kind, Outcome, Report};
use crate::check::subject::Subject;
use crate::elf::{Place, Symbol, SymbolId};
use crate::livepatch::{klp_build, KLP_SYMPOS};
use crate::printable::shown;
use crate::target::{module_name, Export, Object, SymversEntry, Untold};
use klp_policy::{ObjName, Policy, Query};
use object::elf;
use object::read::elf::Sym as _;
use object::read::ReadRef;

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports the symbols for which the module loader has no value.
    pub(in crate::check) fn check_symbols(&self, report: &mut Report) {
        self.check_null_symbol(report);
        // A symbol without a name cannot be reported.
        for symbol in self.elf.symbols().filter(|s| self.elf.has_name(s.id)) {
            let checked = match symbol.place {
                Place::Undefined => self.check_import(&symbol),
                Place::Common if !symbol.name.starts_with(b"__gnu_lto") => {
                    let module = &self.module;
                    Checked::from(loader(format!("{module}: please compile with -fno-common")))
                }
                Place::Section(_) | Place::Reserved(_) => self.check_index(&symbol).into(),
                Place::Common | Place::Absolute | Place::Livepatch => Checked::default(),
            };
            if let Some(outcome) = checked.outcome {
                let finding = report.add(Kind::Import, "", shown(symbol.name), outcome);
                finding.warnings.extend(checked.warning);
            }
        }
    }

    /// Reports a null symbol in a section that does not exist: `simplify_symbols()` skips the null symbol,
    /// but `elf_type()` in kernel/module/kallsyms.c reads the header of its section.
    fn check_null_symbol(&self, report: &mut Report) {
        let null = self.elf.get_symbol(SymbolId(0));
        let index = null.map(|null| null.place);
        if matches!(index, Some(Place::Section(id)) if self.elf.get_section(id).is_none()) {
            let what = "symbol 0 has an invalid section index".to_owned();
            self.refuse_module(Refusal::Harmful(what), report);
        }
    }

    /// Returns true if the livepatch refers to `klp_sympos`.
    pub(in crate::check) fn imports_klp_sympos(&self) -> bool {
        self.elf.imports(KLP_SYMPOS)
    }

    /// Checks the section index as it is in the file: the loader does not support `SHN_XINDEX`.
    fn check_index(&self, symbol: &Symbol<'d>) -> Option<Outcome> {
        let raw = self.elf.raw_symbols().get(symbol.id.0)?;
        let index = usize::from(raw.st_shndx(self.elf.endian()).0);
        let count = self.elf.section_count();
        (index >= count).then(|| {
            loader(format!(
                "{}: Symbol {} has an invalid section index {index} (max {})",
                self.module,
                shown(symbol.name),
                count.saturating_sub(1)
            ))
        })
    }

    fn check_import(&self, symbol: &Symbol<'d>) -> Checked {
        let name = shown(symbol.name);
        match self.exporter(symbol.name) {
            Exporter::Itself => Checked::default(),
            Exporter::Found { export, by } => {
                let Ok(namespace) = export.namespace else {
                    let what = "the exporter's file does not tell the namespace of the export";
                    return Checked::from(Outcome::Unchecked(what.to_owned()));
                };
                if let Some(namespace) = namespace.filter(|n| !self.may_use_namespace(n)) {
                    // The kernel also logs `Unknown symbol … (err -22)`.
                    return Checked::from(loader(format!(
                        "{}: module uses symbol ({name}) from namespace {}, but does not import it.",
                        self.module,
                        shown(namespace)
                    )));
                }
                let why = self.may_be_absent(by).then(|| not_named(by));
                Checked {
                    outcome: why.is_some().then_some(Outcome::Accepted),
                    warning: why.map(|why| format!("{why}: load that module first")),
                }
            }
            Exporter::None(_) | Exporter::Unknown(_)
                if symbol.is_weak() && is_of_livepatch(symbol.name) =>
            {
                let is_of_klp_build = symbol.name.starts_with(klp_build::TOMBSTONE);
                let what = if is_of_klp_build || self.is_before_post_link() {
                    "stays 0: the livepatch is of klp-build and not complete (run objtool klp post-link)"
                } else {
                    "is a weak livepatch symbol that was not converted: it stays 0 (use klp-gen convert)"
                };
                Checked::from(Outcome::Refused(Refusal::Harmful(format!("{name} {what}"))))
            }
            Exporter::None(why) if symbol.is_weak() => {
                let why = why.unwrap_or_else(|| "it is not exported".to_owned());
                self.stays_zero(symbol.name, &format!("it is weak and stays 0, since {why}"))
            }
            Exporter::Unknown(why) if symbol.is_weak() => {
                self.stays_zero(symbol.name, &format!("it is weak and may stay 0: {why}"))
            }
            Exporter::None(why) => Checked {
                outcome: Some(Outcome::Refused(Refusal::UnknownSymbol {
                    module: self.module.clone(),
                    symbol: name,
                })),
                warning: why,
            },
            Exporter::Unknown(why) => Checked::from(Outcome::Unchecked(why)),
        }
    }

    /// Returns true if klp-build made the livepatch: then `objtool klp post-link` turns its undefined symbols into livepatch
    /// symbols.
    fn is_before_post_link(&self) -> bool {
        let mut sections = self.elf.sections();
        sections.any(|section| section.name.starts_with(klp_build::RELOCATIONS))
    }

    /// Returns a warning about a weak symbol that the loader does not resolve: `simplify_symbols()` logs
    /// nothing, and the address stays 0.
    fn stays_zero(&self, name: &[u8], why: &str) -> Checked {
        let owners = self.target.objects_with(&Query::new(name));
        let owners: Vec<_> = owners.iter().map(|o| o.name.to_string()).collect();
        let cure = match owners.len() {
            0 => String::new(),
            _ => format!(
                "; klp-gen convert resolves it to the symbol of {}",
                owners.join(" or ")
            ),
        };
        Checked {
            outcome: Some(Outcome::Accepted),
            warning: Some(format!("{why}{cure}")),
        }
    }

    /// `verify_namespace_is_imported()`
    fn may_use_namespace(&self, namespace: &[u8]) -> bool {
        let is_open = self.release.module_namespaces
            && namespace::is_open_to(namespace, self.module.as_bytes());
        is_open
            || self
                .imported_namespaces()
                .any(|imported| imported == namespace)
    }

    /// Returns the exporter of a symbol to this module.
    pub(in crate::check) fn exporter(&self, name: &[u8]) -> Exporter<'_> {
        let machine = self.elf.machine();
        // ignore_undef_symbol()
        if machine == elf::EM_X86_64 && name == b"_GLOBAL_OFFSET_TABLE_" {
            return Exporter::Itself;
        }
        if name == KLP_SYMPOS && self.policy == Policy::Llvm {
            return Exporter::Itself;
        }
        let mut unknown = None;
        let mut closed = None;
        for object in self.target.objects() {
            match object.export(name) {
                Ok(Some(export)) if export.gpl_only == Ok(false) || self.is_gpl() => {
                    let by = object.name.as_bytes();
                    return Exporter::Found { export, by };
                }
                Ok(Some(export)) if export.gpl_only == Err(Untold) => {
                    unknown = Some(format!(
                        "{} does not tell whether it exports the symbol for GPL modules only",
                        object.origin
                    ));
                }
                Ok(Some(_)) => closed = Some(gpl_only(object.name.as_bytes())),
                Ok(None) => {}
                Err(_) => {
                    unknown = Some(format!(
                        "the symbols of {} do not tell whether it exports the symbol",
                        object.origin
                    ));
                }
            }
        }
        if closed.is_some() {
            return Exporter::None(closed);
        }
        if let Some(listed) = self.target.symvers().get(name) {
            return self.listed(name, listed);
        }
        if let Some(why) = unknown {
            return Exporter::Unknown(why);
        }
        if name.starts_with(b".klp.sym.") || name == KLP_SYMPOS {
            return Exporter::None(None);
        }
        for module in self.depends().filter(|m| m != b"klp_sympos") {
            let given = ObjName::new(&module).is_some_and(|m| self.target.object(m).is_some());
            if !given && !self.target.symvers().lists(&module) {
                let module = shown(&module);
                return Exporter::Unknown(format!(
                    "{module} may export it: give the module with --module, or its exports with --symvers"
                ));
            }
        }
        Exporter::None(None)
    }

    /// Returns the exporter of a symbol that Module.symvers lists and no given file exports.
    fn listed<'s>(&'s self, name: &[u8], listed: &'s SymversEntry) -> Exporter<'s> {
        let by = listed.module.as_slice();
        let given = ObjName::new(by).and_then(|module| self.target.object(module));
        let why = match given {
            Some(object) if matches!(object.export(name), Ok(None)) => format!(
                "Module.symvers lists it as an export of {0}, but the given {0} does not export it: \
                the two files are not of the same build",
                shown(by)
            ),
            _ if listed.gpl_only && !self.is_gpl() => gpl_only(by),
            None if by != b"vmlinux" && !self.depends_on(by) => {
                format!("{}: modprobe does not load that module first", not_named(by))
            }
            _ => {
                let namespace = listed.namespace.as_slice();
                let export = Export {
                    gpl_only: Ok(listed.gpl_only),
                    namespace: Ok(Some(namespace).filter(|n| !n.is_empty())),
                    address: None,
                };
                return Exporter::Found { export, by };
            }
        };
        Exporter::None(Some(why))
    }

    /// Returns the names of the modules that modprobe loads first. modpost writes the names of their files.
    fn depends(&self) -> impl Iterator<Item = Vec<u8>> + 'd {
        let depends = self.modinfo.get(b"depends").unwrap_or_default();
        let files = depends.split(|&b| b == b',').filter(|m| !m.is_empty());
        files.map(module_name)
    }

    /// Returns true if an exporter is a module that may not be loaded: /proc/kallsyms does not list it, and
    /// modprobe does not load it first.
    fn may_be_absent(&self, exporter: &[u8]) -> bool {
        let object = ObjName::new(exporter).and_then(|name| self.target.object(name));
        let runs = object.is_some_and(Object::is_text);
        exporter != b"vmlinux" && !runs && !self.depends_on(exporter)
    }

    fn depends_on(&self, module: &[u8]) -> bool {
        self.depends().any(|m| m == module)
    }
}

/// The exporter of a symbol.
pub(in crate::check) enum Exporter<'t> {
    /// The symbol needs no exporter.
    Itself,
    /// The kernel or a module exports the symbol.
    Found {
        /// The export.
        export: Export<'t>,
        /// The name of the exporting object.
        by: &'t [u8],
    },
    /// The symbol is not exported; with the reason, if an export seems to exist.
    None(Option<String>),
    /// The given files do not contain the answer.
    Unknown(String),
}

/// The result for a symbol of the module itself; empty if there is nothing to report.
#[derive(Default)]
struct Checked {
    outcome: Option<Outcome>,
    warning: Option<String>,
}

impl From<Outcome> for Checked {
    fn from(outcome: Outcome) -> Self {
        Self::from(Some(outcome))
    }
}

impl From<Option<Outcome>> for Checked {
    fn from(outcome: Option<Outcome>) -> Self {
        Self {
            outcome,
            warning: None,
        }
    }
}

/// Returns true for the name of a livepatch symbol, or of the symbol that klp-build has in the place of one.
fn is_of_livepatch(name: &[u8]) -> bool {
    name.starts_with(b".klp.sym.") || name.starts_with(klp_build::TOMBSTONE)
}

fn not_named(module: &[u8]) -> String {
    let module = shown(module);
    format!("{module} exports it, but depends= does not name {module}")
}

fn gpl_only(exporter: &[u8]) -> String {
    format!("{} exports it for GPL modules only", shown(exporter))
}

fn loader(text: String) -> Outcome {
    Outcome::Refused(Refusal::Loader(text))
}
