// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The rules of the other kernels, as values.

use crate::{
    cases::CASES,
    naive,
    random, //
};
use klp_policy::Policy;
use proptest::prelude::*;

fn cleaned(policy: Policy, name: &[u8]) -> Vec<u8> {
    policy.clean(name).bytes().collect()
}

#[test]
fn cases() {
    for case in CASES {
        let name = String::from_utf8_lossy(case.name);
        assert_eq!(cleaned(Policy::Llvm, case.name), case.llvm, "{name}");
        assert_eq!(cleaned(Policy::Exact, case.name), case.name, "{name}");
        assert_eq!(cleaned(Policy::LlvmCut, case.name), case.llvm_cut, "{name}");
        assert_eq!(cleaned(Policy::DotCut, case.name), case.dot_cut, "{name}");
    }
}

proptest! {
    #[test]
    fn agree_with_their_naive_forms(name in random::name()) {
        prop_assert_eq!(cleaned(Policy::Llvm, &name), naive::clean(&name));
        prop_assert_eq!(cleaned(Policy::LlvmCut, &name), naive::cut(&name, b".llvm."));
        prop_assert_eq!(cleaned(Policy::DotCut, &name), naive::cut(&name, b"."));
    }
}

#[test]
fn a_rule_is_found_by_its_word() {
    let words = Policy::ALL.map(Policy::as_str);
    assert_eq!(words, ["llvm", "exact", "llvm-cut", "dot-cut"]);
    for policy in Policy::ALL {
        assert_eq!(policy.as_str().parse(), Ok(policy));
        assert_eq!(policy.to_string(), policy.as_str());
    }
    assert_eq!(Policy::default(), Policy::Llvm);
    let error = "LLVM".parse::<Policy>().unwrap_err().to_string();
    assert_eq!(error, "expected one of llvm, exact, llvm-cut, dot-cut");
}
