// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The functions and variables of a bitcode file that differ from those of another version of the file.
//!
//! Both versions are compared as `llvm-dis` prints them, without the numbers that any edit moves. Metadata,
//! attributes, types and strings are compared by content. Places in the source (`!srcloc`, `!dbg`) are not
//! compared.

use blake3::{Hash, Hasher};
use memchr::memchr;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// The parts of a module that are compared.
#[derive(Debug)]
pub struct Ir {
    /// Module flags and the target. A file that imports any function imports these as well.
    flags: Hash,
    /// Assembler outside of functions.
    assembler: Hash,
    /// Each definition in order.
    definitions: Vec<(Vec<u8>, Hash)>,
    /// The names of the symbols in the summary.
    names: HashMap<u64, Vec<u8>>,
}

impl Ir {
    /// Reads the output of `llvm-dis`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let text = Text::read(text);
        let definitions = text.definitions.iter().map(|name| {
            let body = text
                .globals
                .get(name)
                .map_or(&b""[..], |global| global.text);
            // Whoever imports an alias gets a copy of the function behind it.
            let behind = text.behind_alias(body).unwrap_or_default();
            (name.to_vec(), text.hash_all(&[body, behind]))
        });
        Self {
            definitions: definitions.collect(),
            flags: text.hash_all(&text.flags),
            assembler: text.hash_all(&text.assembler),
            names: text
                .names
                .iter()
                .map(|(guid, name)| (*guid, name.to_vec()))
                .collect(),
        }
    }

    /// Returns true if both compile to the same code and data.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.flags == other.flags
            && self.assembler == other.assembler
            && self.has_same_definitions(other)
    }

    /// Returns true if both have the same functions and variables, each under the same name, except for strings.
    ///
    /// Debug information is no difference.
    #[must_use]
    pub fn has_same_definitions(&self, other: &Self) -> bool {
        self.definitions.len() == other.definitions.len()
            && self
                .definitions
                .iter()
                .zip(&other.definitions)
                .all(|((a, x), (b, y))| {
                    // The names of strings contain numbers.
                    x == y && (a == b || is_numbered(a) && is_numbered(b))
                })
    }

    /// Returns the names of the functions and variables in order.
    pub fn definitions(&self) -> impl Iterator<Item = &[u8]> {
        self.definitions.iter().map(|(name, _)| name.as_slice())
    }

    /// Returns the GUIDs of the symbols with different definitions.
    #[must_use]
    pub fn changed(&self, other: &Self) -> HashSet<u64> {
        let old: HashMap<_, _> = self
            .definitions
            .iter()
            .map(|(name, hash)| (name, hash))
            .collect();
        let new: HashMap<_, _> = other
            .definitions
            .iter()
            .map(|(name, hash)| (name, hash))
            .collect();
        let all = self.flags != other.flags;
        let guids = self.names.iter().chain(&other.names);
        let changed = guids.filter(|(_, name)| all || old.get(name) != new.get(name));
        changed.map(|(guid, _)| *guid).collect()
    }

    /// Returns the name of a symbol.
    #[must_use]
    pub fn name(&self, guid: u64) -> Option<&[u8]> {
        self.names.get(&guid).map(Vec::as_slice)
    }
}

fn is_numbered(name: &[u8]) -> bool {
    name.starts_with(b".str")
}

/// The hashes of names that were resolved before, by sigil and name; nothing while a name is being resolved.
type Known<'t> = HashMap<(u8, &'t [u8]), Option<Hash>>;

/// A module's text, taken apart.
#[derive(Default)]
struct Text<'t> {
    globals: HashMap<&'t [u8], Global<'t>>,
    definitions: Vec<&'t [u8]>,
    types: HashMap<&'t [u8], &'t [u8]>,
    attributes: HashMap<&'t [u8], &'t [u8]>,
    metadata: HashMap<&'t [u8], &'t [u8]>,
    flags: Vec<&'t [u8]>,
    assembler: Vec<&'t [u8]>,
    names: HashMap<u64, &'t [u8]>,
    known: RefCell<Known<'t>>,
}

struct Global<'t> {
    /// The whole definition.
    text: &'t [u8],
    /// The first line, which is the whole definition of a variable.
    header: &'t [u8],
    /// True if the name has no meaning outside of the file, such as the name of a string.
    is_private: bool,
}

