// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The names of modules: `KBUILD_MODNAME`, which scripts/Makefile.lib makes from the name of a file.

use crate::printable::shown;

/// The suffixes of the name of a module's file.
const SUFFIXES: [&[u8]; 5] = [b".ko", b".o", b".ko.gz", b".ko.xz", b".ko.zst"];

/// Returns the name of a module from the name of its file: kbuild's `name-fix-token` changes `-` and `,` to
/// `_`.
#[must_use]
pub fn module_name(stem: &[u8]) -> Vec<u8> {
    let fixed = |&b: &u8| if b"-,".contains(&b) { b'_' } else { b };
    stem.iter().map(fixed).collect()
}

/// Returns a message for an object name that kbuild can never produce, with the name that the author may
/// mean; nothing for other names.
///
/// The livepatch core compares names unchanged (`klp_find_object_module()` and `klp_module_coming()`). It
/// would wait for such a module for ever, and log nothing.
#[must_use]
pub fn impossible(name: &[u8]) -> Option<String> {
    if name == b"vmlinux" {
        return Some(
            "no module is called vmlinux: remove .name, which means the kernel itself".to_owned(),
        );
    }
    let stem = name.rsplit(|&b| b == b'/').next().unwrap_or_default();
    let stem = SUFFIXES.iter().find_map(|s| stem.strip_suffix(*s));
    let stem = stem.or_else(|| name.rsplit(|&b| b == b'/').next());
    let possible = module_name(stem.unwrap_or_default());
    (!name.is_empty() && possible != name).then(|| {
        let (name, possible) = (shown(name), shown(&possible));
        format!(
            "no module is called {name}: the name of a module has no path and no suffix, and '_' instead \
            of '-' (write {possible})"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_kbuild_cannot_make() {
        for (name, meant) in [
            ("snd-hda-intel", "snd_hda_intel"),
            ("a,b", "a_b"),
            ("ext4.ko", "ext4"),
            ("ext4.ko.xz", "ext4"),
            ("fs/ext4/ext4.ko", "ext4"),
            ("drivers/net/dummy-net.o", "dummy_net"),
        ] {
            let why = impossible(name.as_bytes()).unwrap();
            assert!(why.ends_with(&format!("(write {meant})")), "{why}");
        }
        assert!(impossible(b"vmlinux").unwrap().contains("remove .name"));
        // kbuild makes modules with a dot in their names. The kernel itself refuses the empty name.
        for name in ["ext4", "snd_hda_intel", "nf_nat.1", ""] {
            assert_eq!(impossible(name.as_bytes()), None, "{name}");
        }
    }
}
