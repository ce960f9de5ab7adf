// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The order in which a kernel lists its symbols: `update_iter()` in kernel/kallsyms.c.
//!
//! - The symbols of vmlinux come first, by address. Absolute symbols are an exception: KASLR does not move them, so that
//!   their addresses do not fit into the order.
//! - The modules follow, each in the order of its symbol table.
//! - Freed functions of modules follow (see [`super::freed`]), and then code that was made at run time.
//!
//! Positions count in this order. A text in another order was sorted or assembled from parts, and would
//! give wrong positions.

use super::freed;
use super::line::Line;
use super::module::Module;
use super::undefined;
use crate::printable::shown;
use crate::symbols::{Entry, SymbolTable};
use klp_policy::{ObjName, SymbolName};
use std::collections::HashMap;

/// The owners of code that was made at run time. BPF programs have the owner `bpf`. The owners of ftrace's
/// trampolines and of kprobes' instruction slots begin with the prefix. None of these owners is a module.
const BPF: &[u8] = b"bpf";
const BUILTIN: &[u8] = b"__builtin__";

/// Returns true if the owner stands for code that was made at run time. No lookup by name finds such code.
#[must_use]
pub fn is_generated(owner: &[u8]) -> bool {
    owner == BPF || owner.starts_with(BUILTIN)
}

/// The symbols that were read so far.
#[derive(Debug, Default)]
pub(super) struct Listing<'d> {
    image: Vec<Entry<'d>>,
    modules: Vec<Module<'d>>,
    by_name: HashMap<ObjName<'d>, usize>,
    /// The module of the last line.
    current: Option<usize>,
    /// The last module with own symbols, once freed functions follow.
    last_module: Option<usize>,
    /// The owner of code that was made at run time, while its symbols are listed.
    generated: Option<&'d [u8]>,
    /// The address of the last symbol that is not absolute.
    last_address: u64,
    digits: Option<usize>,
}

impl<'d> Listing<'d> {
    /// Adds a line. Returns an error if the line, or its place, is wrong.
    pub(super) fn add(&mut self, number: u32, line: &Line<'d>) -> Result<(), String> {
        let expected = *self.digits.get_or_insert(line.digits);
        if line.digits != expected {
            return Err(format!(
                "expected an address of {expected} digits as in the lines before, found one of {}",
                line.digits
            ));
        }
        let entry = Entry {
            name: SymbolName(line.name),
            address: line.address,
            letter: line.letter,
            index: number,
            live: true,
        };
        match line.owner {
            None => self.add_to_image(entry),
            Some(owner) if is_generated(owner) => {
                self.generated = Some(owner);
                Ok(())
            }
            Some(owner) => {
                let name = ObjName::new(owner).filter(|name| !name.is_vmlinux());
                let name = name.ok_or_else(|| {
                    let name = shown(owner);
                    format!("expected a module name of 1 to 55 bytes without a dot, found '{name}'")
                })?;
                self.add_to_module(name, entry)
            }
        }
    }

    fn add_to_image(&mut self, entry: Entry<'d>) -> Result<(), String> {
        if let Some(owner) = self.last_owner() {
            return Err(out_of_order(&format!(
                "a symbol of vmlinux behind those of [{owner}]"
            )));
        }
        if !entry.letter.eq_ignore_ascii_case(&b'a') {
            if entry.address < self.last_address {
                let before = self.last_address;
                return Err(out_of_order(&format!(
                    "address {:x} behind {before:x}",
                    entry.address
                )));
            }
            self.last_address = entry.address;
        }
        self.image.push(entry);
        Ok(())
    }

    fn add_to_module(&mut self, name: ObjName<'d>, entry: Entry<'d>) -> Result<(), String> {
        if let Some(owner) = self.generated {
            let owner = shown(owner);
            let what = format!("a symbol of [{name}] behind those of [{owner}]");
            return Err(out_of_order(&what));
        }
        let at = *self.by_name.entry(name).or_insert(self.modules.len());
        if at == self.modules.len() {
            self.modules.push(Module {
                name,
                entries: Vec::new(),
                had_freed: false,
            });
            if self.last_module.is_some() {
                return Err(apart(self.current_name()));
            }
        } else if self.current != Some(at) {
            // Each module is listed once. Its freed functions are listed once more, after all modules.
            self.last_module = self.last_module.or(self.current);
            let module = self.modules.get_mut(at);
            if module.is_none_or(|module| std::mem::replace(&mut module.had_freed, true)) {
                return Err(apart(Some(name)));
            }
        }
        self.current = Some(at);
        if self.last_module.is_some() {
            return if entry.letter == freed::LETTER {
                Ok(())
            } else {
                Err(apart(Some(name)))
            };
        }
        // A livepatch keeps its undefined symbols in its table, and every lookup skips them. Weak undefined
        // symbols have another letter: see `undefined.rs`.
        if !entry.letter.eq_ignore_ascii_case(&b'u') {
            if let Some(module) = self.modules.get_mut(at) {
                module.entries.push(entry);
            }
        }
        Ok(())
    }

    fn current_name(&self) -> Option<ObjName<'d>> {
        Some(self.modules.get(self.current?)?.name)
    }

    fn last_owner(&self) -> Option<String> {
        let module = || Some(self.current_name()?.to_string());
        self.generated.map(shown).or_else(module)
    }

    /// Returns the symbols of vmlinux and of each module, without freed functions and undefined symbols.
    pub(super) fn finish(mut self) -> (SymbolTable<'d>, Vec<(ObjName<'d>, SymbolTable<'d>)>) {
        // If the last module's freed functions come first, nothing separates them from its own symbols.
        if let Some(last) = self.last_module.or(self.current) {
            if let Some(module) = self.modules.get_mut(last) {
                freed::remove(&mut module.entries);
            }
        }
        undefined::remove(&self.image, &mut self.modules);
        let modules = self.modules.into_iter();
        let modules = modules.map(|module| (module.name, SymbolTable::new(module.entries)));
        (SymbolTable::new(self.image), modules.collect())
    }
}

fn apart(module: Option<ObjName<'_>>) -> String {
    let module = module.map_or("a module".to_owned(), |name| format!("[{name}]"));
    out_of_order(&format!("the symbols of {module} in several places"))
}

fn out_of_order(what: &str) -> String {
    format!(
        "expected symbols in the kernel's order, found {what} (give an unsorted, complete copy of \
        /proc/kallsyms, made while no module was loaded or unloaded)"
    )
}
