// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The search for a function's definition in a C file. It relies on the kernel's style: a definition begins
//! in the first column.

use memchr::memmem;

/// The largest distance from a name to the body of the function.
const LONGEST: usize = 4096;

/// Returns true if `text` has the definition of a function called `name`.
pub(super) fn defines(text: &[u8], name: &[u8]) -> bool {
    let found = memmem::find_iter(text, name);
    found
        .into_iter()
        .any(|at| is_definition(text, at, name.len()))
}

fn is_definition(text: &[u8], at: usize, len: usize) -> bool {
    let (before, after) = (&text[..at], &text[at + len..]);
    if before.last().is_some_and(|&b| is_of_a_name(b)) {
        return false;
    }
    let line = before.rsplit(|&b| b == b'\n').next().unwrap_or_default();
    // These lines are calls, comments or directives. The type may be on the line before.
    let indented = line.first().is_some_and(|b| b" \t#/*".contains(b));
    let is_code = line
        .iter()
        .all(|&b| is_of_a_name(b) || b" \t*()".contains(&b));
    !indented && is_code && after.first() == Some(&b'(') && has_body(after)
}

/// Returns true if `text` begins with parameters and optional attributes, followed by a body.
fn has_body(text: &[u8]) -> bool {
    let mut depth = 0_u32;
    for &byte in text.iter().take(LONGEST) {
        match byte {
            b'(' => depth += 1,
            b')' => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return false,
            },
            b'{' => return depth == 0,
            b';' | b'=' | b'#' => return false,
            b',' if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_told_from_calls_and_declarations() {
        for text in [
            "static int foo(int a)\n{\n",
            "\nint foo(void) { return 1; }\n",
            "static inline void *\nfoo(struct x *x,\n    int (*call)(void))\n{",
            "static void foo(struct y *y)\n\t__releases(&y->lock)\n{",
            "static __always_inline unsigned long *foo(void)\n{",
            "void foo(void);\nvoid foo(void)\n{",
        ] {
            assert!(defines(text.as_bytes(), b"foo"), "{text}");
        }
        for text in [
            "",
            "foo",
            "foo(",
            "int foo(void);\nint bar(void)\n{",
            "\tfoo(1);\n}",
            "\tif (foo(1)) {",
            "int bar(void)\n{\n\tfoo(1);\n}",
            "#define foo(x) { x }",
            " * foo() { x",
            "static int foo2(int a)\n{",
            "static int my_foo(int a)\n{",
            "static int x = foo(a) {",
            "DEFINE_X(foo(1), {",
            "static int foo[] = {",
            "static int foo)(int a)\n{",
        ] {
            assert!(!defines(text.as_bytes(), b"foo"), "{text}");
        }
    }
}
