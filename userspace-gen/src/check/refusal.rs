// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernel's messages when it refuses a livepatch, word for word, without the `livepatch: ` that its
//! log puts before most of them.

use std::fmt;

/// The reason for which a livepatch is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// `klp_find_object_symbol()`: no symbol, or one at address 0.
    NotFound {
        /// The name.
        name: String,
    },
    /// `klp_find_object_symbol()`: position 0, and more than one.
    Ambiguous {
        /// The name.
        name: String,
        /// The object as the message calls it.
        object: String,
    },
    /// `klp_find_object_symbol()`: fewer than that.
    NoSuchPosition {
        /// The name.
        name: String,
        /// The position.
        sympos: u64,
        /// The object.
        object: String,
    },
    /// `klp_resolve_symbols()`: not `SHN_LIVEPATCH`.
    NotMarked {
        /// The ELF symbol.
        symbol: String,
        /// The section of symbols, and the index of the relocation, if the kernel tells.
        at: Option<RelocationPlace>,
    },
    /// `klp_resolve_symbols()`: not `.klp.sym.<objname>.<name>,<sympos>`.
    SymbolFormat {
        /// The ELF symbol.
        symbol: String,
    },
    /// `klp_write_section_relocs()`: not `.klp.rela.<objname>.<section>`.
    SectionFormat {
        /// The section.
        section: String,
    },
    /// `klp_resolve_symbols()`: a symbol of vmlinux in a module's section.
    VmlinuxFromModule {
        /// The name.
        name: String,
    },
    /// `klp_init_object_loaded()`: the address is not in the kernel's text or data.
    SizeLookup {
        /// The name.
        name: String,
    },
    /// `klp_patch_func()`: ftrace cannot trace it.
    NoFtrace {
        /// The name.
        name: String,
    },
    /// `klp_enable_patch()`: no `livepatch=Y` in its modinfo.
    NotLivepatch {
        /// The module.
        module: String,
    },
    /// `klp_find_section_by_name()`, which the init code of klp-build calls: no `livepatch=Y` in the modinfo of the
    /// module, so that its `klp_info` is NULL.
    InitReadsNull {
        /// The module.
        module: String,
    },
    /// `simplify_symbols()`: the symbol is not exported, or not to this module.
    UnknownSymbol {
        /// The module.
        module: String,
        /// The symbol.
        symbol: String,
    },
    /// Another message of the module loader.
    Loader(String),
    /// `__write_relocate_add()`: a type that the module loader does not know.
    RelocationType {
        /// The module.
        module: String,
        /// The type.
        kind: u32,
    },
    /// `__write_relocate_add()`: the place is not zero.
    RelocationTarget {
        /// The type.
        kind: u32,
        /// The relocation, if the kernel tells.
        at: Option<RelocationPlace>,
    },
    /// `__write_relocate_add()`: the value does not fit.
    Overflow {
        /// The type.
        kind: u32,
        /// The value, in a kernel that is where it was linked to be; unknown for an address of the
        /// module itself.
        value: Option<u64>,
        /// The relocation, if the kernel tells.
        at: Option<RelocationPlace>,
    },
    /// `kobject_add_internal()`: two things of one name.
    Exists {
        /// The name.
        name: String,
    },
    /// `klp_init_object_loaded()`: the replacement is not in the kernel's text or data.
    ReplacementSizeLookup {
        /// The name of what is replaced.
        name: String,
    },
    /// `klp_enable_patch()`: `klp_is_patch_compatible()` says no.
    Incompatible {
        /// The module.
        module: String,
    },
    /// The kernel refuses the livepatch and logs nothing.
    Silent {
        /// The error with which loading ends.
        error: Errno,
        /// The message behind the error.
        message: String,
    },
    /// The kernel accepts the livepatch, and the result is certainly not what the author meant.
    Harmful(String),
}

/// The place of a relocation as the kernel's messages tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelocationPlace {
    /// The number of a section.
    pub section: usize,
    /// The index of the relocation in its section.
    pub index: usize,
}

/// An error with which the kernel refuses a livepatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Errno {
    /// `ENOEXEC`
    NoExec,
    /// `EEXIST`
    Exist,
    /// `EINVAL`
    Inval,
}

