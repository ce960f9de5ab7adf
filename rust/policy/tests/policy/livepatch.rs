// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Names of livepatch symbols and sections: read as the kernel's `sscanf()` reads them.

use crate::cases::{
    LIVEPATCH_SECTIONS,
    LIVEPATCH_SYMBOLS, //
};
use crate::sscanf;
use klp_policy::{
    FormatError,
    LivepatchSection,
    LivepatchSymbol,
    ObjName,
    SymbolName,
    Sympos,
    TooLarge,
    KSYM_NAME_LEN,
    MODULE_NAME_LEN, //
};
use proptest::prelude::*;

/// One byte more than an object's name may have.
const BYTES_56: [u8; 56] = [b'm'; 56];

/// Returns the parts that the parser reads, which are those that `sscanf()` reads.
fn symbol(name: &[u8]) -> Option<(Vec<u8>, Vec<u8>, u64)> {
    let [_, saturates] = [TooLarge::Wraps, TooLarge::Saturates].map(|too_large| {
        let symbol = LivepatchSymbol::parse(name, too_large).ok();
        let parts = symbol.map(|symbol| {
            let objname = symbol.objname().as_bytes().to_vec();
            (objname, symbol.name().0.to_vec(), symbol.sympos().0)
        });
        let shown = String::from_utf8_lossy(name);
        assert_eq!(
            parts,
            sscanf::livepatch_symbol(name, too_large),
            "{shown:?}"
        );
        parts
    });
    saturates
}

fn section(name: &[u8]) -> Option<Vec<u8>> {
    let section = LivepatchSection::parse(name).ok()?;
    Some(section.objname().as_bytes().to_vec())
}

fn written(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut |piece| bytes.extend_from_slice(piece));
    bytes
}

#[test]
fn cases() {
    for name in LIVEPATCH_SYMBOLS {
        symbol(name);
    }
    for name in LIVEPATCH_SECTIONS {
        let shown = String::from_utf8_lossy(name);
        assert_eq!(section(name), sscanf::livepatch_section(name), "{shown:?}");
    }
}

#[test]
fn refusals() {
    for (name, error) in [
        (&b".klp.rela.m.f,1"[..], FormatError::Prefix),
        (b".klp.sym.f,1", FormatError::ObjName),
        (b".klp.sym..f,1", FormatError::ObjName),
        (b".klp.sym.m.,1", FormatError::Name),
        (b".klp.sym.m.f\0,1", FormatError::Name),
        (b".klp.sym.m.f", FormatError::Sympos),
        (b".klp.sym.m.f,", FormatError::Sympos),
        (b".klp.sym.m.f,-1", FormatError::Sympos),
    ] {
        assert_eq!(
            LivepatchSymbol::parse(name, TooLarge::Wraps),
            Err(error),
            "{error}"
        );
    }
    let section = LivepatchSection::parse(b".klp.sym.m.f,1");
    assert_eq!(section, Err(FormatError::Prefix));
    let section = LivepatchSection::parse(b".klp.rela..text");
    assert_eq!(section, Err(FormatError::ObjName));
}

#[test]
fn object_names_have_up_to_55_bytes() {
    assert_eq!((BYTES_56.len(), MODULE_NAME_LEN), (56, 56));
    let (long, fits) = (&BYTES_56[..], &BYTES_56[..55]);
    assert!(ObjName::new(fits).is_some());
    assert!(ObjName::new(long).is_none());
    assert!(ObjName::new(b"").is_none());
    assert!(ObjName::new(b"a.b").is_none());
    assert!(ObjName::new(b"a\0").is_none());

    let name = [b".klp.sym.", fits, b".f,1"].concat();
    assert_eq!(symbol(&name), Some((fits.to_vec(), b"f".to_vec(), 1)));
    let name = [b".klp.sym.", long, b".f,1"].concat();
    assert_eq!(
        LivepatchSymbol::parse(&name, TooLarge::Wraps),
        Err(FormatError::ObjName)
    );
    assert_eq!(symbol(&name), None);
}

/// The kernel cuts a section's object name at 55 bytes and goes on.
#[test]
fn a_section_with_too_long_an_object_name_is_cut() {
    let long = &BYTES_56[..];
    for objname in [&long[..54], &long[..55], long, &long.repeat(3)] {
        let name = [b".klp.rela.", objname, b".text"].concat();
        let expected = objname[..objname.len().min(55)].to_vec();
        assert_eq!(section(&name), Some(expected));
        assert_eq!(section(&name), sscanf::livepatch_section(&name));
    }
}

