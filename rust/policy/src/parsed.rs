// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A symbol's name taken apart, for people and reports. Nothing is matched by it.

use super::clean::{
    cleanup_symbol_name,
    PROMOTION, //
};

/// The endings by which passes of LLVM and GCC mark the functions that they make out of others. Where
/// a pass makes several, a number follows.
const PASSES: [&[u8]; 22] = [
    b"cold",
    b"warm",
    b"__part",
    b"part",
    b"isra",
    b"constprop",
    b"specialized",
    b"clone",
    b"simdclone",
    b"localalias",
    b"internalized",
    b"memprof",
    b"lto_priv",
    b"resume",
    b"destroy",
    b"cleanup",
    // Another signature: LLVM pull request 105742.
    b"argprom",
    b"argelim",
    b"retelim",
    // The function itself, and its entry in a jump table: LLVM's LowerTypeTests.cpp.
    b"cfi",
    b"cfi_jt",
    // Functions that were merged: LLVM's GlobalMergeFunctions.cpp.
    b"Tgm",
];

/// `.content.<hash>`, which stands for contents that have no name.
const CONTENT: &[u8] = b"content";

/// `-funique-internal-linkage-names` of clang: `.__uniq.<number of the file>`.
const UNIQUE: &[u8] = b"__uniq";

/// Hexadecimal digits of an MD5 sum (`getUniqueModuleId()` in LLVM's `ModuleUtils.cpp`).
const MODULE_ID: usize = 32;

/// Tables that LLVM makes of switch statements (`SimplifyCFG.cpp`, `RelLookupTableConverter.cpp`).
const TABLES: [&[u8]; 2] = [b"switch.table.", b"reltable."];
/// The same with offsets in the place of pointers.
const RELATIVE: &[u8] = b".rel";

/// Clang's variables for the name of a function; GCC numbers them instead.
const FUNCTION_NAMES: [&[u8]; 3] = [b"__func__.", b"__FUNCTION__.", b"__PRETTY_FUNCTION__."];

/// The values from which clang initializes local variables (`CGDecl.cpp`).
const INITIAL_VALUE: &[u8] = b"__const.";

/// Constants to which LLVM gives a name for `ThinLTO` (`NameAnonGlobals.cpp`).
const ANONYMOUS: &[u8] = b"anon.";

/// Counters of `-fprofile-generate`; the name of a static's file, with its dot, is a part of them.
const COUNTERS: [&[u8]; 5] = [
    b"__profc_",
    b"__profd_",
    b"__profn_",
    b"__profvp_",
    b"__profbm_",
];

/// Symbols in front of functions: the type by which kCFI checks indirect calls (`emitKCFITypeId()` in LLVM's
/// `X86AsmPrinter.cpp`), and padding (`elf_create_prefix_symbol()` in the kernel's `objtool`).
const FUNCTION_PREFIXES: [&[u8]; 2] = [b"__cfi_", b"__pfx_"];

/// Initialization of a file, by a sanitizer: `asan.module_ctor`.
const MODULE_INIT: [&[u8]; 2] = [b"module_ctor", b"module_dtor"];

/// The start of names that an assembler leaves out of the symbol table, if it is told nothing else.
const PRIVATE: &[u8] = b".L";

/// The kind of a symbol, as far as its name tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameClass {
    /// A function or variable of the source; a static local, if it has a [function](ParsedName::function).
    Source,
    /// A string literal: `.str`.
    String,
    /// A compound literal: `.compoundliteral`.
    CompoundLiteral,
    /// A table for a switch statement of the function [`base`](ParsedName::base): `switch.table.f`.
    Table,
    /// The name of the function [`base`](ParsedName::base) as a string: `__func__.f`.
    FunctionName,
    /// The value from which a local variable is initialized: `__const.f.var`.
    InitialValue,
    /// A constant that has no name in the source: `anon.<hash of the file>.<number>`.
    Anonymous,
    /// Code or data that counts or checks: `asan.module_ctor`, `__profc_f`.
    Instrumentation,
    /// The bytes in front of the function [`base`](ParsedName::base): `__cfi_f`, `__pfx_f`.
    FunctionPrefix,
}

