// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbols of the module itself: `simplify_symbols()` and `resolve_symbol()` in
//! kernel/module/main.c.

use super::refusal::Refusal;
use super::report::{Kind, Outcome, Report};
use super::{Subject, KLP_SYMPOS};
use crate::elf::{Place, Symbol};
use crate::shown::shown;
use crate::target::Export;
use klp_policy::{ObjName, Policy};
use object::elf;
use object::read::elf::Sym as _;
use object::read::ReadRef;

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports the symbols that the module loader has no value for.
    pub(super) fn check_symbols(&self, report: &mut Report) {
        // Without its name nothing can be said of one.
        for symbol in self.elf.symbols().filter(|s| self.elf.has_name(s.id)) {
            let outcome = match symbol.place {
                Place::Undefined => self.check_import(&symbol),
                Place::Common if !symbol.name.starts_with(b"__gnu_lto") => {
                    let module = &self.module;
                    Some(loader(format!("{module}: please compile with -fno-common")))
                }
                Place::Section(_) | Place::Reserved(_) => self.check_index(&symbol),
                Place::Common | Place::Absolute | Place::Livepatch => None,
            };
            if let Some(outcome) = outcome {
                report.add(Kind::Import, "", shown(symbol.name), outcome);
            }
        }
    }

    /// Whether the livepatch refers to `klp_sympos`.
    pub(super) fn imports_klp_sympos(&self) -> bool {
        self.elf
            .symbols()
            .any(|s| s.place == Place::Undefined && s.name == KLP_SYMPOS)
    }

    /// The number of a section as it is in the file: the loader knows no `SHN_XINDEX`.
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

    fn check_import(&self, symbol: &Symbol<'d>) -> Option<Outcome> {
        let name = shown(symbol.name);
        match self.exporter(symbol.name) {
            Exporter::Itself => None,
            Exporter::Found(export) => {
                let namespace = export.namespace.filter(|n| !self.imports_namespace(n))?;
                // What follows is `Unknown symbol … (err -22)`.
                Some(loader(format!(
                    "{}: module uses symbol ({name}) from namespace {}, but does not import it.",
                    self.module,
                    shown(namespace)
                )))
            }
            _ if symbol.is_weak() => symbol.name.starts_with(b".klp.sym.").then(|| {
                let what = "stays 0: a livepatch symbol that is weak and not converted";
                Outcome::Refused(Refusal::Harmful(format!("{name} {what}")))
            }),
            Exporter::None => Some(Outcome::Refused(Refusal::UnknownSymbol {
                module: self.module.clone(),
                symbol: name,
            })),
            Exporter::Unknown(why) => Some(Outcome::Unchecked(why)),
        }
    }

    /// `verify_namespace_is_imported()`
    fn imports_namespace(&self, namespace: &[u8]) -> bool {
        self.modinfo
            .strings()
            .filter_map(|s| s.strip_prefix(b"import_ns="))
            .any(|imported| imported == namespace)
    }

    /// Who exports a symbol to this module.
    pub(super) fn exporter(&self, name: &[u8]) -> Exporter<'_> {
        let machine = self.elf.machine();
        // ignore_undef_symbol()
        if machine == elf::EM_X86_64 && name == b"_GLOBAL_OFFSET_TABLE_" {
            return Exporter::Itself;
        }
        if name == KLP_SYMPOS && self.policy == Policy::Llvm {
            return Exporter::Itself;
        }
        let mut unknown = None;
        for object in self.target.objects() {
            match object.export(name) {
                Ok(Some(export)) if !export.gpl_only || self.is_gpl() => {
                    return Exporter::Found(export);
                }
                Ok(_) => {}
                Err(_) => unknown = Some(format!("the symbols of {} do not tell", object.origin)),
            }
        }
        if let Some(why) = unknown {
            return Exporter::Unknown(why);
        }
        if name.starts_with(b".klp.sym.") || name == KLP_SYMPOS {
            return Exporter::None;
        }
        let depends = self.modinfo.get(b"depends").unwrap_or_default();
        for module in depends.split(|&b| b == b',').filter(|m| !m.is_empty()) {
            let missing = ObjName::new(module).is_none_or(|m| self.target.object(m).is_none());
            if missing && module != b"klp_sympos" {
                let module = shown(module);
                return Exporter::Unknown(format!("{module} may export it, give it with --module"));
            }
        }
        Exporter::None
    }
}

/// Who exports a symbol.
pub(super) enum Exporter<'t> {
    /// Nobody has to.
    Itself,
    /// The kernel, or a module.
    Found(Export<'t>),
    /// Nobody.
    None,
    /// The files that were given do not tell.
    Unknown(String),
}

fn loader(text: String) -> Outcome {
    Outcome::Refused(Refusal::Loader(text))
}
