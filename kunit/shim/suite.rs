// SPDX-License-Identifier: GPL-2.0

//! What stands under the attribute: a module with tests.

use proc_macro::{
    Delimiter,
    Group,
    TokenStream,
    TokenTree, //
};

/// A suite as it is written.
pub(crate) struct Suite {
    /// Its name in the kernel's reports.
    pub(crate) name: String,
    /// What stands before the module's body: `mod tests`, and attributes.
    pub(crate) head: Vec<TokenTree>,
    /// The body, without `#[test]`.
    pub(crate) body: TokenStream,
    /// The names of the tests, in order.
    pub(crate) tests: Vec<String>,
}

/// Reads `mod … { … }`. Panics, which the compiler reports at the attribute, if it is not that.
pub(crate) fn parse(name: &TokenStream, module: TokenStream) -> Suite {
    let name = name.to_string();
    // `kunit_suite.name` in `include/kunit/test.h` has 256 bytes.
    assert!(
        (1..256).contains(&name.len()),
        "expected a suite name of 1 to 255 bytes: #[kunit_tests(name)]"
    );
    let mut head: Vec<TokenTree> = module.into_iter().collect();
    let body = match head.pop() {
        Some(TokenTree::Group(body)) if is_module(&head, &body) => body.stream(),
        _ => panic!("expected a module with a body under #[kunit_tests]"),
    };
    let (body, tests) = take_tests(body);
    assert!(!tests.is_empty(), "expected at least one #[test] in {name}");
    Suite {
        name,
        head,
        body,
        tests,
    }
}

fn is_module(head: &[TokenTree], body: &Group) -> bool {
    let has_keyword = head.iter().any(|token| is_ident(token, "mod"));
    has_keyword && body.delimiter() == Delimiter::Brace
}

/// Takes `#[test]` out of a body, and returns the names of the functions that had it.
fn take_tests(body: TokenStream) -> (TokenStream, Vec<String>) {
    let mut rest = Vec::new();
    let mut tests = Vec::new();
    let mut marked = false;
    let mut tokens = body.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_punct(&token, '#') && tokens.next_if(is_test_attribute).is_some() {
            marked = true;
            continue;
        }
        if marked && is_ident(&token, "fn") {
            tests.extend(tokens.peek().map(ToString::to_string));
            marked = false;
        }
        rest.push(token);
    }
    (rest.into_iter().collect(), tests)
}

fn is_test_attribute(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    let mut inside = group.stream().into_iter();
    let is_test = inside.next().is_some_and(|token| is_ident(&token, "test"));
    group.delimiter() == Delimiter::Bracket && is_test && inside.next().is_none()
}

fn is_ident(token: &TokenTree, text: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == text)
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}
