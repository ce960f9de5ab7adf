// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The LLVM that made a bitcode file, by the identification block at the start of the file.
//!
//! The format is LLVM's bitstream (`llvm/docs/BitCodeFormat.rst`): numbers of any width in bits, blocks,
//! and records. An abbreviation may define the layout of a record. The identification block is the first
//! block. Its format does not change, so that every LLVM can name the LLVM that made a file.

use crate::printable::shown;

/// The start of a bitcode file.
pub(super) const MAGIC: &[u8] = b"BC\xc0\xde";
/// The start of a wrapper around a bitcode file (`isBitcodeWrapper()` in `BitcodeReader.h`).
pub(super) const WRAPPER: &[u8] = b"\xde\xc0\x17\x0b";

const IDENTIFICATION_BLOCK_ID: u64 = 13;
const IDENTIFICATION_CODE_STRING: u64 = 1;

const END_BLOCK: u64 = 0;
const ENTER_SUBBLOCK: u64 = 1;
const DEFINE_ABBREV: u64 = 2;
const UNABBREV_RECORD: u64 = 3;
const FIRST_ABBREV: u64 = 4;

/// The largest number of operands of a record or abbreviation. The string has some 30.
const MOST_OPERANDS: u64 = 1024;

/// The LLVM that made a bitcode file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Producer {
    /// The text in the file, such as `LLVM22.1.8` or `LLVM20.1.1-rust-1.87.0-stable`.
    pub text: String,
    /// The major version, such as 22. Apple's compilers do not tell it.
    pub major: Option<u32>,
}

impl Producer {
    /// Returns the producer of a bitcode file, if the file tells.
    #[must_use]
    pub fn of(file: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(bitcode(file)?);
        bits.skip(32)?;
        let width = 2;
        if bits.fixed(width)? != ENTER_SUBBLOCK || bits.variable(8)? != IDENTIFICATION_BLOCK_ID {
            return None;
        }
        let width = u32::try_from(bits.variable(4)?).ok()?;
        bits.align()?;
        bits.skip(32)?;
        let mut abbreviations = Vec::new();
        loop {
            let record = match bits.fixed(width)? {
                END_BLOCK | ENTER_SUBBLOCK => return None,
                DEFINE_ABBREV => {
                    abbreviations.push(abbreviation(&mut bits)?);
                    continue;
                }
                UNABBREV_RECORD => {
                    let code = bits.variable(6)?;
                    let mut record = vec![code];
                    for _ in 0..bounded(bits.variable(6)?)? {
                        record.push(bits.variable(6)?);
                    }
                    record
                }
                id => {
                    let number = usize::try_from(id - FIRST_ABBREV).ok()?;
                    abbreviated(&mut bits, abbreviations.get(number)?)?
                }
            };
            if let Some((&IDENTIFICATION_CODE_STRING, text)) = record.split_first() {
                let text = text.iter().map(|&byte| u8::try_from(byte).ok());
                return Some(Self::new(&text.collect::<Option<Vec<_>>>()?));
            }
        }
    }

    fn new(text: &[u8]) -> Self {
        let digits = text.strip_prefix(b"LLVM").unwrap_or_default();
        let end = digits.iter().position(|byte| !byte.is_ascii_digit());
        let digits = std::str::from_utf8(&digits[..end.unwrap_or(digits.len())]);
        Self {
            text: shown(text),
            major: digits.ok().and_then(|digits| digits.parse().ok()),
        }
    }
}

