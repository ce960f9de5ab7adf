// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Arrows from a file to the files that define what it names.

use super::modules::{ModulePath, Modules};
use super::paths;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The files of a crate that a file imports, with the names that it takes from each.
pub type Arrows = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// The number of re-exports that are followed from one name; more would be a circle of them.
const DEPTH: usize = 16;

/// Returns the arrows between the files of a crate.
///
/// `pub use` alone draws none: it offers a name, and the arrow is drawn from who uses the name to the file
/// that defines it. `mod` draws none, either.
pub fn between(modules: &Modules) -> Arrows {
    let mut arrows = Arrows::new();
    for (path, module) in modules {
        let imports = module.imports.iter().filter(|import| !import.is_public);
        let imports = imports.map(|import| import.path.clone());
        // A single name in code is a value or a type, even if a module has it, too.
        let is_module = |path: &Vec<String>| path.len() == 1 && module.children.contains(&path[0]);
        let code = paths::of(&module.items);
        let code = code.into_iter().filter(|path| !is_module(path));
        for named in imports.chain(code) {
            let Some(to) = resolve(modules, path, &named, DEPTH) else {
                continue;
            };
            if to != module.file {
                let name = named.last().cloned().unwrap_or_default();
                let from = arrows.entry(module.file.clone()).or_default();
                from.entry(to).or_default().insert(name);
            }
        }
    }
    arrows
}

/// Returns the file of this crate that defines what `path` names in the module `from`.
fn resolve(modules: &Modules, from: &ModulePath, path: &[String], depth: usize) -> Option<PathBuf> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => find(modules, &ModulePath::new(), rest, depth),
        "self" => find(modules, from, rest, depth),
        "super" => {
            let mut above = from.clone();
            above.pop()?;
            match rest.first() {
                Some(next) if next == "super" => resolve(modules, &above, rest, depth),
                _ => find(modules, &above, rest, depth),
            }
        }
        _ => find(modules, from, path, depth),
    }
}

/// Returns the file that defines what `path` names in `module`, where it does not begin with `crate`, `self`
/// or `super`.
fn find(modules: &Modules, module: &ModulePath, path: &[String], depth: usize) -> Option<PathBuf> {
    let depth = depth.checked_sub(1)?;
    let here = modules.get(module)?;
    let Some((first, rest)) = path.split_first() else {
        return Some(here.file.clone());
    };
    // A module and a function may share a name.
    if here.children.contains(first) && !(rest.is_empty() && here.defined.contains(first)) {
        let child = module.iter().cloned().chain([first.clone()]).collect();
        return find(modules, &child, rest, depth);
    }
    if here.defined.contains(first) {
        return Some(here.file.clone());
    }
    let named = here.imports.iter().filter(|import| import.name == *first);
    let all = here.imports.iter().filter(|import| import.name == "*");
    named.chain(all).find_map(|import| {
        let behind = if import.name == "*" { path } else { rest };
        let whole: Vec<String> = import.path.iter().chain(behind).cloned().collect();
        resolve(modules, module, &whole, depth)
    })
}

#[cfg(test)]
mod tests {
    use super::super::modules;
    use super::*;
    use std::fs;
    use std::path::Path;

    /// Returns the arrows of a crate of these files as `from -> to: names`.
    fn arrows(files: &[(&str, &str)]) -> Vec<String> {
        let repository = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let file = repository.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let modules = modules::read(repository.path(), Path::new("lib.rs")).unwrap();
        let mut lines = Vec::new();
        for (from, to) in between(&modules) {
            for (to, names) in to {
                let names = Vec::from_iter(names).join(" ");
                lines.push(format!("{} -> {}: {names}", from.display(), to.display()));
            }
        }
        lines
    }

    #[test]
    fn an_arrow_leads_to_the_file_that_defines_a_name() {
        let found = arrows(&[
            ("lib.rs", "mod high; mod low; mod room;"),
            (
                "high.rs",
                "use crate::room::{Thing, other as another}; use std::fs;",
            ),
            ("low.rs", "pub struct Deep;"),
            (
                "room/mod.rs",
                "mod inner; pub use inner::Thing; pub fn other() {}",
            ),
            ("room/inner.rs", "pub use super::super::low::Deep as Thing;"),
        ]);
        assert_eq!(
            found,
            ["high.rs -> low.rs: Thing", "high.rs -> room/mod.rs: other"]
        );
    }

    #[test]
    fn paths_in_code_and_in_macros_count() {
        let found = arrows(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            (
                "a.rs",
                "fn f() -> crate::b::T { println!(\"{}\", crate::c::g(1)); loop {} }",
            ),
            (
                "b.rs",
                "pub struct T; impl T { fn new() { super::c::g(2); } }",
            ),
            ("c.rs", "pub fn g(_: u8) {}"),
        ]);
        assert_eq!(
            found,
            ["a.rs -> b.rs: T", "a.rs -> c.rs: g", "b.rs -> c.rs: g"]
        );
    }

    #[test]
    fn tests_and_other_crates_draw_none() {
        let found = arrows(&[
            ("lib.rs", "mod a; mod elf;"),
            (
                "a.rs",
                "use object::elf; const N: u32 = elf::X; #[cfg(test)] mod tests { use crate::elf::Y; }",
            ),
            ("elf.rs", "pub struct Y;"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_file_may_be_named_by_an_attribute_and_a_module_be_in_braces() {
        let found = arrows(&[
            ("lib.rs", "#[path = \"mod.rs\"] mod rule; pub use rule::*;"),
            ("mod.rs", "mod a; mod b; mod inline { use super::a::A; }"),
            ("a.rs", "pub struct A;"),
            ("b.rs", "use super::a; fn f(a: u8) { let _ = a::A; }"),
        ]);
        assert_eq!(found, ["b.rs -> a.rs: A a", "mod.rs -> a.rs: A"]);
    }
}