impl NameClass {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Source,
        Self::String,
        Self::CompoundLiteral,
        Self::Table,
        Self::FunctionName,
        Self::InitialValue,
        Self::Anonymous,
        Self::Instrumentation,
        Self::FunctionPrefix,
    ];

    /// The word that a report has for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::String => "string",
            Self::CompoundLiteral => "compound-literal",
            Self::Table => "table",
            Self::FunctionName => "function-name",
            Self::InitialValue => "initial-value",
            Self::Anonymous => "anonymous",
            Self::Instrumentation => "instrumentation",
            Self::FunctionPrefix => "function-prefix",
        }
    }
}

/// The parts of a symbol's name:
/// `[<prefix>][<function>.]<base>[<unique>][.<id>][<module>][<pass>][.llvm.<hash>][<after>]`.
///
/// ```
/// use klp_policy::{NameClass, ParsedName};
///
/// let name = ParsedName::new(b"f.var.32.llvm.9a");
/// assert_eq!(name.function, Some(&b"f"[..]));
/// assert_eq!(name.base, b"var");
/// assert_eq!(name.id, Some(&b"32"[..]));
/// assert_eq!(name.hash, Some(&b"9a"[..]));
///
/// let name = ParsedName::new(b"switch.table.f.4");
/// assert_eq!(name.class, NameClass::Table);
/// assert_eq!((name.function, name.base), (None, &b"f"[..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedName<'a> {
    /// The kind of the symbol.
    pub class: NameClass,
    /// The text that a compiler put in front, with its dot: `switch.table.`, `.L__const.`, or
    /// nothing.
    pub prefix: &'a [u8],
    /// The function that a local variable belongs to (clang: `<function>.<symbol>`).
    pub function: Option<&'a [u8]>,
    /// The name in the source.
    pub base: &'a [u8],
    /// The mark that keeps the statics of all files apart, with its dot: `.__uniq.<number>`, or
    /// nothing.
    pub unique: &'a [u8],
    /// The number that keeps equal names apart (`.str.7`, GCC's `var.100135`), or several with their dots for a
    /// member of a struct (`var.0.1`).
    pub id: Option<&'a [u8]>,
    /// The text that LLVM appends to a static that is promoted where control flow integrity splits
    /// the units of the link, with its dot, or `$` before LLVM 13: an MD5 sum, or nothing.
    pub module: &'a [u8],
    /// The text that passes appended before promotion, with its dot: `.cold`, `.part.0`, or
    /// nothing.
    pub pass: &'a [u8],
    /// The hash of the first promotion suffix.
    pub hash: Option<&'a [u8]>,
    /// The text behind that hash, with its dot: `.cold`, `.llvm.2`, or nothing.
    pub after: &'a [u8],
}

impl<'a> ParsedName<'a> {
    /// Takes a name apart. Every name has a base, if only the whole of it.
    #[must_use]
    pub fn new(name: &'a [u8]) -> Self {
        let (head, tail) = name.split_at(cleanup_symbol_name(name).head_len());
        let (hash, after) = match tail.strip_prefix(PROMOTION) {
            Some(tail) => {
                let end = tail.iter().position(|&b| b == b'.').unwrap_or(tail.len());
                (Some(&tail[..end]), &tail[end..])
            }
            None => (None, tail),
        };

        let made = Made::of(head);
        let fixed = made.as_ref().map_or(0, |made| made.fixed);
        let is_table = made
            .as_ref()
            .is_some_and(|made| made.class == NameClass::Table);
        let (named, pass) = head.split_at(head.len() - passes_len(head, fixed, is_table));
        let (named, module) = named.split_at(named.len() - module_len(named, fixed));
        let (named, id) = match numbers_len(named, fixed) {
            0 => (named, None),
            len => {
                let (rest, id) = named.split_at(named.len() - len);
                (rest, id.strip_prefix(b"."))
            }
        };
        let (named, unique) = named.split_at(named.len() - unique_len(named, fixed));
        let (class, prefix) = made.map_or((NameClass::Source, 0), |m| (m.class, m.prefix));
        let (prefix, named) = named.split_at(prefix);
        let dot = match class {
            NameClass::Source => end_of_function(named),
            NameClass::InitialValue => named.iter().position(|&b| b == b'.'),
            _ => None,
        };
        let (function, base) = match dot {
            Some(dot) => (Some(&named[..dot]), &named[dot + 1..]),
            None => (None, named),
        };
        Self {
            class,
            prefix,
            function,
            base,
            unique,
            id,
            module,
            pass,
            hash,
            after,
        }
    }
}

