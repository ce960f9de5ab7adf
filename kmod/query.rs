// SPDX-License-Identifier: GPL-2.0

//! The door of people: `query` and `policy` in debugfs.

use super::fallback::Lookup;
use super::parameters;
use super::policy::{
    Query,
    Reason,
    Request,
    SymbolName,
    Sympos,
    KSYM_NAME_LEN,
    MODULE_NAME_LEN, //
};
use super::tables::Object;
use super::this_module::THIS_MODULE;
use core::{
    ffi::CStr,
    fmt,
    fmt::Write as _,
    ops::ControlFlow, //
};
use kernel::{
    answer_file::{
        Answer,
        Dir,
        FileOperations,
        Reader, //
    },
    kallsyms::Objects,
    prelude::*, //
};

/// Candidates that an answer lists.
const MAX_CANDIDATES: u64 = 64;

// SAFETY: `QueryFile` and the operations are of this module.
static QUERY: FileOperations<QueryFile> = unsafe { FileOperations::new(&THIS_MODULE) };
// SAFETY: `TracerQueryFile` and the operations are of this module.
static TRACER_QUERY: FileOperations<TracerQueryFile> = unsafe { FileOperations::new(&THIS_MODULE) };
// SAFETY: `PolicyFile` and the operations are of this module.
static POLICY: FileOperations<PolicyFile> = unsafe { FileOperations::new(&THIS_MODULE) };

/// Makes the files in `dir`.
///
/// # Safety
///
/// `dir` must be dropped before the memory of this module is freed; it must not be forgotten.
pub(crate) unsafe fn add_files(dir: &Dir) {
    // SAFETY: By the safety requirements, since the operations are of this module.
    unsafe {
        dir.file(c"query", 0o600, &QUERY);
        dir.file(c"tracer_query", 0o600, &TRACER_QUERY);
        dir.file(c"policy", 0o400, &POLICY);
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

/// Answers what a name means to a tracer, which has no positions: in one object, as BPF asks for
/// what a BTF describes, or in vmlinux and all modules.
struct TracerQueryFile;

impl Answer for TracerQueryFile {
    const MAX_QUESTION: usize = QueryFile::MAX_QUESTION;

    fn answer(question: Option<&[u8]>, reader: Reader) -> Result<KVVec<u8>> {
        let mut text = Text::new();
        match question {
            Some(question) => {
                let request = Request::parse(question).map_err(|_| EINVAL)?;
                if request.sympos != Sympos::UNIQUE {
                    return Err(EINVAL);
                }
                text.trace(&request, reader)?;
            }
            None => text.add(concat!(
                "write [objname:]name to this file and read the answer from the same open file:\n",
                "  exec 3<>tracer_query; echo init_once >&3; cat <&3\n"
            ))?,
        }
        Ok(text.0)
    }
}

/// A symbol that was visited, kept until the walk is over: a walk must not sleep, as memory may.
struct Kept {
    address: u64,
    name: [u8; KSYM_NAME_LEN],
    name_len: usize,
    object: [u8; MODULE_NAME_LEN],
    object_len: usize,
}

impl Kept {
    /// Finds the `position`th of the symbols that are `exact`, or of those that are not.
    fn find(lookup: &Lookup<'_>, exact: bool, position: u64) -> Option<Self> {
        let mut count = 0;
        let mut kept = None;
        lookup.visit(&mut |module, symbol| {
            if lookup.is_exact(&symbol) != exact {
                return ControlFlow::Continue(());
            }
            count += 1;
            if count < position {
                return ControlFlow::Continue(());
            }
            let (name, name_len) = copied(symbol.name.as_bytes());
            let (object, object_len) = copied(module.map_or(b"vmlinux", CStr::to_bytes));
            kept = Some(Self {
                address: symbol.address,
                name,
                name_len,
                object,
                object_len,
            });
            ControlFlow::Break(())
        });
        kept
    }

    fn name(&self) -> SymbolName<'_> {
        SymbolName(&self.name[..self.name_len])
    }

    fn object(&self) -> SymbolName<'_> {
        SymbolName(&self.object[..self.object_len])
    }
}

/// Copies as much of `bytes` as fits, and says how much that is.
fn copied<const N: usize>(bytes: &[u8]) -> ([u8; N], usize) {
    let mut copy = [0; N];
    let len = bytes.len().min(N);
    copy[..len].copy_from_slice(&bytes[..len]);
    (copy, len)
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
        let mut buf = [0; MODULE_NAME_LEN];
        let object = module(request, &mut buf)?.map_or(Object::Vmlinux, Object::Module);
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

    /// The same for a tracer: exact names, and if there is none, cleaned ones.
    fn trace(&mut self, request: &Request<'_>, reader: Reader) -> Result {
        let mut buf = [0; MODULE_NAME_LEN];
        let objects = match module(request, &mut buf)? {
            Some(module) => Objects::Module(module),
            None if request.has_objname => Objects::Vmlinux,
            None => Objects::All,
        };
        let lookup = Lookup::new(objects, request.name.as_bytes());
        let (mut exact, mut others) = (0, 0);
        lookup.visit(&mut |_, symbol| {
            match lookup.is_exact(&symbol) {
                true => exact += 1,
                false => others += 1,
            }
            ControlFlow::Continue(())
        });
        let is_exact = exact > 0;
        let matches = if is_exact { exact } else { others };
        match matches {
            0 => return self.add(format_args!("{} 0\n", Reason::NotFound)),
            1 => {
                // A module may go between counting its symbols and naming one.
                let symbol = Kept::find(&lookup, is_exact, 1).ok_or(EAGAIN)?;
                let address = shown(symbol.address, reader);
                let (name, object) = (symbol.name(), symbol.object());
                return self.add(format_args!(
                    "resolved {address:016x} {name} 1/1 {object}\n"
                ));
            }
            _ => self.add(format_args!(
                "{} {matches}\n",
                Reason::Ambiguous { matches }
            ))?,
        }
        for position in 1..=matches.min(MAX_CANDIDATES) {
            let symbol = Kept::find(&lookup, is_exact, position).ok_or(EAGAIN)?;
            let address = shown(symbol.address, reader);
            let (name, object) = (symbol.name(), symbol.object());
            self.add(format_args!("{position} {address:016x} {name} {object}\n"))?;
        }
        match matches.checked_sub(MAX_CANDIDATES + 1) {
            Some(more) => self.add(format_args!("and {} more\n", more + 1)),
            None => Ok(()),
        }
    }
}

/// Copies the name of the module that is asked about to `buf`; none for vmlinux.
fn module<'b>(
    request: &Request<'_>,
    buf: &'b mut [u8; MODULE_NAME_LEN],
) -> Result<Option<&'b CStr>> {
    if request.objname.is_vmlinux() {
        return Ok(None);
    }
    let bytes = request.objname.as_bytes();
    buf[..bytes.len()].copy_from_slice(bytes);
    let name = CStr::from_bytes_with_nul(&buf[..=bytes.len()]);
    Ok(Some(name.map_err(|_| EINVAL)?))
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
