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
use crate::shown::shown;
use crate::symbols::SymbolTable;
use klp_policy::ObjName;
use line::Line;
use listing::Listing;

/// The objects of a running kernel, in the order in which they are listed.
#[derive(Clone, Debug, Default)]
pub struct RunningKernel<'d> {
    /// The kernel image.
    pub vmlinux: SymbolTable<'d>,
    /// The modules.
    pub modules: Vec<(ObjName<'d>, SymbolTable<'d>)>,
}

/// Reads lines `<address> <letter> <name>[\t[<module>]]`, which may have come over a serial line and
/// end with CR LF, or through a terminal that made spaces of the tab.
///
/// Left out is what the text lists and no lookup by name sees: undefined symbols (livepatch modules list
/// them, the livepatch core skips them), functions that were freed after initialization, and trampolines
/// and programs that are listed as if they belonged to a module `bpf`, `__builtin__ftrace` or
/// `__builtin__kprobes`.
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
            "expected the text of /proc/kallsyms, found its beginning: the last line does not \
                    end (copy all of it)";
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
