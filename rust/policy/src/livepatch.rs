// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Names of livepatch symbols and relocation sections, as the kernel reads them.
//!
//! `klp_resolve_symbols()` and `klp_write_section_relocs()` in `kernel/livepatch/core.c` read both
//! with `sscanf()`. Parsing here accepts what that accepts; what is built here is well-formed.

use super::name::{
    ObjName,
    SymbolName,
    Sympos,
    KSYM_NAME_LEN,
    MODULE_NAME_LEN, //
};
use core::fmt;

const SYMBOL: &[u8] = b".klp.sym.";
const SECTION: &[u8] = b".klp.rela.";

/// The value of a position that is too large for an `unsigned long`, as `sscanf()` reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLarge {
    /// The number wraps around, as on 6.12.
    Wraps,
    /// The largest number, as on 7.3: `_parse_integer_limit()` in `lib/kstrtox.c`.
    Saturates,
}

impl TooLarge {
    /// Puts a digit behind a number.
    fn with_digit(self, number: u64, digit: u8) -> u64 {
        let digit = u64::from(digit);
        match self {
            Self::Wraps => number.wrapping_mul(10).wrapping_add(digit),
            Self::Saturates => number.saturating_mul(10).saturating_add(digit),
        }
    }
}

/// A fault in the name of a livepatch symbol or section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// It does not begin with `.klp.sym.` or `.klp.rela.`.
    Prefix,
    /// The object's name is empty, longer than 55 bytes, or has a dot.
    ObjName,
    /// The symbol's name is empty, longer than 511 bytes, or has a comma or a NUL.
    Name,
    /// There is no number behind the comma.
    Sympos,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prefix => "expected a name that begins with .klp.sym. or .klp.rela.",
            Self::ObjName => "expected an object name of 1 to 55 bytes without a dot",
            Self::Name => "expected a symbol name of 1 to 511 bytes without a comma",
            Self::Sympos => "expected a comma and a decimal position behind the symbol name",
        })
    }
}

/// `.klp.sym.<objname>.<name>,<sympos>`: a symbol that the livepatch core resolves.
///
/// ```
/// use klp_policy::{LivepatchSymbol, ObjName, Sympos, SymbolName, TooLarge};
///
/// let name = b".klp.sym.vmlinux.init_once.llvm.*,2";
/// let symbol = LivepatchSymbol::parse(name, TooLarge::Saturates).unwrap();
/// assert_eq!(symbol.objname(), ObjName::VMLINUX);
/// assert_eq!(symbol.name(), SymbolName(b"init_once.llvm.*"));
/// assert_eq!(symbol.sympos(), Sympos(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LivepatchSymbol<'a> {
    objname: ObjName<'a>,
    name: SymbolName<'a>,
    sympos: Sympos,
}

impl<'a> LivepatchSymbol<'a> {
    /// A livepatch symbol that the kernel reads back as it was meant.
    ///
    /// # Errors
    ///
    /// [`FormatError::Name`] if the name is empty, has 512 bytes or more, or a comma or a NUL.
    pub fn new(
        objname: ObjName<'a>,
        name: SymbolName<'a>,
        sympos: Sympos,
    ) -> Result<Self, FormatError> {
        let bytes = name.0;
        let fits = !bytes.is_empty() && bytes.len() < KSYM_NAME_LEN;
        if !fits || bytes.iter().any(|&b| b == b',' || b == 0) {
            return Err(FormatError::Name);
        }
        Ok(Self {
            objname,
            name,
            sympos,
        })
    }

