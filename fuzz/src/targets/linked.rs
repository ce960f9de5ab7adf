// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The inputs of a link: linker scripts, bitcode, objects in ELF.

use klp_gen::bitcode::native::ElfObject;
use klp_gen::bitcode::producer::Producer;
use klp_gen::collisions::LinkerScript;

/// Reads a file as each kind of input.
pub fn run(data: &[u8]) {
    let script = LinkerScript::new("script".to_owned(), data.to_vec());
    let lines = data.split(|&byte| byte == b'\n').count();
    let mut before = 0;
    for symbol in script.symbols() {
        let line = symbol.line.expect("a file has lines");
        assert!(before <= line && line <= lines);
        before = line;
        let length = symbol.name.len();
        assert!(length == 0 || data.windows(length).any(|part| part == symbol.name));
    }

    let producer = Producer::of(data);
    assert!(producer.is_none() || data.len() > 16);

    let object = ElfObject {
        origin: "object".to_owned(),
        data: data.to_vec(),
    };
    if let Ok(Some(bitcode)) = object.bitcode() {
        assert!(bitcode.len() <= data.len());
    }
    for symbol in object.symbols().unwrap_or_default() {
        assert!(!symbol.name.contains(&0));
    }
}
