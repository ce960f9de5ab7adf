// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernel's `sscanf()` on the two formats of the livepatch core.
//!
//! It does step by step what `vsscanf()` in `lib/vsprintf.c` does for `%N[^c]`, `%lu` and literal
//! characters, so that the parsers of `klp-policy` have something to be compared with on the host.

use core::iter::Peekable;
use klp_policy::TooLarge;

type Input<'a> = Peekable<core::slice::Iter<'a, u8>>;

/// `sscanf(name, ".klp.sym.%55[^.].%511[^,],%lu", …)`: what was read, if all three were.
pub(crate) fn livepatch_symbol(
    name: &[u8],
    too_large: TooLarge,
) -> Option<(Vec<u8>, Vec<u8>, u64)> {
    let mut input = c_string(name);
    literal(&mut input, b".klp.sym.")?;
    let objname = up_to(&mut input, 55, b'.')?;
    literal(&mut input, b".")?;
    let name = up_to(&mut input, 511, b',')?;
    literal(&mut input, b",")?;
    let sympos = unsigned_long(&mut input, too_large)?;
    Some((objname, name, sympos))
}

/// `sscanf(name, ".klp.rela.%55[^.]", …)`: the object's name, if one was read.
pub(crate) fn livepatch_section(name: &[u8]) -> Option<Vec<u8>> {
    let mut input = c_string(name);
    literal(&mut input, b".klp.rela.")?;
    up_to(&mut input, 55, b'.')
}

/// The input ends at the first NUL.
fn c_string(bytes: &[u8]) -> Input<'_> {
    let len = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    bytes[..len].iter().peekable()
}

/// Characters that are no conversion must be there. None of ours is white space.
fn literal(input: &mut Input<'_>, text: &[u8]) -> Option<()> {
    text.iter()
        .all(|wanted| input.next() == Some(wanted))
        .then_some(())
}

/// `%<width>[^<stop>]`: at least one byte, at most `width`, and none of them `stop`.
fn up_to(input: &mut Input<'_>, width: usize, stop: u8) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    while read.len() < width {
        match input.next_if(|&&b| b != stop) {
            Some(&byte) => read.push(byte),
            None => break,
        }
    }
    (!read.is_empty()).then_some(read)
}

/// `%lu`: white space as `_S` in `lib/ctype.c` has it, then digits; overflow as `_parse_integer_limit()` in
/// `lib/kstrtox.c` of the series has it.
fn unsigned_long(input: &mut Input<'_>, too_large: TooLarge) -> Option<u64> {
    while input
        .next_if(|b| [b' ', 9, 10, 11, 12, 13, 160].contains(b))
        .is_some()
    {}
    let mut number = None;
    while let Some(&digit) = input.next_if(|b| b.is_ascii_digit()) {
        let before = number.unwrap_or(0_u64);
        let digit = u64::from(digit - b'0');
        let exact = before
            .checked_mul(10)
            .and_then(|number| number.checked_add(digit));
        number = Some(match (exact, too_large) {
            (Some(exact), _) => exact,
            (None, TooLarge::Saturates) => u64::MAX,
            (None, TooLarge::Wraps) => before.wrapping_mul(10).wrapping_add(digit),
        });
    }
    number
}