    /// Reads a symbol's name as the kernel does with `".klp.sym.%55[^.].%511[^,],%lu"`.
    ///
    /// That is: white space before the number is skipped, a number too large becomes what
    /// `too_large` says, and what follows it is not looked at.
    ///
    /// # Errors
    ///
    /// Fails if the kernel says "symbol %s has an incorrectly formatted name".
    pub fn parse(symbol: &'a [u8], too_large: TooLarge) -> Result<Self, FormatError> {
        let symbol = symbol.strip_prefix(SYMBOL).ok_or(FormatError::Prefix)?;
        let (objname, rest) = split_at_byte(symbol, b'.').ok_or(FormatError::ObjName)?;
        let objname = ObjName::new(objname).ok_or(FormatError::ObjName)?;
        let (name, number) = split_at_byte(rest, b',').ok_or(FormatError::Sympos)?;
        let digits = number
            .iter()
            .skip_while(|b| matches!(b, b' ' | b'\t'..=b'\r' | 0xa0))
            .take_while(|b| b.is_ascii_digit());
        let sympos = digits
            .fold(None, |number: Option<u64>, digit| {
                Some(too_large.with_digit(number.unwrap_or(0), digit - b'0'))
            })
            .ok_or(FormatError::Sympos)?;
        Self::new(objname, SymbolName(name), Sympos(sympos))
    }

    /// The object that owns the symbol.
    #[must_use]
    pub const fn objname(&self) -> ObjName<'a> {
        self.objname
    }

    /// The name that is looked up.
    #[must_use]
    pub const fn name(&self) -> SymbolName<'a> {
        self.name
    }

    /// The position among the symbols of that name.
    #[must_use]
    pub const fn sympos(&self) -> Sympos {
        self.sympos
    }

    /// Hands the name's bytes to `write` piece by piece, for names that are not UTF-8.
    pub fn write_to(&self, mut write: impl FnMut(&[u8])) {
        write(SYMBOL);
        write(self.objname.as_bytes());
        write(b".");
        write(self.name.0);
        write(b",");
        // 20 digits hold any u64.
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = self.sympos.0;
        loop {
            at -= 1;
            digits[at] = b"0123456789"[(rest % 10) as usize];
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        write(&digits[at..]);
    }
}

impl fmt::Display for LivepatchSymbol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            objname,
            name,
            sympos,
        } = self;
        write!(f, ".klp.sym.{objname}.{name},{sympos}")
    }
}

/// `.klp.rela.<objname>.<section>`: relocations to apply when an object is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LivepatchSection<'a> {
    objname: ObjName<'a>,
    section: &'a [u8],
}

impl<'a> LivepatchSection<'a> {
    /// The section with the relocations that `objname` must be there for, in `section`.
    #[must_use]
    pub const fn new(objname: ObjName<'a>, section: &'a [u8]) -> Self {
        Self { objname, section }
    }

    /// Reads a section's name as `sscanf(…, ".klp.rela.%55[^.]", …)` in the kernel does.
    ///
    /// An object name of 56 bytes and more is cut at 55 there, without a word; here as well.
    ///
    /// # Errors
    ///
    /// Fails if the kernel says "section %s has an incorrectly formatted name".
    pub fn parse(section: &'a [u8]) -> Result<Self, FormatError> {
        let name = section.strip_prefix(SECTION).ok_or(FormatError::Prefix)?;
        let dot = name.iter().position(|&b| b == b'.').unwrap_or(name.len());
        let (objname, rest) = name.split_at(dot.min(MODULE_NAME_LEN - 1));
        Ok(Self {
            objname: ObjName::new(objname).ok_or(FormatError::ObjName)?,
            section: rest.strip_prefix(b".").unwrap_or(rest),
        })
    }

    /// The object whose coming applies the relocations.
    #[must_use]
    pub const fn objname(&self) -> ObjName<'a> {
        self.objname
    }

    /// The section that is relocated. The kernel takes it from `sh_info`, not from here.
    #[must_use]
    pub const fn section(&self) -> &'a [u8] {
        self.section
    }

    /// Hands the name's bytes to `write` piece by piece.
    pub fn write_to(&self, mut write: impl FnMut(&[u8])) {
        write(SECTION);
        write(self.objname.as_bytes());
        write(b".");
        write(self.section);
    }
}

impl fmt::Display for LivepatchSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = SymbolName(self.section);
        write!(f, ".klp.rela.{}.{section}", self.objname)
    }
}

fn split_at_byte(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&b| b == at)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}
