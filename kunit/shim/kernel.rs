// SPDX-License-Identifier: GPL-2.0

//! A suite for a kernel whose kernel crate cannot make one.

use super::suite::Suite;
use proc_macro::{
    Delimiter,
    Group,
    TokenStream,
    TokenTree, //
};
use std::fmt::Write;

/// What a suite's module begins with: the macros that report to `KUnit` instead of panicking.
///
/// `kernel::kunit_assert!` wants the file as a literal, which no macro can ask the compiler for
/// before Rust 1.88: each suite is in a file that is called like it. The line is the right one.
const ASSERTIONS: &str = r#"
    #[allow(unused_macros)]
    macro_rules! assert {
        ($condition:expr $(,)?) => {
            ::kernel::kunit_assert!("@SUITE@", "@SUITE@.rs", 0, $condition)
        };
    }
    #[allow(unused_macros)]
    macro_rules! assert_eq {
        ($left:expr, $right:expr $(,)?) => {
            ::kernel::kunit_assert_eq!("@SUITE@", "@SUITE@.rs", 0, $left, $right)
        };
    }
"#;

/// What it ends with: the suite, and a pointer to it where the module loader looks for one.
///
/// All of it is `static mut`, as in C, since `KUnit` writes to it: nobody else ever touches it.
const SUITE: &str = r#"
    const _: () = {
        use ::kernel::bindings;

        /// What a test may return.
        trait Outcome {
            fn is_ok(&self) -> bool;
        }

        impl Outcome for () {
            fn is_ok(&self) -> bool {
                true
            }
        }

        impl<T, E> Outcome for ::core::result::Result<T, E> {
            fn is_ok(&self) -> bool {
                self.is_ok()
            }
        }

        // SAFETY: All fields are integers, pointers, or optional function pointers.
        const NO_CASE: bindings::kunit_case = unsafe { ::core::mem::zeroed() };

        // SAFETY: As above.
        const NO_SUITE: bindings::kunit_suite = unsafe { ::core::mem::zeroed() };

        @WRAPPERS@

        // Ends with a null, as `kunit_suite_for_each_test_case()` expects.
        static mut CASES: [bindings::kunit_case; @COUNT@ + 1] = [
            @CASES@
            NO_CASE,
        ];

        static mut SUITE: bindings::kunit_suite = bindings::kunit_suite {
            name: {
                let text = "@SUITE@".as_bytes();
                let mut name = [0; 256];
                let mut at = 0;
                while at < text.len() {
                    name[at] = text[at] as _;
                    at += 1;
                }
                name
            },
            // SAFETY: Only the address is taken.
            #[allow(unused_unsafe)]
            test_cases: unsafe { ::core::ptr::addr_of_mut!(CASES) }.cast(),
            ..NO_SUITE
        };

        // `find_module_sections()` in `kernel/module/main.c` looks here, and the linker script for
        // a built-in.
        #[used]
        #[link_section = ".kunit_test_suites"]
        // SAFETY: Only the address is taken.
        #[allow(unused_unsafe)]
        static mut ENTRY: *mut bindings::kunit_suite =
            unsafe { ::core::ptr::addr_of_mut!(SUITE) };
    };
"#;

/// One test, as the kernel calls it.
const WRAPPER: &str = "
    unsafe extern \"C\" fn run_@TEST@(_test: *mut bindings::kunit) {
        let outcome = @TEST@();
        assert!(Outcome::is_ok(&outcome));
    }
";

/// One row of the table of cases.
const CASE: &str = "
    bindings::kunit_case {
        run_case: Some(run_@TEST@),
        name: c\"@TEST@\".as_ptr().cast(),
        ..NO_CASE
    },
";

/// The module with its suite.
pub(crate) fn expand(suite: Suite) -> TokenStream {
    let (mut wrappers, mut cases) = (String::new(), String::new());
    for test in &suite.tests {
        let _ = write!(wrappers, "{}", WRAPPER.replace("@TEST@", test));
        let _ = write!(cases, "{}", CASE.replace("@TEST@", test));
    }
    let statics = SUITE
        .replace("@WRAPPERS@", &wrappers)
        .replace("@CASES@", &cases)
        .replace("@COUNT@", &suite.tests.len().to_string())
        .replace("@SUITE@", &suite.name);

    let mut body = tokens(&ASSERTIONS.replace("@SUITE@", &suite.name));
    // As it is written: the compiler's messages, and `line!()`, point into the source.
    body.extend(suite.body);
    body.extend(tokens(&statics));

    let mut module = suite.head;
    module.push(TokenTree::Group(Group::new(Delimiter::Brace, body)));
    module.into_iter().collect()
}

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("a template of this file is Rust")
}
