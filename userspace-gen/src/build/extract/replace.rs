// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The functions that a livepatch replaces: by which name, and whether the kernel can replace them.

use super::extraction::Replacement;
use super::extractor::Extractor;
use super::symbol_names;
use crate::build::code::{Piece, PieceId, PieceKind, ReferenceTarget};
use crate::build::compare::{names, ChangedFunction};
use crate::build::RefusalKind;
use crate::target::Traceable;
use object::read::ReadRef;
use std::collections::HashSet;

impl<'d, R: ReadRef<'d>> Extractor<'_, '_, 'd, R> {
    /// Refuses functions that are new in their file and that the kernel has in another one: their callers are in any
    /// file, and would go on to call the old ones.
    pub(super) fn expect_no_move(&mut self) {
        for unit in 0..self.inputs.units.len() {
            let code = self.code(unit);
            let original = &self.inputs.versions[unit].original;
            let names = original.numbered().filter_map(|(_, piece)| piece.name);
            let before: HashSet<_> = names.map(names::stem).collect();
            for (id, piece) in code.numbered() {
                // A macro may make several functions of one name and a counter; they are of this file, too.
                let is_new = !before.contains(&names::stem(piece.name.unwrap_or_default()));
                let name = piece.name.filter(|_| is_new && !piece.is_local);
                let Some(name) = name.filter(|_| piece.kind == PieceKind::Function) else {
                    continue;
                };
                if self
                    .inputs
                    .images
                    .values()
                    .any(|image| image.global(name).is_some())
                {
                    let what = "defines a function that the running kernel has in another file, whose callers a \
                                livepatch does not see (leave the function in its file)";
                    self.refuse(RefusalKind::Moved, unit, code.name(id), what);
                }
            }
        }
    }

    /// Takes a changed function, and adds the function that it replaces.
    pub(super) fn replace(&mut self, function: ChangedFunction) {
        let ChangedFunction {
            unit,
            patched,
            original,
        } = function;
        let name = self.code(unit).name(patched);
        let Some((object, place)) = self.existing(unit, original) else {
            let what = "is not among the symbols of the kernel that livepatch can find \
            (CONFIG_KALLSYMS)";
            return self.refuse(RefusalKind::NoSymbol, unit, name, what);
        };
        if matches!(object.traceable(place), Traceable::No | Traceable::NoSize) {
            let callers = self.callers(unit, patched).join(", ");
            let advice = match &callers[..] {
                "" => "remove the change from the patch".to_owned(),
                callers => format!("change its callers instead: {callers}"),
            };
            let what = format!(
                "has no call to ftrace at its beginning: a livepatch cannot replace it ({advice})"
            );
            return self.refuse(RefusalKind::Untraceable, unit, name, &what);
        }
        let Some(kernel_name) = symbol_names::kernel_name(object, place) else {
            return self.refuse(
                RefusalKind::NoSymbol,
                unit,
                name,
                "has a name by which livepatch cannot find it",
            );
        };
        self.take(unit, patched);
        self.expect_no_endbr(unit, patched);
        let symbol = self.global_name(unit, patched);
        self.result.functions.push(Replacement {
            unit,
            object: self.inputs.units[unit].object.clone(),
            kernel_name,
            symbol,
            name,
        });
    }

    /// Returns up to five functions that refer to a function.
    fn callers(&self, unit: usize, callee: PieceId) -> Vec<String> {
        let code = self.code(unit);
        let calls = |piece: &Piece<'_>| {
            let references = code.references(piece.section, piece.start, piece.end);
            references
                .iter()
                .any(|r| r.target == ReferenceTarget::Piece(callee))
        };
        let others = code.numbered().filter(|(id, _)| *id != callee);
        let callers = others.filter(|(_, piece)| piece.kind == PieceKind::Function && calls(piece));
        callers.take(5).map(|(id, _)| code.name(id)).collect()
    }
}
