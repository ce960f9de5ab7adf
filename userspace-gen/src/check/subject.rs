// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The livepatch that is checked, and the kernel that it is checked against.

use super::loader::types::Types;
use super::refusal::Refusal;
use super::report::{Kind, Outcome, Report};
use crate::elf::{ElfFile, SectionId, SymbolId};
use crate::error::Result;
use crate::livepatch::{
    patches, rela_sections, Loaded, Memory, Modinfo, Patch, RelaSection, THIS_MODULE,
    THIS_MODULE_NAME,
};
use crate::printable::shown;
use crate::release::Release;
use crate::target::{module_name, Target};
use klp_policy::{Policy, MODULE_NAME_LEN};
use object::elf::STT_FUNC;
use object::read::ReadRef;
use std::collections::BTreeMap;
use std::path::Path;

/// A livepatch module and the kernel that it is checked against.
pub(super) struct Subject<'t, 'd, R: ReadRef<'d>> {
    pub(super) elf: &'t ElfFile<'d, R>,
    pub(super) modinfo: Modinfo<'d>,
    pub(super) release: &'static Release,
    pub(super) loaded: Loaded,
    /// The kernel's name of the module.
    pub(super) module: String,
    /// The name of the module in the loader's first messages.
    pub(super) named: String,
    pub(super) rela: Vec<RelaSection<'d>>,
    pub(super) patches: Vec<Patch<'d>>,
    pub(super) functions: Functions,
    pub(super) types: Types,
    pub(super) target: &'t Target<'t>,
    pub(super) policy: Policy,
}

impl<'t, 'd, R: ReadRef<'d>> Subject<'t, 'd, R> {
    /// Reads the livepatch.
    ///
    /// # Errors
    ///
    /// A section contains an offset beyond its end.
    pub(super) fn new(
        elf: &'t ElfFile<'d, R>,
        target: &'t Target<'t>,
        policy: Policy,
    ) -> Result<Self> {
        let rela = rela_sections(elf)?;
        let modinfo = Modinfo::of(elf)?;
        let modinfo = Modinfo::as_loaded(elf).unwrap_or(modinfo);
        let module = module_of(elf, &modinfo);
        let release = target.release(modinfo.vermagic());
        let loaded = Loaded::new(elf, release);
        Ok(Self {
            elf,
            modinfo,
            release,
            loaded,
            named: modinfo.get(b"name").map_or_else(|| module.clone(), shown),
            module,
            patches: patches(&Memory::new(elf, &rela, release)),
            functions: functions_of(elf),
            types: Types::new(elf, &rela, &loaded),
            rela,
            target,
            policy,
        })
    }

    /// Reports a refusal of the module as a whole.
    pub(super) fn refuse_module(&self, refusal: Refusal, report: &mut Report) {
        let outcome = Outcome::Refused(refusal);
        report.add(Kind::Module, "", self.module.clone(), outcome);
    }
}

/// Returns the name that the kernel will give to the module.
pub(super) fn module_of<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>, modinfo: &Modinfo<'d>) -> String {
    let linked = this_module_name(elf);
    let name = linked.or_else(|| modinfo.get(b"name")).map(<[u8]>::to_vec);
    let stem = || {
        let stem = Path::new(elf.origin()).file_stem().unwrap_or_default();
        module_name(stem.as_encoded_bytes())
    };
    shown(&name.unwrap_or_else(stem))
}

/// Returns the name in a module's `struct module`.
fn this_module_name<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Option<&'d [u8]> {
    let section = elf.section_by_name(THIS_MODULE)?;
    let start = usize::try_from(THIS_MODULE_NAME.start).ok()?;
    let name = elf.section_data(&section).ok()?.get(start..)?;
    let name = name.get(..MODULE_NAME_LEN)?;
    name.split(|&b| b == 0).next()
}

/// Returns the functions of a module, by the places where they begin.
pub(super) fn functions_of<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Functions {
    let functions = elf.symbols().filter(|s| s.kind == STT_FUNC);
    functions
        .filter_map(|s| Some(((s.section()?, s.value), s.id)))
        .collect()
}

/// The symbols of functions, by the place where each begins.
pub(super) type Functions = BTreeMap<(SectionId, u64), SymbolId>;