impl<'t> Text<'t> {
    fn read(text: &'t [u8]) -> Self {
        let mut module = Self::default();
        let mut at = 0;
        while at < text.len() {
            let end = memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
            let line = &text[at..end];
            let start = at;
            at = end + 1;
            match line {
                [b'@', rest @ ..] => module.global(rest, line, line, true),
                [b'd', b'e', b'f', b'i', b'n', b'e', b' ', ..] => {
                    let length = memchr::memmem::find(&text[start..], b"\n}\n")
                        .map_or(text.len() - start, |l| l + 2);
                    at = (start + length + 1).min(text.len());
                    let Some(name) = memchr(b'@', line) else {
                        continue;
                    };
                    module.global(&line[name + 1..], &text[start..start + length], line, true);
                }
                [b'd', b'e', b'c', b'l', b'a', b'r', b'e', b' ', ..] => {
                    let Some(name) = memchr(b'@', line) else {
                        continue;
                    };
                    module.global(&line[name + 1..], line, line, false);
                }
                [b'%', rest @ ..] => {
                    let (name, _) = name(rest);
                    module.types.insert(name, after_equals(line));
                }
                [b'!', rest @ ..] => {
                    let (name, _) = name(rest);
                    match rest.first() {
                        Some(digit) if digit.is_ascii_digit() => {
                            module.metadata.insert(name, after_equals(line));
                        }
                        // The compiler's name and debug information are not compared.
                        _ if name == b"llvm.module.flags" => module.flags.push(line),
                        _ => (),
                    }
                }
                [b'^', ..] => module.summary(line),
                _ if line.starts_with(b"attributes #") => {
                    let rest = &line[b"attributes #".len()..];
                    let (name, _) = name(rest);
                    module.attributes.insert(name, after_equals(line));
                }
                _ if line.starts_with(b"module asm ") => module.assembler.push(line),
                _ if line.starts_with(b"target triple") => {
                    // The vendor has no meaning on Linux, and distcc replaces it.
                    let mut parts = line.splitn(3, |&b| b == b'-');
                    let arch = parts.next().unwrap_or_default();
                    module.flags.push(arch);
                    module.flags.extend(parts.nth(1));
                }
                _ if line.starts_with(b"target ") || line.starts_with(b"$") => {
                    module.flags.push(line);
                }
                _ => (),
            }
        }
        module
    }

    fn global(&mut self, rest: &'t [u8], text: &'t [u8], header: &'t [u8], is_definition: bool) {
        let (name, behind) = name(rest);
        let is_private = behind.starts_with(b" = private ");
        let is_external = behind.starts_with(b" = external ");
        self.globals.insert(
            name,
            Global {
                text,
                header,
                is_private,
            },
        );
        if is_definition && !is_external {
            self.definitions.push(name);
        }
    }

    /// Reads `^1 = gv: (name: "foo", summaries: …) ; guid = 123`.
    fn summary(&mut self, line: &'t [u8]) {
        let Some(start) = memchr::memmem::find(line, b"gv: (name: \"") else {
            return;
        };
        let rest = &line[start + b"gv: (name: ".len()..];
        let (name, _) = name(rest);
        let guid =
            memchr::memmem::rfind(line, b"; guid = ").map(|at| &line[at + b"; guid = ".len()..]);
        let guid = guid.and_then(|guid| std::str::from_utf8(guid.trim_ascii()).ok()?.parse().ok());
        if let Some(guid) = guid {
            self.names.insert(guid, name);
        }
    }

