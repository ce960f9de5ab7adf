// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Names without what differs from build to build.

/// Returns a name without the hash of a promotion, the number of a static local, the part that was split off, and the
/// counter of a macro.
pub fn clean(name: &str) -> String {
    let mut parts = name.split('.');
    let mut clean = parts.next().unwrap_or_default().to_owned();
    let mut is_hash = false;
    for part in parts {
        let is_number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let is_hex = !part.is_empty() && part.bytes().all(|b| b.is_ascii_hexdigit());
        if is_hash && is_hex || is_number || part == "cold" {
            is_hash = false;
            continue;
        }
        if is_hash {
            clean.push_str(".llvm");
        }
        is_hash = part == "llvm";
        if !is_hash {
            clean.push('.');
            clean.push_str(part);
        }
    }
    if ["__UNIQUE_ID_", "__initcall__", "__initstub__"]
        .iter()
        .any(|counted| clean.contains(counted))
    {
        clean.retain(|c| !c.is_ascii_digit());
    }
    clean
}

/// Returns the function that a symbol in front of a function belongs to.
pub fn function(name: &str) -> &str {
    let prefixes = ["__cfi_", "__pfx_"];
    let mut rests = prefixes
        .iter()
        .filter_map(|prefix| name.strip_prefix(prefix));
    rests.next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_build_to_build_is_removed() {
        for (name, expected) in [
            ("foo", "foo"),
            ("foo.llvm.1234", "foo"),
            ("foo.bar.12", "foo.bar"),
            ("foo.bar.3.llvm.77", "foo.bar"),
            ("foo.cold", "foo"),
            ("foo.llvm.x", "foo.llvm.x"),
            ("__UNIQUE_ID_ddebug12", "__UNIQUE_ID_ddebug"),
            (".text.foo.llvm.1", ".text.foo"),
        ] {
            assert_eq!(clean(name), expected, "{name}");
        }
        assert_eq!(function("__cfi_foo"), "foo");
    }
}
