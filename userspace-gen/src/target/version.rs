// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The version of a target's kernel, and the files of other kernels.

use super::object::Source;
use super::{Object, Target};
use crate::kallsyms::vmlinux;
use crate::livepatch::{Modinfo, THIS_MODULE};
use crate::printable::shown;
use crate::release::Release;

impl Target<'_> {
    /// Returns the version magic of the kernel, and the file that has it: vmlinux, or else a module.
    #[must_use]
    pub fn vermagic(&self) -> Option<(&[u8], &str)> {
        self.objects
            .iter()
            .find_map(|o| Some((o.vermagic()?, o.origin.as_str())))
    }

    /// Returns the release of the kernel that loads a module of a version magic. The kernel's own version magic tells
    /// it; if no file has that, the module's.
    #[must_use]
    pub fn release(&self, module: Option<&[u8]>) -> &'static Release {
        let own = self.vermagic().map(|(vermagic, _)| vermagic);
        Release::of_vermagic(own.or(module))
    }

    /// Returns a message if that release is not known, and another one stands for it.
    #[must_use]
    pub fn release_note(&self, module: Option<&[u8]>) -> Option<String> {
        let own = self.vermagic().map(|(vermagic, _)| vermagic);
        Release::note(own.or(module)?)
    }

    /// Returns the size of a `struct module` in the kernel, and the module that tells it.
    #[must_use]
    pub fn this_module_size(&self) -> Option<(u64, &str)> {
        self.objects.iter().find_map(|o| match &o.source {
            Source::Module(elf) => {
                let section = elf.section_by_name(THIS_MODULE)?;
                Some((section.size, o.origin.as_str()))
            }
            _ => None,
        })
    }

    /// Returns the files with another version magic than the first file, each with a message.
    #[must_use]
    pub fn for_other_kernels(&self) -> Vec<(&str, String)> {
        let other = |o: &Object<'_>| self.differs_in_vermagic(o.vermagic()?);
        self.objects
            .iter()
            .filter_map(|o| Some((o.origin.as_str(), other(o)?)))
            .collect()
    }

    /// Returns a message if a version magic differs from that of the kernel.
    #[must_use]
    pub fn differs_in_vermagic(&self, found: &[u8]) -> Option<String> {
        let (expected, by) = self.vermagic()?;
        (found != expected).then(|| {
            format!(
                "is for '{}', while {by} is for '{}'",
                shown(found),
                shown(expected)
            )
        })
    }

    /// Returns the files of another build, each with a message.
    ///
    /// Positions and hashes are only valid for one build.
    #[must_use]
    pub fn mismatches(&self) -> Vec<(&str, String)> {
        let mut mismatches = self.for_other_kernels();
        mismatches.extend(self.parts_from_running());
        mismatches.extend(self.part_of_running());
        mismatches
    }
}

impl Object<'_> {
    fn vermagic(&self) -> Option<&[u8]> {
        match &self.source {
            Source::Image(elf) => {
                let read = || vmlinux::vermagic(elf).map(<[u8]>::to_vec);
                self.vermagic.get_or_init(read).as_deref()
            }
            Source::Module(elf) => Modinfo::of(elf).ok()?.vermagic(),
            Source::Text => None,
        }
    }

    /// Returns true if the object was read from the text of a running kernel, which tells less than a file.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.source, Source::Text)
    }

    /// Returns true for a kernel image with known symbols only, from the text of a running kernel or from a
    /// debug package.
    #[must_use]
    pub fn is_image_without_contents(&self) -> bool {
        match &self.source {
            Source::Image(elf) => elf.is_debug_only(),
            Source::Module(_) => false,
            Source::Text => self.name.is_vmlinux(),
        }
    }
}
