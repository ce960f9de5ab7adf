// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The imports between the files of a crate, and those that must not be: circles, and arrows against the layers.
//!
//! `modules` reads a crate, `paths` finds the paths in each file, `arrows` follows them to the file that
//! defines what they name, `circles` and `layers` say which arrows are wrong.

mod arrows;
mod circles;
mod layers;
mod modules;
mod paths;

use anyhow::{Context as _, Result};
use std::fs;
use std::path::Path;

/// The page that names the layers, from the top of the repository.
const PAGE: &str = "DESIGN.md";

/// The roots of the crates whose files import each other in one direction only.
const CRATES: [&str; 10] = [
    "rust/policy/src/lib.rs",
    "fuzz/src/lib.rs",
    "kunit/shim/lib.rs",
    "scripts/guest/src/main.rs",
    "scripts/lint/src/lib.rs",
    "scripts/testkit/src/lib.rs",
    "scripts/variants/src/lib.rs",
    "scripts/xtask/src/main.rs",
    "userspace-gen/src/lib.rs",
    "userspace-gen/src/main.rs",
];

/// Returns a line for each wrong import of the repository.
///
/// # Errors
///
/// Fails if a file cannot be read, or is no Rust.
pub fn faults(repository: &Path) -> Result<Vec<String>> {
    let page = repository.join(PAGE);
    let page =
        fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    let layers = layers::read(&page);
    let mut faults = Vec::new();
    for root in CRATES {
        let modules = modules::read(repository, Path::new(root))?;
        let arrows = arrows::between(&modules);
        faults.extend(circles::faults(&arrows));
        for layers in layers.iter().filter(|layers| layers.are_of(root)) {
            faults.extend(layers.faults(&modules, &arrows));
        }
    }
    for layers in &layers {
        if !CRATES.iter().any(|root| layers.are_of(root)) {
            faults.push(format!(
                "{PAGE}: layers of {}: no crate is there",
                layers.folder()
            ));
        }
    }
    Ok(faults)
}
