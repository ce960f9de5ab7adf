// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Checks and converts a livepatch.

use crate::fixtures::with_target;
use klp_gen::check::{check, check_file, Installed};
use klp_gen::convert::{convert, Conversion};
use klp_gen::elf::ElfFile;
use klp_gen::target::Target;
use klp_policy::Policy;

/// Checks and converts a file for every kernel.
pub fn run(data: &[u8]) {
    with_target(|target| {
        if let Ok(elf) = ElfFile::parse("livepatch".to_owned(), data) {
            for policy in Policy::ALL {
                // It is what is checked, and what is installed.
                if let Ok(installed) = Installed::read(&elf) {
                    let report = check(&elf, target, policy, &[installed]);
                    let _ = format!("{report:?}");
                }
                let report = check(&elf, target, policy, &[]);
                let _ = format!("{report:?}");
            }
        }
        let report = check_file("livepatch".to_owned(), data, target, Policy::Exact, &[]);
        let _ = format!("{report:?}");
        for policy in [Policy::Llvm, Policy::Exact] {
            let Some(converted) = converted(data, target, policy) else {
                continue;
            };
            let once = self::converted(data, target, policy);
            assert!(once.as_ref() == Some(&converted), "not the same twice");
            let again = self::converted(&converted, target, policy);
            assert!(again == Some(converted), "not converted to itself");
        }
    });
}

fn converted(data: &[u8], target: &Target<'_>, policy: Policy) -> Option<Vec<u8>> {
    match convert("livepatch", data, target, policy) {
        Ok(Conversion::Done(converted)) => {
            // It was checked before it was handed out.
            assert_eq!(converted.report.refusals().count(), 0);
            Some(converted.bytes)
        }
        Ok(Conversion::Refused(problems)) => {
            assert!(!problems.is_empty(), "refused without a reason");
            let _ = format!("{problems:?}");
            None
        }
        Ok(Conversion::Rejected(report)) => {
            assert!(report.refusals().count() > 0, "rejected without a reason");
            None
        }
        Err(error) => {
            let _ = format!("{error:#}");
            None
        }
    }
}
