// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The names by which functions and variables of both builds of a file are paired.

use klp_policy::Policy;

/// Prefixes of names that macros make unique with a counter of the compiler. Any macro before them changes
/// the counter.
const COUNTED: [&[u8]; 3] = [b"__UNIQUE_ID_", b"__initcall__", b"__initstub__"];

/// Returns a name without the promotion suffix of `ThinLTO`, which contains a hash of one build.
#[must_use]
pub fn clean(name: &[u8]) -> Vec<u8> {
    Policy::Llvm.clean(name).bytes().collect()
}

/// Returns a name without the parts that a change elsewhere in the file can change.
///
/// These parts are the hash, the number behind a static local (`show.key.12`: LLVM counts all names of a file
/// together), and the numbers in names that macros make unique.
#[must_use]
pub fn stem(name: &[u8]) -> Vec<u8> {
    let name = clean(name);
    let mut parts = name.split(|&b| b == b'.');
    let mut stem = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        if part.is_empty() || !part.iter().all(u8::is_ascii_digit) {
            stem.push(b'.');
            stem.extend_from_slice(part);
        }
    }
    let is_counted = |mark: &&[u8]| memchr::memmem::find(&stem, mark).is_some();
    if COUNTED.iter().any(is_counted) {
        let mut without = Vec::with_capacity(stem.len());
        for &byte in &stem {
            if !byte.is_ascii_digit() {
                without.push(byte);
            } else if without.last() != Some(&b'#') {
                without.push(b'#');
            }
        }
        return without;
    }
    stem
}

/// Names of variables that macros make at each place of use, with a state that may be lost: the flag of a
/// message that is printed once, the state of a rate limit, a key of lockdep.
const FORGETFUL: [&[u8]; 8] = [
    b"__already_done",
    b"__warned",
    b"__print_once",
    b"_rs",
    b"__key",
    b"___once_key",
    b"__func__",
    b"__PRETTY_FUNCTION__",
];

/// Returns true if nothing of importance is lost when a variable of this name is taken for another one of the name.
#[must_use]
pub fn is_forgetful(name: &[u8]) -> bool {
    let stem = stem(name);
    let last = stem.rsplit(|&b| b == b'.').next().unwrap_or_default();
    FORGETFUL.contains(&last)
}

/// Returns true if a variable is the key that a macro such as `mutex_init()` makes for the lock class of one place.
///
/// Such a key is a static local `__key` (`include/linux/mutex.h`, `include/linux/spinlock.h`).
#[must_use]
pub fn is_lock_key(name: &[u8]) -> bool {
    let stem = stem(name);
    stem.rsplit(|&b| b == b'.').next() == Some(b"__key")
}

/// Returns true if the name may be that of a part of a static struct: LLVM splits a struct into variables that it
/// numbers from 0 (`SRAGlobal()` of `GlobalOpt.cpp`), without those of fields that nobody uses. So another use gives a
/// field another number.
///
/// A part of `state` is `state.1`. Those of static locals are known by a 0 (`f.x.0`), which no static local has as its own
/// number, or by two numbers (`f.x.7.1`).
#[must_use]
pub fn is_part(name: &[u8]) -> bool {
    let name = clean(name);
    let components = name.split(|&b| b == b'.').skip(1);
    let is_number: Vec<_> = components
        .map(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
        .collect();
    match is_number[..] {
        [] => false,
        [.., true, true] => true,
        [.., true] if name.ends_with(b".0") => true,
        ref all => all.iter().all(|&is_number| is_number),
    }
}

/// Returns the name of the function from which a part with its own symbol was split: `foo` for `foo.cold`.
#[must_use]
pub fn parent(name: &[u8]) -> Option<Vec<u8>> {
    let name = clean(name);
    let at = memchr::memmem::find(&name, b".cold")?;
    let rest = name.get(at + b".cold".len()..)?;
    let ends = rest.iter().all(|&b| b == b'.' || b.is_ascii_digit());
    (at > 0 && ends).then(|| name[..at].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_two_builds_have_one_stem() {
        for (a, b) in [
            (&b"foo.llvm.123"[..], &b"foo.llvm.456"[..]),
            (b"foo", b"foo.llvm.456"),
            (b"show.key", b"show.key.12"),
            (b"show.key.3.llvm.77", b"show.key.4"),
            (b"__UNIQUE_ID_ddebug123", b"__UNIQUE_ID_ddebug7"),
            (b"f.__UNIQUE_ID_ddebug123.4", b"f.__UNIQUE_ID_ddebug7"),
            (
                b"__initcall__kmod_a__1_22_b6",
                b"__initcall__kmod_a__3_4_b6",
            ),
        ] {
            assert_eq!(
                stem(a),
                stem(b),
                "{} {}",
                a.escape_ascii(),
                b.escape_ascii()
            );
        }
    }

    #[test]
    fn names_of_two_things_have_two() {
        for (a, b) in [
            (&b"foo"[..], &b"foo.cold"[..]),
            (b"foo1", b"foo2"),
            (b"show.key", b"show.lock"),
            (b"a.key.1", b"b.key.1"),
        ] {
            assert_ne!(
                stem(a),
                stem(b),
                "{} {}",
                a.escape_ascii(),
                b.escape_ascii()
            );
        }
    }

    #[test]
    fn parts_of_a_variable_have_a_number_that_no_variable_has() {
        for name in [
            "state.1",
            "state.1.llvm.77",
            "state.1.2",
            "show.key.0",
            "show.key.7.1",
        ] {
            assert!(is_part(name.as_bytes()), "{name}");
        }
        for name in [
            "state",
            "show.key",
            "show.key.1",
            "show.key.10",
            "state.llvm.77",
        ] {
            assert!(!is_part(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn cold_parts_belong_to_a_function() {
        assert_eq!(parent(b"foo.cold").as_deref(), Some(&b"foo"[..]));
        assert_eq!(parent(b"foo.llvm.12.cold.1").as_deref(), Some(&b"foo"[..]));
        assert_eq!(parent(b"foo.colder"), None);
        assert_eq!(parent(b".cold"), None);
    }
}
