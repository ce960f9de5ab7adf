// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Compares a vmlinux with data of a running kernel, to tell if the vmlinux is of that kernel.

use super::object::Source;
use super::Target;
use crate::elf::note;
use crate::file::sort::known;
use crate::symbols::{Entry, SymbolTable};
use std::fmt::Write as _;

/// The symbols at the beginning of the kernel's code. Each kernel has at least one of them, and kallsyms
/// lists it in any configuration.
const BEGINNINGS: [&[u8]; 2] = [b"_text", b"_stext"];

impl Target<'_> {
    /// Returns the first difference between vmlinux and the text of `/proc/kallsyms`: the name of the
    /// text's file, and a message.
    #[must_use]
    pub fn parts_from_running(&self) -> Option<(&str, String)> {
        let running = self.running.as_ref()?;
        let vmlinux = self.objects.iter().find(|o| o.name.is_vmlinux())?;
        let mut theirs = functions(&running.symbols);
        let mut ours = functions(&vmlinux.symbols);
        let difference = loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return None,
                (ours, theirs) if ours == theirs => {}
                (ours, theirs) => break (show(ours), show(theirs)),
            }
        };
        let sorted = |symbols| {
            let mut functions: Vec<_> = functions(symbols).collect();
            functions.sort_unstable();
            functions
        };
        let what = if sorted(&running.symbols) == sorted(&vmlinux.symbols) {
            format!(
                "has the functions of {} in another order than /proc/kallsyms, like System.map: positions \
                count in the order of /proc/kallsyms (give /proc/kallsyms)",
                vmlinux.origin
            )
        } else {
            format!(
                "is of another kernel than {}, which has {} instead of {}",
                vmlinux.origin, difference.0, difference.1
            )
        };
        Some((&running.origin, what))
    }

    /// Returns the file with an incomplete text of `/proc/kallsyms`, and a message.
    #[must_use]
    pub fn part_of_running(&self) -> Option<(&str, String)> {
        let (origin, symbols) = if let Some(running) = &self.running {
            (&running.origin, Some(&running.symbols))
        } else {
            let text = self.objects.iter().find(|o| o.is_text())?;
            let image = self.objects.iter().find(|o| o.name.is_vmlinux());
            (&text.origin, image.map(|image| &image.symbols))
        };
        let has = |name: &&[u8]| symbols.is_some_and(|symbols| symbols.by_name(name).is_some());
        (!BEGINNINGS.iter().any(has)).then(|| {
            let what = "is only a part of /proc/kallsyms, without _text and _stext: other symbols are not found";
            (origin.as_str(), what.to_owned())
        })
    }

    /// Returns a message if the build id in notes is not that of vmlinux; nothing if both are the same.
    ///
    /// `/sys/kernel/notes` has the notes of a running kernel.
    #[must_use]
    pub fn parts_from_notes(&self, notes: &[u8]) -> Option<String> {
        let image = self.objects.iter().find_map(|o| match &o.source {
            Source::Image(elf) => Some((elf, &o.origin)),
            _ => None,
        });
        let (elf, origin) = image?;
        let ours = elf.build_id();
        if ours.is_none() && elf.is_debug_only() {
            return Some(format!("{origin} has no contents, and so no build id"));
        }
        if let Some(found) = known(notes) {
            return Some(format!(
                "expected notes as in /sys/kernel/notes, found {found}"
            ));
        }
        let Some(theirs) = note::build_id(elf.endian(), notes) else {
            return Some(format!(
                "expected notes as in /sys/kernel/notes, found no build id: it is not known whether \
                {origin} is of the running kernel"
            ));
        };
        (ours != Some(theirs)).then(|| {
            format!(
                "build id {}, but {origin} has {}: {origin} is of another kernel",
                hexadecimal(theirs),
                ours.map_or("none".to_owned(), hexadecimal)
            )
        })
    }
}

/// Returns the names of functions, and their distances from the first function, which KASLR does not change.
fn functions<'t>(symbols: &'t SymbolTable<'_>) -> impl Iterator<Item = (&'t [u8], u64)> {
    let start = symbols.by_name(b"_text").map_or(0, |e| e.address);
    let is_function = |e: &&Entry<'_>| matches!(e.letter, b't' | b'T');
    let entries = symbols.entries().iter().filter(is_function);
    entries.map(move |e| (e.name.0, e.address.wrapping_sub(start)))
}

fn show(function: Option<(&[u8], u64)>) -> String {
    match function {
        Some((name, offset)) => format!("{} at _text+{offset:#x}", crate::printable::shown(name)),
        None => "nothing".to_owned(),
    }
}

fn hexadecimal(id: &[u8]) -> String {
    id.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
