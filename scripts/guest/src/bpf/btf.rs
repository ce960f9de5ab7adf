// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The functions that the kernel's BTF describes; see `include/uapi/linux/btf.h`.

use std::{
    fs,
    os::fd::OwnedFd, //
};

use anyhow::{
    ensure,
    Context,
    Result, //
};

use super::calls;
use crate::kallsyms::VMLINUX;

const DIRECTORY: &str = "/sys/kernel/btf";
const MAGIC: u16 = 0xeb9f;
/// `struct btf_header`: where the types and strings are, from its end on.
const HEADER: usize = 24;
/// `BTF_KIND_FUNC`.
const FUNC: u32 = 12;

/// The BTF of vmlinux, or of a module without that of vmlinux, with which it begins.
pub struct Btf {
    object: String,
    functions: Vec<(String, u32)>,
    /// The number of the types, the BTF of vmlinux included.
    types: u32,
    strings: Vec<u8>,
}

impl Btf {
    /// Reads the BTF of vmlinux.
    pub fn of_vmlinux() -> Result<Self> {
        // Id 0 is void.
        Self::read(VMLINUX, 1, Vec::new())
    }

    /// Reads the BTF of a module.
    pub fn of_module(module: &str, vmlinux: &Self) -> Result<Self> {
        Self::read(module, vmlinux.types, vmlinux.strings.clone())
    }

    fn read(object: &str, mut id: u32, mut strings: Vec<u8>) -> Result<Self> {
        let path = format!("{DIRECTORY}/{object}");
        let data = fs::read(&path).with_context(|| format!("cannot read {path}"))?;
        let magic = data.get(..2).map(|bytes| [bytes[0], bytes[1]]);
        ensure!(
            magic.map(u16::from_le_bytes) == Some(MAGIC),
            "{path}: expected BTF"
        );
        let part = |at: usize| {
            let begin = HEADER + word(&data, at)? as usize;
            data.get(begin..begin + word(&data, at + 4)? as usize)
        };
        let types = part(8).with_context(|| format!("{path}: the types are cut off"))?;
        let own = part(16).with_context(|| format!("{path}: the strings are cut off"))?;
        strings.extend_from_slice(own);

        let mut functions = Vec::new();
        let mut at = 0;
        while at < types.len() {
            let described = word(types, at).zip(word(types, at + 4));
            let (name, info) =
                described.with_context(|| format!("{path}: type {id} is cut off"))?;
            let kind = info >> 24 & 0x1f;
            if kind == FUNC {
                functions.push((text(&strings, name as usize), id));
            }
            let more = more(kind, info as usize & 0xffff)
                .with_context(|| format!("{path}: type {id} is of the unknown kind {kind}"))?;
            at += 12 + more;
            id += 1;
        }
        Ok(Self {
            object: object.to_owned(),
            functions,
            types: id,
            strings,
        })
    }

    /// Returns the id of a function.
    pub fn function(&self, name: &str) -> Option<u32> {
        let found = self.functions.iter().find(|(known, _)| known == name);
        found.map(|(_, id)| *id)
    }

    /// Opens a module's BTF; none for vmlinux, which the kernel knows by 0.
    pub fn open(&self) -> Result<Option<OwnedFd>> {
        if self.object == VMLINUX {
            return Ok(None);
        }
        calls::btf_of(&self.object).map(Some)
    }
}

/// Returns the bytes that follow `struct btf_type` for a kind.
fn more(kind: u32, vlen: usize) -> Option<usize> {
    Some(match kind {
        // Pointers and forward declarations, modifiers, functions, floats and type tags.
        2 | 7..=12 | 16 | 18 => 0,
        // Integers, variables and declaration tags.
        1 | 14 | 17 => 4,
        // Arrays.
        3 => 12,
        // Structs, unions, sections and enums of 64 bits.
        4 | 5 | 15 | 19 => 12 * vlen,
        // Enums and prototypes.
        6 | 13 => 8 * vlen,
        _ => return None,
    })
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn text(strings: &[u8], at: usize) -> String {
    let rest = strings.get(at..).unwrap_or_default();
    let text = rest.split(|&b| b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}
