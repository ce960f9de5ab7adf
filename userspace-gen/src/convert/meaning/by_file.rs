// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The position of a symbol that is named with its source file.
//!
//! The answer is always a local symbol that the symbol table attributes to the file. A promoted symbol is
//! no answer, even if no other symbol has its name: the static of the file may have been inlined
//! everywhere, and the promoted symbol may be from another file.

use super::candidates;
use super::nearest::{self, Nearest};
use super::problem::{NamedBy, Problem};
use crate::elf::Symbol;
use crate::printable::shown;
use crate::target::sources::SourceFile;
use crate::target::{Object, Sources};
use klp_policy::query::ANY;
use klp_policy::{Policy, Query, SymbolName, Sympos};
use std::path::Path;

/// Returns the position of the symbol `name` from the source file `file` among the exact names.
pub(super) fn position(
    named_by: NamedBy<'_>,
    object: &Object<'_>,
    name: &[u8],
    file: &[u8],
    nearest: &Nearest<'_>,
) -> Result<Sympos, Problem> {
    let query = Query::new(name);
    if !matches!(query, Query::Plain(_)) {
        let why = "expected a name without .llvm. in front of a source file";
        return Err(Problem::new(named_by, why));
    }
    let by_position =
        || named_by.by_position(object, format_args!("{}{}", shown(name), shown(ANY)));
    let source = source(named_by, object, file)?;
    let mut positions = Vec::new();
    let mut matches = 0;
    object.candidates(Policy::Exact, &query, &mut |position, seq| {
        matches = position;
        let symbol = object.file_symbol(seq);
        let local = symbol.filter(Symbol::is_static);
        let from = local.and_then(|s| object.sources()?.file_of(s.id));
        if from == Some(source) {
            positions.push(position);
        }
    });
    let shown_file = shown(source.path());
    let all = Query::Any(SymbolName(name));
    let problem =
        |why: String| Err(Problem::new(named_by, why).with(candidates::wholly(object, &all)));
    match positions[..] {
        [] if candidates::none(object, &all) => {
            let why = format!("{} has no symbol of that name", object.name);
            Err(nearest.complete(Problem::new(named_by, why), &query))
        }
        [] => problem(match others(object, name) {
            Others::Global => format!(
                "{} is global, not static: name it without {shown_file}",
                shown(name)
            ),
            Others::OfFiles => format!(
                "no symbol of {shown_file} has that name: it was inlined everywhere, or is in another file. \
                Symbols of other files"
            ),
            Others::Unknown => format!(
                "no local symbol of {shown_file} has that name: it was inlined everywhere, or promoted (a \
                promoted symbol has no file). Choose by {}",
                by_position()
            ),
        }),
        [_] if !source.is_alone() => problem(format!(
            "the symbols behind {shown_file} may be from another file (assembler, or the last file of the \
            link): choose by {}",
            by_position()
        )),
        [1] if matches == 1 => Ok(Sympos::UNIQUE),
        [position] => Ok(Sympos(position)),
        _ => problem(format!("{shown_file} has {} symbols of that name", positions.len())),
    }
}

/// The symbols of a name, if none of them is from the wanted file.
enum Others {
    /// The only symbol with exactly this name is global.
    Global,
    /// The files of all symbols are known.
    OfFiles,
    /// Some symbol may be from the wanted file.
    Unknown,
}

fn others(object: &Object<'_>, name: &[u8]) -> Others {
    // The last link makes most global symbols local; they stay hidden.
    let is_global = |seq| object.file_symbol(seq).is_some_and(|s| !s.is_static());
    let (mut exact, mut global, mut unknown) = (0_u32, 0_u32, 0_u32);
    let all = Query::Any(SymbolName(name));
    object.candidates(Policy::Llvm, &all, &mut |_, seq| {
        let is_exact = object.symbols.get(seq).is_some_and(|e| e.name.0 == name);
        exact += u32::from(is_exact);
        global += u32::from(is_exact && is_global(seq));
        // A promoted symbol has lost its file, wherever the symbol is.
        unknown += u32::from(!is_exact || object.source_file(seq).is_none());
    });
    match (exact, global, unknown) {
        (1, 1, 1) => Others::Global,
        (.., 0) => Others::OfFiles,
        _ => Others::Unknown,
    }
}

/// Returns the source file that is meant.
fn source<'o>(
    named_by: NamedBy<'_>,
    object: &'o Object<'_>,
    file: &[u8],
) -> Result<&'o SourceFile, Problem> {
    let problem = |why: String| Problem::new(named_by, why);
    let objname = object.name;
    let Some(sources) = object.sources() else {
        let why = format!(
            "{} is a text, and does not tell the source files of {objname}: give the file of {objname}, or a position",
            object.origin
        );
        return Err(problem(why));
    };
    if sources.known().next().is_none() {
        return Err(problem(unknown_files(object, sources)));
    }
    let files = sources.matching(file);
    let paths = |files: &[&SourceFile]| files.iter().map(|f| shown(f.path())).collect();
    match files[..] {
        [file] => Ok(file),
        [] => {
            let why = format!("no file of {objname} is called {}", shown(file));
            let nearest = nearest::of(file, sources.known().map(SourceFile::path));
            let lines = nearest.iter().map(|file| nearest::offer(file));
            Err(problem(why).with(lines.collect()))
        }
        _ => {
            let why = format!(
                "{} files of {objname} are called {}",
                files.len(),
                shown(file)
            );
            Err(problem(why).with(paths(&files)))
        }
    }
}

/// Returns the reason for which the source files of an object are not known.
fn unknown_files(object: &Object<'_>, sources: &Sources) -> String {
    let origin = &object.origin;
    if sources.is_empty() {
        return format!(
            "{origin} does not name its source files, maybe because it was stripped: give the file that \
            the build left, or a position"
        );
    }
    if !object.lacks_link_order() {
        return format!(
            "the vmlinux.a of --link-order does not list the files of {origin}: give the vmlinux.a of the \
            same build, or a position"
        );
    }
    format!(
        "{origin} has the names of source files without directories: give {}, with --link-order, or a \
         position",
        link_order(object)
    )
}

/// Names the archive that tells the source files of a kernel image.
pub(super) fn link_order(image: &Object<'_>) -> String {
    let beside = Path::new(&image.origin).with_file_name("vmlinux.a");
    if beside.is_file() {
        format!("{}, if it is of the same build", beside.display())
    } else {
        "the vmlinux.a in the directory of the same build".to_owned()
    }
}
