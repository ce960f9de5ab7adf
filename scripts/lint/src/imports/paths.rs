// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The paths that code is written with: `super::name::fmt_lossy`, `Target::load`, also within macros.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Item, ItemUse, Macro, Path, Visibility};

/// Returns every path of `items`, but for those of `use`.
pub fn of(items: &[Item]) -> Vec<Vec<String>> {
    let mut finder = Finder { paths: Vec::new() };
    for item in items {
        finder.visit_item(item);
    }
    finder.paths
}

struct Finder {
    paths: Vec<Vec<String>>,
}

impl<'a> Visit<'a> for Finder {
    fn visit_item_use(&mut self, _: &'a ItemUse) {}

    // The path in `pub(super)` says who may name the item, and names nothing itself.
    fn visit_visibility(&mut self, _: &'a Visibility) {}

    fn visit_path(&mut self, path: &'a Path) {
        let segments = path.segments.iter();
        self.paths
            .push(segments.map(|s| s.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'a Macro) {
        self.in_tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }
}

impl Finder {
    /// Adds the paths among the tokens of a macro: `a::b` and single names.
    fn in_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.paths.extend(Some(std::mem::take(&mut path)));
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.in_tokens(group.stream());
                    self.paths.push(std::mem::take(&mut path));
                    colons = 0;
                }
                _ => {
                    self.paths.push(std::mem::take(&mut path));
                    colons = 0;
                }
            }
        }
        self.paths.push(path);
        self.paths.retain(|path| !path.is_empty());
    }
}
