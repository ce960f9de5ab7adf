// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbols of vmlinux that kallsyms lists: scripts/mksysmap and `is_ignored_symbol()` in
//! scripts/kallsyms.c.

use crate::release::Release;
use klp_policy::KSYM_NAME_LEN;

/// The prefixes of names that kallsyms does not list; scripts/mksysmap explains them.
const PREFIXES: [&[u8]; 13] = [
    b"$",
    b".L",
    b"__efistub_",
    b"__pi_$",
    b"__pi_.L",
    b"__kvm_nvhe_$",
    b"__kvm_nvhe_.L",
    b"__kcfi_typeid_",
    b"__kvm_nvhe___kcfi_typeid_",
    b"__pi___kcfi_typeid_",
    b"__crc_",
    b"__kstrtab_",
    b"__kstrtabns_",
];

const SUFFIXES: [&[u8]; 3] = [b"_from_arm", b"_from_thumb", b"_veneer"];

const NAMES: [&[u8]; 3] = [b"L0", b"_SDA_BASE_", b"_SDA2_BASE_"];

const INFIXES: [&[u8]; 2] = [b".long_branch.", b".plt_branch."];

/// The absolute symbols that kallsyms lists.
const ABSOLUTE: [&[u8]; 4] = [
    b"__kernel_syscall_via_break",
    b"__kernel_syscall_via_epc",
    b"__kernel_sigtramp",
    b"__gp",
];

/// Returns true if kallsyms of a release lists a symbol of a name and an `nm` letter.
#[must_use]
pub fn lists(release: &Release, name: &[u8], letter: u8) -> bool {
    let by_letter = match letter {
        b'N' | b'U' | b'w' | b'u' | b'n' | b'a' => false,
        // The address of a symbol without a section cannot be relocated.
        b'A' => ABSOLUTE.contains(&name),
        _ => true,
    };
    let prefixes = PREFIXES.iter().chain(release.unlisted_prefixes);
    by_letter
        && name.len() < KSYM_NAME_LEN
        && !prefixes.into_iter().any(|p| name.starts_with(p))
        && !is_numbered(release, name)
        && !SUFFIXES.iter().any(|s| name.ends_with(s))
        && !NAMES.contains(&name)
        && !INFIXES
            .iter()
            .any(|i| name.windows(i.len()).any(|w| w == *i))
        && !is_thunk(name)
}

/// Returns true for `__UNIQUE_ID_modinfo_[0-9]*$`, and other names of a release that end with a number.
fn is_numbered(release: &Release, name: &[u8]) -> bool {
    let mut bases = release.unlisted_numbered.iter();
    bases.any(|base| {
        let number = name.strip_prefix(*base);
        number.is_some_and(|number| number.iter().all(u8::is_ascii_digit))
    })
}

/// Returns true for `__[[:alnum:]]*Thunk_`, which lld makes for arm, aarch64 and mips.
fn is_thunk(name: &[u8]) -> bool {
    let Some(name) = name.strip_prefix(b"__") else {
        return false;
    };
    let word = name
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric())
        .count();
    let (word, rest) = name.split_at(word);
    word.ends_with(b"Thunk") && rest.starts_with(b"_")
}
