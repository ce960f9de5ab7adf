// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The repository itself has none of the faults that `cargo xtask lint` looks for.

use klp_lint::imports;
use std::path::Path;

#[test]
fn imports_lead_down() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let repository = package.ancestors().nth(2).unwrap();
    let faults = imports::faults(repository).unwrap();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
