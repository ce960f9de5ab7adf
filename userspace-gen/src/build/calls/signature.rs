// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The arguments and results of functions, as `llvm-dis` prints them.

use memchr::{memchr, memmem};
use std::collections::{BTreeSet, HashMap};
use std::fmt;

/// The arguments and the result of a function, as types of LLVM.
///
/// C types that are passed in the same way are the same here: all pointers are `ptr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The calling convention, if it is not that of C.
    pub convention: Option<String>,
    /// The type of the result.
    pub result: String,
    /// The types of the arguments.
    pub arguments: Vec<String>,
}

/// A file's functions.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    /// The functions with code, by name.
    pub defined: HashMap<Vec<u8>, Signature>,
    /// The arguments in place of which a call passes nothing, by function; counted from 0.
    pub unpassed: HashMap<Vec<u8>, BTreeSet<usize>>,
}

/// The conventions that have a name of their own in LLVM's text and use other registers than C.
///
/// `fastcc` is not among these: on 64-bit machines it passes what C passes (`X86CallingConv.td`,
/// `AArch64CallingConvention.td`).
const CONVENTIONS: [&str; 7] = [
    "coldcc",
    "tailcc",
    "preserve_mostcc",
    "preserve_allcc",
    "preserve_nonecc",
    "anyregcc",
    "ghccc",
];

/// The attributes that decide how an argument is passed.
const PASSING: [&str; 5] = ["byval", "sret", "inreg", "nest", "inalloca"];

/// The values of arguments that nobody reads.
const NOTHING: [&[u8]; 2] = [b"poison", b"undef"];

impl Signature {
    /// Reads the first line of a definition: `define internal fastcc i32 @foo(ptr %0, i64 %1) #0 {`.
    fn parse(line: &[u8]) -> Option<(&[u8], Self)> {
        let at = memchr(b'@', line)?;
        let (name, rest) = name(&line[at + 1..])?;
        let before = std::str::from_utf8(&line[..at]).ok()?;
        let words = words(before);
        let convention = words
            .iter()
            .find(|word| CONVENTIONS.contains(*word) || word.starts_with("cc"));
        let convention = convention.filter(|word| **word != "ccc");
        let arguments = std::str::from_utf8(inside(rest)?).ok()?;
        let signature = Self {
            convention: convention.map(|word| (*word).to_owned()),
            result: type_name(words.last()?),
            arguments: parts(arguments).into_iter().map(passed).collect(),
        };
        Some((name, signature))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(convention) = &self.convention {
            write!(f, "{convention} ")?;
        }
        write!(f, "{} ({})", self.result, self.arguments.join(", "))
    }
}

impl Signatures {
    /// Reads the output of `llvm-dis`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let mut all = Self::default();
        for line in text.split(|&b| b == b'\n') {
            if line.starts_with(b"define ") {
                let parsed = Signature::parse(line);
                all.defined
                    .extend(parsed.map(|(name, signature)| (name.to_vec(), signature)));
            } else if line.starts_with(b"  ") {
                all.call(line);
            }
        }
        all
    }

    /// Reads a direct call: `  %3 = tail call i32 @foo(ptr %0, i64 poison) #4`.
    fn call(&mut self, line: &[u8]) -> Option<()> {
        let call = memmem::find(line, b"call ")?;
        if !NOTHING
            .iter()
            .any(|nothing| memmem::find(line, nothing).is_some())
        {
            return None;
        }
        let at = call + memchr(b'@', &line[call..])?;
        let (name, rest) = name(&line[at + 1..])?;
        let arguments = std::str::from_utf8(inside(rest)?).ok()?;
        let unpassed = (0..).zip(parts(arguments)).filter(|(_, argument)| {
            let value = words(argument).pop().unwrap_or_default();
            NOTHING.contains(&value.as_bytes())
        });
        let unpassed: BTreeSet<usize> = unpassed.map(|(at, _)| at).collect();
        if !unpassed.is_empty() {
            self.unpassed
                .entry(name.to_vec())
                .or_default()
                .extend(unpassed);
        }
        Some(())
    }
}

/// Splits a global name, which may have quotes, from the text behind it.
fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if let [b'"', rest @ ..] = text {
        let end = memchr(b'"', rest)?;
        return Some((&rest[..end], &rest[end + 1..]));
    }
    let end = memchr(b'(', text)?;
    Some(text.split_at(end))
}

