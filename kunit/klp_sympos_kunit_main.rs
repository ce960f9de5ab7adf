// SPDX-License-Identifier: GPL-2.0

//! The `KUnit` suites, as a module of the kernel.
//!
//! `KUnit` runs them when the module has been loaded, whose loading succeeds even if a case fails:
//! `/sys/kernel/debug/kunit/<suite>/results` has the results. The root of the same suites for
//! cargo is `lib.rs`.

// The same sources as in the module under test, which this one does not need to be loaded for.
#[allow(dead_code, unreachable_pub, unused_imports)]
#[path = "../policy/mod.rs"]
mod policy;
#[allow(dead_code)]
#[path = "../tables.rs"]
mod tables;

mod cases;
mod checks;
mod klp_policy;
mod klp_sympos;
#[path = "kernel.rs"]
mod machine;

use kernel::prelude::*;
// Set by the Makefile where the prelude has no `kunit_tests`.
#[cfg(klp_kunit_shim)]
use klp_kunit_shim::kunit_tests;

module! {
    type: KlpSymposKunit,
    name: "klp_sympos_kunit",
    description: "KUnit tests for klp_sympos",
    license: "GPL",
}

struct KlpSymposKunit;

impl kernel::Module for KlpSymposKunit {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
