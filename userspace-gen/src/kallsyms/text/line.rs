// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A line of `/proc/kallsyms`: `s_show()` in kernel/kallsyms.c.

/// A line, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'d> {
    pub(super) address: u64,
    /// The number of digits of the address: 16, or 8 on a 32-bit kernel.
    pub(super) digits: usize,
    pub(super) letter: u8,
    pub(super) name: &'d [u8],
    /// The name in brackets; symbols of vmlinux have none.
    pub(super) owner: Option<&'d [u8]>,
}

impl<'d> Line<'d> {
    /// Reads `<address> <letter> <name>[\t[<module>]]`.
    ///
    /// Copies from terminals and reports have several spaces instead of the tab. Such a line is read only
    /// if it is not ambiguous: only the tab tells a name with a space from a module.
    pub(super) fn parse(line: &'d [u8]) -> Option<Self> {
        let line = line.trim_ascii();
        let (address, rest) = field(line)?;
        let (letter, rest) = field(rest)?;
        let (&[letter], digits) = (letter, address.len()) else {
            return None;
        };
        let is_letter = letter.is_ascii_alphabetic() || letter == b'?';
        // from_str_radix() would also accept a sign.
        let is_number = address.iter().all(u8::is_ascii_hexdigit);
        if !is_letter || !is_number || ![8, 16].contains(&digits) {
            return None;
        }
        let address = std::str::from_utf8(address).ok()?;
        let (name, owner) = match rest.strip_suffix(b"]") {
            Some(rest) => {
                let bracket = rest.iter().rposition(|&b| b == b'[')?;
                let (name, owner) = rest.split_at(bracket);
                let name = match name.strip_suffix(b"\t") {
                    Some(name) => name.trim_ascii_end(),
                    None => one_word(name.trim_ascii_end()).filter(|word| word.len() < bracket)?,
                };
                (name, Some(owner.strip_prefix(b"[")?))
            }
            None => (one_word(rest)?, None),
        };
        if name.is_empty() {
            return None;
        }
        Some(Self {
            address: u64::from_str_radix(address, 16).ok()?,
            digits,
            letter,
            name,
            owner,
        })
    }
}

/// Returns the first word of a line, and the text behind the next space.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|&b| is_blank(b))?;
    let (word, rest) = line.split_at(end);
    let next = rest.iter().position(|&b| !is_blank(b))?;
    Some((word, &rest[next..]))
}

fn one_word(text: &[u8]) -> Option<&[u8]> {
    (!text.iter().any(|&b| is_blank(b))).then_some(text)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<(String, Option<&str>)> {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        let line = Line::parse(line.as_bytes())?;
        Some((text(line.name).to_owned(), line.owner.map(text)))
    }

    #[test]
    fn blanks_of_all_sorts_stand_between_the_fields() {
        let of = |name: &str, owner| Some((name.to_owned(), owner));
        for (line, expected) in [
            ("ffffffff81000000 T _text", of("_text", None)),
            ("  ffffffff81000000  T\t_text ", of("_text", None)),
            ("ffffffffc0000000 t f\t[mod]", of("f", Some("mod"))),
            ("ffffffffc0000000 t f [mod]", of("f", Some("mod"))),
            ("ffffffffc0000000 t f      [mod] ", of("f", Some("mod"))),
            ("c0000000 t f\t[mod]", of("f", Some("mod"))),
            // The symbol table of a module may have any name.
            ("ffffffffc0000000 t a b\t[mod]", of("a b", Some("mod"))),
            ("ffffffffc0000000 t f[0]\t[mod]", of("f[0]", Some("mod"))),
        ] {
            assert_eq!(parsed(line), expected, "{line}");
        }
    }

    #[test]
    fn refuses_lines_that_are_no_symbol() {
        for line in [
            "ffffffff81000000 T",
            "ffffffff81000000 T ",
            "ffffffff81000000 _text",
            "ffffffff81000000 TT _text",
            "ffffffff81000000 1 _text",
            "81000000000000000 T _text",
            "ffff T _text",
            "+fffffff81000000 T _text",
            "0xffffff81000000 T _text",
            "ffffffff81000000 T _text of it",
            "ffffffffc0000000 t a b [mod]",
            "ffffffffc0000000 t f\t[mod] more",
            "ffffffffc0000000 t f\t[mod",
            "ffffffffc0000000 t f[mod]",
            "ffffffffc0000000 t f mod]",
            "ffffffffc0000000 t \t[mod]",
            "ffffffffc0000000 t [mod]",
        ] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}
