// SPDX-License-Identifier: GPL-2.0

//! The suite `klp_policy`: the naming rule, as this compiler for this kernel made it.

use crate::cases::{
    Asks,
    CASES,
    LIVEPATCH_SECTIONS,
    LIVEPATCH_SYMBOLS,
    QUERIES, //
};
use crate::machine::{
    report,
    scan_livepatch_section,
    scan_livepatch_symbol, //
};
use crate::policy::{
    cleanup_symbol_name,
    cleanup_symbol_name_in_place,
    Asker,
    FormatError,
    LivepatchSection,
    LivepatchSymbol,
    ObjName,
    Policy,
    Query,
    SymbolName,
    Sympos,
    TooLarge,
    KSYM_NAME_LEN,
    MODULE_NAME_LEN, //
};
use crate::{
    cases,
    kunit_tests, //
};

/// Reports the cases that fail `passes`, and returns how many do.
fn failures<C>(cases: &[C], name: fn(&C) -> &[u8], passes: impl Fn(&C) -> bool) -> usize {
    let failed = cases.iter().filter(|case| !passes(case));
    failed
        .inspect(|case| report(format_args!("failed: '{}'", SymbolName(name(case)))))
        .count()
}

/// The cases of names that fail `passes`.
fn failed_names(passes: impl Fn(&cases::Case) -> bool) -> usize {
    failures(CASES, |case| case.name, passes)
}

/// Returns the value that this kernel reads for a position that is too large.
fn too_large() -> TooLarge {
    let saturates = scan_livepatch_symbol(b".klp.sym.m.f,18446744073709551616", |read| {
        matches!(read, Some((_, _, u64::MAX)))
    });
    if saturates {
        TooLarge::Saturates
    } else {
        TooLarge::Wraps
    }
}

/// Reads a livepatch symbol's name as this kernel does.
fn parse(name: &[u8]) -> Result<LivepatchSymbol<'_>, FormatError> {
    LivepatchSymbol::parse(name, too_large())
}

/// Whether a livepatch symbol's name is read as the kernel reads it.
fn symbol_agrees(name: &[u8]) -> bool {
    let parsed = parse(name).ok();
    let ours = parsed.as_ref().map(|symbol| {
        let name = symbol.name().as_bytes();
        (symbol.objname().as_bytes(), name, symbol.sympos().0)
    });
    scan_livepatch_symbol(name, |theirs| ours == theirs)
}

/// Whether a livepatch section's name is read as the kernel reads it.
fn section_agrees(name: &[u8]) -> bool {
    let parsed = LivepatchSection::parse(name).ok();
    let ours = parsed.as_ref().map(|section| section.objname().as_bytes());
    scan_livepatch_section(name, |theirs| ours == theirs)
}

/// A name that is put together.
struct Buffer {
    bytes: [u8; KSYM_NAME_LEN + MODULE_NAME_LEN + 31],
    len: usize,
}

impl Buffer {
    const fn new() -> Self {
        Self {
            bytes: [0; KSYM_NAME_LEN + MODULE_NAME_LEN + 31],
            len: 0,
        }
    }