/// A symbol that a compiler made and named after something.
struct Made {
    class: NameClass,
    /// Bytes in front of the base, or of its function.
    prefix: usize,
    /// Bytes up to the end of the base. What follows is appended; a function may be called `cold`.
    fixed: usize,
}

impl Made {
    fn of(name: &[u8]) -> Option<Self> {
        Self::behind(name, 0).or_else(|| {
            let skipped = name.starts_with(PRIVATE).then_some(PRIVATE.len())?;
            Self::behind(name, skipped)
        })
    }

    /// Reads what stands behind the first `skipped` bytes.
    fn behind(name: &[u8], skipped: usize) -> Option<Self> {
        let rest = &name[skipped..];
        for (class, literal) in [
            (NameClass::String, &b".str"[..]),
            (NameClass::CompoundLiteral, b".compoundliteral"),
        ] {
            if rest.strip_prefix(literal).is_some_and(is_appended_number) {
                let fixed = skipped + literal.len();
                return Some(Self {
                    class,
                    prefix: skipped,
                    fixed,
                });
            }
        }
        let starts = |prefix: &&&[u8]| rest.starts_with(prefix);
        let (class, prefix) = if let Some(prefix) = TABLES.iter().find(starts) {
            (NameClass::Table, prefix.len())
        } else if let Some(prefix) = FUNCTION_NAMES.iter().find(starts) {
            (NameClass::FunctionName, prefix.len())
        } else if let Some(prefix) = COUNTERS.iter().find(starts) {
            (NameClass::Instrumentation, prefix.len())
        } else if let Some(prefix) = FUNCTION_PREFIXES.iter().find(starts) {
            (NameClass::FunctionPrefix, prefix.len())
        } else if rest.starts_with(INITIAL_VALUE) {
            (NameClass::InitialValue, INITIAL_VALUE.len())
        } else if rest.starts_with(ANONYMOUS) {
            (NameClass::Anonymous, ANONYMOUS.len())
        } else {
            let dot = rest.iter().position(|&b| b == b'.')?;
            let is_init = |start: &&[u8]| rest[dot + 1..].starts_with(start);
            if dot == 0 || !MODULE_INIT.iter().any(is_init) {
                return None;
            }
            (NameClass::Instrumentation, dot + 1)
        };
        let behind = &rest[prefix..];
        let first = up_to_dot(behind);
        let fixed = match class {
            // GCC numbers these.
            NameClass::FunctionName if is_number(first) => return None,
            NameClass::Anonymous if !is_module_id(first) => return None,
            NameClass::InitialValue => {
                let variable = up_to_dot(behind.get(first.len() + 1..)?);
                if variable.is_empty() {
                    return None;
                }
                first.len() + 1 + variable.len()
            }
            _ => first.len(),
        };
        let prefix = skipped + prefix;
        (!first.is_empty()).then_some(Self {
            class,
            prefix,
            fixed: prefix + fixed,
        })
    }
}

