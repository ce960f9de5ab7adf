// SPDX-License-Identifier: GPL-2.0

//! The door of kallsyms and, behind it, of the tracers.

use super::policy::{
    cleanup_symbol_name_in_place,
    Fallback,
    Namesakes,
    Symbol,
    SymbolName,
    KSYM_NAME_LEN,
    MODULE_NAME_LEN, //
};
use super::tables::{
    terminated,
    Vmlinux, //
};
use core::{
    ffi::CStr,
    fmt,
    ops::ControlFlow, //
};
use kernel::kallsyms::{
    self,
    Matches,
    Modules,
    Objects,
    Wanted, //
};

/// Candidates that are named.
const MAX_CANDIDATES: u64 = 8;

/// Finds a symbol by its cleaned name for whoever found nothing by its exact name.
pub(crate) struct Tracers;

impl kallsyms::Fallback for Tracers {
    fn matches(wanted: &Wanted<'_>) -> Matches {
        let found = with_lookup(wanted, |lookup| lookup.count()).unwrap_or_default();
        match (found.matches(), found.only()) {
            (0, _) => Matches::None,
            (_, Some(address)) => Matches::One(address as usize),
            (_, None) => Matches::Several,
        }
    }

    fn cleanup(name: &mut [u8]) -> usize {
        cleanup_symbol_name_in_place(name)
    }

    fn explain(wanted: &Wanted<'_>, refused: bool, to: &mut dyn fmt::Write) -> fmt::Result {
        with_lookup(wanted, |lookup| lookup.explain(refused, to)).unwrap_or(Ok(()))
    }
}

/// Takes a symbol, and the module that has it; none for vmlinux.
pub(crate) type VisitNamed<'v> = dyn FnMut(Option<&CStr>, Symbol<'_>) -> ControlFlow<()> + 'v;

/// A name that is looked for, taken apart.
pub(crate) struct Lookup<'a> {
    /// Says whether the symbol at an address is of any use.
    usable: &'a dyn Fn(usize) -> bool,
    /// The place at which the search for the exact name has ended.
    place: Option<u32>,
    /// The objects that are meant.
    objects: Objects<'a>,
    /// The name, without a module.
    name: &'a [u8],
    fallback: Fallback<'a>,
}

/// Takes `module:name` apart, as `__module_kallsyms_lookup_name()` does.
fn with_lookup<R>(wanted: &Wanted<'_>, then: impl FnOnce(&Lookup<'_>) -> R) -> Option<R> {
    let mut name = wanted.name().to_bytes();
    let mut objects = wanted.objects();
    let mut buf = [0; MODULE_NAME_LEN];
    let colon = name.iter().take(MODULE_NAME_LEN).position(|&b| b == b':');
    if let (Objects::All, Some(colon)) = (objects, colon) {
        buf[..colon].copy_from_slice(&name[..colon]);
        objects = Objects::Module(CStr::from_bytes_with_nul(&buf[..=colon]).ok()?);
        name = &name[colon + 1..];
    }
    Some(then(&Lookup {
        usable: &|address| wanted.usable(address),
        place: wanted.place(),
        objects,
        name,
        fallback: Fallback::new(name),
    }))
}

impl<'a> Lookup<'a> {
    /// Looks for any symbol that has the name, or may be meant by it.
    pub(crate) fn new(objects: Objects<'a>, name: &'a [u8]) -> Self {
        Self {
            usable: &|_| true,
            place: None,
            objects,
            name,
            fallback: Fallback::new(name),
        }
    }

    /// Returns whether `symbol` has the very name.
    pub(crate) fn is_exact(&self, symbol: &Symbol<'_>) -> bool {
        self.fallback.is_exact(symbol.name)
    }

    fn count(&self) -> Namesakes {
        let mut found = Namesakes::default();
        self.visit(&mut |_, symbol| {
            found.add(&self.fallback, &symbol);
            ControlFlow::Continue(())
        });
        found
    }

    /// Says what there is to choose from, or what an exact name was preferred to.
    fn explain(&self, refused: bool, to: &mut dyn fmt::Write) -> fmt::Result {
        let Namesakes { exact, others, .. } = self.count();
        let name = SymbolName(self.name);
        let told = if refused { exact + others } else { others };
        match (refused, told) {
            (true, 0 | 1) | (false, 0) => return Ok(()),
            (true, _) => writeln!(to, "'{name}' may stand for {told} symbols:")?,
            (false, _) if exact == 0 => return Ok(()),
            (false, _) => writeln!(
                to,
                "'{name}' is the symbol of exactly this name, and not one of {told}:"
            )?,
        }
        let mut listed = 0;
        let mut written = Ok(());
        self.visit(&mut |module, symbol| {
            if !refused && self.fallback.is_exact(symbol.name) {
                return ControlFlow::Continue(());
            }
            if listed == MAX_CANDIDATES {
                return ControlFlow::Break(());
            }
            listed += 1;
            // As in /proc/kallsyms.
            written = match module {
                Some(module) => {
                    let module = SymbolName(module.to_bytes());
                    writeln!(to, "  {listed}: {} [{module}]", symbol.name)
                }
                None => writeln!(to, "  {listed}: {}", symbol.name),
            };
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        written?;
        if told > listed {
            writeln!(to, "  and {} more", told - listed)?;
        }
        Ok(())
    }

    /// Visits the usable symbols that the name may stand for, each with its module. Must not sleep.
    pub(crate) fn visit(&self, visit: &mut VisitNamed<'_>) {
        let mut visit = |module: Option<&CStr>, symbol: Symbol<'_>| {
            if (self.usable)(symbol.address as usize) {
                visit(module, symbol)
            } else {
                ControlFlow::Continue(())
            }
        };
        if let Objects::All | Objects::Vmlinux = self.objects {
            let mut flow = ControlFlow::Continue(());
            self.fallback
                .visit_in_index(&Vmlinux, self.place, &mut |symbol| {
                    flow = visit(None, symbol);
                    flow
                });
            if flow.is_break() {
                return;
            }
        }
        let modules = match self.objects {
            Objects::All => Modules::All,
            Objects::Module(modname) => Modules::One(modname),
            Objects::Vmlinux => return,
        };
        self.visit_in_modules(modules, &mut visit);
    }

    // Its buffer is not on the stack while vmlinux is searched.
    #[inline(never)]
    fn visit_in_modules(&self, modules: Modules<'_>, visit: &mut VisitNamed<'_>) {
        let mut start = [0; KSYM_NAME_LEN];
        let Some(start) = terminated(self.fallback.start(), &mut start) else {
            return;
        };
        kallsyms::module_on_each_prefix_symbol(modules, start, |module, name, address| {
            let name = SymbolName(name.to_bytes());
            if !self.fallback.is_namesake(name) {
                return ControlFlow::Continue(());
            }
            let symbol = Symbol {
                name,
                address: address as u64,
                // Nobody counts positions here.
                seq: 0,
            };
            visit(Some(module), symbol)
        });
    }
}
