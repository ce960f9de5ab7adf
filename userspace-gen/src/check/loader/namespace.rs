// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The namespaces of exports: `setup_modinfo()` and `verify_module_namespace()` in kernel/module/main.c.

use crate::check::refusal::Refusal;
use crate::check::report::Report;
use crate::check::subject::Subject;
use crate::printable::shown;
use object::read::ReadRef;

/// The beginning of a namespace that names the modules to which it is open.
const OF_MODULES: &[u8] = b"module:";

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports the import of a namespace that no module may import.
    pub(in crate::check) fn check_imported_namespaces(&self, report: &mut Report) {
        let mut imported = self.imported_namespaces();
        let Some(namespace) = imported.find(|namespace| namespace.starts_with(OF_MODULES)) else {
            return;
        };
        if self.release.module_namespaces {
            let (module, namespace) = (&self.module, shown(namespace));
            let what = format!("{module}: module tries to import module namespace: {namespace}");
            self.refuse_module(Refusal::Loader(what), report);
        }
    }

    /// Returns the namespaces that the module imports.
    pub(super) fn imported_namespaces(&self) -> impl Iterator<Item = &'d [u8]> {
        let strings = self.modinfo.strings();
        strings.filter_map(|string| string.strip_prefix(b"import_ns="))
    }
}

/// Returns true if a namespace such as `module:kvm,net-*` names a module. Only the end of a pattern can be a `*`.
pub(super) fn is_open_to(namespace: &[u8], module: &[u8]) -> bool {
    let Some(patterns) = namespace.strip_prefix(OF_MODULES) else {
        return false;
    };
    let mut patterns = patterns.split(|&byte| byte == b',');
    patterns.any(|pattern| match pattern.strip_suffix(b"*") {
        Some(beginning) => is_same(beginning, module.get(..beginning.len())),
        None => is_same(pattern, Some(module)),
    })
}

/// Compares names as `mod_strncmp()` does, for which `-` and `_` are the same.
fn is_same(pattern: &[u8], module: Option<&[u8]>) -> bool {
    let underscored = |name: &[u8]| -> Vec<u8> {
        let bytes = name.iter();
        bytes.map(|&b| if b == b'-' { b'_' } else { b }).collect()
    };
    module.is_some_and(|module| underscored(pattern) == underscored(module))
}
