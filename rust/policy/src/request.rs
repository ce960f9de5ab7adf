// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A question as people write it: `[objname:]name[,sympos]`.

use super::name::{
    ObjName,
    SymbolName,
    Sympos,
    KSYM_NAME_LEN, //
};
use core::fmt;

/// Which symbol of which object at which position.
///
/// ```
/// use klp_policy::{ObjName, Request, Sympos, SymbolName};
///
/// let request = Request::parse(b"ext4:ext4_init_fs,1").unwrap();
/// assert_eq!(request.objname, ObjName::new(b"ext4").unwrap());
/// assert_eq!(request.name, SymbolName(b"ext4_init_fs"));
/// assert_eq!(request.sympos, Sympos(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The object; vmlinux if none is written.
    pub objname: ObjName<'a>,
    /// Says whether the object is written. A tracer that writes none means vmlinux and all modules.
    pub has_objname: bool,
    /// The name.
    pub name: SymbolName<'a>,
    /// The position; "must be the only match" if none is written.
    pub sympos: Sympos,
}

/// A fault of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The part before the colon is no object's name.
    ObjName,
    /// The name is empty, longer than 511 bytes, or has a comma or a NUL.
    Name,
    /// The part behind the comma is no number, or too large a one.
    Sympos,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ObjName => "expected an object name of 1 to 55 bytes without a dot before ':'",
            Self::Name => "expected a symbol name of 1 to 511 bytes without a comma",
            Self::Sympos => "expected a decimal position behind ','",
        })
    }
}

impl<'a> Request<'a> {
    /// Reads a question.
    ///
    /// # Errors
    ///
    /// Says which part is malformed.
    pub fn parse(text: &'a [u8]) -> Result<Self, RequestError> {
        let (objname, rest) = match text.iter().position(|&b| b == b':') {
            Some(colon) => (
                ObjName::new(&text[..colon]).ok_or(RequestError::ObjName)?,
                &text[colon + 1..],
            ),
            None => (ObjName::VMLINUX, text),
        };
        let (name, sympos) = match rest.iter().position(|&b| b == b',') {
            Some(comma) => (&rest[..comma], parse_sympos(&rest[comma + 1..])?),
            None => (rest, Sympos::UNIQUE),
        };
        if name.is_empty() || name.len() >= KSYM_NAME_LEN || name.contains(&0) {
            return Err(RequestError::Name);
        }
        Ok(Self {
            objname,
            has_objname: rest.len() < text.len(),
            name: SymbolName(name),
            sympos,
        })
    }
}

fn parse_sympos(text: &[u8]) -> Result<Sympos, RequestError> {
    // `u64::from_str()` would take a sign.
    let digits = text.iter().all(u8::is_ascii_digit);
    core::str::from_utf8(text)
        .ok()
        .filter(|_| digits)
        .and_then(|text| text.parse().ok())
        .map(Sympos)
        .ok_or(RequestError::Sympos)
}
