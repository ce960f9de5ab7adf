// SPDX-License-Identifier: GPL-2.0

//! The door of people: `query` and `policy` in debugfs.

use super::parameters;
use super::policy::{
    Query,
    Request,
    KSYM_NAME_LEN,
    MODULE_NAME_LEN, //
};
use super::tables::Object;
use core::{
    fmt,
    fmt::Write as _,
    ops::ControlFlow, //
};
use kernel::{
    c_str,
    debugfs::{
        Answer,
        Dir,
        FileOperations,
        Reader, //
    },
    prelude::*,
    str::CStr, //
};

/// Candidates that an answer lists.
const MAX_CANDIDATES: u64 = 64;

// SAFETY: `QueryFile` and the operations are of this module.
static QUERY: FileOperations<QueryFile> = unsafe { FileOperations::new(&crate::THIS_MODULE) };
// SAFETY: `PolicyFile` and the operations are of this module.
static POLICY: FileOperations<PolicyFile> = unsafe { FileOperations::new(&crate::THIS_MODULE) };

/// Makes the files in `dir`.
///
/// # Safety
///
/// `dir` must be dropped before the memory of this module is freed; it must not be forgotten.
pub(crate) unsafe fn add_files(dir: &Dir) {
    // SAFETY: By the safety requirements, since the operations are of this module.
    unsafe {
        dir.file(c_str!("query"), 0o600, &QUERY);
        dir.file(c_str!("policy"), 0o400, &POLICY);
    }
}

/// Answers what a name resolves to.
struct QueryFile;

impl Answer for QueryFile {
    // The two names, a colon, a comma, 20 digits and a newline.
    const MAX_QUESTION: usize = KSYM_NAME_LEN + MODULE_NAME_LEN + 23;

    fn answer(question: Option<&[u8]>, reader: Reader) -> Result<KVVec<u8>> {
        let mut text = Text::new();
        match question {
            Some(question) => {
                let request = Request::parse(question).map_err(|_| EINVAL)?;
                text.resolve(&request, reader)?;
            }
            None => text.add(concat!(
                "write [objname:]name[,sympos] to this file and read the answer from the same ",
                "open file:\n",
                "  exec 3<>query; echo init_once.llvm.*,1 >&3; cat <&3\n"
            ))?,
        }
        Ok(text.0)
    }
}

/// Says by which rule, and for whom.
struct PolicyFile;

impl Answer for PolicyFile {
    const MAX_QUESTION: usize = 0;

    fn answer(_question: Option<&[u8]>, _reader: Reader) -> Result<KVVec<u8>> {
        let mut text = Text::new();
        text.add(concat!(
            "policy: llvm\n",
            "a name is cleaned by removing each .llvm.<hash> behind its base, and nothing else\n",
            "foo           the exact name; if there is none, the cleaned names foo\n",
            "foo.llvm.123  the exact name; if there is none, a tracer gets the cleaned names foo, ",
            "a livepatch nothing: it is of another build\n",
            "foo.llvm.*    every symbol whose cleaned name is foo\n",
            "sympos 0 is the only match, n the n-th: by address in vmlinux, by symbol table ",
            "order in a module\n"
        ))?;
        for (half, on) in [
            ("livepatch", parameters::livepatch()),
            ("tracers", parameters::tracers()),
        ] {
            text.add(format_args!("{half}: {}\n", if on { 'Y' } else { 'N' }))?;
        }
        Ok(text.0)
    }
}

/// Text that grows as it is written. A list of long names need not fit into contiguous pages.
struct Text(KVVec<u8>);

impl Text {
    fn new() -> Self {
        Self(KVVec::new())
    }

    /// Adds text; it can only fail for want of memory.
    fn add(&mut self, text: impl fmt::Display) -> Result {
        write!(self, "{text}").map_err(|_| ENOMEM)
    }

    /// The answer in its first line, then what there is to choose from.
    fn resolve(&mut self, request: &Request<'_>, reader: Reader) -> Result {
        let mut objname = [0; MODULE_NAME_LEN];
        let object = if request.objname.is_vmlinux() {
            Object::Vmlinux
        } else {
            let bytes = request.objname.as_bytes();
            objname[..bytes.len()].copy_from_slice(bytes);
            Object::Module(CStr::from_bytes_with_nul(&objname[..=bytes.len()])?)
        };
        let query = Query::new(request.name.as_bytes());
        let mut written = Ok(());
        match object.resolve(&query, request.sympos) {
            Ok(found) => {
                let address = shown(found.address, reader);
                // A module may change or go between finding a symbol and naming it.
                let mut named = false;
                object.name_of(&query, &found, &mut |name| {
                    named = true;
                    written = self.add(format_args!(
                        "resolved {address:016x} {name} {}/{} {}\n",
                        found.position,
                        found.matches,
                        object.name()
                    ));
                });
                if !named {
                    return Err(EAGAIN);
                }
            }
            Err(reason) => {
                self.add(format_args!("{reason} {}\n", reason.matches()))?;
                object.list(&query, &mut |candidate| {
                    if candidate.position > MAX_CANDIDATES {
                        return ControlFlow::Break(());
                    }
                    let address = shown(candidate.symbol.address, reader);
                    let name = candidate.symbol.name;
                    let position = candidate.position;
                    written = self.add(format_args!("{position} {address:016x} {name}\n"));
                    if written.is_err() {
                        return ControlFlow::Break(());
                    }
                    ControlFlow::Continue(())
                });
                if let Some(more) = reason.matches().checked_sub(MAX_CANDIDATES + 1) {
                    self.add(format_args!("and {} more\n", more + 1))?;
                }
            }
        }
        written
    }
}

/// An address as `/proc/kallsyms` would show it.
fn shown(address: u64, reader: Reader) -> u64 {
    if reader.sees_addresses {
        address
    } else {
        0
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0
            .extend_from_slice(text.as_bytes(), GFP_KERNEL)
            .map_err(|_| fmt::Error)
    }
}
