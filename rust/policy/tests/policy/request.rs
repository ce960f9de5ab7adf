// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A question as people write it: `[objname:]name[,sympos]`.

use klp_policy::{
    ObjName,
    Request,
    RequestError,
    SymbolName,
    Sympos, //
};
use proptest::prelude::*;

/// Without an object it is one of vmlinux.
fn request<'a>(objname: Option<&'a str>, name: &'a str, sympos: u64) -> Request<'a> {
    Request {
        objname: objname.map_or(ObjName::VMLINUX, |objname| {
            ObjName::new(objname.as_bytes()).unwrap()
        }),
        has_objname: objname.is_some(),
        name: SymbolName(name.as_bytes()),
        sympos: Sympos(sympos),
    }
}

#[test]
fn questions() {
    for (text, expected) in [
        ("f", request(None, "f", 0)),
        ("f,0", request(None, "f", 0)),
        ("f,7", request(None, "f", 7)),
        ("f.llvm.*,007", request(None, "f.llvm.*", 7)),
        ("vmlinux:f", request(Some("vmlinux"), "f", 0)),
        ("ext4:f,2", request(Some("ext4"), "f", 2)),
        ("ext4:a:b", request(Some("ext4"), "a:b", 0)),
        ("f,18446744073709551615", request(None, "f", u64::MAX)),
    ] {
        assert_eq!(Request::parse(text.as_bytes()), Ok(expected), "{text}");
    }
}

#[test]
fn refusals() {
    for (text, error) in [
        ("", RequestError::Name),
        (",1", RequestError::Name),
        ("ext4:", RequestError::Name),
        ("ext4:,1", RequestError::Name),
        ("f\0", RequestError::Name),
        (":f", RequestError::ObjName),
        ("a.b:f", RequestError::ObjName),
        ("f,", RequestError::Sympos),
        ("f, 1", RequestError::Sympos),
        ("f,+1", RequestError::Sympos),
        ("f,-1", RequestError::Sympos),
        ("f,1x", RequestError::Sympos),
        ("f,1,2", RequestError::Sympos),
        ("f,18446744073709551616", RequestError::Sympos),
    ] {
        assert_eq!(Request::parse(text.as_bytes()), Err(error), "{text}");
        assert!(error.to_string().starts_with("expected "));
    }
}

#[test]
fn limits() {
    for (len, expected) in [(511, Ok(())), (512, Err(RequestError::Name))] {
        let text = vec![b'f'; len];
        assert_eq!(Request::parse(&text).map(drop), expected);
    }
    for (len, expected) in [(55, Ok(())), (56, Err(RequestError::ObjName))] {
        let text = [&vec![b'm'; len], &b":f"[..]].concat();
        assert_eq!(Request::parse(&text).map(drop), expected);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        objname in "[a-z0-9_]{1,55}",
        name in "[^,:\0]{1,100}",
        sympos: u64,
    ) {
        let text = format!("{objname}:{name},{sympos}");
        let expected = request(Some(&objname), &name, sympos);
        prop_assert_eq!(Request::parse(text.as_bytes()), Ok(expected));
    }

    #[test]
    fn no_input_panics(text: Vec<u8>) {
        let _ = Request::parse(&text);
    }
}
