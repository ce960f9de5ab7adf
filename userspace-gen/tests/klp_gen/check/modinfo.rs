// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The bytes that the loader takes for the strings of `.modinfo`.

use super::{check_bytes, header_of, messages, set_header, SH_OFFSET, SH_SIZE, SH_TYPE};
use crate::livepatch::Livepatch;
use klp_gen::check::By;
use klp_policy::Policy;
use object::elf;

/// Returns what is said to a livepatch whose `.modinfo` is elsewhere.
fn modinfo(offset: impl Fn(u64) -> u64, size: impl Fn(u64) -> u64) -> Vec<String> {
    let mut bytes = Livepatch::of("cmdline_proc_show").build();
    let at = header_of(&bytes, ".modinfo");
    for (field, change) in [
        (SH_OFFSET, &offset as &dyn Fn(u64) -> u64),
        (SH_SIZE, &size),
    ] {
        let place = at + field..at + field + 8;
        let old = u64::from_le_bytes(bytes[place.clone()].try_into().unwrap());
        bytes[place].copy_from_slice(&change(old).to_le_bytes());
    }
    messages(&check_bytes(&bytes, Policy::Exact), "refused")
}

/// `get_next_modinfo()` bounds where a string begins, not where it ends.
#[test]
fn modinfo_that_ends_in_a_string() {
    assert_eq!(modinfo(|o| o - 24, |s| s), [""; 0]);
    assert_eq!(modinfo(|o| o, |s| s - 24), [""; 0]);
    let none = "-ENOEXEC without a log message, unless loading is forced: it has no vermagic";
    assert_eq!(modinfo(|o| o, |s| s - 32), [none]);
    // The first string is compared before the size is looked at.
    let unknown = "lp: Unknown symbol klp_enable_patch (err -2)";
    assert_eq!(modinfo(|o| o, |_| 0)[..2], [none, unknown]);
    let vermagic = b"livepatch=Y\0license=GPL\0name=lp\0depends=\0".len() as u64;
    let refused = modinfo(|o| o + vermagic, |_| 0);
    let not_marked = "module lp is not marked as a livepatch module";
    assert_eq!(
        (refused[0].as_str(), refused.last().unwrap().as_str()),
        (unknown, not_marked)
    );
}

#[test]
fn modinfo_of_another_type() {
    for kind in [elf::SHT_NOBITS, elf::SHT_NULL] {
        let mut bytes = Livepatch::of("cmdline_proc_show").build();
        set_header(&mut bytes, ".modinfo", SH_TYPE, &kind.0.to_le_bytes());
        let report = check_bytes(&bytes, Policy::Exact);
        assert_eq!(messages(&report, "refused"), [""; 0]);
    }
}

#[test]
fn modinfo_without_an_end() {
    let mut bytes = Livepatch::of("cmdline_proc_show").build();
    let end = bytes.len() as u64;
    let string = b"livepatch=Y";
    bytes.extend_from_slice(string);
    set_header(&mut bytes, ".modinfo", SH_OFFSET, &end.to_le_bytes());
    let size = string.len() as u64;
    set_header(&mut bytes, ".modinfo", SH_SIZE, &size.to_le_bytes());
    let report = check_bytes(&bytes, Policy::Exact);
    let (finding, refusal) = report.refusals().next().unwrap();
    assert_eq!(finding.by(), Some(By::KlpGen));
    assert_eq!(
        refusal.to_string(),
        "the last string of its .modinfo does not end within the file"
    );
}