/// Returns the bitcode within a file, which may have a wrapper.
fn bitcode(file: &[u8]) -> Option<&[u8]> {
    if !file.starts_with(WRAPPER) {
        return file.starts_with(MAGIC).then_some(file);
    }
    let number = |at: usize| {
        let bytes = file.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let (offset, size) = (number(8)?, number(12)?);
    let inner = file.get(offset..offset.checked_add(size)?)?;
    inner.starts_with(MAGIC).then_some(inner)
}

/// An operand of an abbreviation.
#[derive(Clone, Copy, Debug)]
enum Operand {
    Literal(u64),
    Fixed(u32),
    Variable(u32),
    /// An array of the next operand; the record has the length.
    Array,
    Char6,
}

fn abbreviation(bits: &mut Bits<'_>) -> Option<Vec<Operand>> {
    let mut operands = Vec::new();
    for _ in 0..bounded(bits.variable(5)?)? {
        let is_literal = bits.fixed(1)? == 1;
        operands.push(if is_literal {
            Operand::Literal(bits.variable(8)?)
        } else {
            match bits.fixed(3)? {
                1 => Operand::Fixed(width(bits.variable(5)?)?),
                2 => Operand::Variable(width(bits.variable(5)?)?),
                3 => Operand::Array,
                4 => Operand::Char6,
                _ => return None,
            }
        });
    }
    Some(operands)
}

fn abbreviated(bits: &mut Bits<'_>, operands: &[Operand]) -> Option<Vec<u64>> {
    let mut record = Vec::new();
    let mut operands = operands.iter();
    while let Some(&operand) = operands.next() {
        if let Operand::Array = operand {
            let &element = operands.next()?;
            for _ in 0..bounded(bits.variable(6)?)? {
                record.push(scalar(bits, element)?);
            }
        } else {
            record.push(scalar(bits, operand)?);
        }
    }
    Some(record)
}

fn scalar(bits: &mut Bits<'_>, operand: Operand) -> Option<u64> {
    match operand {
        Operand::Literal(value) => Some(value),
        Operand::Fixed(width) => bits.fixed(width),
        Operand::Variable(width) => bits.variable(width),
        Operand::Char6 => {
            let alphabet = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._";
            let at = usize::try_from(bits.fixed(6)?).ok()?;
            alphabet.get(at).map(|&byte| byte.into())
        }
        Operand::Array => None,
    }
}

fn bounded(count: u64) -> Option<u64> {
    (count <= MOST_OPERANDS).then_some(count)
}

fn width(value: u64) -> Option<u32> {
    u32::try_from(value).ok().filter(|width| *width <= 64)
}

/// A place in a bitstream.
struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Bits<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns the number in the next `width` bits, the lowest bit first.
    fn fixed(&mut self, width: u32) -> Option<u64> {
        let mut value = 0;
        for bit in 0..width.min(64) {
            let byte = *self.bytes.get(self.at / 8)?;
            value |= u64::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Some(value)
    }

    /// Returns a number in parts of `width` bits. The highest bit of a part tells that another part follows.
    fn variable(&mut self, width: u32) -> Option<u64> {
        let payload = width.checked_sub(1).filter(|bits| *bits > 0)?;
        let mut value = 0;
        let mut shift = 0;
        loop {
            let part = self.fixed(width)?;
            let low = part & ((1 << payload) - 1);
            value |= low.checked_shl(shift)?;
            if part == low {
                return Some(value);
            }
            shift += payload;
        }
    }

    fn skip(&mut self, bits: usize) -> Option<()> {
        self.at = self.at.checked_add(bits)?;
        Some(())
    }

    /// Goes to the next multiple of 32 bits.
    fn align(&mut self) -> Option<()> {
        self.at = self.at.checked_next_multiple_of(32)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of a file of clang 22.1.8: the string is of six-bit letters.
    const CLANG: &[u8] =
        b"BC\xc0\xde\x35\x14\0\0\x05\0\0\0\x62\x0c\x30\x24\x4a\x59\xbe\xa6\x6d\xfb\xb5\xcf\x0b\
        \x51\x80\x4c\x01\0\0\0\x21\x0c\0\0";

    fn text(file: &[u8]) -> Option<String> {
        Producer::of(file).map(|producer| producer.text)
    }

    #[test]
    fn clang_says_its_version() {
        let producer = Producer::of(CLANG).unwrap();
        assert_eq!(producer.text, "LLVM22.1.8");
        assert_eq!(producer.major, Some(22));
    }

    #[test]
    fn a_wrapper_is_looked_into() {
        let mut file = WRAPPER.to_vec();
        for number in [0, 20, CLANG.len(), 7] {
            file.extend_from_slice(&u32::try_from(number).unwrap().to_le_bytes());
        }
        file.extend_from_slice(CLANG);
        assert_eq!(text(&file).as_deref(), Some("LLVM22.1.8"));
        file[8] = 21;
        assert_eq!(text(&file), None);
    }

    #[test]
    fn versions() {
        for (text, major) in [
            ("LLVM3.8.0", Some(3)),
            ("LLVM20.1.1-rust-1.87.0-stable", Some(20)),
            ("LLVM23.0.0git", Some(23)),
            ("APPLE_1_1400.0.29.202_0", None),
            ("LLVM", None),
            ("LLVM99999999999", None),
        ] {
            assert_eq!(Producer::new(text.as_bytes()).major, major, "{text}");
        }
    }

    #[test]
    fn damaged_files_say_nothing() {
        for length in 0..CLANG.len() {
            // Some of these still have the whole string.
            text(&CLANG[..length]);
        }
        for bit in 32..CLANG.len() * 8 {
            let mut damaged = CLANG.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            text(&damaged);
        }
        assert_eq!(text(b""), None);
        assert_eq!(text(b"BC\xc0\xde"), None);
        assert_eq!(text(b"BC\xc0\xdenm: t foo"), None);
        assert_eq!(text(&CLANG[..20]), None);
    }
}
