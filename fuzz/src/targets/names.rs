// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Symbol names, and names of livepatch symbols and sections.

use crate::naive;
use klp_policy::{
    cleanup_symbol_name, cleanup_symbol_name_in_place, LivepatchSection, LivepatchSymbol,
    ParsedName, Policy, Query, Request, TooLarge,
};

/// Cleans a name in both ways, compares the results with the naive implementation, and reads the name in all other
/// formats.
pub fn run(data: &[u8]) {
    let expected = naive::clean(data);
    let clean = cleanup_symbol_name(data);
    assert_eq!(clean, *expected.as_slice());
    assert_eq!(clean.bytes().collect::<Vec<_>>(), expected);
    assert_eq!(clean.len(), expected.len());
    in_place(data);
    assert_eq!(Policy::Llvm.clean(data), clean);
    assert_eq!(Policy::Exact.clean(data), *data);
    for (policy, cut) in [(Policy::LlvmCut, &b".llvm."[..]), (Policy::DotCut, b".")] {
        let expected = naive::cut(data, cut);
        assert_eq!(policy.clean(data), *expected.as_slice());
    }
    let parsed = ParsedName::new(data);
    assert!(!parsed.base.is_empty() || data.is_empty() || parsed.hash.is_some());
    let _ = format!("{clean} {parsed:?} {:?}", Query::new(data));
    let _ = Request::parse(data);
    symbol(data);
    section(data);
}

/// Returns the bytes up to the first NUL, as a C string.
fn in_place(data: &[u8]) {
    let len = data.iter().position(|&b| b == 0).unwrap_or(data.len());
    let expected = naive::clean(&data[..len]);
    let mut buf = data.to_vec();
    let cleaned = cleanup_symbol_name_in_place(&mut buf);
    assert_eq!(buf[..cleaned], expected);
    if cleaned < data.len() {
        assert_eq!(buf[cleaned], 0);
    }
    assert_eq!(buf.get(len..), data.get(len..));
}

fn symbol(data: &[u8]) {
    let Ok(symbol) = LivepatchSymbol::parse(data, TooLarge::Saturates) else {
        return;
    };
    let again = LivepatchSymbol::new(symbol.objname(), symbol.name(), symbol.sympos());
    assert_eq!(again, Ok(symbol));
    let mut written = Vec::new();
    symbol.write_to(|part| written.extend_from_slice(part));
    assert_eq!(
        LivepatchSymbol::parse(&written, TooLarge::Wraps),
        Ok(symbol)
    );
    let _ = symbol.to_string();
}

fn section(data: &[u8]) {
    let Ok(section) = LivepatchSection::parse(data) else {
        return;
    };
    let mut written = Vec::new();
    section.write_to(|part| written.extend_from_slice(part));
    assert_eq!(LivepatchSection::parse(&written), Ok(section));
    let _ = section.to_string();
}
