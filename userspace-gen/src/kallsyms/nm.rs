// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The letter that `nm` prints for a symbol, upper case if it is global.

use crate::elf::{Place, Section, Symbol};
use object::elf;

/// Returns true if `nm` lists a symbol. It does not list symbols that only describe the file.
#[must_use]
pub fn lists(symbol: &Symbol<'_>) -> bool {
    symbol.kind != elf::STT_FILE && symbol.kind != elf::STT_SECTION
}

/// Returns the letter of a symbol; `section` is the section in which it is defined.
///
/// The letters are those of `getNMSectionTagAndName()` in llvm/tools/llvm-nm/llvm-nm.cpp; GNU nm prints the
/// same.
#[must_use]
pub fn letter(symbol: &Symbol<'_>, section: Option<&Section<'_>>) -> u8 {
    let defined = symbol.place != Place::Undefined;
    if symbol.is_weak() {
        return match (symbol.kind == elf::STT_OBJECT, defined) {
            (true, true) => b'V',
            (true, false) => b'v',
            (false, true) => b'W',
            (false, false) => b'w',
        };
    }
    if symbol.bind == elf::STB_GNU_UNIQUE {
        return b'u';
    }
    let letter = match symbol.place {
        Place::Undefined => return b'U',
        Place::Common => return b'C',
        Place::Absolute => b'a',
        Place::Livepatch | Place::Reserved(_) => b'?',
        Place::Section(_) => section.map_or(b'?', section_letter),
    };
    if symbol.bind == elf::STB_LOCAL {
        letter
    } else {
        letter.to_ascii_uppercase()
    }
}

fn section_letter(section: &Section<'_>) -> u8 {
    if section.is_code() {
        b't'
    } else if section.is_nobits() {
        b'b'
    } else if section.is_alloc() {
        if section.is_writable() {
            b'd'
        } else {
            b'r'
        }
    } else if section.name.starts_with(b".debug") {
        b'N'
    } else if section.is_writable() {
        b'?'
    } else {
        b'n'
    }
}
