// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The reading of a written name.

use crate::cases::{
    Asks,
    QUERIES, //
};
use crate::{
    naive,
    random, //
};
use klp_policy::{
    Asker,
    Query,
    SymbolName, //
};
use proptest::prelude::*;

#[test]
fn cases() {
    for case in QUERIES {
        let text = String::from_utf8_lossy(case.text);
        let query = Query::new(case.text);
        let asks = match query {
            Query::Plain(_) => Asks::Plain,
            Query::Hashed(..) => Asks::Hashed,
            Query::Any(_) => Asks::Any,
        };
        assert!(asks == case.asks, "{text}: {query:?}");
        assert_eq!(query.cleaned(), *case.cleaned, "{text}");
        let exact = (asks != Asks::Any).then_some(SymbolName(case.text));
        assert_eq!(query.exact(), exact, "{text}");
        assert_eq!(query.compares_cleaned(), asks != Asks::Hashed, "{text}");
        let tracers = Query::asked_by(Asker::Tracer, case.text);
        assert!(tracers.compares_cleaned(), "{text}");
        assert_eq!(tracers.cleaned(), *case.cleaned, "{text}");
        let of_any_build = (asks == Asks::Hashed).then_some(tracers);
        assert_eq!(query.of_any_build(), of_any_build, "{text}");
        assert_eq!(tracers.of_any_build(), None, "{text}");
    }
}

proptest! {
    #[test]
    fn every_name_is_a_query(text in prop_oneof![random::name(), random::query()]) {
        let query = Query::new(&text);
        let cleaned: Vec<u8> = query.cleaned().bytes().collect();
        match query {
            Query::Any(SymbolName(base)) => {
                prop_assert!(!base.is_empty());
                prop_assert_eq!(&[base, b".llvm.*"].concat(), &text);
                prop_assert_eq!(&cleaned[..], base);
            }
            Query::Hashed(name, asker) => {
                prop_assert_eq!(asker, Asker::Livepatch);
                prop_assert_eq!(name.0, &text[..]);
                prop_assert_ne!(&cleaned, &text);
                prop_assert_eq!(&cleaned, &naive::clean(&text));
            }
            Query::Plain(name) => {
                prop_assert_eq!(name.0, &text[..]);
                prop_assert_eq!(&cleaned, &text);
                prop_assert_eq!(&cleaned, &naive::clean(&text));
            }
        }
    }
}