    /// Returns the definition of the function that an alias stands for: `@old = alias void (), ptr @new`.
    fn behind_alias(&self, line: &'t [u8]) -> Option<&'t [u8]> {
        memchr::memmem::find(line, b" alias ").filter(|_| line.starts_with(b"@"))?;
        let at = memchr::memrchr(b'@', line)?;
        let (name, _) = name(&line[at + 1..]);
        Some(self.globals.get(name)?.text)
    }

    fn hash_all(&self, lines: &[&'t [u8]]) -> Hash {
        let mut hasher = Hasher::new();
        for line in lines {
            self.write(line, &mut hasher);
        }
        hasher.finalize()
    }

    fn hash(&self, text: &'t [u8]) -> Hash {
        self.hash_all(&[text])
    }

    /// Hashes text, with each name and number replaced by its meaning.
    fn write(&self, text: &'t [u8], hasher: &mut Hasher) {
        let (mut at, mut copied) = (0, 0);
        while at < text.len() {
            let rest = &text[at + 1..];
            let next = rest.first().copied().unwrap_or_default();
            let length = match text[at] {
                b'"' => memchr(b'"', rest).map_or(rest.len(), |end| end + 1),
                b'!' if next.is_ascii_digit() => {
                    let (name, _) = name(rest);
                    if self.is_debug(name) {
                        // A loop has the places of its beginning and its end.
                        hasher.update(without_comma(&text[copied..at]));
                    } else {
                        hasher.update(&text[copied..at]);
                        self.meaning(b'!', name, hasher);
                    }
                    copied = at + 1 + name.len();
                    name.len()
                }
                b'!' if rest.starts_with(b"srcloc !") || rest.starts_with(b"dbg !") => {
                    hasher.update(without_comma(&text[copied..at]));
                    let number = memchr(b'!', rest).map_or(rest.len(), |bang| bang + 1);
                    let (name, _) = name(&rest[number..]);
                    copied = at + 1 + number + name.len();
                    number + name.len()
                }
                b'#' if rest.starts_with(b"dbg_") => {
                    hasher.update(text[copied..at].trim_ascii_end());
                    let end = memchr(b'\n', rest).unwrap_or(rest.len());
                    copied = at + 1 + end;
                    end
                }
                b'#' if next.is_ascii_digit() => {
                    let (name, _) = name(rest);
                    hasher.update(&text[copied..at]);
                    self.meaning(b'#', name, hasher);
                    copied = at + 1 + name.len();
                    name.len()
                }
                sigil @ (b'%' | b'@') if is_name(next) => {
                    let (name, behind) = name(rest);
                    let length = rest.len() - behind.len();
                    if sigil == b'@' || self.types.contains_key(name) {
                        hasher.update(&text[copied..at]);
                        self.meaning(sigil, name, hasher);
                        copied = at + 1 + length;
                    }
                    length
                }
                _ => 0,
            };
            at += 1 + length;
        }
        hasher.update(&text[copied.min(text.len())..]);
    }

    /// Returns true if a number stands for debug information.
    fn is_debug(&self, number: &[u8]) -> bool {
        let text = self.metadata.get(number).copied().unwrap_or_default();
        text.starts_with(b"!DI") || text.starts_with(b"distinct !DI")
    }

    /// Hashes the meaning of a name or number.
    fn meaning(&self, sigil: u8, name: &'t [u8], hasher: &mut Hasher) {
        hasher.update(&[sigil]);
        let key = (sigil, name);
        let known = self.known.borrow().get(&key).copied();
        let hash = match known {
            Some(Some(hash)) => hash,
            // The definition refers to itself, as loops do.
            Some(None) => return,
            None => {
                self.known.borrow_mut().insert(key, None);
                let hash = self.look_up(sigil, name);
                self.known.borrow_mut().insert(key, Some(hash));
                hash
            }
        };
        hasher.update(hash.as_bytes());
    }

    fn look_up(&self, sigil: u8, name: &'t [u8]) -> Hash {
        let found = match sigil {
            b'!' => self.metadata.get(name).copied(),
            b'#' => self.attributes.get(name).copied(),
            b'%' => self.types.get(name).copied(),
            _ => {
                let Some(global) = self.globals.get(name) else {
                    return blake3::hash(name);
                };
                let behind = if global.is_private {
                    after_equals(global.text)
                } else {
                    global.header
                };
                return self.hash(behind);
            }
        };
        match found {
            Some(text) => self.hash(text),
            None => blake3::hash(name),
        }
    }
}

/// Returns a text without the comma and the spaces at its end.
fn without_comma(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_end();
    text.strip_suffix(b",").unwrap_or(text)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'$' | b'"' | b'-')
}

/// Splits a name from the text behind it, and removes its quotes.
fn name(text: &[u8]) -> (&[u8], &[u8]) {
    if let [b'"', rest @ ..] = text {
        let end = memchr(b'"', rest).unwrap_or(rest.len());
        return (&rest[..end], rest.get(end + 1..).unwrap_or_default());
    }
    let end = text
        .iter()
        .position(|b| !b.is_ascii_alphanumeric() && !b"_.$-".contains(b));
    text.split_at(end.unwrap_or(text.len()))
}

fn after_equals(line: &[u8]) -> &[u8] {
    let at = memchr::memmem::find(line, b" = ").map_or(0, |at| at + 3);
    &line[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = r#"
%struct.a = type { i32 }
@.str = private constant [3 x i8] c"hi\00"
@x = internal global %struct.a { i32 1 }
@"f.alias" = alias i32 (i32), ptr @f
define i32 @f(i32 %0) #0 {
  %2 = call i32 asm "nop", "=r"() #1, !srcloc !5
  call void @g(ptr @.str), !llvm.loop !11
  ret i32 %2
}
define void @h() #0 {
  ret void
}
declare void @g(ptr) #0
attributes #0 = { nounwind }
attributes #1 = { cold }
!llvm.module.flags = !{!0}
!0 = !{i32 1, !"wchar_size", i32 2}
!5 = !{i64 17}
!11 = distinct !{!11, !12}
!12 = !{!"llvm.loop.mustprogress"}
^0 = module: (path: "a.o", hash: (1, 2, 3, 4, 5))
^1 = gv: (name: "f", summaries: (function: (module: ^0))) ; guid = 11
^2 = gv: (name: "h", summaries: (function: (module: ^0))) ; guid = 12
^3 = gv: (name: "x", summaries: (variable: (module: ^0))) ; guid = 13
^4 = gv: (name: "f.alias", summaries: (alias: (module: ^0))) ; guid = 14
"#;

