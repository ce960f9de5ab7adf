// SPDX-License-Identifier: GPL-2.0 OR MIT

//! References with an annotation of the author that says which symbol is meant: `KLP_SYMPOS()` and
//! `KLP_SYMFILE()`.

use crate::printable::shown;
use klp_policy::{LivepatchSymbol, ObjName, SymbolName, Sympos};

/// The beginning of the name of a reference with an annotation.
pub(super) const PREFIX: &[u8] = b".klp.sym.";

/// `.klp.sym.<objname>.<name>,<position>`, or the path of a source file in place of the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Annotation<'s> {
    pub objname: ObjName<'s>,
    pub name: &'s [u8],
    pub which: Which<'s>,
}

/// The choice of one of several symbols of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which<'s> {
    Position(Sympos),
    File(&'s [u8]),
}

impl<'s> Annotation<'s> {
    /// Reads the name of a reference, or returns the fault of the name.
    pub(super) fn parse(reference: &'s [u8]) -> Result<Self, String> {
        let parts = reference.strip_prefix(PREFIX).and_then(|rest| {
            let (objname, rest) = split_at_byte(rest, b'.')?;
            let (name, which) = split_at_byte(rest, b',')?;
            Some((objname, name, which))
        });
        let Some((objname, name, which)) = parts else {
            return Err("expected .klp.sym.<objname>.<name>,<position or source file>".to_owned());
        };
        let Some(objname) = ObjName::new(objname) else {
            return Err(format!(
                "expected an object name of 1 to 55 bytes, found '{}'",
                shown(objname)
            ));
        };
        LivepatchSymbol::new(objname, SymbolName(name), Sympos::UNIQUE)
            .map_err(|e| e.to_string())?;
        let which = Which::parse(which)?;
        Ok(Self {
            objname,
            name,
            which,
        })
    }
}

impl<'s> Which<'s> {
    fn parse(text: &'s [u8]) -> Result<Self, String> {
        if !text.is_empty() && text.iter().all(u8::is_ascii_digit) {
            // A larger number would wrap around in the kernel's %lu.
            let number = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
            return match number {
                Some(number) => Ok(Self::Position(Sympos(number))),
                None => Err(format!(
                    "position {} is larger than the number of symbols in any table",
                    shown(text)
                )),
            };
        }
        Self::file(text).ok_or_else(|| {
            format!(
                "expected a position or the path of a C file behind the comma, found '{}'",
                shown(text)
            )
        })
    }

    /// Reads the path of a C file: only symbols from C files are found by file.
    fn file(text: &'s [u8]) -> Option<Self> {
        let stem = text.strip_suffix(b".c")?;
        let has_name = stem.last().is_some_and(|&b| b != b'/');
        has_name.then_some(Self::File(text))
    }
}

/// A function that is named together with its source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InFile<'s> {
    pub name: &'s [u8],
    pub file: &'s [u8],
}

/// Reads an `old_name` that may be `<name>,<source file>`: the name of a symbol that livepatch accepts has
/// no comma.
pub(super) fn old_name(text: &[u8]) -> Result<Option<InFile<'_>>, String> {
    let Some((name, which)) = split_at_byte(text, b',') else {
        return Ok(None);
    };
    match Which::file(which) {
        Some(Which::File(file)) => Ok(Some(InFile { name, file })),
        _ => Err(format!(
            "expected the path of a C file behind the comma, found '{}' (write a position into old_sympos)",
            shown(which)
        )),
    }
}

fn split_at_byte(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&b| b == byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn which(reference: &str) -> Result<Which<'_>, String> {
        Annotation::parse(reference.as_bytes()).map(|written| written.which)
    }

    #[test]
    fn a_position_or_a_file() {
        let written = Annotation::parse(b".klp.sym.ext4.init_once.llvm.*,3").unwrap();
        assert_eq!(written.objname.as_bytes(), b"ext4");
        assert_eq!(written.name, b"init_once.llvm.*");
        assert_eq!(written.which, Which::Position(Sympos(3)));
        let file = which(".klp.sym.vmlinux.init_once,fs/ext4/super.c");
        assert_eq!(file, Ok(Which::File(b"fs/ext4/super.c")));
        // The kernel would read 3 here.
        let file = which(".klp.sym.vmlinux.init_once,3c59x.c");
        assert_eq!(file, Ok(Which::File(b"3c59x.c")));
    }

    #[test]
    fn errors_name_the_expected_form() {
        for (reference, expected) in [
            (
                ".klp.sym.vmlinux.foo",
                "expected .klp.sym.<objname>.<name>,<position or",
            ),
            (
                ".klp.sym..foo,1",
                "expected an object name of 1 to 55 bytes, found ''",
            ),
            (
                ".klp.sym.vmlinux.,1",
                "expected a symbol name of 1 to 511 bytes",
            ),
            (
                ".klp.sym.vmlinux.foo,",
                "expected a position or the path of a C file",
            ),
            (".klp.sym.vmlinux.foo,-1", "found '-1'"),
            (".klp.sym.vmlinux.foo,fs/.c/", "found 'fs/.c/'"),
            (".klp.sym.vmlinux.foo,fs/.c", "found 'fs/.c'"),
            (
                ".klp.sym.vmlinux.foo,99999999999999999999",
                "position 99999999999999999999 is larger than the number of symbols in any table",
            ),
        ] {
            let error = which(reference).unwrap_err();
            assert!(error.contains(expected), "{reference}: {error}");
        }
    }
}
