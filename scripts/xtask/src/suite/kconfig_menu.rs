// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Holds the kernel's menu to where `KLP_SYMPOS` can be set, and to what it has to say where not.
//!
//! An option whose dependencies are not met vanishes without a word. A comment takes its place, and
//! Kconfig writes the comments that a menu shows into `.config` as well.

use crate::kernel::Kernel;
use crate::report::tally::Tally;
use anyhow::Result;
use std::path::Path;

/// Options that a kernel with BTF needs, which the test kernel may not have.
const BTF: &[&str] = &[
    "CONFIG_DEBUG_INFO_NONE=n",
    "CONFIG_DEBUG_INFO_DWARF5=y",
    "CONFIG_BPF_SYSCALL=y",
    "CONFIG_DEBUG_INFO_BTF=y",
];

/// Options with a version of pahole, and the comment; without a comment `KLP_SYMPOS` is to be had.
const CASES: [(&[&str], &str, Option<&str>); 5] = [
    (
        BTF,
        "v1.23",
        Some("klp_sympos needs RUST, which with DEBUG_INFO_BTF needs pahole 1.24 or later"),
    ),
    (BTF, "v1.24", None),
    (
        &["CONFIG_MODVERSIONS=y"],
        "v1.24",
        Some("klp_sympos needs RUST, which excludes MODVERSIONS"),
    ),
    (
        &["CONFIG_RUST=n"],
        "v1.24",
        Some("klp_sympos needs RUST (see its dependencies, and make rustavailable)"),
    ),
    (
        &["CONFIG_DEBUG_FS=n", "CONFIG_KUNIT_DEBUGFS=n"],
        "v1.24",
        Some("klp_sympos needs DEBUG_FS"),
    ),
];

/// Configures the kernel in each of these ways.
///
/// # Errors
///
/// Fails if Kconfig does.
pub fn check(kernel: &Kernel, tally: &mut Tally, logs: &Path) -> Result<()> {
    for (options, pahole, comment) in CASES {
        let config = kernel.reconfigured(options, pahole, logs)?;
        match wrong(&config, comment) {
            None => tally.pass(),
            Some(reason) => {
                let name = format!("menu: {}, pahole {pahole}", options.join(" "));
                tally.fail(name, reason);
            }
        }
    }
    Ok(())
}

/// Returns what is wrong with a `.config` that should have the comment and not the option, or the option
/// and no comment.
fn wrong(config: &str, comment: Option<&str>) -> Option<String> {
    let comments = config
        .lines()
        .filter(|line| line.starts_with("# klp_sympos "));
    let comments: Vec<_> = comments.collect();
    let option = config
        .lines()
        .find(|line| line.starts_with("CONFIG_KLP_SYMPOS="));
    let right = match (comment, option, &comments[..]) {
        (Some(comment), None, [only]) => only.strip_prefix("# ") == Some(comment),
        (None, Some(_), []) => true,
        _ => false,
    };
    (!right).then(|| {
        format!("expected the comment {comment:?} alone, found {option:?} and {comments:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_menu_is_held_to_its_comment() {
        let comment = Some("klp_sympos needs X");
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

    #[test]
    fn a_menu_that_has_the_option_has_no_comment() {
        assert_eq!(wrong("CONFIG_KLP_SYMPOS=m\n", None), None);
        for config in [
            "CONFIG_A=y\n",
            "# klp_sympos needs X\nCONFIG_KLP_SYMPOS=m\n",
        ] {
            assert!(wrong(config, None).is_some(), "{config}");
        }
    }
}
