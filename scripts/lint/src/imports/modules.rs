// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The modules of a crate, as its files declare them.

use anyhow::{bail, Context as _, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::{Attribute, Expr, Item, ItemUse, Lit, Meta, UseTree, Visibility};

/// A module's place in its crate: the names that lead to it from the root.
pub type ModulePath = Vec<String>;

/// One module, in a file of its own or in braces.
#[derive(Default)]
pub struct RustModule {
    /// The file, from the top of the repository.
    pub file: PathBuf,
    /// The names of the modules in it.
    pub children: BTreeSet<String>,
    /// The names of everything else that it defines.
    pub defined: BTreeSet<String>,
    /// The names that it imports, and the path of each.
    pub imports: Vec<Import>,
    /// The items, without those that only tests have.
    pub items: Vec<Item>,
}

/// One name of a `use`.
#[derive(Debug)]
pub struct Import {
    /// The name that it has here; `*` stands for all names.
    pub name: String,
    /// The path that it stands for.
    pub path: Vec<String>,
    /// True if others can import it from here.
    pub is_public: bool,
}

/// The modules of a crate.
pub type Modules = BTreeMap<ModulePath, RustModule>;

/// Reads the crate whose first file is `root`, a path from the top of the repository.
///
/// # Errors
///
/// Fails if a file cannot be read, or is no Rust.
pub fn read(repository: &Path, root: &Path) -> Result<Modules> {
    let mut modules = Modules::new();
    let folder = root.parent().unwrap_or(Path::new("")).to_owned();
    let mut files = vec![(ModulePath::new(), root.to_owned(), folder)];
    while let Some((path, file, folder)) = files.pop() {
        let text = fs::read_to_string(repository.join(&file))
            .with_context(|| format!("cannot read {}", file.display()))?;
        let parsed =
            syn::parse_file(&text).with_context(|| format!("{}: expected Rust", file.display()))?;
        add(
            &mut modules,
            &mut files,
            repository,
            path,
            &ModuleFile { file, folder },
            parsed.items,
        )?;
    }
    Ok(modules)
}

/// The file of a module, and the folder of the modules that it declares.
struct ModuleFile {
    file: PathBuf,
    folder: PathBuf,
}

fn add(
    modules: &mut Modules,
    files: &mut Vec<(ModulePath, PathBuf, PathBuf)>,
    repository: &Path,
    path: ModulePath,
    place: &ModuleFile,
    items: Vec<Item>,
) -> Result<()> {
    let mut module = RustModule {
        file: place.file.clone(),
        ..RustModule::default()
    };
    for item in items {
        if attributes(&item).iter().any(is_test_only) {
            continue;
        }
        match item {
            Item::Mod(declared) => {
                let name = declared.ident.to_string();
                let inner: ModulePath = path.iter().cloned().chain([name.clone()]).collect();
                module.children.insert(name.clone());
                let folder = place.folder.join(&name);
                if let Some((_, items)) = declared.content {
                    let place = ModuleFile {
                        file: place.file.clone(),
                        folder,
                    };
                    add(modules, files, repository, inner, &place, items)?;
                } else {
                    let (file, folder) = file_of(repository, place, &name, &declared.attrs)?;
                    files.push((inner, file, folder));
                }
            }
            Item::Use(import) => {
                flatten(&import, &import.tree, &mut Vec::new(), &mut module.imports);
                module.items.push(Item::Use(import));
            }
            item => {
                module.defined.extend(name_of(&item));
                module.items.push(item);
            }
        }
    }
    modules.insert(path, module);
    Ok(())
}

/// Returns the file of `mod name;`, and the folder of its own modules.
fn file_of(
    repository: &Path,
    place: &ModuleFile,
    name: &str,
    attributes: &[Attribute],
) -> Result<(PathBuf, PathBuf)> {
    let beside = place.file.parent().unwrap_or(Path::new(""));
    if let Some(path) = attributes.iter().find_map(path_attribute) {
        let file = beside.join(path);
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        return Ok((file, folder));
    }
    let folder = place.folder.join(name);
    let candidates = [
        place.folder.join(format!("{name}.rs")),
        folder.join("mod.rs"),
    ];
    match candidates
        .iter()
        .find(|file| repository.join(file).is_file())
    {
        Some(file) => Ok((file.clone(), folder)),
        None => bail!(
            "{}: mod {name}: expected {} or {}, found neither",
            place.file.display(),
            candidates[0].display(),
            candidates[1].display()
        ),
    }
}

/// Returns the file that `#[path = "..."]` names.
fn path_attribute(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    match &pair.value {
        Expr::Lit(literal) if pair.path.is_ident("path") => match &literal.lit {
            Lit::Str(path) => Some(path.value()),
            _ => None,
        },
        _ => None,
    }
}

/// Returns whether an item is compiled for tests alone.
fn is_test_only(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        _ => false,
    }
}

/// Adds the names of a `use`, one for each leaf of its tree.
fn flatten(import: &ItemUse, tree: &UseTree, prefix: &mut Vec<String>, imports: &mut Vec<Import>) {
    let is_public = !matches!(import.vis, Visibility::Inherited);
    let mut leaf = |name: String, path: Vec<String>| {
        imports.push(Import {
            name,
            path,
            is_public,
        });
    };
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(import, &path.tree, prefix, imports);
            prefix.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            leaf(prefix.last().cloned().unwrap_or_default(), prefix.clone());
        }
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            let path = prefix.iter().cloned().chain([name.clone()]).collect();
            leaf(name, path);
        }
        UseTree::Rename(renamed) => {
            let original = renamed.ident.to_string();
            let path = prefix.iter().cloned();
            let path = match original.as_str() {
                "self" => path.collect(),
                _ => path.chain([original]).collect(),
            };
            leaf(renamed.rename.to_string(), path);
        }
        UseTree::Glob(_) => leaf("*".to_owned(), prefix.clone()),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(import, tree, prefix, imports);
            }
        }
    }
}

/// Returns the name that an item defines in its module.
fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        _ => return None,
    };
    Some(ident.to_string())
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
