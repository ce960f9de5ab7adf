// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The repository itself has none of the faults that `cargo xtask lint` looks for.

use klp_lint::{doc_comments, documents, imports};
use std::path::Path;

fn repository() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap()
}

#[test]
fn imports_lead_down() {
    let faults = imports::faults(repository()).unwrap();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn doc_comments_begin_with_a_verb_or_an_article() {
    let faults = doc_comments::faults(repository()).unwrap();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn documents_name_what_is_there() {
    let faults = documents::faults(repository()).unwrap();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