impl Errno {
    /// Returns the number, as in `include/uapi/asm-generic/errno-base.h`.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::NoExec => 8,
            Self::Exist => 17,
            Self::Inval => 22,
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoExec => "-ENOEXEC",
            Self::Exist => "-EEXIST",
            Self::Inval => "-EINVAL",
        })
    }
}

/// The party that refuses a livepatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The kernel refuses the livepatch.
    Kernel,
    /// klp-gen refuses the livepatch; the kernel would accept it.
    KlpGen,
}

impl By {
    /// Returns the name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::KlpGen => "klp-gen",
        }
    }
}

impl Refusal {
    /// Returns the refusal of a livepatch with `error` and without a word in the log.
    pub(super) fn silent(error: Errno, why: &str) -> Self {
        Self::Silent {
            error,
            message: format!("without a log message: {why}"),
        }
    }

    /// Returns the party that refuses.
    #[must_use]
    pub const fn by(&self) -> By {
        match self {
            Self::Harmful(_) | Self::InitReadsNull { .. } => By::KlpGen,
            _ => By::Kernel,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { name } => write!(f, "symbol '{name}' not found in symbol table"),
            Self::Ambiguous { name, object } => write!(
                f,
                "unresolvable ambiguity for symbol '{name}' in object '{object}'"
            ),
            Self::NoSuchPosition {
                name,
                sympos,
                object,
            } => write!(
                f,
                "symbol position {sympos} for symbol '{name}' in object '{object}' not found"
            ),
            Self::NotMarked { symbol, at } => {
                write!(f, "symbol {symbol}")?;
                if let Some(RelocationPlace { section, index }) = at {
                    write!(f, " at rela sec {section} idx {index}")?;
                }
                f.write_str(" is not marked as a livepatch symbol")
            }
            Self::SymbolFormat { symbol } => {
                write!(f, "symbol {symbol} has an incorrectly formatted name")
            }
            Self::SectionFormat { section } => {
                write!(f, "section {section} has an incorrectly formatted name")
            }
            Self::VmlinuxFromModule { name } => write!(
                f,
                "invalid access to vmlinux symbol '{name}' from module-specific livepatch \
                 relocation section"
            ),
            Self::SizeLookup { name } => write!(f, "kallsyms size lookup failed for '{name}'"),
            Self::NoFtrace { name } => {
                write!(f, "failed to find location for function '{name}'")
            }
            Self::NotLivepatch { module } => {
                write!(f, "module {module} is not marked as a livepatch module")
            }
            Self::InitReadsNull { module } => write!(
                f,
                "{module} has no livepatch=Y in its modinfo: klp_find_section_by_name() in its init code \
                 reads through a NULL pointer (add MODULE_INFO(livepatch, \"Y\"))"
            ),
            Self::UnknownSymbol { module, symbol } => {
                write!(f, "{module}: Unknown symbol {symbol} (err -2)")
            }
            Self::RelocationType { module, kind } => {
                write!(f, "{module}: Unknown rela relocation: {kind}")
            }
            Self::RelocationTarget { kind, at } => {
                f.write_str(
                    "x86/modules: Invalid relocation target, existing value is nonzero for ",
                )?;
                if let Some(RelocationPlace { section, index }) = at {
                    write!(f, "sec {section}, idx {index}, ")?;
                }
                write!(f, "type {kind}")
            }
            Self::Overflow { kind, value, at } => {
                write!(f, "overflow in relocation type {kind} val")?;
                // The place follows on the value.
                let Some(value) = value else {
                    return Ok(());
                };
                write!(f, " {value:x}")?;
                at.map_or(Ok(()), |RelocationPlace { section, index }| {
                    write!(f, " sec {section} idx {index}")
                })
            }
            Self::Exists { name } => {
                write!(f, "kobject_add_internal failed for {name} with -EEXIST")
            }
            Self::ReplacementSizeLookup { name } => {
                write!(f, "kallsyms size lookup failed for '{name}' replacement")
            }
            Self::Incompatible { module } => write!(
                f,
                "Livepatch patch ({module}) is not compatible with the already installed \
                 livepatches."
            ),
            Self::Silent { error, message } => write!(f, "{error} {message}"),
            Self::Loader(what) | Self::Harmful(what) => f.write_str(what),
        }
    }
}
