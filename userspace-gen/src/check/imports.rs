// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Undefined symbols: `simplify_symbols()` in kernel/module/main.c.

use super::refusal::Refusal;
use super::report::{Kind, Outcome, Report};
use super::{Subject, KLP_SYMPOS};
use crate::elf::{Place, Symbol};
use crate::shown::shown;
use klp_policy::{ObjName, Policy};
use object::elf;
use object::read::ReadRef;

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports the undefined symbols that nobody defines.
    pub(super) fn check_imports(&self, report: &mut Report) {
        let undefined = |s: &Symbol<'_>| s.place == Place::Undefined;
        for symbol in self.elf.symbols().filter(undefined) {
            let name = shown(symbol.name);
            let outcome = match self.exporter(symbol.name) {
                Exporter::Found => continue,
                _ if symbol.is_weak() => {
                    if symbol.name.starts_with(b".klp.sym.") {
                        let what = "stays 0: a livepatch symbol that is weak and not converted";
                        Outcome::Refused(Refusal::Harmful(format!("{name} {what}")))
                    } else {
                        continue;
                    }
                }
                Exporter::None => Outcome::Refused(Refusal::UnknownSymbol {
                    module: self.module.clone(),
                    symbol: name.clone(),
                }),
                Exporter::Unknown(why) => Outcome::Unchecked(why),
            };
            report.add(Kind::Import, "", name, outcome);
        }
    }

    /// Whether the livepatch refers to `klp_sympos`.
    pub(super) fn imports_klp_sympos(&self) -> bool {
        self.elf
            .symbols()
            .any(|s| s.place == Place::Undefined && s.name == KLP_SYMPOS)
    }

    fn exporter(&self, name: &[u8]) -> Exporter {
        let machine = self.elf.machine();
        // ignore_undef_symbol()
        if machine == elf::EM_X86_64 && name == b"_GLOBAL_OFFSET_TABLE_" {
            return Exporter::Found;
        }
        if name == KLP_SYMPOS && self.policy == Policy::Llvm {
            return Exporter::Found;
        }
        let mut unknown = None;
        for object in self.target.objects() {
            match object.exports(name) {
                Some(true) => return Exporter::Found,
                Some(false) => {}
                None => unknown = Some(format!("the symbols of {} do not tell", object.origin)),
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
enum Exporter {
    /// The kernel, or a module.
    Found,
    /// Nobody.
    None,
    /// The files that were given do not tell.
    Unknown(String),
}