    fn add(&mut self, piece: &[u8]) {
        self.bytes[self.len..][..piece.len()].copy_from_slice(piece);
        self.len += piece.len();
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[kunit_tests(klp_policy)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        let failed = failed_names(|case| cleanup_symbol_name(case.name) == *case.llvm);
        assert_eq!(failed, 0);
    }

    #[test]
    fn names_are_cleaned_in_place() {
        let failed = failed_names(|case| {
            let mut buf = [b'~'; 64];
            buf[..case.name.len()].copy_from_slice(case.name);
            buf[case.name.len()] = 0;
            let len = cleanup_symbol_name_in_place(&mut buf);
            let tail_is_whole = buf[case.name.len() + 1..].iter().all(|&b| b == b'~');
            buf[..len] == *case.llvm && buf[len] == 0 && tail_is_whole
        });
        assert_eq!(failed, 0);
    }

    #[test]
    fn cleaned_names_are_measured() {
        let failed = failed_names(|case| cleanup_symbol_name(case.name).len() == case.llvm.len());
        assert_eq!(failed, 0);
    }

    #[test]
    fn cleaned_names_compare_as_their_bytes() {
        let failed = failed_names(|one| {
            CASES.iter().all(|other| {
                let order = cleanup_symbol_name(one.name).cmp(&cleanup_symbol_name(other.name));
                order == one.llvm.cmp(other.llvm)
            })
        });
        assert_eq!(failed, 0);
    }

    #[test]
    fn rules_of_other_kernels() {
        let failed = failed_names(|case| {
            Policy::Llvm.clean(case.name) == *case.llvm
                && Policy::Exact.clean(case.name) == *case.name
                && Policy::LlvmCut.clean(case.name) == *case.llvm_cut
                && Policy::DotCut.clean(case.name) == *case.dot_cut
        });
        assert_eq!(failed, 0);
    }

    #[test]
    fn queries_are_read() {
        let failed = failures(
            QUERIES,
            |case| case.text,
            |case| {
                let query = Query::new(case.text);
                let asks = match query {
                    Query::Plain(_) => Asks::Plain,
                    Query::Hashed(..) => Asks::Hashed,
                    Query::Any(_) => Asks::Any,
                };
                let exact = (asks != Asks::Any).then_some(SymbolName(case.text));
                let tracers = Query::asked_by(Asker::Tracer, case.text);
                asks == case.asks
                    && query.cleaned() == *case.cleaned
                    && query.exact() == exact
                    && query.compares_cleaned() == (asks != Asks::Hashed)
                    && tracers.compares_cleaned()
            },
        );
        assert_eq!(failed, 0);
    }

    #[test]
    fn livepatch_symbols_are_read_as_by_sscanf() {
        let failed = failures(LIVEPATCH_SYMBOLS, |name| name, |name| symbol_agrees(name));
        assert_eq!(failed, 0);
    }

    #[test]
    fn livepatch_sections_are_read_as_by_sscanf() {
        let failed = failures(LIVEPATCH_SECTIONS, |name| name, |name| section_agrees(name));
        assert_eq!(failed, 0);
    }

    #[test]
    fn object_names_have_up_to_55_bytes() {
        let long = &[b'm'; MODULE_NAME_LEN];
        assert_eq!(MODULE_NAME_LEN, 56);
        assert!(ObjName::new(long).is_none());
        assert!(ObjName::new(&long[..55]).is_some());
        assert!(ObjName::new(b"").is_none());
        assert!(ObjName::new(b"a.b").is_none());
        for len in 54..57 {
            let mut name = Buffer::new();
            name.add(b".klp.sym.");
            name.add(&long[..len]);
            name.add(b".f,1");
            assert!(symbol_agrees(name.bytes()));
            assert_eq!(parse(name.bytes()).is_ok(), len < 56);
        }
    }

    #[test]
    fn symbol_names_have_up_to_511_bytes() {
        let long = &[b'f'; KSYM_NAME_LEN];
        assert_eq!(KSYM_NAME_LEN, 512);
        for len in [0, 1, 510, 511, 512] {
            let fits = len > 0 && len < 512;
            let symbol = SymbolName(&long[..len]);
            let written = LivepatchSymbol::new(ObjName::VMLINUX, symbol, Sympos::UNIQUE);
            assert_eq!(written.is_ok(), fits);
            let mut name = Buffer::new();
            name.add(b".klp.sym.vmlinux.");
            name.add(&long[..len]);
            name.add(b",1");
            assert!(symbol_agrees(name.bytes()));
            assert_eq!(parse(name.bytes()).is_ok(), fits);
        }
    }

    #[test]
    fn written_names_are_read_back() -> Result<(), FormatError> {
        let name = SymbolName(b"init_once.llvm.*");
        let symbol = LivepatchSymbol::new(ObjName::VMLINUX, name, Sympos(u64::MAX))?;
        let mut written = Buffer::new();
        symbol.write_to(|piece| written.add(piece));
        assert_eq!(parse(written.bytes())?, symbol);
        Ok(())
    }
}
