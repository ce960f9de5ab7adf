// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The text of a module as `llvm-dis` prints it, taken apart, and hashed without the numbers that any edit moves.

use crate::build::compare::names::stem;
use blake3::{Hash, Hasher};
use memchr::memchr;
use std::cell::RefCell;
use std::collections::HashMap;

/// The hashes of names that were resolved before, by sigil and name; nothing while a name is being resolved.
type Known<'t> = HashMap<(u8, &'t [u8]), Option<Hash>>;

/// The beginning of what is known of a loop, behind the first `!`.
const LOOP: &[u8] = b"llvm.loop !";

/// A module's text, taken apart.
#[derive(Default)]
pub struct Text<'t> {
    /// The functions and variables by their names.
    pub globals: HashMap<&'t [u8], Global<'t>>,
    /// The names of those that have a definition, in order.
    pub definitions: Vec<&'t [u8]>,
    /// All names in order.
    order: Vec<&'t [u8]>,
    types: HashMap<&'t [u8], &'t [u8]>,
    attributes: HashMap<&'t [u8], &'t [u8]>,
    metadata: HashMap<&'t [u8], &'t [u8]>,
    /// The lines of the module flags and the target.
    pub flags: Vec<&'t [u8]>,
    /// The lines of assembler outside of functions.
    pub assembler: Vec<&'t [u8]>,
    /// The names of the symbols in the summary, by their GUIDs.
    pub names: HashMap<u64, &'t [u8]>,
    /// The place of a name among those that differ from it in numbers only.
    ranks: HashMap<&'t [u8], usize>,
    known: RefCell<Known<'t>>,
}

/// A function or variable.
pub struct Global<'t> {
    /// The whole definition.
    pub text: &'t [u8],
    /// The first line, which is the whole definition of a variable.
    header: &'t [u8],
    /// True if the name has no meaning outside of the file, such as the name of a string.
    is_private: bool,
}

impl<'t> Text<'t> {
    /// Takes a text apart.
    pub fn read(text: &'t [u8]) -> Self {
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
        module.ranks = ranks(&module.order);
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
        self.order.push(name);
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
    pub fn behind_alias(&self, line: &'t [u8]) -> Option<&'t [u8]> {
        memchr::memmem::find(line, b" alias ").filter(|_| line.starts_with(b"@"))?;
        let at = memchr::memrchr(b'@', line)?;
        let (name, _) = name(&line[at + 1..]);
        Some(self.globals.get(name)?.text)
    }

    /// Returns the hash of lines, with each name and number replaced by its meaning.
    pub fn hash_all(&self, lines: &[&'t [u8]]) -> Hash {
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
                b'!' if rest.starts_with(LOOP) && self.has_places_only(&rest[LOOP.len()..]) => {
                    hasher.update(without_comma(&text[copied..at]));
                    let (name, _) = name(&rest[LOOP.len()..]);
                    let length = LOOP.len() + name.len();
                    copied = at + 1 + length;
                    length
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
                sigil @ (b'%' | b'@')
                    if is_name(next) || sigil == b'@' && next.is_ascii_digit() =>
                {
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

    /// Returns true if a text begins with the number of a loop of which nothing is known but its places.
    fn has_places_only(&self, text: &[u8]) -> bool {
        let (own, _) = name(text);
        let node = self.metadata.get(own).copied().unwrap_or_default();
        let Some(elements) = node.strip_prefix(b"distinct !{") else {
            return false;
        };
        let elements = elements.strip_suffix(b"}").unwrap_or(elements);
        elements.split(|&b| b == b',').all(|element| {
            let number = element.trim_ascii().strip_prefix(b"!");
            number.is_some_and(|number| number == own || self.is_debug(number))
        })
    }

    /// Returns true if a number stands for debug information.
    fn is_debug(&self, number: &[u8]) -> bool {
        let text = self.metadata.get(number).copied().unwrap_or_default();
        text.starts_with(b"!DI") || text.starts_with(b"distinct !DI")
    }

    /// Hashes a function's or variable's own name, unless that has no meaning.
    ///
    /// A new static local gives others of the file another number, and does not change what they are.
    fn identity(&self, name: &'t [u8], hasher: &mut Hasher) {
        let is_private = |global: &Global<'_>| global.is_private;
        if self.globals.get(name).is_some_and(is_private) {
            return;
        }
        let rank = self.ranks.get(name).copied().unwrap_or_default();
        hasher.update(&stem(name));
        hasher.update(&rank.to_le_bytes());
    }

    /// Hashes the meaning of a name or number.
    fn meaning(&self, sigil: u8, name: &'t [u8], hasher: &mut Hasher) {
        hasher.update(&[sigil]);
        if sigil == b'@' {
            self.identity(name, hasher);
        }
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

/// Returns the place of each name among those that differ from it in numbers only.
fn ranks<'t>(names: &[&'t [u8]]) -> HashMap<&'t [u8], usize> {
    let mut counts: HashMap<_, usize> = HashMap::new();
    let mut ranks = HashMap::new();
    for &name in names {
        let count = counts.entry(stem(name)).or_default();
        ranks.insert(name, *count);
        *count += 1;
    }
    ranks
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
