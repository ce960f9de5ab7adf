// SPDX-License-Identifier: GPL-2.0

//! The attribute `#[kunit_tests]` where the kernel crate has none.
//!
//! Kernels from 6.15 on have it in `rust/macros/kunit.rs`. The suites are written for that one and
//! use it, unchanged, where it exists; this crate is not even compiled there (see `../Makefile`).
//!
//! | compiled by | a suite becomes |
//! | --- | --- |
//! | cargo | the module itself, in test builds: `#[test]` is what it always is |
//! | kbuild, without the macro | a static `kunit_suite` (`kernel.rs`) |
//! | kbuild, with the macro | whatever the kernel makes of it |
//!
//! An attribute with arguments on a module can only be a procedural macro, hence this crate.
//! Mainline overrides `assert!` and `assert_eq!` with one argument and two, no message; a suite
//! that is to compile everywhere has to be content with these. `#[cfg]` on a test is not supported
//! here.

mod kernel;
mod suite;

use proc_macro::TokenStream;

/// Makes a `KUnit` suite of a module: each function marked `#[test]` is a case.
///
/// A test returns nothing or a `Result`; an `Err` is a failure.
///
/// # Panics
///
/// If it is not on a module with at least one test. The compiler reports that as an error.
#[proc_macro_attribute]
pub fn kunit_tests(name: TokenStream, module: TokenStream) -> TokenStream {
    if cfg!(feature = "host") {
        let mut tokens: TokenStream = "#[cfg(test)]".parse().expect("an attribute");
        tokens.extend(module);
        tokens
    } else {
        kernel::expand(suite::parse(&name, module))
    }
}