/// Returns the text inside of the parentheses with which `text` begins.
fn inside(text: &[u8]) -> Option<&[u8]> {
    let mut depth = 0_usize;
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return text.get(1..at),
            b')' => depth = depth.checked_sub(1)?,
            _ if depth == 0 => return None,
            _ => (),
        }
    }
    None
}

/// Splits a text at separators that are not inside of brackets.
fn split(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
            c if depth == 0 && is_separator(c) => {
                found.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => (),
        }
    }
    found.push(&text[start..]);
    found.retain(|part| !part.trim().is_empty());
    found
}

fn parts(arguments: &str) -> Vec<&str> {
    split(arguments, |c| c == ',')
}

fn words(text: &str) -> Vec<&str> {
    split(text, char::is_whitespace)
}

/// Returns the type of an argument, with the attributes that decide how it is passed.
fn passed(argument: &str) -> String {
    let words = words(argument);
    let mut name = words
        .first()
        .map_or_else(String::new, |word| type_name(word));
    for word in words.iter().skip(1) {
        let attribute = word.split('(').next().unwrap_or_default();
        if PASSING.contains(&attribute) {
            name.push(' ');
            name.push_str(&type_name(word));
        }
    }
    name
}

/// Returns a type without the numbers that tell types of one name apart: `%struct.foo.12` is `%struct.foo` in another
/// module.
fn type_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let end = rest[at..].find(|c: char| !c.is_ascii_alphanumeric() && !"%_.$-".contains(c));
        let end = end.map_or(rest.len(), |length| at + length);
        let stem = rest[at..end].trim_end_matches(|c: char| c.is_ascii_digit());
        let stem = stem.strip_suffix('.').unwrap_or(&rest[at..end]);
        name.push_str(&rest[..at]);
        name.push_str(stem);
        rest = &rest[end..];
    }
    name.push_str(rest);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let (name, signature) = Signature::parse(line.as_bytes()).unwrap();
        format!("{}: {signature}", String::from_utf8_lossy(name))
    }

    #[test]
    fn only_what_decides_how_values_are_passed_is_compared() {
        for (line, expected) in [
            (
                "define internal fastcc void @show(ptr noundef %0, ptr noundef readonly captures(none) %1) #0 align 16 {",
                "show: void (ptr, ptr)",
            ),
            (
                "define dso_local noundef range(i32 0, 2) zeroext i1 @\"a b\"(i32 noundef signext %0, ...) {",
                "a b: i1 (i32, ...)",
            ),
            (
                "define internal { i64, ptr } @pair(ptr noundef byval(%struct.foo.17) align 8 %0, i64 %1.coerce0) {",
                "pair: { i64, ptr } (ptr byval(%struct.foo), i64)",
            ),
            (
                "define void @result(ptr dead_on_unwind noalias writable sret(%struct.a1) align 8 %0) #1 {",
                "result: void (ptr sret(%struct.a1))",
            ),
            (
                "define internal preserve_mostcc <2 x i64> @kept([2 x i32] %0) {",
                "kept: preserve_mostcc <2 x i64> ([2 x i32])",
            ),
            ("define void @none() {", "none: void ()"),
        ] {
            assert_eq!(shown(line), expected);
        }
    }

    #[test]
    fn callers_that_pass_nothing_are_found() {
        let text = "\
define i32 @f(i32 %0) {
  %2 = tail call fastcc i32 @g(ptr noundef %1, i64 poison, i32 undef) #4, !srcloc !5
  call void @h(ptr @poison)
  call void @h(ptr %1)
  ret i32 %2
}
";
        let all = Signatures::parse(text.as_bytes());
        assert_eq!(
            all.unpassed,
            HashMap::from([(b"g".to_vec(), BTreeSet::from([1, 2]))])
        );
        assert_eq!(all.defined.len(), 1);
    }

    #[test]
    fn no_text_makes_it_panic() {
        for line in [
            "define @",
            "define void @f",
            "define void @f(",
            "define \"@\"()",
            "define void @\"f",
        ] {
            let _ = Signatures::parse(line.as_bytes());
        }
    }
}