    fn changed(edits: &[(&str, &str)]) -> (bool, Vec<u64>) {
        let mut text = MODULE.to_owned();
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let (old, new) = (Ir::parse(MODULE.as_bytes()), Ir::parse(text.as_bytes()));
        let mut changed: Vec<_> = old.changed(&new).into_iter().collect();
        changed.sort_unstable();
        (old.is_same(&new), changed)
    }

    #[test]
    fn the_vendor_of_a_target_has_no_meaning() {
        let with =
            |triple: &str| Ir::parse(format!("target triple = \"{triple}\"\n{MODULE}").as_bytes());
        let kernel = with("x86_64-unknown-linux-gnu");
        assert!(kernel.is_same(&with("x86_64-pc-linux-gnu")));
        assert!(!kernel.is_same(&with("aarch64-unknown-linux-gnu")));
        assert!(!kernel.is_same(&with("x86_64-unknown-none")));
    }

    #[test]
    fn debug_information_is_no_difference() {
        let edits = [
            ("{ i32 1 }\n", "{ i32 1 }, !dbg !7\n"),
            (
                "(i32 %0) #0 {\n",
                "(i32 %0) #0 !dbg !8 {\n    #dbg_value(i32 %0, !9, !DIExpression(), !10)\n",
            ),
            (
                "!srcloc !5\n",
                "!dbg !10, !srcloc !5\n    #dbg_value(i32 %2, !9, !DIExpression(), !10)\n",
            ),
            ("ret i32 %2\n", "ret i32 %2, !dbg !10\n"),
            ("!{!11, !12}", "!{!11, !10, !10, !12}"),
            ("!12 = ", "!10 = !DILocation(line: 1)\n!12 = "),
            (
                "{!0}\n",
                "{!0, !6}\n!6 = !{i32 2, !\"Debug Info Version\", i32 3}\n",
            ),
        ];
        let mut text = MODULE.to_owned();
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let (plain, debug) = (Ir::parse(MODULE.as_bytes()), Ir::parse(text.as_bytes()));
        assert!(plain.has_same_definitions(&debug));
        assert!(!plain.is_same(&debug));
        let other = text.replace("call void @g", "call void @h");
        assert!(!plain.has_same_definitions(&Ir::parse(other.as_bytes())));
    }

    #[test]
    fn a_name_and_its_guid() {
        assert_eq!(Ir::parse(MODULE.as_bytes()).name(12), Some(&b"h"[..]));
    }

    #[test]
    fn places_and_numbers_are_no_change() {
        assert_eq!(
            changed(&[("!5 = !{i64 17}", "!5 = !{i64 99}")]),
            (true, vec![])
        );
        assert_eq!(changed(&[("#1", "#7"), ("!5", "!9")]), (true, vec![]));
        assert_eq!(changed(&[(".str", ".str.4")]), (true, vec![]));
        assert_eq!(changed(&[("struct.a", "struct.b")]), (true, vec![]));
        assert_eq!(
            changed(&[("  ret void\n", "  ret void, !dbg !77\n")]),
            (true, vec![])
        );
    }

    #[test]
    fn what_changes_a_function() {
        // Its body, its attributes, those of what it calls, a string.
        assert_eq!(changed(&[("ret void", "unreachable")]), (false, vec![12]));
        assert_eq!(changed(&[("{ cold }", "{ hot }")]), (false, vec![11, 14]));
        assert_eq!(
            changed(&[("declare void @g(ptr) #0", "declare void @g(ptr) #1")]),
            (false, vec![11, 14])
        );
        assert_eq!(
            changed(&[("c\"hi\\00\"", "c\"ho\\00\"")]),
            (false, vec![11, 14])
        );
        assert_eq!(changed(&[("{ i32 1 }", "{ i32 2 }")]), (false, vec![13]));
        assert_eq!(
            changed(&[("type { i32 }", "type { i64 }")]),
            (false, vec![13])
        );
    }

    #[test]
    fn an_alias_changes_with_its_function() {
        // Also if the alias is what others import.
        assert_eq!(
            changed(&[("ret i32 %2", "ret i32 %0")]),
            (false, vec![11, 14])
        );
    }

    #[test]
    fn module_flags_change_everything() {
        assert_eq!(
            changed(&[("i32 2}", "i32 4}")]),
            (false, vec![11, 12, 13, 14])
        );
    }
}
