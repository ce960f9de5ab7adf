// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The message about an object that is not given.

use super::{BuiltModule, Target};
use klp_policy::ObjName;

impl Target<'_> {
    /// Returns a message for an object that is not given, with the option that gives it.
    #[must_use]
    pub fn not_given(&self, object: ObjName<'_>) -> String {
        let is_it = |module: &&BuiltModule| module.name == object.as_bytes();
        let modules = self.built_modules.get_or_init(|| {
            let build = self.build_directory();
            build.map_or_else(Default::default, |build| {
                (build.modules(), build.built_in())
            })
        });
        let cure = if object.is_vmlinux() {
            ": give it with --vmlinux".to_owned()
        } else if let Some(module) = modules.0.iter().find(is_it) {
            format!(": give it with --module {}", module.path.display())
        } else if modules.1.iter().any(|module| is_it(&module)) {
            ", but part of vmlinux in this build: remove .name, and write vmlinux in KLP_SYMPOS() and \
             KLP_SYMFILE()"
                .to_owned()
        } else {
            ": give it with --module".to_owned()
        };
        format!("{object} is not among the targets{cure}")
    }
}
