// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The checks of the module as a whole, which the loader does before it reads symbols (`early_mod_check()`,
//! `layout_and_allocate()` in kernel/module/main.c).

use crate::check::refusal::{Errno, Refusal};
use crate::check::report::{Kind, Outcome, Report};
use crate::check::subject::Subject;
use crate::elf::SectionId;
use crate::livepatch::{Modinfo, THIS_MODULE};
use crate::printable::shown;
use object::read::ReadRef;

/// `license_is_gpl_compatible()`
const GPL_COMPATIBLE: [&[u8]; 6] = [
    b"GPL",
    b"GPL v2",
    b"GPL and additional rights",
    b"Dual BSD/GPL",
    b"Dual MIT/GPL",
    b"Dual MPL/GPL",
];

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports given files of different kernels, and files that contain less than a vmlinux.
    pub(in crate::check) fn check_target(&self, report: &mut Report) {
        for (origin, what) in self.target.for_other_kernels() {
            report
                .add(Kind::Target, "", origin, Outcome::Accepted)
                .warn(what);
        }
        if let Some((origin, what)) = self.target.parts_from_running() {
            report.add(Kind::Target, "", origin, Outcome::Unchecked(what));
        }
        let mut images = self.target.objects().iter();
        if let Some(image) = images.find(|o| o.is_image_without_contents()) {
            let what = "does not tell the version magic, the namespaces, and which functions ftrace can trace";
            let outcome = Outcome::Unchecked(what.to_owned());
            report.add(Kind::Target, "", &image.origin, outcome);
        }
    }

    /// Reports faults of the module's name, version magic, `struct module` and `.modinfo`.
    pub(in crate::check) fn check_identity(&self, report: &mut Report) {
        let size = |name| self.elf.section_by_name(name).map(|s| s.size);
        let expected = self.target.this_module_size();
        if let (Some(found), Some((expected, _))) = (size(THIS_MODULE), expected) {
            if found != expected {
                let refusal = Refusal::Loader(format!(
                    "module {}: .gnu.linkonce.this_module section size must match the kernel's \
                     built struct module size at run time",
                    self.named
                ));
                self.refuse_module(refusal, report);
            }
        }
        let linked = self.elf.section_by_name(THIS_MODULE);
        if linked.is_some_and(|section| !section.is_writable()) {
            // layout_sections() puts it into read-only memory, and complete_formation() writes to it.
            let what = format!("{} is not writable", shown(THIS_MODULE));
            self.refuse_module(Refusal::Harmful(what), report);
        }
        if linked.is_some() && self.module.is_empty() {
            // mod_sysfs_init(), kobject_add_internal()
            let what = "attempted to be registered with empty name!";
            self.refuse_module(Refusal::Loader(what.to_owned()), report);
        }
        if Modinfo::as_loaded(self.elf).is_none() {
            let what = "the last string of its .modinfo does not end within the file";
            self.refuse_module(Refusal::Harmful(what.to_owned()), report);
        }
        if let Some(refusal) = self.version_magic() {
            self.refuse_module(refusal, report);
        }
    }

    /// Reports faults of section flags, and the effects of versions and of the licence.
    pub(in crate::check) fn check_module(&self, report: &mut Report) {
        // module_enforce_rwx_sections(), with CONFIG_STRICT_MODULE_RWX, also checks the null section.
        let null = self.elf.get_section(SectionId(0));
        for section in null.into_iter().chain(self.elf.sections()) {
            if section.is_writable() && section.is_code() {
                let refusal = Refusal::Loader(format!(
                    "{}: section {} (index {}) has invalid WRITE|EXEC flags",
                    self.module,
                    shown(section.name),
                    section.id.0
                ));
                self.refuse_module(refusal, report);
            }
        }
        let versions = self.target.vermagic().is_some_and(|(m, _)| has_versions(m));
        if versions {
            report
                .add(Kind::Module, "", self.module.clone(), Outcome::Accepted)
                .warn("the versions of its symbols (CONFIG_MODVERSIONS) were not checked");
        }
        if !self.is_gpl() {
            let license = self
                .modinfo
                .get(b"license")
                .map_or("unspecified".into(), shown);
            let what = format!(
                "license '{license}' taints the kernel, and the module cannot use GPL exports"
            );
            report
                .add(Kind::Module, "", self.module.clone(), Outcome::Accepted)
                .warn(what);
        }
    }

    /// Returns true if the module may use exports for GPL modules only.
    pub(in crate::check) fn is_gpl(&self) -> bool {
        let license = self.modinfo.get(b"license");
        license.is_some_and(|license| GPL_COMPATIBLE.contains(&license))
    }

    /// `check_modinfo()`
    fn version_magic(&self) -> Option<Refusal> {
        let Some(found) = self.modinfo.vermagic() else {
            let message = "without a log message, unless loading is forced: it has no vermagic";
            // An object that is not linked yet has no vermagic.
            let linked = self.elf.section_by_name(THIS_MODULE);
            return linked.map(|_| Refusal::Silent {
                error: Errno::NoExec,
                message: message.to_owned(),
            });
        };
        let (expected, _) = self.target.vermagic()?;
        // same_magic(): if the module has versions of its symbols, the release may differ.
        let versions = has_versions(expected) && self.elf.section_by_name(b"__versions").is_some();
        let compared = |magic: &'_ [u8]| {
            let space = magic.iter().position(|&b| b == b' ').filter(|_| versions);
            magic[space.unwrap_or(0)..].to_vec()
        };
        (compared(found) != compared(expected)).then(|| {
            Refusal::Loader(format!(
                "{}: version magic '{}' should be '{}'",
                self.named,
                shown(found),
                shown(expected)
            ))
        })
    }
}

/// Returns true if the kernel compares the versions of symbols.
fn has_versions(magic: &[u8]) -> bool {
    const WORD: &[u8] = b"modversions ";
    magic.windows(WORD.len()).any(|word| word == WORD)
}
