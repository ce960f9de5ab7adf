// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The position of a symbol whose source file is known.
//!
//! Only a local symbol that its table attributes to the file is an answer. A promoted one is not, even if
//! it is the only one of its name: the static of that file may have been inlined everywhere, and this one
//! be from another.

use super::candidates;
use super::nearest::{self, Nearest};
use super::problem::{NamedBy, Problem};
use crate::shown::shown;
use crate::target::sources::SourceFile;
use crate::target::Object;
use klp_policy::query::ANY;
use klp_policy::{Policy, Query, Sympos};
use object::elf;

/// The position of the symbol `name` from the source file `file` among the exact names.
pub(super) fn position(
    named_by: NamedBy<'_>,
    object: &Object<'_>,
    name: &[u8],
    file: &[u8],
    nearest: &Nearest<'_>,
) -> Result<Sympos, Problem> {
    let subject = named_by.written();
    let query = Query::new(name);
    if !matches!(query, Query::Plain(_)) {
        let why = "a source file says which of several symbols: expected its name without .llvm.";
        return Err(Problem::new(subject, why));
    }
    let by_position =
        || named_by.by_position(object, format_args!("{}{}", shown(name), shown(ANY)));
    let source = source(subject, object, file)?;
    let mut positions = Vec::new();
    let mut matches = 0;
    object.candidates(Policy::Exact, &query, &mut |position, seq| {
        matches = position;
        let symbol = object.file_symbol(seq);
        let local = symbol.filter(|s| s.bind == elf::STB_LOCAL);
        let from = local.and_then(|s| object.sources()?.file_of(s.id));
        if from == Some(source) {
            positions.push(position);
        }
    });
    let shown_file = shown(source.path());
    let all = Query::Any(klp_policy::SymbolName(name));
    let problem =
        |why: String| Err(Problem::new(subject, why).with(candidates::wholly(object, &all)));
    match positions[..] {
        [] if candidates::none(object, &all) => {
            let why = format!("{} has no symbol of that name", object.name);
            Err(Problem::new(subject, why).or_nearest(nearest, &query))
        }
        [] => problem(format!(
            "no local symbol of {shown_file} has that name: it was inlined everywhere, or promoted, \
             which loses the file. Choose by {}",
            by_position()
        )),
        [_] if !source.is_alone() => problem(format!(
            "the symbols behind {shown_file} may be from another file, which the linker does not \
             tell (assembler, or the last file of the link): choose by {}",
            by_position()
        )),
        [1] if matches == 1 => Ok(Sympos::UNIQUE),
        [position] => Ok(Sympos(position)),
        _ => problem(format!("{shown_file} has {} symbols of that name", positions.len())),
    }
}

/// The one source file that is meant.
fn source<'o>(
    subject: &[u8],
    object: &'o Object<'_>,
    file: &[u8],
) -> Result<&'o SourceFile, Problem> {
    let problem = |why: String| Problem::new(subject, why);
    let (objname, origin) = (object.name, &object.origin);
    let Some(sources) = object.sources() else {
        let why = format!("{origin} does not tell the source files of {objname}");
        return Err(problem(why));
    };
    if sources.known().next().is_none() {
        return Err(problem(if objname.is_vmlinux() {
            format!(
                "{origin} has the names of source files without directories: give the vmlinux.a of \
                 the same build with --link-order, or a position"
            )
        } else {
            format!("{origin} does not name its source files: give a position")
        }));
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
