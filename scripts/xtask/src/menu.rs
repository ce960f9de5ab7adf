// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Holds the kernel's menu to what it has to say where `KLP_SYMPOS` cannot be set.
//!
//! An option whose dependencies are not met vanishes without a word. A comment takes its place, and
//! Kconfig writes the comments that a menu shows into `.config` as well.

use std::path::Path;

use anyhow::Result;

use crate::{
    kernel::Kernel,
    tally::Tally, //
};

/// Options that exclude `KLP_SYMPOS`, and the comment.
const CASES: [(&[&str], &str); 4] = [
    (
        &[
            "CONFIG_DEBUG_INFO_NONE=n",
            "CONFIG_DEBUG_INFO_DWARF5=y",
            "CONFIG_BPF_SYSCALL=y",
            "CONFIG_DEBUG_INFO_BTF=y",
        ],
        "klp_sympos needs RUST, which excludes DEBUG_INFO_BTF with LTO",
    ),
    (
        &["CONFIG_MODVERSIONS=y"],
        "klp_sympos needs RUST, which excludes MODVERSIONS",
    ),
    (
        &["CONFIG_RUST=n"],
        "klp_sympos needs RUST (see make rustavailable)",
    ),
    (
        &["CONFIG_DEBUG_FS=n", "CONFIG_KUNIT_DEBUGFS=n"],
        "klp_sympos needs DEBUG_FS",
    ),
];

/// Configures the kernel in each of these ways.
///
/// # Errors
///
/// Fails if Kconfig does.
pub fn check(kernel: &Kernel, tally: &mut Tally, logs: &Path) -> Result<()> {
    for (options, comment) in CASES {
        let config = kernel.reconfigured(options, logs)?;
        match wrong(&config, comment) {
            None => tally.pass(),
            Some(reason) => tally.fail(format!("menu: {}", options.join(" ")), reason),
        }
    }
    Ok(())
}

/// Returns what is wrong with a `.config` that should have the comment and not the option.
fn wrong(config: &str, comment: &str) -> Option<String> {
    let comments = config
        .lines()
        .filter(|line| line.starts_with("# klp_sympos "));
    let comments: Vec<_> = comments.collect();
    let option = config
        .lines()
        .find(|line| line.starts_with("CONFIG_KLP_SYMPOS="));
    match (option, &comments[..]) {
        (None, [only]) if only.strip_prefix("# ") == Some(comment) => None,
        _ => Some(format!(
            "expected the comment `{comment}` alone, found {option:?} and {comments:?}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_menu_is_held_to_its_comment() {
        let comment = "klp_sympos needs X";
        assert_eq!(
            wrong("CONFIG_A=y\n#\n# klp_sympos needs X\n#\n", comment),
            None
        );
        for config in [
            "CONFIG_A=y\n",
            "# klp_sympos needs Y\n",
            "# klp_sympos needs X\n# klp_sympos needs Y\n",
            "# klp_sympos needs X\nCONFIG_KLP_SYMPOS=m\n",
        ] {
            assert!(wrong(config, comment).is_some(), "{config}");
        }
    }
}
