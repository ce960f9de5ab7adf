// SPDX-License-Identifier: GPL-2.0 OR MIT

//! References to functions and variables of the running kernel.

use super::body::Referent;
use super::extractor::Extractor;
use super::symbol_names;
use crate::build::code::PieceId;
use crate::build::compare::{is_boot_only, names};
use crate::build::{KbuildObject, RefusalKind};
use crate::printable::shown;
use crate::target;
use object::read::ReadRef;

/// The prefixes of a static call's trampoline and of its key.
const TRAMPOLINE: &[u8] = b"__SCT__";
const KEY: &[u8] = b"__SCK__";

/// The refusal of functions and variables that exist during boot only.
const FREED: &str = "is used by a changed function, but the kernel frees it after boot or after the module was loaded \
                     (remove __init from it in the patch, or do not use it)";

impl<'d, R: ReadRef<'d>> Extractor<'_, '_, 'd, R> {
    /// Returns the object and the place in its table of an original function or variable.
    pub(super) fn existing(
        &self,
        unit: usize,
        original: PieceId,
    ) -> Option<(&target::Object<'d>, u32)> {
        let image = self.inputs.images.get(&self.inputs.units[unit].object)?;
        let symbol = self.inputs.located[unit].linked.get(&original)?;
        Some((image.object(), image.place(*symbol)?))
    }

    /// Returns the undefined symbol for a function or variable of the running kernel.
    pub(super) fn existing_symbol(
        &mut self,
        unit: usize,
        original: PieceId,
        name: String,
    ) -> Option<Referent> {
        let inputs = self.inputs;
        let image = inputs.images.get(&inputs.units[unit].object)?;
        let symbol = inputs.located[unit].linked.get(&original);
        let code = &inputs.versions[unit].original;
        let full = code.piece(original).name.unwrap_or_default();
        if let Some(call) = full.strip_prefix(TRAMPOLINE) {
            self.key_of(unit, call);
        }
        let section = code.section(code.piece(original).section).name;
        if is_boot_only(section) {
            self.refuse(RefusalKind::Init, unit, name, FREED);
            return None;
        }
        let Some(place) = symbol.and_then(|&symbol| image.place(symbol)) else {
            let what =
                "is used by a changed function, but livepatch finds no such symbol in the kernel: \
            the kernel frees it after boot, or has no CONFIG_KALLSYMS_ALL";
            self.refuse(RefusalKind::NoSymbol, unit, name, what);
            return None;
        };
        let is_global = !code.piece(original).is_local;
        if is_global && self.is_exported(full, Some(image.object())) && !self.defined.contains(full)
        {
            return Some((self.result.body.undefined(full), 0));
        }
        self.reference(unit, image.object(), place, name)
    }

    fn reference(
        &mut self,
        unit: usize,
        object: &target::Object<'d>,
        place: u32,
        name: String,
    ) -> Option<Referent> {
        // The kernel reads a livepatch's sites of static calls before it knows the addresses of the patched
        // module. So such a call goes to the trampoline, which always jumps to the current function. Under
        // this name, objtool does not list the call as a site.
        let is_module = !object.name.is_vmlinux();
        let is_defined =
            |name: &[u8]| self.defined.contains(name) || is_module && name.starts_with(TRAMPOLINE);
        let target = self.inputs.target;
        let Some(reference) = symbol_names::reference(target, object, place, &is_defined) else {
            self.refuse(
                RefusalKind::NoSymbol,
                unit,
                name,
                "has a name by which livepatch cannot find it",
            );
            return None;
        };
        Some((self.result.body.undefined(&reference), 0))
    }

    /// Returns the undefined symbol for a function or variable that another file of the kernel defines.
    pub(super) fn external(
        &mut self,
        unit: usize,
        owner: PieceId,
        name: &[u8],
    ) -> Option<Referent> {
        if let Some(call) = name.strip_prefix(TRAMPOLINE) {
            self.key_of(unit, call);
        }
        if self.is_freed(unit, name) {
            self.refuse(RefusalKind::Init, unit, shown(name), FREED);
            return None;
        }
        if let Some(symbol) = self.external_symbol(unit, name) {
            return Some(symbol);
        }
        let code = self.code(unit);
        let what = format!(
            "uses {}, which the running kernel does not have",
            shown(&names::clean(name))
        );
        self.refuse(RefusalKind::NoSymbol, unit, code.name(owner), &what);
        None
    }

    /// Adds the key of a static call of the kernel, which objtool looks for by its name.
    fn key_of(&mut self, unit: usize, call: &[u8]) {
        let key = [KEY, call].concat();
        let object = &self.inputs.units[unit].object;
        let image = self.inputs.images.get(object);
        let is_own = image.is_some_and(|image| image.global(&key).is_some());
        if *object != KbuildObject::Vmlinux && is_own {
            return;
        }
        // Without a key, objtool uses the trampoline, and the kernel finds the key by the trampoline.
        let _ = self.external_symbol(unit, &key);
    }

    /// Returns true if the kernel frees a symbol after boot or after the module was loaded.
    fn is_freed(&self, unit: usize, name: &[u8]) -> bool {
        let images = self.inputs.images;
        let objects = [&self.inputs.units[unit].object, &KbuildObject::Vmlinux];
        let mut images = objects.into_iter().filter_map(|object| images.get(object));
        images
            .find_map(|image| image.section_of(image.global(name)?))
            .is_some_and(is_boot_only)
    }

    pub(super) fn external_symbol(&mut self, unit: usize, name: &[u8]) -> Option<Referent> {
        let inputs = self.inputs;
        let own = inputs.images.get(&inputs.units[unit].object);
        let kernel = inputs.images.get(&KbuildObject::Vmlinux);
        let mut images = own.into_iter().chain(kernel);
        let found = images.find_map(|image| {
            let place = image.place(image.global(name)?)?;
            Some((image.object(), place))
        });
        let object = found.map(|(object, _)| object);
        if self.is_exported(name, object) && !self.defined.contains(name) {
            return Some((self.result.body.undefined(name), 0));
        }
        let (object, place) = found?;
        self.reference(unit, object, place, shown(name))
    }

    /// Returns true if the module loader finds a symbol by its name, without a namespace.
    fn is_exported(&self, name: &[u8], found: Option<&target::Object<'d>>) -> bool {
        let Some(object) = found else {
            return self.inputs.target.symvers().get(name).is_some();
        };
        let export = object.export(name).ok().flatten();
        object.name.is_vmlinux() && export.is_some_and(|export| export.namespace == Ok(None))
    }
}
