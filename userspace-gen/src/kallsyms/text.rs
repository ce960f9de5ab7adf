// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The text of `/proc/kallsyms` of a running kernel.

mod freed;
mod line;
mod listing;
mod module;
mod undefined;

pub use listing::is_generated;

use crate::error::{Error, Result};
use crate::file::sort::expect_text;
use crate::printable::shown;
use crate::symbols::SymbolTable;
use klp_policy::ObjName;
use line::Line;
use listing::Listing;

/// The objects of a running kernel, in the order of the text.
#[derive(Clone, Debug, Default)]
pub struct RunningKernel<'d> {
    /// The kernel image.
    pub vmlinux: SymbolTable<'d>,
    /// The modules.
    pub modules: Vec<(ObjName<'d>, SymbolTable<'d>)>,
}

/// Reads lines `<address> <letter> <name>[\t[<module>]]`. A line may end with CR LF, as from a serial line,
/// and have spaces instead of the tab, as from a terminal.
///
/// The result does not have symbols that no lookup by name finds:
///
/// - undefined symbols of livepatches, which the livepatch core skips;
/// - functions that were freed after initialization;
/// - trampolines and programs, which are listed as symbols of a module `bpf`, `__builtin__ftrace` or
///   `__builtin__kprobes`.
///
/// # Errors
///
/// A line has another form, does not end, or is at a place where no kernel prints it, or the addresses
/// are hidden.
pub fn read<'d>(origin: &str, text: &'d [u8]) -> Result<RunningKernel<'d>> {
    if text.starts_with(&object::elf::ELFMAG) {
        let what =
            "expected the text of /proc/kallsyms, found an ELF file (give it with --vmlinux)";
        return Err(Error::malformed(origin, what));
    }
    expect_text(origin, "the text of /proc/kallsyms", text)?;
    if !text.is_empty() && !text.ends_with(b"\n") {
        let what =
            "expected the text of /proc/kallsyms, found only its beginning: the last line is not \
            complete (copy all of it)";
        return Err(Error::malformed(origin, what));
    }
    let mut listing = Listing::default();
    let mut lines = 0_u32;
    let mut visible = false;
    for (number, text) in (1..).zip(text.split(|&b| b == b'\n')) {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.is_empty() {
            continue;
        }
        let malformed =
            |what: String| Error::malformed(origin, format_args!("line {number}: {what}"));
        let line = Line::parse(text).ok_or_else(|| {
            let text = shown(text);
            malformed(format!(
                "expected '<address> <letter> <name>[\\t[<module>]]', found '{text}' (give a copy of \
                 /proc/kallsyms as the kernel prints it)"
            ))
        })?;
        listing.add(number, &line).map_err(malformed)?;
        lines = number;
        visible |= line.address != 0;
    }
    if !visible {
        return Err(Error::malformed(
            origin,
            if lines == 0 {
                "expected the text of /proc/kallsyms, found nothing"
            } else {
                "expected addresses, found 0 in every line (read it as root, see kptr_restrict)"
            },
        ));
    }
    let (vmlinux, modules) = listing.finish();
    Ok(RunningKernel { vmlinux, modules })
}
