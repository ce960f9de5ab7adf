// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The differences between kernel releases, as data.
//!
//! klp-gen predicts what the module loader, the livepatch core and kallsyms do. Each of their differences that klp-gen
//! knows is a field of [`Release`], and [`KNOWN`] has the values. No other file compares the numbers of releases.

use klp_policy::TooLarge;
use std::fmt;
use std::ops::RangeInclusive;

/// The behaviour of the kernels of a release.
#[derive(Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each stands for a change of the kernel by itself"
)]
pub struct Release {
    /// The number.
    pub number: Number,

    /// kallsyms: the beginnings of names that are not listed, in addition to those of every release; scripts/mksysmap.
    pub unlisted_prefixes: &'static [&'static [u8]],
    /// kallsyms: the names that are not listed if nothing but digits follows them; scripts/mksysmap.
    pub unlisted_numbered: &'static [&'static [u8]],
    /// kallsyms: per-cpu variables that are linked to 0 are absolute symbols, with the letter `A`; scripts/kallsyms.c.
    /// x86-64 has linked them to 0 before 6.15.
    pub absolute_per_cpu: bool,

    /// The loader checks the names of symbols with the header: `elf_validity_cache_strtab()`.
    pub checks_symbol_names: bool,
    /// The loader checks the sections of `CONFIG_EXTENDED_MODVERSIONS` with the header:
    /// `elf_validity_cache_index_versions()`.
    pub checks_extended_versions: bool,
    /// The sections that the loader reads and does not keep, besides `.modinfo`: `rewrite_section_headers()`.
    pub versions: &'static [&'static [u8]],
    /// The sections that are read-only once the module has initialized, besides those that have the flag:
    /// `layout_and_allocate()`.
    pub ro_after_init: &'static [&'static [u8]],
    /// The loader applies the relocations of per-cpu variables: `apply_relocations()`.
    pub relocates_per_cpu: bool,
    /// `__kflagstab` tells which exports are for GPL modules only, and a module with exports has to have it:
    /// `check_export_symbol_sections()`. Otherwise these exports are in `__ksymtab_gpl`.
    pub export_flags: bool,
    /// A namespace `module:a,b*` is open to the modules that it names, and no module may import it:
    /// `verify_module_namespace()`, `setup_modinfo()`.
    pub module_namespaces: bool,
    /// Messages about a relocation tell its section and its index: `__write_relocate_add()`, `klp_resolve_symbols()`.
    pub messages_tell_place: bool,

    /// `klp_enable_patch()` refuses a function without a name before anything else: `klp_check_patch()`.
    pub checks_old_names_first: bool,
    /// The value of a position that is too large.
    pub too_large: TooLarge,

    /// The opcodes of the instruction that holds the type of a function: `decode_preamble_hash()`.
    pub type_opcodes: RangeInclusive<u8>,
}

/// The known releases, in ascending order.
pub const KNOWN: [&Release; 2] = [&V6_12, &V7_3];

/// The release that is assumed if no file tells the release.
pub const DEFAULT: &Release = &V6_12;

/// Linux 6.12.
const V6_12: Release = Release {
    number: Number {
        major: 6,
        minor: 12,
    },
    unlisted_prefixes: &[],
    unlisted_numbered: &[],
    absolute_per_cpu: true,
    checks_symbol_names: false,
    checks_extended_versions: false,
    versions: &[b"__versions"],
    ro_after_init: &[b".data..ro_after_init", b"__jump_table"],
    relocates_per_cpu: false,
    export_flags: false,
    module_namespaces: false,
    messages_tell_place: false,
    checks_old_names_first: false,
    too_large: TooLarge::Wraps,
    type_opcodes: MOV_EAX..=MOV_EAX,
};

/// Linux 7.3.
const V7_3: Release = Release {
    number: Number { major: 7, minor: 3 },
    unlisted_prefixes: &[b"__mod_device_table__"],
    unlisted_numbered: &[b"__UNIQUE_ID_modinfo_"],
    absolute_per_cpu: false,
    checks_symbol_names: true,
    checks_extended_versions: true,
    versions: &[b"__versions", b"__version_ext_crcs", b"__version_ext_names"],
    ro_after_init: &[
        b".data..ro_after_init",
        b"__jump_table",
        // With CONFIG_HAVE_STATIC_CALL_INLINE.
        b".static_call_sites",
    ],
    relocates_per_cpu: true,
    export_flags: true,
    module_namespaces: true,
    messages_tell_place: true,
    checks_old_names_first: true,
    too_large: TooLarge::Saturates,
    // The register tells the number of arguments, with CONFIG_FINEIBT_BHI.
    type_opcodes: MOV_EAX..=0xbf,
};

/// `mov $type, %eax`.
const MOV_EAX: u8 = 0xb8;

/// The number of a release, such as 6.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number {
    /// The first part.
    pub major: u32,
    /// The second part.
    pub minor: u32,
}

impl Number {
    /// Reads the number at the beginning of a version magic, such as `6.12.117 SMP mod_unload `.
    #[must_use]
    pub fn of_vermagic(vermagic: &[u8]) -> Option<Self> {
        let release = vermagic.split(|&b| b == b' ').next()?;
        let mut parts = release.split(|&b| b == b'.');
        Some(Self {
            major: digits(parts.next()?)?,
            minor: digits(parts.next()?)?,
        })
    }
}

/// Reads the number at the beginning of `7-rc1`.
fn digits(text: &[u8]) -> Option<u32> {
    let end = text.iter().position(|b| !b.is_ascii_digit());
    let text = &text[..end.unwrap_or(text.len())];
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Release {
    /// Returns the known release that stands for a number: the nearest one below, or else the oldest one.
    #[must_use]
    pub fn nearest(number: Number) -> &'static Self {
        let mut known = KNOWN.into_iter().rev();
        let below = known.find(|known| known.number <= number);
        below.unwrap_or(KNOWN[0])
    }

    /// Returns the release that stands for the kernel of a version magic; the default without a number in it.
    #[must_use]
    pub fn of_vermagic(vermagic: Option<&[u8]>) -> &'static Self {
        let number = vermagic.and_then(Number::of_vermagic);
        number.map_or(DEFAULT, Self::nearest)
    }

    /// Returns a message if the release of a version magic is not known, and another one stands for it.
    #[must_use]
    pub fn note(vermagic: &[u8]) -> Option<String> {
        let number = Number::of_vermagic(vermagic)?;
        let nearest = Self::nearest(number).number;
        (nearest != number).then(|| {
            let known: Vec<_> = KNOWN.iter().map(|known| known.number.to_string()).collect();
            format!(
                "klp-gen does not know Linux {number}, and judges as for {nearest} (known: {})",
                known.join(", ")
            )
        })
    }
}