/// Returns the end of a static local's function in a name: a dot with something behind it.
fn end_of_function(named: &[u8]) -> Option<usize> {
    // A leading dot is part of the name, and so are those of a Rust name in the old mangling.
    if named.starts_with(b".") || named.starts_with(b"_ZN") {
        return None;
    }
    let first = up_to_dot(named).len();
    // Something like a promotion suffix, whose hash is none.
    if named[first..].starts_with(PROMOTION) {
        return None;
    }
    let unique = &named[first..];
    let unique = unique
        .strip_prefix(b".")
        .and_then(|rest| rest.strip_prefix(UNIQUE));
    let number = unique.and_then(|rest| rest.strip_prefix(b"."));
    // The function has its own `.__uniq.<number>`.
    let dot = match number.map(up_to_dot) {
        Some(number) if is_number(number) => first + 1 + UNIQUE.len() + 1 + number.len(),
        _ => first,
    };
    (dot + 1 < named.len()).then_some(dot)
}

fn up_to_dot(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&b| b == b'.');
    &text[..end.unwrap_or(text.len())]
}

/// Bytes that the endings of passes take at the end of `name`, behind the first `fixed`.
fn passes_len(name: &[u8], fixed: usize, is_table: bool) -> usize {
    let mut rest = name;
    if is_table {
        let shorter = rest.strip_suffix(RELATIVE);
        rest = shorter
            .filter(|shorter| shorter.len() >= fixed)
            .unwrap_or(rest);
    }
    while let Some((before, last)) = rsplit_dot(rest, fixed) {
        rest = match rsplit_dot(before, fixed) {
            Some((front, word)) if is_number(last) && PASSES.contains(&word) => front,
            Some((front, CONTENT)) if is_hexadecimal(last) => front,
            _ if PASSES.contains(&last) => before,
            _ => break,
        };
    }
    name.len() - rest.len()
}

/// Bytes that the MD5 sum of a file takes at the end of `name`, with what is in front of it.
fn module_len(name: &[u8], fixed: usize) -> usize {
    let start = name.len().checked_sub(MODULE_ID + 1);
    let Some(start) = start.filter(|&start| start >= fixed.max(1)) else {
        return 0;
    };
    let sum = &name[start..];
    if matches!(sum[0], b'.' | b'$') && is_module_id(&sum[1..]) {
        sum.len()
    } else {
        0
    }
}

/// Bytes that numbers take at the end of `name`, each with its dot: a member of a struct that LLVM made a
/// variable of has one for each struct around it (`GlobalOpt.cpp`).
fn numbers_len(name: &[u8], fixed: usize) -> usize {
    let mut rest = name;
    while let Some((before, last)) = rsplit_dot(rest, fixed) {
        if !is_number(last) || unique_len(rest, fixed) > 0 {
            break;
        }
        rest = before;
    }
    name.len() - rest.len()
}

/// Bytes that `.__uniq.<number>` takes at the end of `name`.
fn unique_len(name: &[u8], fixed: usize) -> usize {
    match rsplit_dot(name, fixed) {
        Some((front, number)) if is_number(number) => match rsplit_dot(front, fixed) {
            Some((front, UNIQUE)) => name.len() - front.len(),
            _ => 0,
        },
        _ => 0,
    }
}

/// Returns whether nothing is appended to a name but a number, if that.
fn is_appended_number(rest: &[u8]) -> bool {
    let number = rest.strip_prefix(b".").map(up_to_dot);
    rest.is_empty() || number.is_some_and(is_number)
}

/// The parts around the last dot, both of them non-empty, behind the first `fixed` bytes.
fn rsplit_dot(name: &[u8], fixed: usize) -> Option<(&[u8], &[u8])> {
    let dot = name.iter().rposition(|&b| b == b'.')?;
    (dot >= fixed.max(1) && dot + 1 < name.len()).then(|| (&name[..dot], &name[dot + 1..]))
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

fn is_hexadecimal(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_module_id(text: &[u8]) -> bool {
    text.len() == MODULE_ID && is_hexadecimal(text)
}
