// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Reads the text of /proc/kallsyms.

use std::fs;

use anyhow::{
    Context,
    Result, //
};

/// The file that has the symbols.
pub const PATH: &str = "/proc/kallsyms";

/// The owner of a symbol that is not a module's.
pub const VMLINUX: &str = "vmlinux";

/// The text.
///
/// # Errors
///
/// Fails if it cannot be read.
pub fn read() -> Result<String> {
    fs::read_to_string(PATH).with_context(|| format!("cannot read {PATH}"))
}

/// Every line of the text, in its order.
///
/// # Errors
///
/// Fails if a line has another form.
pub fn parse(text: &str) -> Result<Vec<KallsymsLine<'_>>> {
    text.lines().map(KallsymsLine::parse).collect()
}

/// One line: `ffffffff81000000 T _text` or `ffffffffc0000000 t f<TAB>[module]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KallsymsLine<'a> {
    /// Its address.
    pub address: u64,
    /// Its type, as nm shows it.
    pub kind: char,
    /// Its full name.
    pub name: &'a str,
    /// The module, or [`VMLINUX`].
    pub object: &'a str,
}

impl<'a> KallsymsLine<'a> {
    /// Parses a line.
    ///
    /// # Errors
    ///
    /// Fails if it is no such line.
    pub fn parse(line: &'a str) -> Result<Self> {
        let parse = || {
            let (symbol, object) = match line.split_once("\t[") {
                Some((symbol, rest)) => (symbol, rest.strip_suffix(']')?),
                None => (line, VMLINUX),
            };
            let (address, rest) = symbol.split_once(' ')?;
            let (kind, name) = rest.split_once(' ')?;
            Some(Self {
                address: u64::from_str_radix(address, 16).ok()?,
                kind: kind.chars().next()?,
                name,
                object,
            })
        };
        parse().with_context(|| format!("not a line of kallsyms: {line:?}"))
    }

    /// Returns true if the object has this symbol, so that a lookup must find it.
    ///
    /// Code that was generated at run time is listed as if a module owned it, but there is no symbol
    /// table. A livepatch keeps its undefined references (`u`), with the addresses that they were bound
    /// to; `module_kallsyms_on_each_symbol()` leaves them out. (The letter is small for whatever the
    /// object does not export.)
    pub fn is_defined_in_object(&self) -> bool {
        let generated = self.object.starts_with("__builtin__") || self.object == "bpf";
        !generated && !self.kind.eq_ignore_ascii_case(&'u')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_vmlinux_and_of_modules_are_parsed() {
        let symbol = KallsymsLine::parse("ffffffff81000000 T _text").unwrap();
        assert_eq!((symbol.name, symbol.object), ("_text", VMLINUX));
        let symbol = KallsymsLine::parse("ffffffffc0000010 t f.llvm.1\t[mod]").unwrap();
        assert_eq!(symbol.address, 0xffff_ffff_c000_0010);
        assert_eq!((symbol.name, symbol.object), ("f.llvm.1", "mod"));
        let symbol =
            KallsymsLine::parse("ffffffffc0000010 t ftrace_trampoline\t[__builtin__ftrace]")
                .unwrap();
        assert!(!symbol.is_defined_in_object());
        let symbol =
            KallsymsLine::parse("ffffffff81000000 u seq_printf\t[livepatch_sample]").unwrap();
        assert!(!symbol.is_defined_in_object());
        assert!(KallsymsLine::parse("what?").is_err());
    }
}
