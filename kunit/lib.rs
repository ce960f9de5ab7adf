// SPDX-License-Identifier: GPL-2.0

//! The `KUnit` suites, as cargo compiles and runs them.
//!
//! The suites are the same files as in the kernel; what they ask a kernel for is answered by
//! `host/` here and by `kernel.rs` there. The kernel's crate root is `klp_sympos_kunit_main.rs`.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod klp_policy;
#[cfg(test)]
mod klp_sympos;
#[cfg(test)]
#[path = "host/mod.rs"]
mod machine;

#[cfg(test)]
use ::klp_policy as policy;
#[cfg(test)]
use klp_kunit_shim::kunit_tests;