#[test]
fn symbol_names_have_up_to_511_bytes() {
    assert_eq!(KSYM_NAME_LEN, 512);
    for (len, fits) in [
        (1, true),
        (510, true),
        (511, true),
        (512, false),
        (513, false),
    ] {
        let bytes = vec![b'f'; len];
        let new = LivepatchSymbol::new(ObjName::VMLINUX, SymbolName(&bytes), Sympos(1));
        assert_eq!(new.is_ok(), fits, "{len}");
        let name = [b".klp.sym.vmlinux.", &bytes[..], b",1"].concat();
        assert_eq!(symbol(&name).is_some(), fits, "{len}");
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    for name in [&b""[..], b"a,b", b",", b"a\0"] {
        let symbol = LivepatchSymbol::new(ObjName::VMLINUX, SymbolName(name), Sympos(0));
        assert_eq!(symbol, Err(FormatError::Name));
    }
}

#[test]
fn names_as_they_are_written() {
    let objname = ObjName::new(b"ext4").unwrap();
    for (sympos, text) in [
        (0, ".klp.sym.ext4.f.llvm.*,0"),
        (10, ".klp.sym.ext4.f.llvm.*,10"),
        (u64::MAX, ".klp.sym.ext4.f.llvm.*,18446744073709551615"),
    ] {
        let name = SymbolName(b"f.llvm.*");
        let symbol = LivepatchSymbol::new(objname, name, Sympos(sympos)).unwrap();
        assert_eq!(symbol.to_string(), text);
        assert_eq!(written(|w| symbol.write_to(w)), text.as_bytes());
    }
    let section = LivepatchSection::new(objname, b".text.f");
    assert_eq!(section.to_string(), ".klp.rela.ext4..text.f");
    assert_eq!(written(|w| section.write_to(w)), b".klp.rela.ext4..text.f");
    assert_eq!(section.section(), b".text.f");
    assert!(!section.objname().is_vmlinux());
}

/// Names that begin well and go wrong, or not, somewhere behind.
fn nearly_a_symbol() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop::sample::select(b"am. ,.0129-\xa0\t\x0e\x1c\x85".to_vec());
    let tail = prop::collection::vec(bytes, 0..12);
    let head = prop::sample::select(vec![
        ".klp.sym.",
        ".klp.sym.m.",
        ".klp.sym.m.f,",
        ".klp.sym.m.f,1",
        ".klp.rela.",
        ".klp.rela.m.",
    ]);
    (head, tail).prop_map(|(head, tail)| [head.as_bytes(), &tail].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn read_as_the_kernel_reads(name in nearly_a_symbol()) {
        symbol(&name);
        prop_assert_eq!(section(&name), sscanf::livepatch_section(&name));
    }

    #[test]
    fn what_is_written_is_read_back(
        objname in "[a-z0-9_]{1,55}",
        name in "[^,\0]{1,100}",
        sympos: u64,
    ) {
        let objname = ObjName::new(objname.as_bytes()).unwrap();
        let name = SymbolName(name.as_bytes());
        let symbol = LivepatchSymbol::new(objname, name, Sympos(sympos)).unwrap();
        let bytes = written(|w| symbol.write_to(w));
        prop_assert_eq!(symbol.to_string().into_bytes(), &bytes[..]);
        prop_assert_eq!(LivepatchSymbol::parse(&bytes, TooLarge::Wraps), Ok(symbol));

        let section = LivepatchSection::new(objname, name.0);
        let bytes = written(|w| section.write_to(w));
        prop_assert_eq!(section.to_string().into_bytes(), &bytes[..]);
        prop_assert_eq!(LivepatchSection::parse(&bytes), Ok(section));
    }

    #[test]
    fn no_input_panics(name: Vec<u8>) {
        for head in [&b""[..], b".klp.sym.", b".klp.sym.m.f,", b".klp.rela."] {
            let name = [head, &name].concat();
            let _ = LivepatchSymbol::parse(&name, TooLarge::Saturates);
            let _ = LivepatchSection::parse(&name);
        }
    }
}
