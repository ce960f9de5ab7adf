// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What `/proc/kallsyms` of a running kernel says.

use crate::elf::content::known;
use crate::error::{Error, Result};
use crate::shown::shown;
use crate::symbols::{Entry, SymbolTable};
use klp_policy::{ObjName, SymbolName};
use std::collections::HashMap;

/// The objects of a running kernel, in the order in which they are listed.
#[derive(Clone, Debug, Default)]
pub struct RunningKernel<'d> {
    /// The kernel image.
    pub vmlinux: SymbolTable<'d>,
    /// The modules.
    pub modules: Vec<(ObjName<'d>, SymbolTable<'d>)>,
}

/// Reads lines `<address> <letter> <name>[\t[<module>]]`, which may have come over a serial line and
/// end with CR LF.
///
/// Left out: undefined symbols (livepatch modules list them, the livepatch core skips them), and
/// trampolines and programs that are listed as if they belonged to a module `bpf`,
/// `__builtin__ftrace` or `__builtin__kprobes`.
///
/// # Errors
///
/// A line has another form or does not end, or the addresses are hidden.
pub fn read<'d>(origin: &str, text: &'d [u8]) -> Result<RunningKernel<'d>> {
    if let Some(found) = known(text) {
        let cure = if text.starts_with(&object::elf::ELFMAG) {
            " (give it with --vmlinux)"
        } else {
            ""
        };
        let what = format_args!("expected the text of /proc/kallsyms, found {found}{cure}");
        return Err(Error::malformed(origin, what));
    }
    if !text.is_empty() && !text.ends_with(b"\n") {
        let what =
            "expected the text of /proc/kallsyms, found its beginning: the last line does not \
                    end (copy all of it)";
        return Err(Error::malformed(origin, what));
    }
    let mut vmlinux = Vec::new();
    let mut modules: Vec<(ObjName<'d>, Vec<Entry<'d>>)> = Vec::new();
    let mut by_name = HashMap::new();
    let mut lines = 0_u32;
    let mut visible = false;
    for (number, line) in (1..).zip(text.split(|&b| b == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let (entry, module) = parse(number, line).ok_or_else(|| {
            let line = shown(line);
            let what = "expected '<address> <letter> <name>[\\t[<module>]]', found";
            Error::malformed(origin, format_args!("line {number}: {what} '{line}'"))
        })?;
        lines = number;
        visible |= entry.address != 0;
        match module {
            None => vmlinux.push(entry),
            _ if entry.letter.eq_ignore_ascii_case(&b'u') => {}
            Some(b"bpf") => {}
            Some(name) if name.starts_with(b"__builtin__") => {}
            Some(name) => {
                let name = ObjName::new(name).ok_or_else(|| {
                    let name = shown(name);
                    let what = "expected a module name of 1 to 55 bytes without a dot, found";
                    Error::malformed(origin, format_args!("line {number}: {what} '{name}'"))
                })?;
                let at = *by_name.entry(name).or_insert(modules.len());
                if at == modules.len() {
                    modules.push((name, Vec::new()));
                }
                if let Some((_, entries)) = modules.get_mut(at) {
                    entries.push(entry);
                }
            }
        }
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
    Ok(RunningKernel {
        vmlinux: SymbolTable::new(vmlinux),
        modules: modules
            .into_iter()
            .map(|(name, entries)| (name, SymbolTable::new(entries)))
            .collect(),
    })
}

fn parse(number: u32, line: &[u8]) -> Option<(Entry<'_>, Option<&[u8]>)> {
    let mut fields = line.splitn(3, |&b| b == b' ');
    let address = std::str::from_utf8(fields.next()?).ok()?;
    let address = u64::from_str_radix(address, 16).ok()?;
    let &[letter] = fields.next()? else {
        return None;
    };
    let rest = fields.next()?;
    let (name, module) = match rest.iter().position(|&b| b == b'\t') {
        Some(tab) => {
            let (name, module) = rest.split_at(tab);
            let module = module.strip_prefix(b"\t[")?;
            (name, Some(module.strip_suffix(b"]")?))
        }
        None => (rest, None),
    };
    let entry = Entry {
        name: SymbolName(name),
        address,
        letter,
        index: number,
        live: true,
    };
    Some((entry, module))
}
